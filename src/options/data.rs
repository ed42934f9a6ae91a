//! Which samples, and how many of their labels.

use super::values::count;
use crate::defaults;
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Data")]
pub struct DataOptions {
    /// A folder of MNIST-style IDX files, plain or .gz
    /// [default: the built-in digits, 1,797 images of 8x8, 500 of them for the test]
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
}

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Labels")]
pub struct LabelOptions {
    /// The labels to train a classifier on
    #[arg(long, value_name = "N", default_value_t = defaults::LABELS, value_parser = count(1, u32::MAX as usize))]
    pub labels: usize,
    /// The labels to validate it on, which choose the epoch and the learning rate
    #[arg(long, value_name = "N", default_value_t = defaults::VALIDATION, value_parser = count(1, u32::MAX as usize))]
    pub validation: usize,
}

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Labels")]
pub struct DrawOptions {
    /// How often to choose anew which samples keep their label
    #[arg(long, value_name = "N", default_value_t = defaults::DRAWS, value_parser = count(1, 10_000))]
    pub draws: usize,
}
