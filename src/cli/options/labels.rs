//! The labels that classifiers and probes get: how many to train on, how many to validate on.

use super::values::{Auto, LabelCount, List, auto, count, filled, label_count, list};
use crate::error::{Error, bail};
use crate::output::numbers::counted;
use clap::Args;
use narrows_datasets::Dataset;
use serde::{Serialize, Serializer};

/// The most labels that `auto` takes for the validation of one classifier.
const MOST_VALIDATION: usize = 1000;
/// The number of labels of a comparison, and as many for validation, where the data have them.
const COMPARED: usize = 100;
/// The numbers of labels of a curve.
const CURVE: [LabelCount; 8] = [
    LabelCount::Given(10),
    LabelCount::Given(20),
    LabelCount::Given(50),
    LabelCount::Given(100),
    LabelCount::Given(200),
    LabelCount::Given(500),
    LabelCount::Given(1000),
    LabelCount::All,
];

/// The labels of one classifier.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Labels")]
pub struct ClassifierLabels {
    /// Number of labels to train on; all: all labels that are not for validation
    #[arg(long, value_name = "N", default_value = "all",
          value_parser = label_count(1, u32::MAX as usize))]
    pub labels: LabelCount,
    /// Number of labels for validation, which choose the epoch. Data with samples for validation
    /// use those instead. auto: a fifth of all labels, at most 1,000; beside a given number of
    /// --labels 100, or as many as are left
    #[arg(long, value_name = "N", default_value = "auto",
          value_parser = auto(count(1, u32::MAX as usize)))]
    pub validation: Auto,
    /// Number of the label draw, from 0 on. Each draw is another random choice of labels
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub draw: usize,
    /// Calibrate probabilities, so that they match the accuracy: a temperature is fitted on the
    /// validation labels and kept with the model. The predicted classes stay the same
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "true", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub calibrate: bool,
}

impl ClassifierLabels {
    /// The numbers of labels of `train` to train on and to validate on; the second takes the place
    /// of `auto`.
    pub fn settle(&mut self, train: &Dataset) -> Result<(usize, usize), Error> {
        let labelled = to_learn(train)?;
        let of = match self.labels {
            LabelCount::All => (labelled / 5).clamp(1, MOST_VALIDATION),
            LabelCount::Given(labels) => left(labelled, labels),
        };
        let validation = self.validation.settle(of);
        self.labels.of(train, validation)
    }
}

/// The labels of a comparison.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Labels")]
pub struct ComparedLabels {
    /// Number of labels to train on. Several numbers, separated by commas, make a curve. all: all
    /// labels that are not for validation. curve: 10,20,50,100,200,500,1000,all, as far as the data
    /// have them. auto: 100, or two thirds of fewer than 200 labels
    #[arg(long, value_name = "LIST", default_value = "auto", value_parser = label_counts)]
    pub labels: LabelCounts,
    /// Number of labels for validation, which choose the epoch and the learning rate; along a curve
    /// one number, or one for each of --labels. Data with samples for validation use those instead.
    /// auto: 100, or a third of fewer than 300 labels
    #[arg(long, value_name = "LIST", default_value = "auto",
          value_parser = auto(filled(list(count(1, u32::MAX as usize)))))]
    pub validation: Auto<List<usize>>,
    /// Number of label draws: random choices of the labels to train on
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = count(1, 10_000))]
    pub draws: usize,
}

/// The numbers of labels of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum LabelCounts {
    Auto,
    Curve,
    Given(Vec<LabelCount>),
}

impl Serialize for LabelCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            LabelCounts::Auto => serializer.serialize_str("auto"),
            LabelCounts::Curve => serializer.serialize_str("curve"),
            LabelCounts::Given(counts) => counts.serialize(serializer),
        }
    }
}

fn label_counts(text: &str) -> Result<LabelCounts, String> {
    match text {
        "auto" => Ok(LabelCounts::Auto),
        "curve" => Ok(LabelCounts::Curve),
        text => {
            let counts = filled(list(label_count(1, u32::MAX as usize)))(text);
            counts
                .map(|List(counts)| LabelCounts::Given(counts))
                .map_err(|e| format!("{e}, or auto, or curve"))
        }
    }
}

