//! A batch augmented, between its data set and a training step.

use super::task::Task;
use crate::error::Error;
use crate::evaluation::Goal;
use narrows_datasets::{Augmentation, Augmenter, SampleKey};
use narrows_engine::Context;
use narrows_engine::memory::Slab;
use narrows_engine::parallel::Chunks;

/// The samples of a task for the threads: some tens of microseconds, several times what it takes to
/// wake one.
const TASK: usize = 8;

/// Augments the batches of one run. What it holds is memory; the random numbers follow from seed,
/// epoch and row.
#[derive(Clone, Debug)]
pub(crate) struct BatchAugmenter {
    augmenter: Augmenter,
    seed: u64,
    /// (batch, sample), before they were corrupted; empty if nothing asks for them
    clean: Slab,
    /// (tasks, scratch of a sample)
    scratch: Slab,
}

impl BatchAugmenter {
    /// Memory for batches of up to `batch` samples; `None` if nothing is changed in them.
    ///
    /// # Errors
    /// If a setting makes no sense for the samples; the message names it.
    pub fn new(
        augmentation: &Augmentation,
        task: &Task<'_>,
        batch: usize,
        seed: u64,
    ) -> Result<Option<BatchAugmenter>, Error> {
        let augmenter = Augmenter::new(*augmentation, task.data.image_shape())?;
        if augmentation.is_off() {
            return Ok(None);
        }
        let keeps = task.goal == Goal::Reconstruct && augmentation.corrupts();
        Ok(Some(BatchAugmenter {
            augmenter,
            seed,
            clean: Slab::new(if keeps { batch * task.data.sample_len() } else { 0 }),
            scratch: Slab::new(batch.div_ceil(TASK) * augmenter.scratch_len()),
        }))
    }

    /// Augments `x`: (rows, sample), the samples `rows` of the data set, as they are in `epoch`.
    /// Returns what the network should give back where that is not `x`: the samples transformed,
    /// but not corrupted. Allocates nothing.
    pub fn apply(
        &mut self,
        cx: &Context,
        epoch: u64,
        rows: &[u32],
        x: &mut [f32],
    ) -> Option<&[f32]> {
        let BatchAugmenter { augmenter, seed, clean, scratch } = self;
        let (len, tasks) = (x.len() / rows.len(), rows.len().div_ceil(TASK));
        let keeps = !clean.is_empty();
        let clean = &mut clean[..if keeps { x.len() } else { 0 }];
        let parts = (
            Chunks::new(x, TASK * len),
            Chunks::new(&mut *clean, if keeps { TASK * len } else { 0 }),
            Chunks::new(scratch, augmenter.scratch_len()),
        );
        cx.for_each_part(tasks, parts, |task, (x, clean, scratch)| {
            let rows = &rows[task * TASK..];
            for (i, (x, &row)) in x.chunks_exact_mut(len).zip(rows).enumerate() {
                let key = SampleKey { seed: *seed, epoch, row };
                augmenter.transform(key, x, scratch);
                if keeps {
                    clean[i * len..][..len].copy_from_slice(x);
                }
                augmenter.corrupt(key, x);
            }
        });
        keeps.then_some(clean)
    }
}
