//! The memory of one pass.

use super::{Chain, Network};
use crate::error::ensure;
use crate::hardware::memory::Slab;
use crate::network::layer::{Mode, Pass};
use crate::{Error, Shape};

/// The values of one pass over a batch, and the layers' scratch. One set of parameters can have
/// several.
#[derive(Clone, Debug)]
pub struct PassMemory {
    max_batch: usize,
    /// The network's input and output.
    shapes: [Shape; 2],
    sizes: Sizes,
    pub(super) last: Option<LastPass>,
    /// The mode that each layer had in the last pass.
    pub(super) modes: Vec<Mode>,
    /// Each layer's output, and the values it saves.
    pub(super) values: Slab,
    /// Gradients on their way down, in turns; that of the output first.
    pub(super) gradients: [Slab; 2],
    pub(super) scratch: Slab,
}

/// The last forward pass, if it succeeded.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastPass {
    pub pass: Pass,
    pub batch: usize,
    /// The lowest link that ran.
    pub first: usize,
    /// The start of the output among the values.
    pub y: usize,
    /// The penalties of the layers.
    pub penalty: f64,
    /// True if the gradient of its output waits for a backward pass.
    pub gradient: bool,
}

/// The floats of the memory of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub links: usize,
    /// Each layer's output, and the values it saves.
    pub values: usize,
    /// Each of the two gradients on their way down.
    pub gradient: usize,
    pub scratch: usize,
}

impl Sizes {
    pub fn new(chain: &Chain, max_batch: usize) -> Sizes {
        let widest = chain.links.iter().map(|link| link.output.len()).max().unwrap_or(0);
        Sizes {
            links: chain.links.len(),
            values: chain.values_len(max_batch),
            gradient: max_batch * widest,
            scratch: chain.scratch_len(max_batch),
        }
    }

    fn bytes(&self) -> usize {
        (self.values + 2 * self.gradient + self.scratch) * size_of::<f32>()
    }
}

impl PassMemory {
    /// Memory for passes of up to `max_batch` samples.
    ///
    /// # Errors
    /// If `max_batch` is 0.
    pub fn new(network: &Network, max_batch: usize) -> Result<PassMemory, Error> {
        ensure!(
            max_batch > 0,
            setting,
            "the memory of a pass needs room for at least 1 sample, not 0"
        );
        let chain = &network.chain;
        let sizes = Sizes::new(chain, max_batch);
        Ok(PassMemory {
            max_batch,
            shapes: [chain.input.clone(), chain.output.clone()],
            sizes,
            last: None,
            modes: vec![Mode::Evaluate; sizes.links],
            values: Slab::new(sizes.values),
            gradients: [Slab::new(sizes.gradient), Slab::new(sizes.gradient)],
            scratch: Slab::new(sizes.scratch),
        })
    }

    /// Memory for passes of up to `most` samples, or of fewer, which halve until it takes no more
    /// than `bytes`: images make layers of many values. One sample it always has room for.
    ///
    /// # Errors
    /// If `most` is 0.
    pub fn within(network: &Network, most: usize, bytes: usize) -> Result<PassMemory, Error> {
        let mut batch = most;
        while batch > 1 && Sizes::new(&network.chain, batch).bytes() > bytes {
            batch = batch.div_ceil(2);
        }
        PassMemory::new(network, batch)
    }

    /// The largest batch.
    pub fn max_batch(&self) -> usize {
        self.max_batch
    }

    /// The samples of the last forward pass; 0 if there is none.
    pub(crate) fn batch(&self) -> usize {
        self.last.map_or(0, |last| last.batch)
    }

    /// The penalties that the layers added to the loss in the last forward pass ([`Op::forward`]).
    /// In training, those of layers below the lowest trainable one do not count: nothing can change
    /// them.
    ///
    /// [`Op::forward`]: crate::layer::Op::forward
    pub fn penalty(&self) -> f64 {
        self.last.map_or(0.0, |last| last.penalty)
    }

    /// The last forward pass's output: (batch, output).
    pub fn output(&self) -> &[f32] {
        let (y, len) = self.output_place();
        &self.values[y..][..len]
    }

    /// The output, and the place of its gradient for a backward pass that follows: both (batch,
    /// output).
    pub fn output_and_gradient(&mut self) -> (&[f32], &mut [f32]) {
        let (y, len) = self.output_place();
        if let Some(last) = &mut self.last {
            last.gradient = true;
        }
        (&self.values[y..][..len], &mut self.gradients[0][..len])
    }

    fn output_place(&self) -> (usize, usize) {
        self.last.map_or((0, 0), |last| (last.y, last.batch * self.shapes[1].len()))
    }

    /// Refuses the memory of another network.
    pub(super) fn check(&self, chain: &Chain) -> Result<(), Error> {
        let ours = (&chain.input, &chain.output, Sizes::new(chain, self.max_batch));
        let [input, output] = &self.shapes;
        ensure!(
            (input, output, self.sizes) == ours,
            mismatch,
            "the memory is that of another network, of {} layers from {input} to {output}: \
             expected that of {} layers from {} to {}",
            self.sizes.links,
            ours.2.links,
            chain.input,
            chain.output
        );
        Ok(())
    }
}
