//! The codes that a frozen encoder gives the samples, computed once instead of in every epoch.

use super::task::Task;
use crate::error::Error;
use crate::evaluation::{Coded, Goal};
use narrows_datasets::Rows;
use narrows_engine::memory::Slab;
use narrows_engine::{Context, Network, Params, PassMemory};

/// The most that is kept: 64 MB. An encoder whose codes take more runs in every epoch.
const MAX_FLOATS: usize = 16 << 20;

/// The samples of a pass.
const BATCH: usize = 256;

/// The codes of a task's samples.
#[derive(Clone, Debug)]
pub(super) struct FrozenCodes {
    /// The values of a code.
    pub len: usize,
    train: Coded,
    /// The rows to train on, ascending, and where each stands among the codes.
    places: Vec<(u32, u32)>,
    /// The rows to validate on.
    pub validation: Coded,
    /// The parameters of the frozen layers that made them.
    frozen: Vec<f32>,
}

impl FrozenCodes {
    /// Runs the samples of `task` through the frozen lowest layers; `None` if there are none, if
    /// the codes are too many to be kept, or if the goal is to reconstruct the samples, which takes
    /// more than their codes.
    ///
    /// # Errors
    /// If the samples do not fit the network.
    pub fn of(
        cx: &Context,
        network: &Network,
        params: &Params,
        task: &Task<'_>,
    ) -> Result<Option<FrozenCodes>, Error> {
        let Some(shape) = network.frozen_output(params).filter(|_| task.goal == Goal::Classify)
        else {
            return Ok(None);
        };
        let len = shape.len();
        if (task.train.len() + task.validation.len()).saturating_mul(len) > MAX_FLOATS {
            return Ok(None);
        }
        let code = |rows: Rows<'_>| -> Result<Coded, Error> {
            let mut listed = vec![0; rows.len()];
            rows.copy_to(0, &mut listed);
            let rows = &listed[..];
            let (width, batch) = (task.data.sample_len(), BATCH.min(rows.len()).max(1));
            let mut memory = PassMemory::new(network, batch)?;
            let (mut x, mut labels) = (vec![0.0; batch * width], vec![0; rows.len()]);
            let mut codes = Slab::new(rows.len() * len);
            task.data.gather_labels(rows, &mut labels)?;
            for (rows, codes) in rows.chunks(batch).zip(codes.chunks_mut(batch * len)) {
                let x = &mut x[..rows.len() * width];
                task.data.gather(rows, x)?;
                codes.copy_from_slice(network.forward_frozen(cx, params, &mut memory, x)?);
            }
            Ok(Coded { codes, labels })
        };
        let frozen = params.values()[network.frozen_params(params)].to_vec();
        let mut places: Vec<(u32, u32)> =
            (0..task.train.len()).map(|i| (task.train.get(i), i as u32)).collect();
        places.sort_unstable();
        Ok(Some(FrozenCodes {
            len,
            train: code(task.train)?,
            places,
            validation: code(task.validation)?,
            frozen,
        }))
    }

    /// True if the same layers are frozen as when the codes were made, at the same values.
    pub fn hold_for(&self, network: &Network, params: &Params) -> bool {
        let same_len = network.frozen_output(params).is_some_and(|shape| shape.len() == self.len);
        let now = &params.values()[network.frozen_params(params)];
        same_len && same_bits(now, &self.frozen)
    }

    /// Copies codes and labels of `rows`, which are among those to train on.
    pub fn gather(&self, rows: &[u32], codes: &mut [f32], labels: &mut [u32]) {
        for ((row, code), label) in rows.iter().zip(codes.chunks_exact_mut(self.len)).zip(labels) {
            let place = self.places.partition_point(|(other, _)| other < row);
            let at = self.places[place].1 as usize;
            code.copy_from_slice(&self.train.codes[at * self.len..][..self.len]);
            *label = self.train.labels[at];
        }
    }
}

/// True if two slices hold the same bits. Goes by chunks, each to its end: a loop that may leave at
/// any value is not made into vectors, and this one looks at a whole encoder in every epoch.
fn same_bits(a: &[f32], b: &[f32]) -> bool {
    const CHUNK: usize = 4096;
    let same = |a: &[f32], b: &[f32]| {
        a.iter().zip(b).fold(true, |same, (a, b)| same & (a.to_bits() == b.to_bits()))
    };
    a.len() == b.len() && a.chunks(CHUNK).zip(b.chunks(CHUNK)).all(|(a, b)| same(a, b))
}
