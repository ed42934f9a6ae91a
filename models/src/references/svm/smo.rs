//! The dual of a support vector machine of two classes, by pairs of weights (sequential minimal
//! optimisation) that are chosen by second-order information: Fan, Chen and Lin, JMLR 6, 2005.

use std::ops::Range;

/// The weights are found when no pair violates the optimum by more than this.
const TOLERANCE: f64 = 1e-3;
/// A curvature that is not positive counts as this.
const TAU: f64 = 1e-12;

/// The samples of two classes.
pub struct Problem<'k> {
    /// (n, n): the kernel of all samples with each other.
    pub kernel: &'k [f32],
    pub n: usize,
    /// Those of the class of positive decisions, and of the other.
    pub rows: [Range<usize>; 2],
    /// The most that a sample weighs: C.
    pub bound: f64,
}

/// The solution.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Of the samples of each class, with the sign of the class.
    weights: [Vec<f64>; 2],
    /// The decision without samples, with the sign turned.
    rho: f64,
}

impl Machine {
    /// Positive for the first class. `kernel` has that of the sample with those of each class.
    pub fn decide(&self, kernel: [&[f32]; 2]) -> f64 {
        let sum = |(weights, kernel): (&Vec<f64>, &[f32])| -> f64 {
            weights.iter().zip(kernel).map(|(w, k)| w * f64::from(*k)).sum()
        };
        self.weights.iter().zip(kernel).map(sum).sum::<f64>() - self.rho
    }
}

