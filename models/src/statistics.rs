//! What a handful of runs says about their kind: mean, standard deviation, 95 % interval.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The mean of some values and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of the values, with n - 1; 0 for a single one.
    pub std: f64,
    /// The 95 % interval of the mean by Student's t; `None` for a single value, which says nothing of its
    /// spread.
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

/// The 95 % interval of a proportion of which `hits` of `n` trials are an observation (Wilson 1927). Unlike the
/// normal approximation it stays within 0 and 1 and has a width for 0 and for `n` hits. NaN for no trials.
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
