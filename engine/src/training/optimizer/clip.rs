//! Clipping: gradients scaled down to a norm.

use super::slabs::BLOCK;
use crate::Context;
use crate::hardware::simd::{elementwise, kernel};

/// Scales `grads` by `max_norm / (norm + 1e-6)`, as PyTorch's `clip_grad_norm_` does, if that is
/// less than 1; otherwise no bit changes. Returns the norm before: the root of the sum of all
/// squares.
///
/// All of `grads` counts, so the gradients of frozen parameters have to be zero;
/// [`Network::backward`](crate::Network::backward) does not touch it where a whole layer is frozen.
/// If the norm is not finite, be it NaN or too large for a sum of squares in f32, gradients become
/// 0 or NaN: check the norm before using them.
pub fn clip_grad_norm(cx: &Context, grads: &mut [f32], max_norm: f32) -> f64 {
    let sum = |part, _: &mut [f32]| sum_of_squares(cx.isa(), &grads[part]);
    let norm = cx.sum_rows(grads.len(), BLOCK, &mut [], sum).sqrt();
    let factor = f64::from(max_norm) / (norm + 1e-6);
    if factor < 1.0 || factor.is_nan() {
        cx.chunks(grads, BLOCK, |_, grads| scale(cx.isa(), grads, factor as f32));
    }
    norm
}

kernel! {
    fn sum_of_squares(s, x: &[f32]) -> f64 {
        let mut total = 0.0;
        // Short runs in f32, so that large sums lose nothing; four at a time, so that none waits.
        for run in x.chunks(1024) {
            let mut sums = [s.splat(0.0); 4];
            for four in run.chunks(4 * S::LANES) {
                for (sum, x) in sums.iter_mut().zip(four.chunks(S::LANES)) {
                    let x = s.load_at(x, 0);
                    *sum = s.mul_add(x, x, *sum);
                }
            }
            let [a, b, c, d] = sums;
            total += f64::from(s.sum(s.add(s.add(a, b), s.add(c, d))));
        }
        total
    }
}

elementwise! {
    /// `x *= factor`
    fn scale(s, x, [], factor: f32) { s.mul(x, s.splat(factor)) }
}
