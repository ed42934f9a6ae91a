//! Batches for training, epoch after epoch, whatever the size of the data.
//!
//! | data | order of an epoch | reading |
//! |---|---|---|
//! | up to 16 million rows | a shuffled list | from memory or the map; another thread asks for cold pages |
//! | more | a [`Permutation`], computed place by place | the same |
//! | larger than the memory allowed | blocks in a shuffled order, a window of them shuffled together | by another thread, a window ahead |
//!
//! The last is not the shuffle of the whole: samples that lie within one block of 128 KiB come in
//! the same window, of which there are a few tens at least. `docs/results/performance-2026-11.md`
//! has what that costs in accuracy: nothing that could be measured, unless the file is sorted by
//! class and windows are few.

use std::ops::Range;
use std::thread;

use crate::batches::windows::{Window, Windows};
use crate::dataset::Dataset;
use crate::dataset::rows::Rows;
use crate::error::Error;
use crate::files::memory;
use crate::random::order::{MOST_LISTED, shuffle_into};
use crate::random::permutation::Permutation;
use crate::random::stream::Purpose;

/// The batches of some rows of a data set, in another order in each epoch.
///
/// The order follows from the rows, the seed and the number of the epoch; where the data are larger
/// than memory, from the memory allowed, too.
///
/// No batch is ragged: they are as few as `batch` allows and differ in length by one row at most,
/// the longer ones first. So each step weighs its samples alike, and batch normalisation never
/// meets a tiny last batch. A batch of a **single row** can then only come from a batch size of 2
/// and an odd number of rows; it is dropped, because a single row has no variance. The epoch's
/// shuffle decides which sample that is.
///
/// ```
/// use narrows_datasets::{Dataset, Loader, Rows};
///
/// let digits = Dataset::digits();
/// let lengths = |rows: usize, batch| {
///     let mut loader = Loader::new(&digits, Rows::all(rows), batch, 0);
///     let (mut epoch, mut lengths) = (loader.epoch(0), Vec::new());
///     while epoch.advance()? {
///         lengths.push(epoch.rows().len());
///     }
///     Ok::<_, narrows_datasets::Error>(lengths)
/// };
/// assert_eq!(lengths(8, 4)?, [4, 4]);
/// assert_eq!(lengths(9, 4)?, [3, 3, 3]);
/// assert_eq!(lengths(10, 4)?, [4, 3, 3]);
/// assert_eq!(lengths(3, 2)?, [2]);
/// assert_eq!(lengths(3, 1)?, [1, 1, 1]);
/// # Ok::<(), narrows_datasets::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Loader<'a> {
    data: &'a Dataset,
    rows: Rows<'a>,
    batch: usize,
    seed: u64,
    /// The bytes of a window, if the data do not fit into memory.
    window: Option<u64>,
    /// The positions of an epoch, if they are listed.
    order: Vec<u32>,
    rows_of_batch: Vec<u32>,
    begun: bool,
}

impl<'a> Loader<'a> {
    /// Batches of at most `batch` of the rows `rows` of `data`.
    ///
    /// # Panics
    /// If `batch` is zero.
    pub fn new(data: &'a Dataset, rows: Rows<'a>, batch: usize, seed: u64) -> Self {
        assert!(batch > 0, "a batch holds at least one row");
        let most = matches!(rows, Rows::AllBut { .. });
        let allowed = || data.memory().or_else(memory::available_half).unwrap_or(u64::MAX);
        let window = match most && data.in_file_order() {
            // One window is trained on, one may still be in the batch, one waits and one is being
            // read.
            true => Some(allowed())
                .filter(|allowed| data.stored_bytes_of_all() > *allowed)
                .map(|allowed| allowed / 4),
            false => None,
        };
        Loader {
            data,
            rows,
            batch,
            seed,
            window,
            order: Vec::new(),
            rows_of_batch: Vec::with_capacity(batch.min(rows.len())),
            begun: false,
        }
    }

    /// The batches of an epoch.
    pub fn steps(&self) -> usize {
        self.rows_of_epoch().div_ceil(self.batch)
    }

    /// The rows of an epoch: with a batch of two, the odd row is dropped.
    fn rows_of_epoch(&self) -> usize {
        match self.rows.len() {
            n if self.batch == 2 && n > 1 => n - n % 2,
            n => n,
        }
    }

    /// Tells whether the data are larger than the memory allowed, so that they are read window by
    /// window.
    pub fn streams(&self) -> bool {
        self.window.is_some()
    }

    /// The bytes that a window has, where data are read window by window. The order of the samples
    /// depends on them.
    pub fn window(&self) -> Option<u64> {
        self.window
    }

