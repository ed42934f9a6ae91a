//! The report for people, no wider than 100 columns.

use super::work::{CONV_COLOUR, CONV_GREY, DENSE, MANY_ROWS};
use super::{Level, Measurement, Report};
use crate::output::numbers::{counted, duration, thousands};

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
    text += &quiet(report);
    text += "\n";
    text += &line("what to expect here", report.roofs.iter().map(|_| "time".to_string()));
    for &(name, job, items) in JOBS {
        let same = report.measurements.iter().filter(|of| of.name == job);
        text += &line(
            name,
            same.map(|of| duration(of.seconds * (items as f64 / of.items as f64).ceil())),
        );
    }
    let memory = report
        .first_step_memory_mb
        .map_or(String::new(), |mb| format!(", with {mb:.0} MB at most"));
    text += &format!(
        "\nThe first step of training 784-512-256-64 was done {:.0} ms after the start{memory}.\n",
        1e3 * report.first_step_seconds
    );
    text
}

/// Jobs that a user knows: what they repeat, and for how many samples.
const JOBS: &[(&str, &str, usize)] = &[
    ("MNIST, an epoch of the dense autoencoder", DENSE, 60_000),
    ("MNIST, an epoch of the convolutional one", CONV_GREY, 60_000),
    ("CIFAR-10, an epoch of the convolutional one", CONV_COLOUR, 50_000),
    ("codes of a million images", MANY_ROWS, 1_000_000),
];

/// Says whether other work took part of the cores meanwhile.
fn quiet(report: &Report) -> String {
    let peak = report.roofs.iter().map(|roofs| roofs.fma_after / roofs.fma);
    let spread = report.measurements.iter().map(|of| of.slowest / of.fastest);
    let (peak, spread) = (peak.fold(1.0, f64::min), spread.fold(1.0, f64::max));
    let said = format!(
        "At the end the peak of multiply-adds was {:.0} % of the first one. The slowest run of a \
         call\ntook {spread:.1} times as long as its fastest.",
        100.0 * peak
    );
    match peak < 0.9 || spread > 1.5 {
        true => said + " Other work shares these cores: alone, they do more.\n",
        false => said + "\n",
    }
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
