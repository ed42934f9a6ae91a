//! The lines of delimited text that are no rows, to be told to the user.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Short;

/// Lines of a kind: several passes, on several threads, find the same ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Arc<Mutex<BTreeSet<u64>>>);

impl Lines {
    pub(super) fn add(&self, lines: impl IntoIterator<Item = u64>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(lines);
    }

    /// The number of the lines, and the first.
    fn count(&self) -> Option<(usize, u64)> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some((lines.len(), *lines.first()?))
    }
}

/// Lines at the end that are no rows, with their texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Footers(Arc<Mutex<BTreeMap<u64, String>>>);

impl Footers {
    pub(super) fn add(&self, lines: Vec<(u64, String)>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(lines);
    }

    fn note(&self) -> Option<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (line, text) = lines.first_key_value()?;
        let text = Short(text);
        Some(match lines.len() {
            1 => format!(
                "line {line}, the last, is left out, because it is a total or a remark and no row: \
                 {text}"
            ),
            count => format!(
                "the last {count} lines are left out, because they are totals or remarks and no \
                 rows: the first is line {line}, {text}"
            ),
        })
    }
}

/// The lines that were left out so far.
#[derive(Clone, Debug, Default)]
pub(super) struct LeftOut {
    /// Rows that repeat the header.
    pub(super) headers: Lines,
    /// Empty lines between the rows of a table of one column, where they may be missing values.
    pub(super) empty: Lines,
    pub(super) footers: Footers,
}

impl LeftOut {
    pub(super) fn notes(&self) -> Vec<String> {
        let headers = self.headers.count().map(|(count, line)| match count {
            1 => format!("line {line} repeats the header, and is left out"),
            _ => format!("{count} lines repeat the header, and are left out: the first is {line}"),
        });
        let empty = self.empty.count().map(|(count, line)| {
            let are = if count == 1 { "line is" } else { "lines are" };
            format!(
                "{count} empty {are} left out, the first is line {line}: write NA for a missing \
                 value"
            )
        });
        headers.into_iter().chain(empty).chain(self.footers.note()).collect()
    }
}
