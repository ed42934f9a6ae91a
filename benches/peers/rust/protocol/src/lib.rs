//! What all peers written in Rust have in common: the command line, the workloads, the data, the
//! timing, and the line of JSON that comes out. `python/protocol.py` is the same for those written
//! in Python.

use std::fmt::Write;
use std::fs;
use std::hint::black_box;
use std::str::FromStr;
use std::time::Instant;

/// Pixels of a sample, but for W3.
pub const INPUTS: usize = 784;
/// The widths of W1.
pub const W1: [usize; 7] = [784, 512, 256, 64, 256, 512, 784];
/// Which of its layers have batch norm and ReLU behind them.
pub const W1_NORMS: [bool; 6] = [true, true, false, true, true, false];
/// The widths of W1b.
pub const W1B: [usize; 5] = [784, 256, 64, 256, 784];
pub const W1B_NORMS: [bool; 4] = [true, false, true, false];
pub const W2: Convolutional = Convolutional { channels: &[1, 16, 32], side: 7, code: 64 };
pub const W3: Convolutional = Convolutional { channels: &[3, 32, 64, 128], side: 4, code: 128 };
/// The widths of W4: W1's encoder and ten classes. Its first four are W5.
pub const W4: [usize; 5] = [784, 512, 256, 64, 10];
pub const W4_NORMS: [bool; 4] = [true, true, false, false];
/// W4's samples, epochs, and its steps in all: three of 32 samples and one of 4 in an epoch.
pub const W4_SAMPLES: usize = 100;
pub const W4_EPOCHS: usize = 100;
pub const W4_STEPS: usize = 400;
/// W6's samples without a label, in a step and in a measured pass over them; and labelled ones.
pub const W6_BATCH: usize = 128;
pub const W6_SAMPLES: usize = 10 * W6_BATCH;
pub const W6_LABELLED: usize = 64;
/// Adam's learning rate.
pub const LR: f64 = 1e-3;
/// The rows of W5's large batch.
pub const MANY: usize = 1024;

/// An autoencoder of convolutions 3x3 of stride 2, each with batch norm and ReLU behind it, and two
/// linear layers; the decoder is the mirror image, with transposed convolutions. What has batch
/// norm behind it has no bias.
pub struct Convolutional {
    /// Those of the image, and those behind each convolution.
    pub channels: &'static [usize],
    /// Height and width behind the last convolution.
    pub side: usize,
    /// The length of the latent code.
    pub code: usize,
}

impl Convolutional {
    /// Height and width of the image.
    pub fn image_side(&self) -> usize {
        self.side << (self.channels.len() - 1)
    }

    /// The channels behind the last convolution.
    pub fn deepest(&self) -> usize {
        self.channels[self.channels.len() - 1]
    }

    /// The values behind the last convolution.
    pub fn bottom(&self) -> usize {
        self.side * self.side * self.deepest()
    }

    /// The channels in the order of the decoder.
    pub fn mirrored(&self) -> Vec<usize> {
        self.channels.iter().rev().copied().collect()
    }

    /// Multiply-adds of a training step. A transposed convolution has as many as the one that it
    /// mirrors.
    fn training_macs(&self) -> usize {
        let layer = |(i, pair): (usize, &[usize])| {
            let side = self.image_side() >> (i + 1);
            9 * pair[0] * pair[1] * side * side
        };
        let convolutions: Vec<usize> = self.channels.windows(2).enumerate().map(layer).collect();
        let encoder = convolutions.iter().sum::<usize>() + self.bottom() * self.code;
        3 * 2 * encoder - convolutions[0]
    }
}

/// What to measure, as the command line says.
pub struct Job {
    pub workload: String,
    pub threads: usize,
    pub variant: String,
    repeats: usize,
    seconds: f64,
    data: String,
}

