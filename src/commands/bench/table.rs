//! The report for people, no wider than 100 columns.

use super::{Level, Measurement, Report};
use crate::output::numbers::{counted, thousands};

pub fn table(report: &Report) -> String {
    let processor = report.processor.as_deref().unwrap_or("unknown processor");
    let mut text = format!(
        "narrows {} on {processor}: {}, matrix products by {}\n\n",
        report.version, report.isa, report.kernel
    );
    text += &line(
        "what the machine gives",
        report.roofs.iter().map(|roofs| counted(roofs.threads, "thread")),
    );
    text += &line(
        "fused multiply-adds",
        report.roofs.iter().map(|roofs| format!("{:.0} GFLOP/s", roofs.fma)),
    );
    for (i, Level { bytes_per_thread, .. }) in report.roofs[0].bandwidths.iter().enumerate() {
        let rates = report.roofs.iter().map(|roofs| {
            let Level { read, copy, .. } = roofs.bandwidths[i];
            format!("{read:.0}, {copy:.0} GB/s")
        });
        text += &line(
            &format!("reading, copying {} KB a thread", thousands(bytes_per_thread >> 10)),
            rates,
        );
    }
    text += "\n";
    text += &line("the engine", report.roofs.iter().map(|_| "rate, of roof".to_string()));
    // Measurements of one thread come first, in the same order as those of more threads.
    let count = report.measurements.len() / report.roofs.len();
    for (i, first) in report.measurements[..count].iter().enumerate() {
        let same = report.measurements.iter().skip(i).step_by(count);
        text += &line(
            &first.name,
            same.map(|of| format!("{} {:>4.0} %{}", rate(of), 100.0 * of.of_roof, mark(of))),
        );
    }
    text += "\nThe roof is the peak of multiply-adds; *: the bandwidth of reading a working set \
             that size.\n";
    text += "Four fifths of the pixels trained on are 0; operations that are skipped for that \
             count as done.\n";
    let memory = report
        .first_step_memory_mb
        .map_or(String::new(), |mb| format!(", with {mb:.0} MB at most"));
    text += &format!(
        "The first step of training 784-512-256-64 was done {:.0} ms after the start{memory}.\n",
        1e3 * report.first_step_seconds
    );
    text
}

fn line(name: &str, values: impl Iterator<Item = String>) -> String {
    let values: String = values.map(|value| format!(" {value:>27}")).collect();
    format!("{name:<43}{values}\n")
}

/// Arithmetic for products, the time of what is one thing, else things a second.
fn rate(of: &Measurement) -> String {
    match (of.unit, of.items) {
        ("products", _) => format!("{:.1} GFLOP/s", of.flops / of.seconds / 1e9),
        (_, 1) => format!("{:.1} us", 1e6 * of.seconds),
        (unit, items) => format!("{} {unit}/s", thousands((items as f64 / of.seconds) as usize)),
    }
}

fn mark(of: &Measurement) -> &'static str {
    if of.by_bandwidth { "*" } else { " " }
}
