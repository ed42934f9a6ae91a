//! `summary.json`: what came out, for programs. Accuracies are fractions, errors are per value as a
//! model sees it: of images in [0, 1], of tables standardised.

use crate::error::Error;
use crate::machine;
use crate::output::points::PointSummary;
use narrows_models::Metric;
use narrows_models::curve::MethodResult;
use narrows_models::methods::Tried;
use narrows_models::pretraining::{AutoencoderResult, PcaResult};
use narrows_models::probe::ProbeResult;
use serde::Serialize;
use std::time::Instant;

/// Of `compare`.
#[derive(Debug, Serialize)]
pub struct CompareSummary<'a> {
    pub command: &'a str,
    pub dataset: &'a str,
    pub seed: u64,
    pub threads: usize,
    pub unlabelled: usize,
    pub labels: usize,
    pub draws: usize,
    pub test_samples: usize,
    /// What was chosen by and the gains are in, unless it is the plain accuracy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    pub pca: &'a PcaResult,
    pub autoencoder: &'a AutoencoderResult,
    pub methods: &'a [MethodResult],
    /// By the recipe, on the first draw.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub tried: &'a [Tried],
    #[serde(flatten)]
    pub cost: Cost,
}

/// Of `curve`.
#[derive(Debug, Serialize)]
pub struct CurveSummary<'a> {
    pub command: &'a str,
    pub dataset: &'a str,
    pub seed: u64,
    pub threads: usize,
    pub draws: usize,
    pub test_samples: usize,
    /// As of `compare`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    pub points: &'a [PointSummary],
    #[serde(flatten)]
    pub cost: Cost,
}

/// Of `pretrain`.
#[derive(Debug, Serialize)]
pub struct PretrainSummary<'a> {
    pub command: &'a str,
    pub dataset: &'a str,
    pub seed: u64,
    pub threads: usize,
    pub unlabelled: usize,
    pub test_samples: usize,
    pub pca: &'a PcaResult,
    pub autoencoder: &'a AutoencoderResult,
    pub best_epoch: usize,
    #[serde(flatten)]
    pub cost: Cost,
}

/// Of `finetune`.
#[derive(Debug, Serialize)]
pub struct FinetuneSummary<'a> {
    pub command: &'a str,
    pub dataset: &'a str,
    pub seed: u64,
    pub threads: usize,
    pub method: &'a str,
    pub labels: usize,
    pub validation: usize,
    pub draw: usize,
    pub best_epoch: usize,
    pub validation_loss: f64,
    pub validation_accuracy: Rate,
    /// Where that is the metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_balanced_accuracy: Option<f64>,
    /// Where it was asked to be fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    #[serde(flatten)]
    pub cost: Cost,
}

/// Of `evaluate`. The keys called a test's are of whichever part was chosen.
#[derive(Debug, Serialize)]
pub struct EvaluateSummary<'a> {
    pub command: &'a str,
    pub dataset: &'a str,
    pub trained_on: &'a str,
    /// The part of the data: train, test or all.
    pub part: &'a str,
    /// Of several classifiers that decide together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<usize>,
    pub threads: usize,
    pub test_samples: usize,
    /// Of a classifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_accuracy: Option<Rate>,
    /// The mean over the classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_balanced_accuracy: Option<f64>,
    #[serde(flatten)]
    pub calibration: Option<CalibrationSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<&'a [Rate]>,
    /// How many samples of each class were given each class, where there are not too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Vec<&'a [usize]>>,
    /// Of an autoencoder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_mse: Option<f64>,
    #[serde(flatten)]
    pub cost: Cost,
}

/// How sure a classifier is, as `evaluate` measures it.
#[derive(Clone, Debug, Serialize)]
pub struct CalibrationSummary {
    pub expected_calibration_error: f64,
    /// Its mean.
    pub confidence: f64,
    /// The mean cross-entropy.
    pub test_loss: f64,
    /// What the model was calibrated to, and all of the above is measured at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// The expected calibration error without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncalibrated_error: Option<f64>,
}

/// Of `probe`.
#[derive(Debug, Serialize)]
pub struct ProbeSummary<'a> {
    pub command: &'a str,
    pub dataset: &'a str,
    /// What the encoder was trained on; none where the samples are probed as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trained_on: Option<&'a str>,
    pub seed: u64,
    pub threads: usize,
    /// The values of a code.
    pub code: usize,
    pub labels: usize,
    pub validation: usize,
    pub draws: usize,
    pub test_samples: usize,
    /// As of `compare`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    pub transductive: bool,
    pub probes: &'a [ProbeResult],
    #[serde(flatten)]
    pub cost: Cost,
}

/// Of `score`.
#[derive(Debug, Serialize)]
pub struct ScoreSummary<'a> {
    pub command: &'a str,
    pub dataset: &'a str,
    pub trained_on: &'a str,
    pub threads: usize,
    pub rows: usize,
    pub mean: f64,
    pub quantiles: &'a [QuantileSummary],
    /// Where one was asked for, and how many scores are above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<usize>,
    #[serde(flatten)]
    pub cost: Cost,
}

/// The smallest score that at least this fraction of the scores are not above.
#[derive(Debug, Serialize)]
pub struct QuantileSummary {
    pub quantile: f64,
    pub score: f32,
}

/// Of `embed`.
#[derive(Debug, Serialize)]
pub struct EmbedSummary<'a> {
    pub command: &'a str,
    pub dataset: &'a str,
    pub trained_on: &'a str,
    pub threads: usize,
    pub rows: usize,
    pub latent: usize,
    #[serde(flatten)]
    pub cost: Cost,
}

/// So many of so many.
#[derive(Clone, Debug, Serialize)]
pub struct Rate {
    pub mean: f64,
    /// Wilson's interval.
    pub ci95: [f64; 2],
    pub correct: usize,
    pub of: usize,
}

impl Rate {
    pub fn of(correct: usize, of: usize) -> Rate {
        let ci95 = narrows_models::statistics::wilson(correct, of);
        Rate { mean: correct as f64 / of as f64, ci95, correct, of }
    }
}

/// What it took.
#[derive(Debug, Serialize)]
pub struct Cost {
    pub wall_seconds: f64,
    pub peak_memory_mb: Option<f64>,
}

impl Cost {
    /// From `start` until now.
    pub fn since(start: Instant) -> Cost {
        Cost {
            wall_seconds: start.elapsed().as_secs_f64(),
            peak_memory_mb: machine::peak_memory_mb(),
        }
    }
}

/// The file's text.
pub fn json(summary: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(summary);
    text.map(|text| text + "\n")
        .map_err(|e| Error::new(format!("the summary cannot be written as JSON: {e}")))
}
