//! `narrows compare`: ways to train a classifier on few labels, at one number of labels or along a
//! curve of several.

mod curve;
mod once;

use super::inputs::{Loaded, full_path, open};
use super::refuse;
use crate::cli::options::architecture::{ArchitectureOptions, check_batch};
use crate::cli::options::compare::Compare;
use crate::cli::options::methods::ComparedSemi;
use crate::cli::options::prefixed::{Prefixed, Pretrain};
use crate::cli::options::pretraining::{AutoencoderTraining, PretrainingOptions};
use crate::cli::options::values::ids;
use crate::error::{Error, bail};
use crate::run::folder::{MODEL, RESULTS};
use narrows_models::Method;
use std::path::Path;
use std::time::Instant;

const NAME: &str = "compare";

pub fn run(mut options: Compare, explicit: &[String]) -> Result<String, Error> {
    let start = Instant::now();
    let curve = options.running.resume.as_deref().filter(|run| run.join(RESULTS).is_file());
    let encoder = saved_encoder(&options, curve, explicit)?;
    let resumes = (options.running.resume.is_some(), curve.is_some());
    let machine = options.running.machine.clone();
    let data = open(encoder.as_ref(), &mut options.data, machine.threads, machine.quiet)?;
    // A curve that is continued has the encoder in its folder, wherever that came from.
    if !resumes.1 {
        options.encoder = options.encoder.as_deref().map(full_path).transpose()?;
    }
    let architecture = match &encoder {
        Some(Loaded { description, .. }) => {
            options.architecture = ArchitectureOptions::from(&description.architecture);
            description.architecture.clone()
        }
        None => options.pretraining.architecture(&mut options.architecture, &data.train),
    };
    let curve = options.curve(&data, architecture)?;
    if options.auto.is_none()
        && !curve.methods.iter().any(|method| matches!(method, Method::Semi(_)))
    {
        let semi = ids::<ComparedSemi>();
        refuse(explicit, &semi, "none of --methods is semi-supervised")?;
    }
    let batches = curve.points.iter().map(|point| point.finetuning.batch);
    let least = batches.min().unwrap_or(2);
    check_batch(&curve.architecture, "--finetune-batch", least)?;
    match resumes {
        (true, true) => {}
        (true, false) if curve.points.len() == 1 => return once::run(options, curve, start),
        (true, false) => bail!(
            "--labels: the run compares at one number of labels: leave it out, or begin a new run \
             by --out"
        ),
        (false, _) if curve.points.len() == 1 && encoder.is_none() => {
            return once::run(options, curve, start);
        }
        (false, _) => {}
    }
    let reason = "it chooses where an encoder is trained anew, for one number of labels";
    refuse(explicit, &["auto"], reason)?;
    options.auto = None;
    curve::run(options, curve, encoder, start)
}

/// The encoder that is there already: that in the folder of a curve that is continued, or that of
/// `--encoder`. Without one, some methods need one that is pretrained.
fn saved_encoder(
    options: &Compare,
    curve: Option<&Path>,
    explicit: &[String],
) -> Result<Option<Loaded>, Error> {
    let kept = curve.map(|run| run.join(MODEL)).filter(|model| model.is_file());
    let Some(path) = kept.as_ref().or(options.encoder.as_ref()) else { return Ok(None) };
    let encoder = match curve {
        Some(_) => Loaded::open(path)?,
        None => Loaded::open_encoder(path, &options.foreign, options.data.reading.image_size())?,
    };
    refuse(explicit, &ids::<ArchitectureOptions>(), "the architecture is that of the encoder")?;
    if options.encoder.is_some() && curve.is_none() {
        let pretraining = ids::<PretrainingOptions<Prefixed<AutoencoderTraining, Pretrain>>>();
        refuse(explicit, &pretraining, "nothing is pretrained, the encoder is that of --encoder")?;
    }
    Ok(Some(encoder))
}