impl Job {
    /// Reads `--workload`, `--threads`, `--repeats`, `--seconds`, `--variant` and `--data`.
    pub fn from_args() -> Job {
        let args: Vec<String> = std::env::args().collect();
        let given =
            |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1));
        fn number<T: FromStr>(text: Option<&String>, default: T) -> T {
            text.map_or(default, |text| {
                text.parse().unwrap_or_else(|_| panic!("{text} is not a number"))
            })
        }
        let text = |name, default: &str| given(name).map_or(default, String::as_str).to_string();
        Job {
            workload: text("--workload", "W1"),
            threads: number(given("--threads"), 1),
            variant: text("--variant", "default"),
            repeats: number(given("--repeats"), 5),
            seconds: number(given("--seconds"), 0.5),
            data: text("--data", "images"),
        }
    }

    /// The file of images, in MNIST's format. They are random, so a peer may take their order as
    /// suits it.
    pub fn data_file(&self) -> &str {
        &self.data
    }

    /// The samples of a batch.
    pub fn batch(&self) -> usize {
        match self.workload.as_str() {
            "W1" => 256,
            "W1b" => 64,
            "W2" | "W3" => 128,
            "W4" | "W4h" => 32,
            "W6" | "W6c" => W6_SAMPLES,
            _ => MANY,
        }
    }

    /// Floating-point operations of a sample: forward, the gradient of the weights, and but for the
    /// first layer the gradient of the inputs. Of W4h: as W4, that is, as if nothing were saved.
    fn flops(&self) -> f64 {
        let macs =
            |widths: &[usize]| -> usize { widths.windows(2).map(|pair| pair[0] * pair[1]).sum() };
        let training = |widths: &[usize]| 3 * macs(widths) - widths[0] * widths[1];
        2.0 * match self.workload.as_str() {
            "W1" => training(&W1),
            "W1b" => training(&W1B),
            "W2" => W2.training_macs(),
            "W3" => W3.training_macs(),
            "W4" | "W4h" => training(&W4),
            // Passes of several kinds, which are not counted.
            "W6" | "W6c" => 0,
            _ => macs(&W4[..4]),
        } as f64
    }

    /// Measures training: `step` takes one step, from the gathering of the batch on, and comes back
    /// once it is done.
    pub fn training(&self, framework: &str, version: &str, mut step: impl FnMut()) {
        step();
        let first = since_start();
        (0..9).for_each(|_| step());
        let steps = rounds(self.seconds, 5, &mut step);
        let rates = self.rates(steps, self.batch(), &mut step);
        let mut line = self.line(framework, version);
        line.rates("samples_per_s", &rates);
        line.number("gflops", median(&rates) * self.flops() / 1e9);
        line.number("start_to_first_step_s", first);
        line.print();
    }

    /// Measures the whole of W4: `run` begins with fresh weights.
    pub fn fine_tuning(&self, framework: &str, version: &str, mut run: impl FnMut()) {
        let mut seconds: Vec<f64> = (0..self.repeats + 1)
            .map(|_| {
                let start = Instant::now();
                run();
                start.elapsed().as_secs_f64()
            })
            .collect();
        let first = seconds.remove(0);
        let mut line = self.line(framework, version);
        line.rates("wall_s", &seconds);
        line.number("first_run_s", first);
        line.number("us_per_step", median(&seconds) / W4_STEPS as f64 * 1e6);
        line.print();
    }

    /// Measures W5: `one` predicts for one row, `many` for [`MANY`].
    pub fn prediction(
        &self,
        framework: &str,
        version: &str,
        mut one: impl FnMut(),
        mut many: impl FnMut(),
    ) {
        (0..200).for_each(|_| one());
        let mut latencies: Vec<f64> = (0..3000)
            .map(|_| {
                let start = Instant::now();
                one();
                start.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        latencies.sort_by(f64::total_cmp);
        (0..5).for_each(|_| many());
        let calls = rounds(self.seconds, 3, &mut many);
        let rates = self.rates(calls, MANY, &mut many);
        let mut line = self.line(framework, version);
        line.number("latency_us", latencies[1500]);
        line.number("latency_p10_us", latencies[300]);
        line.number("latency_p90_us", latencies[2700]);
        line.rates("samples_per_s", &rates);
        line.number("gflops", median(&rates) * self.flops() / 1e9);
        line.print();
    }

    fn rates(&self, calls: usize, batch: usize, f: &mut impl FnMut()) -> Vec<f64> {
        let rate = |_| {
            let start = Instant::now();
            (0..calls).for_each(|_| f());
            (calls * batch) as f64 / start.elapsed().as_secs_f64()
        };
        (0..self.repeats).map(rate).collect()
    }

    fn line(&self, framework: &str, version: &str) -> Line {
        let mut line = Line::default();
        line.text("framework", framework);
        line.text("version", version);
        line.text("variant", &self.variant);
        line.text("workload", &self.workload);
        line.number("threads", self.threads as f64);
        line
    }
}

/// How many calls take `seconds`, at least `least`.
fn rounds(seconds: f64, least: usize, f: &mut impl FnMut()) -> usize {
    let start = Instant::now();
    (0..least).for_each(|_| f());
    let each = start.elapsed().as_secs_f64() / least as f64;
    ((seconds / each) as usize).max(least)
}

/// The median; of an even number, the upper one.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// A JSON object of one line.
#[derive(Default)]
pub struct Line(String);

impl Line {
    pub fn text(&mut self, key: &str, value: &str) {
        self.raw(key, &format!("\"{value}\""));
    }

    pub fn number(&mut self, key: &str, value: f64) {
        self.raw(key, &format!("{value:.6}"));
    }

    pub fn numbers(&mut self, key: &str, values: &[f64]) {
        let values: Vec<String> = values.iter().map(|value| format!("{value:.3}")).collect();
        self.raw(key, &format!("[{}]", values.join(", ")));
    }

    /// The median of the values, and the smallest and largest.
    fn rates(&mut self, key: &str, values: &[f64]) {
        self.number(key, median(values));
        self.number("min", values.iter().copied().fold(f64::MAX, f64::min));
        self.number("max", values.iter().copied().fold(0.0, f64::max));
    }

    fn raw(&mut self, key: &str, value: &str) {
        let comma = if self.0.is_empty() { "" } else { ", " };
        write!(self.0, "{comma}\"{key}\": {value}").expect("a string takes anything");
    }

    /// Adds the peak of this process's memory, and prints the object.
    pub fn print(mut self) {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next());
        if let Some(kib) = peak.and_then(|peak| peak.parse::<f64>().ok()) {
            self.number("peak_rss_mb", kib * 1024.0 / 1e6);
        }
        println!("{{{}}}", self.0);
    }
}

