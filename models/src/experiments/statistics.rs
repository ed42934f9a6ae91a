//! Statistics of a handful of runs: mean, standard deviation, 95 % interval.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The mean of some values and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of the values, with n - 1; 0 for a single one.
    pub std: f64,
    /// The 95 % interval of the mean by Student's t; `None` for a single value, which says nothing
    /// of its spread.
    pub ci95: Option<[f64; 2]>,
}

impl Estimate {
    /// The estimate from `values`. NaN if there are none.
    pub fn of(values: &[f64]) -> Estimate {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        if values.len() < 2 {
            return Estimate { mean, std: 0.0, ci95: None };
        }
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let t = StudentsT::new(0.0, 1.0, n - 1.0).map_or(f64::NAN, |t| t.inverse_cdf(0.975));
        let half = t * (variance / n).sqrt();
        Estimate { mean, std: variance.sqrt(), ci95: Some([mean - half, mean + half]) }
    }
}

/// Accuracies, as fractions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Accuracies {
    /// Mean, standard deviation and interval, which ends where accuracies do: at 0 and 1.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// One for each draw.
    pub per_draw: Vec<f64>,
}

impl Accuracies {
    /// The estimate from `per_draw`.
    pub fn of(per_draw: Vec<f64>) -> Accuracies {
        let Estimate { mean, std, ci95 } = Estimate::of(&per_draw);
        let ci95 = ci95.map(|[low, high]| [low.max(0.0), high.min(1.0)]);
        Accuracies { estimate: Estimate { mean, std, ci95 }, per_draw }
    }
}

/// A paired difference, as a fraction.
#[derive(Clone, Debug, Serialize)]
pub struct Gain {
    /// Its mean.
    pub mean: f64,
    /// The 95 % interval of the mean; `None` for a single pair, and for differences that are all
    /// the same but not 0 ([`paired_t_test`]).
    pub ci95: Option<[f64; 2]>,
    /// The probability of such a mean if there is no difference ([`paired_t_test`]); `None` where
    /// there is no interval, or what is no test. It is no part of the comparison's summary, whose
    /// keys are fixed.
    #[serde(skip)]
    pub p: Option<f64>,
}

impl Gain {
    /// The mean of differences, pair by pair.
    pub fn of(differences: &[f64]) -> Gain {
        let Estimate { mean, ci95, .. } = Estimate::of(differences);
        let p = paired_t_test(differences);
        Gain { mean, ci95: ci95.filter(|_| p.is_some()), p }
    }

    /// Makes the p-values of gains that are looked at together stand together ([`holm`]).
    pub fn adjust<'a>(gains: impl Iterator<Item = &'a mut Gain>) {
        let mut each: Vec<&mut f64> = gains.filter_map(|gain| gain.p.as_mut()).collect();
        let raw: Vec<f64> = each.iter().map(|p| **p).collect();
        each.iter_mut().zip(holm(&raw)).for_each(|(p, adjusted)| **p = adjusted);
    }
}

/// Fractions this near each other are the same but for rounding: one sample of any test set is
/// more.
const SAME: f64 = 1e-9;

/// The probability of a mean of `differences` at least this far from 0 if there is none: the
/// two-sided p-value of the paired t-test. The differences are fractions.
///
/// `None` for fewer than two, and where all are the same but not 0: accuracies come in steps of one
/// test sample, so that a few draws may well agree by chance, and the test would take that for
/// certainty. Where all are 0, 1.
pub fn paired_t_test(differences: &[f64]) -> Option<f64> {
    let n = differences.len() as f64;
    let Estimate { mean, std, .. } = Estimate::of(differences);
    match differences.len() {
        0 | 1 => None,
        _ if std < SAME => (mean.abs() < SAME).then_some(1.0),
        _ => {
            let t = mean.abs() / (std / n.sqrt());
            StudentsT::new(0.0, 1.0, n - 1.0).ok().map(|student| 2.0 * student.sf(t))
        }
    }
}

/// The p-values of several comparisons, each made so large that all of them together are wrong no
/// more often than one alone would be (Holm, Scandinavian Journal of Statistics 6, 1979). In the
/// order of `p`.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let (mut adjusted, mut largest) = (vec![0.0; p.len()], 0f64);
    for (rank, &i) in order.iter().enumerate() {
        largest = largest.max((p[i] * (p.len() - rank) as f64).min(1.0));
        adjusted[i] = largest;
    }
    adjusted
}

