//! Cross-entropy of a softmax, row by row.
//!
//! For one row z of C logits, with m its largest, S = sum exp(z_c - m) and p_c = exp(z_c - m) / S:
//!
//! ```text
//! log p_c = z_c - m - log S
//! loss    = -(1 - smoothing) w_t log p_t  -  smoothing / C  sum_c w_c log p_c
//!         = a log S - (1 - smoothing) w_t (z_t - m) - smoothing / C  sum_c w_c (z_c - m)
//! d / z_c = a p_c - smoothing / C w_c  [- (1 - smoothing) w_t  if c = t]
//! where a = (1 - smoothing) w_t + smoothing / C  sum_c w_c
//! ```
//!
//! and the whole is divided by the sum of w_t over the rows. Nothing overflows, for z_c - m <= 0.

use crate::error::ensure;
use crate::hardware::simd::{Simd, kernel};
use crate::math::softmax::{exponentials, largest, load_or, task_rows};
use crate::{Context, Error};

#[derive(Clone, Copy)]
pub(crate) struct CrossEntropy<'a> {
    /// z: (batch, C)
    y: &'a [f32],
    /// t: (batch)
    classes: &'a [u32],
    /// w: (C)
    weights: Option<&'a [f32]>,
    smoothing: f64,
    /// The sum of w_c.
    weight_sum: f64,
    /// 1 / the sum of w_t over the rows, or 0 if that is 0.
    scale: f64,
}

impl<'a> CrossEntropy<'a> {
    /// Checks lengths and classes, which the kernels then rely on.
    pub fn new(
        smoothing: f32,
        weights: Option<&'a [f32]>,
        y: &'a [f32],
        classes: &'a [u32],
        batch: usize,
    ) -> Result<Self, Error> {
        let count = y.len() / batch;
        let given = classes.len();
        ensure!(
            given == batch,
            shape,
            "cross-entropy: {batch} samples but {given} classes as their targets"
        );
        let given = weights.map_or(count, <[f32]>::len);
        ensure!(
            given == count,
            mismatch,
            "cross-entropy: {count} classes but {given} class weights"
        );
        for (row, &class) in classes.iter().enumerate() {
            ensure!(
                (class as usize) < count,
                mismatch,
                "cross-entropy: sample {row} of the batch has class {class}, but there are {count} \
                 classes, 0 to {}",
                count - 1
            );
        }
        let (weight_sum, total) = match weights {
            None => (count as f64, batch as f64),
            Some(w) => (
                w.iter().map(|&w| f64::from(w)).sum(),
                classes.iter().map(|&class| f64::from(w[class as usize])).sum(),
            ),
        };
        let scale = if total > 0.0 { 1.0 / total } else { 0.0 };
        Ok(CrossEntropy { y, classes, weights, smoothing: f64::from(smoothing), weight_sum, scale })
    }

    /// The loss, and its gradient into `dy`: (batch, C) unless it is empty.
    pub fn evaluate(self, cx: &Context, dy: &mut [f32]) -> f64 {
        let (batch, count) = (self.classes.len(), self.y.len() / self.classes.len());
        let sum = cx.sum_rows(batch, task_rows(count), dy, |part, dy| {
            let whole = CrossEntropy {
                y: &self.y[part.start * count..part.end * count],
                classes: &self.classes[part],
                ..self
            };
            losses(cx.isa(), whole, dy)
        });
        sum * self.scale
    }
}

kernel! {
    /// The sum of the losses of some rows; their gradients into `dy` unless it is empty.
    fn losses(s, part: CrossEntropy<'_>, dy: &mut [f32]) -> f64 {
        let count = part.y.len() / part.classes.len();
        let spread = part.smoothing / count as f64;
        let mut total = 0.0;
        for (i, (z, &class)) in part.y.chunks_exact(count).zip(part.classes).enumerate() {
            let class = class as usize;
            let own = (1.0 - part.smoothing) * part.weights.map_or(1.0, |w| f64::from(w[class]));
            let a = own + spread * part.weight_sum;

            let largest = largest(s, z);
            let dy = if dy.is_empty() { &mut [] } else { &mut dy[i * count..][..count] };
            let sum = f64::from(exponentials(s, z, largest, dy));
            let mut weighted = s.splat(0.0);
            if spread > 0.0 {
                for j in (0..count).step_by(S::LANES) {
                    let below = s.sub(load_or(s, z, j, largest), s.splat(largest));
                    weighted = s.mul_add(weight_at(s, part.weights, j), below, weighted);
                }
            }
            total += a * sum.ln()
                - own * (f64::from(z[class]) - f64::from(largest))
                - spread * f64::from(s.sum(weighted));

            if !dy.is_empty() {
                let scale = s.splat((a / sum * part.scale) as f32);
                let smooth = s.splat((-spread * part.scale) as f32);
                for j in (0..count).step_by(S::LANES) {
                    let mut slope = s.mul(s.load_at(dy, j), scale);
                    if spread > 0.0 {
                        slope = s.mul_add(weight_at(s, part.weights, j), smooth, slope);
                    }
                    s.store_at(slope, dy, j);
                }
                dy[class] -= (own * part.scale) as f32;
            }
        }
        total
    }
}

/// The classes' weights at `at`, 0 beyond the last.
#[inline(always)]
fn weight_at<S: Simd>(s: S, weights: Option<&[f32]>, at: usize) -> S::F {
    weights.map_or(s.splat(1.0), |w| s.load_at(w, at))
}
