//! The ladder's backward pass: up the decoder, down the noisy encoder, down the clean one.

use super::kernels::{Cost, activate_backward, add_statistics, cost};
use super::memory::{Decoder, LadderMemory};
use super::pass::Plan;
use super::{EPS, Ladder, combinator};
use crate::layers::columns::Add;
use crate::layers::{Backward, BatchNorm, Layer, Linear, Pass};
use crate::{Context, Shape};

impl Ladder {
    /// The gradients of everything, after the forward passes, given those of the labelled samples' logits at the start of
    /// `work[0]`; x: (unlabelled, n_0). Returns the weighted sum of the denoising costs.
    pub(super) fn backward(
        &self,
        plan: Plan<'_>,
        labelled: usize,
        x: &[f32],
        memory: &mut LadderMemory,
        grads: &mut [f32],
    ) -> f64 {
        let (rows, top) = (x.len() / self.widths[0], self.top());
        let classes = self.widths[top];
        // The decoder works behind the gradient of the labelled logits, and leaves that of the others there.
        let [first, second] = &mut memory.work;
        let of_labelled = labelled * classes;
        let denoising = match self.lowest_cost() {
            Some(lowest) => {
                let first = &mut first[of_labelled..];
                let mut up = Up {
                    ladder: self,
                    plan,
                    labelled,
                    rows,
                    decoder: &mut memory.decoder,
                    scratch: &mut memory.scratch,
                    shapes: &memory.shapes,
                };
                up.run(lowest, x, &memory.noisy, &memory.clean, &memory.unit, [first, &mut second[..]], grads)
            }
            None => {
                first[of_labelled..][..rows * classes].fill(0.0);
                0.0
            }
        };
        self.backward_noisy(plan, labelled, rows, memory, grads);
        if self.needs_clean() {
            self.backward_clean(plan, x, memory, grads);
        }
        denoising
    }

    /// Down the noisy encoder, given the gradient of all logits in `work[0]`.
    fn backward_noisy(
        &self,
        plan: Plan<'_>,
        labelled: usize,
        unlabelled: usize,
        memory: &mut LadderMemory,
        grads: &mut [f32],
    ) {
        let LadderMemory { noisy, decoder, work, scratch, shapes, unit, .. } = memory;
        let [d, dpre] = work;
        let (rows, lowest) = (labelled + unlabelled, self.lowest_cost().unwrap_or(usize::MAX));
        for l in (1..=self.top()).rev() {
            let [below, n] = [self.widths[l - 1], self.widths[l]];
            let (d_l, dpre) = (&mut d[..rows * n], &mut dpre[..rows * n]);
            let (z, scale) = (&noisy.z[l][..rows * n], self.scale(plan, l));
            let bias = plan.layout.biases[l].clone();
            let sums = activate_backward(plan.cx, scale, &plan.params[bias.clone()], z, d_l, scratch);
            grads[bias].copy_from_slice(&sums[..n]);
            if scale.is_some() {
                grads[plan.layout.scale.clone()].copy_from_slice(&sums[n..2 * n]);
            }
            if l >= lowest {
                add(plan.cx, &decoder.lateral[l][..unlabelled * n], &mut d_l[labelled * n..]);
            }
            denormalise(
                plan,
                &shapes[l],
                &noisy.pre[l][..rows * n],
                d_l,
                dpre,
                &unit[l],
                &noisy.saved[l],
                scratch,
            );
            let (weight, x) = (plan.layout.weights[l].clone(), &noisy.h[l - 1][..rows * below]);
            let dx = (l > 1).then_some(&mut d[..rows * below]);
            let dw = &mut grads[weight.clone()];
            unproject(plan, n, &shapes[l - 1], x, &plan.params[weight], dpre, dx, dw, false, scratch);
        }
    }

    /// Down the clean encoder from the highest layer with a cost, adding to the gradients.
    fn backward_clean(&self, plan: Plan<'_>, x: &[f32], memory: &mut LadderMemory, grads: &mut [f32]) {
        let LadderMemory { clean, decoder, work, scratch, shapes, unit, .. } = memory;
        let [d, dpre] = work;
        let rows = x.len() / self.widths[0];
        let highest = self.costs.iter().rposition(|cost| *cost > 0.0).unwrap_or(0);
        for l in (1..=highest).rev() {
            let [below, n] = [self.widths[l - 1], self.widths[l]];
            let (d_l, dpre) = (&mut d[..rows * n], &mut dpre[..rows * n]);
            let z = &clean.z[l][..rows * n];
            if l == highest {
                d_l.copy_from_slice(&decoder.target[l][..rows * n]);
            } else {
                let bias = plan.layout.biases[l].clone();
                let sums = activate_backward(plan.cx, None, &plan.params[bias.clone()], z, d_l, scratch);
                add(plan.cx, &sums[..n], &mut grads[bias]);
                if self.costs[l] > 0.0 {
                    add(plan.cx, &decoder.target[l][..rows * n], d_l);
                }
            }
            denormalise(
                plan,
                &shapes[l],
                &clean.pre[l][..rows * n],
                d_l,
                dpre,
                &unit[l],
                &clean.saved[l],
                scratch,
            );
            if self.costs[l] > 0.0 {
                add_statistics(plan.cx, &decoder.statistics[l], z, dpre);
            }
            let x = if l == 1 { x } else { &clean.h[l - 1][..rows * below] };
            let weight = plan.layout.weights[l].clone();
            let dx = (l > 1).then_some(&mut d[..rows * below]);
            let dw = &mut grads[weight.clone()];
            unproject(plan, n, &shapes[l - 1], x, &plan.params[weight], dpre, dx, dw, true, scratch);
        }
    }
}

