//! Inference: a trained network made ready for use.
//!
//! A [`Predictor`] computes the same as [`Network::forward`] in evaluation, but for rounding, with
//! less work:
//!
//! 1. Batch norm (with its running statistics) goes into the weights and the bias of the linear
//!    layer or convolution before it, in blocks as well (`network/chain.rs`), ReLU into that
//!    layer's epilogue; dropout is left out (`plan.rs`). Batch norm in front of a linear layer is
//!    not folded into it: where the mean is large against the deviation, the difference from the
//!    mean would be lost in rounding.
//! 2. Weights are copied once, into the order in which the kernel reads them (`panels.rs`), if
//!    wanted in half precision or as bytes: a single row is bound by reading the weights.
//! 3. The weights of an input that is 0 are not read (`product.rs`): half of them behind a ReLU,
//!    four fifths for a picture of a digit. Batches without many zeros take the micro-kernel of the
//!    matrix products, on a packed copy of the weights.
//! 4. Each output is summed in the order of the matrix products, however many rows come along: so a
//!    row through the layers of this crate gives the same bits alone and in any batch. A batch goes
//!    to the threads by blocks of rows, each through all layers: there is one barrier in a call,
//!    and the values between two layers stay in the level-2 cache.

mod difference;
mod panels;
mod plan;
mod product;
mod workspace;

pub use difference::Difference;
pub use panels::Precision;
pub use workspace::Workspace;

use crate::error::ensure;
use crate::hardware::parallel::Chunks;
use crate::network::layer::{Forward, Pass};
use crate::{Context, Error, Network, Params, Shape};
use plan::{Map, Stage};
use product::Product;
use workspace::Slot;

/// Most rows of a block: a panel of weights is read into the level-2 cache once for all of them.
const MAX_ROWS: usize = 96;

/// The values of a block between two layers, at most, unless a single row has more: 4 MB, so that
/// the next layer finds those of images in a cache.
const BLOCK: usize = 1 << 20;

/// The same for networks whose weights are no fewer: reading 40 MB of weights again for each image
/// of a ResNet takes longer than values that wait in memory.
const LARGE_BLOCK: usize = 5 << 19;

/// The rows of a block are a multiple of it, where there are as many.
const ROW_STEP: usize = 6;

/// A network with its parameters, ready to predict: immutable, and free to be shared by threads.
///
/// ```
/// use narrows_engine::layers::{BatchNorm, Linear, Relu};
/// use narrows_engine::predictor::Workspace;
/// use narrows_engine::{Context, Network, Params, Predictor};
///
/// let network =
///     Network::builder(4).layer(Linear::new(3)).layer(BatchNorm::default()).layer(Relu).build()?;
/// let params = Params::new(&network, 1);
/// let predictor = Predictor::new(&network, &params)?;
///
/// let (cx, mut workspace) = (Context::new(1)?, Workspace::default());
/// let x = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]; // two rows
/// let mut y = [0.0; 6];
/// predictor.predict(&cx, &mut workspace, &x, &mut y)?;
/// # Ok::<(), narrows_engine::Error>(())
/// ```
#[derive(Debug)]
pub struct Predictor {
    input: Shape,
    output: Shape,
    precision: Precision,
    stages: Vec<Stage>,
    /// The values of a row between two stages, or within one, at most.
    widest: usize,
    /// The values of a block between two stages, at most, unless a single row has more.
    block: usize,
}

impl Predictor {
    /// A predictor of the network's layers in evaluation, with a copy of the parameters.
    ///
    /// # Errors
    /// If `params` are not those of `network`.
    pub fn new(network: &Network, params: &Params) -> Result<Predictor, Error> {
        Predictor::with_precision(network, params, Precision::F32)
    }

    /// Like [`Predictor::new`], with the weights of linear layers kept in another precision.
    /// [`Predictor::difference`] measures the error.
    ///
    /// # Errors
    /// If `params` are not those of `network`, or if there is a weight that the precision has no
    /// number for.
    pub fn with_precision(
        network: &Network,
        params: &Params,
        precision: Precision,
    ) -> Result<Predictor, Error> {
        let stages = plan::stages(network, params, precision)?;
        let widest = stages.iter().map(Stage::widest).max().unwrap_or(0);
        Ok(Predictor {
            input: network.input().clone(),
            output: network.output().clone(),
            precision,
            stages,
            widest,
            block: params.values().len().clamp(BLOCK, LARGE_BLOCK),
        })
    }

