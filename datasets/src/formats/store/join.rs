//! Samples to learn from and those for validation, which are files of their own, as one store.

use std::path::{Path, PathBuf};

use crate::dataset::Dataset;
use crate::dataset::halves::{Parts, unlike};
use crate::dataset::provenance::{Provenance, packed_by};
use crate::error::{Error, bail};
use crate::files::cache;
use crate::formats::options::OpenOptions;
use crate::formats::store::kept::Kept;
use crate::formats::store::metadata::Metadata;
use crate::formats::store::write::StoreWriter;
use crate::preparation::Preparation;
use crate::sample::label::UNLABELLED;

/// The samples of `train`, and behind them those of `validation`, for validation; and a note if
/// the store of both is not kept. A class that no sample to learn from has is no label there.
///
/// # Errors
/// If the samples are not of the same kind, or the store cannot be written.
pub(crate) fn join(
    (train_path, train): (&Path, Dataset),
    (path, validation): (&Path, Dataset),
    options: &OpenOptions,
) -> Result<(Dataset, Option<String>), Error> {
    if let Some(problem) = unlike(&train, &validation) {
        return Err(Error::file(path, problem));
    }
    if train.columns() != validation.columns() {
        bail!(path, "has other columns or categories than the samples to learn from: make it anew");
    }
    let name = train.name().to_owned();
    let mut fingerprint = String::new();
    for path in [train_path, path] {
        fingerprint += &format!("{:016x}", cache::fingerprint(path)?);
    }
    let places = cache::places(train_path, options.cache.as_deref(), "with-validation")?;
    let kept = |place: &PathBuf| Kept::find(place, &name, &fingerprint, options.access);
    let mut not_kept = None;
    let parts = match places.iter().find_map(kept) {
        Some(kept) => kept.parts,
        None => {
            let place = cache::place(&places, options.cache.is_some())?;
            write(&train, validation, &fingerprint, place.path())?;
            not_kept = place.note();
            Kept::open(place.path(), &name, &fingerprint, options.access)?.parts
        }
    };
    match parts {
        Parts::Whole(joined) => Ok((joined, not_kept)),
        Parts::Halves(..) => bail!(train_path, "was kept in two halves: try again"),
    }
}

fn write(
    train: &Dataset,
    validation: Dataset,
    fingerprint: &str,
    place: &Path,
) -> Result<(), Error> {
    let (count, classes) = (validation.len() as u64, train.classes());
    let validation = validation.with_known_classes(train.class_names())?;
    let labelled = train.has_labels();
    let mut writer = StoreWriter::create(place, train.dtype(), train.stored_shape(), labelled)?;
    for half in [train, &validation] {
        half.for_each_stored(|_, sample, label| {
            let known = labelled && usize::from(label) < classes;
            writer.push_stored(sample, if known { label } else { UNLABELLED })
        })?;
    }
    let max_value = match train.preparation() {
        &Preparation::Bytes { max } => Some(max),
        _ => None,
    };
    writer.finish(&Metadata {
        max_value,
        columns: train.columns().map(<[_]>::to_vec),
        label: train.label_name().map(str::to_owned),
        classes: train.class_names().to_vec(),
        validation: count,
        provenance: Provenance {
            packed_by: packed_by(),
            fingerprint: Some(fingerprint.to_owned()),
            ..train.provenance().clone()
        },
        ..Metadata::default()
    })
}
