//! A pass over a table on several threads.
//!
//! ```text
//! read some parts                        one thread
//!     work on each of them               all threads, while
//!     merge the work on those before     one thread, in the order of the rows
//! ```

use rayon::ThreadPool;
use rayon::prelude::*;

use super::source::{Part, TableSource};
use crate::error::Error;

/// The parts that each thread is given at a time: few enough for memory, enough that none waits.
const PARTS_A_THREAD: usize = 2;

/// Parts that were worked on, and wait to be merged.
type Done<T> = Vec<(Box<dyn Part>, T)>;

/// Calls `work` with each part of `source`, on the threads of `pool`, and `merge` with each part
/// and what came of it, in the order of the rows. `merge` never meets a part before errors of those
/// before it are known.
///
/// # Errors
/// Errors of `merge` and of the source: that of the first row which has one.
pub(super) fn for_each_part<T: Send>(
    source: &mut dyn TableSource,
    pool: &ThreadPool,
    work: &(impl Fn(&dyn Part) -> T + Sync),
    merge: &mut (impl FnMut(&dyn Part, T) -> Result<(), Error> + Send),
) -> Result<(), Error> {
    let at_a_time = PARTS_A_THREAD * pool.current_num_threads();
    let (mut parts, mut done): (Vec<Box<dyn Part>>, Done<T>) = (Vec::new(), Vec::new());
    let mut refused = false;
    let mut advance = |parts: &mut Vec<Box<dyn Part>>, done: &mut Done<T>| -> Result<(), Error> {
        let (read, before) = (std::mem::take(parts), std::mem::take(done));
        let (merged, worked) = pool.install(|| {
            rayon::join(
                || before.into_iter().try_for_each(|(part, found)| merge(&*part, found)),
                || {
                    read.into_par_iter()
                        .map(|part| {
                            let found = work(&*part);
                            (part, found)
                        })
                        .collect()
                },
            )
        });
        *done = worked;
        merged
    };
    let read = source.for_each_part(&mut |part| {
        parts.push(part);
        if parts.len() < at_a_time {
            return Ok(());
        }
        let advanced = advance(&mut parts, &mut done);
        refused = advanced.is_err();
        advanced
    });
    if !refused {
        // First those that were read, then those that were worked on.
        advance(&mut parts, &mut done)?;
        advance(&mut parts, &mut done)?;
    }
    read
}
