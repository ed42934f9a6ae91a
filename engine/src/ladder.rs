//! The ladder network: a classifier that learns from labels and from denoising each of its layers
//! at once.
//!
//! Rasmus, Valpola, Honkala, Berglund and Raiko, "Semi-supervised learning with ladder networks",
//! NIPS 2015 (arXiv:1507.02672), algorithm 1. With widths n_0 (the sample) to n_L (the classes):
//!
//! ```text
//! noisy encoder   h_0 = z_0 = x + noise
//!                 z_l = norm(W_l h_l-1) + noise        h_l = relu(z_l + beta_l)
//!                 logits = gamma_L (z_L + beta_L)
//! clean encoder   the same without noise, for the targets Z_l = norm(W_l H_l-1), Z_0 = x
//! decoder         u_L = norm(softmax(logits))          u_l = norm(V_l+1 s_l+1)
//!                 s_l = g(z_l, u_l)                     the combinator, of `combinator.rs`
//! cost            cross-entropy of the labelled samples' noisy logits
//!                 + sum_l  costs_l mean((s_l - mean_l) / std_l - Z_l)^2   (unlabelled samples)
//! ```
//!
//! where norm subtracts the batch's mean and divides by its standard deviation, and mean_l and
//! std_l are those of the clean W_l H_l-1 (0 and 1 for the sample). Gradients reach the clean
//! encoder through targets, means and deviations, as in the authors' code. A ReLU has no gamma: the
//! next layer's weights make up for it.
//!
//! 1. Layers are the engine's own: linear with its sparse products, and batch norm without its
//!    scale and shift. Three passes over rows are new: noise and activation, combinator, cost.
//! 2. The noisy pass takes labelled and unlabelled samples together, but normalises each by its own
//!    statistics, as the authors' code does. The decoder takes the unlabelled ones alone: the
//!    labelled are among these anyway, one in an epoch like all others.
//! 3. Only the parts that the costs need are run. With a cost for the sample alone (the paper's
//!    "bottom" variant) there is no clean pass, with one for the top alone (its Gamma model) no
//!    decoder but the top's combinator.
//! 4. Noise is drawn once a step from counters, and the backward pass finds it in z.

mod backward;
mod combinator;
mod kernels;
mod memory;
mod pass;

pub use memory::LadderMemory;

use crate::error::ensure;
use crate::network::init::Init;
use crate::network::params::{ParamSpec, Role};
use crate::{Error, Params};
use std::ops::Range;

/// The epsilon of the normalisations. The variances of normalised layers are about 1 or more, those
/// of a softmax can be tiny.
const EPS: f32 = 1e-6;

/// A ladder network. Like a [`Network`](crate::Network), it owns no numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    widths: Vec<usize>,
    noise: f32,
    costs: Vec<f32>,
}

/// A batch of a step.
#[derive(Clone, Copy, Debug)]
pub struct LadderBatch<'a> {
    /// x: (labelled + unlabelled, n_0), the labelled samples first
    pub x: &'a [f32],
    /// The classes of the labelled samples: (labelled).
    pub classes: &'a [u32],
    /// Keys the noise, with `step`.
    pub seed: u64,
    /// The number of the step.
    pub step: u64,
}

/// The loss of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LadderLoss {
    /// The cross-entropy of the labelled samples, with noise.
    pub supervised: f64,
    /// The weighted sum of the costs of denoising.
    pub denoising: f64,
}

impl Ladder {
    /// A ladder of such widths, from a sample's values to the classes, with Gaussian noise of that
    /// standard deviation at the sample and at each layer, and a weight of the denoising cost of
    /// each width.
    ///
    /// The paper's for MNIST: widths 784, 1000, 500, 250, 250, 250, 10, noise 0.3, and costs 1000,
    /// 10, 0.1, 0.1, 0.1, 0.1, 0.1.
    ///
    /// # Errors
    /// If there are fewer than two widths, one is 0, there is not one cost for each, or a number is
    /// negative or not finite; the message says which.
    pub fn new(widths: &[usize], noise: f32, costs: &[f32]) -> Result<Ladder, Error> {
        ensure!(
            widths.len() >= 2 && !widths.contains(&0),
            setting,
            "a ladder needs at least 2 widths, each of at least 1 value, not {widths:?}"
        );
        ensure!(
            costs.len() == widths.len(),
            setting,
            "a ladder of {} widths needs as many denoising costs, the sample's first, not {}",
            widths.len(),
            costs.len()
        );
        for number in costs.iter().chain([&noise]) {
            ensure!(
                *number >= 0.0 && number.is_finite(),
                setting,
                "noise and denoising costs of a ladder must be finite and not negative, but one is \
                 {number}"
            );
        }
        Ok(Ladder { widths: widths.to_vec(), noise, costs: costs.to_vec() })
    }

