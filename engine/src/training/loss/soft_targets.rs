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

use crate::hardware::simd::{kernel, map};
use crate::math::softmax::{exponentials, largest, load_or, task_rows};
use crate::{Context, math};

/// The loss of the logits `y`: (batch, C) towards `targets`: (batch, C), and its gradient into
/// `dy`: (batch, C) unless it is empty.
pub(crate) fn evaluate(
    cx: &Context,
    batch: usize,
    y: &[f32],
    targets: &[f32],
    dy: &mut [f32],
) -> f64 {
    let count = y.len() / batch;
    let scale = 1.0 / batch as f64;
    let sum = cx.sum_rows(batch, task_rows(count), dy, |rows, dy| {
        let part = rows.start * count..rows.end * count;
        losses(cx.isa(), count, &y[part.clone()], &targets[part], dy, scale)
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
    let scale = weight / batch as f32;
    let sum = cx.sum_rows(batch, task_rows(classes), dz, |rows, dz| {
        entropies(cx.isa(), classes, &p[rows.start * classes..][..dz.len()], dz, scale)
    });
    sum / batch as f64
}

kernel! {
    /// The sum of the entropies of some rows, and `-scale` times their gradients into `dz`.
    fn entropies(s, count: usize, p: &[f32], dz: &mut [f32], scale: f32) -> f64 {
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
            map!(s, dz, [p], s.mul(s.mul(p, s.add(dz, s.splat(entropy))), s.splat(-scale)));
        }
        total
    }

    /// The sum of the losses of some rows; their gradients into `dy` unless it is empty.
    fn losses(s, count: usize, y: &[f32], targets: &[f32], dy: &mut [f32], scale: f64) -> f64 {
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
            let (own, scale) = (s.splat((weight / sum * scale) as f32), s.splat(-scale as f32));
            map!(s, dy, [t], s.mul_add(t, scale, s.mul(dy, own)));
        }
        total
    }
}
