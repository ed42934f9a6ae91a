//! The texts of one column of the table that samples were read from, in the order of the rows.
//!
//! The table is read once more, on a thread of its own, a little ahead of whoever asks: memory does
//! not grow with the rows.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::dataset::Dataset;
use crate::error::{Error, Short};

/// The texts that are handed over at a time.
const BATCH: usize = 1024;
/// The batches that may wait.
const AHEAD: usize = 4;

/// The texts of a column.
#[derive(Debug)]
pub struct Texts {
    batches: Receiver<Result<Vec<String>, Error>>,
    batch: Vec<String>,
    /// The stored row of the first text in the batch.
    start: usize,
    column: String,
}

impl Dataset {
    /// Begins to read the texts of `column` of the table that the samples come from, whether a
    /// model learns from it or not. Missing values are empty.
    ///
    /// # Errors
    /// If the samples come from no table as it was written, or it has no such column.
    pub fn texts(&self, column: &str) -> Result<Texts, Error> {
        let Some(table) = self.origin.table.clone() else {
            let name = Short(column);
            return Err(self.error(format!(
                "the texts of the column {name} are not kept in it: name the table itself"
            )));
        };
        let (send, batches) = sync_channel(AHEAD);
        let name = column.to_owned();
        let read = move || {
            let mut batch = Vec::with_capacity(BATCH);
            let mut wanted = true;
            let read = table.for_each_row(&[&name], &mut |row| {
                batch.push(row.texts[0].to_string());
                if batch.len() == BATCH {
                    wanted = send.send(Ok(std::mem::take(&mut batch))).is_ok();
                }
                wanted
            });
            if wanted {
                // Nobody listens any more if that fails.
                let _ = send.send(read.map(|()| batch));
            }
        };
        thread::Builder::new()
            .name("texts".to_owned())
            .spawn(read)
            .map_err(|error| self.error(format!("no thread to read the texts by: {error}")))?;
        let column = column.to_owned();
        let mut texts = Texts { batches, batch: Vec::new(), start: 0, column };
        texts.next_batch(self)?;
        Ok(texts)
    }
}

impl Texts {
    /// The text of `row` of `data`. Rows are asked for in ascending order.
    ///
    /// # Errors
    /// If the table cannot be read any more, or has fewer rows than before.
    ///
    /// # Panics
    /// If a later row was asked for before.
    pub fn of(&mut self, data: &Dataset, row: u32) -> Result<&str, Error> {
        let stored = data.stored_row(row);
        while stored >= self.start + self.batch.len() {
            self.next_batch(data)?;
        }
        Ok(&self.batch[stored - self.start])
    }

    fn next_batch(&mut self, data: &Dataset) -> Result<(), Error> {
        self.start += self.batch.len();
        self.batch = match self.batches.recv() {
            Ok(batch) => batch?,
            Err(_) => {
                let column = Short(&self.column);
                return Err(
                    data.error(format!("has fewer rows in the column {column} than before"))
                );
            }
        };
        Ok(())
    }
}