    /// Reads in windows of as many bytes as another loader of the same samples once did
    /// ([`Loader::window`]), whatever memory there is now: so both have the same order.
    pub fn set_window(&mut self, window: Option<u64>) {
        // Listed rows are read one by one, however large the data are.
        if matches!(self.rows, Rows::AllBut { .. }) && self.data.in_file_order() {
            self.window = window;
        }
    }

    /// Begins epoch `epoch`, counted from 0.
    pub fn epoch(&mut self, epoch: u64) -> Epoch<'_> {
        let (n, left, batches) = (self.rows.len(), self.rows_of_epoch(), self.steps());
        let order = match self.window {
            Some(bytes) => {
                let windows = Windows::read(self.data, self.rows, bytes, self.seed, epoch);
                Order::Windowed { windows, parts: Vec::new() }
            }
            None => {
                if !std::mem::replace(&mut self.begun, true)
                    && matches!(self.rows, Rows::AllBut { .. })
                {
                    let data = self.data.clone();
                    // It is advice: nothing depends on whether there is a thread for it.
                    let _ = thread::Builder::new().spawn(move || data.read_ahead());
                }
                if n <= MOST_LISTED {
                    self.order.resize(n, 0);
                    shuffle_into(&mut self.order, self.seed, epoch);
                    Order::Listed(&self.order)
                } else {
                    Order::Keyed(Permutation::new(n, self.seed, Purpose::Shuffle, epoch))
                }
            }
        };
        Epoch {
            data: self.data,
            rows: self.rows,
            order,
            done: 0,
            left,
            batches,
            batch: &mut self.rows_of_batch,
        }
    }
}

/// The batches of an epoch, one after the other.
#[derive(Debug)]
pub struct Epoch<'l> {
    data: &'l Dataset,
    rows: Rows<'l>,
    order: Order<'l>,
    done: usize,
    left: usize,
    batches: usize,
    batch: &'l mut Vec<u32>,
}

#[derive(Debug)]
enum Order<'l> {
    Listed(&'l [u32]),
    Keyed(Permutation),
    /// A batch may begin in one window and end in the next. The last of the parts is of the window
    /// that is trained on.
    Windowed {
        windows: Windows,
        parts: Vec<Part>,
    },
}

/// Samples of a window that are in the batch.
#[derive(Debug)]
struct Part {
    window: Window,
    samples: Range<usize>,
}

impl Epoch<'_> {
    /// Goes on to the next batch; `false` if there is none.
    ///
    /// # Errors
    /// If the file of the values cannot be read any more, was changed, or is damaged.
    pub fn advance(&mut self) -> Result<bool, Error> {
        self.batch.clear();
        if self.batches == 0 {
            return Ok(false);
        }
        let length = self.left.div_ceil(self.batches);
        let places = self.done..self.done + length;
        match &mut self.order {
            Order::Listed(order) => {
                self.batch
                    .extend(order[places].iter().map(|&position| self.rows.get(position as usize)));
            }
            Order::Keyed(permutation) => {
                self.batch.extend(places.map(|place| self.rows.get(permutation.get(place))));
            }
            Order::Windowed { windows, parts } => {
                let done = parts.len().saturating_sub(1);
                parts.drain(..done).for_each(|part| windows.give_back(part.window));
                parts.iter_mut().for_each(|part| part.samples.start = part.samples.end);
                while self.batch.len() < length {
                    let Some(part) = parts.last_mut().filter(|part| part.left() > 0) else {
                        parts.push(Part { window: windows.next()?, samples: 0..0 });
                        continue;
                    };
                    let start = part.samples.end;
                    part.samples.end += part.left().min(length - self.batch.len());
                    let taken = &part.window.samples[start..part.samples.end];
                    self.batch.extend(taken.iter().map(|sample| sample.row));
                }
            }
        }
        (self.done, self.left, self.batches) =
            (self.done + length, self.left - length, self.batches - 1);
        Ok(true)
    }

    /// The rows of the batch.
    pub fn rows(&self) -> &[u32] {
        self.batch
    }

    /// Writes the samples of the batch to `x`, as [`Dataset::gather`] does.
    ///
    /// # Errors
    /// The same.
    ///
    /// # Panics
    /// If `x` has another length.
    pub fn gather(&self, x: &mut [f32]) -> Result<(), Error> {
        let Order::Windowed { parts, .. } = &self.order else {
            return self.data.gather(self.batch, x);
        };
        let mut rest = x;
        for Part { window, samples } in parts {
            let (x, after) = rest.split_at_mut(samples.len() * self.data.sample_len());
            self.data.gather_window(&window.bytes, &window.samples[samples.clone()], x);
            rest = after;
        }
        assert!(rest.is_empty(), "x holds one sample a row");
        Ok(())
    }
}

impl Part {
    /// The samples of the window that were in no batch yet.
    fn left(&self) -> usize {
        self.window.samples.len() - self.samples.end
    }
}

#[cfg(test)]
mod tests;
