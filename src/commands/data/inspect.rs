//! `narrows data inspect`: what data hold.

use super::{open, path_of, tell};
use crate::cli::options::data_commands::{Inspect, Reading};
use crate::cli::options::values::List;
use crate::error::Error;
use crate::output::numbers::counted;
use crate::output::picture;
use crate::output::progress::Progress;
use crate::output::tables::{inspection, refused};
use narrows_datasets::{Dtype, Inspection, Parts, RefusedColumn, Remedy, Undivided};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The images of a class in a picture.
const EACH: usize = 10;
/// The most classes in a picture.
const CLASSES: usize = 50;

pub fn run(options: &Inspect) -> Result<String, Error> {
    let Inspect { path, reading, sheet, json, .. } = options;
    let path = path_of(path)?;
    let progress = Progress::new(reading.quiet);
    let (data, refused, skips) = open_readable(reading.clone(), &path, &progress)?;
    let name = path.display().to_string();
    let told = &mut |done, total| tell(&progress, &name, done, total);
    let found = narrows_datasets::inspect(&data, &path, told)?;
    progress.end_count();
    if let Some(file) = sheet {
        let png = picture_of(&data.data, &found)?;
        std::fs::write(file, png)
            .map_err(|e| Error::at(file, format_args!("cannot be written: {e}")))?;
    }
    if *json {
        let line = serde_json::to_string(&Told { found: &found, refused: named(&refused) });
        return Ok(line
            .map_err(|e| Error::at(&path, format_args!("cannot be told as JSON: {e}")))?
            + "\n");
    }
    let sheet = sheet.as_deref().map(Path::display).map(|file| file.to_string());
    let text = inspection::text(&found, sheet);
    Ok(match (refused.is_empty(), skips) {
        (false, _) => text + &refused::text(&refused),
        (true, true) => {
            let count = counted(data.skipped.len(), "image");
            let are = if data.skipped.len() == 1 { "is" } else { "are" };
            format!(
                "{text}\n{count} cannot be read, and {are} left out above\n\nadd to read the rest: \
                 --skip-bad\n"
            )
        }
        (true, false) => text,
    })
}

/// The data, as JSON has them.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    found: &'a Inspection,
    /// Columns that are refused, and their problems.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    refused: BTreeMap<&'a str, &'a str>,
}

fn named(refused: &[RefusedColumn]) -> BTreeMap<&str, &str> {
    refused.iter().map(|column| (column.name.as_str(), column.problem.as_str())).collect()
}

/// Opens the data without columns that are refused and images that cannot be read. Returns the
/// columns, and true if there are such images.
fn open_readable(
    mut reading: Reading,
    path: &Path,
    progress: &Progress,
) -> Result<(Undivided, Vec<RefusedColumn>, bool), Error> {
    let (mut refused, mut skips, mut first) = (Vec::new(), false, None);
    loop {
        let error = match open(&reading, path, None, progress) {
            Ok(data) => return Ok((data, refused, skips)),
            Err(error) => error,
        };
        let columns = error.columns();
        let unreadable = error.remedy() == Some(Remedy::SkipUnreadable) && !skips;
        if columns.is_empty() && !unreadable {
            return Err(first.unwrap_or(error));
        }
        (skips, reading.files.skip_bad) =
            (skips || unreadable, reading.files.skip_bad || unreadable);
        reading.files.ignore.push(List(columns.iter().map(|column| column.name.clone()).collect()));
        refused.extend_from_slice(columns);
        first.get_or_insert(error);
    }
}

/// A picture of the first images of each class, a class a line.
fn picture_of(parts: &Parts, found: &Inspection) -> Result<Vec<u8>, Error> {
    let (train, test) = parts.both();
    let none = || {
        Error::new(format!(
            "{}: samples of the shape {:?} are no pictures of one or three channels: leave --sheet \
             out",
            found.name, found.shape
        ))
    };
    let shape = train
        .image_shape()
        .filter(|&(_, _, channels)| matches!(channels, 1 | 3))
        .ok_or_else(none)?;
    // Bytes by their maximum, floats by the smallest and the largest value.
    let (low, high) = match (&found.values, train.dtype()) {
        (Some(values), Dtype::F32) => (values.min as f32, values.max as f32),
        _ => (0.0, 1.0),
    };
    let scale = 1.0 / (high - low).max(f32::MIN_POSITIVE);
    let mut rows = Vec::new();
    for group in narrows_datasets::examples(parts, CLASSES, EACH)? {
        let mut images = Vec::new();
        for (half, row) in group {
            let data = if half == 0 { train } else { test.unwrap_or(train) };
            let mut image = vec![0.0; data.sample_len()];
            match data.dtype() {
                Dtype::U8 => data.gather(&[row], &mut image)?,
                Dtype::F32 => {
                    let bytes = data.stored_bytes(row as usize)?;
                    for (value, stored) in image.iter_mut().zip(bytes.as_chunks().0) {
                        *value = (f32::from_le_bytes(*stored) - low) * scale;
                    }
                }
            }
            images.push(image);
        }
        rows.push(images);
    }
    picture::sheet(&rows, EACH, shape)?.ok_or_else(none)
}
