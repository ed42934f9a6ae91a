//! `narrows pretrain`: an autoencoder on all samples.

use super::inputs::open;
use super::{begin, check_batch, refuse};
use crate::cli::options::Pretrain;
use crate::cli::options::architecture::{ArchitectureOptions, latent};
use crate::cli::options::values::ids;
use crate::error::Error;
use crate::output::progress::Progress;
use crate::output::shell::quoted;
use crate::output::summary::{Cost, PretrainSummary, json};
use crate::output::tables::reconstruction::{data_line, reconstruction};
use crate::run::folder::{METRICS, SUMMARY};
use crate::run::metrics;
use crate::run::reconstructions;
use crate::run::recorder::Recorder;
use narrows_models::checkpoint::Description;
use narrows_models::{Architecture, Pretraining, SampleShape};
use std::time::Instant;

const NAME: &str = "pretrain";

pub fn run(mut options: Pretrain, explicit: &[String]) -> Result<String, Error> {
    let start = Instant::now();
    let data_words = options.data.words()?;
    let data = open(&mut options.data, options.running.machine.threads, options.running.quiet)?;
    let samples = data.train.len();
    let input = SampleShape::of(&data.train);
    if options.linear {
        let mut shaping = ids::<ArchitectureOptions>();
        shaping.retain(|id| id != "latent");
        refuse(explicit, &shaping, "a linear autoencoder (--linear) has its latent code alone")?;
        let linear = Architecture::linear(input, options.architecture.latent.or(latent(input)));
        options.architecture = ArchitectureOptions::from(&linear);
    }
    let architecture = options.pretraining.architecture(&mut options.architecture, &data.train);
    let training = options.pretraining.resolve(samples, &architecture, options.running.seed);
    let pretraining = Pretraining {
        data: &data,
        architecture: &architecture,
        training: &training,
        held_out: options.pretraining.held_out(samples),
        seed: options.running.seed,
    };
    options.pretraining.check(&architecture, &data.train)?;
    let pretraining = pretraining.check()?;
    check_batch(&architecture, "--batch", training.batch)?;
    let cx = options.running.machine.context()?;
    let folder = begin(NAME, &options, &options.running, &cx)?;

    let progress = Progress::new(options.running.quiet);
    let dataset = data.train.name();
    let description = Description::autoencoder(architecture.clone(), &data.train);
    let recorder = Recorder::new(&progress, Pretraining::RUN, &description, &folder);
    let result = pretraining.run(&cx, &recorder);
    let result = recorder.close(result, &folder)?;

    reconstructions::draw(&cx, &architecture.autoencoder()?, &result.params, &data.test, &folder)?;
    folder.write(METRICS, metrics::csv([(Pretraining::RUN, &result.history[..])]).as_bytes())?;
    let summary = PretrainSummary {
        command: NAME,
        dataset,
        seed: options.running.seed,
        threads: cx.threads(),
        unlabelled: result.unlabelled,
        test_samples: data.test.len(),
        pca: &result.pca,
        autoencoder: &result.autoencoder,
        best_epoch: result.best_epoch,
        cost: Cost::since(start),
    };
    folder.write(SUMMARY, json(&summary)?.as_bytes())?;
    folder.keep();
    let head = data_line(dataset, result.unlabelled, data.test.len());
    let errors = reconstruction(&result.pca, &result.autoencoder);
    let path = folder.path().display();
    let next = format!("narrows finetune --encoder {}{data_words}", quoted(&path));
    Ok(format!("{head}\n\n{errors}\nrun folder: {path}\nnext: {next}\n"))
}
