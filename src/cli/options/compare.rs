//! The options of `narrows compare`.

use super::architecture::ArchitectureOptions;
use super::classifier::{ClassifierTraining, MetricOption};
use super::data::DataOptions;
use super::finetuning::FinetuningOptions;
use super::foreign::ForeignOptions;
use super::labels::ComparedLabels;
use super::methods::{self, ComparedSemi, MethodName, Setting, method};
use super::prefixed::{Finetune, Prefixed, Pretrain};
use super::pretraining::{AutoencoderTraining, PretrainingOptions};
use super::running::RunningOptions;
use super::values::Auto;
use super::values::{List, Written, auto, boolean, count, filled, list, positive, time};
use crate::error::Error;
use clap::Args;
use narrows_datasets::TrainTest;
use narrows_models::curve::Point;
use narrows_models::{Architecture, Curve};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// The options of `narrows compare`.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Compare {
    #[command(flatten)]
    #[serde(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub labels: ComparedLabels,
    #[command(flatten)]
    #[serde(flatten)]
    pub metric: MetricOption,
    #[arg(long, help = methods::METHODS_HELP.as_str(), value_name = "NAMES",
          help_heading = "Methods", default_value = "auto",
          value_parser = auto(filled(list(method))))]
    pub methods: Auto<List<MethodName>>,
    /// Compare with references on the same labels: logistic (regression), knn (nearest labelled
    /// samples), svm (support vector machine with a Gaussian kernel), forest (random forest). auto:
    /// true where --methods is auto and there are at most 5,000 labels
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "auto", default_missing_value = "true", help_heading = "Methods",
          value_parser = auto(boolean))]
    pub references: Auto<bool>,
    /// Time of the whole command on one core of a usual machine: 90s, 10m, 2h. Pretraining takes at
    /// most a third of it; semi-supervised methods take what pretraining and fine-tuning leave, at
    /// least a quarter. Operations are counted for it, so that the results do not depend on the
    /// clock; --epochs of any kind come first. auto: no limit for pretraining and fine-tuning, 18 s
    /// for each draw of a semi-supervised method, or 1 s for the digits inside
    // narrows tune has these options, and a budget of its own.
    #[arg(id = "limit", long = "budget", value_name = "TIME", default_value = "auto",
          value_parser = auto(time), help_heading = "Methods")]
    #[serde(skip_serializing_if = "is_auto")]
    pub budget: Auto<Written<Duration>>,
    /// As --budget, and lp-ft and all semi-supervised methods are tried on the first label draw.
    /// The best of them by validation labels joins the comparison. Half of the time that
    /// pretraining and fine-tuning leave is for the trials, half for all draws [default: no others
    /// are tried]
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Methods")]
    pub auto: Option<Written<Duration>>,
    /// Number of classifiers for each method and draw, from different seeds. The mean of their
    /// probabilities decides
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count(1, 1000),
          help_heading = "Methods")]
    pub ensemble: usize,
    /// Run folder or .safetensors file with a pretrained encoder [default: a new one is pretrained,
    /// if a method needs it]
    #[arg(long, value_name = "RUN", help_heading = "Methods")]
    pub encoder: Option<PathBuf>,
    #[command(flatten)]
    #[serde(flatten)]
    pub foreign: ForeignOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub architecture: ArchitectureOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub pretraining: PretrainingOptions<Prefixed<AutoencoderTraining, Pretrain>>,
    /// Candidates for the learning rate. Validation labels choose one for each method and draw
    #[arg(long, value_name = "LIST", default_value = "3e-3,1e-2,3e-2,1e-1",
          value_parser = filled(list(positive)), help_heading = "Fine-tuning")]
    pub finetune_lr: List<f32>,
    #[command(flatten)]
    #[serde(flatten)]
    pub finetuning: Prefixed<ClassifierTraining, Finetune>,
    #[command(flatten)]
    #[serde(flatten)]
    pub finetuning_options: Prefixed<FinetuningOptions, Finetune>,
    #[command(flatten)]
    #[serde(flatten)]
    pub semi: ComparedSemi,
    #[command(flatten)]
    #[serde(flatten)]
    pub running: RunningOptions,
}

/// A limit that is there alone is written down.
fn is_auto(budget: &Auto<Written<Duration>>) -> bool {
    *budget == Auto::Auto
}

impl Compare {
    /// The methods and the points on `data`, where the network of methods that transfer is
    /// `architecture`; numbers and names take the place of `auto`.
    pub fn curve<'a>(
        &mut self,
        data: &'a TrainTest,
        architecture: Architecture,
    ) -> Result<Curve<'a>, Error> {
        let train = &data.train;
        let points = self.labels.settle(train)?;
        let List(given) = self.methods.clone().or(List(Vec::new()));
        let foreign = architecture.backbone.is_some();
        let references = match self.references {
            Auto::Auto => None,
            Auto::Given(references) => Some(references),
        };
        let (at, architecture_of) = (&points[..], &architecture);
        let semi = self.auto.is_none();
        let setting =
            Setting { train, architecture: architecture_of, points: at, references, semi };
        let names = methods::compared(&given, setting);
        self.methods = Auto::Given(List(names.clone()));
        let metric = self.metric.metric;
        self.finetuning.options().check::<Prefixed<ClassifierTraining, Finetune>>(train)?;
        let List(rates) = self.finetune_lr.clone();
        let point = |(labels, validation): (usize, usize)| {
            let mut training = self.finetuning.options().clone();
            let extras = self.finetuning_options.options();
            let seed = self.running.seed;
            let finetuning = training.finetuning(extras, rates[0], metric, labels, foreign, seed);
            Point { labels, validation, finetuning }
        };
        let points: Vec<Point> = points.into_iter().map(point).collect();
        let time = self.time(train, &architecture, &names, &points)?;
        let methods =
            names.iter().map(|&name| self.semi.method(name, train, &architecture, metric, time));
        let methods = methods.collect::<Result<_, _>>()?;
        Ok(Curve {
            data,
            architecture,
            learning_rates: rates,
            methods,
            points,
            draws: self.labels.draws,
            ensemble: self.ensemble,
            seed: self.running.seed,
        })
    }
}
