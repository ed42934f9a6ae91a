//! The options that `narrows compare` and `narrows curve` share.

use super::architecture::ArchitectureOptions;
use super::finetuning::ComparedFinetuningOptions;
use super::methods::{EnsembleOption, MethodName, SemiMethodOptions};
use super::pretraining::PretrainingOptions;
use super::running::RunningOptions;
use crate::error::Error;
use clap::Args;
use narrows_datasets::TrainTest;
use narrows_models::curve::Point;
use narrows_models::{Architecture, Curve};
use serde::Serialize;

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ComparedOptions {
    #[command(flatten)]
    #[serde(flatten)]
    pub architecture: ArchitectureOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub pretraining: PretrainingOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub finetuning: ComparedFinetuningOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub semi: SemiMethodOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub ensemble: EnsembleOption,
    #[command(flatten)]
    #[serde(flatten)]
    pub running: RunningOptions,
}

impl ComparedOptions {
    /// The curve of `methods` at `points`.
    pub fn curve<'a>(
        &self,
        data: &'a TrainTest,
        architecture: Architecture,
        methods: &[MethodName],
        points: Vec<Point>,
        draws: usize,
    ) -> Result<Curve<'a>, Error> {
        let methods =
            methods.iter().map(|&name| self.semi.method(name, &data.train, &architecture));
        let methods = methods.collect::<Result<_, _>>()?;
        self.finetuning.check(&data.train)?;
        Ok(Curve {
            data,
            architecture,
            learning_rates: self.finetuning.finetune_lr.0.clone(),
            methods,
            points,
            draws,
            ensemble: self.ensemble.ensemble,
            seed: self.running.seed,
        })
    }
}
