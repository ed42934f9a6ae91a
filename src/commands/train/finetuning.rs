//! A classifier from the labelled samples alone.

use super::super::refuse;
use super::classifier::{Classifier, DrawnLabels, RUN, Source, Start};
use crate::cli::options::architecture::check_batch;
use crate::cli::options::classifier::ClassifierTraining;
use crate::cli::options::train::Train;
use crate::error::Error;
use narrows_datasets::{LabelDraw, Rows};
use narrows_engine::Params;
use narrows_models::{Goal, Run, Task, Transfer};
use std::time::Instant;

/// The learning rate of `auto`.
const LR: f32 = 1e-2;

pub fn run(
    mut options: Train,
    source: Source,
    transfer: Transfer,
    explicit: &[String],
    began: Instant,
) -> Result<String, Error> {
    let start = Start::of(source, &mut options.architecture, |_, _| ());
    let (train, architecture) = (&start.data.train, &start.architecture);
    let labels = DrawnLabels::draw(train, &mut options.labels, options.running.seed)?;
    let seed = labels.seed;
    let lr = options.lr.settle(LR);
    options.training.check::<ClassifierTraining>(train)?;
    let metric = options.metric.metric;
    let foreign = architecture.backbone.is_some() && transfer != Transfer::Scratch;
    let training =
        options.training.finetuning(&options.finetuning, lr, metric, labels.n, foreign, seed);
    check_batch(architecture, "--batch", training.batch)?;
    if training.reestimate_bn && !architecture.batch_norm {
        refuse(explicit, &["reestimate_bn"], "the network has no batch norm")?;
    }
    let network = architecture.classifier(train.classes())?;
    let mut params = Params::new(&network, seed);
    // From scratch, an encoder gives its architecture alone.
    let pretrained = start.pretrained.as_ref().filter(|_| transfer != Transfer::Scratch);
    if let Some(pretrained) = pretrained {
        transfer.check(training.epochs).map_err(|e| Error::from(e).during("--epochs"))?;
        transfer.prepare(&mut params, pretrained)?;
    }
    let LabelDraw { train: rows, validation: held } = &labels.draw;
    let task = Task {
        data: train,
        train: Rows::Listed(rows),
        validation: Rows::Listed(held),
        goal: Goal::Classify,
    };
    let mut run = Run::new(RUN, &network, params, task, &training)?;
    if let Some(pretrained) = pretrained {
        transfer.pull_to_pretrained(&mut run, pretrained)?;
    }
    let classifier = Classifier {
        method: transfer.name(),
        start: &start,
        labels: &labels,
        network: &network,
        loss: &training.loss,
        metric: training.metric,
        chosen: "That epoch was chosen by these samples, so expect less elsewhere.",
    };
    classifier.train(&options, (&options.labels, &options.running), began, |cx, observer| {
        transfer.train(&mut run, cx, observer)?;
        Ok(run.into_result())
    })
}
