//! CSV: a column for each value, and one for the label.

use std::path::Path;

use super::Export;
use crate::error::Error;
use crate::files::atomic::{self, not_written};
use crate::formats::tables::csv::{CsvCell, CsvWriter};
use crate::sample::column::ColumnKind;
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;
use crate::tools::both_halves::Told;

pub(super) fn write(export: &Export<'_>, out: &Path, told: &mut Told<'_>) -> Result<u64, Error> {
    let together = &export.together;
    let columns = together.columns.as_deref().unwrap_or_default();
    let names = export.column_names(out)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let failed = |error| not_written(out, error);
    let mut table = CsvWriter::new(atomic::create(out)?, &names).map_err(failed)?;
    let mut cells = Vec::with_capacity(names.len());
    for &half in export.halves {
        together.for_each(half, |sample, label| {
            cells.clear();
            match together.train.dtype() {
                Dtype::U8 => {
                    cells.extend(sample.iter().map(|&value| CsvCell::Whole(u64::from(value))))
                }
                Dtype::F32 => {
                    let values =
                        sample.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value));
                    cells.extend(values.enumerate().map(|(at, value)| match columns.get(at) {
                        Some(column) => cell(&column.kind, value),
                        None => CsvCell::Number(value),
                    }));
                }
            }
            if export.labels.is_some() {
                cells.push(match label {
                    UNLABELLED => CsvCell::Missing,
                    label => CsvCell::Text(&together.class_names()[usize::from(label)]),
                });
            }
            table.row(&cells).map_err(failed)?;
            told.add(sample.len());
            Ok(())
        })?;
    }
    table.finish().map_err(failed)?.complete()
}

/// A stored value as it was in the table.
fn cell(kind: &ColumnKind, value: f32) -> CsvCell<'_> {
    match kind {
        ColumnKind::Number => CsvCell::Number(value),
        ColumnKind::Category { .. } if value.is_nan() => CsvCell::Missing,
        ColumnKind::Category { names, .. } => {
            names.get(value as usize).map_or(CsvCell::Missing, |name| CsvCell::Text(name))
        }
    }
}
