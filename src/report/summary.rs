//! What a page takes from `summary.json`.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// The results of a run. What its command does not measure is missing.
#[derive(Debug, Default, Deserialize)]
pub struct Summary {
    pub command: String,
    pub dataset: String,
    pub part: Option<String>,
    pub trained_on: Option<String>,
    pub seed: Option<u64>,
    pub threads: Option<usize>,
    pub unlabelled: Option<usize>,
    pub labels: Option<usize>,
    pub validation: Option<usize>,
    pub draws: Option<usize>,
    pub test_samples: Option<usize>,
    pub rows: Option<usize>,
    pub metric: Option<String>,
    pub method: Option<String>,
    pub pca: Option<Pca>,
    pub autoencoder: Option<Autoencoder>,
    #[serde(default, alias = "probes")]
    pub methods: Vec<Method>,
    #[serde(default)]
    pub points: Vec<Point>,
    pub best_epoch: Option<usize>,
    pub validation_loss: Option<f64>,
    pub validation_accuracy: Option<Rate>,
    pub test_accuracy: Option<Rate>,
    pub test_balanced_accuracy: Option<f64>,
    pub expected_calibration_error: Option<f64>,
    pub uncalibrated_error: Option<f64>,
    pub confidence: Option<f64>,
    pub test_mse: Option<f64>,
    #[serde(default)]
    pub classes: Classes,
    pub trials: Option<usize>,
    pub best_trial: Option<usize>,
    pub best_value: Option<f64>,
    pub tuned: Option<Tested>,
    pub defaults: Option<Tested>,
    pub score: Option<String>,
    pub mean: Option<f64>,
    #[serde(default)]
    pub quantiles: Vec<Quantile>,
    pub wall_seconds: f64,
    pub peak_memory_mb: Option<f64>,
}

impl Summary {
    /// The measure of classifiers, in words.
    pub fn measure(&self) -> &'static str {
        match self.metric.as_deref() {
            None | Some("accuracy") => "accuracy",
            Some(_) => "balanced accuracy",
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct Pca {
    pub components: usize,
    pub train_mse: f64,
    pub test_mse: f64,
}

#[derive(Debug, Deserialize)]
pub struct Autoencoder {
    pub latent: usize,
    pub train_mse: f64,
    pub test_mse: f64,
    pub seconds: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub struct Method {
    pub name: String,
    pub test_accuracy: Accuracies,
    pub gain_over_scratch: Option<Gain>,
    pub p: Option<f64>,
    pub seconds: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub struct Point {
    pub labels: usize,
    pub methods: Vec<Method>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Accuracies {
    pub mean: f64,
    pub std: Option<f64>,
    pub ci95: Option<[f64; 2]>,
    #[serde(default)]
    pub per_draw: Vec<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Gain {
    pub mean: f64,
    pub ci95: Option<[f64; 2]>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Rate {
    pub mean: Option<f64>,
    pub ci95: [f64; 2],
    pub correct: usize,
    pub of: usize,
}

/// How each class did; a number of classes alone says nothing of that.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Classes {
    Each(Vec<Rate>),
    Other(IgnoredAny),
}

impl Default for Classes {
    fn default() -> Classes {
        Classes::Each(Vec::new())
    }
}

#[derive(Debug, Deserialize)]
pub struct Tested {
    /// On the labels that the rate was chosen by.
    pub validation: Accuracies,
    pub test: Accuracies,
}

#[derive(Debug, Deserialize)]
pub struct Quantile {
    pub quantile: f64,
    pub score: f64,
}
