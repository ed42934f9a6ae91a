//! NumPy's `.npy`, byte for byte as `numpy.save` writes it.

use std::path::Path;

use super::{Export, labels_beside};
use crate::error::Error;
use crate::files::atomic::{self, AtomicFile};
use crate::formats::arrays::npy::header;
use crate::sample::dtype::Dtype;
use crate::tools::both_halves::{Half, ProgressMeter};

pub(super) fn write(
    export: &Export<'_>,
    out: &Path,
    meter: &mut ProgressMeter<'_>,
) -> Result<u64, Error> {
    let mut file = atomic::create(out)?;
    file.put(&values_header(export, export.halves))?;
    export.values(export.halves, meter, |sample| file.put(sample))?;
    let labels = match export.labels {
        Some(_) => {
            let mut file = atomic::create(&labels_beside(out))?;
            labels(export, export.halves, &mut |bytes| file.put(bytes))?;
            Some(file)
        }
        None => None,
    };
    let bytes = file.complete()?;
    Ok(bytes + labels.map_or(Ok(0), AtomicFile::complete)?)
}

/// The header of the samples of `halves`.
pub(super) fn values_header(export: &Export<'_>, halves: &[Half]) -> Vec<u8> {
    let descr = match export.dtype() {
        Dtype::U8 => "|u1",
        Dtype::F32 => "<f4",
    };
    header(descr, &export.shape(halves))
}

/// Writes the labels of `halves`: two bytes each if all have one, else eight.
pub(super) fn labels(
    export: &Export<'_>,
    halves: &[Half],
    put: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let short = export.labels.as_ref().is_some_and(|labels| labels.fit(i64::from(u16::MAX)));
    put(&header(if short { "<u2" } else { "<i8" }, &export.shape(halves)[..1]))?;
    export.numbers(halves, |number| match short {
        true => put(&(number as u16).to_le_bytes()),
        false => put(&number.to_le_bytes()),
    })
}
