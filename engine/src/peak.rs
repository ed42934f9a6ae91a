//! The most multiply-adds that the processor can do: what matrix products are measured against.

use crate::parallel::Context;
use crate::simd::{Kernel, Simd};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The peak of fused multiply-adds on all threads of the context, in GFLOP/s: the median of several
/// bursts, 50 to 100 milliseconds in total. A multiply-add counts as two operations.
///
/// The threads have to be otherwise idle, and the burst is too short to heat up a processor: read it as
/// what the cores can do at their present clock. For the plain ISA it is what the compiler makes of the
/// portable vectors, and no bound for `matrixmultiply`, which brings kernels of its own.
pub fn fma_peak(cx: &Context) -> f64 {
    const BURSTS: usize = 9;
    const BURST: Duration = Duration::from_millis(8);
    let isa = cx.isa();
    let rounds = {
        // Calibrated on one thread, so that a burst takes about as long on any processor.
        let rounds = 20_000;
        isa.run(Burst { rounds });
        let start = Instant::now();
        isa.run(Burst { rounds });
        let seconds = start.elapsed().as_secs_f64().max(1e-9);
        (rounds as f64 * BURST.as_secs_f64() / seconds) as usize + 1
    };
    let threads = cx.threads();
    let mut rates = [0.0; BURSTS];
    cx.install(|| {
        for rate in &mut rates {
            let start = Instant::now();
            cx.for_each(threads, |_| isa.run(Burst { rounds }));
            let flops = 2.0 * (threads * rounds * CHAINS * isa.lanes()) as f64;
            *rate = flops / start.elapsed().as_secs_f64() / 1e9;
        }
    });
    rates.sort_by(f64::total_cmp);
    rates[BURSTS / 2]
}

/// Independent chains: two units of latency four or five keep ten in flight.
const CHAINS: usize = 12;

/// Multiplies and adds in registers alone.
struct Burst {
    rounds: usize,
}

impl Kernel for Burst {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // The fixed point is 1: neither denormals nor infinities arise.
        let (a, b) = (simd.splat(black_box(0.5)), simd.splat(black_box(0.5)));
        let mut chains = [simd.splat(black_box(1.0)); CHAINS];
        for _ in 0..self.rounds {
            for chain in &mut chains {
                *chain = simd.mul_add(*chain, a, b);
            }
        }
        let sum = chains.into_iter().fold(simd.splat(0.0), |sum, chain| simd.add(sum, chain));
        black_box(simd.sum(sum));
    }
}
