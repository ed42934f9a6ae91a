//! Threads: the only user of rayon.
//!
//! Each task writes its own part of the result. Work that is summed over tasks is cut by its size
//! alone, never by the number of threads, and the sums go through a slot per task and are added in
//! order. So any number of threads gives the same bits.

use crate::error::Error;
use crate::hardware::simd::Isa;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The threads of a [`Context`], at most.
const MAX_THREADS: usize = 1024;

/// The tasks of [`Context::sum_parts`], at most.
const MAX_SUMS: usize = 64;

/// The number of values that an elementwise task works on: 64 KiB of floats, so that a task is long
/// against the cost of handing it out, and stays in the L2 cache.
pub(crate) const TASK_LEN: usize = 16 * 1024;

/// Where to compute: an ISA and a number of threads. Cheap to clone; clones share their threads.
#[derive(Clone, Debug)]
pub struct Context {
    isa: Isa,
    /// `None` for a single thread, which is the caller's.
    pool: Option<Arc<rayon::ThreadPool>>,
    /// The barriers and tasks of [`Counts`].
    counters: Arc<[AtomicU64; 2]>,
}

/// The work that a context and its clones have dealt out to their threads so far. It shows how a
/// computation would scale to more cores than there are: the tasks per barrier bound the number of
/// useful threads, and each barrier costs the time that its last task is behind the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that dealt out more than one task, each of which waits for its last one.
    pub barriers: u64,
    /// The tasks of these calls.
    pub tasks: u64,
}

impl Context {
    /// The best ISA of this processor and `threads` threads; 0 means one per available core.
    ///
    /// # Errors
    /// If there are more than 1,024 threads, or the operating system refuses to start them.
    pub fn new(threads: usize) -> Result<Context, Error> {
        Context::with_isa(Isa::best(), threads)
    }

    /// A context as [`Context::new`] makes it, with a chosen ISA.
    ///
    /// # Errors
    /// If there are more than 1,024 threads, or the operating system refuses to start them.
    pub fn with_isa(isa: Isa, threads: usize) -> Result<Context, Error> {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, |n| n.get()).min(MAX_THREADS),
            1..=MAX_THREADS => threads,
            _ => {
                return Err(Error::setting(format!(
                    "{threads} threads are too many: give 1 to {MAX_THREADS}, or 0 for one per core"
                )));
            }
        };
        let pool = if threads == 1 {
            None
        } else {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(|i| format!("narrows-{i}"))
                .build()
                .map_err(|e| Error::system(format!("cannot start {threads} threads: {e}")))?;
            Some(Arc::new(pool))
        };
        Ok(Context { isa, pool, counters: Arc::default() })
    }

    /// The same ISA on the calling thread alone.
    #[must_use]
    pub fn single(&self) -> Context {
        Context { isa: self.isa, pool: None, counters: Arc::clone(&self.counters) }
    }

    /// The instruction set that kernels run on.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.pool.as_ref().map_or(1, |pool| pool.current_num_threads())
    }

    /// The work dealt out to several threads so far. A single thread counts nothing.
    pub fn counts(&self) -> Counts {
        let [barriers, tasks] = &*self.counters;
        Counts { barriers: barriers.load(Ordering::Relaxed), tasks: tasks.load(Ordering::Relaxed) }
    }

    /// Runs `f` on one of the threads. Kernels called inside it hand out their tasks without a
    /// detour (and without the allocation that entering the pool costs), so a training loop belongs
    /// in here.
    pub fn install<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(f),
            None => f(),
        }
    }

    /// Calls `f(i)` for each `i` in `0..tasks`, in any order and on any thread.
    pub fn for_each(&self, tasks: usize, f: impl Fn(usize) + Sync) {
        self.for_each_part(tasks, (), |i, ()| f(i));
    }

    /// Cuts `items` into `tasks` parts and calls `f(i, part)` for each, in any order and on any
    /// thread.
    pub fn for_each_part<T: Split>(
        &self,
        tasks: usize,
        items: T,
        f: impl Fn(usize, T::Part) + Sync,
    ) {
        fn serial<T: Split>(tasks: Range<usize>, items: T, f: &impl Fn(usize, T::Part)) {
            let mut rest = items;
            for i in tasks {
                let (part, after) = rest.split(1);
                f(i, part.into_part());
                rest = after;
            }
        }
        fn split<T: Split>(tasks: Range<usize>, items: T, f: &(impl Fn(usize, T::Part) + Sync)) {
            if tasks.len() <= 1 {
                return serial(tasks, items, f);
            }
            let half = tasks.len() / 2;
            let middle = tasks.start + half;
            let (left, right) = items.split(half);
            rayon::join(
                || split(tasks.start..middle, left, f),
                || split(middle..tasks.end, right, f),
            );
        }
        match &self.pool {
            Some(pool) if tasks > 1 => {
                self.counters[0].fetch_add(1, Ordering::Relaxed);
                self.counters[1].fetch_add(tasks as u64, Ordering::Relaxed);
                pool.install(|| split(0..tasks, items, &f));
            }
            _ => serial(0..tasks, items, &f),
        }
    }

    /// Cuts `out` into chunks of `len` items, the last of which may be shorter, and calls `f(range,
    /// chunk)` for each, in any order and on any thread; `range` is its place in `out`.
    pub fn chunks<T: Send>(
        &self,
        out: &mut [T],
        len: usize,
        f: impl Fn(Range<usize>, &mut [T]) + Sync,
    ) {
        let tasks = out.len().div_ceil(len);
        self.for_each_part(tasks, Chunks::new(out, len), |i, part| {
            f(i * len..i * len + part.len(), part);
        });
    }

    /// Calls `f(row, values)` for each row of `out`: (rows, n), in any order and on any thread.
    pub fn rows(&self, out: &mut [f32], n: usize, f: impl Fn(usize, &mut [f32]) + Sync) {
        self.chunks(out, (TASK_LEN / n).max(1) * n, |range, out| {
            for (row, out) in (range.start / n..).zip(out.chunks_exact_mut(n)) {
                f(row, out);
            }
        });
    }

    /// Calls [`Context::for_each_part`] and returns the sum of the results, added in the order of
    /// the tasks. Nothing is allocated: the sums of the tasks lie on the stack.
    ///
    /// # Panics
    /// If there are more than 64 tasks.
    pub fn sum_parts<T: Split>(
        &self,
        tasks: usize,
        items: T,
        f: impl Fn(usize, T::Part) -> f64 + Sync,
    ) -> f64 {
        let mut sums = [0.0; MAX_SUMS];
        let sums = &mut sums[..tasks];
        self.for_each_part(tasks, (Chunks::new(sums, 1), items), |i, (sum, part)| {
            sum[0] = f(i, part);
        });
        sums.iter().sum()
    }

    /// Cuts `rows` rows into blocks of at least `least`, by their number alone, and adds up `f(rows
    /// of the block, their part of out)` in the order of the blocks. `out`: (rows, n), or empty.
    pub fn sum_rows(
        &self,
        rows: usize,
        least: usize,
        out: &mut [f32],
        f: impl Fn(Range<usize>, &mut [f32]) -> f64 + Sync,
    ) -> f64 {
        let block = least.max(rows.div_ceil(MAX_SUMS)).max(1);
        let chunk = block * (out.len() / rows.max(1));
        self.sum_parts(rows.div_ceil(block), Chunks::new(out, chunk), |i, out| {
            f(i * block..rows.min((i + 1) * block), out)
        })
    }

    /// `f(i)` for each `i` in `0..tasks`, in order. For whole runs, not for kernels: it allocates.
    pub fn map<R: Send>(&self, tasks: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
        let mut results: Vec<Option<R>> = (0..tasks).map(|_| None).collect();
        self.for_each_part(tasks, Chunks::new(&mut results, 1), |i, part| part[0] = Some(f(i)));
        results.into_iter().map(|r| r.expect("every task ran")).collect()
    }
}

