//! How rare a score is among those of training samples: -ln of the share of scores at least as
//! high.
//!
//! Above the 90 % quantile u, the share is that of an exponential distribution of ln(score), whose
//! mean excess over u is that of the training samples. The result then goes on to grow where no
//! training sample is.

/// The share of the highest scores that the tail is fitted to, and the fewest of them.
const TAIL: f64 = 0.1;
const FEWEST: usize = 5;
/// The smallest mean excess. A tail of equal scores has none.
const LEAST_EXCESS: f64 = 0.05;
/// Is added to scores, whose logarithm is taken: distances may be zero.
const FLOOR: f64 = 1e-3;

/// The scores of training samples.
#[derive(Clone, Debug)]
pub struct Tail {
    /// ln of the scores, ascending.
    logs: Vec<f64>,
    /// Where the tail begins, its rarity there, and its mean excess.
    start: f64,
    rarity: f64,
    excess: f64,
}

impl Tail {
    /// That of some scores, which are not negative.
    ///
    /// # Panics
    /// If there is none.
    pub fn of(scores: impl Iterator<Item = f64>) -> Tail {
        let mut logs: Vec<f64> = scores.map(|score| (score + FLOOR).ln()).collect();
        logs.sort_by(f64::total_cmp);
        let n = logs.len();
        let highest = ((TAIL * n as f64) as usize).max(FEWEST).min(n - 1);
        let start = logs[n - 1 - highest];
        let sum: f64 = logs[n - highest..].iter().map(|log| log - start).sum();
        Tail {
            start,
            rarity: rarity(highest, n),
            excess: (sum / highest.max(1) as f64).max(LEAST_EXCESS),
            logs,
        }
    }

    /// -ln of the share of samples whose score is at least `score`.
    pub fn rarity(&self, score: f64) -> f64 {
        let log = (score + FLOOR).ln();
        if log > self.start {
            return self.rarity + (log - self.start) / self.excess;
        }
        let below = self.logs.partition_point(|other| *other < log);
        rarity(self.logs.len() - below, self.logs.len())
    }
}

/// -ln of the share that `count` of `n` samples are.
fn rarity(count: usize, n: usize) -> f64 {
    -((count as f64 + 0.5) / (n as f64 + 1.0)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rarities_are_shares_below_and_an_exponential_tail_above() {
        // ln(score + FLOOR) is 1, 2, ... 100.
        let score = |log: f64| log.exp() - FLOOR;
        let tail = Tail::of((1..=100).map(|at| score(f64::from(at))));
        let near = |log: f64, expected: f64| {
            assert!((tail.rarity(score(log)) - expected).abs() < 1e-9, "{log}");
        };
        near(50.5, -(50.5_f64 / 101.0).ln());
        near(0.5, -(100.5_f64 / 101.0).ln());
        // The ten highest begin above 90, with a mean excess of 5.5.
        near(95.0, -(10.5_f64 / 101.0).ln() + 5.0 / 5.5);
        near(123.0, -(10.5_f64 / 101.0).ln() + 33.0 / 5.5);
        for scores in [vec![0.0; 9], vec![3.0]] {
            let tail = Tail::of(scores.iter().copied());
            assert!(tail.rarity(scores[0]) < 0.5);
            assert!((1.0..1e3).contains(&tail.rarity(9e9)));
        }
    }
}
