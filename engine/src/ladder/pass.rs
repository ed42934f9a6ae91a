//! The ladder's forward passes: two encoders and the decoder.

use super::kernels::{Noise, activate, corrupt};
use super::memory::{Decoder, Encoder, Fixed, LadderMemory, Passes};
use super::{EPS, Ladder, LadderBatch, LadderLoss, combinator};
use crate::gemm::Epilogue;
use crate::layers::batch_norm::{Columns, passes};
use crate::layers::linear::Product;
use crate::math::random::Random;
use crate::training::loss::softmax;
use crate::{Context, Error, Loss, Params, Target};

/// What every part of a step needs.
#[derive(Clone, Copy)]
pub(super) struct Shared<'a> {
    pub cx: &'a Context,
    pub params: &'a [f32],
    pub fixed: &'a Fixed,
}

impl Ladder {
    /// Runs both encoders and the decoder on `batch`, and overwrites `grads`, laid out as
    /// [`Params::values`], with the gradients of the loss. Whatever is frozen has its gradient,
    /// too; the optimiser leaves it out.
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
        let (labelled, n) = (batch.classes.len(), self.widths[0]);
        let rows = batch.x.len() / n;
        let unlabelled = rows.saturating_sub(labelled);
        let fits = (2..=memory.max_labelled).contains(&labelled);
        if !fits || !(2..=memory.max_unlabelled).contains(&unlabelled) || batch.x.len() != rows * n
        {
            return Err(Error::new(format!(
                "expected 2 to {} labelled and 2 to {} other samples of {n} values, got {labelled} \
                 classes and {} values",
                memory.max_labelled,
                memory.max_unlabelled,
                batch.x.len()
            )));
        }
        let LadderMemory { passes, fixed, .. } = memory;
        let shared = Shared { cx, params: params.values(), fixed };
        let noise = |l: usize| Noise {
            std: self.noise,
            random: Random::new(batch.seed, l as u64),
            step: batch.step,
        };
        let Passes { noisy, clean, decoder, scratch, .. } = passes;
        corrupt(cx, noise(0), batch.x, n, &mut noisy.h[0][..rows * n]);
        for l in 1..=self.top() {
            self.layer(shared, l, [labelled, unlabelled], None, noisy, scratch);
            self.activate(shared, l, rows, (self.noise > 0.0).then(|| noise(l)), noisy);
        }
        let x = &batch.x[labelled * n..];
        if self.needs_clean() {
            self.encode_clean(shared, x, clean, scratch);
        }
        self.decode(shared, labelled, unlabelled, noisy, decoder, scratch);

