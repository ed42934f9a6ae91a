//! Losses that are a mean over all values, each with its own target.

use crate::Context;
use crate::hardware::parallel::{Chunks, MAX_SUMS, TASK_LEN};
use crate::hardware::simd::{Kernel, MAX_LANES, Simd};
use crate::math;

/// A loss of one value.
pub trait Pixel: Copy + Send + Sync {
    /// The loss of `y` for target `t`, and its derivative with respect to `y`.
    fn value_and_slope<S: Simd>(self, s: S, y: S::F, t: S::F) -> (S::F, S::F);
}

#[derive(Clone, Copy)]
pub struct Squared;

impl Pixel for Squared {
    #[inline(always)]
    fn value_and_slope<S: Simd>(self, s: S, y: S::F, t: S::F) -> (S::F, S::F) {
        let d = s.sub(y, t);
        (s.mul(d, d), s.add(d, d))
    }
}

#[derive(Clone, Copy)]
pub struct Absolute;

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
pub struct Huber {
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
pub struct Bce;

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
pub fn evaluate<P: Pixel>(cx: &Context, f: P, y: &[f32], t: &[f32], dy: &mut [f32]) -> f64 {
    let len = y.len();
    let block = TASK_LEN.max(len.div_ceil(MAX_SUMS));
    let scale = (1.0 / len as f64) as f32;
    let sum = cx.sum_parts(len.div_ceil(block), Chunks::new(dy, block), |i, dy| {
        let part = i * block..len.min((i + 1) * block);
        let (y, t) = (&y[part.clone()], &t[part]);
        cx.isa().run(Block { f, y, t, dy: dy.data, scale })
    });
    sum / len as f64
}

/// The sum of the losses of a block; its gradients times `scale` into `dy`, unless that is empty.
struct Block<'a, P> {
    f: P,
    y: &'a [f32],
    t: &'a [f32],
    dy: &'a mut [f32],
    scale: f32,
}

/// The values that are summed in f32 before their sum goes on in f64.
const RUN: usize = 1024;

/// The sums that grow side by side, so that an addition need not wait for the one before.
const SUMS: usize = 4;

impl<P: Pixel> Kernel for Block<'_, P> {
    type Output = f64;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        let Block { f, y, t, dy, scale } = self;
        let (scale, zero) = (s.splat(scale), s.splat(0.0));
        let mut total = 0.0;
        let mut start = 0;
        while start < y.len() {
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
            start = end;
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
