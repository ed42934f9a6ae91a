//! The codes that a frozen encoder gives the samples, computed once instead of in every epoch.

use super::task::Task;
use crate::error::Error;
use crate::evaluation::{Coded, Goal, PASS_BYTES};
use crate::event::Observer;
use narrows_datasets::{Dataset, Rows};
use narrows_engine::memory::Slab;
use narrows_engine::{Context, Network, Params, PassMemory};

/// The most that is kept of some samples: 64 MB. Where their codes take more, the encoder runs
/// again in every epoch, and for every test.
const MAX_FLOATS: usize = 16 << 20;

/// The samples of a pass.
const BATCH: usize = 256;

/// Samples as the frozen lowest layers of a classifier make them.
#[derive(Clone, Debug)]
pub(crate) struct FrozenSamples {
    /// The values of a code.
    len: usize,
    pub coded: Coded,
    /// The parameters of the frozen layers that made them.
    frozen: Vec<f32>,
}

impl FrozenSamples {
    /// Runs `rows` of `data` through the frozen lowest layers, unless `observer` asks for a stop;
    /// `None` if there are none, or the codes are too many to be kept.
    ///
    /// # Errors
    /// If the samples do not fit the network, or cannot be read;
    /// [`ErrorKind::Stopped`](crate::ErrorKind::Stopped).
    pub fn of(
        cx: &Context,
        (network, params): (&Network, &Params),
        data: &Dataset,
        rows: Rows<'_>,
        observer: &dyn Observer,
    ) -> Result<Option<FrozenSamples>, Error> {
        let Some(shape) = network.frozen_output(params) else { return Ok(None) };
        let len = shape.len();
        if rows.len().saturating_mul(len) > MAX_FLOATS {
            return Ok(None);
        }
        let mut listed = vec![0; rows.len()];
        rows.copy_to(0, &mut listed);
        let mut memory = PassMemory::within(network, BATCH.min(rows.len()).max(1), PASS_BYTES)?;
        let (width, batch) = (data.sample_len(), memory.max_batch());
        let (mut x, mut labels) = (vec![0.0; batch * width], vec![0; rows.len()]);
        let mut codes = Slab::new(rows.len() * len);
        data.gather_labels(&listed, &mut labels)?;
        for (rows, codes) in listed.chunks(batch).zip(codes.chunks_mut(batch * len)) {
            observer.go_on()?;
            let x = &mut x[..rows.len() * width];
            data.gather(rows, x)?;
            codes.copy_from_slice(network.forward_frozen(cx, params, &mut memory, x)?);
        }
        let frozen = params.values()[network.frozen_params(params)].to_vec();
        Ok(Some(FrozenSamples { len, coded: Coded { rows: listed, codes, labels }, frozen }))
    }

    /// True if the same layers are frozen as when the codes were made, at the same values.
    pub fn hold_for(&self, network: &Network, params: &Params) -> bool {
        let same_len = network.frozen_output(params).is_some_and(|shape| shape.len() == self.len);
        let now = &params.values()[network.frozen_params(params)];
        same_len && same_bits(now, &self.frozen)
    }
}

/// The codes of a task's samples.
#[derive(Clone, Debug)]
pub(super) struct FrozenCodes {
    /// The values of a code.
    pub len: usize,
    train: FrozenSamples,
    /// The rows to train on, ascending, and where each stands among the codes.
    places: Vec<(u32, u32)>,
    /// The rows to validate on.
    pub validation: Coded,
}

impl FrozenCodes {
    /// Runs the samples of `task` through the frozen lowest layers, unless `observer` asks for a
    /// stop; `None` if there are none, if the codes are too many to be kept, or if the goal is to
    /// reconstruct the samples, which takes more than their codes.
    ///
    /// # Errors
    /// The errors of [`FrozenSamples::of`].
    pub fn of(
        cx: &Context,
        model: (&Network, &Params),
        task: &Task<'_>,
        observer: &dyn Observer,
    ) -> Result<Option<FrozenCodes>, Error> {
        if task.goal != Goal::Classify {
            return Ok(None);
        }
        let of = |rows| FrozenSamples::of(cx, model, task.data, rows, observer);
        let Some(train) = of(task.train)? else { return Ok(None) };
        let Some(validation) = of(task.validation)? else { return Ok(None) };
        let mut places: Vec<(u32, u32)> =
            (0..).zip(&train.coded.rows).map(|(at, &row)| (row, at)).collect();
        places.sort_unstable();
        Ok(Some(FrozenCodes { len: train.len, train, places, validation: validation.coded }))
    }

    /// The codes of the samples to train on, (samples, len), and their labels.
    pub fn train(&self) -> (&[f32], &[u32]) {
        (&self.train.coded.codes, &self.train.coded.labels)
    }

    /// True if the same layers are frozen as when the codes were made, at the same values.
    pub fn hold_for(&self, network: &Network, params: &Params) -> bool {
        self.train.hold_for(network, params)
    }

    /// Copies codes and labels of `rows`, which are among those to train on.
    pub fn gather(&self, rows: &[u32], codes: &mut [f32], labels: &mut [u32]) {
        for ((row, code), label) in rows.iter().zip(codes.chunks_exact_mut(self.len)).zip(labels) {
            let place = self.places.partition_point(|(other, _)| other < row);
            let at = self.places[place].1 as usize;
            code.copy_from_slice(&self.train.coded.codes[at * self.len..][..self.len]);
            *label = self.train.coded.labels[at];
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
