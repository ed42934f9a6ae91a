//! Tries inputs on the target that `NARROWS_FUZZ` names, guided by coverage: libFuzzer has `main`,
//! and its options.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use narrows_fuzz::{Scratch, TARGETS, Target};

static TARGET: LazyLock<(&Target, Scratch)> = LazyLock::new(|| {
    let name = std::env::var("NARROWS_FUZZ").unwrap_or_default();
    let target = TARGETS.iter().find(|target| target.name == name);
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let target = target
        .unwrap_or_else(|| panic!("set NARROWS_FUZZ to one of {}, not {name:?}", names.join(", ")));
    (target, Scratch::new())
});

fuzz_target!(
    init: {
        // libfuzzer-sys ends the process at each panic. But those of image decoders are caught, and
        // only one that nobody catches is a finding.
        let _ = std::panic::take_hook();
        LazyLock::force(&TARGET);
    },
    |bytes: &[u8]| {
        let (target, scratch) = &*TARGET;
        target.run(scratch, bytes);
    }
);
