//! One file a command. Each checks everything first, then makes its folder, works, and returns what to print.

pub mod bench;
pub mod compare;
pub mod data;
pub mod evaluate;
pub mod finetune;
pub mod info;
pub mod pretrain;
mod reconstruction;
pub mod summary;

use crate::config;
use crate::defaults;
use crate::error::Error;
use crate::options::data::DataOptions;
use crate::options::running::RunningOptions;
use crate::progress::Progress;
use crate::run_folder::{CONFIG, RunFolder};
use narrows_datasets::{Dataset, TrainTest};
use narrows_engine::Context;
use narrows_models::checkpoint::Description;
use narrows_models::{Architecture, SampleShape};
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// Opens the data that `options` name, by so many threads, and puts their full path in place, for the configuration
/// to be of use anywhere. Images that are skipped are listed on stderr, and so is progress unless it is to be
/// `quiet`.
fn open(options: &mut DataOptions, threads: usize, quiet: bool) -> Result<TrainTest, Error> {
    let data = match options.data.clone() {
        None => {
            if let Some(option) = options.reading.for_files() {
                return Err(Error::new(format!(
                    "--{option} is for data in files, and the built-in digits are none: name a file or a folder by --data"
                )));
            }
            narrows_datasets::builtin(defaults::BUILTIN_TEST_SAMPLES, defaults::BUILTIN_SPLIT_SEED)
        }
        Some(path) => {
            let path = data::fetched(&path)?.unwrap_or(path);
            let progress = Progress::new(quiet);
            let opened =
                narrows_datasets::open_with(&path, &options.open_options(threads), &|done, total| {
                    progress.count("images", done, total);
                })?;
            progress.end_count();
            let skipped = opened.skipped.iter().map(|error| format!("skipped {error}"));
            for line in skipped.chain(opened.notes) {
                // Where nobody listens, the samples are the same.
                let _ = writeln!(std::io::stderr(), "{line}");
            }
            options.data = Some(full_path(&path)?);
            if let Some(labels) = &mut options.reading.labels_file {
                *labels = full_path(labels)?;
            }
            opened.data
        }
    };
    match &options.against_rest {
        None => Ok(data),
        Some(class) => Ok(data.one_against_rest(class)?),
    }
}

fn full_path(path: &Path) -> Result<std::path::PathBuf, Error> {
    std::fs::canonicalize(path).map_err(|e| Error::at(path, e))
}

/// Makes the folder of a run of `command` and writes its configuration there: that the folder can be written to
/// is known before anything is trained.
fn begin(
    command: &str,
    options: &impl Serialize,
    running: &RunningOptions,
    cx: &Context,
) -> Result<RunFolder, Error> {
    let note = format!("computed with --isa {} on {} threads", cx.isa().name(), cx.threads());
    let config = config::text(command, options, &note)?;
    let folder = RunFolder::create(running.out.as_deref(), command)?;
    folder.write(CONFIG, config.as_bytes())?;
    Ok(folder)
}

/// Refuses a batch, set by `option`, that batch normalisation can make nothing of.
fn check_batch(architecture: &Architecture, option: &str, batch: usize) -> Result<(), Error> {
    match batch {
        1 if architecture.batch_norm => Err(Error::new(format!(
            "a batch of 1 sample has no variance to normalise by: set {option} to 2 or more, or --no-batch-norm"
        ))),
        _ => Ok(()),
    }
}

/// Refuses a model, at `path`, that is not for such samples.
fn check_samples(path: &Path, description: &Description, data: &Dataset) -> Result<(), Error> {
    let (expected, found) = (description.architecture.input, SampleShape::of(data));
    match expected.takes(found) {
        true => Ok(()),
        false => Err(Error::at(
            path,
            format_args!(
                "the model takes samples of {expected} ({}), but those of {} are {found}: name its data by --data, and \
                 what was made of images in files by --image-size and --channels",
                description.dataset,
                data.name()
            ),
        )),
    }
}

/// Refuses the options `ids` where they were given although they have no effect, because of `reason`.
fn refuse(explicit: &[String], ids: &[&str], reason: &str) -> Result<(), Error> {
    match ids.iter().find(|id| explicit.iter().any(|given| given == *id)) {
        None => Ok(()),
        Some(id) => Err(Error::new(format!("--{} has no effect: {reason}", id.replace('_', "-")))),
    }
}
