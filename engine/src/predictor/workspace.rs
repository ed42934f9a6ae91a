//! The memory that predictions work in.

use super::plan::Map;
use super::{Predictor, product};
use crate::hardware::memory::Slab;

/// The values between two layers while a prediction runs. Any predictor can use it, one call at a
/// time, so each thread that predicts has its own.
///
/// It grows when a call needs more than those before: up to about 100 rows of the two widest layers
/// for each block of rows that is under way, one on a single thread.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    slots: Vec<Slot>,
}

/// The memory of one block of rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    /// A layer's input and output, in turns.
    pub(super) buffers: [Slab; 2],
    pub(super) saved: Slab,
    pub(super) scratch: Slab,
}

impl Workspace {
    /// `count` slots for blocks of that many rows.
    pub(super) fn prepare(
        &mut self,
        predictor: &Predictor,
        count: usize,
        rows: usize,
    ) -> &mut [Slot] {
        if self.slots.len() < count {
            self.slots.resize(count, Slot::default());
        }
        let slots = &mut self.slots[..count];
        let stages = &predictor.stages;
        let widest = stages.iter().skip(1).map(|stage| stage.inputs).max().unwrap_or(0);
        for slot in &mut *slots {
            slot.buffers.iter_mut().for_each(|buffer| buffer.ensure(rows * widest));
            for stage in stages {
                match &stage.map {
                    Map::Linear(_) => {
                        slot.scratch.ensure(product::scratch_len(rows, stage.inputs));
                    }
                    Map::Normalise(_) => {}
                    Map::Layer { op, .. } => {
                        slot.saved.ensure(op.saved_len(rows));
                        slot.scratch.ensure(op.scratch_len(rows));
                    }
                }
            }
        }
        slots
    }
}
