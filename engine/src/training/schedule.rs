//! Schedules: the learning rate over the steps of a run.

use super::range::{positive, up_to_one};
use crate::Error;
use std::f64::consts::PI;

/// The course of the learning rate over the steps.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// Times `gamma` after every `every` steps.
    Step {
        /// The steps between two changes; at least 1.
        every: u64,
        /// The factor of a change.
        gamma: f32,
    },
    /// Half a cosine from 1 to `min` (Loshchilov and Hutter, ICLR 2017, without restarts).
    Cosine {
        /// The last rate, as a multiple of the base rate.
        min: f32,
    },
    /// Up in a straight line, then another schedule over the steps that remain.
    WarmUp {
        /// The steps below the full rate. Step s of them trains with (s + 1) / (steps + 1) of the
        /// rate that `then` starts with, so that no step is wasted on a rate of 0.
        steps: u64,
        /// The schedule that follows.
        then: Box<Schedule>,
    },
    /// Half a cosine up to the base rate, then half a cosine down (Smith and Topin,
    /// arXiv:1708.07120, in the form of PyTorch's `OneCycleLR` with two phases; the momentum
    /// stays).
    OneCycle {
        /// The position of the peak, as a part of all steps: PyTorch's `pct_start`.
        peak_at: f32,
        /// The base rate, divided by the first rate: PyTorch's `div_factor`.
        start_divisor: f32,
        /// The first rate, divided by the last: PyTorch's `final_div_factor`.
        end_divisor: f32,
    },
}

impl Schedule {
    /// One cycle with PyTorch's defaults: from 1/25 to the peak at 30 % of the steps, and down to
    /// 4e-6.
    pub fn one_cycle() -> Schedule {
        Schedule::OneCycle { peak_at: 0.3, start_divisor: 25.0, end_divisor: 1e4 }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// If one is out of its range; the message names it.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Schedule::Constant => Ok(()),
            Schedule::Step { every: 0, .. } => {
                Err(Error::setting("the schedule's steps must be at least 1 step apart, not 0"))
            }
            Schedule::Step { gamma, .. } => positive("the schedule's gamma", *gamma),
            Schedule::Cosine { min } => up_to_one("the schedule's minimum", *min),
            Schedule::WarmUp { then, .. } => then.check(),
            Schedule::OneCycle { peak_at, start_divisor, end_divisor } => {
                up_to_one("the schedule's peak", *peak_at)?;
                positive("the schedule's start divisor", *start_divisor)?;
                positive("the schedule's end divisor", *end_divisor)
            }
        }
    }

    /// The same schedule for a run of `factor` times as many steps: numbers of steps keep their
    /// part of the whole.
    #[must_use]
    pub fn stretched(&self, factor: f64) -> Schedule {
        let part = |steps: u64| (steps as f64 * factor).round() as u64;
        match self {
            Schedule::Step { every, gamma } => {
                Schedule::Step { every: part(*every).max(1), gamma: *gamma }
            }
            Schedule::WarmUp { steps, then } => {
                Schedule::WarmUp { steps: part(*steps), then: Box::new(then.stretched(factor)) }
            }
            Schedule::Constant | Schedule::Cosine { .. } | Schedule::OneCycle { .. } => {
                self.clone()
            }
        }
    }

    /// The rate of step `step`, the first being 0, of `total` steps, as a multiple of the base
    /// rate. After the last step it stays the same.
    pub fn factor(&self, step: u64, total: u64) -> f32 {
        self.exact(step, total) as f32
    }

    fn exact(&self, step: u64, total: u64) -> f64 {
        let total = total.max(1);
        let step = step.min(total - 1);
        match self {
            Schedule::Constant => 1.0,
            Schedule::Step { every, gamma } => {
                let changes = step / (*every).max(1);
                f64::from(*gamma).powf(changes as f64)
            }
            Schedule::Cosine { min } => {
                half_cosine(1.0, f64::from(*min), step as f64 / total as f64)
            }
            Schedule::WarmUp { steps, then } => {
                let rest = total.saturating_sub(*steps);
                match step.checked_sub(*steps) {
                    Some(after) => then.exact(after, rest),
                    None => then.exact(0, rest) * (step + 1) as f64 / (*steps as f64 + 1.0),
                }
            }
            Schedule::OneCycle { peak_at, start_divisor, end_divisor } => {
                let start = 1.0 / f64::from(*start_divisor);
                let end = start / f64::from(*end_divisor);
                let (step, last) = (step as f64, (total - 1) as f64);
                let peak = f64::from(*peak_at) * total as f64 - 1.0;
                match step <= peak {
                    // A peak at the very first step is not risen to.
                    true if peak <= 0.0 => 1.0,
                    true => half_cosine(start, 1.0, step / peak),
                    false => half_cosine(1.0, end, (step - peak) / (last - peak)),
                }
            }
        }
    }
}

/// From `from` at `part` = 0 to `to` at 1, along half a cosine.
fn half_cosine(from: f64, to: f64, part: f64) -> f64 {
    to + (from - to) / 2.0 * (1.0 + (PI * part).cos())
}
