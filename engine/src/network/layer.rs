//! What a layer is: it describes itself, and works on slices that the network hands it.

use crate::network::params::ParamSpec;
use crate::{Context, Error, Shape};
use std::any::Any;
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

/// What a layer's forward works on.
#[derive(Debug)]
pub struct Forward<'a> {
    /// The pass, with the mode that holds for this layer: a frozen one evaluates.
    pub pass: Pass,
    /// The layer's position in the network, the purpose of its random numbers.
    pub position: u64,
    /// The number of samples.
    pub batch: usize,
    /// The shape of a sample of `x`.
    pub input: &'a Shape,
    /// x: (batch, input)
    pub x: &'a [f32],
    /// y: (batch, output), to be overwritten
    pub y: &'a mut [f32],
    /// The layer's parameters, one after another as declared.
    pub params: &'a [f32],
    /// What the backward pass will need: `saved_len` values.
    pub saved: &'a mut [f32],
    /// `scratch_len` values of any content.
    pub scratch: &'a mut [f32],
}

/// What a layer's backward works on.
#[derive(Debug)]
pub struct Backward<'a> {
    /// As in [`Forward`].
    pub pass: Pass,
    /// As in [`Forward`].
    pub position: u64,
    /// As in [`Forward`].
    pub batch: usize,
    /// As in [`Forward`].
    pub input: &'a Shape,
    /// x: (batch, input)
    pub x: &'a [f32],
    /// y: (batch, output), as the forward pass left it
    pub y: &'a [f32],
    /// dy: (batch, output)
    pub dy: &'a [f32],
    /// dx: (batch, input), to be overwritten; `None` where nothing below is trained
    pub dx: Option<&'a mut [f32]>,
    /// The layer's parameters.
    pub params: &'a [f32],
    /// Their gradients; `None` where the layer is frozen.
    pub grads: Option<&'a mut [f32]>,
    /// Whether the gradients are added to `grads`, or overwrite all of it, which may then hold
    /// anything.
    pub accumulate: bool,
    /// What the forward pass saved.
    pub saved: &'a [f32],
    /// `scratch_len` values of any content.
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

/// A layer of a network.
pub trait Layer: Any + Debug + Send + Sync {
    /// The name in messages: `linear`.
    fn name(&self) -> &'static str;

    /// The shape of a sample of the output.
    ///
    /// # Errors
    /// If the layer cannot take that input or is set up wrongly; the message says what it needs and
    /// what it got. The network puts the layer's name before it.
    fn output_shape(&self, input: &Shape) -> Result<Shape, Error>;

    /// The parameters, in the order in which they lie in `params` and `grads`.
    fn params(&self, input: &Shape) -> Vec<ParamSpec> {
        let _ = input;
        Vec::new()
    }

    /// The number of values to keep from forward to backward, beside `x` and `y`.
    fn saved_len(&self, batch: usize, input: &Shape) -> usize {
        let _ = (batch, input);
        0
    }

    /// The number of values needed while working.
    fn scratch_len(&self, batch: usize, input: &Shape) -> usize {
        let _ = (batch, input);
        0
    }

    /// The smallest batch that can be trained on.
    fn min_train_batch(&self, input: &Shape) -> usize {
        let _ = input;
        1
    }

    /// Computes `y` from `x`.
    fn forward(&self, cx: &Context, io: Forward<'_>);

    /// Computes `dx` from `dy`, and the gradients of the parameters.
    fn backward(&self, cx: &Context, io: Backward<'_>);

    /// What the layer adds to the loss of a batch of such samples, x: (batch, input).
    /// [`Layer::backward`] adds the gradient of it to dx, so whoever reports the loss adds it up
    /// ([`Network::penalty`](crate::Network::penalty)). A penalty of a layer within a block counts
    /// in the gradient alone.
    fn penalty(&self, cx: &Context, pass: Pass, input: &Shape, x: &[f32]) -> f64 {
        let _ = (cx, pass, input, x);
        0.0
    }

    /// Moves the running statistics towards what the last training pass saved: a fraction `part` of
    /// the way, or that of the layer's settings.
    fn update_statistics(
        &self,
        batch: usize,
        input: &Shape,
        saved: &[f32],
        params: &mut [f32],
        part: Option<f32>,
    ) {
        let _ = (batch, input, saved, params, part);
    }

    /// The layer made ready for samples of that shape, where that takes more than its settings: a
    /// block plans the layers in it, fusing them or not. `None` if it is ready as it is. `name` is
    /// what messages call it: `encoder.3`.
    ///
    /// # Errors
    /// If a layer in it cannot take its input; the message names that layer.
    fn plan(&self, name: &str, input: &Shape, fuse: bool) -> Result<Option<Box<dyn Layer>>, Error> {
        let _ = (name, input, fuse);
        Ok(None)
    }

    /// The multiply-adds of the products and convolutions in one sample's forward pass. What takes
    /// a few operations a value counts as nothing.
    fn macs(&self, input: &Shape) -> u64 {
        let _ = input;
        0
    }

    /// Whether it changes no value in any mode, though it may change the shape. The network leaves
    /// it out; it keeps its number.
    fn is_identity(&self) -> bool {
        false
    }

    /// What the layer comes to in evaluation, as a chain of maps that a
    /// [`Predictor`](crate::Predictor) merges with its neighbours': empty if it passes `x` on.
    /// `None` runs it as it is, by [`Layer::forward`].
    fn inference_maps<'a>(
        &self,
        input: &Shape,
        params: &'a [f32],
    ) -> Option<Vec<InferenceMap<'a>>> {
        let _ = (input, params);
        None
    }

    /// This layer and `next` as one, if there is a fused form. The parameters stay this layer's, so
    /// `next` must have none, and keep the shape.
    fn fuse(&self, next: &dyn Layer) -> Option<Box<dyn Layer>> {
        let _ = next;
        None
    }
}
