//! A sample of a normal distribution whose means and variances a network computes: the code of a
//! variational autoencoder (Kingma and Welling, ICLR 2014).
//!
//! ```text
//! x = (m, v): (batch, 2 n)      the means, and behind them the logarithms of the variances
//! forward:   y = m + exp(v / 2) e       e normal, anew in each step; y = m in evaluation
//! penalty:   w / batch * sum KL,        KL = (m^2 + exp(v) - 1 - v) / 2 from N(0, 1)
//! backward:  dm = dy + w / batch m,     dv = dy e exp(v / 2) / 2 + w / batch (exp(v) - 1) / 2
//! ```
//!
//! The noise e is a function of (seed, position, step, row, column). So the backward pass draws it
//! again, into the place where its dx goes, and nothing is kept.

use super::narrow::narrow;
use crate::error::ensure;
use crate::hardware::parallel::TASK_LEN;
use crate::hardware::simd::{elementwise, kernel};
use crate::math::random::Random;
use crate::network::layer::{Backward, Forward, Layer, Mode, Op, Pass, Planned};
use crate::{Context, Error, Shape, math};

/// Draws n values from the normal distributions of which x holds the n means and then the n
/// logarithms of variances; in evaluation it gives the means.
///
/// Its [penalty](crate::PassMemory::penalty) is the mean over the samples of the Kullback-Leibler
/// divergence of their distributions from the standard normal one, added up over the n values,
/// times [`kl_weight`](GaussianSample::kl_weight).
///
/// The negative evidence lower bound of a sample with d values is the sum over these of the
/// negative log likelihood, plus the divergence. Our losses are means over values: so with a
/// `kl_weight` of beta / d, loss and penalty are together that bound, divided by d, with the
/// divergence times beta (Higgins et al., beta-VAE, ICLR 2017). [`BceWithLogits`] is the likelihood
/// of a Bernoulli distribution, [`L2`] that of a normal one with a variance of 1/2, [`L1`] that of
/// Laplace's with a scale of 1, but for constants.
///
/// [`BceWithLogits`]: crate::Loss::BceWithLogits
/// [`L2`]: crate::Loss::L2
/// [`L1`]: crate::Loss::L1
#[derive(Clone, Copy, Debug)]
pub struct GaussianSample {
    /// Weight of the divergence of a sample (>= 0).
    pub kl_weight: f32,
    /// Training steps in which the weight grows, by equal parts, from 1 / `warm_up` of itself to
    /// all of it (Sonderby et al., Ladder Variational Autoencoders, NIPS 2016). Evaluation takes
    /// all of it.
    pub warm_up: u64,
}

impl GaussianSample {
    /// The weight of the divergence in that pass.
    fn weight(self, pass: Pass) -> f64 {
        let full = f64::from(self.kl_weight);
        match pass.mode {
            Mode::Train if pass.step < self.warm_up => {
                full * (pass.step + 1) as f64 / self.warm_up as f64
            }
            _ => full,
        }
    }
}

impl Layer for GaussianSample {
    fn name(&self) -> &'static str {
        "gaussian sample"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        let (weight, len) = (self.kl_weight, input.len());
        ensure!(
            weight >= 0.0 && weight.is_finite(),
            setting,
            "needs a finite weight of at least 0, not {weight}"
        );
        ensure!(
            len > 0 && len.is_multiple_of(2),
            shape,
            "needs as many means as logarithms of variances, got {len} values ({input})"
        );
        Ok(Planned::new(len / 2, GaussianSampleOp { settings: *self, n: len / 2 }))
    }
}

/// Samples of n values each.
#[derive(Debug)]
struct GaussianSampleOp {
    settings: GaussianSample,
    n: usize,
}

impl GaussianSampleOp {
    fn penalty(&self, cx: &Context, pass: Pass, x: &[f32]) -> f64 {
        let weight = self.settings.weight(pass);
        if weight == 0.0 {
            return 0.0;
        }
        let len = 2 * self.n;
        let batch = x.len() / len;
        let sum = cx.sum_rows(batch, TASK_LEN / len, &mut [], |rows, _| {
            let x = &x[rows.start * len..rows.end * len];
            x.chunks_exact(len).map(|x| f64::from(divergence(cx.isa(), x))).sum()
        });
        weight * sum / batch as f64
    }
}

impl Op for GaussianSampleOp {
    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        let (len, n) = (2 * self.n, self.n);
        let penalty = self.penalty(cx, io.pass, io.x);
        if io.pass.mode != Mode::Train {
            narrow(io.x, len, io.y, n);
            return penalty;
        }
        let random = Random::new(io.pass.seed, io.position);
        cx.rows(io.y, n, |row, y| {
            random.fill_normal(io.pass.step, row as u32, y);
            let (m, v) = io.x[row * len..][..len].split_at(n);
            sample(cx.isa(), y, m, v);
        });
        penalty
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let Some(dx) = io.dx else { return };
        let (len, n) = (2 * self.n, self.n);
        let random = Random::new(io.pass.seed, io.position);
        let weight = (self.settings.weight(io.pass) / io.batch as f64) as f32;
        cx.rows(dx, len, |row, dx| {
            match io.pass.mode {
                Mode::Train => random.fill_normal(io.pass.step, row as u32, &mut dx[n..]),
                _ => dx[n..].fill(0.0),
            }
            let (x, dy) = (&io.x[row * len..][..len], &io.dy[row * n..][..n]);
            gradient(cx.isa(), dx, x, dy, weight);
        });
    }
}

elementwise! {
    /// y = m + exp(v / 2) y, for one sample.
    fn sample(s, y, [m, v]) { s.mul_add(math::exp(s, s.mul(s.splat(0.5), v)), y, m) }
}

kernel! {
    /// dx of one sample, in whose second half the noise stands. The divergence counts `weight`.
    fn gradient(s, dx: &mut [f32], x: &[f32], dy: &[f32], weight: f32) {
        let (mean, log_variance) = x.split_at(dy.len());
        let (dm, dv) = dx.split_at_mut(dy.len());
        let (weight, half) = (s.splat(weight), s.splat(0.5));
        for i in (0..dy.len()).step_by(S::LANES) {
            let dy = s.load_at(dy, i);
            let deviation = math::exp(s, s.mul(half, s.load_at(log_variance, i)));
            let of_divergence = s.mul(weight, s.mul_add(deviation, deviation, s.splat(-1.0)));
            let of_sample = s.mul(dy, s.mul(s.load_at(dv, i), deviation));
            s.store_at(s.mul_add(weight, s.load_at(mean, i), dy), dm, i);
            s.store_at(s.mul(half, s.add(of_sample, of_divergence)), dv, i);
        }
    }

    /// The divergence of one sample.
    fn divergence(s, x: &[f32]) -> f32 {
        let (mean, log_variance) = x.split_at(x.len() / 2);
        let mut sum = s.splat(0.0);
        // Beyond the end m and v are 0, and so is the divergence: exp(0) is exactly 1.
        for i in (0..mean.len()).step_by(S::LANES) {
            let (m, v) = (s.load_at(mean, i), s.load_at(log_variance, i));
            let of_variance = s.sub(s.sub(math::exp(s, v), s.splat(1.0)), v);
            sum = s.add(sum, s.mul_add(m, m, of_variance));
        }
        0.5 * s.sum(sum)
    }
}
