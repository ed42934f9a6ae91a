//! Parquet files written row by row.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{
    Float32Builder, Float64Builder, StringBuilder, UInt8Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::error::{At as _, Error, bail};
use crate::files::atomic::AtomicFile;
use crate::formats::tables::cell::{FieldKind, TableCell};
use crate::formats::tables::source::twice;

/// Bytes of values that are gathered before they are encoded.
const BATCH: usize = 8 << 20;
/// Encoded bytes of a row group, or up to one batch's more: they are in memory until it is
/// complete.
const ROW_GROUP: usize = 64 << 20;

/// A file in the making. Dropped before it is finished, it is removed.
pub(crate) struct ParquetWriter {
    path: PathBuf,
    schema: SchemaRef,
    columns: Vec<Column>,
    /// The bytes and the rows in `columns`.
    bytes: usize,
    rows: usize,
    encoder: ArrowWriter<AtomicFile>,
}

/// The values of a column that are not encoded yet.
enum Column {
    Number(Float32Builder),
    Double(Float64Builder),
    Byte(UInt8Builder),
    Whole(UInt64Builder),
    Text(StringBuilder),
}

impl ParquetWriter {
    /// Begins a file of these columns.
    ///
    /// # Errors
    /// If the file cannot be created, or if there are no columns or two of a name.
    pub(crate) fn create(path: &Path, fields: &[(&str, FieldKind)]) -> Result<Self, Error> {
        if fields.is_empty() {
            bail!(path, "cannot be written without a column");
        }
        let names: Vec<&str> = fields.iter().map(|&(name, _)| name).collect();
        if let Some((one, _)) = twice(&names) {
            bail!(path, "cannot be written with two columns {:?}: rename one", names[one]);
        }
        let schema = fields.iter().map(|&(name, kind)| Field::new(name, data_type(kind), true));
        let schema = Arc::new(Schema::new(schema.collect::<Vec<_>>()));
        let file = AtomicFile::create(path).at(path)?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        Ok(ParquetWriter {
            path: path.to_owned(),
            columns: fields.iter().map(|&(_, kind)| Column::new(kind)).collect(),
            bytes: 0,
            rows: 0,
            encoder: ArrowWriter::try_new(file, schema.clone(), Some(properties))
                .map_err(|error| failed(path, &error))?,
            schema,
        })
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Adds a row, whole or not at all: a cell for each column.
    ///
    /// # Errors
    /// If a cell is not of its column's type, or if the file cannot be written.
    pub(crate) fn row(&mut self, cells: &[TableCell<'_>]) -> Result<(), Error> {
        for (at, (cell, column)) in cells.iter().zip(&self.columns).enumerate() {
            if !column.holds(cell) {
                let name = self.schema.field(at).name();
                bail!(&self.path, "column {name:?} cannot hold {cell:?}");
            }
        }
        for (&cell, column) in cells.iter().zip(&mut self.columns) {
            self.bytes += column.push(cell);
        }
        self.rows += 1;
        if self.bytes >= BATCH { self.encode() } else { Ok(()) }
    }

    /// Completes the file, and returns its length in bytes.
    ///
    /// # Errors
    /// If the file cannot be written or renamed.
    pub(crate) fn finish(mut self) -> Result<u64, Error> {
        self.encode()?;
        self.encoder.into_inner().map_err(|error| failed(&self.path, &error))?.complete()
    }

    fn encode(&mut self) -> Result<(), Error> {
        if self.rows == 0 {
            return Ok(());
        }
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        (self.bytes, self.rows) = (0, 0);
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(ParquetError::from);
        let written = batch.and_then(|batch| self.encoder.write(&batch)).and_then(|()| {
            if self.encoder.in_progress_size() >= ROW_GROUP { self.encoder.flush() } else { Ok(()) }
        });
        written.map_err(|error| failed(&self.path, &error))
    }
}

fn failed(path: &Path, error: &ParquetError) -> Error {
    let error: String =
        error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Error::file(path, format!("cannot be written: {error}; see that the disk has room"))
}

fn data_type(kind: FieldKind) -> DataType {
    match kind {
        FieldKind::Number => DataType::Float32,
        FieldKind::Double => DataType::Float64,
        FieldKind::Byte => DataType::UInt8,
        FieldKind::Whole => DataType::UInt64,
        FieldKind::Text => DataType::Utf8,
    }
}

impl Column {
    fn new(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Number => Column::Number(Float32Builder::new()),
            FieldKind::Double => Column::Double(Float64Builder::new()),
            FieldKind::Byte => Column::Byte(UInt8Builder::new()),
            FieldKind::Whole => Column::Whole(UInt64Builder::new()),
            FieldKind::Text => Column::Text(StringBuilder::new()),
        }
    }

    fn holds(&self, cell: &TableCell<'_>) -> bool {
        matches!(
            (self, cell),
            (_, TableCell::Missing)
                | (Column::Number(_), TableCell::Number(_))
                | (Column::Double(_), TableCell::Double(_))
                | (Column::Byte(_), TableCell::Whole(..=255))
                | (Column::Whole(_), TableCell::Whole(_))
                | (Column::Text(_), TableCell::Text(_))
        )
    }

    /// Adds a cell that the column [holds](Column::holds), and returns its bytes. Any other is a
    /// null.
    fn push(&mut self, cell: TableCell<'_>) -> usize {
        let whole = if let TableCell::Whole(value) = cell { Some(value) } else { None };
        match self {
            Column::Number(values) => {
                let number = if let TableCell::Number(value) = cell { Some(value) } else { None };
                values.append_option(number);
                4
            }
            Column::Double(values) => {
                let number = if let TableCell::Double(value) = cell { Some(value) } else { None };
                values.append_option(number);
                8
            }
            Column::Byte(values) => {
                values.append_option(whole.map(|value| value as u8));
                1
            }
            Column::Whole(values) => {
                values.append_option(whole);
                8
            }
            Column::Text(values) => {
                let text = if let TableCell::Text(text) = cell { Some(text) } else { None };
                values.append_option(text);
                4 + text.map_or(0, str::len)
            }
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Column::Number(values) => Arc::new(values.finish()),
            Column::Double(values) => Arc::new(values.finish()),
            Column::Byte(values) => Arc::new(values.finish()),
            Column::Whole(values) => Arc::new(values.finish()),
            Column::Text(values) => Arc::new(values.finish()),
        }
    }
}
