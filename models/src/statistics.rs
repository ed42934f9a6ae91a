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
    /// The 95 % interval of the mean by Student's t; the mean itself, twice, for a single value, which
    /// says nothing of its spread.
    pub ci95: [f64; 2],
}

impl Estimate {
    /// The estimate from `values`. NaN if there are none.
    pub fn of(values: &[f64]) -> Estimate {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        if values.len() < 2 {
            return Estimate { mean, std: 0.0, ci95: [mean; 2] };
        }
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let t = StudentsT::new(0.0, 1.0, n - 1.0).map_or(f64::NAN, |t| t.inverse_cdf(0.975));
        let half = t * (variance / n).sqrt();
        Estimate { mean, std: variance.sqrt(), ci95: [mean - half, mean + half] }
    }
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
            assert!((e.ci95[1] - e.mean - half).abs() < 1e-3 * half, "{e:?}");
            assert!((e.mean - e.ci95[0] - half).abs() < 1e-3 * half, "{e:?}");
        }
        assert!((Estimate::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).std - 2.5f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn one_value_has_no_spread() {
        assert_eq!(Estimate::of(&[0.5]), Estimate { mean: 0.5, std: 0.0, ci95: [0.5, 0.5] });
    }
}
