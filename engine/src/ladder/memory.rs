//! The memory of a ladder's step, allocated once.

use super::{Ladder, Layout};
use crate::Params;
use crate::hardware::memory::Slab;
use crate::layers::batch_norm::passes;
use crate::layers::linear::LinearProduct;
use crate::layers::product::Product;
use crate::math::column_sums;

/// The values of the passes of a [`Ladder`]. A step allocates nothing.
#[derive(Clone, Debug)]
pub struct LadderMemory {
    pub(super) max_labelled: usize,
    pub(super) max_unlabelled: usize,
    pub(super) passes: Passes,
    pub(super) layout: Layout,
    /// The gamma and beta, by layer, of a batch norm that only normalises: (2, n).
    pub(super) unit: Vec<Slab>,
    pub(super) scratch: Slab,
}

/// The values that change with each step.
#[derive(Clone, Debug)]
pub(super) struct Passes {
    pub noisy: Encoder,
    pub clean: Encoder,
    pub decoder: Decoder,
    /// Two gradients on their way: (labelled + unlabelled, widest) each.
    pub work: [Slab; 2],
}

/// An encoder's values by layer. The lists begin with the sample, whose slabs are empty but for its
/// noisy values in `h`.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    /// W h of the layer below: (rows, n)
    pub pre: Vec<Slab>,
    /// That, normalised, with noise: (rows, n)
    pub z: Vec<Slab>,
    /// After bias and ReLU, or the logits: (rows, n)
    pub h: Vec<Slab>,
    /// The mean, biased variance and inverse deviation of a batch's samples without a label: (3, n)
    pub saved: Vec<Slab>,
    /// The same of the samples with a label: (3, n); empty for the clean encoder, which has none.
    pub labelled: Vec<Slab>,
}

impl Encoder {
    /// z of layer `l`, or the noisy sample.
    pub fn z_of(&self, l: usize) -> &Slab {
        if l == 0 { &self.h[0] } else { &self.z[l] }
    }
}

/// The decoder's values by layer, (unlabelled, n) each; empty below its lowest layer.
#[derive(Clone, Debug)]
pub(super) struct Decoder {
    /// The projection of the layer above, before it is normalised.
    pub v: Vec<Slab>,
    pub u: Vec<Slab>,
    pub s: Vec<Slab>,
    /// The same as in an encoder.
    pub saved: Vec<Slab>,
    /// The gradient of the noisy z.
    pub lateral: Vec<Slab>,
    /// The gradient of the clean targets; empty where there is no cost, and for the sample.
    pub target: Vec<Slab>,
    /// The gradients of the clean means and deviations: (2, n)
    pub statistics: Vec<Slab>,
}

impl LadderMemory {
    /// Memory for steps of up to so many labelled and unlabelled samples, with parameters that
    /// [`Ladder::params`] laid out.
    pub fn new(
        ladder: &Ladder,
        params: &Params,
        labelled: usize,
        unlabelled: usize,
    ) -> LadderMemory {
        let widths = &ladder.widths;
        let rows = labelled + unlabelled;
        let slabs = |len: &dyn Fn(usize, usize) -> usize| -> Vec<Slab> {
            widths.iter().enumerate().map(|(l, &n)| Slab::new(len(l, n))).collect()
        };
        let encoder = |rows: usize, with_labelled: bool| Encoder {
            pre: slabs(&|l, n| if l > 0 { rows * n } else { 0 }),
            z: slabs(&|l, n| if l > 0 { rows * n } else { 0 }),
            h: slabs(&|l, n| if l > 0 || with_labelled { rows * n } else { 0 }),
            saved: slabs(&|l, n| if l > 0 { 3 * n } else { 0 }),
            labelled: slabs(&|l, n| if l > 0 && with_labelled { 3 * n } else { 0 }),
        };
        let lowest = ladder.lowest_cost().unwrap_or(widths.len());
        let decoded = |l: usize, n: usize| if l >= lowest { unlabelled * n } else { 0 };
        let has_target = |l: usize| l > 0 && ladder.costs[l] > 0.0;
        let decoder = Decoder {
            v: slabs(&decoded),
            u: slabs(&decoded),
            s: slabs(&decoded),
            saved: slabs(&|l, n| if l >= lowest { 3 * n } else { 0 }),
            lateral: slabs(&decoded),
            target: slabs(&|l, n| if has_target(l) { unlabelled * n } else { 0 }),
            statistics: slabs(&|l, n| if has_target(l) { 2 * n } else { 0 }),
        };
        let widest = widths.iter().copied().max().unwrap_or(0);
        // Both directions of every product, the normalisations, and ten sums for each unit.
        let products = widths.windows(2).flat_map(|pair| {
            [[pair[0], pair[1]], [pair[1], pair[0]]]
                .map(|[inputs, outputs]| LinearProduct { inputs, outputs }.scratch_len(rows))
        });
        let norms = widths.iter().map(|&n| passes::scratch_len(rows, n));
        let scratch = products.chain(norms).chain([column_sums::scratch_len(rows, widest, 10)]);
        let unit = |&n: &usize| {
            let mut unit = Slab::new(2 * n);
            unit[..n].fill(1.0);
            unit
        };
        LadderMemory {
            max_labelled: labelled,
            max_unlabelled: unlabelled,
            passes: Passes {
                noisy: encoder(rows, true),
                clean: encoder(unlabelled, false),
                decoder,
                work: [Slab::new(rows * widest), Slab::new(rows * widest)],
            },
            layout: ladder.layout(params),
            unit: widths.iter().map(unit).collect(),
            scratch: Slab::new(scratch.max().unwrap_or(0)),
        }
    }

    /// The most samples without a label.
    pub fn max_unlabelled(&self) -> usize {
        self.max_unlabelled
    }

    /// The layer whose values are the first that are not finite after a step: there it went wrong.
    pub fn first_not_finite(&self) -> Option<String> {
        let Passes { noisy, decoder, .. } = &self.passes;
        let is_wrong = |values: &Slab| values.iter().any(|value| !value.is_finite());
        let up = (1..noisy.pre.len()).map(|l| ("encoder", l, [&noisy.pre[l], &noisy.h[l]]));
        let down =
            (0..decoder.s.len()).rev().map(|l| ("decoder", l, [&decoder.v[l], &decoder.s[l]]));
        let (part, l, _) =
            up.chain(down).find(|(.., values)| values.iter().any(|v| is_wrong(v)))?;
        Some(format!("{part}.{l}"))
    }

    /// The batch's mean and biased variance of what layer `l`, from 1 on, normalised in the last
    /// clean pass: (n_l) each.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn clean_statistics(&self, l: usize) -> (&[f32], &[f32]) {
        let saved = &self.passes.clean.saved[l];
        let n = saved.len() / 3;
        (&saved[..n], &saved[n..2 * n])
    }
}
