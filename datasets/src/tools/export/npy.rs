//! NumPy's `.npy`, byte for byte as `numpy.save` writes it.

use std::path::Path;

use super::{Export, ExportFormat};
use crate::error::Error;
use crate::files::atomic::{self, AtomicFile};
use crate::sample::dtype::Dtype;
use crate::tools::both_halves::{Half, Told};

/// The digits that NumPy leaves room for, so that the number of samples can grow.
const ROOM: usize = 21;
/// What the length of a header is a multiple of.
const ALIGNMENT: usize = 64;
/// Signature, version and the length of the text.
const START: usize = 10;

pub(super) fn write(export: &Export<'_>, out: &Path, told: &mut Told<'_>) -> Result<u64, Error> {
    let mut file = atomic::create(out)?;
    file.put(&values_header(export, export.halves))?;
    export.values(export.halves, told, |sample| file.put(sample))?;
    let labels = match ExportFormat::Npy.labels_file(out).filter(|_| export.labels.is_some()) {
        Some(path) => {
            let mut file = atomic::create(&path)?;
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

/// The header of an array of the type `descr`.
fn header(descr: &str, shape: &[u64]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(u64::to_string).collect();
    let comma = if sizes.len() == 1 { "," } else { "" };
    let mut text = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}",
        sizes.join(", ")
    );
    text += &" ".repeat(ROOM - sizes[0].len());
    let filled = ALIGNMENT - (START + text.len() + 1) % ALIGNMENT;
    text += &" ".repeat(filled);
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}
