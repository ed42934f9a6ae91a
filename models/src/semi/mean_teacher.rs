//! The mean teacher: the average of past weights says what the present ones should.

use super::SemiTraining;
use super::consistency::{ConsistencyMethod, Demand, Step};
use crate::error::{Error, ensure};
use crate::training::Ema;
use narrows_engine::math::softmax;

/// The mean teacher (Tarvainen and Valpola, NIPS 2017), with cross-entropy in place of the squared
/// difference.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanTeacher;

impl ConsistencyMethod for MeanTeacher {
    fn check(&self, training: &SemiTraining) -> Result<(), Error> {
        ensure!(
            training.ema != 0.0,
            "a mean teacher needs a moving average of the weights: set its decay"
        );
        Ok(())
    }

    fn demand<'x>(&self, step: Step<'_, 'x>) -> Result<Demand<'x>, Error> {
        let demand = Demand::of_strong(&step);
        let Step { cx, network, params, average, memory, targets, batch, pass, .. } = step;
        let teacher = average.map_or(params, Ema::params);
        network.forward(cx, teacher, memory, batch.weak, pass)?;
        softmax(cx, network.output().len(), memory.output(), targets);
        targets.iter_mut().for_each(|p| *p *= batch.weight);
        Ok(demand)
    }
}
