//! `narrows semi`: a classifier from a few labels and all other samples at once.

use super::classifier_command::{Classifier, DrawnLabels, RUN, Start};
use super::refuse;
use crate::cli::options::Semi;
use crate::cli::options::architecture::ArchitectureOptions;
use crate::cli::options::semi::SemiOptions;
use crate::cli::options::values::{ids, variant_name};
use crate::error::Error;
use narrows_datasets::{LabelDraw, Rows};
use narrows_engine::{Loss, Params};
use narrows_models::architecture::ENCODER;
use narrows_models::semi::{SemiRun, SemiTask};
use std::time::Instant;

const NAME: &str = "semi";

pub fn run(mut options: Semi, explicit: &[String]) -> Result<String, Error> {
    let began = Instant::now();
    let method = options.semi.method;
    let name = variant_name(&method);
    let mut foreign = ids::<SemiOptions>();
    foreign.retain(|id| !method.takes(id));
    refuse(explicit, &foreign, &format!("the method {name} has no use for it"))?;
    let Semi { encoder, data, architecture, running, .. } = &mut options;
    let fresh = |architecture: &mut ArchitectureOptions, input| architecture.be_for(method, input);
    let start = Start::open(encoder, data, architecture, explicit, running, fresh)?;
    let train = &start.data.train;
    let labels = DrawnLabels::draw(train, &options.labelling, options.running.seed)?;
    let training = options.semi.resolve(train, labels.seed);
    options.semi.check(train)?;
    training.check_for(&start.architecture)?;
    let network = start.architecture.classifier(train.classes())?;
    let mut params = Params::new(&network, labels.seed);
    if let Some(pretrained) = &start.pretrained {
        params.copy_from(pretrained, ENCODER)?;
    }
    let LabelDraw { train: rows, validation: held } = &labels.draw;
    let task = SemiTask {
        data: train,
        labelled: Rows::Listed(rows),
        unlabelled: Rows::all(train.learnt()),
        validation: Rows::Listed(held),
    };
    let mut run = SemiRun::new(RUN, &network, params, task, &training)?;
    let classifier = Classifier {
        command: NAME,
        method: &name,
        start: &start,
        labels: &labels,
        network: &network,
        loss: &Loss::cross_entropy(),
        metric: training.metric,
    };
    classifier.train(&options, (&options.labelling, &options.running), began, |cx, observer| {
        run.train(cx, observer)?;
        Ok(run.into_result())
    })
}
