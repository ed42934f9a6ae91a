//! The best weights of a run so far, by the validation samples.

use crate::evaluation::Metric;
use crate::event::EpochRecord;
use narrows_engine::Params;
use std::cmp::Ordering;

/// The score of weights on the validation samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Score {
    pub accuracy: Option<f64>,
    pub loss: f64,
}

impl Score {
    /// The score of an epoch, if it was validated.
    pub fn of(record: &EpochRecord) -> Option<Score> {
        record.validation_loss.map(|loss| Score { accuracy: record.validation_accuracy, loss })
    }

    /// More accurate, or as accurate at a smaller loss: among 100 samples many epochs tie.
    pub fn beats(&self, other: &Score) -> bool {
        match self.accuracy.partial_cmp(&other.accuracy) {
            Some(Ordering::Greater) => true,
            Some(Ordering::Equal) => self.loss < other.loss,
            _ => false,
        }
    }
}

/// The noise of an accuracy on the validation samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ValidationNoise {
    /// The number of samples, all of one weight, that would leave an accuracy as uncertain.
    pub samples: f64,
    /// The largest part of the accuracy that one sample makes.
    pub grain: f64,
}

impl ValidationNoise {
    /// The noise of a metric on so many samples of each class. For the mean over C classes of
    /// accuracies over n_c samples, each of variance p (1 - p) / n_c, the variance is p (1 - p)
    /// sum(1 / n_c) / C^2.
    pub fn of(counts: &[usize], metric: Metric) -> ValidationNoise {
        let samples = counts.iter().sum::<usize>() as f64;
        let present = || counts.iter().filter(|n| **n > 0).map(|n| *n as f64);
        match metric {
            Metric::Accuracy => ValidationNoise { samples, grain: 1.0 / samples },
            Metric::Balanced => {
                let (classes, least) =
                    (present().count() as f64, present().fold(f64::INFINITY, f64::min));
                let inverse: f64 = present().map(|n| 1.0 / n).sum();
                ValidationNoise {
                    samples: classes * classes / inverse,
                    grain: 1.0 / (classes * least),
                }
            }
        }
    }
}

/// The weights of the best epoch.
#[derive(Clone, Debug)]
pub(crate) struct Best {
    pub score: Score,
    /// From 1 on.
    pub epoch: usize,
    pub params: Params,
}

impl Best {
    /// Keeps `params` if `record` beats what was kept. An epoch that was not validated changes
    /// nothing.
    pub fn keep(best: &mut Option<Best>, record: &EpochRecord, params: &Params) {
        let (Some(score), epoch) = (Score::of(record), record.epoch) else { return };
        match best {
            Some(best) if score.beats(&best.score) => {
                (best.score, best.epoch) = (score, epoch);
                best.params.values_mut().copy_from_slice(params.values());
            }
            Some(_) => {}
            None => *best = Some(Best { score, epoch, params: params.clone() }),
        }
    }

    /// Takes the last epoch in place of the best one, unless it is worse by more than two standard
    /// errors of its accuracy, and by more than one sample makes: where the best has all of them
    /// right, that error is 0. For trainings whose rate falls to nothing: their last weights are
    /// the likeliest to be good, and a lead of less is luck. (Breiman, Friedman, Olshen and Stone,
    /// "Classification and regression trees", 1984, 3.4.3, allow one standard error, by which the
    /// best of a hundred epochs is ahead where all are alike.)
    pub fn prefer_last(&mut self, last: &EpochRecord, params: &Params, noise: ValidationNoise) {
        let Some((score, best)) = Score::of(last).zip(self.score.accuracy) else { return };
        let error = 2.0 * (best * (1.0 - best) / noise.samples).sqrt();
        // Half a sample more, for the rounding of the two accuracies.
        let lead = error.max(1.5 * noise.grain);
        if score.accuracy.is_some_and(|accuracy| accuracy >= best - lead) {
            (self.score, self.epoch) = (score, last.epoch);
            self.params.values_mut().copy_from_slice(params.values());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, Model};

    fn record(epoch: usize, accuracy: f64) -> EpochRecord {
        EpochRecord {
            epoch,
            lr: 1.0,
            train_loss: 1.0,
            validation_loss: Some(1.0),
            validation_accuracy: Some(accuracy),
            seconds: 1.0,
            samples: 1,
        }
    }

    #[test]
    fn small_classes_make_a_balanced_accuracy_uncertain() {
        let noise = |counts: &[usize]| ValidationNoise::of(counts, Metric::Balanced);
        // Where classes are alike there is no difference; 1 / 1 + 1 / 99 of the variance of 4 / 100
        // otherwise.
        let alike = noise(&[50, 0, 50]);
        assert!(
            (alike.samples - 100.0).abs() < 1e-9 && (alike.grain - 0.01).abs() < 1e-12,
            "{alike:?}"
        );
        let unlike = noise(&[99, 1]);
        assert!((unlike.samples - 4.0 / (1.0 + 1.0 / 99.0)).abs() < 1e-9, "{unlike:?}");
        assert!((unlike.grain - 0.5).abs() < 1e-12, "{unlike:?}");
    }

    #[test]
    fn a_lead_within_two_standard_errors_gives_way_to_the_last_epoch() {
        let network = Architecture::new(Model::Dense, 4).classifier(2).unwrap();
        let (of_best, of_last) = (Params::new(&network, 1), Params::new(&network, 2));
        // The standard error of 100 samples is 3 points at 90 %, and 0 at 100 %.
        for (of_the_best, accuracy, epoch) in
            [(0.9, 0.9, 9), (0.9, 0.841, 9), (0.9, 0.839, 4), (1.0, 0.99, 9), (1.0, 0.98, 4)]
        {
            let mut best = None;
            Best::keep(&mut best, &record(4, of_the_best), &of_best);
            let mut best = best.unwrap();
            best.prefer_last(
                &record(9, accuracy),
                &of_last,
                ValidationNoise::of(&[60, 40], Metric::Accuracy),
            );
            let params = if epoch == 9 { &of_last } else { &of_best };
            assert!(best.epoch == epoch && best.params.values() == params.values(), "{accuracy}");
        }
    }
}
