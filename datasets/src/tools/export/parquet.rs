//! Parquet: a column for each value, and one for the label, as CSV has them.

use std::path::Path;

use super::Export;
use crate::error::Error;
use crate::formats::tables::parquet::{ColumnarKind, ColumnarWriter, FieldKind, Value};
use crate::sample::column::ColumnKind;
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;
use crate::tools::both_halves::Told;

pub(super) fn write(export: &Export<'_>, out: &Path, told: &mut Told<'_>) -> Result<u64, Error> {
    let together = &export.together;
    let columns = together.columns.as_deref().unwrap_or_default();
    let names = export.column_names(out)?;
    let labels_at = if export.labels.is_some() { names.len() - 1 } else { names.len() };
    let kind =
        |at: usize| match (columns.get(at).map(|column| &column.kind), together.train.dtype()) {
            _ if at == labels_at => FieldKind::Text,
            (Some(ColumnKind::Category { .. }), _) => FieldKind::Text,
            (_, Dtype::F32) => FieldKind::F32,
            (_, Dtype::U8) => FieldKind::U8,
        };
    let fields: Vec<_> = names.into_iter().enumerate().map(|(at, name)| (name, kind(at))).collect();
    let mut file = ColumnarWriter::create(out, ColumnarKind::Parquet, &fields)?;
    let mut row = Vec::with_capacity(fields.len());
    for &half in export.halves {
        together.for_each(half, |sample, label| {
            row.clear();
            match together.train.dtype() {
                Dtype::U8 => row.extend(sample.iter().map(|&value| Value::U8(value))),
                Dtype::F32 => {
                    let values =
                        sample.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value));
                    row.extend(values.enumerate().map(|(at, value)| {
                        match columns.get(at) {
                            Some(_) if value.is_nan() => Value::Null,
                            Some(column) => match &column.kind {
                                ColumnKind::Number => Value::F32(value),
                                ColumnKind::Category { names, .. } => names
                                    .get(value as usize)
                                    .map_or(Value::Null, |name| Value::Text(name)),
                            },
                            None => Value::F32(value),
                        }
                    }));
                }
            }
            if export.labels.is_some() {
                row.push(match label {
                    UNLABELLED => Value::Null,
                    label => Value::Text(&together.class_names()[usize::from(label)]),
                });
            }
            file.push(&row)?;
            told.add(sample.len());
            Ok(())
        })?;
    }
    file.finish()
}
