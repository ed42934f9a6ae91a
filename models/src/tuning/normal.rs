//! The normal distribution on a stretch of the line.

use statrs::distribution::{ContinuousCDF, Normal};

/// The probability that a standard normal number lies between `a` and `b`, without loss in either
/// tail.
pub(super) fn mass(a: f64, b: f64) -> f64 {
    let below = |x: f64| Normal::standard().cdf(x);
    // Far to the right, both are nearly 1, and their difference has few digits.
    if a > 0.0 { below(-a) - below(-b) } else { below(b) - below(a) }
}

/// The number below which the part `part` of the normal numbers between `a` and `b` lies.
pub(super) fn quantile(a: f64, b: f64, part: f64) -> f64 {
    let normal = Normal::standard();
    let (below, above) = (normal.cdf(a), normal.cdf(b));
    normal.inverse_cdf(below + part * (above - below)).clamp(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The density, summed by Simpson's rule.
    fn sum(a: f64, b: f64) -> f64 {
        let density = |x: f64| (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
        let n = 2000;
        let step = (b - a) / f64::from(n);
        let weight = |i: i32| match i {
            0 => 1.0,
            i if i == n => 1.0,
            i => f64::from(2 + 2 * (i % 2)),
        };
        (0..=n).map(|i| weight(i) * density(a + step * f64::from(i))).sum::<f64>() * step / 3.0
    }

    #[test]
    fn the_mass_of_a_stretch_is_the_sum_of_its_density() {
        for (a, b) in [(-1.0, 2.0), (0.5, 0.6), (-7.0, -6.0), (6.0, 7.0), (9.0, 9.1), (0.0, 1.0)] {
            let (mass, sum) = (mass(a, b), sum(a, b));
            assert!((mass / sum - 1.0).abs() < 1e-9, "{a} to {b}: {mass}, {sum}");
        }
    }

    #[test]
    fn a_quantile_has_its_part_of_the_mass_below() {
        for (a, b) in [(-1.0, 2.0), (0.0, 1.0), (-3.0, 0.0), (-0.01, 0.02), (0.0, 200.0)] {
            for part in [0.0, 1e-6, 0.25, 0.5, 0.999] {
                let x = quantile(a, b, part);
                assert!((a..=b).contains(&x));
                assert!((mass(a, x) - part * mass(a, b)).abs() < 1e-10, "{a} {b} {part}: {x}");
            }
        }
    }
}
