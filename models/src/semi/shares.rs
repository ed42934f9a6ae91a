//! The shares of the classes among the samples without a label.
//!
//! A demand that outputs be sure, and stay where the input moves, is also met where a small
//! class is handed over to its neighbour. So the mean m of the probabilities is drawn to the shares
//! s that are expected of the classes:
//!
//! ```text
//! loss     = KL(s || m) = sum_c s_c log(s_c / m_c)
//! d / z_ic = p_ic (sum_k p_ik s_k / m_k  -  s_c / m_c) / n
//! ```
//!
//! (Tanaka et al., "Joint optimization framework for learning with noisy labels", CVPR 2018,
//! arXiv:1803.11364, section 3.3.) In this order of the two a class that is about to vanish is
//! pushed back however small it is. As in ReMixMatch (Berthelot et al., ICLR 2020,
//! arXiv:1911.09785) m is a running mean over batches, since a batch holds few samples of each
//! class; the gradient is that of a batch whose mean it were.

/// The part of the running mean that is left after a step.
const DECAY: f32 = 0.9;

/// The shares that are expected, and those of late.
#[derive(Clone, Debug)]
pub(super) struct Shares {
    expected: Vec<f32>,
    mean: Vec<f32>,
    /// The weight of a sample's probability of a class.
    ratio: Vec<f32>,
    steps: u32,
}

impl Shares {
    /// Draws to shares `expected`, a value for each class, of sum 1.
    pub fn new(expected: Vec<f32>) -> Shares {
        let zeros = vec![0.0; expected.len()];
        Shares { expected, mean: zeros.clone(), ratio: zeros, steps: 0 }
    }

    /// The running mean, and the steps that are in it: all the state.
    pub fn state_mut(&mut self) -> (&mut [f32], &mut u32) {
        (&mut self.mean, &mut self.steps)
    }

    /// The loss of the probabilities `p`: (batch, classes), times `weight`. Adds its gradient with
    /// respect to the logits to `dz`.
    pub fn pull(&mut self, p: &[f32], weight: f32, dz: &mut [f32]) -> f64 {
        let Shares { expected, mean, ratio, steps } = self;
        let classes = expected.len();
        let samples = (p.len() / classes) as f32;
        // The first steps count alike, so that nothing of a beginning from zero is left.
        let kept = DECAY.min(*steps as f32 / (*steps as f32 + 1.0));
        *steps = steps.saturating_add(1);
        mean.iter_mut().for_each(|mean| *mean *= kept);
        for p in p.chunks_exact(classes) {
            for (mean, p) in mean.iter_mut().zip(p) {
                *mean += (1.0 - kept) / samples * p;
            }
        }
        let mut loss = 0.0;
        for ((ratio, share), mean) in ratio.iter_mut().zip(&*expected).zip(&*mean) {
            *ratio = share / mean.max(f32::MIN_POSITIVE);
            if *share > 0.0 {
                loss += f64::from(*share) * f64::from(*ratio).ln();
            }
        }
        let scale = weight / samples;
        for (p, dz) in p.chunks_exact(classes).zip(dz.chunks_exact_mut(classes)) {
            let own: f32 = p.iter().zip(&*ratio).map(|(p, ratio)| p * ratio).sum();
            for ((dz, p), ratio) in dz.iter_mut().zip(p).zip(&*ratio) {
                *dz += scale * p * (own - ratio);
            }
        }
        loss * f64::from(weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use narrows_engine::random::Random;

    const CLASSES: usize = 4;
    const EXPECTED: [f32; CLASSES] = [0.5, 0.3, 0.2, 0.0];

    /// Softmax of logits, row by row.
    fn softmax(z: &[f64]) -> Vec<f64> {
        let row = |z: &[f64]| {
            let sum: f64 = z.iter().map(|z| z.exp()).sum();
            z.iter().map(move |z| z.exp() / sum).collect::<Vec<f64>>()
        };
        z.chunks(CLASSES).flat_map(row).collect()
    }

    fn mean(z: &[f64]) -> Vec<f64> {
        let p = softmax(z);
        let n = (p.len() / CLASSES) as f64;
        (0..CLASSES).map(|c| p.iter().skip(c).step_by(CLASSES).sum::<f64>() / n).collect()
    }

    fn divergence(mean: &[f64]) -> f64 {
        let terms = EXPECTED.iter().zip(mean).filter(|(share, _)| **share > 0.0);
        terms.map(|(share, mean)| f64::from(*share) * (f64::from(*share) / mean).ln()).sum()
    }

    fn logits(purpose: u64) -> Vec<f64> {
        let mut z = vec![0.0; 7 * CLASSES];
        Random::new(3, purpose).fill_normal(0, 0, &mut z);
        z.iter().map(|z| 3.0 * f64::from(*z)).collect()
    }

    fn single(z: &[f64]) -> Vec<f32> {
        softmax(z).iter().map(|p| *p as f32).collect()
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_divergence() {
        let z = logits(1);
        let mut dz = vec![1.0; z.len()];
        let loss = Shares::new(EXPECTED.to_vec()).pull(&single(&z), 2.0, &mut dz);
        assert!((loss - 2.0 * divergence(&mean(&z))).abs() < 1e-5, "{loss}");
        for (i, dz) in dz.iter().enumerate() {
            let at = |step: f64| {
                let mut z = z.clone();
                z[i] += step;
                divergence(&mean(&z))
            };
            let slope = 1.0 + 2.0 * (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - f64::from(*dz)).abs() < 1e-5, "{i}: {slope} {dz}");
        }
    }

    #[test]
    fn batches_of_the_past_count_less_and_less() {
        let mut shares = Shares::new(EXPECTED.to_vec());
        let batches: Vec<Vec<f64>> = (0..30).map(logits).collect();
        let mut dz = vec![0.0; batches[0].len()];
        let mut expected = vec![0.0; CLASSES];
        for (i, z) in batches.iter().enumerate() {
            let loss = shares.pull(&single(z), 1.0, &mut dz);
            let new = (1.0 / (i + 1) as f64).max(0.1);
            expected.iter_mut().zip(mean(z)).for_each(|(old, now)| *old += new * (now - *old));
            assert!((loss - divergence(&expected)).abs() < 1e-5, "step {i}: {loss}");
        }
    }

    /// A class that no sample is taken for any more pulls as hard as ever, and one whose
    /// probability is 0 breaks nothing.
    #[test]
    fn a_class_about_to_vanish_is_pushed_back() {
        for least in [1e-2f32, 1e-6, 1e-30] {
            let p = [1.0 - 2.0 * least, least, least, 0.0].repeat(5);
            let mut dz = vec![0.0; p.len()];
            let loss = Shares::new(EXPECTED.to_vec()).pull(&p, 1.0, &mut dz);
            assert!(loss.is_finite() && loss > 0.0);
            for dz in dz.chunks(CLASSES) {
                let pushed = [dz[1] * 5.0 + 0.3, dz[2] * 5.0 + 0.2, dz[3]];
                assert!(pushed.iter().all(|x| x.abs() < 0.02), "{least}: {dz:?}");
            }
        }
        let mut dz = [0.0; CLASSES];
        let loss = Shares::new(EXPECTED.to_vec()).pull(&[1.0, 0.0, 0.0, 0.0], 1.0, &mut dz);
        assert!(loss.is_finite() && dz.iter().all(|dz| dz.is_finite()), "{loss} {dz:?}");
    }
}
