//! Clipping: gradients scaled down to a norm.

use super::slabs::BLOCK;
use crate::Context;
use crate::hardware::parallel::{Chunks, MAX_SUMS};
use crate::hardware::simd::{Kernel, Simd};

/// Scales `grads` by `max_norm / (norm + 1e-6)`, as PyTorch's `clip_grad_norm_` does, if that is
/// less than 1; otherwise no bit changes. Returns the norm before: the root of the sum of all
/// squares.
///
/// All of `grads` counts, so the gradients of frozen parameters have to be zero;
/// [`Network::backward`](crate::Network::backward) does not touch it where a whole layer is frozen.
/// If the norm is not finite, be it NaN or too large for a sum of squares in f32, gradients become
/// 0 or NaN: check the norm before using them.
pub fn clip_grad_norm(cx: &Context, grads: &mut [f32], max_norm: f32) -> f64 {
    let block = BLOCK.max(grads.len().div_ceil(MAX_SUMS));
    let blocks = grads.len().div_ceil(block);
    let squares = cx.sum_parts(blocks, Chunks::new(grads, block), |_, grads| {
        cx.isa().run(SumOfSquares(grads.data))
    });
    let norm = squares.sqrt();
    let factor = f64::from(max_norm) / (norm + 1e-6);
    if factor < 1.0 || factor.is_nan() {
        cx.chunks(grads, block, |_, grads| {
            cx.isa().run(Scale(grads, factor as f32));
        });
    }
    norm
}

struct SumOfSquares<'a>(&'a [f32]);

impl Kernel for SumOfSquares<'_> {
    type Output = f64;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        let mut total = 0.0;
        // Short runs in f32, so that large sums lose nothing; four at a time, so that none waits.
        for run in self.0.chunks(1024) {
            let mut sums = [s.splat(0.0); 4];
            let mut i = 0;
            while i < run.len() {
                for sum in &mut sums {
                    if i < run.len() {
                        let g = s.load_at(run, i);
                        *sum = s.mul_add(g, g, *sum);
                        i += S::LANES;
                    }
                }
            }
            let [a, b, c, d] = sums;
            total += f64::from(s.sum(s.add(s.add(a, b), s.add(c, d))));
        }
        total
    }
}

struct Scale<'a>(&'a mut [f32], f32);

impl Kernel for Scale<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Scale(grads, factor) = self;
        let mut i = 0;
        while i < grads.len() {
            s.store_at(s.mul(s.load_at(grads, i), s.splat(factor)), grads, i);
            i += S::LANES;
        }
    }
}