/// Items that can be dealt out to tasks.
pub trait Split: Send + Sized {
    /// The share of one task.
    type Part;
    /// The parts of the next `tasks` tasks, and the rest.
    fn split(self, tasks: usize) -> (Self, Self);
    /// The part of a single task.
    fn into_part(self) -> Self::Part;
}

/// A mutable slice of which each task gets `chunk` items; the last may get fewer.
#[derive(Debug)]
pub struct Chunks<'a, T> {
    data: &'a mut [T],
    chunk: usize,
}

impl<'a, T> Chunks<'a, T> {
    /// Deals out `data` by `chunk` items a task.
    pub fn new(data: &'a mut [T], chunk: usize) -> Self {
        Chunks { data, chunk }
    }
}

impl<'a, T: Send> Split for Chunks<'a, T> {
    type Part = &'a mut [T];

    fn split(self, tasks: usize) -> (Self, Self) {
        let at = self.data.len().min(tasks.saturating_mul(self.chunk));
        let (left, right) = self.data.split_at_mut(at);
        (Chunks { data: left, chunk: self.chunk }, Chunks { data: right, chunk: self.chunk })
    }

    fn into_part(self) -> &'a mut [T] {
        self.data
    }
}

/// Several things that are dealt out together.
macro_rules! split_together {
    ($($T:ident),*) => {
        #[allow(non_snake_case, unused_variables, clippy::unused_unit)]
        impl<$($T: Split),*> Split for ($($T,)*) {
            type Part = ($($T::Part,)*);

            fn split(self, tasks: usize) -> (Self, Self) {
                let ($($T,)*) = self;
                $(let $T = $T.split(tasks);)*
                (($($T.0,)*), ($($T.1,)*))
            }

            fn into_part(self) -> Self::Part {
                let ($($T,)*) = self;
                ($($T.into_part(),)*)
            }
        }
    };
}

split_together!();
split_together!(A, B);
split_together!(A, B, C);
