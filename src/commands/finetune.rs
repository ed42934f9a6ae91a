//! `narrows finetune`: a classifier from a few labels.

use super::classifier_command::{Classifier, DrawnLabels, RUN, Start};
use super::refuse;
use crate::cli::options::Finetune;
use crate::cli::options::architecture::check_batch;
use crate::error::{Error, bail};
use narrows_datasets::{LabelDraw, Rows};
use narrows_engine::Params;
use narrows_models::{Goal, Run, Task, Transfer};
use std::time::Instant;

const NAME: &str = "finetune";

pub fn run(mut options: Finetune, explicit: &[String]) -> Result<String, Error> {
    let began = Instant::now();
    check_encoder(&options, explicit)?;
    let Finetune { encoder, data, architecture, running, .. } = &mut options;
    let start = Start::open(encoder, data, architecture, explicit, running, |_, _| ())?;
    let (train, architecture) = (&start.data.train, &start.architecture);
    let labels = DrawnLabels::draw(train, &options.labelling, options.running.seed)?;
    let seed = labels.seed;
    let training = options.finetuning.training(labels.n, seed);
    options.finetuning.check(train)?;
    check_batch(architecture, "--batch", training.batch)?;
    if training.reestimate_bn && !architecture.batch_norm {
        refuse(explicit, &["reestimate_bn"], "the network has no batch norm")?;
    }
    let network = architecture.classifier(train.classes())?;
    let mut params = Params::new(&network, seed);
    let transfer = match &start.pretrained {
        Some(pretrained) => {
            let transfer = options.method;
            transfer.check(training.epochs).map_err(|e| Error::from(e).during("--epochs"))?;
            transfer.prepare(&mut params, pretrained)?;
            transfer
        }
        None => Transfer::Scratch,
    };
    let LabelDraw { train: rows, validation: held } = &labels.draw;
    let task = Task {
        data: train,
        train: Rows::Listed(rows),
        validation: Rows::Listed(held),
        goal: Goal::Classify,
    };
    let mut run = Run::new(RUN, &network, params, task, &training)?;
    if let Some(pretrained) = &start.pretrained {
        transfer.pull_to_pretrained(&mut run, pretrained)?;
    }
    let classifier = Classifier {
        command: NAME,
        method: transfer.name(),
        start: &start,
        labels: &labels,
        network: &network,
        loss: &training.loss,
        metric: training.metric,
    };
    classifier.train(&options, (&options.labelling, &options.running), began, |cx, observer| {
        transfer.train(&mut run, cx, observer)?;
        Ok(run.into_result())
    })
}

/// An encoder is asked for, or that there be none; and nothing for it that it will not get.
fn check_encoder(options: &Finetune, explicit: &[String]) -> Result<(), Error> {
    match (&options.encoder, options.scratch) {
        (Some(_), _) if options.method == Transfer::Freeze => refuse(
            explicit,
            &["lr_decay", "l2_sp"],
            "the method freeze leaves the encoder as it is",
        ),
        (Some(_), _) => Ok(()),
        (None, false) => bail!(
            "finetune needs an encoder: give --encoder RUN, or --scratch to start without one"
        ),
        (None, true) => refuse(
            explicit,
            &["method", "lr_decay", "l2_sp"],
            "there is no pretrained encoder to treat one way or another",
        ),
    }
}
