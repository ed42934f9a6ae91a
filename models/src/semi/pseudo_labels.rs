//! Pseudo-labels: the likeliest class as if it were the label, where it is sure enough.

use super::consistency::{ConsistencyMethod, Demand, Step};
use super::{SemiTraining, in_range};
use crate::error::Error;
use crate::evaluation::argmax;

/// Pseudo-labels (Lee, ICML workshop 2013), between a sample as it is and strongly augmented (Sohn
/// et al., FixMatch, NeurIPS 2020).
#[derive(Clone, Debug, PartialEq)]
pub struct PseudoLabels {
    /// The least probability of the likeliest class for a sample to count.
    pub threshold: f32,
}

impl ConsistencyMethod for PseudoLabels {
    fn check(&self, _: &SemiTraining) -> Result<(), Error> {
        in_range("threshold", self.threshold, 0.0, 1.0)
    }

    fn demand<'x>(&self, step: Step<'_, 'x>) -> Result<Demand<'x>, Error> {
        targets(step.targets, step.network.output().len(), self.threshold, step.batch.weight);
        Ok(Demand::of_strong(&step))
    }
}

/// Turns the probabilities p: (samples, classes) into targets: all of `weight` for the likeliest
/// class if that has at least `threshold`, nothing for the sample if not. Returns how many samples
/// count.
pub(super) fn targets(p: &mut [f32], classes: usize, threshold: f32, weight: f32) -> usize {
    let mut counted = 0;
    for p in p.chunks_exact_mut(classes) {
        let best = argmax(p);
        let sure = p[best] >= threshold;
        counted += usize::from(sure);
        p.fill(0.0);
        p[best] = if sure { weight } else { 0.0 };
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_class_counts_where_it_is_sure() {
        let mut p = [0.2, 0.7, 0.1, 0.5, 0.3, 0.2, 0.05, 0.05, 0.9];
        assert_eq!(targets(&mut p, 3, 0.7, 2.0), 2);
        assert_eq!(p, [0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0]);
    }
}
