//! Checks of pages at whose damage the decoder would panic: a dictionary that is not there, and
//! bits that tell missing values that are fewer than the values.
//!
//! ```text
//! levels: runs, each with its length in 7 bits a byte, the lowest first
//!     length x 2 (x 1 byte)           as many times the same bit
//!     groups x 2 + 1, groups bytes    8 bits a group
//! ```

use parquet::basic::Encoding;
use parquet::column::page::Page;
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::ColumnDescriptor;

/// The state of a column while its pages are looked at.
pub(super) struct PageCheck {
    /// Values may be missing, in no list: then a level is one bit.
    one_bit: bool,
    dictionary: bool,
}

impl PageCheck {
    pub(super) fn new(column: &ColumnDescriptor) -> Self {
        let one_bit = column.max_rep_level() == 0 && column.max_def_level() == 1;
        PageCheck { one_bit, dictionary: false }
    }

    /// Checks the column's next page.
    pub(super) fn page(&mut self, page: &Page) -> Result<()> {
        let levels = match page {
            Page::DictionaryPage { .. } => {
                self.dictionary = true;
                return Ok(());
            }
            // Its levels begin with their length. Those of an older encoding are just bits.
            Page::DataPage { buf, def_level_encoding: Encoding::RLE, .. } => buf
                .split_first_chunk()
                .and_then(|(length, levels)| levels.get(..u32::from_le_bytes(*length) as usize)),
            Page::DataPage { .. } => None,
            Page::DataPageV2 { buf, def_levels_byte_len, .. } => {
                buf.get(..*def_levels_byte_len as usize)
            }
        };
        let coded = [Encoding::RLE_DICTIONARY, Encoding::PLAIN_DICTIONARY];
        if coded.contains(&page.encoding()) && !self.dictionary {
            return Err(ParquetError::General("a page has no dictionary".to_owned()));
        }
        match levels {
            Some(levels) if self.one_bit && !has_levels(levels, page.num_values() as usize) => {
                let problem = "a page has fewer levels than values";
                Err(ParquetError::General(problem.to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// Tells whether there are levels of one bit for so many values.
fn has_levels(mut levels: &[u8], mut values: usize) -> bool {
    while values > 0 {
        let (mut run, mut shift) = (0_u64, 0);
        loop {
            let Some(&byte) = levels.split_off_first() else { return false };
            run |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let length = usize::try_from(run >> 1).unwrap_or(usize::MAX);
        let (taken, bytes) = match run & 1 {
            0 => (length.min(values), 1),
            // The last group may be cut off behind the last value.
            _ => {
                let taken = length.saturating_mul(8).min(values);
                (taken, length.min(taken.div_ceil(8)))
            }
        };
        if levels.split_off(..bytes).is_none() {
            return false;
        }
        values -= taken;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_counted_run_by_run() {
        for (levels, most) in [
            (&[][..], 0),
            (&[6, 1], 3),
            (&[6], 0),
            (&[0x80, 0x01, 1], 64),
            (&[3, 0xff], 8),
            (&[5, 0xff, 0xff], 16),
            (&[5, 0xff], 8),
            (&[6, 1, 3, 0x0f, 2, 0], 12),
            (&[0xff; 12], 0),
        ] {
            for values in 0..100 {
                assert_eq!(has_levels(levels, values), values <= most, "{levels:?} {values}");
            }
        }
        assert!(has_levels(&[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1], 1 << 40));
    }
}
