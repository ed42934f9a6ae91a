//! The most that the processor and its memory can do: what everything else is measured against.

use crate::hardware::memory::Slab;
use crate::hardware::parallel::Context;
use crate::hardware::simd::kernel;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The peak of fused multiply-adds on all threads of the context, in GFLOP/s: the median of several
/// bursts, 50 to 100 milliseconds in total. A multiply-add counts as two operations.
///
/// The threads have to be otherwise idle, and the burst is too short to heat up a processor: read
/// it as what the cores can do at their present clock. For the plain ISA it is what the compiler
/// makes of the portable vectors, and no bound for `matrixmultiply`, which brings kernels of its
/// own.
pub fn fma_peak(cx: &Context) -> f64 {
    let (isa, threads) = (cx.isa(), cx.threads());
    let rounds = rounds_of_a_burst(20_000, |rounds| burst(isa, rounds));
    let flops = 2.0 * (threads * rounds * CHAINS * isa.lanes()) as f64;
    let seconds = cx.install(|| median_burst(|| cx.for_each(threads, |_| burst(isa, rounds))));
    flops / seconds / 1e9
}

/// The bytes that move in a second, in GB (10^9 bytes), as the sum over all threads.
#[derive(Clone, Copy, Debug)]
pub struct Bandwidth {
    /// From memory or cache into registers.
    pub read: f64,
    /// From one half of the working set into the other: both what is read and what is written.
    pub copy: f64,
}

/// The bandwidth of what holds `bytes` bytes for each thread: a cache if they fit into it, else
/// memory. Each is the median of several bursts, 100 to 200 milliseconds in total, and longer if
/// `bytes` takes long to read.
///
/// Each thread passes over a part of its own again and again, with the vectors of the context's
/// ISA. The limits of [`fma_peak`] apply; at least 16 KB are used.
pub fn bandwidth(cx: &Context, bytes: usize) -> Bandwidth {
    let (isa, threads) = (cx.isa(), cx.threads());
    let floats = (bytes / size_of::<f32>()).max(4096).next_multiple_of(2048);
    // Written to, or all of it would be one page of zeros.
    let mut memory = Slab::new(threads * floats);
    memory.fill(1.0);
    let rounds = rounds_of_a_burst(1, |rounds| read(isa, &memory[..floats], rounds));
    let moved = (threads * rounds * floats * size_of::<f32>()) as f64;
    cx.install(|| {
        let reading = median_burst(|| {
            cx.for_each(threads, |i| read(isa, &memory[i * floats..][..floats], rounds));
        });
        let copying = median_burst(|| {
            cx.chunks(&mut memory, floats, |_, part| {
                let (from, to) = part.split_at_mut(floats / 2);
                copy(isa, from, to, rounds);
            });
        });
        Bandwidth { read: moved / reading / 1e9, copy: moved / copying / 1e9 }
    })
}

const BURSTS: usize = 9;
const BURST: Duration = Duration::from_millis(8);

/// The number of rounds that take about as long as a burst should. It is found on one thread,
/// starting with `first` rounds.
fn rounds_of_a_burst(first: usize, run: impl Fn(usize)) -> usize {
    run(first);
    let mut rounds = first;
    loop {
        let start = Instant::now();
        run(rounds);
        let seconds = start.elapsed().as_secs_f64().max(1e-9);
        // Too short a time tells nothing.
        if seconds > BURST.as_secs_f64() / 16.0 {
            return (rounds as f64 * BURST.as_secs_f64() / seconds) as usize + 1;
        }
        rounds *= 8;
    }
}

/// The median of a burst's seconds.
fn median_burst(mut burst: impl FnMut()) -> f64 {
    let mut seconds = [0.0; BURSTS];
    for seconds in &mut seconds {
        let start = Instant::now();
        burst();
        *seconds = start.elapsed().as_secs_f64().max(1e-9);
    }
    seconds.sort_by(f64::total_cmp);
    seconds[BURSTS / 2]
}

/// Independent chains: two units of latency four or five keep ten in flight.
const CHAINS: usize = 12;

/// Vectors in flight while reading and copying.
const STREAMS: usize = 8;

kernel! {
    /// Multiplies and adds in registers alone.
    fn burst(s, rounds: usize) {
        // The fixed point is 1: neither denormals nor infinities arise.
        let (a, b) = (s.splat(black_box(0.5)), s.splat(black_box(0.5)));
        let mut chains = [s.splat(black_box(1.0)); CHAINS];
        for _ in 0..rounds {
            for chain in &mut chains {
                *chain = s.mul_add(*chain, a, b);
            }
        }
        let sum = chains.into_iter().fold(s.splat(0.0), |sum, chain| s.add(sum, chain));
        black_box(s.sum(sum));
    }

    /// Reads all of `from`, `rounds` times.
    fn read(s, from: &[f32], rounds: usize) {
        let mut sums = [s.splat(0.0); STREAMS];
        for _ in 0..rounds {
            for chunk in black_box(from).chunks_exact(STREAMS * S::LANES) {
                for i in 0..STREAMS {
                    // The smaller of two takes one instruction, and no number of rounds overflows
                    // it.
                    sums[i] = s.min(sums[i], s.load(&chunk[i * S::LANES..][..S::LANES]));
                }
            }
        }
        let sum = sums.into_iter().fold(s.splat(0.0), |sum, other| s.add(sum, other));
        black_box(s.sum(sum));
    }

    /// Copies `from` to `to`, `rounds` times.
    fn copy(s, from: &[f32], to: &mut [f32], rounds: usize) {
        let len = STREAMS * S::LANES;
        for _ in 0..rounds {
            for (from, to) in black_box(from).chunks_exact(len).zip(to.chunks_exact_mut(len)) {
                for i in 0..STREAMS {
                    s.store(s.load(&from[i * S::LANES..]), &mut to[i * S::LANES..]);
                }
            }
            black_box(&mut *to);
        }
    }
}
