//! Scores against labels: how far unusual samples score above the others.

use serde::Serialize;

/// How well scores tell unusual samples from normal ones, without a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ranking {
    /// The number of unusual samples.
    pub unusual: usize,
    /// The number of normal ones.
    pub normal: usize,
    /// The area under the receiver operating characteristic: the probability that an unusual
    /// sample scores above a normal one, where equal scores count as half.
    pub auroc: f64,
    /// The average precision: the mean, over the unusual samples, of the precision at their scores
    /// (Manning et al., Introduction to Information Retrieval, 8.4), as scikit-learn computes it.
    pub average_precision: f64,
}

impl Ranking {
    /// Of samples with their scores, and true for those that are unusual. `None` unless there are
    /// samples of both kinds; a score that is no number counts as the highest.
    pub fn of(mut samples: Vec<(f32, bool)>) -> Option<Ranking> {
        let key = |score: f32| if score.is_nan() { f32::INFINITY } else { score };
        samples.sort_unstable_by(|(a, _), (b, _)| key(*b).total_cmp(&key(*a)));
        let total = samples.iter().filter(|(_, unusual)| *unusual).count();
        let normal = samples.len() - total;
        if total == 0 || normal == 0 {
            return None;
        }
        let (mut hits, mut misses) = (0, 0);
        let (mut pairs, mut precisions) = (0.0, 0.0);
        // Equal scores are one step: nothing tells which of them comes first.
        for equal in samples.chunk_by(|(a, _), (b, _)| key(*a) == key(*b)) {
            let of_equal = equal.iter().filter(|(_, unusual)| *unusual).count();
            let others = equal.len() - of_equal;
            // Each unusual sample is above the normal ones still to come.
            pairs += of_equal as f64 * ((normal - misses - others) as f64 + 0.5 * others as f64);
            hits += of_equal;
            misses += others;
            precisions += of_equal as f64 * hits as f64 / (hits + misses) as f64;
        }
        Some(Ranking {
            unusual: total,
            normal,
            auroc: pairs / (total as f64 * normal as f64),
            average_precision: precisions / total as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each pair, one by one.
    fn auroc_of_pairs(samples: &[(f32, bool)]) -> f64 {
        let (mut won, mut pairs) = (0.0, 0.0);
        for (high, _) in samples.iter().filter(|(_, unusual)| *unusual) {
            for (low, _) in samples.iter().filter(|(_, unusual)| !*unusual) {
                pairs += 1.0;
                won += if high > low {
                    1.0
                } else if high == low {
                    0.5
                } else {
                    0.0
                };
            }
        }
        won / pairs
    }

    /// The precision at the score of each unusual sample, one by one.
    fn average_of_precisions(samples: &[(f32, bool)]) -> f64 {
        let unusual: Vec<f32> = samples.iter().filter(|(_, u)| *u).map(|(s, _)| *s).collect();
        let precision = |score: &f32| {
            let above = samples.iter().filter(|(s, _)| s >= score);
            above.clone().filter(|(_, u)| *u).count() as f64 / above.count() as f64
        };
        unusual.iter().map(precision).sum::<f64>() / unusual.len() as f64
    }

    #[test]
    fn areas_are_those_of_all_pairs() {
        // scikit-learn's example for roc_auc_score and average_precision_score: 0.75, 0.83.
        let example = vec![(0.1, false), (0.4, false), (0.35, true), (0.8, true)];
        let of = Ranking::of(example.clone()).unwrap();
        assert_eq!(of.auroc, 0.75);
        assert!((of.average_precision - 0.8333333333333333).abs() < 1e-15);
        let mut state = 7_u32;
        let mut next = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        for rows in [2, 3, 10, 100] {
            // Few different scores, so that many are equal.
            let mut samples: Vec<(f32, bool)> =
                (0..rows).map(|_| (next(7) as f32, next(3) == 0)).collect();
            (samples[0].1, samples[1].1) = (true, false);
            let of = Ranking::of(samples.clone()).unwrap();
            assert!((of.auroc - auroc_of_pairs(&samples)).abs() < 1e-12, "{samples:?}");
            assert!((of.average_precision - average_of_precisions(&samples)).abs() < 1e-12);
            assert_eq!(of.unusual + of.normal, rows);
        }
    }

    #[test]
    fn one_kind_alone_is_not_ranked() {
        assert_eq!(Ranking::of(vec![]), None);
        assert_eq!(Ranking::of(vec![(1.0, true), (2.0, true)]), None);
        assert_eq!(Ranking::of(vec![(1.0, false)]), None);
        let of = Ranking::of(vec![(f32::NAN, true), (1.0, false)]).unwrap();
        assert_eq!((of.auroc, of.average_precision), (1.0, 1.0));
    }
}
