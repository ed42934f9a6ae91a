//! Losses that are a mean over all values, each with its own target.

use crate::hardware::parallel::TASK_LEN;
use crate::hardware::simd::{MAX_LANES, Simd, kernel};
use crate::{Context, math};

/// A loss of one value.
pub(crate) trait Pixel: Copy + Send + Sync {
    /// The loss of `y` for target `t`, and its derivative with respect to `y`.
    fn value_and_slope<S: Simd>(self, s: S, y: S::F, t: S::F) -> (S::F, S::F);
}

#[derive(Clone, Copy)]
pub(crate) struct Squared;

impl Pixel for Squared {
    #[inline(always)]
    fn value_and_slope<S: Simd>(self, s: S, y: S::F, t: S::F) -> (S::F, S::F) {
        let d = s.sub(y, t);
        (s.mul(d, d), s.add(d, d))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Absolute;

impl Pixel for Absolute {
    #[inline(always)]
    fn value_and_slope<S: Simd>(self, s: S, y: S::F, t: S::F) -> (S::F, S::F) {
        let (d, zero) = (s.sub(y, t), s.splat(0.0));
        // Neither above nor below 0 is 0 or NaN: itself.
        let not_above = s.select_gt(zero, d, s.splat(-1.0), d);
        (s.abs(d), s.select_gt(d, zero, s.splat(1.0), not_above))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Huber {
    pub delta: f32,
}

impl Pixel for Huber {
    #[inline(always)]
    fn value_and_slope<S: Simd>(self, s: S, y: S::F, t: S::F) -> (S::F, S::F) {
        // With c = d limited to [-delta, delta], both branches are c (d - c / 2).
        let d = s.sub(y, t);
        let c = s.max(s.splat(-self.delta), s.min(s.splat(self.delta), d));
        (s.mul(c, s.mul_add(c, s.splat(-0.5), d)), c)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Bce;

impl Pixel for Bce {
    #[inline(always)]
    fn value_and_slope<S: Simd>(self, s: S, y: S::F, t: S::F) -> (S::F, S::F) {
        // max(y, 0) - y t + log(1 + exp(-|y|)). Its first two terms come first: for t = 0 and 1
        // they cancel without rounding, and leave the last as exact as it is.
        let zero = s.splat(0.0);
        let linear = s.sub(s.max(zero, y), s.mul(y, t));
        let value = s.add(linear, math::softplus(s, s.copysign(y, s.splat(-1.0))));
        (value, s.sub(math::sigmoid(s, y), t))
    }
}

/// The mean of `f` over `y`, and the gradient of that into `dy` unless it is empty.
pub(crate) fn evaluate<P: Pixel>(cx: &Context, f: P, y: &[f32], t: &[f32], dy: &mut [f32]) -> f64 {
    let len = y.len();
    let scale = (1.0 / len as f64) as f32;
    let sum = cx.sum_rows(len, TASK_LEN, dy, |part, dy| {
        losses(cx.isa(), f, &y[part.clone()], &t[part], dy, scale)
    });
    sum / len as f64
}

/// The values that are summed in f32 before their sum goes on in f64.
const RUN: usize = 1024;

/// The sums that grow side by side, so that an addition need not wait for the one before.
const SUMS: usize = 4;

kernel! {
    /// The sum of the losses of a block; its gradients times `scale` into `dy`, unless that is
    /// empty.
    fn losses<P: Pixel>(s, f: P, y: &[f32], t: &[f32], dy: &mut [f32], scale: f32) -> f64 {
        let (scale, zero) = (s.splat(scale), s.splat(0.0));
        let mut total = 0.0;
        for start in (0..y.len()).step_by(RUN) {
            let end = y.len().min(start + RUN);
            let mut sums = [zero; SUMS];
            let mut i = start;
            while i < end {
                for sum in &mut sums {
                    if i < end {
                        let (value, slope) = f.value_and_slope(s, s.load_at(y, i), s.load_at(t, i));
                        *sum = s.add(*sum, only_inside(s, value, y.len() - i));
                        if !dy.is_empty() {
                            s.store_at(s.mul(slope, scale), dy, i);
                        }
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

/// `v` in the first `len` lanes, 0 in the others: beyond the end, a loss of 0 and 0 need not be 0.
#[inline(always)]
fn only_inside<S: Simd>(s: S, v: S::F, len: usize) -> S::F {
    if len >= S::LANES {
        return v;
    }
    let mut inside = [0.0; MAX_LANES];
    s.store_head(v, &mut inside[..len]);
    s.load_head(&inside[..len])
}
