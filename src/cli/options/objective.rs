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
    /// The task of the autoencoder: plain (restore the input), denoising (restore it from a noisy
    /// one: gaussian=0.5,mask=0.4 unless --augment says otherwise), masked (fill in hidden values:
    /// mask=0.75 in patches of a seventh of the side for images, mask=0.5 for other samples, unless
    /// --augment says otherwise), sparse (with a code that has few large values), variational (with
    /// codes that follow a normal distribution)
    #[arg(long, value_name = "NAME", default_value = "plain",
          value_parser = variant::<ObjectiveName>)]
    pub objective: ObjectiveName,
    /// Variational: factor of the divergence; auto: 1
    #[arg(long, value_name = "X", default_value = "auto", value_parser = auto(not_negative::<f32>))]
    pub beta: Auto<f32>,
    /// Variational: epochs over which the factor of the divergence grows from 0; auto: 0
    #[arg(long, value_name = "EPOCHS", default_value = "auto",
          value_parser = auto(count(0, 1_000_000)))]
    pub kl_warm_up: Auto,
    /// Sparse: weight of the codes' L1 norm over their L2 norm; auto: 0.01
    #[arg(long, value_name = "X", default_value = "auto", value_parser = auto(not_negative::<f32>))]
    pub sparsity: Auto<f32>,
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
            ("--beta", "variational", of_variational && self.beta != Auto::Auto),
            ("--kl-warm-up", "variational", of_variational && self.kl_warm_up != Auto::Auto),
            ("--sparsity", "sparse", of_sparse && self.sparsity != Auto::Auto),
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
            ObjectiveName::Sparse => Objective::Sparse { weight: self.sparsity.settle(0.01) },
            ObjectiveName::Variational => Objective::Variational {
                beta: self.beta.settle(1.0),
                warm_up: self.kl_warm_up.settle(0),
            },
        }
    }
}
