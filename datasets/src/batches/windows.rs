//! Data that are larger than memory, read block by block on another thread.
//!
//! ```text
//! blocks of the file            0 1 2 3 4 5 6 7 8 9
//! as a permutation puts them    7 2 9 | 0 5 3 | 8 1 4 | 6
//! a window             some blocks whose samples are shuffled together         \___/
//! ```
//!
//! One window is trained on, the next one waits, and one more is being read; their memory goes
//! round. A block is read by one positioned read, not through the map, and compared with its
//! checksum, if the file has one.

use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use crate::dataset::Dataset;
use crate::dataset::rows::Rows;
use crate::dataset::rows::Sample;
use crate::error::Error;
use crate::random::permutation::Permutation;
use crate::random::stream::{Purpose, Stream};

/// Some blocks, as stored, and the samples of theirs that are asked for, shuffled.
#[derive(Debug, Default)]
pub(crate) struct Window {
    pub(crate) bytes: Vec<u8>,
    pub(crate) samples: Vec<Sample>,
}

/// The windows of an epoch.
#[derive(Debug)]
pub(crate) struct Windows {
    /// `None` once it is to end.
    ready: Option<Receiver<Result<Window, Error>>>,
    used: Sender<Window>,
    thread: Option<JoinHandle<()>>,
}

impl Windows {
    /// Begins to read the samples `rows` of `data`, in windows of `bytes` bytes, and at least a
    /// block.
    pub(crate) fn read(data: &Dataset, rows: Rows<'_>, bytes: u64, seed: u64, epoch: u64) -> Self {
        let held = match rows {
            Rows::Listed(_) => unreachable!("few rows are read one by one"),
            Rows::AllBut { held, .. } => held.to_vec(),
        };
        let (ready, receiver) = sync_channel(0);
        let (used, returned) = channel();
        let reader = Reader { data: data.clone(), held, seed, epoch, returned };
        // Without a thread nobody sends, and the next window is an error.
        let thread = thread::Builder::new().spawn(move || reader.run(bytes, &ready)).ok();
        Windows { ready: Some(receiver), used, thread }
    }

    /// The next window, which has at least one sample. There is one until all samples were in one.
    pub(crate) fn next(&mut self) -> Result<Window, Error> {
        let ready = self.ready.as_ref().and_then(|ready| ready.recv().ok());
        ready.unwrap_or_else(|| {
            Err(Error::request(
                "the thread that reads samples ended before the epoch did, or could not begin",
            ))
        })
    }

    /// Lets the memory of `window` be used again.
    pub(crate) fn give_back(&mut self, window: Window) {
        if window.bytes.capacity() > 0 {
            // A reader that has read its last window has no use for it.
            let _ = self.used.send(window);
        }
    }
}

impl Drop for Windows {
    fn drop(&mut self) {
        // Nobody receives any more: the thread ends with the window that it is at.
        self.ready = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Reader {
    data: Dataset,
    held: Vec<u32>,
    seed: u64,
    epoch: u64,
    returned: Receiver<Window>,
}

impl Reader {
    fn run(self, bytes: u64, ready: &SyncSender<Result<Window, Error>>) {
        let blocks = self.data.blocks();
        let block_bytes = (blocks.rows * blocks.row_bytes) as u64;
        let in_window =
            usize::try_from((bytes / block_bytes).max(1)).unwrap_or(usize::MAX).min(blocks.count);
        let order = Permutation::new(blocks.count, self.seed, Purpose::Window, self.epoch);
        for (index, start) in (0..blocks.count).step_by(in_window).enumerate() {
            let end = (start + in_window).min(blocks.count);
            let mut window = self.returned.try_recv().unwrap_or_default();
            window.samples.clear();
            let mut filled = 0;
            let mut failed = None;
            for place in start..end {
                let stored = blocks.stored(order.get(place));
                let length = stored.len() * blocks.row_bytes;
                if window.bytes.len() < filled + length {
                    window.bytes.resize(filled + length, 0);
                }
                if let Err(error) =
                    self.data.read_block(stored.start, &mut window.bytes[filled..filled + length])
                {
                    failed = Some(error);
                    break;
                }
                self.list(stored, filled / blocks.row_bytes, &mut window.samples);
                filled += length;
            }
            let index = self.epoch << 32 | index as u64;
            Stream::new(self.seed, Purpose::Window, index).shuffle(&mut window.samples);
            let result = failed.map_or(Ok(window), Err);
            let ends = result.is_err();
            // Windows of which all samples are held have nothing to give.
            let empty = result.as_ref().is_ok_and(|window| window.samples.is_empty());
            if (!empty && ready.send(result).is_err()) || ends {
                return;
            }
        }
    }

    /// Lists those of the `stored` samples, which begin at `place` in the window, that are of the
    /// data set and not held.
    fn list(&self, stored: Range<usize>, place: usize, samples: &mut Vec<Sample>) {
        let rows = self.data.rows_within(stored.clone());
        let mut held =
            self.held[self.held.partition_point(|&row| row < rows.start)..].iter().peekable();
        for row in rows {
            if held.next_if(|held| **held == row).is_none() {
                // Below 2^32, as there are no more stored samples.
                let place = place + self.data.stored_row(row) - stored.start;
                samples.push(Sample { row, place: place as u32 });
            }
        }
    }
}
