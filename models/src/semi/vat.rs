//! Virtual adversarial training: the direction in which a small step changes the output most.
//!
//! ```text
//! d      random, of length 1
//! g      = gradient over r of KL(p(x) || p(x + r))  at r = xi d
//! x_adv  = x + epsilon g / |g|
//! ```
//!
//! (Miyato et al. 2018, algorithm 1, with one power iteration.) The target of x_adv is p(x), held
//! fixed. Samples may be augmented strongly before they are moved: then x + r stands for strong(x)
//! + r, while the target stays that of the sample augmented as the labelled ones are.

use super::consistency::{ConsistencyMethod, Demand, Step};
use super::{SemiTraining, in_range};
use crate::error::Error;
use narrows_engine::random::Random;
use narrows_engine::{Context, Gradients, Loss, Target, loss};

/// The purpose of random directions, away from those of layers.
const DIRECTIONS: u64 = 0x5eed_0002;

/// Virtual adversarial training (Miyato et al., TPAMI 2018, arXiv:1704.03976) with one power
/// iteration.
#[derive(Clone, Debug, PartialEq)]
pub struct Vat {
    /// The distance that inputs are moved by, in the Euclidean norm.
    pub epsilon: f32,
    /// The distance that they are moved by to find the direction.
    pub xi: f32,
    /// The weight of the entropy of the probabilities, which is to be small (Grandvalet and Bengio,
    /// NIPS 2004; the paper's VAT + EntMin); 0 for none.
    pub entropy: f32,
    /// The weight of the difference between the classes' shares in the mean of the probabilities
    /// and those of the labelled samples in their batches; 0 for none.
    pub align: f32,
}

impl ConsistencyMethod for Vat {
    fn check(&self, _: &SemiTraining) -> Result<(), Error> {
        in_range("weight of the entropy", self.entropy, 0.0, 1e6)?;
        in_range("weight of the classes' shares", self.align, 0.0, 1e6)?;
        in_range("epsilon", self.epsilon, f32::MIN_POSITIVE, 1e6)?;
        in_range("xi", self.xi, f32::MIN_POSITIVE, 1e6)
    }

    fn moves_samples(&self) -> bool {
        true
    }

    fn demand<'x>(&self, step: Step<'_, 'x>) -> Result<Demand<'x>, Error> {
        // One mask of dropout for all three passes: only the input is to differ.
        let Step { cx, network, params, memory, grads, targets, moved, batch, pass, .. } = step;
        let (len, classes) = (network.input().len(), network.output().len());
        let mut beside = None;
        if self.entropy > 0.0 || self.align > 0.0 {
            let (_, dy) = memory.output_and_gradient();
            let weight = self.entropy * batch.weight;
            let unsure = f64::from(weight) * loss::entropy(cx, classes, targets, weight, dy);
            beside = Some(unsure + step.shares.pull(targets, self.align * batch.weight, dy));
            let gradients = Gradients::overwriting(grads);
            network.backward(cx, params, memory, batch.weak, gradients)?;
        }
        let [nudged, gradient] = moved;
        let random = Random::new(step.seed, DIRECTIONS);
        nudge(cx, random, step.number, len, self.xi, batch.strong, nudged);
        network.forward(cx, params, memory, nudged, pass)?;
        let (y, dy) = memory.output_and_gradient();
        let target = Target::Probabilities(targets);
        Loss::cross_entropy().evaluate(cx, y.len() / classes, y, target, Some(dy))?;
        network.backward(cx, params, memory, nudged, Gradients::of_input(gradient))?;
        push(cx, len, self.epsilon, batch.strong, gradient);
        targets.iter_mut().for_each(|p| *p *= batch.weight);
        Ok(Demand { x: gradient, pass, beside })
    }
}

/// out = x + xi d, for a random d of length 1 for each sample of x: (samples, len).
pub(super) fn nudge(
    cx: &Context,
    random: Random,
    step: u64,
    len: usize,
    xi: f32,
    x: &[f32],
    out: &mut [f32],
) {
    cx.rows(out, len, |row, out| {
        random.fill_normal(step, row as u32, out);
        move_by(xi, &x[row * len..][..len], out);
    });
}

/// g = x + epsilon g / |g| for each sample.
fn push(cx: &Context, len: usize, epsilon: f32, x: &[f32], g: &mut [f32]) {
    cx.rows(g, len, |row, g| move_by(epsilon, &x[row * len..][..len], g));
}

/// d = x + distance d / |d|; x where d is 0. Gradients can be tiny: they are scaled by their
/// largest before they are squared.
fn move_by(distance: f32, x: &[f32], d: &mut [f32]) {
    let largest = d.iter().fold(0.0f32, |a, d| a.max(d.abs()));
    let scale = if largest > 0.0 { 1.0 / largest } else { 0.0 };
    let squares: f32 = d.iter().map(|d| (d * scale) * (d * scale)).sum();
    let factor = if squares > 0.0 { distance * scale / squares.sqrt() } else { 0.0 };
    for (d, x) in d.iter_mut().zip(x) {
        *d = x + factor * *d;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_move_by_the_distance_along_the_gradient() {
        let cx = Context::new(1).expect("one thread");
        let x: Vec<f32> = (0..20 * 3).map(|i| i as f32).collect();
        let mut g: Vec<f32> = (0..20).flat_map(|_| [3e-30, 0.0, -4e-30]).collect();
        g[..3].fill(0.0);
        push(&cx, 3, 5.0, &x, &mut g);
        assert_eq!(g[..3], x[..3]);
        for (x, moved) in x.chunks(3).zip(g.chunks(3)).skip(1) {
            let expected = [x[0] + 3.0, x[1], x[2] - 4.0];
            assert!(
                moved.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4),
                "{moved:?} {expected:?}"
            );
        }
        let mut out = vec![0.0; x.len()];
        nudge(&cx, Random::new(1, 2), 3, 3, 2.0, &x, &mut out);
        for (x, moved) in x.chunks(3).zip(out.chunks(3)) {
            let distance: f32 = x.iter().zip(moved).map(|(a, b)| (a - b).powi(2)).sum();
            assert!((distance.sqrt() - 2.0).abs() < 1e-4, "{distance}");
        }
        assert!(out[0] - x[0] != out[3] - x[3], "each sample has a direction of its own");
    }
}
