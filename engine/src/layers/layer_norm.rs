//! Layer normalisation (Ba, Kiros and Hinton, arXiv:1607.06450) over the channels of each pixel, or
//! the features of each sample.
//!
//! ```text
//! forward:   mean, var = over the channels of a row;  r = 1 / sqrt(var + eps)
//!            x_hat = (x - mean) r;  y = gamma x_hat + beta
//! backward:  g = gamma dy;  dx = r (g - mean(g) - x_hat mean(g x_hat))
//!            dbeta = sum dy;  dgamma = sum dy x_hat                          over the rows
//! ```
//!
//! 1. A row stays in the level-1 cache, so that it is read three times, for the mean, the variance
//!    about it and the output: there is no cancellation as in a formula with the sum of squares.
//! 2. Mean and r of each row are kept for the backward pass, `x_hat` is computed again.

use crate::error::ensure;
use crate::hardware::parallel::{Chunks, TASK_LEN};
use crate::hardware::simd::{MAX_LANES, Simd, kernel, map};
use crate::math::column_sums::{self, add};
use crate::network::init::Init;
use crate::network::layer::{Backward, Forward, Layer, Op, Planned};
use crate::network::params::{ParamSpec, Role};
use crate::{Context, Error, Shape};

/// Normalises the channels of each pixel, or the features of each sample, among themselves: over
/// the last dimension, PyTorch's `LayerNorm(channels)` of images with their channels last.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm {
    /// Added to the variance. PyTorch's default is 1e-5, ConvNeXt has 1e-6.
    pub eps: f32,
}

impl Default for LayerNorm {
    fn default() -> Self {
        LayerNorm { eps: 1e-5 }
    }
}

impl Layer for LayerNorm {
    fn name(&self) -> &'static str {
        "layer norm"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        let (eps, channels) = (self.eps, input.channels());
        ensure!(eps > 0.0 && eps.is_finite(), setting, "needs a positive eps, not {eps}");
        let rows = input.len() / channels.max(1);
        Ok(Planned::new(input.clone(), LayerNormOp { eps, rows, channels }))
    }
}

#[derive(Debug)]
struct LayerNormOp {
    eps: f32,
    /// The rows of a sample.
    rows: usize,
    channels: usize,
}

impl Op for LayerNormOp {
    fn params(&self) -> Vec<ParamSpec> {
        let c = self.channels;
        [("weight", 1.0), ("bias", 0.0)]
            .map(|(name, value)| ParamSpec {
                name: name.into(),
                shape: vec![c],
                role: Role::Bias,
                init: Init::Constant(value),
                fan_in: c,
                fan_out: c,
            })
            .to_vec()
    }

    /// The mean and `1 / sqrt(var + eps)` of each row, side by side.
    fn saved_len(&self, batch: usize) -> usize {
        2 * batch * self.rows
    }

    fn scratch_len(&self, batch: usize) -> usize {
        column_sums::scratch_len(batch * self.rows, self.channels, 2)
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        let c = self.channels;
        let (gamma, beta) = io.params.split_at(c);
        let rows = task_rows(c);
        let parts = (Chunks::new(io.y, rows * c), Chunks::new(io.saved, 2 * rows));
        cx.for_each_part((io.batch * self.rows).div_ceil(rows), parts, |task, (y, saved)| {
            let x = &io.x[task * rows * c..][..y.len()];
            normalise(cx.isa(), x, gamma, beta, self.eps, y, saved);
        });
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let (c, x, dy, saved) = (self.channels, io.x, io.dy, io.saved);
        if let Some(grads) = io.grads {
            let rows = io.batch * self.rows;
            let sums = column_sums::sum_blocks(cx, rows, c, 2, io.scratch, |rows, sums| {
                let part = rows.start * c..rows.end * c;
                let saved = &saved[2 * rows.start..2 * rows.end];
                parameter_sums(cx.isa(), &x[part.clone()], &dy[part], saved, sums);
            });
            if !io.accumulate {
                grads.fill(0.0);
            }
            add(cx.isa(), grads, sums);
        }
        let Some(dx) = io.dx else { return };
        let gamma = &io.params[..c];
        cx.chunks(dx, task_rows(c) * c, |range, dx| {
            let saved = &saved[range.start / c * 2..range.end / c * 2];
            input_gradient(cx.isa(), &x[range.clone()], &dy[range], saved, gamma, dx);
        });
    }
}

