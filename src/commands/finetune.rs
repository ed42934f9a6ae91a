//! `narrows finetune`: a classifier from a few labels.

use super::classifier_command::{Labels, RUN, Start, Trained};
use super::{begin, check_batch, refuse};
use crate::cli::options::Finetune;
use crate::error::Error;
use crate::output::progress::Progress;
use crate::run::recorder::Recorder;
use narrows_datasets::{LabelDraw, Rows};
use narrows_engine::Params;
use narrows_models::checkpoint::Description;
use narrows_models::{Goal, Method, Run, Task};
use std::time::Instant;

const NAME: &str = "finetune";

pub fn run(mut options: Finetune, explicit: &[String]) -> Result<String, Error> {
    let start = Instant::now();
    check_encoder(&options, explicit)?;
    let Finetune { encoder, data, architecture, running, .. } = &mut options;
    let Start { data, architecture, pretrained, data_words } =
        Start::open(encoder, data, architecture, explicit, running, |_, _| ())?;
    let train = &data.train;
    let labels = Labels::draw(train, &options.labelling, options.running.seed)?;
    let seed = labels.seed;
    let training = options.finetuning.training(labels.n, seed);
    options.finetuning.check(train)?;
    check_batch(&architecture, "--batch", training.batch)?;
    if training.reestimate_bn && !architecture.batch_norm {
        refuse(explicit, &["reestimate_bn"], "the network has no batch norm")?;
    }
    let network = architecture.classifier(train.classes())?;
    let mut params = Params::new(&network, seed);
    let method = match &pretrained {
        Some(pretrained) => {
            let method = options.method;
            method.check(training.epochs).map_err(|e| Error::from(e).during("--epochs"))?;
            method.prepare(&mut params, pretrained)?;
            method
        }
        None => Method::Scratch,
    };
    let LabelDraw { train: rows, validation: held } = &labels.draw;
    let task = Task {
        data: train,
        train: Rows::Listed(rows),
        validation: Rows::Listed(held),
        goal: Goal::Classify,
    };
    let mut run = Run::new(RUN, &network, params, task, &training)?;
    if let Some(pretrained) = &pretrained {
        method.anchor(&mut run, pretrained)?;
    }
    let cx = options.running.machine.context()?;
    let folder = begin(NAME, &options, &options.running, &cx)?;

    let progress = Progress::new(options.running.quiet);
    let description = Description::classifier(architecture.clone(), train);
    let recorder = Recorder::new(&progress, RUN, &description, &folder);
    let result = method.train(&mut run, &cx, &recorder);
    recorder.close(result, &folder)?;
    let trained = Trained {
        command: NAME,
        method: method.name(),
        train,
        data_words: &data_words,
        labels: &labels,
        network: &network,
        params: &run.trainer.params,
        loss: &training.loss,
        metric: training.metric,
        history: &run.history,
        best_epoch: run.best_epoch(),
        description,
    };
    trained.finish(&options.labelling, &options.running, &cx, &folder, start)
}

/// An encoder is asked for, or that there be none; and nothing for it that it will not get.
fn check_encoder(options: &Finetune, explicit: &[String]) -> Result<(), Error> {
    match (&options.encoder, options.scratch) {
        (Some(_), _) if options.method == Method::Freeze => refuse(
            explicit,
            &["lr_decay", "l2_sp"],
            "the method freeze leaves the encoder as it is",
        ),
        (Some(_), _) => Ok(()),
        (None, false) => Err(Error::new(
            "finetune needs an encoder: give --encoder RUN, or --scratch to start without one",
        )),
        (None, true) => refuse(
            explicit,
            &["method", "lr_decay", "l2_sp"],
            "there is no pretrained encoder to treat one way or another",
        ),
    }
}
