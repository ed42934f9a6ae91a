//! The memory of one pass.

use super::Network;
use crate::layers::Mode;
use crate::memory::{Slab, padded};

/// What one pass over a batch computes: each layer's output, what it saves, and gradients on their way
/// down. One set of parameters can have several.
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

/// Where an op's values begin in the slab of activations.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    pub(super) y: usize,
    pub(super) saved: usize,
}

impl Activations {
    /// Memory for passes of up to `max_batch` samples.
    pub fn new(network: &Network, max_batch: usize) -> Activations {
        let (mut end, mut slots) = (0, Vec::new());
        let mut place = |len: usize| {
            let start = end;
            end += padded(len);
            start
        };
        let (mut widest, mut scratch) = (0, 0);
        for op in &network.ops {
            let y = place(max_batch * op.output.len());
            let saved = place(op.layer.saved_len(max_batch, &op.input));
            widest = widest.max(op.output.len());
            scratch = scratch.max(op.layer.scratch_len(max_batch, &op.input));
            slots.push(Slots { y, saved });
        }
        Activations {
            max_batch,
            batch: 0,
            mode: Mode::Evaluate,
            output_len: network.output().len(),
            values: Slab::new(end),
            slots,
            gradients: [Slab::new(max_batch * widest), Slab::new(max_batch * widest)],
            scratch: Slab::new(scratch),
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
