//! Mixup: a classifier learns from pairs of samples, and from their labels in the same parts (Zhang
//! et al., ICLR 2018).

use crate::error::{Error, bail, ensure};
use narrows_engine::memory::Slab;
use narrows_engine::random::Random;
use narrows_engine::{Loss, Target};
use std::f64::consts::TAU;

/// The purpose of its random numbers.
const MIXUP: u64 = u64::from_be_bytes(*b"mixup   ");

/// Mixes the batches of one run. What it holds is memory; the parts follow from seed, epoch and
/// row.
///
/// Each sample is mixed with the next of its batch, the last with the first: the order of an epoch
/// is a shuffled one, so that these are random pairs. Each pair has a part of its own, drawn from
/// Beta(alpha, alpha).
#[derive(Clone, Debug)]
pub(super) struct Mixup {
    alpha: f64,
    random: Random,
    smoothing: f32,
    /// (sample), the first of a batch
    first: Slab,
    /// (batch, classes)
    targets: Slab,
    classes: usize,
}

impl Mixup {
    /// Memory for batches of up to `batch` samples of `len` values, in `classes` classes; `None`
    /// for an `alpha` of 0.
    ///
    /// # Errors
    /// If the alpha makes no sense, or the loss is none that takes probabilities in place of
    /// classes.
    pub fn new(
        alpha: f32,
        loss: &Loss,
        batch: usize,
        len: usize,
        classes: usize,
        seed: u64,
    ) -> Result<Option<Mixup>, Error> {
        Mixup::check(alpha, loss)?;
        let smoothing = match loss {
            Loss::CrossEntropy { smoothing, .. } if alpha > 0.0 => *smoothing,
            _ => return Ok(None),
        };
        Ok(Some(Mixup {
            alpha: f64::from(alpha),
            random: Random::new(seed, MIXUP),
            smoothing,
            first: Slab::new(len),
            targets: Slab::new(batch * classes),
            classes,
        }))
    }

    /// # Errors
    /// The errors of [`Mixup::new`].
    pub fn check(alpha: f32, loss: &Loss) -> Result<(), Error> {
        ensure!(
            alpha >= 0.0 && alpha.is_finite(),
            "mixup's alpha must be finite and not negative, not {alpha}"
        );
        match loss {
            Loss::CrossEntropy { class_weights: None, .. } => Ok(()),
            _ if alpha == 0.0 => Ok(()),
            _ => bail!("mixup needs cross-entropy without class weights: set its alpha to 0"),
        }
    }

    /// Mixes `x`: (rows, sample), the samples `rows` as they are in `epoch`, and returns the
    /// targets that `labels` come to, the loss's label smoothing included. Allocates nothing.
    ///
    /// # Errors
    /// If a label is no class.
    pub fn apply(
        &mut self,
        epoch: u64,
        rows: &[u32],
        x: &mut [f32],
        labels: &[u32],
    ) -> Result<Target<'_>, Error> {
        let (n, len, classes) = (rows.len(), self.first.len(), self.classes);
        if let Some(label) = labels.iter().find(|label| **label as usize >= classes) {
            bail!("a sample has class {label}, but there are {classes} classes");
        }
        let targets = &mut self.targets[..n * classes];
        targets.fill(self.smoothing / classes as f32);
        self.first.copy_from_slice(&x[..len]);
        for (i, &row) in rows.iter().enumerate() {
            let own = beta(self.alpha, &self.random, epoch, row) as f32;
            let (sample, rest) = x[i * len..].split_at_mut(len);
            let next = if i + 1 < n { &rest[..len] } else { &self.first };
            for (x, next) in sample.iter_mut().zip(next) {
                *x = own * *x + (1.0 - own) * next;
            }
            let target = &mut targets[i * classes..][..classes];
            target[labels[i] as usize] += (1.0 - self.smoothing) * own;
            target[labels[(i + 1) % n] as usize] += (1.0 - self.smoothing) * (1.0 - own);
        }
        Ok(Target::Probabilities(targets))
    }
}

/// A number from Beta(alpha, alpha), by two uniform ones and without rejection: if U and V are
/// uniform, then `sqrt(2 alpha (U^(-1 / alpha) - 1)) cos(2 pi V)` has Student's distribution with 2
/// alpha degrees of freedom (Bailey, Math. Comp. 1994), and `1 / 2 + T / 2 sqrt(2 alpha + T^2)` of
/// such a T is what is sought (Devroye, WSC 1996).
fn beta(alpha: f64, random: &Random, epoch: u64, row: u32) -> f64 {
    let [u, v, ..] = random.words(epoch, row, 0);
    // In (0, 1]: its power is finite, or so large that the result is 0 or 1.
    let u = (f64::from(u) + 1.0) / 2f64.powi(32);
    let cos = (f64::from(v) / 2f64.powi(32) * TAU).cos();
    let spread = u.powf(-1.0 / alpha) - 1.0;
    0.5 + 0.5 * cos / (1.0 / spread + cos * cos).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kolmogorov and Smirnov's distance to distributions that have a closed form: 1.95 / sqrt(n)
    /// is passed once in a thousand.
    #[test]
    fn parts_have_the_beta_distribution() {
        type Cdf = fn(f64) -> f64;
        let cases: [(f64, Cdf); 4] = [
            (0.5, |x| 2.0 / std::f64::consts::PI * x.sqrt().asin()),
            (1.0, |x| x),
            (2.0, |x| x * x * (3.0 - 2.0 * x)),
            (3.0, |x| x.powi(3) * (10.0 - 15.0 * x + 6.0 * x * x)),
        ];
        let n = 20_000;
        for (alpha, cdf) in cases {
            let random = Random::new(1, MIXUP);
            let mut parts: Vec<f64> =
                (0..n).map(|i| beta(alpha, &random, u64::from(i / 100), i % 100)).collect();
            parts.sort_unstable_by(f64::total_cmp);
            let distance = (parts.iter().enumerate())
                .map(|(i, &x)| (cdf(x) - f64::from(i as u32) / f64::from(n)).abs())
                .fold(0.0, f64::max);
            assert!(distance < 1.95 / f64::from(n).sqrt(), "alpha {alpha}: {distance}");
        }
    }

    #[test]
    fn parts_of_any_alpha_lie_between_0_and_1_with_its_variance() {
        for alpha in [1e-6, 0.01, 0.2, 0.4, 8.0, 1e6] {
            let random = Random::new(2, MIXUP);
            let n = 20_000;
            let parts: Vec<f64> = (0..n).map(|row| beta(alpha, &random, 3, row)).collect();
            assert!(parts.iter().all(|x| (0.0..=1.0).contains(x)), "alpha {alpha}");
            let variance = parts.iter().map(|x| (x - 0.5).powi(2)).sum::<f64>() / f64::from(n);
            let expected = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            // The fourth moment is at most 1/4 of the second.
            assert!(
                (variance - expected).abs() < 5.0 * (expected / 4.0 / f64::from(n)).sqrt(),
                "alpha {alpha}"
            );
        }
    }
}