/// The 95 % interval of a proportion of which `hits` of `n` trials are an observation (Wilson
/// 1927). Unlike the normal approximation it stays within 0 and 1 and has a width for 0 and for `n`
/// hits. From 0 to 1 for no trials.
pub fn wilson(hits: usize, n: usize) -> [f64; 2] {
    /// The normal distribution's 97.5 % quantile.
    const Z: f64 = 1.959_963_984_540_054;
    let (hits, n) = (hits as f64, n as f64);
    let p = hits / n;
    let centre = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    // At 0 and n hits the ends are 0 and 1 but for rounding.
    [((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_the_textbooks() {
        // t(0.975) for 1, 4 and 9 degrees of freedom, from printed tables.
        for (values, t) in [
            (&[1.0, 3.0][..], 12.706),
            (&[1.0, 2.0, 3.0, 4.0, 5.0], 2.776),
            (&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], 2.262),
        ] {
            let e = Estimate::of(values);
            let half = t * e.std / (values.len() as f64).sqrt();
            let [low, high] = e.ci95.unwrap();
            assert!((high - e.mean - half).abs() < 1e-3 * half, "{e:?}");
            assert!((e.mean - low - half).abs() < 1e-3 * half, "{e:?}");
        }
        assert!((Estimate::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).std - 2.5f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn one_value_has_no_interval() {
        assert_eq!(Estimate::of(&[0.5]), Estimate { mean: 0.5, std: 0.0, ci95: None });
    }

    #[test]
    fn the_interval_of_accuracies_holds_accuracies() {
        assert_eq!(Accuracies::of(vec![0.1, 0.9]).estimate.ci95, Some([0.0, 1.0]));
        let inside = [0.5, 0.52, 0.51];
        assert_eq!(Accuracies::of(inside.to_vec()).estimate, Estimate::of(&inside));
    }

    #[test]
    fn the_paired_t_test_is_the_textbooks() {
        // The sleep data of Student, Biometrika 6 (1908), as R's documentation of t.test has them:
        // t = -4.0621, p = 0.002833.
        let sleep = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
        assert!((paired_t_test(&sleep).unwrap() - 0.002833).abs() < 5e-7);
        assert!((paired_t_test(&sleep.map(|x| -x)).unwrap() - 0.002833).abs() < 5e-7);
        assert_eq!(paired_t_test(&[0.1]), None);
        assert_eq!(paired_t_test(&[0.0; 3]), Some(1.0));
        // With one degree of freedom Student's distribution is Cauchy's: for 1 and 3, t = 2.
        let cauchy = 1.0 - 2.0 * 2f64.atan() / std::f64::consts::PI;
        assert!((paired_t_test(&[1.0, 3.0]).unwrap() - cauchy).abs() < 1e-9);
    }

    #[test]
    fn equal_draws_are_no_certainty() {
        // Two of six test samples fewer on either draw: the same, but not in the last bit.
        let lost = [3.0 / 6.0 - 5.0 / 6.0, 2.0 / 6.0 - 4.0 / 6.0];
        assert_ne!(lost[0], lost[1]);
        let gain = Gain::of(&lost);
        assert!((gain.mean + 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((gain.ci95, gain.p), (None, None));
        // One sample of a million more makes a spread.
        let gain = Gain::of(&[0.01, 0.010_001]);
        assert!(gain.p.is_some_and(|p| p < 1e-3) && gain.ci95.is_some_and(|[low, _]| low > 0.0));
        let none = Gain::of(&[0.0; 2]);
        assert_eq!((none.ci95, none.p), (Some([0.0; 2]), Some(1.0)));
        // Unknown gains take no part in Holm's procedure.
        let mut gains = [Gain::of(&lost), Gain::of(&[0.1, 0.101])];
        let alone = gains[1].p;
        Gain::adjust(gains.iter_mut());
        assert_eq!((gains[0].p, gains[1].p), (None, alone));
    }

    #[test]
    fn holms_procedure_is_the_published_one() {
        // By hand: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04, which may not be smaller than the one
        // before.
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(holm(&[0.5, 0.9]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn wilsons_interval_is_the_published_one() {
        // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        for (hits, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let [l, h] = wilson(hits, n);
            assert!((l - low).abs() < 5.1e-5 && (h - high).abs() < 5.1e-5, "{hits}/{n}: {l} {h}");
        }
    }
}
