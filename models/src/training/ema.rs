//! An exponential moving average of weights (Polyak and Juditsky 1992; Tarvainen and Valpola,
//! NeurIPS 2017, whose teacher it is).

use crate::error::{Error, bail};
use narrows_engine::math::moving_average;
use narrows_engine::{Context, Params};

/// A moving average of the parameters of a network in training, running statistics included.
///
/// Update n, the first being 1, keeps `min(decay, (1 + n) / (10 + n))` of the average and takes the
/// rest from the parameters, as TensorFlow's `ExponentialMovingAverage` does: in the beginning it
/// does not cling to the initial weights. What stays as it was keeps its bits, so that a frozen
/// encoder is the same in the average.
#[derive(Clone, Debug)]
pub struct Ema {
    decay: f32,
    updates: u64,
    average: Params,
}

impl Ema {
    /// An average that begins with `params`; later it keeps `decay` of itself, from 0 up to less
    /// than 1, with each update.
    pub fn new(params: &Params, decay: f32) -> Ema {
        Ema { decay, updates: 0, average: params.clone() }
    }

    /// Refuses a decay that is none.
    ///
    /// # Errors
    /// If it is not at least 0 and less than 1.
    pub fn check(decay: f32) -> Result<(), Error> {
        match (0.0..1.0).contains(&decay) {
            true => Ok(()),
            false => bail!(
                "the decay of the averaged weights must be at least 0 and less than 1, not {decay}"
            ),
        }
    }

    /// Takes `params` in, behind each step. Allocates nothing.
    ///
    /// # Panics
    /// If they are of another network, by their length.
    pub fn update(&mut self, cx: &Context, params: &Params) {
        self.updates += 1;
        let n = self.updates as f32;
        let take = 1.0 - self.decay.min((1.0 + n) / (10.0 + n));
        moving_average(cx, self.average.values_mut(), params.values(), take);
    }

    /// The average, of weights and of running statistics. What of it is trainable is as it was when
    /// it was made.
    pub fn params(&self) -> &Params {
        &self.average
    }

    /// The number of updates so far. With [`params`](Self::params) it is all the state.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The values of [`updates`](Self::updates) and [`params`](Self::params), to be put back.
    pub(crate) fn state_mut(&mut self) -> (&mut u64, &mut Params) {
        (&mut self.updates, &mut self.average)
    }

    /// Exchanges the values of the average and of `params`: so a run evaluates the average with
    /// what is frozen in `params`, and exchanges them back. Allocates nothing.
    pub(crate) fn swap(&mut self, params: &mut Params) {
        self.average.values_mut().swap_with_slice(params.values_mut());
    }
}
