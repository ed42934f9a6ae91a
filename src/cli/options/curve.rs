//! The options of `narrows curve`.

use super::compared::ComparedOptions;
use super::data::{DataOptions, DrawOptions, labels_to_learn};
use super::methods::{self, MethodName, method};
use super::values::{Auto, LabelCount, List, auto, count, filled, label_count, list};
use crate::error::{Error, bail};
use clap::Args;
use narrows_datasets::Dataset;
use narrows_models::curve::Point;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Curve {
    /// Continue the curve in this run folder, with its options. --labels, --draws and --methods may
    /// differ: finished parts are kept
    #[arg(long = "continue", value_name = "RUN", conflicts_with_all = ["out", "config"])]
    #[serde(skip)]
    pub continued: Option<PathBuf>,
    /// Run folder or .safetensors file with the encoder that the methods start from [default: a new
    /// one is pretrained, if a method needs it]
    #[arg(long, value_name = "RUN")]
    pub encoder: Option<PathBuf>,
    #[command(flatten)]
    #[serde(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub labels: CurveLabels,
    #[command(flatten)]
    #[serde(flatten)]
    pub draws: DrawOptions,
    #[arg(long, help = methods::HELP.as_str(), value_name = "NAMES",
          help_heading = "Fine-tuning", default_value = "scratch,full",
          value_parser = filled(list(method)))]
    pub methods: List<MethodName>,
    /// Most samples that fine-tuning sees, repetitions counted: with many labels the epochs become
    /// fewer, but at least 5
    #[arg(long, value_name = "N", default_value_t = 600_000,
          value_parser = count(1, u32::MAX as usize), help_heading = "Fine-tuning")]
    pub finetune_samples: usize,
    #[command(flatten)]
    #[serde(flatten)]
    pub compared: ComparedOptions,
}

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Labels")]
pub struct CurveLabels {
    /// Numbers of labels to train on, separated by commas; all: those that are not for validation.
    /// auto: 10,20,50,100,200,500,1000,all, as far as the data have them
    #[arg(long, value_name = "LIST", default_value = "auto",
          value_parser = auto(filled(list(label_count(1, u32::MAX as usize)))))]
    pub labels: Auto<List<LabelCount>>,
    /// Numbers of labels for validation, which choose the epoch and the learning rate: one number
    /// for all points, or as many as --labels
    #[arg(long, value_name = "LIST", default_value = "100",
          value_parser = filled(list(count(1, u32::MAX as usize))))]
    pub validation: List<usize>,
}

/// The numbers of labels of `auto`.
const LABELS: [LabelCount; 8] = [
    LabelCount::Given(10),
    LabelCount::Given(20),
    LabelCount::Given(50),
    LabelCount::Given(100),
    LabelCount::Given(200),
    LabelCount::Given(500),
    LabelCount::Given(1000),
    LabelCount::All,
];

impl CurveLabels {
    /// The labels of each point to train and to validate on, ascending; numbers take the place of
    /// `auto`.
    fn resolve(&mut self, train: &Dataset) -> Result<Vec<(usize, usize)>, Error> {
        let labelled = labels_to_learn(train)?;
        if self.labels == Auto::Auto {
            let validation = self.validation.0.iter().copied().max().unwrap_or(0);
            let validation = if train.labelled_validation()?.is_empty() { validation } else { 0 };
            let mut labels = LABELS.to_vec();
            labels.retain(|count| match count {
                LabelCount::All => true,
                LabelCount::Given(n) => {
                    *n >= train.classes() && n.saturating_add(validation) < labelled
                }
            });
            self.labels = Auto::Given(List(labels));
        }
        let Auto::Given(List(labels)) = &self.labels else { return Ok(Vec::new()) };
        let validation = match &self.validation.0[..] {
            &[one] => vec![one; labels.len()],
            each if each.len() == labels.len() => each.to_vec(),
            each => {
                bail!(
                    "--validation has {} numbers and --labels {}: give one number for all, or one \
                     for each",
                    each.len(),
                    labels.len()
                );
            }
        };
        let mut points = Vec::new();
        for (&count, validation) in labels.iter().zip(validation) {
            points.push(count.labels_of(train, validation)?);
        }
        points.sort_unstable();
        points.dedup_by_key(|(labels, _)| *labels);
        Ok(points)
    }
}

impl Curve {
    /// The points of the curve on `train`.
    pub fn points(&mut self, train: &Dataset) -> Result<Vec<Point>, Error> {
        let point = |(labels, validation): (usize, usize)| {
            let most = (self.finetune_samples / labels).max(5);
            let mut finetuning = self.compared.finetuning.clone();
            finetuning.finetune_epochs = finetuning.finetune_epochs.min(most);
            let seed = self.compared.running.seed;
            Point { labels, validation, finetuning: finetuning.training(labels, seed) }
        };
        Ok(self.labels.resolve(train)?.into_iter().map(point).collect())
    }
}
