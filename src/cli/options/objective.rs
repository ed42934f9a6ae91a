//! The task of the autoencoder beside giving back its input.

use super::values::{Auto, auto, count, not_negative, variant};
use crate::error::{Error, bail};
use clap::{Args, ValueEnum};
use narrows_models::Objective;
use serde::Serialize;

/// An objective, without its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectiveName {
    Plain,
    Denoising,
    Masked,
    Sparse,
    Variational,
}

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Pretraining")]
pub struct ObjectiveOptions {
    /// Task of the autoencoder: plain (restore the input), denoising (restore it from a noisy
    /// copy), masked (restore it from a copy with hidden values), sparse (restore it from a code
    /// with few large values), variational (restore it from a code that follows a normal
    /// distribution). If the augmentation has no noise of its own, denoising adds
    /// gaussian=0.5,mask=0.4. masked adds mask=0.75 in squares of a seventh of an image's side, or
    /// mask=0.5 for other samples
    #[arg(long, value_name = "NAME", default_value = "plain",
          value_parser = variant::<ObjectiveName>)]
    pub objective: ObjectiveName,
    /// Weight of the divergence in the variational loss (beta). auto: 1
    #[arg(long, value_name = "X", default_value = "auto", value_parser = auto(not_negative::<f32>))]
    pub variational_beta: Auto<f32>,
    /// Epochs in which the weight of the divergence grows from 0. auto: 0
    #[arg(long, value_name = "EPOCHS", default_value = "auto",
          value_parser = auto(count(0, 1_000_000)))]
    pub variational_warm_up: Auto,
    /// Weight of the sparse penalty, which is a code's L1 norm divided by its L2 norm. auto: 0.01
    #[arg(long, value_name = "X", default_value = "auto", value_parser = auto(not_negative::<f32>))]
    pub sparse_weight: Auto<f32>,
}

impl ObjectiveOptions {
    /// True if it takes a variational architecture.
    pub fn is_variational(&self) -> bool {
        self.objective == ObjectiveName::Variational
    }

    /// Refuses settings of other objectives, by the names of the options.
    pub fn check(&self) -> Result<(), Error> {
        let of_variational = !self.is_variational();
        let of_sparse = self.objective != ObjectiveName::Sparse;
        let settings = [
            (
                "--variational-beta",
                "variational",
                of_variational && self.variational_beta != Auto::Auto,
            ),
            (
                "--variational-warm-up",
                "variational",
                of_variational && self.variational_warm_up != Auto::Auto,
            ),
            ("--sparse-weight", "sparse", of_sparse && self.sparse_weight != Auto::Auto),
        ];
        match settings.into_iter().find(|(.., wrong)| *wrong) {
            None => Ok(()),
            Some((option, objective, _)) => {
                bail!("{option} has no effect: set --objective to {objective}, or leave it out")
            }
        }
    }

    /// The objective; its settings take the place of `auto`.
    pub fn resolve(&mut self) -> Objective {
        match self.objective {
            ObjectiveName::Plain => Objective::Plain,
            ObjectiveName::Denoising => Objective::Denoising,
            ObjectiveName::Masked => Objective::Masked,
            ObjectiveName::Sparse => Objective::Sparse { weight: self.sparse_weight.settle(0.01) },
            ObjectiveName::Variational => Objective::Variational {
                beta: self.variational_beta.settle(1.0),
                warm_up: self.variational_warm_up.settle(0),
            },
        }
    }
}
