//! What several tests share.

use narrows_engine::simd::Isa;

/// The ISAs that this processor has. The others are named aloud: a test that did not run is no pass.
pub fn isas() -> Vec<Isa> {
    let available = Isa::available();
    for name in Isa::names() {
        if available.iter().all(|isa| isa.name() != *name) {
            eprintln!("NOT RUN on this machine: {name}");
        }
    }
    available
}