/// The rows of a task.
fn task_rows(channels: usize) -> usize {
    (TASK_LEN / channels).max(1)
}

/// The sum of `x - mean` over a row, or of its square.
#[inline(always)]
fn total<S: Simd, const SQUARE: bool>(s: S, x: &[f32], mean: f32) -> f32 {
    const ONES: [f32; MAX_LANES] = [1.0; MAX_LANES];
    let mean = s.splat(mean);
    // Apart, since a single sum would wait for itself.
    let mut apart = [s.splat(0.0); 4];
    let whole = x.len() - x.len() % S::LANES;
    for i in (0..whole).step_by(S::LANES) {
        let sum = &mut apart[i / S::LANES % 4];
        let d = s.sub(s.load(&x[i..]), mean);
        *sum = if SQUARE { s.mul_add(d, d, *sum) } else { s.add(*sum, d) };
    }
    if whole < x.len() {
        // What a head is filled up with is no value of the row.
        let d = s.sub(s.load_head(&x[whole..]), mean);
        let d = s.mul(d, s.load_head(&ONES[..x.len() - whole]));
        apart[0] = if SQUARE { s.mul_add(d, d, apart[0]) } else { s.add(apart[0], d) };
    }
    s.sum(s.add(s.add(apart[0], apart[1]), s.add(apart[2], apart[3])))
}

kernel! {
    /// y and what is saved of some rows.
    fn normalise(
        s, x: &[f32], gamma: &[f32], beta: &[f32], eps: f32, y: &mut [f32], saved: &mut [f32],
    ) {
        let c = gamma.len();
        let rows = x.chunks_exact(c).zip(y.chunks_exact_mut(c)).zip(saved.chunks_exact_mut(2));
        for ((x, y), saved) in rows {
            let mean = total::<S, false>(s, x, 0.0) / c as f32;
            let variance = total::<S, true>(s, x, mean) / c as f32;
            let inv_std = 1.0 / (variance + eps).sqrt();
            saved.copy_from_slice(&[mean, inv_std]);
            let (mean, inv_std) = (s.splat(mean), s.splat(inv_std));
            map!(s, y, [x, gamma, beta], {
                s.mul_add(s.mul(s.sub(x, mean), inv_std), gamma, beta)
            });
        }
    }

    /// dgamma and dbeta of some rows, one after the other, overwritten.
    fn parameter_sums(s, x: &[f32], dy: &[f32], saved: &[f32], sums: &mut [f32]) {
        sums.fill(0.0);
        let (dgamma, dbeta) = sums.split_at_mut(sums.len() / 2);
        let c = dbeta.len();
        let rows = x.chunks_exact(c).zip(dy.chunks_exact(c)).zip(saved.chunks_exact(2));
        for ((x, dy), saved) in rows {
            let (mean, inv_std) = (s.splat(saved[0]), s.splat(saved[1]));
            map!(s, dbeta, [dy], s.add(dbeta, dy));
            map!(s, dgamma, [x, dy], s.mul_add(s.mul(s.sub(x, mean), inv_std), dy, dgamma));
        }
    }

    /// dx of some rows.
    fn input_gradient(
        s, x: &[f32], dy: &[f32], saved: &[f32], gamma: &[f32], dx: &mut [f32],
    ) {
        let c = gamma.len();
        let rows = x.chunks_exact(c).zip(dy.chunks_exact(c)).zip(saved.chunks_exact(2));
        for (((x, dy), saved), dx) in rows.zip(dx.chunks_exact_mut(c)) {
            let (mean, inv_std) = (s.splat(saved[0]), s.splat(saved[1]));
            let (mut sum, mut along) = (s.splat(0.0), s.splat(0.0));
            for j in (0..c).step_by(S::LANES) {
                let g = s.mul(s.load_at(gamma, j), s.load_at(dy, j));
                let normalised = s.mul(s.sub(s.load_at(x, j), mean), inv_std);
                sum = s.add(sum, g);
                // Beyond the end of a row g is 0.
                along = s.mul_add(g, normalised, along);
            }
            let (sum, along) = (s.splat(s.sum(sum) / c as f32), s.splat(s.sum(along) / c as f32));
            map!(s, dx, [x, dy, gamma], {
                let normalised = s.mul(s.sub(x, mean), inv_std);
                let distance = s.sub(s.mul(gamma, dy), s.mul_add(normalised, along, sum));
                s.mul(inv_std, distance)
            });
        }
    }
}