        let classes = self.widths[self.top()];
        let logits = &passes.noisy.h[self.top()][..labelled * classes];
        let dy = &mut passes.work[0][..labelled * classes];
        let target = Target::Classes(batch.classes);
        let supervised = Loss::cross_entropy().evaluate(cx, labelled, logits, target, Some(dy))?;
        let denoising = self.backward(shared, labelled, x, passes, grads);
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
        let (n, top) = (self.widths[0], self.top());
        let rows = x.len() / n;
        if x.len() != rows * n || !(2..=memory.max_unlabelled).contains(&rows) {
            return Err(Error::new(format!(
                "expected 2 to {} samples of {n} values, got {} values",
                memory.max_unlabelled,
                x.len()
            )));
        }
        let LadderMemory { passes, fixed, .. } = &mut *memory;
        let shared = Shared { cx, params: params.values(), fixed };
        let Passes { clean, scratch, .. } = passes;
        self.encode_clean(shared, x, clean, scratch);
        Ok(&memory.passes.clean.h[top][..rows * self.widths[top]])
    }

    fn encode_clean(
        &self,
        shared: Shared<'_>,
        x: &[f32],
        clean: &mut Encoder,
        scratch: &mut [f32],
    ) {
        let rows = x.len() / self.widths[0];
        for l in 1..=self.top() {
            let input = (l == 1).then_some(x);
            self.layer(shared, l, [0, rows], input, clean, scratch);
            self.activate(shared, l, rows, None, clean);
        }
    }

    /// Layer `l` of an encoder up to its normalised values, from the layer below or from `input`:
    /// rows of labelled samples, which are normalised by themselves, and of others.
    fn layer(
        &self,
        shared: Shared<'_>,
        l: usize,
        parts: [usize; 2],
        input: Option<&[f32]>,
        encoder: &mut Encoder,
        scratch: &mut [f32],
    ) {
        let [below, n] = [self.widths[l - 1], self.widths[l]];
        let (rows, Encoder { pre, z, h, saved, labelled }) = (parts[0] + parts[1], encoder);
        let (pre, z) = (&mut pre[l][..rows * n], &mut z[l][..rows * n]);
        let x = input.unwrap_or_else(|| &h[l - 1][..rows * below]);
        project(
            shared,
            n,
            l - 1,
            x,
            &shared.params[shared.fixed.layout.weights[l].clone()],
            pre,
            scratch,
        );
        let ((pre, others), (z, z_others)) =
            (pre.split_at(parts[0] * n), z.split_at_mut(parts[0] * n));
        if parts[0] > 0 {
            normalise(shared, l, pre, z, &mut labelled[l], scratch);
        }
        normalise(shared, l, others, z_others, &mut saved[l], scratch);
    }

    /// From the normalised values of layer `l` on: noise, bias, ReLU or scale.
    fn activate(
        &self,
        shared: Shared<'_>,
        l: usize,
        rows: usize,
        noise: Option<Noise>,
        encoder: &mut Encoder,
    ) {
        let n = self.widths[l];
        let (z, h) = (&mut encoder.z[l][..rows * n], &mut encoder.h[l][..rows * n]);
        activate(
            shared.cx,
            noise,
            self.scale(shared, l),
            &shared.params[shared.fixed.layout.biases[l].clone()],
            z,
            h,
        );
    }

    /// The scale of the top layer; `None` for the others, which have a ReLU.
    pub(super) fn scale<'a>(&self, shared: Shared<'a>, l: usize) -> Option<&'a [f32]> {
        (l == self.top()).then(|| &shared.params[shared.fixed.layout.scale.clone()])
    }

    /// The decoder, from the top down to the lowest layer with a cost.
    fn decode(
        &self,
        shared: Shared<'_>,
        labelled: usize,
        rows: usize,
        noisy: &Encoder,
        decoder: &mut Decoder,
        scratch: &mut [f32],
    ) {
        let Some(lowest) = self.lowest_cost() else { return };
        let Decoder { v, u, s, saved, .. } = decoder;
        for l in (lowest..=self.top()).rev() {
            let n = self.widths[l];
            let from = labelled * n;
            let v = &mut v[l][..rows * n];
            if l == self.top() {
                softmax(shared.cx, n, &noisy.h[l][from..from + rows * n], v);
            } else {
                let weight = &shared.params[shared.fixed.layout.projections[l + 1].clone()];
                let above = &s[l + 1][..rows * self.widths[l + 1]];
                project(shared, n, l + 1, above, weight, v, scratch);
            }
            let u = &mut u[l][..rows * n];
            normalise(shared, l, v, u, &mut saved[l], scratch);
            let z = if l == 0 { &noisy.h[0] } else { &noisy.z[l] };
            let a = &shared.params[shared.fixed.layout.combinators[l].clone()];
            combinator::forward(shared.cx, a, &z[from..from + rows * n], u, &mut s[l][..rows * n]);
        }
    }
}

/// y = x W^T for x: (rows, the values of layer `from`) and W: (n, the same).
fn project(
    shared: Shared<'_>,
    n: usize,
    from: usize,
    x: &[f32],
    weight: &[f32],
    y: &mut [f32],
    scratch: &mut [f32],
) {
    let product = Product { inputs: shared.fixed.widths[from], outputs: n };
    product.forward(shared.cx, x, weight, y, Epilogue::default(), scratch);
}

/// y = (x - mean) / std over the rows of x: (rows, the values of layer `l`); the statistics into
/// `saved`.
fn normalise(
    shared: Shared<'_>,
    l: usize,
    x: &[f32],
    y: &mut [f32],
    saved: &mut [f32],
    scratch: &mut [f32],
) {
    passes::batch_statistics(shared.cx, EPS, x, saved, scratch);
    passes::normalise(shared.cx, false, columns(shared, l, saved), x, y);
}

/// The columns of layer `l`, normalised by the statistics in `saved` and no more.
pub(super) fn columns<'a>(shared: Shared<'a>, l: usize, saved: &'a [f32]) -> Columns<'a> {
    let n = saved.len() / 3;
    let (gamma, beta) = shared.fixed.unit[l].split_at(n);
    Columns { gamma, beta, mean: &saved[..n], inv_std: &saved[2 * n..] }
}
