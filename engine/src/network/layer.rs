//! A layer describes itself; planned for one shape of input, it is an op that does the work.

use crate::gemm::Rectifier;
use crate::network::params::ParamSpec;
use crate::{Context, Error, Shape};
use std::borrow::Cow;
use std::fmt::Debug;

/// The mode of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Batch norm uses the batch's statistics, dropout drops.
    Train,
    /// Batch norm uses its running statistics, dropout does nothing.
    Evaluate,
    /// Batch norm uses the batch's statistics, dropout does nothing: to find the statistics of
    /// other samples or weights.
    Estimate,
}

/// One pass over a batch: its mode, and the keys of its random numbers.
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

/// The slices of an op's forward pass.
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
    /// Values for the backward pass: [`Op::saved_len`] of them.
    pub saved: &'a mut [f32],
    /// [`Op::scratch_len`] values of any content.
    pub scratch: &'a mut [f32],
}

/// The slices of an op's backward pass.
#[derive(Debug)]
pub struct Backward<'a> {
    /// The same as in [`Forward`].
    pub pass: Pass,
    /// The same as in [`Forward`].
    pub position: u64,
    /// The same as in [`Forward`].
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
    /// True if the gradients are added to `grads`; else they overwrite all of it, whatever it held.
    pub accumulate: bool,
    /// The values that the forward pass saved.
    pub saved: &'a [f32],
    /// [`Op::scratch_len`] values of any content.
    pub scratch: &'a mut [f32],
}

/// A part of a layer in evaluation, where nothing is random and statistics are constants.
#[derive(Clone, Debug)]
#[non_exhaustive]
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
    /// `y = max(x, 0)` or the like.
    Rectify(Rectifier),
}

/// The numbers of `(x - mean) scale + shift`, each (channels).
#[derive(Clone, Copy, Debug)]
pub struct Normalise<'a> {
    /// Subtracted first.
    pub mean: &'a [f32],
    /// The factor.
    pub scale: &'a [f32],
    /// Added last.
    pub shift: &'a [f32],
}

/// A layer planned for samples of one shape: the op, and the shape of a sample of its output.
#[derive(Debug)]
pub struct Planned {
    /// The shape of a sample of the output.
    pub output: Shape,
    /// The op, which does the work.
    pub op: Box<dyn Op>,
}

impl Planned {
    /// An op with such an output.
    pub fn new(output: impl Into<Shape>, op: impl Op + 'static) -> Planned {
        Planned { output: output.into(), op: Box::new(op) }
    }
}

/// A layer of a network: its settings. Planning makes it an [`Op`], which does the work.
pub trait Layer: Debug + Send + Sync + 'static {
    /// The name in messages: `linear`.
    fn name(&self) -> &'static str;

    /// The layer ready for samples of that shape.
    ///
    /// # Errors
    /// If the layer cannot take that input or a setting is out of range; the message says both the
    /// need and the value. The network puts the layer's name before it.
    fn plan(&self, input: &Shape) -> Result<Planned, Error>;

    /// Like [`Layer::plan`], with the layer's name, `encoder.3`, before every message. A block
    /// plans the layers in it by names of their own, and fuses them or not.
    ///
    /// # Errors
    /// Like [`Layer::plan`].
    fn plan_as(&self, name: &str, input: &Shape, fuse: bool) -> Result<Planned, Error> {
        let _ = fuse;
        self.plan(input).map_err(|e| named(name, self.name(), e))
    }

    /// The rectifier that it is in every mode: an op below it may take it in.
    fn rectifier(&self) -> Rectifier {
        Rectifier::None
    }
}

/// A layer planned for samples of one shape. It knows its sizes, owns no numbers, and works on
/// slices that the network hands it.
pub trait Op: Debug + Send + Sync {
    /// The parameters, in the order in which they lie in `params` and `grads`.
    fn params(&self) -> Vec<ParamSpec> {
        Vec::new()
    }

    /// The number of values to keep from forward to backward, beside `x` and `y`. A smaller batch
    /// must not need more.
    fn saved_len(&self, batch: usize) -> usize {
        let _ = batch;
        0
    }

    /// The number of values needed while working. A smaller batch must not need more.
    fn scratch_len(&self, batch: usize) -> usize {
        let _ = batch;
        0
    }

    /// The smallest batch that can be trained on.
    fn min_train_batch(&self) -> usize {
        1
    }

    /// The multiply-adds of the products and convolutions in one sample's forward pass. A few
    /// operations a value count as nothing.
    fn macs(&self) -> u64 {
        0
    }

    /// True if it changes no value in any mode, though it may change the shape. The network leaves
    /// it out; the layers behind it keep their numbers.
    fn is_identity(&self) -> bool {
        false
    }

    /// Takes in the rectifier that follows, so that the op's output is behind it. `false` if there
    /// is no such form, or one has been taken in.
    fn take(&mut self, rectifier: Rectifier) -> bool {
        let _ = rectifier;
        false
    }

    /// Computes `y` from `x`, and returns the penalty that is added to the loss of the batch: 0 for
    /// most. [`Op::backward`] adds the penalty's gradient to dx.
    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64;

    /// Computes `dx` from `dy`, and the gradients of the parameters.
    fn backward(&self, cx: &Context, io: Backward<'_>);

    /// Moves the running statistics towards those that the last training pass saved: a fraction
    /// `part` of the way, or the fraction of the layer's settings.
    fn update_statistics(
        &self,
        batch: usize,
        saved: &[f32],
        params: &mut [f32],
        part: Option<f32>,
    ) {
        let _ = (batch, saved, params, part);
    }

    /// The same op with `(y - mean) scale + shift` in each channel in place of its output `y`, and
    /// the parameters of that. `None` if there is no such form, or the numbers are those of other
    /// channels.
    fn normalised(&self, params: &[f32], map: Normalise<'_>) -> Option<(Box<dyn Op>, Vec<f32>)> {
        let _ = (params, map);
        None
    }

    /// Another op that does the same in evaluation with less work, and its parameters: that of a
    /// block, in which batch norm has gone into the layers in front of it.
    fn in_evaluation(&self, params: &[f32]) -> Option<(Box<dyn Op>, Vec<f32>)> {
        let _ = params;
        None
    }

    /// The maps that it is in evaluation, one after another: empty if it passes `x` on. A
    /// [`Predictor`](crate::Predictor) merges them with its neighbours'. `None` if it has to run by
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
