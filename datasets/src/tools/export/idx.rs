//! IDX, as MNIST has it: samples of bytes in one file, labels in another.

use std::path::Path;

use super::{Export, labels_beside};
use crate::error::{Error, bail};
use crate::files::atomic::{self, AtomicFile};
use crate::sample::dtype::Dtype;
use crate::tools::both_halves::ProgressMeter;

const BYTES: u8 = 0x08;
const INTEGERS: u8 = 0x0c;

pub(super) fn write(
    export: &Export<'_>,
    out: &Path,
    meter: &mut ProgressMeter<'_>,
) -> Result<u64, Error> {
    if export.dtype() == Dtype::F32 {
        bail!(out, "cannot hold floats, which these samples are: choose .npy or .npz");
    }
    let mut file = atomic::create(out)?;
    file.put(&header(BYTES, &export.shape(export.halves), out)?)?;
    export.values(export.halves, meter, |sample| file.put(sample))?;
    let labels = match &export.labels {
        Some(labels) => {
            let short = labels.fit(i64::from(u8::MAX));
            if !short && labels.numbers.iter().any(|&number| number > i64::from(i32::MAX)) {
                bail!(out, "cannot hold labels above 2147483647: choose .npy or .npz");
            }
            let mut file = atomic::create(&labels_beside(out))?;
            file.put(&header(if short { BYTES } else { INTEGERS }, &[export.rows], out)?)?;
            export.numbers(export.halves, |number| match short {
                true => file.put(&[number as u8]),
                false => file.put(&(number as i32).to_be_bytes()),
            })?;
            Some(file)
        }
        None => None,
    };
    let bytes = file.complete()?;
    Ok(bytes + labels.map_or(Ok(0), AtomicFile::complete)?)
}

/// The header of an array whose values have the type `element`.
fn header(element: u8, shape: &[u64], out: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0, 0, element, shape.len() as u8];
    for &size in shape {
        let size = u32::try_from(size).map_err(|_| {
            Error::file(out, format!("cannot have the size {size}: choose .npy or .npz"))
        })?;
        bytes.extend(size.to_be_bytes());
    }
    Ok(bytes)
}
