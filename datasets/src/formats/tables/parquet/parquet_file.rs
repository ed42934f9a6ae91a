//! Batches of rows from a Parquet file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::Compression;
use parquet::file::metadata::PageIndexPolicy;

use crate::error::{Error, Problem, Remedy, bail};
use crate::formats::tables::parquet::pages::FilePages;
use crate::formats::tables::parquet::{damaged, find_footer};

/// The largest number of cells in a batch, so that a wide table's batch is not large.
const CELLS: usize = 1 << 20;
const ROWS: usize = 8192;

/// A file, by the metadata at its end.
pub(crate) struct ParquetFile {
    metadata: ArrowReaderMetadata,
}

impl ParquetFile {
    /// `length` is the file's.
    pub(crate) fn open(path: &Path, file: &File, length: u64) -> Result<Self, Error> {
        find_footer(path, file, length, 4, |magic| match &magic {
            b"PAR1" => Ok(()),
            b"PARE" => {
                bail!(path, "is an encrypted Parquet file: write it again without encryption")
            }
            _ => Err(damaged(path, "it does not end as a Parquet file does")),
        })?;
        // With an index, pages would be read past their guard.
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Skip);
        let metadata = ArrowReaderMetadata::load(file, options)
            .map_err(|error| damaged(path, &error.to_string()))?;
        for group in metadata.metadata().row_groups() {
            for chunk in group.columns() {
                // Checked here, since `byte_range` panics at negative ones.
                let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
                let end =
                    u64::try_from(start).ok().zip(u64::try_from(chunk.compressed_size()).ok());
                if end
                    .and_then(|(start, bytes)| start.checked_add(bytes))
                    .is_none_or(|end| end > length)
                {
                    let column = chunk.column_path().string();
                    return Err(damaged(path, &format!("column {column:?} is beyond its end")));
                }
            }
        }
        Ok(ParquetFile { metadata })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    /// Batches of these columns.
    pub(crate) fn batches(
        &self,
        path: &Path,
        file: File,
        columns: &[usize],
    ) -> Result<Batches, Error> {
        let schema = self.metadata.parquet_schema();
        let mask = ProjectionMask::roots(schema, columns.iter().copied());
        for group in self.metadata.metadata().row_groups() {
            for (leaf, chunk) in
                group.columns().iter().enumerate().filter(|&(leaf, _)| mask.leaf_included(leaf))
            {
                let codec = match chunk.compression() {
                    Compression::BROTLI(_) => "Brotli",
                    Compression::LZO => "LZO",
                    _ => continue,
                };
                let column = schema.column(leaf).name().to_owned();
                let advice = "write it again with compression=\"zstd\", or ignore the column";
                let problem = format!(
                    "column {column:?} is compressed by {codec}, which cannot be read: {advice}"
                );
                return Err(Error::file(path, Problem::with(problem, Remedy::Ignore)));
            }
        }
        let rows = (CELLS / columns.len().max(1)).clamp(1, ROWS);
        let pages = FilePages { file: Arc::new(file), metadata: self.metadata.metadata().clone() };
        let kinds = Some(self.schema().fields());
        let reader = parquet_to_arrow_field_levels(schema, mask, kinds).and_then(|levels| {
            ParquetRecordBatchReader::try_new_with_row_groups(&levels, &pages, rows, None)
        });
        let reader = reader.map_err(|error| damaged(path, &error.to_string()))?;
        Ok(Batches(reader))
    }
}

pub(crate) struct Batches(ParquetRecordBatchReader);

impl Batches {
    /// None at the end.
    pub(crate) fn next(&mut self, path: &Path) -> Result<Option<RecordBatch>, Error> {
        self.0.next().transpose().map_err(|error| damaged(path, &error.to_string()))
    }
}
