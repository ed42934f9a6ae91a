//! The ladder's forward passes: two encoders and the decoder.

use super::kernels::{Noise, activate, corrupt};
use super::memory::{Decoder, Encoder, LadderMemory, Passes};
use super::{EPS, Ladder, LadderBatch, LadderLoss, Layout, combinator};
use crate::error::ensure;
use crate::gemm::Epilogue;
use crate::hardware::memory::Slab;
use crate::layers::batch_norm::{Columns, passes};
use crate::layers::linear::LinearProduct;
use crate::layers::product::{Product, Work};
use crate::math::random::Random;
use crate::math::softmax;
use crate::{Context, Error, Loss, Params, Target};
use std::ops::Range;

/// A pass at work.
pub(super) struct LadderPass<'a> {
    pub ladder: &'a Ladder,
    pub cx: &'a Context,
    pub params: &'a [f32],
    pub layout: &'a Layout,
    /// The gamma and beta of each layer that is only normalised: (2, n).
    pub unit: &'a [Slab],
    pub scratch: &'a mut [f32],
}

impl Ladder {
    /// Runs both encoders and the decoder on `batch`, and overwrites `grads`, laid out as
    /// [`Params::values`], with the gradients of the loss. Frozen parameters have theirs, too; the
    /// optimiser leaves them out.
    ///
    /// # Errors
    /// If there are fewer than two labelled samples or fewer than two others, more than `memory`
    /// was planned for, or a class is out of range.
    ///
    /// # Panics
    /// If `params`, `grads` or `memory` are of another ladder.
    pub fn gradients(
        &self,
        cx: &Context,
        params: &Params,
        memory: &mut LadderMemory,
        batch: LadderBatch<'_>,
        grads: &mut [f32],
    ) -> Result<LadderLoss, Error> {
        let LadderMemory { max_labelled, max_unlabelled, passes, layout, unit, scratch } = memory;
        let (labelled, n) = (batch.classes.len(), self.widths[0]);
        let rows = batch.x.len() / n;
        let unlabelled = rows.saturating_sub(labelled);
        ensure!(
            (2..=*max_labelled).contains(&labelled)
                && (2..=*max_unlabelled).contains(&unlabelled)
                && batch.x.len() == rows * n,
            shape,
            "expected 2 to {max_labelled} labelled and 2 to {max_unlabelled} other samples of {n} \
             values, got {labelled} classes and {} values",
            batch.x.len()
        );
        let mut run =
            LadderPass { ladder: self, cx, params: params.values(), layout, unit, scratch };
        let noise = |l: usize| Noise {
            std: self.noise,
            random: Random::new(batch.seed, l as u64),
            step: batch.step,
        };
        let Passes { noisy, clean, decoder, work } = &mut *passes;
        corrupt(cx, noise(0), batch.x, n, &mut noisy.h[0][..rows * n]);
        let of_layer = |l| (self.noise > 0.0).then(|| noise(l));
        run.encode([labelled, unlabelled], None, of_layer, noisy);
        let x = &batch.x[labelled * n..];
        if self.needs_clean() {
            run.encode([0, unlabelled], Some(x), |_| None, clean);
        }
        run.decode(labelled, unlabelled, noisy, decoder);

        let len = labelled * self.widths[self.top()];
        let (logits, dy) = (&noisy.h[self.top()][..len], &mut work[0][..len]);
        let target = Target::Classes(batch.classes);
        let supervised = Loss::cross_entropy().evaluate(cx, labelled, logits, target, Some(dy))?;
        let denoising = run.backward(labelled, x, passes, grads);
        Ok(LadderLoss { supervised, denoising })
    }

    /// Runs the clean encoder on x: (rows, n_0), 2 to as many as `memory` has room for among the
    /// unlabelled, and returns the logits: (rows, n_L), normalised by this batch as all layers are:
    /// see [`LadderMemory::clean_statistics`].
    ///
    /// # Errors
    /// If `x` does not fit.
    pub fn clean<'m>(
        &self,
        cx: &Context,
        params: &Params,
        memory: &'m mut LadderMemory,
        x: &[f32],
    ) -> Result<&'m [f32], Error> {
        let LadderMemory { max_unlabelled, passes, layout, unit, scratch, .. } = memory;
        let clean = &mut passes.clean;
        let (n, top) = (self.widths[0], self.top());
        let rows = x.len() / n;
        ensure!(
            x.len() == rows * n && (2..=*max_unlabelled).contains(&rows),
            shape,
            "expected 2 to {max_unlabelled} samples of {n} values, got {} values",
            x.len()
        );
        let mut run =
            LadderPass { ladder: self, cx, params: params.values(), layout, unit, scratch };
        run.encode([0, rows], Some(x), |_| None, clean);
        Ok(&clean.h[top][..rows * self.widths[top]])
    }
}

