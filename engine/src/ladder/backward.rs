//! The ladder's backward pass: up the decoder, down the noisy encoder, down the clean one.

use super::kernels::{Cost, activate_backward, add_statistics, cost};
use super::memory::Passes;
use super::pass::{Shared, columns};
use super::{Ladder, combinator};
use crate::Context;
use crate::layers::batch_norm::passes;
use crate::layers::linear::Product;
use crate::math::column_sums;
use std::ops::Range;

impl Ladder {
    /// The gradients of everything, after the forward passes, given those of the labelled samples'
    /// logits at the start of `work[0]`; x: (unlabelled, n_0). Returns the weighted sum of the
    /// denoising costs.
    pub(super) fn backward(
        &self,
        shared: Shared<'_>,
        labelled: usize,
        x: &[f32],
        passes: &mut Passes,
        grads: &mut [f32],
    ) -> f64 {
        let denoising = self.backward_decoder(shared, labelled, x, passes, grads);
        self.backward_noisy(shared, labelled, x.len() / self.widths[0], passes, grads);
        if self.needs_clean() {
            self.backward_clean(shared, x, passes, grads);
        }
        denoising
    }

    /// Up the decoder, from the lowest layer with a cost to the logits of the unlabelled samples,
    /// whose gradient is left behind that of the labelled ones in `work[0]`. Returns the costs.
    fn backward_decoder(
        &self,
        shared: Shared<'_>,
        labelled: usize,
        x: &[f32],
        passes: &mut Passes,
        grads: &mut [f32],
    ) -> f64 {
        let Passes { noisy, clean, decoder, work: [ds, dv], scratch } = passes;
        let (rows, top) = (x.len() / self.widths[0], self.top());
        let ds = &mut ds[labelled * self.widths[top]..];
        let Some(lowest) = self.lowest_cost() else {
            ds[..rows * self.widths[top]].fill(0.0);
            return 0.0;
        };
        let mut total = 0.0;
        for l in lowest..=top {
            let n = self.widths[l];
            let len = rows * n;
            let ds_l = &mut ds[..len];
            if self.costs[l] > 0.0 {
                let unit = &shared.fixed.unit[l];
                let (mean, inv_std, target) = match l {
                    0 => (&unit[n..2 * n], &unit[..n], x),
                    _ => (&clean.saved[l][..n], &clean.saved[l][2 * n..], &clean.z[l][..len]),
                };
                let of_layer = Cost { weight: self.costs[l], mean, inv_std, target };
                let dtarget = if l == 0 { &mut [][..] } else { &mut decoder.target[l][..len] };
                total += cost(
                    shared.cx,
                    of_layer,
                    &decoder.s[l][..len],
                    l > lowest,
                    ds_l,
                    dtarget,
                    scratch,
                );
                if l > 0 {
                    decoder.statistics[l].copy_from_slice(&scratch[..2 * n]);
                }
            }
            let a = shared.fixed.layout.combinators[l].clone();
            let z = if l == 0 { &noisy.h[0] } else { &noisy.z[l] };
            let z = &z[labelled * n..][..len];
            let da = &mut grads[a.clone()];
            let (u, dz) = (&decoder.u[l][..len], &mut decoder.lateral[l][..len]);
            combinator::backward(shared.cx, &shared.params[a], [z, u], ds_l, dz, da, scratch);
            let dv = &mut dv[..len];
            denormalise(shared, l, &decoder.v[l][..len], ds_l, dv, &decoder.saved[l], scratch);
            if l == top {
                softmax_backward(&decoder.v[l][..len], dv, n, ds_l);
            } else {
                let above = self.widths[l + 1];
                let weight = shared.fixed.layout.projections[l + 1].clone();
                let through = Through {
                    from: l + 1,
                    x: &decoder.s[l + 1][..rows * above],
                    weight,
                    accumulate: false,
                };
                unproject(shared, through, dv, Some(&mut ds[..rows * above]), grads, scratch);
            }
        }
        total
    }

    /// Down the noisy encoder, given the gradient of all logits in `work[0]`.
    fn backward_noisy(
        &self,
        shared: Shared<'_>,
        labelled: usize,
        unlabelled: usize,
        passes: &mut Passes,
        grads: &mut [f32],
    ) {
        let Passes { noisy, decoder, work: [d, dpre], scratch, .. } = passes;
        let (rows, lowest) = (labelled + unlabelled, self.lowest_cost().unwrap_or(usize::MAX));
        for l in (1..=self.top()).rev() {
            let [below, n] = [self.widths[l - 1], self.widths[l]];
            let (d_l, dpre) = (&mut d[..rows * n], &mut dpre[..rows * n]);
            let (z, scale) = (&noisy.z[l][..rows * n], self.scale(shared, l));
            let bias = shared.fixed.layout.biases[l].clone();
            let sums =
                activate_backward(shared.cx, scale, &shared.params[bias.clone()], z, d_l, scratch);
            grads[bias].copy_from_slice(&sums[..n]);
            if scale.is_some() {
                grads[shared.fixed.layout.scale.clone()].copy_from_slice(&sums[n..2 * n]);
            }
            if l >= lowest {
                add(shared.cx, &decoder.lateral[l][..unlabelled * n], &mut d_l[labelled * n..]);
            }
            let pre = noisy.pre[l][..rows * n].split_at(labelled * n);
            let (dz, dx) = (d_l.split_at(labelled * n), dpre.split_at_mut(labelled * n));
            denormalise(shared, l, pre.0, dz.0, dx.0, &noisy.labelled[l], scratch);
            denormalise(shared, l, pre.1, dz.1, dx.1, &noisy.saved[l], scratch);
            let weight = shared.fixed.layout.weights[l].clone();
            let through = Through {
                from: l - 1,
                x: &noisy.h[l - 1][..rows * below],
                weight,
                accumulate: false,
            };
            unproject(
                shared,
                through,
                dpre,
                (l > 1).then_some(&mut d[..rows * below]),
                grads,
                scratch,
            );
        }
    }