/// The way up the decoder.
struct Up<'a> {
    ladder: &'a Ladder,
    plan: Plan<'a>,
    labelled: usize,
    rows: usize,
    decoder: &'a mut Decoder,
    scratch: &'a mut [f32],
    shapes: &'a [Shape],
}

impl Up<'_> {
    /// From the lowest layer with a cost to the logits, whose gradient, (unlabelled, classes), is left at the start of the
    /// first work slice. Returns the costs.
    #[allow(clippy::too_many_arguments)] // the parts of a memory, borrowed apart
    fn run(
        &mut self,
        lowest: usize,
        x: &[f32],
        noisy: &super::memory::Encoder,
        clean: &super::memory::Encoder,
        unit: &[crate::memory::Slab],
        [ds, dv]: [&mut [f32]; 2],
        grads: &mut [f32],
    ) -> f64 {
        let Up { ladder, plan, labelled, rows, ref mut decoder, ref mut scratch, shapes } = *self;
        let (top, mut total) = (ladder.top(), 0.0);
        for l in lowest..=top {
            let n = ladder.widths[l];
            let len = rows * n;
            let ds_l = &mut ds[..len];
            if ladder.costs[l] > 0.0 {
                let (mean, inv_std, target) = match l {
                    0 => (&unit[0][n..2 * n], &unit[0][..n], x),
                    _ => (&clean.saved[l][..n], &clean.saved[l][2 * n..], &clean.z[l][..len]),
                };
                let cost_of = Cost { weight: ladder.costs[l], mean, inv_std, target };
                let dtarget = if l == 0 { &mut [][..] } else { &mut decoder.target[l][..len] };
                total += cost(plan.cx, cost_of, &decoder.s[l][..len], l > lowest, ds_l, dtarget, scratch);
                if l > 0 {
                    decoder.statistics[l].copy_from_slice(&scratch[..2 * n]);
                }
            }
            let a = plan.layout.combinators[l].clone();
            let z = if l == 0 { &noisy.h[0] } else { &noisy.z[l] };
            let z = &z[labelled * n..][..len];
            let da = &mut grads[a.clone()];
            let (u, dz) = (&decoder.u[l][..len], &mut decoder.lateral[l][..len]);
            combinator::backward(plan.cx, &plan.params[a], [z, u], ds_l, dz, da, scratch);
            let dv = &mut dv[..len];
            denormalise(
                plan,
                &shapes[l],
                &decoder.v[l][..len],
                ds_l,
                dv,
                &unit[l],
                &decoder.saved[l],
                scratch,
            );
            if l == top {
                softmax_backward(&decoder.v[l][..len], dv, n, ds_l);
            } else {
                let above = ladder.widths[l + 1];
                let weight = plan.layout.projections[l + 1].clone();
                let (x, dx) = (&decoder.s[l + 1][..rows * above], Some(&mut ds[..rows * above]));
                let dw = &mut grads[weight.clone()];
                unproject(plan, n, &shapes[l + 1], x, &plan.params[weight], dv, dx, dw, false, scratch);
            }
        }
        total
    }
}

/// y += x
fn add(cx: &Context, x: &[f32], y: &mut [f32]) {
    cx.isa().run(Add { x, y });
}

/// dz = p (dp - sum p dp), row by row of p: (rows, classes).
fn softmax_backward(p: &[f32], dp: &[f32], classes: usize, dz: &mut [f32]) {
    let rows = p.chunks_exact(classes).zip(dp.chunks_exact(classes)).zip(dz.chunks_exact_mut(classes));
    for ((p, dp), dz) in rows {
        let inner: f32 = p.iter().zip(dp).map(|(p, dp)| p * dp).sum();
        for ((dz, p), dp) in dz.iter_mut().zip(p).zip(dp) {
            *dz = p * (dp - inner);
        }
    }
}

/// Back through a normalisation of x: (rows, n), from dy to dx.
#[allow(clippy::too_many_arguments)] // those of a layer's backward pass
fn denormalise(
    plan: Plan<'_>,
    shape: &Shape,
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    unit: &[f32],
    saved: &[f32],
    scratch: &mut [f32],
) {
    let (batch, pass) = (x.len() / shape.len(), Pass::train(0, 0));
    let io = Backward {
        pass,
        position: 0,
        batch,
        input: shape,
        x,
        y: &[],
        dy,
        dx: Some(dx),
        params: unit,
        grads: None,
        accumulate: false,
        saved,
        scratch,
    };
    BatchNorm::new(EPS, 0.0).backward(plan.cx, io);
}

/// Back through y = x W^T: from dy: (rows, n) to dx, if it is asked for, and to dw: (n, input).
#[allow(clippy::too_many_arguments)] // those of a layer's backward pass
fn unproject(
    plan: Plan<'_>,
    n: usize,
    input: &Shape,
    x: &[f32],
    weight: &[f32],
    dy: &[f32],
    dx: Option<&mut [f32]>,
    dw: &mut [f32],
    accumulate: bool,
    scratch: &mut [f32],
) {
    let (batch, pass) = (dy.len() / n, Pass::train(0, 0));
    let io = Backward {
        pass,
        position: 0,
        batch,
        input,
        x,
        y: &[],
        dy,
        dx,
        params: weight,
        grads: Some(dw),
        accumulate,
        saved: &[],
        scratch,
    };
    Linear::new(n).without_bias().backward(plan.cx, io);
}
