//! The measured peak is a plausible number.

mod support;

use narrows_engine::parallel::Context;
use narrows_engine::peak::fma_peak;

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
