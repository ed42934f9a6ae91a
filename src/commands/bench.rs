//! `narrows bench`: how near this machine's limits the engine comes, in a few seconds.
//!
//! Everything is measured against a roof that is measured in the same run: the peak of fused
//! multiply-adds, or the bandwidth of the smallest of a few working sets that holds what is read.

mod table;
mod work;

use crate::cli::options::info::Bench;
use crate::error::Error;
use crate::machine;
use narrows_engine::peak::{Bandwidth, bandwidth, fma_peak};
use narrows_engine::{Context, gemm};
use serde::Serialize;
use std::time::Instant;

/// The working sets for the bandwidth, in bytes a thread: a level-1, a level-2 and a level-3 cache,
/// and memory.
const WORKING_SETS: [usize; 4] = [16 << 10, 256 << 10, 4 << 20, 64 << 20];

/// All that came out: what `--json` prints.
#[derive(Serialize)]
struct Report {
    version: &'static str,
    processor: Option<String>,
    isa: &'static str,
    kernel: &'static str,
    /// From the start of the command to the end of W1's first step, its data in memory.
    first_step_seconds: f64,
    /// The most memory until then.
    first_step_memory_mb: Option<f64>,
    roofs: Vec<Roofs>,
    measurements: Vec<Measurement>,
}

/// The limits of the machine.
#[derive(Serialize)]
struct Roofs {
    threads: usize,
    /// GFLOP/s.
    fma: f64,
    /// The same once all was measured: less if the cores have other work, or run hot.
    fma_after: f64,
    bandwidths: Vec<Level>,
}

/// GB/s.
#[derive(Serialize)]
struct Level {
    bytes_per_thread: usize,
    read: f64,
    copy: f64,
}

#[derive(Default, Serialize)]
struct Measurement {
    name: String,
    threads: usize,
    /// The median time of a call, and those of the fastest and the slowest of a few runs.
    seconds: f64,
    fastest: f64,
    slowest: f64,
    /// The number of things that a call works on, and their name.
    items: usize,
    unit: &'static str,
    flops: f64,
    /// The bytes that have to be read and written at least.
    bytes: f64,
    /// True if the bandwidth is its roof, and not the multiply-adds.
    by_bandwidth: bool,
    /// Its part of the roof.
    of_roof: f64,
}

pub fn run(options: &Bench) -> Result<String, Error> {
    let start = Instant::now();
    let cx = options.machine.context()?;
    work::first_step(&cx)?;
    let (first_step_seconds, first_step_memory_mb) =
        (start.elapsed().as_secs_f64(), machine::peak_memory_mb());

    let mut contexts = vec![cx.single()];
    if cx.threads() > 1 {
        contexts.push(cx.clone());
    }
    let mut roofs: Vec<Roofs> = contexts.iter().map(roofs_of).collect();
    let seconds = f64::from(options.seconds) / (contexts.len() * work::COUNT) as f64;
    let mut measurements = Vec::new();
    for (cx, roofs) in contexts.iter().zip(&mut roofs) {
        work::measure(cx, |work, call| {
            let [fastest, seconds, slowest] = cx.install(|| seconds_of_a_call(seconds, call));
            let of_roof = match work.by_bandwidth {
                true => work.bytes / seconds / 1e9 / roofs.read_of(work.bytes),
                false => work.flops / seconds / 1e9 / roofs.fma,
            };
            let threads = cx.threads();
            measurements.push(Measurement { threads, seconds, fastest, slowest, of_roof, ..work });
        })?;
        roofs.fma_after = fma_peak(cx);
    }
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        processor: machine::processor(),
        isa: cx.isa().name(),
        kernel: gemm::kernel_name(cx.isa()),
        first_step_seconds,
        first_step_memory_mb,
        roofs,
        measurements,
    };
    if options.json {
        let line = serde_json::to_string(&report).map_err(|e| Error::new(e.to_string()))?;
        return Ok(line + "\n");
    }
    Ok(table::table(&report))
}

fn roofs_of(cx: &Context) -> Roofs {
    let level = |bytes_per_thread| {
        let Bandwidth { read, copy } = bandwidth(cx, bytes_per_thread);
        Level { bytes_per_thread, read, copy }
    };
    let (fma, bandwidths) = (fma_peak(cx), WORKING_SETS.map(level).into());
    Roofs { threads: cx.threads(), fma, fma_after: fma, bandwidths }
}

impl Roofs {
    /// The bandwidth of the smallest working set that holds `bytes`, or of the largest.
    fn read_of(&self, bytes: f64) -> f64 {
        let holds = |level: &&Level| (level.bytes_per_thread * self.threads) as f64 >= bytes;
        self.bandwidths
            .iter()
            .find(holds)
            .or(self.bandwidths.last())
            .map_or(f64::NAN, |level| level.read)
    }
}

/// The time of a call: the least, the median and the most of several runs of calls, which take
/// `seconds` in all or a call each.
fn seconds_of_a_call(seconds: f64, call: &mut (dyn FnMut() + Send)) -> [f64; 3] {
    const RUNS: usize = 7;
    call();
    let start = Instant::now();
    call();
    let once = start.elapsed().as_secs_f64().max(1e-9);
    let calls = (seconds / RUNS as f64 / once).max(1.0) as usize;
    let mut each = [0.0; RUNS];
    for each in &mut each {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        *each = start.elapsed().as_secs_f64() / calls as f64;
    }
    each.sort_by(f64::total_cmp);
    [each[0], each[RUNS / 2], each[RUNS - 1]]
}
