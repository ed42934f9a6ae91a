//! Losses: the distance of an output from its target, and its gradient.
//!
//! The loss and its gradient are computed in one pass over the output, block by block. Blocks
//! depend on the size alone, and their sums are added in f64 in a fixed order: any number of
//! threads gives the same bits.

mod cross_entropy;
mod elementwise;
mod soft_targets;

pub use soft_targets::entropy;

use super::range::{below_one, not_negative, positive};
use crate::error::ensure;
use crate::{Context, Error};
use cross_entropy::CrossEntropy;
use elementwise::{Absolute, Bce, Huber, Squared};

/// A loss, which training minimises.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// The mean over all values of `(y - t)^2`.
    L2,
    /// The mean over all values of `|y - t|`. Its gradient where the two are equal is 0.
    L1,
    /// The mean over all values of `d^2 / 2` where `d = |y - t| <= delta`, of `delta (d - delta /
    /// 2)` elsewhere: L2 for small errors, L1 for large ones (Huber 1964).
    Huber {
        /// Error at which it turns from quadratic to linear.
        delta: f32,
    },
    /// The mean over all values of `-t log p - (1 - t) log(1 - p)`, `p = sigmoid(y)`: for pixels in
    /// [0, 1]. `y` are logits, so the network ends without a sigmoid.
    BceWithLogits,
    /// The mean over the samples of `-log p[class]`, `p = softmax(y)`; `y` are logits.
    ///
    /// Like PyTorch's: with class weights it is the sum over the samples, each times its class's
    /// weight, divided by the sum of these weights (0 if that is 0). With smoothing, a sample's
    /// target is `1 - smoothing` for its class plus `smoothing / classes` for every class, each
    /// class's share being weighted by the weight of that class (Szegedy et al., CVPR 2016).
    CrossEntropy {
        /// Part of the target that is spread over all classes: 0 for none, less than 1.
        smoothing: f32,
        /// A weight for each class; `None` for 1.
        class_weights: Option<Vec<f32>>,
    },
}

/// The output that was wanted.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Target<'a> {
    /// A value for each value of the output: (batch, n).
    Values(&'a [f32]),
    /// A class for each sample: (batch), each less than n.
    Classes(&'a [u32]),
    /// A probability for each class, for [`Loss::CrossEntropy`]: (batch, n). The sum of a sample's
    /// probabilities is its weight; the mean is over all samples, whatever their weights. Smoothing
    /// and class weights do not apply.
    Probabilities(&'a [f32]),
}

impl Loss {
    /// Cross-entropy without smoothing or class weights.
    pub fn cross_entropy() -> Loss {
        Loss::CrossEntropy { smoothing: 0.0, class_weights: None }
    }

    /// The name in messages and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Loss::L2 => "l2",
            Loss::L1 => "l1",
            Loss::Huber { .. } => "huber",
            Loss::BceWithLogits => "bce",
            Loss::CrossEntropy { .. } => "cross-entropy",
        }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// If one is out of its range; the message names it.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Loss::Huber { delta } => positive("huber's delta", *delta),
            Loss::CrossEntropy { smoothing, class_weights } => {
                below_one("label smoothing", *smoothing)?;
                let Some(weights) = class_weights else { return Ok(()) };
                for (class, weight) in weights.iter().enumerate() {
                    not_negative(format_args!("the weight of class {class}"), *weight)?;
                }
                let some = weights.iter().any(|weight| *weight > 0.0);
                ensure!(some, setting, "at least one class weight must be positive");
                Ok(())
            }
            Loss::L2 | Loss::L1 | Loss::BceWithLogits => Ok(()),
        }
    }

    /// The loss of `y`: (batch, n), and its gradient into `dy`: (batch, n), overwritten, if given.
    ///
    /// A value that is not finite makes the loss not finite. The settings must be in order: see
    /// [`Loss::check`].
    ///
    /// # Errors
    /// If there is no value to average over, a length is wrong, the target is of the wrong kind, or
    /// a class is out of range. `dy` is untouched then.
    pub fn evaluate(
        &self,
        cx: &Context,
        batch: usize,
        y: &[f32],
        target: Target<'_>,
        dy: Option<&mut [f32]>,
    ) -> Result<f64, Error> {
        let (name, len) = (self.name(), y.len());
        ensure!(
            len > 0 && len.is_multiple_of(batch),
            shape,
            "{name} needs at least one sample of at least one value, not {len} values in {batch} \
             samples"
        );
        let room = dy.as_ref().map_or(len, |dy| dy.len());
        ensure!(room == len, shape, "the gradient of {len} values cannot go into {room} values");
        // No gradient is an empty one: it splits into tasks as any other.
        let dy = dy.unwrap_or(&mut []);
        let of_cross_entropy = matches!(self, Loss::CrossEntropy { .. });
        let t = match target {
            Target::Classes(classes) => match self {
                Loss::CrossEntropy { smoothing, class_weights } => {
                    let weights = class_weights.as_deref();
                    let loss = CrossEntropy::new(*smoothing, weights, y, classes, batch)?;
                    return Ok(loss.evaluate(cx, dy));
                }
                _ => {
                    return Err(Error::mismatch(format!(
                        "{name} needs target values, not classes"
                    )));
                }
            },
            Target::Values(_) if of_cross_entropy => {
                let message = "cross-entropy needs a class for each sample, not values";
                return Err(Error::mismatch(message));
            }
            Target::Probabilities(_) if !of_cross_entropy => {
                let message = format!("{name} needs target values, not probabilities");
                return Err(Error::mismatch(message));
            }
            Target::Values(t) | Target::Probabilities(t) => t,
        };
        let given = t.len();
        ensure!(given == len, shape, "{name}: the output has {len} values, the target {given}");
        Ok(match self {
            Loss::L2 => elementwise::evaluate(cx, Squared, y, t, dy),
            Loss::L1 => elementwise::evaluate(cx, Absolute, y, t, dy),
            Loss::Huber { delta } => elementwise::evaluate(cx, Huber { delta: *delta }, y, t, dy),
            Loss::BceWithLogits => elementwise::evaluate(cx, Bce, y, t, dy),
            Loss::CrossEntropy { .. } => soft_targets::evaluate(cx, batch, y, t, dy),
        })
    }
}