    /// The widths, from the sample's values to the classes.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// The number of the top layer.
    fn top(&self) -> usize {
        self.widths.len() - 1
    }

    /// The lowest layer with a cost, which the decoder goes down to; `None` if there is no cost at
    /// all.
    fn lowest_cost(&self) -> Option<usize> {
        self.costs.iter().position(|cost| *cost > 0.0)
    }

    /// True if a layer above the sample has a cost, and so a clean target.
    fn needs_clean(&self) -> bool {
        self.costs[1..].iter().any(|cost| *cost > 0.0)
    }

    /// Fresh parameters. For layer l from 1 on: `encoder.l.weight` (n_l, n_l-1), `encoder.l.bias`
    /// (n_l), and for the top `encoder.L.scale`; for the decoder `decoder.l.weight` (n_l-1, n_l)
    /// and, from 0 on, `decoder.l.combinator` (10, n_l).
    ///
    /// # Errors
    /// If there are more than a network may have.
    pub fn params(&self, seed: u64) -> Result<Params, Error> {
        let mut specs = Vec::new();
        let mut declare = |name: String, shape: Vec<usize>, role, init| {
            let (fan_in, fan_out) = (shape[shape.len() - 1], shape[0]);
            specs.push(ParamSpec { name: name.into(), shape, role, init, fan_in, fan_out });
        };
        let (top, widths) = (self.top(), &self.widths);
        for l in 1..=top {
            let [from, to] = [widths[l - 1], widths[l]];
            declare(format!("encoder.{l}.weight"), vec![to, from], Role::Weight, Init::HeNormal);
            declare(format!("encoder.{l}.bias"), vec![to], Role::Bias, Init::Constant(0.0));
        }
        let one = Init::Constant(1.0);
        declare(format!("encoder.{top}.scale"), vec![widths[top]], Role::Bias, one);
        let lowest = self.lowest_cost().unwrap_or(top + 1);
        for l in (lowest..=top).rev() {
            let n = widths[l];
            if l < top {
                let (name, shape) = (format!("decoder.{}.weight", l + 1), vec![n, widths[l + 1]]);
                declare(name, shape, Role::Weight, Init::XavierNormal);
            }
            let zero = Init::Constant(0.0);
            declare(format!("decoder.{l}.combinator"), vec![10, n], Role::Bias, zero);
        }
        let mut params = Params::declared(specs, seed)?;
        for l in lowest..=top {
            let name = format!("decoder.{l}.combinator");
            combinator::initialise(params.get_mut(&name).unwrap_or_default());
        }
        Ok(params)
    }

    /// The places of the parameters.
    fn layout(&self, params: &Params) -> Layout {
        let range = |name: String| params.range(&name);
        let layers = 0..self.widths.len();
        Layout {
            weights: layers.clone().map(|l| range(format!("encoder.{l}.weight"))).collect(),
            biases: layers.clone().map(|l| range(format!("encoder.{l}.bias"))).collect(),
            scale: range(format!("encoder.{}.scale", self.top())),
            projections: layers.clone().map(|l| range(format!("decoder.{l}.weight"))).collect(),
            combinators: layers.map(|l| range(format!("decoder.{l}.combinator"))).collect(),
        }
    }
}

/// The ranges of the parameters, by layer; empty where a layer has none.
#[derive(Clone, Debug)]
struct Layout {
    weights: Vec<Range<usize>>,
    biases: Vec<Range<usize>>,
    scale: Range<usize>,
    /// `projections[l]` leads from layer l to layer l - 1.
    projections: Vec<Range<usize>>,
    combinators: Vec<Range<usize>>,
}