    /// The shape of a sample.
    pub fn input(&self) -> &Shape {
        &self.input
    }

    /// The shape of a sample's output.
    pub fn output(&self) -> &Shape {
        &self.output
    }

    /// The precision of the weights of linear layers.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The bytes of those weights, which a prediction of one row reads once if no input is 0.
    pub fn weight_bytes(&self) -> usize {
        self.stages.iter().map(Stage::weight_bytes).sum()
    }

    /// Computes y: (batch, output) for x: (batch, input), for any number of rows.
    ///
    /// The workspace grows with the largest batch so far, and the first batch of several rows packs
    /// the weights; after that nothing is allocated, but on entering a context's threads from
    /// outside (see [`Context::install`]). A NaN or an infinity
    /// in a row of x changes that row alone, as the written-out products would.
    ///
    /// # Errors
    /// If `x` is no whole number of samples, at least one, or `y` has another length than their
    /// outputs.
    pub fn predict(
        &self,
        cx: &Context,
        workspace: &mut Workspace,
        x: &[f32],
        y: &mut [f32],
    ) -> Result<(), Error> {
        let (inputs, outputs) = (self.input.len(), self.output.len());
        let batch = x.len() / inputs;
        ensure!(
            batch > 0 && x.len() == batch * inputs && Some(y.len()) == batch.checked_mul(outputs),
            shape,
            "expected x of one or more samples of {inputs} values ({}) and y of as many of \
             {outputs} ({}), got {} and {} values",
            self.input,
            self.output,
            x.len(),
            y.len()
        );
        // By size alone: layers that run as they are may round differently in another block.
        let rows = batch.div_ceil(16).next_multiple_of(ROW_STEP).clamp(12, MAX_ROWS).min(batch);
        let rows = rows.min((self.block / self.widest.max(1)).max(1));
        let tasks = batch.div_ceil(rows);
        let slots = tasks.min(if cx.threads() == 1 { 1 } else { 4 * cx.threads() });
        let slots = workspace.prepare(self, slots, rows);
        if slots.len() == 1 {
            for (x, y) in x.chunks(rows * inputs).zip(y.chunks_mut(rows * outputs)) {
                self.block(cx, &mut slots[0], x, y);
            }
            return Ok(());
        }
        let one = cx.single();
        let round = slots.len() * rows;
        for (x, y) in x.chunks(round * inputs).zip(y.chunks_mut(round * outputs)) {
            let tasks = x.len().div_ceil(rows * inputs);
            let parts = (Chunks::new(y, rows * outputs), Chunks::new(slots, 1));
            cx.for_each_part(tasks, parts, |i, (y, slot)| {
                let x = &x[i * rows * inputs..][..y.len() / outputs * inputs];
                self.block(&one, &mut slot[0], x, y);
            });
        }
        Ok(())
    }

    /// A block of rows through all stages, on the calling thread.
    fn block(&self, cx: &Context, slot: &mut Slot, x: &[f32], y: &mut [f32]) {
        let rows = x.len() / self.input.len();
        let Slot { buffers: [before, after], saved, scratch } = slot;
        let (mut before, mut after) = (before, after);
        if self.stages.is_empty() {
            y.copy_from_slice(x);
        }
        for (i, stage) in self.stages.iter().enumerate() {
            let x = if i == 0 { x } else { &before[..rows * stage.inputs] };
            let y = if i + 1 == self.stages.len() {
                &mut *y
            } else {
                &mut after[..rows * stage.outputs]
            };
            match &stage.map {
                Map::Linear(linear) => {
                    Product { linear, x, y, scratch }.run(cx);
                }
                Map::Normalise(normalise) => normalise.apply(cx, x, y),
                Map::Layer { op, position, params } => {
                    let (saved_len, scratch_len) = (op.saved_len(rows), op.scratch_len(rows));
                    op.forward(
                        cx,
                        Forward {
                            pass: Pass::evaluate(),
                            position: *position,
                            batch: rows,
                            x,
                            y,
                            params,
                            saved: &mut saved[..saved_len],
                            scratch: &mut scratch[..scratch_len],
                        },
                    );
                }
            }
            std::mem::swap(&mut before, &mut after);
        }
    }
}
