//! Softmax, row by row: `p_c = exp(z_c - m) / S`, with m the largest of a row's C logits z and
//! `S = sum exp(z_c - m)`. Nothing overflows, for `z_c - m <= 0`.

use super::functions::exp;
use crate::Context;
use crate::hardware::parallel::TASK_LEN;
use crate::hardware::simd::{MAX_LANES, Simd, kernel, map};

/// `softmax(y)` of each row of y: (rows, C) into `p`: (rows, C).
///
/// # Panics
/// If the two differ in length, or are no whole number of rows of `classes` values.
pub fn softmax(cx: &Context, classes: usize, y: &[f32], p: &mut [f32]) {
    assert!(y.len() == p.len() && y.len().is_multiple_of(classes), "rows of {classes} classes");
    let len = task_rows(classes) * classes;
    cx.chunks(p, len, |range, p| softmax_rows(cx.isa(), classes, &y[range], p));
}

/// The rows of a task. It computes an exponential for each value, so it is worth handing out at a
/// quarter of the usual length.
pub(crate) fn task_rows(classes: usize) -> usize {
    (TASK_LEN / 4).div_ceil(classes)
}

kernel! {
    /// The same, on this thread.
    fn softmax_rows(s, classes: usize, y: &[f32], p: &mut [f32]) {
        for (z, p) in y.chunks_exact(classes).zip(p.chunks_exact_mut(classes)) {
            let scale = s.splat(1.0 / exponentials(s, z, largest(s, z), p));
            map!(s, p, [], s.mul(p, scale));
        }
    }
}

/// `exp(z_c - largest)` into `out`: (C) unless it is empty, and the sum of them.
#[inline(always)]
pub(crate) fn exponentials<S: Simd>(s: S, z: &[f32], largest: f32, out: &mut [f32]) -> f32 {
    let (mut sum, largest) = (s.splat(0.0), s.splat(largest));
    for j in (0..z.len()).step_by(S::LANES) {
        let e = exp(s, s.sub(load_or(s, z, j, f32::NEG_INFINITY), largest));
        sum = s.add(sum, e);
        if !out.is_empty() {
            s.store_at(e, out, j);
        }
    }
    s.sum(sum)
}

/// The largest value. Where one is NaN this is any number: the exponentials carry the NaN on.
#[inline(always)]
pub(crate) fn largest<S: Simd>(s: S, z: &[f32]) -> f32 {
    let mut largest = s.splat(f32::NEG_INFINITY);
    for j in (0..z.len()).step_by(S::LANES) {
        largest = s.max(load_or(s, z, j, f32::NEG_INFINITY), largest);
    }
    s.max_lane(largest)
}

/// The vector of `x` at `at`, filled up with `fill` where `x` ends.
#[inline(always)]
pub(crate) fn load_or<S: Simd>(s: S, x: &[f32], at: usize, fill: f32) -> S::F {
    let x = &x[at..];
    if x.len() >= S::LANES {
        return s.load(x);
    }
    let inside = s.splat(x.len() as f32);
    s.select_gt(inside, s.load(&LANE_NUMBERS), s.load_head(x), s.splat(fill))
}

/// The number of each lane.
static LANE_NUMBERS: [f32; MAX_LANES] = {
    let mut numbers = [0.0; MAX_LANES];
    let mut i = 0;
    while i < numbers.len() {
        numbers[i] = i as f32;
        i += 1;
    }
    numbers
};
