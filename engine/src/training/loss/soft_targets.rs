//! Cross-entropy towards probabilities, and the entropy of probabilities, row by row.
//!
//! For one row z of C logits, p = softmax(z) as in [`cross_entropy`](super::cross_entropy), and
//! targets t_c of any sum w, which is the weight of the row:
//!
//! ```text
//! loss    = -sum_c t_c log p_c  =  w (m + log S) - sum_c t_c z_c
//! d / z_c = w p_c - t_c
//! ```
//!
//! and both are divided by the number of rows, whatever their weights.

use crate::hardware::parallel::{Chunks, MAX_SUMS};
use crate::hardware::simd::{Kernel, Simd};
use crate::math::softmax::{exponentials, largest, load_or, task_rows};
use crate::{Context, math};

/// The loss of the logits `y`: (batch, C) towards `targets`: (batch, C), and its gradient into
/// `dy`: (batch, C) unless it is empty.
pub fn evaluate(cx: &Context, batch: usize, y: &[f32], targets: &[f32], dy: &mut [f32]) -> f64 {
    let count = y.len() / batch;
    let rows = task_rows(count).max(batch.div_ceil(MAX_SUMS));
    let scale = 1.0 / batch as f64;
    let sum = cx.sum_parts(batch.div_ceil(rows), Chunks::new(dy, rows * count), |i, dy| {
        let part = i * rows * count..y.len().min((i + 1) * rows * count);
        cx.isa().run(Block {
            count,
            y: &y[part.clone()],
            targets: &targets[part],
            dy: dy.data,
            scale,
        })
    });
    sum * scale
}

/// The mean over the rows of p = softmax(z): (rows, C) of their entropy, `-sum_c p_c log p_c`, and
/// its gradient with respect to z, times `weight`, into `dz`: (rows, C): `-p_c (log p_c + entropy)
/// weight / rows`.
///
/// # Panics
/// If the two differ in length, or are no whole number of rows of `classes` values.
pub fn entropy(cx: &Context, classes: usize, p: &[f32], weight: f32, dz: &mut [f32]) -> f64 {
    assert!(p.len() == dz.len() && p.len().is_multiple_of(classes), "rows of {classes} classes");
    let batch = p.len() / classes;
    let rows = task_rows(classes).max(batch.div_ceil(MAX_SUMS));
    let scale = weight / batch as f32;
    let sum = cx.sum_parts(batch.div_ceil(rows), Chunks::new(dz, rows * classes), |i, dz| {
        let p = &p[i * rows * classes..][..dz.data.len()];
        cx.isa().run(Entropy { count: classes, p, dz: dz.data, scale })
    });
    sum / batch as f64
}

struct Entropy<'a> {
    count: usize,
    p: &'a [f32],
    dz: &'a mut [f32],
    scale: f32,
}

impl Kernel for Entropy<'_> {
    type Output = f64;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        let Entropy { count, p, dz, scale } = self;
        let mut total = 0.0;
        for (p, dz) in p.chunks_exact(count).zip(dz.chunks_exact_mut(count)) {
            let mut sum = s.splat(0.0);
            for j in (0..count).step_by(S::LANES) {
                let (value, log) = (s.load_at(p, j), math::log(s, s.load_at(p, j)));
                sum = s.mul_add(value, log, sum);
                s.store_at(log, dz, j);
            }
            let entropy = -s.sum(sum);
            total += f64::from(entropy);
            for j in (0..count).step_by(S::LANES) {
                let slope = s.mul(s.load_at(p, j), s.add(s.load_at(dz, j), s.splat(entropy)));
                s.store_at(s.mul(slope, s.splat(-scale)), dz, j);
            }
        }
        total
    }
}

/// The sum of the losses of some rows; their gradients into `dy` unless it is empty.
struct Block<'a> {
    count: usize,
    y: &'a [f32],
    targets: &'a [f32],
    dy: &'a mut [f32],
    scale: f64,
}

impl Kernel for Block<'_> {
    type Output = f64;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        let Block { count, y, targets, dy, scale } = self;
        let mut total = 0.0;
        for (i, (z, t)) in y.chunks_exact(count).zip(targets.chunks_exact(count)).enumerate() {
            let largest = largest(s, z);
            let dy = if dy.is_empty() { &mut [] } else { &mut dy[i * count..][..count] };
            let sum = f64::from(exponentials(s, z, largest, dy));
            let (mut weight, mut product) = (s.splat(0.0), s.splat(0.0));
            for j in (0..count).step_by(S::LANES) {
                let t = s.load_at(t, j);
                weight = s.add(weight, t);
                product = s.mul_add(t, s.sub(load_or(s, z, j, largest), s.splat(largest)), product);
            }
            let weight = f64::from(s.sum(weight));
            total += weight * sum.ln() - f64::from(s.sum(product));
            if !dy.is_empty() {
                let (own, scale) = (s.splat((weight / sum * scale) as f32), s.splat(-scale as f32));
                for j in (0..count).step_by(S::LANES) {
                    let slope = s.mul_add(s.load_at(t, j), scale, s.mul(s.load_at(dy, j), own));
                    s.store_at(slope, dy, j);
                }
            }
        }
        total
    }
}