impl Problem<'_> {
    /// The sign of sample `i` of both classes together.
    fn sign(&self, i: usize) -> f64 {
        if i < self.rows[0].len() { 1.0 } else { -1.0 }
    }

    fn row(&self, i: usize) -> usize {
        let [a, b] = &self.rows;
        if i < a.len() { a.start + i } else { b.start + i - a.len() }
    }

    fn kernel(&self, i: usize, j: usize) -> f64 {
        f64::from(self.kernel[self.row(i) * self.n + self.row(j)])
    }

    pub fn solve(&self) -> Machine {
        let n = self.rows.iter().map(Range::len).sum::<usize>();
        let (mut alpha, mut slope) = (vec![0.0; n], vec![-1.0; n]);
        // Far more than are ever needed: what does not converge is as good as it gets.
        for _ in 0..(100 * n).max(100_000) {
            let Some((i, j)) = self.worst(&alpha, &slope) else { break };
            let (yi, yj) = (self.sign(i), self.sign(j));
            let curvature = self.kernel(i, i) + self.kernel(j, j) - 2.0 * self.kernel(i, j);
            let step = (yj * slope[j] - yi * slope[i]) / curvature.max(TAU);
            let old = (alpha[i], alpha[j]);
            // The sum of both, with their signs, stays.
            let sum = yi * old.0 + yj * old.1;
            let first = (old.0 + yi * step).clamp(0.0, self.bound);
            alpha[j] = (yj * (sum - yi * first)).clamp(0.0, self.bound);
            alpha[i] = (yi * (sum - yj * alpha[j])).clamp(0.0, self.bound);
            let moved = (yi * (alpha[i] - old.0), yj * (alpha[j] - old.1));
            for (t, slope) in slope.iter_mut().enumerate() {
                let by = self.kernel(t, i) * moved.0 + self.kernel(t, j) * moved.1;
                *slope += self.sign(t) * by;
            }
        }
        let rho = self.rho(&alpha, &slope);
        let weights: Vec<f64> = alpha.iter().enumerate().map(|(i, a)| self.sign(i) * a).collect();
        let (first, second) = weights.split_at(self.rows[0].len());
        Machine { weights: [first.to_vec(), second.to_vec()], rho }
    }

    /// True if `y alpha` may grow.
    fn may_grow(&self, i: usize, alpha: f64) -> bool {
        if self.sign(i) > 0.0 { alpha < self.bound } else { alpha > 0.0 }
    }

    /// True if it may shrink.
    fn may_shrink(&self, i: usize, alpha: f64) -> bool {
        if self.sign(i) > 0.0 { alpha > 0.0 } else { alpha < self.bound }
    }

    /// The pair whose step gains most; `None` at the optimum.
    fn worst(&self, alpha: &[f64], slope: &[f64]) -> Option<(usize, usize)> {
        let pull = |i: usize| -self.sign(i) * slope[i];
        let larger = |best: Option<usize>, i| match best {
            Some(best) if pull(best) >= pull(i) => Some(best),
            _ => Some(i),
        };
        let i = (0..alpha.len()).filter(|&i| self.may_grow(i, alpha[i])).fold(None, larger)?;
        let (most, own) = (pull(i), self.kernel(i, i));
        let (mut least, mut best) = (f64::INFINITY, None);
        for j in (0..alpha.len()).filter(|&j| self.may_shrink(j, alpha[j])) {
            least = least.min(pull(j));
            let gap = most - pull(j);
            if gap > 0.0 {
                let curvature = own + self.kernel(j, j) - 2.0 * self.kernel(i, j);
                let gain = gap * gap / curvature.max(TAU);
                if best.is_none_or(|(other, _)| gain > other) {
                    best = Some((gain, j));
                }
            }
        }
        best.filter(|_| most - least >= TOLERANCE).map(|(_, j)| (i, j))
    }

    /// The mean over the samples whose weight is no bound; without any, the middle of what those
    /// at their bounds allow.
    fn rho(&self, alpha: &[f64], slope: &[f64]) -> f64 {
        let (mut sum, mut free) = (0.0, 0);
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        for (i, (&alpha, slope)) in alpha.iter().zip(slope).enumerate() {
            let at = self.sign(i) * slope;
            match (self.may_grow(i, alpha), self.may_shrink(i, alpha)) {
                (true, true) => {
                    sum += at;
                    free += 1;
                }
                (true, false) => high = high.min(at),
                (false, _) => low = low.max(at),
            }
        }
        match free {
            0 => (low + high) / 2.0,
            free => sum / f64::from(free),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decisions by scikit-learn 1.9 (`SVC(C=C, gamma=gamma, tol=1e-8).decision_function`), which
    /// is LIBSVM, for queries and for the training samples in their order.
    #[test]
    fn decisions_are_those_of_libsvm() {
        let at = |i: usize| {
            let i = i as f64;
            [(1.7 * i).sin() * 2.0, (2.3 * i + 0.5).cos() * 1.5]
        };
        let positive = [5, 7, 8];
        let rest = (0..14).filter(|i| !positive.contains(i));
        let order: Vec<usize> = positive.into_iter().chain(rest).collect();
        let x: Vec<[f64; 2]> = order.iter().map(|&i| at(i)).collect();
        let queries = [[0.3, -0.2], [-1.1, 0.9], [1.5, 1.2]];
        for (bound, gamma, expected) in [
            (1.0, 0.5, [-0.864_524_98, -1.271_031_59, 0.873_702_47]),
            (100.0, 0.3, [-1.021_217_23, -2.387_283_29, 0.905_668_68]),
        ] {
            let kernel_of = |a: &[f64; 2], b: &[f64; 2]| {
                (-gamma * ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2))).exp() as f32
            };
            let kernel: Vec<f32> =
                x.iter().flat_map(|a| x.iter().map(move |b| kernel_of(a, b))).collect();
            let problem = Problem { kernel: &kernel, n: 14, rows: [0..3, 3..14], bound };
            let machine = problem.solve();
            for (query, expected) in queries.iter().zip(expected) {
                let kernel: Vec<f32> = x.iter().map(|x| kernel_of(query, x)).collect();
                let decision = machine.decide([&kernel[..3], &kernel[3..]]);
                assert!((decision - expected).abs() < 2e-3, "{bound}: {decision} {expected}");
            }
            let weights = machine.weights.iter().flatten();
            assert!(weights.clone().sum::<f64>().abs() < 1e-9, "they balance");
            assert!(weights.clone().all(|w| w.abs() <= bound));
        }
    }
}
