//! `narrows pretrain`: an autoencoder on all samples.

use super::inputs::open;
use super::refuse;
use crate::cli::options::architecture::{ArchitectureOptions, latent};
use crate::cli::options::pretrain::Pretrain;
use crate::cli::options::values::ids;
use crate::error::Error;
use crate::output::summary::Summary;
use crate::output::tables::reconstruction::{data_line, reconstruction};
use crate::run::folder::{METRICS, MODEL};
use crate::run::metrics;
use crate::run::reconstructions;
use crate::run::recorder::Recorder;
use crate::run::session::Session;
use crate::shell::quoted;
use narrows_engine::Context;
use narrows_models::model_file::Description;
use narrows_models::pretraining::Pretrained;
use narrows_models::{Architecture, Checked, Pretraining, SampleShape};
use std::time::Instant;

const NAME: &str = "pretrain";

pub fn run(mut options: Pretrain, explicit: &[String]) -> Result<String, Error> {
    let start = Instant::now();
    let data_words = options.data.words()?;
    let machine = options.running.machine.clone();
    let data = open(None, &mut options.data, machine.threads, machine.quiet)?;
    let input = SampleShape::of(&data.train);
    if options.linear {
        let mut shaping = ids::<ArchitectureOptions>();
        shaping.retain(|id| id != "latent");
        refuse(explicit, &shaping, "a linear autoencoder (--linear) has its latent code alone")?;
        let linear = Architecture::linear(input, options.architecture.latent.or(latent(input)));
        options.architecture = ArchitectureOptions::from(&linear);
    }
    let architecture = options.pretraining.architecture(&mut options.architecture, &data.train);
    let training = options.pretraining.resolve(&data.train, &architecture, options.running.seed);
    let pretraining = options.pretraining.of(&data, &architecture, &training)?;
    let pretraining = pretraining.check()?;
    let cx = machine.context()?;
    let session = Session::begin(NAME, &options, &options.running, &cx, |_| false)?;
    session.unfinished()?.run(|session| {
        let folder = &session.folder;
        let result = pretrain(&pretraining, &cx, session, MODEL)?;
        reconstructions::draw(
            &cx,
            &architecture.autoencoder()?,
            &result.params,
            &data.test,
            folder,
        )?;
        folder
            .write(METRICS, metrics::csv([(Pretraining::RUN, &result.history[..])]).as_bytes())?;
        let dataset = data.train.name();
        let summary = Summary::new(NAME, dataset)
            .row("seed", options.running.seed)
            .row("threads", cx.threads())
            .row("unlabelled", result.unlabelled)
            .row("test_samples", data.test.len())
            .row("pca", &result.pca)
            .row("autoencoder", &result.autoencoder)
            .row("best_epoch", result.best_epoch);
        folder.finish(summary, start)?;
        let head = data_line(dataset, result.unlabelled, data.test.len());
        let errors = reconstruction(&result.pca, &result.autoencoder);
        let path = folder.path().display();
        let next = format!("narrows train{data_words} --encoder {}", quoted(&path));
        Ok(format!("{head}\n\n{errors}\nrun folder: {path}\nnext: {next}\n"))
    })
}

/// Pretrains an autoencoder, whose weights go into the file `model` of the run's folder.
pub fn pretrain(
    pretraining: &Checked<'_, Pretraining<'_>>,
    cx: &Context,
    session: &Session,
    model: &str,
) -> Result<Pretrained, Error> {
    let train = &pretraining.data.train;
    let description = Description::autoencoder(pretraining.architecture.clone(), train);
    let recorder =
        Recorder::new(session, Pretraining::RUN, &description, session.folder.file(model));
    let result = pretraining.run(cx, &recorder);
    recorder.close(result, &session.folder)
}