    /// Down the clean encoder from the highest layer with a cost, adding to the gradients.
    fn backward_clean(
        &self,
        shared: Shared<'_>,
        x: &[f32],
        passes: &mut Passes,
        grads: &mut [f32],
    ) {
        let Passes { clean, decoder, work: [d, dpre], scratch, .. } = passes;
        let rows = x.len() / self.widths[0];
        let highest = self.costs.iter().rposition(|cost| *cost > 0.0).unwrap_or(0);
        for l in (1..=highest).rev() {
            let [below, n] = [self.widths[l - 1], self.widths[l]];
            let (d_l, dpre) = (&mut d[..rows * n], &mut dpre[..rows * n]);
            let z = &clean.z[l][..rows * n];
            if l == highest {
                d_l.copy_from_slice(&decoder.target[l][..rows * n]);
            } else {
                let bias = shared.fixed.layout.biases[l].clone();
                let sums = activate_backward(
                    shared.cx,
                    None,
                    &shared.params[bias.clone()],
                    z,
                    d_l,
                    scratch,
                );
                add(shared.cx, &sums[..n], &mut grads[bias]);
                if self.costs[l] > 0.0 {
                    add(shared.cx, &decoder.target[l][..rows * n], d_l);
                }
            }
            denormalise(shared, l, &clean.pre[l][..rows * n], d_l, dpre, &clean.saved[l], scratch);
            if self.costs[l] > 0.0 {
                add_statistics(shared.cx, &decoder.statistics[l], z, dpre);
            }
            let x = if l == 1 { x } else { &clean.h[l - 1][..rows * below] };
            let through = Through {
                from: l - 1,
                x,
                weight: shared.fixed.layout.weights[l].clone(),
                accumulate: true,
            };
            unproject(
                shared,
                through,
                dpre,
                (l > 1).then_some(&mut d[..rows * below]),
                grads,
                scratch,
            );
        }
    }
}

/// y += x
fn add(cx: &Context, x: &[f32], y: &mut [f32]) {
    column_sums::add(cx.isa(), y, x);
}

/// dz = p (dp - sum p dp), row by row of p: (rows, classes).
fn softmax_backward(p: &[f32], dp: &[f32], classes: usize, dz: &mut [f32]) {
    let rows =
        p.chunks_exact(classes).zip(dp.chunks_exact(classes)).zip(dz.chunks_exact_mut(classes));
    for ((p, dp), dz) in rows {
        let inner: f32 = p.iter().zip(dp).map(|(p, dp)| p * dp).sum();
        for ((dz, p), dp) in dz.iter_mut().zip(p).zip(dp) {
            *dz = p * (dp - inner);
        }
    }
}

/// Back through the normalisation of x: (rows, the values of layer `l`), from dy to dx.
fn denormalise(
    shared: Shared<'_>,
    l: usize,
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    saved: &[f32],
    scratch: &mut [f32],
) {
    let (cx, columns) = (shared.cx, columns(shared, l, saved));
    let sums = passes::parameter_gradients(cx, false, columns, x, dy, scratch);
    passes::input_gradient(cx, false, columns, Some(sums), (x, dy), dx);
}

/// A product y = x W^T that is gone back through.
struct Through<'a> {
    /// The layer whose values x holds.
    from: usize,
    /// (rows, its values)
    x: &'a [f32],
    /// Where W lies, and its gradient.
    weight: Range<usize>,
    /// Whether that is added to.
    accumulate: bool,
}

/// Back through a product: from dy to dx, if it is asked for, and to the weight's gradient.
fn unproject(
    shared: Shared<'_>,
    through: Through<'_>,
    dy: &[f32],
    dx: Option<&mut [f32]>,
    grads: &mut [f32],
    scratch: &mut [f32],
) {
    let Through { from, x, weight, accumulate } = through;
    let inputs = shared.fixed.widths[from];
    let product = Product { inputs, outputs: dy.len() / (x.len() / inputs) };
    if let Some(dx) = dx {
        product.input_gradient(shared.cx, dy, &shared.params[weight.clone()], dx);
    }
    product.weight_gradient(shared.cx, x, dy, &mut grads[weight], accumulate, scratch);
}
