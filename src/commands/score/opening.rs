//! Opening the data of a score: with or without a model.

use crate::cli::options::data::DataOptions;
use crate::cli::options::row_output::Part;
use crate::cli::options::rows::Score;
use crate::commands::inputs::{Counter, read, say};
use crate::error::Error;
use crate::run::folder;
use narrows_datasets::{Parts, TrainTest};
use narrows_models::model_file;
use std::path::{Path, PathBuf};

/// RUN, if there is one. One argument alone that is no run is DATA.
pub fn run(options: &mut Score) -> Option<PathBuf> {
    let first = options.run.take()?;
    let is_run =
        options.data.path.data.is_some() || options.foreign.arch.is_some() || is_model(&first);
    match is_run {
        true => Some(first),
        false => {
            options.data.path.data = Some(first);
            None
        }
    }
}

fn is_model(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending {
        "onnx" | "pth" | "pt" => true,
        // Arrays have the same ending.
        "safetensors" => model_file::load(path).is_ok(),
        _ => path.is_dir() && folder::model(path).is_ok(),
    }
}

/// The data that `options` name, not divided yet. The preparation of floats is fitted to the
/// training rows: of undivided data to all, unless `part` names some.
pub fn parts(
    options: &mut DataOptions,
    part: Option<Part>,
    threads: usize,
    quiet: bool,
) -> Result<Parts, Error> {
    let how = options.open_options(threads);
    let halves = |TrainTest { train, test }| Parts::Halves(train, test);
    let open =
        |path: &Path, progress: &Counter<'_>| narrows_datasets::open_whole(path, &how, progress);
    let parts = read(options, quiet, halves, open)?;
    let learnt = match (&parts, part) {
        (Parts::Whole(data), Some(Part::Train | Part::Test)) => Some(Parts::rows(data)?.0),
        _ => None,
    };
    let parts = parts.prepared(learnt.as_deref())?;
    if let Parts::Halves(train, test) = &parts {
        say(train.preparation().respelled(test.columns().unwrap_or_default()));
    }
    Ok(parts)
}
