//! Training on data that are larger than the memory allowed, against data that fit: samples a
//! second, in turns.
//!
//! ```text
//! cargo bench --bench larger_than_memory -- FOLDER [MEGABYTES] [SECONDS]
//! ```
//!
//! Makes two stores in FOLDER unless they are there, of eight times and of a quarter of so many
//! megabytes (256), and trains W1's autoencoder on each for so many seconds (20), three times in
//! turns, on one thread. The limit should be real: run it in a control group, as
//! `docs/results/performance-2026-11.md` says, or the page cache of a large machine holds both.
//! Without a folder, as `cargo test` and `cargo bench` alone run it, it measures nothing.

use std::path::{Path, PathBuf};
use std::time::Instant;

use narrows_datasets::{
    Dataset, Dtype, Loader, Metadata, OpenOptions, Parts, Rows, StoreWriter, open_whole,
};
use narrows_engine::{Context, Loss, Params, Target, Trainer, TrainerSettings};
use narrows_models::{Architecture, Model};

const WIDTH: usize = 784;
const BATCH: usize = 256;
const TURNS: usize = 3;

type Anything = Box<dyn std::error::Error>;

fn main() -> Result<(), Anything> {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let Some(folder) = arguments.first() else {
        println!(
            "larger_than_memory: name a folder for 8 times 256 MB of samples; nothing was measured"
        );
        return Ok(());
    };
    let number =
        |at: usize, default| arguments.get(at).map_or(Ok(default), |text| text.parse::<u64>());
    let (megabytes, seconds) = (number(1, 256)?, number(2, 20)?);
    let memory = megabytes << 20;
    let fits = store(Path::new(folder), memory / 4)?;
    let large = store(Path::new(folder), 8 * memory)?;
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        for (path, rates) in [&fits, &large].into_iter().zip(&mut rates) {
            rates.push(train(path, memory / 2, seconds as f64)?);
        }
    }
    let [fits, large] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[TURNS / 2]
    });
    println!(
        "fits: {fits:.0} samples/s; eight times the memory: {large:.0}, {:.1} % of it",
        100.0 * large / fits
    );
    Ok(())
}

/// A store of so many bytes, four values of five 0, as in MNIST.
fn store(folder: &Path, bytes: u64) -> Result<PathBuf, Anything> {
    let path = folder.join(format!("{}MB.narrows", bytes >> 20));
    if path.exists() {
        return Ok(path);
    }
    let mut writer = StoreWriter::create(&path, Dtype::U8, &[28, 28, 1], false)?;
    let mut state = 1_u32;
    let mut sample = vec![0; WIDTH];
    for _ in 0..bytes / WIDTH as u64 {
        for value in &mut sample {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value = if state >> 24 < 51 { (state >> 16) as u8 } else { 0 };
        }
        writer.push_bytes(&sample, 0)?;
    }
    writer.finish(&Metadata::default())?;
    Ok(path)
}

/// Samples a second over so many seconds, an epoch of warming up or a second before.
fn train(path: &Path, memory: u64, seconds: f64) -> Result<f64, Anything> {
    let Parts::Whole(data) = open_whole(path, &OpenOptions::default(), &|_, _| {})?.data else {
        return Err("the store has halves".into());
    };
    let data: Dataset = data.with_memory(memory);
    let cx = Context::new(1)?;
    let network = Architecture {
        widths: vec![512, 256],
        latent: 64,
        ..Architecture::new(Model::Dense, WIDTH)
    }
    .autoencoder()?;
    let mut trainer =
        Trainer::new(&network, Params::new(&network, 1), TrainerSettings::new(Loss::L2, BATCH))?;
    let mut loader = Loader::new(&data, Rows::all(data.len()), BATCH, 1);
    let mut x = vec![0.0; BATCH * WIDTH];
    let (mut start, mut samples, mut warm) = (Instant::now(), 0, false);
    for number in 0.. {
        let mut epoch = loader.epoch(number);
        while epoch.advance()? {
            let x = &mut x[..epoch.rows().len() * WIDTH];
            epoch.gather(x)?;
            trainer.step(&cx, x, Target::Values(x), 1e-3)?;
            samples += epoch.rows().len();
            let elapsed = start.elapsed().as_secs_f64();
            if !warm && elapsed > 2.0 {
                (warm, start, samples) = (true, Instant::now(), 0);
            } else if warm && elapsed > seconds {
                let streams =
                    if loader_streams(&data) { "window by window" } else { "from the map" };
                println!(
                    "{}: {:.0} samples/s, {streams}",
                    path.display(),
                    samples as f64 / elapsed
                );
                return Ok(samples as f64 / elapsed);
            }
        }
    }
    unreachable!("epochs have no end")
}

fn loader_streams(data: &Dataset) -> bool {
    Loader::new(data, Rows::all(data.len()), BATCH, 1).streams()
}