impl ComparedLabels {
    /// The labels of each point to train and to validate on, ascending; numbers take the place of
    /// `auto` and `curve`.
    pub fn settle(&mut self, train: &Dataset) -> Result<Vec<(usize, usize)>, Error> {
        let labelled = to_learn(train)?;
        let third = COMPARED.min(labelled / 3).max(1);
        let counts = match &self.labels {
            LabelCounts::Auto if labelled < 2 * COMPARED => {
                vec![LabelCount::Given(labelled - labelled / 3)]
            }
            LabelCounts::Auto => vec![LabelCount::Given(COMPARED)],
            LabelCounts::Curve => {
                let given = !train.labelled_validation()?.is_empty();
                let validation = if given { 0 } else { self.most_validation(third) };
                let fits = |count: &LabelCount| match count {
                    LabelCount::All => true,
                    LabelCount::Given(n) => {
                        *n >= train.classes() && n.saturating_add(validation) < labelled
                    }
                };
                CURVE.into_iter().filter(fits).collect()
            }
            LabelCounts::Given(counts) => counts.clone(),
        };
        let most = |most: usize, count: &LabelCount| match count {
            LabelCount::Given(labels) => most.max(*labels),
            LabelCount::All => most,
        };
        let left = left(labelled, counts.iter().fold(0, most));
        let List(validation) = self.validation.settle(List(vec![third.min(left)]));
        let validation = match &validation[..] {
            &[one] => vec![one; counts.len()],
            each if each.len() == counts.len() => each.to_vec(),
            each => {
                bail!(
                    "--validation has {} numbers and --labels {}: give one number for all, or one \
                     for each",
                    each.len(),
                    counts.len()
                );
            }
        };
        let of = |(count, validation): (&LabelCount, usize)| count.of(train, validation);
        let points = counts.iter().zip(validation).map(of).collect::<Result<Vec<_>, _>>();
        self.labels = LabelCounts::Given(counts);
        let mut points = points?;
        points.sort_unstable();
        points.dedup_by_key(|(labels, _)| *labels);
        Ok(points)
    }

    fn most_validation(&self, auto: usize) -> usize {
        match &self.validation {
            Auto::Auto => auto,
            Auto::Given(List(numbers)) => numbers.iter().copied().max().unwrap_or(auto),
        }
    }
}

impl LabelCount {
    /// So many labels of `train`, or all but those to validate on, and the number of these:
    /// `validation`, unless the data have samples for it.
    pub fn of(self, train: &Dataset, validation: usize) -> Result<(usize, usize), Error> {
        let given = train.labelled_validation()?.len();
        let (drawn, validation) = if given > 0 { (0, given) } else { (validation, validation) };
        let labels = match self {
            LabelCount::Given(labels) if labels < train.classes() => {
                let (name, classes) = (train.name(), train.classes());
                bail!(
                    "{name}: {labels} training labels cannot cover {classes} classes: set --labels \
                     to {classes} or more"
                )
            }
            LabelCount::Given(labels) => labels,
            LabelCount::All => {
                let labelled = to_learn(train)?;
                let (name, classes) = (train.name(), train.classes());
                let left = labelled.saturating_sub(drawn);
                if left < classes && labelled > drawn {
                    let labels = counted(labelled, "label");
                    bail!(
                        "{name}: has {labels} to learn from, those for the test aside, of which \
                         validation takes {drawn}: the {left} left cannot cover {classes} classes: \
                         label more samples, or set --validation lower"
                    );
                }
                labelled.checked_sub(drawn).filter(|&labels| labels > 0).ok_or_else(|| {
                    Error::new(format!(
                        "{name}: of {} --validation {validation} leaves none to train on: set it \
                         lower",
                        counted(labelled, "label")
                    ))
                })?
            }
        };
        Ok((labels, validation))
    }
}

/// The labels for validation beside `labels` of `labelled` ones.
fn left(labelled: usize, labels: usize) -> usize {
    labelled.saturating_sub(labels).clamp(1, COMPARED)
}

/// The number of labels of `train`, without those of samples for validation.
fn to_learn(train: &Dataset) -> Result<usize, Error> {
    Ok(train.labelled_rows()?.len() - train.labelled_validation()?.len())
}
