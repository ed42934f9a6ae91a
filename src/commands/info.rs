//! `narrows info`: a model, or what this machine offers.

mod model;

use super::refuse;
use crate::cli::options::architecture::ArchitectureOptions;
use crate::cli::options::info::Info;
use crate::cli::options::values::ids;
use crate::error::Error;
use crate::machine;
use narrows_engine::{Isa, gemm, peak};

/// The attribution that the licence of the built-in data asks for.
const ATTRIBUTION: [&str; 2] = [
    "Optical Recognition of Handwritten Digits, UCI, E. Alpaydin and C. Kaynak, 1998,",
    "CC BY 4.0, as packaged by scikit-learn",
];

pub fn run(options: &Info, explicit: &[String]) -> Result<String, Error> {
    if let Some(run) = &options.run {
        refuse(explicit, &ids::<ArchitectureOptions>(), "the architecture is that of the run")?;
        refuse(explicit, &["classes"], "the model is that of the run")?;
        return model::saved(run, options.batch);
    }
    if let Some(input) = options.input {
        return model::described(options, input);
    }
    let reason =
        "it describes a model, and none is shown: give the shape of its samples by --input";
    refuse(explicit, &ids::<ArchitectureOptions>(), reason)?;
    refuse(explicit, &["classes", "batch"], reason)?;
    machine(options)
}

fn machine(options: &Info) -> Result<String, Error> {
    let cx = options.machine.context()?;
    let isa = cx.isa();
    let available: Vec<&str> = Isa::available().into_iter().map(Isa::name).collect();
    let others: Vec<String> = (Isa::names().iter().filter(|name| **name != isa.name()))
        .map(|name| match available.contains(name) {
            true => name.to_string(),
            false => format!("{name} (not on this processor)"),
        })
        .collect();
    let features: Vec<String> = (machine::features().into_iter())
        .map(|(name, there)| if there { name.to_string() } else { format!("no {name}") })
        .collect();
    let mut lines = vec![
        ("narrows", env!("CARGO_PKG_VERSION").to_string()),
        ("processor", machine::processor().unwrap_or_else(|| "unknown".to_string())),
        ("features", if features.is_empty() { "unknown".to_string() } else { features.join(", ") }),
        ("instruction set", format!("{}, {} floats at a time", isa.name(), isa.lanes())),
        ("others", if others.is_empty() { "none".to_string() } else { others.join(", ") }),
        ("matrix product", gemm::kernel_name(isa).to_string()),
        ("threads", cx.threads().to_string()),
        (
            "peak, 1 thread",
            format!("{:.0} GFLOP/s of fused multiply-adds", peak::fma_peak(&cx.single())),
        ),
    ];
    if cx.threads() > 1 {
        let peak = peak::fma_peak(&cx);
        lines.push(("peak, all threads", format!("{peak:.0} GFLOP/s of fused multiply-adds")));
    }
    lines.extend(["built-in digits", ""].into_iter().zip(ATTRIBUTION.map(str::to_string)));
    Ok(lines.into_iter().map(|(name, value)| format!("{name:<18} {value}\n")).collect())
}
