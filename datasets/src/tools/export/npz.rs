//! NumPy's `.npz`: a zip file of `.npy` files, stored as `numpy.savez` does.

use std::io::{self, Write};
use std::path::Path;

use rawzip::{CompressionMethod, ZipArchiveWriter};

use super::{Export, npy};
use crate::error::Error;
use crate::files::atomic::{self, AtomicFile, not_written};
use crate::tools::both_halves::ProgressMeter;

pub(super) fn write(
    export: &Export<'_>,
    out: &Path,
    meter: &mut ProgressMeter<'_>,
) -> Result<u64, Error> {
    let mut archive = ZipArchiveWriter::new(atomic::create(out)?);
    for (ending, halves) in export.arrays() {
        member(&mut archive, out, &format!("x{ending}.npy"), |put| {
            put(&npy::values_header(export, halves))?;
            export.values(halves, meter, put)
        })?;
        if export.labels.is_some() {
            member(&mut archive, out, &format!("y{ending}.npy"), |put| {
                npy::labels(export, halves, put)
            })?;
        }
    }
    archive.finish().map_err(|error| failed(out, error))?.complete()
}

/// Adds what `write` puts as the member `name`.
fn member(
    archive: &mut ZipArchiveWriter<AtomicFile>,
    out: &Path,
    name: &str,
    write: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error>,
) -> Result<(), Error> {
    let builder = archive.new_file(name).compression_method(CompressionMethod::STORE);
    let (mut entry, config) = builder.start().map_err(|error| failed(out, error))?;
    let mut writer = config.wrap(&mut entry);
    write(&mut |bytes| writer.write_all(bytes).map_err(|error| not_written(out, error)))?;
    let (_, descriptor) = writer.finish().map_err(|error| failed(out, error))?;
    entry.finish(descriptor).map_err(|error| failed(out, error))?;
    Ok(())
}

fn failed(out: &Path, error: rawzip::Error) -> Error {
    not_written(out, io::Error::other(error.to_string()))
}
