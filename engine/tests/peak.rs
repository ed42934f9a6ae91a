//! The measured peaks are plausible numbers.

use crate::support;
use narrows_engine::parallel::Context;
use narrows_engine::peak::{bandwidth, fma_peak};

#[test]
fn the_peak_is_plausible_and_quickly_measured() {
    for isa in support::isas() {
        let cx = Context::with_isa(isa, 1).expect("one thread");
        let start = std::time::Instant::now();
        let peak = fma_peak(&cx);
        println!("{}: {peak:.1} GFLOP/s in {:?}", isa.name(), start.elapsed());
        // Below what any processor of this century does, above what any core will do for a while.
        assert!(peak > 0.1 && peak < 1000.0, "{peak} GFLOP/s with {isa:?}");
    }
}

#[test]
fn bandwidths_are_plausible() {
    for isa in support::isas() {
        for threads in [1, 2] {
            let cx = Context::with_isa(isa, threads).expect("threads");
            // Nothing, a level-1 cache, an odd number in a level-2 cache, and memory or a large
            // cache.
            for bytes in [0, 16 << 10, 123_457, 16 << 20] {
                let start = std::time::Instant::now();
                let of = bandwidth(&cx, bytes);
                println!(
                    "{}, {threads} threads, {bytes} bytes: {of:.1?} in {:?}",
                    isa.name(),
                    start.elapsed()
                );
                // A core moves at most two 64-byte vectors in a cycle of 6 GHz or so, and reading
                // no more is a bug.
                for rate in [of.read, of.copy] {
                    assert!(rate > 0.05 && rate < 1500.0 * threads as f64, "{of:?} with {isa:?}");
                }
            }
        }
    }
}
