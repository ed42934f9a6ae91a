//! A classifier from the labelled samples and all others at once.

use super::classifier::{Classifier, DrawnLabels, RUN, Source, Start};
use crate::cli::options::architecture::ArchitectureOptions;
use crate::cli::options::classifier::ClassifierTraining;
use crate::cli::options::methods::SEMI_LR;
use crate::cli::options::semi::{self, Length, SemiName, SemiOptions};
use crate::cli::options::train::Train;
use crate::cli::options::values::{Auto, variant_name};
use crate::error::Error;
use narrows_datasets::{LabelDraw, Rows};
use narrows_engine::{Loss, Params};
use narrows_models::architecture::ENCODER;
use narrows_models::methods::SemiMethod;
use narrows_models::semi::{SemiRun, SemiTask};
use std::time::Instant;

/// The time of a training on one core of a usual machine.
const SECONDS: f64 = 180.0;

pub fn run(
    mut options: Train,
    source: Source,
    method: SemiName,
    began: Instant,
) -> Result<String, Error> {
    let name = variant_name(&method);
    let fresh = |architecture: &mut ArchitectureOptions, input| architecture.be_for(method, input);
    let start = Start::of(source, &mut options.architecture, fresh);
    let train = &start.data.train;
    let labels = DrawnLabels::draw(train, &mut options.labels, options.running.seed)?;
    let Train { semi, training, .. } = &options;
    semi::check::<ClassifierTraining, SemiOptions>(method, training, semi, train)?;
    let lr = options.lr.settle(SEMI_LR);
    let of_method = (&mut options.semi, &mut options.semi_methods);
    let metric = options.metric.metric;
    let network = start.architecture.classifier(train.classes())?;
    let (seconds, given) = match &options.budget {
        Auto::Given(time) => (time.value.as_secs_f64(), true),
        Auto::Auto => (SECONDS, false),
    };
    let length = Length { network: &network, seconds, given };
    let of_training = (lr, metric, labels.seed);
    let (training, samples) = options.training.semi(method, of_method, of_training, train, &length);
    training.check_for(&start.architecture)?;
    let method_of = SemiMethod {
        name: name.clone(),
        architecture: start.architecture.clone(),
        from_encoder: start.pretrained.is_some(),
        training: training.clone(),
        samples,
    };
    let some = method_of.some(train.learnt(), labels.seed);
    let mut params = Params::new(&network, labels.seed);
    if let Some(pretrained) = &start.pretrained {
        params.copy_from(pretrained, ENCODER)?;
    }
    let LabelDraw { train: rows, validation: held } = &labels.draw;
    let task = SemiTask {
        data: train,
        labelled: Rows::Listed(rows),
        unlabelled: some.as_deref().map_or(Rows::all(train.learnt()), Rows::Listed),
        validation: Rows::Listed(held),
    };
    let mut run = SemiRun::new(RUN, &network, params, task, &training)?;
    let classifier = Classifier {
        method: &name,
        start: &start,
        labels: &labels,
        network: &network,
        loss: &Loss::cross_entropy(),
        metric: training.metric,
        chosen: "The last epoch is kept, unless another is clearly better on these samples.",
    };
    classifier.train(&options, (&options.labels, &options.running), began, |cx, observer| {
        run.train(cx, observer)?;
        Ok(run.into_result())
    })
}
