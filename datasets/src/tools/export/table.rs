//! CSV and Parquet: a column for each value, and one for the label.

use std::path::Path;

use super::Export;
use crate::error::Error;
use crate::formats::tables::cell::{FieldKind, TableCell};
use crate::formats::tables::write::{TableFormat, TableWriter};
use crate::sample::column::ColumnKind;
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;
use crate::tools::both_halves::ProgressMeter;

pub(super) fn write(
    export: &Export<'_>,
    format: TableFormat,
    out: &Path,
    meter: &mut ProgressMeter<'_>,
) -> Result<u64, Error> {
    let both = &export.both;
    let columns = both.columns.as_deref().unwrap_or_default();
    let names = export.column_names(out)?;
    let values = names.len() - usize::from(export.labels.is_some());
    let kind = |at: usize| match (columns.get(at).map(|column| &column.kind), both.train.dtype()) {
        _ if at == values => FieldKind::Text,
        (Some(ColumnKind::Category { .. }), _) => FieldKind::Text,
        (Some(ColumnKind::Number { origin, .. }), _) if *origin != 0 => FieldKind::Double,
        (_, Dtype::F32) => FieldKind::Number,
        (_, Dtype::U8) => FieldKind::Byte,
    };
    let fields: Vec<_> =
        names.iter().enumerate().map(|(at, name)| (name.as_str(), kind(at))).collect();
    let mut table = TableWriter::create(out, format, &fields)?;
    let mut cells = Vec::with_capacity(fields.len());
    both.for_each(export.halves, meter, |_, sample, label| {
        cells.clear();
        match both.train.dtype() {
            Dtype::U8 => {
                cells.extend(sample.iter().map(|&value| TableCell::Whole(u64::from(value))));
            }
            Dtype::F32 => {
                let values = sample.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value));
                cells.extend(values.enumerate().map(|(at, value)| match columns.get(at) {
                    Some(column) => cell(&column.kind, value),
                    None => TableCell::Number(value),
                }));
            }
        }
        if export.labels.is_some() {
            cells.push(match label {
                UNLABELLED => TableCell::Missing,
                label => TableCell::Text(&both.class_names()[usize::from(label)]),
            });
        }
        table.row(&cells)
    })?;
    table.finish()
}

/// A stored value as it was in the table.
fn cell(kind: &ColumnKind, value: f32) -> TableCell<'_> {
    match kind {
        _ if value.is_nan() => TableCell::Missing,
        ColumnKind::Number { origin: 0, .. } => TableCell::Number(value),
        ColumnKind::Number { origin, .. } => TableCell::Double(f64::from(value) + *origin as f64),
        ColumnKind::Category { names, .. } => {
            names.get(value as usize).map_or(TableCell::Missing, |name| TableCell::Text(name))
        }
    }
}