/// Seconds since this process started, to 10 milliseconds.
fn since_start() -> f64 {
    let read = |path| fs::read_to_string(path).expect("Linux's /proc");
    let (stat, uptime) = (read("/proc/self/stat"), read("/proc/uptime"));
    // The second field is the name in brackets, which may hold anything; the 22nd is the start.
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    let number = |text: &str, at: usize| -> f64 {
        text.split_whitespace().nth(at).and_then(|field| field.parse().ok()).expect("a number")
    };
    number(&uptime, 0) - number(fields, 19) / 100.0
}

/// Batches of shuffled rows, without end: the images as bytes in memory, converted to floats in [0,
/// 1] one by one.
pub struct Batches {
    images: Vec<u8>,
    /// Values of a sample.
    inputs: usize,
    order: Vec<u32>,
    at: usize,
    random: u64,
}

impl Batches {
    /// Reads the images, all or the first `samples`.
    pub fn read(job: &Job, samples: Option<usize>) -> Batches {
        let mut images = fs::read(job.data_file()).expect("the images");
        let head: Vec<u8> = images.drain(..4 + 4 * usize::from(images[3])).collect();
        let all = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let inputs = images.len() / all;
        images.truncate(samples.unwrap_or(all) * inputs);
        let order = (0..(images.len() / inputs) as u32).collect();
        let mut batches = Batches { images, inputs, order, at: 0, random: 88_172_645_463_325_252 };
        batches.shuffle();
        batches
    }

    /// Marsaglia's xorshift.
    pub fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    fn shuffle(&mut self) {
        for last in (1..self.order.len()).rev() {
            let other = (self.random() % (last as u64 + 1)) as usize;
            self.order.swap(last, other);
        }
        self.at = 0;
    }

    /// The next batch and its rows. Of few samples, the last batch of an epoch is smaller; of many,
    /// it is left out.
    pub fn next(&mut self, batch: usize) -> (Vec<f32>, Vec<u32>) {
        let left = self.order.len() - self.at;
        if left == 0 || left < batch && self.order.len() > W4_SAMPLES {
            self.shuffle();
        }
        let end = (self.at + batch).min(self.order.len());
        let rows = self.order[self.at..end].to_vec();
        self.at = end;
        let mut x = Vec::with_capacity(rows.len() * self.inputs);
        for &row in &rows {
            let image = &self.images[row as usize * self.inputs..][..self.inputs];
            x.extend(image.iter().map(|&value| f32::from(value) * (1.0 / 255.0)));
        }
        (x, rows)
    }

    /// Rows as a prediction gets them.
    pub fn rows(&mut self, rows: usize) -> Vec<f32> {
        black_box(self.next(rows).0)
    }
}
