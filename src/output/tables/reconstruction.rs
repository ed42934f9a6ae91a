//! PCA against the autoencoder.

use crate::output::numbers::{counted, duration, thousands};
use narrows_models::pretraining::{AutoencoderResult, PcaResult};

/// The data that were learnt from and measured on.
pub fn data_line(dataset: &str, unlabelled: usize, test_samples: usize) -> String {
    format!(
        "{dataset}: {} unlabelled samples, {} test samples",
        thousands(unlabelled),
        thousands(test_samples)
    )
}

/// The mean squared errors of both.
pub fn reconstruction(pca: &PcaResult, autoencoder: &AutoencoderResult) -> String {
    let row = |name: String, test: f64, train: f64, time: String| {
        format!("{name:<27} {test:>11.6} {train:>11.6} {time:>12}\n")
    };
    let AutoencoderResult { latent, train_mse, test_mse, seconds } = autoencoder;
    let head = format!(
        "{:<27} {:>11} {:>11} {:>12}\n",
        "mean squared error per value", "test", "train", "time"
    );
    head + &row(
        format!("PCA, {}", counted(pca.components, "component")),
        pca.test_mse,
        pca.train_mse,
        String::new(),
    ) + &row(
        format!("autoencoder, {}", counted(*latent, "value")),
        *test_mse,
        *train_mse,
        duration(*seconds),
    )
}
