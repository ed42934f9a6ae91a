//! The loss, the optimiser and the schedule of a training, by their names.

use clap::ValueEnum;
use narrows_engine::{Loss, Optimizer, Schedule};
use serde::Serialize;

/// The loss between a reconstruction and its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossName {
    L2,
    L1,
    Huber,
    Bce,
}

impl LossName {
    pub fn loss(self) -> Loss {
        match self {
            LossName::L2 => Loss::L2,
            LossName::L1 => Loss::L1,
            // Pixels lie in [0, 1]: with the usual 1 it would be L2.
            LossName::Huber => Loss::Huber { delta: 0.1 },
            LossName::Bce => Loss::BceWithLogits,
        }
    }
}

/// An optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerName {
    Sgd,
    Nesterov,
    Adam,
    Adamw,
}

impl OptimizerName {
    pub fn optimizer(self, weight_decay: f64) -> Optimizer {
        match self {
            OptimizerName::Sgd => Optimizer::Sgd { momentum: 0.9, nesterov: false, weight_decay },
            OptimizerName::Nesterov => {
                Optimizer::Sgd { momentum: 0.9, nesterov: true, weight_decay }
            }
            OptimizerName::Adam => {
                Optimizer::Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay }
            }
            OptimizerName::Adamw => {
                Optimizer::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay }
            }
        }
    }
}

/// The course of the learning rate over the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleName {
    Constant,
    Step,
    Cosine,
    WarmUp,
    OneCycle,
}

impl ScheduleName {
    /// The schedule of a run of `steps` steps.
    pub fn schedule(self, steps: u64) -> Schedule {
        match self {
            ScheduleName::Constant => Schedule::Constant,
            ScheduleName::Step => Schedule::Step { every: steps.div_ceil(3).max(1), gamma: 0.1 },
            ScheduleName::Cosine => Schedule::Cosine { min: 0.0 },
            ScheduleName::WarmUp => Schedule::WarmUp {
                steps: steps / 20,
                then: Box::new(Schedule::Cosine { min: 0.0 }),
            },
            ScheduleName::OneCycle => Schedule::one_cycle(),
        }
    }
}
