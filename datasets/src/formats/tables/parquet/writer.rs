//! Writes Parquet and Arrow files, row by row.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{
    FixedSizeListBuilder, Float32Builder, Float64Builder, Int64Builder, StringBuilder,
    UInt8Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::error::{Error, bail};
use crate::files::atomic::AtomicFile;

/// Bytes of values that are gathered before they are encoded.
const BATCH: usize = 8 << 20;
/// Encoded bytes of a Parquet file's row group, or up to one batch's more: they are in memory until
/// it is complete.
const ROW_GROUP: usize = 64 << 20;

/// The format of a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnarKind {
    /// Parquet, compressed by Snappy, which every reader knows.
    Parquet,
    /// Arrow's file format (Feather, version 2), not compressed, so that it can be mapped.
    ArrowIpc,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// 32-bit floats.
    F32,
    /// 64-bit floats.
    F64,
    /// Unsigned bytes.
    U8,
    /// 64-bit integers.
    I64,
    /// Unsigned 64-bit integers.
    U64,
    /// Texts.
    Text,
    /// So many 32-bit floats in each row.
    Floats(usize),
    /// So many unsigned bytes in each row.
    Bytes(usize),
}

/// A row's value in one column. Any column may hold [`Value::Null`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// Of [`FieldKind::F32`].
    F32(f32),
    /// Of [`FieldKind::F64`].
    F64(f64),
    /// Of [`FieldKind::U8`].
    U8(u8),
    /// Of [`FieldKind::I64`].
    I64(i64),
    /// Of [`FieldKind::U64`].
    U64(u64),
    /// Of [`FieldKind::Text`].
    Text(&'a str),
    /// Of [`FieldKind::Floats`].
    Floats(&'a [f32]),
    /// Of [`FieldKind::Bytes`].
    Bytes(&'a [u8]),
}

/// A file that is being written, under another name until [`ColumnarWriter::finish`]. Dropped
/// before that, it is removed. About 150 MB of rows are in memory at most, but for one row that is
/// larger.
pub struct ColumnarWriter {
    path: PathBuf,
    names: Vec<String>,
    schema: SchemaRef,
    columns: Vec<Builder>,
    /// Of the values in `columns`.
    bytes: usize,
    rows: usize,
    encoder: Option<Encoder>,
}

enum Encoder {
    Parquet(Box<ArrowWriter<AtomicFile>>),
    Arrow(Box<arrow_ipc::writer::FileWriter<AtomicFile>>),
}

enum Builder {
    F32(Float32Builder),
    F64(Float64Builder),
    U8(UInt8Builder),
    I64(Int64Builder),
    U64(UInt64Builder),
    Text(StringBuilder),
    Floats(FixedSizeListBuilder<Float32Builder>, usize),
    Bytes(FixedSizeListBuilder<UInt8Builder>, usize),
}

impl ColumnarWriter {
    /// Begins a file of these columns (name and kind).
    ///
    /// # Errors
    /// If the file cannot be created, if there are no columns or two of a name, or if a list is
    /// empty or has more than `i32::MAX` values.
    pub fn create(
        path: &Path,
        kind: ColumnarKind,
        fields: &[(String, FieldKind)],
    ) -> Result<Self, Error> {
        if fields.is_empty() {
            bail!(path, "cannot be written without a column");
        }
        let mut names: Vec<&String> = fields.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!(path, "cannot be written with two columns {:?}: rename one", twice[0]);
        }
        let mut columns = Vec::new();
        for (name, kind) in fields {
            if let FieldKind::Floats(values) | FieldKind::Bytes(values) = *kind
                && (values == 0 || i32::try_from(values).is_err())
            {
                bail!(path, "column {name:?} cannot hold lists of {values} values");
            }
            columns.push(Builder::new(*kind));
        }
        let schema = fields.iter().map(|(name, kind)| Field::new(name, kind.arrow(), true));
        let schema = Arc::new(Schema::new(schema.collect::<Vec<_>>()));
        let file = AtomicFile::create(path).map_err(|error| Error::io(path, error))?;
        let mut writer = ColumnarWriter {
            path: path.to_owned(),
            names: fields.iter().map(|(name, _)| name.clone()).collect(),
            schema: schema.clone(),
            columns,
            bytes: 0,
            rows: 0,
            encoder: None,
        };
        writer.encoder = Some(match kind {
            ColumnarKind::Parquet => {
                let properties =
                    WriterProperties::builder().set_compression(Compression::SNAPPY).build();
                let encoder = ArrowWriter::try_new(file, schema, Some(properties));
                Encoder::Parquet(Box::new(encoder.map_err(|error| writer.failed(&error))?))
            }
            ColumnarKind::ArrowIpc => {
                let encoder = arrow_ipc::writer::FileWriter::try_new(file, &schema);
                Encoder::Arrow(Box::new(encoder.map_err(|error| writer.failed(&error))?))
            }
        });
        Ok(writer)
    }

    /// Adds a row: a value for each column, in their order.
    ///
    /// # Errors
    /// If the values are not those that the columns hold, or if the file cannot be written.
    pub fn push(&mut self, row: &[Value<'_>]) -> Result<(), Error> {
        // All of it before any of it is added: a row is added whole or not at all.
        if row.len() != self.columns.len() {
            bail!(
                &self.path,
                "a row of {} values cannot be written to {} columns",
                row.len(),
                self.columns.len()
            );
        }
        for ((value, column), name) in row.iter().zip(&self.columns).zip(&self.names) {
            if !column.holds(value) {
                bail!(
                    &self.path,
                    "column {name:?} cannot hold what it was given: {}",
                    value.described()
                );
            }
        }
        for (value, column) in row.iter().zip(&mut self.columns) {
            self.bytes += column.push(value);
        }
        self.rows += 1;
        if self.bytes >= BATCH { self.encode() } else { Ok(()) }
    }

    /// Completes the file, and gives it its name; the bytes that it has.
    ///
    /// # Errors
    /// If the file cannot be written or renamed.
    pub fn finish(mut self) -> Result<u64, Error> {
        self.encode()?;
        let file = match self.encoder.take().expect("only this takes it") {
            Encoder::Parquet(writer) => writer.into_inner().map_err(|error| self.failed(&error))?,
            Encoder::Arrow(writer) => writer.into_inner().map_err(|error| self.failed(&error))?,
        };
        file.complete()
    }

    fn encode(&mut self) -> Result<(), Error> {
        if self.rows == 0 {
            return Ok(());
        }
        let columns = self.columns.iter_mut().map(Builder::finish).collect();
        (self.bytes, self.rows) = (0, 0);
        let batch = RecordBatch::try_new(self.schema.clone(), columns)
            .map_err(|error| self.failed(&error))?;
        let written = match self.encoder.as_mut().expect("only `finish` takes it") {
            Encoder::Parquet(writer) => writer
                .write(&batch)
                .and_then(|()| {
                    if writer.in_progress_size() >= ROW_GROUP { writer.flush() } else { Ok(()) }
                })
                .map_err(|error| error.to_string()),
            Encoder::Arrow(writer) => writer.write(&batch).map_err(|error| error.to_string()),
        };
        written.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> Error {
        let error: String =
            error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Error::file(&self.path, format!("cannot be written: {error}; see that the disk has room"))
    }
}

impl FieldKind {
    fn arrow(self) -> DataType {
        match self {
            FieldKind::F32 => DataType::Float32,
            FieldKind::F64 => DataType::Float64,
            FieldKind::U8 => DataType::UInt8,
            FieldKind::I64 => DataType::Int64,
            FieldKind::U64 => DataType::UInt64,
            FieldKind::Text => DataType::Utf8,
            FieldKind::Floats(values) => {
                DataType::new_fixed_size_list(DataType::Float32, values as i32, true)
            }
            FieldKind::Bytes(values) => {
                DataType::new_fixed_size_list(DataType::UInt8, values as i32, true)
            }
        }
    }
}

impl Value<'_> {
    fn described(&self) -> String {
        match self {
            Value::Floats(values) => format!("{} floats", values.len()),
            Value::Bytes(values) => format!("{} bytes", values.len()),
            Value::Text(_) => "a text".to_owned(),
            number => format!("{number:?}"),
        }
    }
}

impl Builder {
    fn new(kind: FieldKind) -> Self {
        match kind {
            FieldKind::F32 => Builder::F32(Float32Builder::new()),
            FieldKind::F64 => Builder::F64(Float64Builder::new()),
            FieldKind::U8 => Builder::U8(UInt8Builder::new()),
            FieldKind::I64 => Builder::I64(Int64Builder::new()),
            FieldKind::U64 => Builder::U64(UInt64Builder::new()),
            FieldKind::Text => Builder::Text(StringBuilder::new()),
            FieldKind::Floats(values) => Builder::Floats(
                FixedSizeListBuilder::new(Float32Builder::new(), values as i32),
                values,
            ),
            FieldKind::Bytes(values) => Builder::Bytes(
                FixedSizeListBuilder::new(UInt8Builder::new(), values as i32),
                values,
            ),
        }
    }

    fn holds(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (_, Value::Null)
            | (Builder::F32(_), Value::F32(_))
            | (Builder::F64(_), Value::F64(_))
            | (Builder::U8(_), Value::U8(_))
            | (Builder::I64(_), Value::I64(_))
            | (Builder::U64(_), Value::U64(_))
            | (Builder::Text(_), Value::Text(_)) => true,
            (Builder::Floats(_, expected), Value::Floats(values)) => values.len() == *expected,
            (Builder::Bytes(_, expected), Value::Bytes(values)) => values.len() == *expected,
            _ => false,
        }
    }

    /// Adds a value that [`Builder::holds`] is for, any other as a null; the bytes that it takes.
    fn push(&mut self, value: &Value<'_>) -> usize {
        match self {
            Builder::F32(builder) => {
                builder.append_option(if let Value::F32(value) = *value {
                    Some(value)
                } else {
                    None
                });
                4
            }
            Builder::F64(builder) => {
                builder.append_option(if let Value::F64(value) = *value {
                    Some(value)
                } else {
                    None
                });
                8
            }
            Builder::U8(builder) => {
                builder.append_option(if let Value::U8(value) = *value {
                    Some(value)
                } else {
                    None
                });
                1
            }
            Builder::I64(builder) => {
                builder.append_option(if let Value::I64(value) = *value {
                    Some(value)
                } else {
                    None
                });
                8
            }
            Builder::U64(builder) => {
                builder.append_option(if let Value::U64(value) = *value {
                    Some(value)
                } else {
                    None
                });
                8
            }
            Builder::Text(builder) => {
                let text = if let Value::Text(text) = *value { Some(text) } else { None };
                builder.append_option(text);
                4 + text.map_or(0, str::len)
            }
            Builder::Floats(builder, values) => {
                if let Value::Floats(row) = value {
                    builder.values().append_slice(row);
                    builder.append(true);
                } else {
                    builder.values().append_nulls(*values);
                    builder.append(false);
                }
                4 * *values
            }
            Builder::Bytes(builder, values) => {
                if let Value::Bytes(row) = value {
                    builder.values().append_slice(row);
                    builder.append(true);
                } else {
                    builder.values().append_nulls(*values);
                    builder.append(false);
                }
                *values
            }
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::F32(builder) => Arc::new(builder.finish()),
            Builder::F64(builder) => Arc::new(builder.finish()),
            Builder::U8(builder) => Arc::new(builder.finish()),
            Builder::I64(builder) => Arc::new(builder.finish()),
            Builder::U64(builder) => Arc::new(builder.finish()),
            Builder::Text(builder) => Arc::new(builder.finish()),
            Builder::Floats(builder, _) => Arc::new(builder.finish()),
            Builder::Bytes(builder, _) => Arc::new(builder.finish()),
        }
    }
}
