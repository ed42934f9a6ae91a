//! The pages of a Parquet file's columns. Those that Zstandard compressed are decompressed here,
//! since the library's own decoder for them is C.
//!
//! The library is told that such a column is not compressed, and hands on its pages as they lie in
//! the file:
//!
//! ```text
//! dictionary, data of version 1:   all compressed
//! data of version 2:               levels, as they are   values, compressed or not
//! ```

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Compression;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::page_check::PageCheck;
use super::page_guard::GuardedPages;
use crate::files::zstd;

/// The pages of a file by its metadata.
pub(super) struct FilePages {
    pub(super) file: Arc<File>,
    pub(super) metadata: Arc<ParquetMetaData>,
}

impl RowGroups for FilePages {
    fn num_rows(&self) -> usize {
        let rows = self.metadata.row_groups().iter().map(|group| group.num_rows().max(0) as usize);
        rows.fold(0, usize::saturating_add)
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let (file, metadata) = (self.file.clone(), self.metadata.clone());
        Ok(Box::new(ColumnPages { file, metadata, column, group: 0 }))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.metadata.row_groups().iter())
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The readers of a column's pages, one for each group of rows.
struct ColumnPages {
    file: Arc<File>,
    metadata: Arc<ParquetMetaData>,
    column: usize,
    /// The next group.
    group: usize,
}

impl ColumnPages {
    fn reader(&self, group: &RowGroupMetaData) -> Result<Box<dyn PageReader>> {
        let chunk = group.column(self.column);
        let rows = usize::try_from(group.num_rows())?;
        let pages = Arc::new(GuardedPages::new(self.file.clone(), chunk.compression()));
        let check = PageCheck::new(chunk.column_descr());
        let zstd = matches!(chunk.compression(), Compression::ZSTD(_));
        let inner = if zstd {
            let plain = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED);
            SerializedPageReader::new(pages.clone(), &plain.build()?, rows, None)?
        } else {
            SerializedPageReader::new(pages.clone(), chunk, rows, None)?
        };
        Ok(Box::new(Pages { inner, pages, zstd, check }))
    }
}

impl Iterator for ColumnPages {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = self.metadata.row_groups().get(self.group)?;
        let reader = self.reader(group);
        self.group += 1;
        Some(reader)
    }
}

impl PageIterator for ColumnPages {}

/// The pages of a column in one group of rows.
struct Pages {
    /// Hands on pages, and reads them through `pages`.
    inner: SerializedPageReader<GuardedPages>,
    pages: Arc<GuardedPages>,
    /// Zstandard compressed them, and they are handed on as they lie in the file.
    zstd: bool,
    check: PageCheck,
}

impl Pages {
    /// A page's bytes, of which the first `plain` ones are not compressed.
    fn decompress(&self, bytes: &Bytes, plain: usize) -> Result<Bytes> {
        let wrong = || ParquetError::General("a page is shorter than its levels".to_owned());
        let length = self.pages.promised().checked_sub(plain).ok_or_else(wrong)?;
        let mut out = bytes.get(..plain).ok_or_else(wrong)?.to_vec();
        // A page of missing values alone may have nothing that could be decompressed.
        if length > 0 {
            zstd::decompress(&bytes[plain..], length, &mut out)
                .map_err(|error: io::Error| ParquetError::General(error.to_string()))?;
        }
        Ok(out.into())
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some(mut page) = self.inner.get_next_page()? else { return Ok(None) };
        match &mut page {
            _ if !self.zstd => {}
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => {
                *buf = self.decompress(buf, 0)?;
            }
            Page::DataPageV2 { is_compressed: false, .. } => {}
            Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let levels = *def_levels_byte_len as usize + *rep_levels_byte_len as usize;
                *buf = self.decompress(buf, levels)?;
            }
        }
        self.check.page(&page)?;
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.inner.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.inner.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.inner.at_record_boundary()
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}
