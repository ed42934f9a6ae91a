//! A layer describes itself; planned for one shape of input, it is an op that does the work.

use crate::network::params::ParamSpec;
use crate::{Context, Error, Shape};
use std::borrow::Cow;
use std::fmt::Debug;

/// How a pass runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch norm uses the batch's statistics, dropout drops.
    Train,
    /// Batch norm uses its running statistics, dropout does nothing.
    Evaluate,
    /// Batch norm uses the batch's statistics, dropout does nothing: to find the statistics of
    /// other samples or weights.
    Estimate,
}

/// One pass over a batch: its mode, and what its random numbers are keyed by.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// Train, evaluate or estimate.
    pub mode: Mode,
    /// The run's seed.
    pub seed: u64,
    /// The number of the step; a backward pass must repeat its forward's.
    pub step: u64,
}

impl Pass {
    /// A training pass.
    pub fn train(seed: u64, step: u64) -> Pass {
        Pass { mode: Mode::Train, seed, step }
    }

    /// A pass to estimate statistics by: nothing in it is random. No backward pass follows.
    pub fn estimate() -> Pass {
        Pass { mode: Mode::Estimate, seed: 0, step: 0 }
    }

    /// An evaluating pass: nothing in it is random.
    pub fn evaluate() -> Pass {
        Pass { mode: Mode::Evaluate, seed: 0, step: 0 }
    }
}

/// What an op's forward works on.
#[derive(Debug)]
pub struct Forward<'a> {
    /// The pass, with the mode that holds for this op: a frozen one evaluates.
    pub pass: Pass,
    /// The layer's position in the network, the purpose of its random numbers.
    pub position: u64,
    /// The number of samples.
    pub batch: usize,
    /// x: (batch, input)
    pub x: &'a [f32],
    /// y: (batch, output), to be overwritten
    pub y: &'a mut [f32],
    /// The parameters, one after another as declared.
    pub params: &'a [f32],
    /// What the backward pass will need: [`Op::saved_len`] values.
    pub saved: &'a mut [f32],
    /// [`Op::scratch_len`] values of any content.
    pub scratch: &'a mut [f32],
}

/// What an op's backward works on.
#[derive(Debug)]
pub struct Backward<'a> {
    /// As in [`Forward`].
    pub pass: Pass,
    /// As in [`Forward`].
    pub position: u64,
    /// As in [`Forward`].
    pub batch: usize,
    /// x: (batch, input)
    pub x: &'a [f32],
    /// y: (batch, output), as the forward pass left it
    pub y: &'a [f32],
    /// dy: (batch, output)
    pub dy: &'a [f32],
    /// dx: (batch, input), to be overwritten; `None` where nothing below needs it
    pub dx: Option<&'a mut [f32]>,
    /// The parameters.
    pub params: &'a [f32],
    /// Their gradients; `None` where the layer is frozen.
    pub grads: Option<&'a mut [f32]>,
    /// Whether the gradients are added to `grads`, or overwrite all of it, which may then hold
    /// anything.
    pub accumulate: bool,
    /// What the forward pass saved.
    pub saved: &'a [f32],
    /// [`Op::scratch_len`] values of any content.
    pub scratch: &'a mut [f32],
}

/// A map that layers are made of in evaluation, where nothing is random and statistics are
/// constants.
#[derive(Clone, Debug)]
pub enum InferenceMap<'a> {
    /// `y = x W^T + b`
    Linear {
        /// W: (out, in)
        weight: &'a [f32],
        /// b: (out)
        bias: Option<&'a [f32]>,
    },
    /// `y = (x - mean) scale + shift` in each channel
    Normalise {
        /// (channels)
        mean: Cow<'a, [f32]>,
        /// (channels)
        scale: Cow<'a, [f32]>,
        /// (channels)
        shift: Cow<'a, [f32]>,
    },
    /// `y = max(x, 0)`, and NaN stays NaN
    Relu,
}

/// A layer of a network: its settings. Planning makes it an [`Op`], which does the work.
pub trait Layer: Debug + Send + Sync + 'static {
    /// The name in messages: `linear`.
    fn name(&self) -> &'static str;

    /// The layer ready for samples of that shape.
    ///
    /// # Errors
    /// If the layer cannot take that input or is set up wrongly; the message says what it needs and
    /// what it got. The network puts the layer's name before it.
    fn plan(&self, input: &Shape) -> Result<Box<dyn Op>, Error>;

    /// As [`Layer::plan`], with the layer's name, `encoder.3`, before every message. A block plans
    /// the layers in it by names of their own, and fuses them or not.
    ///
    /// # Errors
    /// As [`Layer::plan`].
    fn plan_as(&self, name: &str, input: &Shape, fuse: bool) -> Result<Box<dyn Op>, Error> {
        let _ = fuse;
        self.plan(input).map_err(|e| named(name, self.name(), e))
    }

    /// Whether it is `max(x, 0)` in every mode, which an op below it may take in.
    fn is_relu(&self) -> bool {
        false
    }
}

/// A layer planned for samples of one shape. It knows its sizes, owns no numbers, and works on
/// slices that the network hands it.
pub trait Op: Debug + Send + Sync {
    /// The shape of a sample of the output.
    fn output(&self) -> Shape;

    /// The parameters, in the order in which they lie in `params` and `grads`.
    fn params(&self) -> Vec<ParamSpec> {
        Vec::new()
    }

    /// The number of values to keep from forward to backward, beside `x` and `y`. No smaller batch
    /// may need more.
    fn saved_len(&self, batch: usize) -> usize {
        let _ = batch;
        0
    }

    /// The number of values needed while working. No smaller batch may need more.
    fn scratch_len(&self, batch: usize) -> usize {
        let _ = batch;
        0
    }

    /// The smallest batch that can be trained on.
    fn min_train_batch(&self) -> usize {
        1
    }

    /// The multiply-adds of the products and convolutions in one sample's forward pass. What takes
    /// a few operations a value counts as nothing.
    fn macs(&self) -> u64 {
        0
    }

    /// Whether it changes no value in any mode, though it may change the shape. The network leaves
    /// it out; it keeps its number.
    fn is_identity(&self) -> bool {
        false
    }

    /// Takes in the ReLU that follows: from then on it gives the ReLU of what it gave. `false` if
    /// there is no such form, or one has been taken in.
    fn take_relu(&mut self) -> bool {
        false
    }

    /// Computes `y` from `x`, and returns what is added to the loss of the batch: 0 for most.
    /// [`Op::backward`] adds the gradient of that to dx.
    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64;

    /// Computes `dx` from `dy`, and the gradients of the parameters.
    fn backward(&self, cx: &Context, io: Backward<'_>);

    /// Moves the running statistics towards what the last training pass saved: a fraction `part` of
    /// the way, or that of the layer's settings.
    fn update_statistics(
        &self,
        batch: usize,
        saved: &[f32],
        params: &mut [f32],
        part: Option<f32>,
    ) {
        let _ = (batch, saved, params, part);
    }

    /// What it comes to in evaluation, as a chain of maps that a [`Predictor`](crate::Predictor)
    /// merges with its neighbours': empty if it passes `x` on. `None` runs it as it is, by
    /// [`Op::forward`].
    fn inference_maps<'a>(&self, params: &'a [f32]) -> Option<Vec<InferenceMap<'a>>> {
        let _ = params;
        None
    }
}

/// An error with the layer that it is about.
pub(crate) fn named(name: &str, kind: &str, error: Error) -> Error {
    error.within(format_args!("layer {name} ({kind})"))
}
