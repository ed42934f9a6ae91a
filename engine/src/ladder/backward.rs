//! The ladder's backward pass: up the decoder, down the noisy encoder, down the clean one.

use super::combinator;
use super::kernels::{Cost, activate_backward, add_statistics, cost};
use super::memory::Passes;
use super::pass::LadderPass;
use crate::Context;
use crate::layers::batch_norm::passes;
use crate::layers::linear::LinearProduct;
use crate::layers::product::{Product, Work};
use crate::math::column_sums;
use std::ops::Range;

impl LadderPass<'_> {
    /// The gradients of everything, after the forward passes, given those of the labelled samples'
    /// logits at the start of `work[0]`; x: (unlabelled, n_0). Returns the weighted sum of the
    /// denoising costs.
    pub fn backward(
        &mut self,
        labelled: usize,
        x: &[f32],
        passes: &mut Passes,
        grads: &mut [f32],
    ) -> f64 {
        let denoising = self.backward_decoder(labelled, x, passes, grads);
        self.backward_noisy(labelled, x.len() / self.ladder.widths[0], passes, grads);
        if self.ladder.needs_clean() {
            self.backward_clean(x, passes, grads);
        }
        denoising
    }

    /// Up the decoder, from the lowest layer with a cost to the logits of the unlabelled samples,
    /// whose gradient is left behind that of the labelled ones in `work[0]`. Returns the costs.
    fn backward_decoder(
        &mut self,
        labelled: usize,
        x: &[f32],
        passes: &mut Passes,
        grads: &mut [f32],
    ) -> f64 {
        let Passes { noisy, clean, decoder, work: [ds, dv] } = passes;
        let (ladder, layout) = (self.ladder, self.layout);
        let (rows, top) = (x.len() / ladder.widths[0], ladder.top());
        let ds = &mut ds[labelled * ladder.widths[top]..];
        let Some(lowest) = ladder.lowest_cost() else {
            ds[..rows * ladder.widths[top]].fill(0.0);
            return 0.0;
        };
        let mut total = 0.0;
        for l in lowest..=top {
            let (n, weight) = (ladder.widths[l], ladder.costs[l]);
            let len = rows * n;
            let (ds_l, s) = (&mut ds[..len], &decoder.s[l][..len]);
            if weight > 0.0 {
                let unit = &self.unit[l];
                let (mean, inv_std, target) = match l {
                    0 => (&unit[n..2 * n], &unit[..n], x),
                    _ => (&clean.saved[l][..n], &clean.saved[l][2 * n..], &clean.z[l][..len]),
                };
                let of_layer = Cost { weight, mean, inv_std, target };
                let dtarget = if l == 0 { &mut [][..] } else { &mut decoder.target[l][..len] };
                total += cost(self.cx, of_layer, s, l > lowest, ds_l, dtarget, self.scratch);
                if l > 0 {
                    decoder.statistics[l].copy_from_slice(&self.scratch[..2 * n]);
                }
            }
            let (range, z) = (&layout.combinators[l], &noisy.z_of(l)[labelled * n..][..len]);
            let (a, da) = (self.param(range), &mut grads[range.clone()]);
            let (u, dz) = (&decoder.u[l][..len], &mut decoder.lateral[l][..len]);
            combinator::backward(self.cx, a, [z, u], ds_l, dz, da, self.scratch);
            let (v, dv) = (&decoder.v[l][..len], &mut dv[..len]);
            self.denormalise(l, v, ds_l, dv, &decoder.saved[l]);
            if l == top {
                softmax_backward(v, dv, n, ds_l);
            } else {
                let (weight, len) = (&layout.projections[l + 1], rows * ladder.widths[l + 1]);
                let (s, ds) = (&decoder.s[l + 1][..len], Some(&mut ds[..len]));
                self.unproject(l + 1, weight, (s, dv), ds, grads, false);
            }
        }
        total
    }

    /// Down the noisy encoder, given the gradient of all logits in `work[0]`.
    fn backward_noisy(
        &mut self,
        labelled: usize,
        unlabelled: usize,
        passes: &mut Passes,
        grads: &mut [f32],
    ) {
        let Passes { noisy, decoder, work: [d, dpre], .. } = passes;
        let (ladder, layout) = (self.ladder, self.layout);
        let (rows, lowest) = (labelled + unlabelled, ladder.lowest_cost().unwrap_or(usize::MAX));
        for l in (1..=ladder.top()).rev() {
            let [below, n] = [ladder.widths[l - 1], ladder.widths[l]];
            let (d_l, dpre) = (&mut d[..rows * n], &mut dpre[..rows * n]);
            let (z, scale, bias) = (&noisy.z[l][..rows * n], self.scale(l), &layout.biases[l]);
            let of_bias = self.param(bias);
            let sums = activate_backward(self.cx, scale, of_bias, z, d_l, self.scratch);
            grads[bias.clone()].copy_from_slice(&sums[..n]);
            if scale.is_some() {
                grads[layout.scale.clone()].copy_from_slice(&sums[n..2 * n]);
            }
            if l >= lowest {
                add(self.cx, &decoder.lateral[l][..unlabelled * n], &mut d_l[labelled * n..]);
            }
            let pre = noisy.pre[l][..rows * n].split_at(labelled * n);
            let (dz, dx) = (d_l.split_at(labelled * n), dpre.split_at_mut(labelled * n));
            self.denormalise(l, pre.0, dz.0, dx.0, &noisy.labelled[l]);
            self.denormalise(l, pre.1, dz.1, dx.1, &noisy.saved[l]);
            let (h, dh) = (&noisy.h[l - 1][..rows * below], &mut d[..rows * below]);
            self.unproject(
                l - 1,
                &layout.weights[l],
                (h, dpre),
                (l > 1).then_some(dh),
                grads,
                false,
            );
        }
    }

    /// Down the clean encoder from the highest layer with a cost, adding to the gradients.
    fn backward_clean(&mut self, x: &[f32], passes: &mut Passes, grads: &mut [f32]) {
        let Passes { clean, decoder, work: [d, dpre], .. } = passes;
        let (ladder, layout) = (self.ladder, self.layout);
        let rows = x.len() / ladder.widths[0];
        let highest = ladder.costs.iter().rposition(|cost| *cost > 0.0).unwrap_or(0);
        for l in (1..=highest).rev() {
            let [below, n] = [ladder.widths[l - 1], ladder.widths[l]];
            let (d_l, dpre) = (&mut d[..rows * n], &mut dpre[..rows * n]);
            let (z, has_cost) = (&clean.z[l][..rows * n], ladder.costs[l] > 0.0);
            if l == highest {
                d_l.copy_from_slice(&decoder.target[l][..rows * n]);
            } else {
                let bias = &layout.biases[l];
                let of_bias = self.param(bias);
                let sums = activate_backward(self.cx, None, of_bias, z, d_l, self.scratch);
                add(self.cx, &sums[..n], &mut grads[bias.clone()]);
                if has_cost {
                    add(self.cx, &decoder.target[l][..rows * n], d_l);
                }
            }
            self.denormalise(l, &clean.pre[l][..rows * n], d_l, dpre, &clean.saved[l]);
            if has_cost {
                add_statistics(self.cx, &decoder.statistics[l], z, dpre);
            }
            let h = if l == 1 { x } else { &clean.h[l - 1][..rows * below] };
            let dh = (l > 1).then_some(&mut d[..rows * below]);
            self.unproject(l - 1, &layout.weights[l], (h, dpre), dh, grads, true);
        }
    }

    /// Back through the normalisation of x: (rows, the values of layer `l`), from dy to dx.
    fn denormalise(&mut self, l: usize, x: &[f32], dy: &[f32], dx: &mut [f32], saved: &[f32]) {
        let (cx, columns) = (self.cx, self.columns(l, saved));
        let sums = passes::parameter_gradients(cx, false, columns, x, dy, self.scratch);
        passes::input_gradient(cx, false, columns, Some(sums), (x, dy), dx);
    }

    /// Back through a product y = x W^T of x: (rows, the values of layer `from`): from dy to dx, if
    /// it is asked for, and to the weight's gradient, which may be added to.
    fn unproject(
        &mut self,
        from: usize,
        weight: &Range<usize>,
        (x, dy): (&[f32], &[f32]),
        dx: Option<&mut [f32]>,
        grads: &mut [f32],
        accumulate: bool,
    ) {
        let inputs = self.ladder.widths[from];
        let product = LinearProduct { inputs, outputs: weight.len() / inputs };
        let (cx, dw, weight) = (self.cx, &mut grads[weight.clone()], self.param(weight));
        if let Some(dx) = dx {
            product.input_gradient(Work { cx, weight, scratch: self.scratch }, dy, dx);
        }
        let work = Work { cx, weight, scratch: self.scratch };
        product.weight_gradient(work, x, dy, dw, accumulate);
    }
}

/// y += x
fn add(cx: &Context, x: &[f32], y: &mut [f32]) {
    column_sums::add(cx.isa(), y, x);
}

/// dz = p (dp - sum p dp), row by row of p: (rows, classes).
fn softmax_backward(p: &[f32], dp: &[f32], classes: usize, dz: &mut [f32]) {
    let rows = p.chunks_exact(classes).zip(dp.chunks_exact(classes));
    for ((p, dp), dz) in rows.zip(dz.chunks_exact_mut(classes)) {
        let inner: f32 = p.iter().zip(dp).map(|(p, dp)| p * dp).sum();
        for ((dz, p), dp) in dz.iter_mut().zip(p).zip(dp) {
            *dz = p * (dp - inner);
        }
    }
}
