//! The memory of one pass.

use super::Network;
use super::chain::Slots;
use crate::hardware::memory::Slab;
use crate::network::layer::Mode;

/// What one pass over a batch computes: each layer's output, what it saves, and gradients on their
/// way down. One set of parameters can have several.
#[derive(Clone, Debug)]
pub struct Activations {
    pub(super) max_batch: usize,
    pub(super) batch: usize,
    /// Of the last pass, if it succeeded: statistics move after training passes alone.
    pub(super) mode: Mode,
    output_len: usize,
    pub(super) values: Slab,
    pub(super) slots: Vec<Slots>,
    pub(super) gradients: [Slab; 2],
    pub(super) scratch: Slab,
}

/// The floats of the memory of a pass.
pub(super) struct Sizes {
    /// What each layer gives and saves.
    pub(super) values: usize,
    /// Each of the two gradients on their way down.
    pub(super) gradient: usize,
    pub(super) scratch: usize,
}

impl Sizes {
    pub(super) fn new(network: &Network, max_batch: usize) -> Sizes {
        let chain = &network.chain;
        let widest = chain.ops.iter().map(|op| op.output.len()).max().unwrap_or(0);
        Sizes {
            values: chain.values_len(max_batch),
            gradient: max_batch * widest,
            scratch: chain.scratch_len(max_batch),
        }
    }
}

impl Activations {
    /// Memory for passes of up to `max_batch` samples.
    pub fn new(network: &Network, max_batch: usize) -> Activations {
        let sizes = Sizes::new(network, max_batch);
        Activations {
            max_batch,
            batch: 0,
            mode: Mode::Evaluate,
            output_len: network.output().len(),
            values: Slab::new(sizes.values),
            slots: network.chain.slots(max_batch).collect(),
            gradients: [Slab::new(sizes.gradient), Slab::new(sizes.gradient)],
            scratch: Slab::new(sizes.scratch),
        }
    }

    /// The largest batch.
    pub fn max_batch(&self) -> usize {
        self.max_batch
    }

    /// The samples of the last forward pass.
    pub(crate) fn batch(&self) -> usize {
        self.batch
    }

    /// The last forward pass's output: (batch, output).
    pub fn output(&self) -> &[f32] {
        let y = self.slots.last().map_or(0, |slots| slots.y);
        &self.values[y..][..self.batch * self.output_len]
    }

    /// The output, and where its gradient goes: both (batch, output).
    pub fn output_and_gradient(&mut self) -> (&[f32], &mut [f32]) {
        let y = self.slots.last().map_or(0, |slots| slots.y);
        let len = self.batch * self.output_len;
        (&self.values[y..][..len], &mut self.gradients[0][..len])
    }
}