impl<'a> LadderPass<'a> {
    /// The parameters in a range of the slab.
    pub fn param(&self, range: &Range<usize>) -> &'a [f32] {
        &self.params[range.clone()]
    }

    /// Runs an encoder, from `x` or its own noisy sample: rows of labelled samples, which are
    /// normalised by themselves, and of others.
    fn encode(
        &mut self,
        [labelled, others]: [usize; 2],
        x: Option<&[f32]>,
        noise: impl Fn(usize) -> Option<Noise>,
        encoder: &mut Encoder,
    ) {
        let (rows, widths, layout) = (labelled + others, &self.ladder.widths, self.layout);
        for l in 1..=self.ladder.top() {
            let [below, n] = [widths[l - 1], widths[l]];
            let (h_below, h) = encoder.h.split_at_mut(l);
            let (pre, z) = (&mut encoder.pre[l][..rows * n], &mut encoder.z[l][..rows * n]);
            let x = match x {
                Some(x) if l == 1 => x,
                _ => &h_below[l - 1][..rows * below],
            };
            self.project(l - 1, x, &layout.weights[l], pre);
            let ((pre, pre_others), (z_labelled, z_others)) =
                (pre.split_at(labelled * n), z.split_at_mut(labelled * n));
            if labelled > 0 {
                self.normalise(l, pre, z_labelled, &mut encoder.labelled[l]);
            }
            self.normalise(l, pre_others, z_others, &mut encoder.saved[l]);
            let bias = self.param(&layout.biases[l]);
            activate(self.cx, noise(l), self.scale(l), bias, z, &mut h[0][..rows * n]);
        }
    }

    /// The scale of the top layer; `None` for the others, which have a ReLU.
    pub fn scale(&self, l: usize) -> Option<&'a [f32]> {
        (l == self.ladder.top()).then(|| self.param(&self.layout.scale))
    }

    /// The decoder, from the top down to the lowest layer with a cost.
    fn decode(&mut self, labelled: usize, rows: usize, noisy: &Encoder, decoder: &mut Decoder) {
        let (top, widths, layout) = (self.ladder.top(), &self.ladder.widths, self.layout);
        let Some(lowest) = self.ladder.lowest_cost() else { return };
        let Decoder { v, u, s, saved, .. } = decoder;
        for l in (lowest..=top).rev() {
            let n = widths[l];
            let (v, u) = (&mut v[l][..rows * n], &mut u[l][..rows * n]);
            if l == top {
                softmax(self.cx, n, &noisy.h[l][labelled * n..][..rows * n], v);
            } else {
                let above = &s[l + 1][..rows * widths[l + 1]];
                self.project(l + 1, above, &layout.projections[l + 1], v);
            }
            self.normalise(l, v, u, &mut saved[l]);
            let (a, z) = (self.param(&layout.combinators[l]), noisy.z_of(l));
            let z = &z[labelled * n..][..rows * n];
            combinator::forward(self.cx, a, z, u, &mut s[l][..rows * n]);
        }
    }

    /// y = x W^T for x: (rows, the values of layer `from`).
    fn project(&mut self, from: usize, x: &[f32], weight: &Range<usize>, y: &mut [f32]) {
        let (cx, weight) = (self.cx, self.param(weight));
        let inputs = self.ladder.widths[from];
        let product = LinearProduct { inputs, outputs: weight.len() / inputs };
        product.forward(Work { cx, weight, scratch: self.scratch }, x, y, Epilogue::default());
    }

    /// y = (x - mean) / std over the rows of x: (rows, the values of layer `l`); the statistics go
    /// into `saved`.
    fn normalise(&mut self, l: usize, x: &[f32], y: &mut [f32], saved: &mut [f32]) {
        passes::batch_statistics(self.cx, EPS, x, saved, self.scratch);
        passes::normalise(self.cx, false, self.columns(l, saved), x, y);
    }

    /// The columns of layer `l`, normalised by the statistics in `saved` and no more.
    pub fn columns<'s>(&self, l: usize, saved: &'s [f32]) -> Columns<'s>
    where
        'a: 's,
    {
        let n = saved.len() / 3;
        let (gamma, beta) = self.unit[l].split_at(n);
        Columns { gamma, beta, mean: &saved[..n], inv_std: &saved[2 * n..] }
    }
}
