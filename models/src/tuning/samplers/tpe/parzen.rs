//! The Parzen estimator: a density that is a sum of kernels, one on each point and one on the whole
//! domain, the prior.
//!
//! A kernel is a product over the parameters of
//! - a normal density, cut off at the ends of the range. Its width is the distance to the further
//!   of the two neighbouring points, but not below the range / min(100, n + 2) for n points ("magic
//!   clipping") nor above the range. Whole numbers take the mass of their stretch;
//! - of a choice, (1 + c) / (1 + m c) for the point's own of m values and c / (1 + m c) for the
//!   others, with c = 1 / (n + 1).
//!
//! The last 25 points count as much as the prior, those before less and less: the weights rise from
//! 1 / n on evenly.
//!
//! Watanabe 2023 (arXiv:2304.11127), section 3.3 and appendix C; J. Bergstra, D. Yamins, D. D. Cox,
//! Making a Science of Model Search, ICML 2013. The same density as that of Optuna 5.

use super::super::draws::Draws;
use super::super::scale::{Kind, Scale};
use crate::tuning::normal::{mass, quantile};
use crate::tuning::space::Parameter;

/// As many of the last points count in full.
const FULL: usize = 25;

/// A density over points: of each parameter its number, or the place of its choice.
pub(super) struct Parzen {
    /// The weight of each kernel, the prior last. They sum to 1.
    weights: Vec<f64>,
    columns: Vec<Column>,
}

/// The kernels of one parameter.
enum Column {
    Range(Scale, Vec<Normal>),
    Choice {
        /// The number of values.
        values: usize,
        /// The value of each point.
        of: Vec<usize>,
    },
}

/// A normal density that is cut off at the ends of a scale.
struct Normal {
    center: f64,
    width: f64,
    /// The mass within the scale.
    mass: f64,
}

impl Parzen {
    /// The density of `points`, from the earliest to the latest.
    pub(super) fn of(points: &[Vec<f64>], parameters: &[&Parameter]) -> Parzen {
        let weights = weights(points.len());
        let all: f64 = weights.iter().sum();
        let columns = parameters.iter().enumerate().map(|(i, parameter)| {
            let own = points.iter().map(|point| point[i]);
            match Kind::of(&parameter.domain) {
                Kind::Range(scale) => {
                    let places: Vec<f64> = own.map(|x| scale.place(x)).collect();
                    Column::Range(scale, normals(&scale, &places))
                }
                Kind::Choice(values) => {
                    Column::Choice { values: values.len(), of: own.map(|x| x as usize).collect() }
                }
            }
        });
        Parzen { columns: columns.collect(), weights: weights.iter().map(|w| w / all).collect() }
    }

    /// A random point.
    pub(super) fn draw(&self, draws: &mut Draws) -> Vec<f64> {
        let kernel = pick(&self.weights, draws.uniform());
        let draw = |column: &Column| match column {
            Column::Range(scale, normals) => {
                let Normal { center, width, .. } = normals[kernel];
                let ends = [scale.low, scale.high].map(|end| (end - center) / width);
                scale.number(center + width * quantile(ends[0], ends[1], draws.uniform()))
            }
            Column::Choice { values, of } => {
                let parts: Vec<f64> =
                    (0..*values).map(|value| part(*values, of, kernel, value)).collect();
                pick(&parts, draws.uniform()) as f64
            }
        };
        self.columns.iter().map(draw).collect()
    }

    /// The logarithm of the density on the scales, or of the probability of what is countable.
    pub(super) fn log_density(&self, point: &[f64]) -> f64 {
        let mut logs: Vec<f64> = self.weights.iter().map(|weight| weight.ln()).collect();
        for (column, &x) in self.columns.iter().zip(point) {
            match column {
                Column::Range(scale, normals) => {
                    let (place, stretch) = (scale.place(x), scale.stretch(x));
                    for (log, normal) in logs.iter_mut().zip(normals) {
                        *log += normal.log_density(place, stretch);
                    }
                }
                Column::Choice { values, of } => {
                    for (kernel, log) in logs.iter_mut().enumerate() {
                        *log += part(*values, of, kernel, x as usize).ln();
                    }
                }
            }
        }
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        most + logs.iter().map(|log| (log - most).exp()).sum::<f64>().ln()
    }
}

impl Normal {
    fn log_density(&self, place: f64, stretch: Option<[f64; 2]>) -> f64 {
        match stretch {
            Some(ends) => {
                let [a, b] = ends.map(|end| (end - self.center) / self.width);
                mass(a, b).ln() - self.mass.ln()
            }
            None => {
                let z = (place - self.center) / self.width;
                -z * z / 2.0 - (std::f64::consts::TAU.sqrt() * self.width * self.mass).ln()
            }
        }
    }
}

/// The weights of n points and of the prior behind them.
fn weights(n: usize) -> Vec<f64> {
    let ramp = n.saturating_sub(FULL);
    let first = 1.0 / n.max(1) as f64;
    let step = if ramp > 1 { (1.0 - first) / (ramp - 1) as f64 } else { 0.0 };
    let rising = (0..ramp).map(|i| first + step * i as f64);
    rising.chain(std::iter::repeat_n(1.0, n - ramp + 1)).collect()
}

/// The kernels on points, and the prior behind them.
fn normals(scale: &Scale, places: &[f64]) -> Vec<Normal> {
    let (low, high) = (scale.low, scale.high);
    let n = places.len();
    let least = (high - low) / (n as f64 + 2.0).min(100.0);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| places[a].total_cmp(&places[b]));
    let mut widths = vec![high - low; n];
    for (rank, &i) in order.iter().enumerate() {
        // A single point's neighbours are the ends of the range.
        let end = |end: f64| if n == 1 { Some((places[i] - end).abs()) } else { None };
        let gap = |j: &usize| (places[i] - places[*j]).abs();
        let before = rank.checked_sub(1).map(|rank| gap(&order[rank])).or(end(low));
        let behind = order.get(rank + 1).map(gap).or(end(high));
        let width = before.unwrap_or(0.0).max(behind.unwrap_or(0.0));
        widths[i] = width.clamp(least, high - low);
    }
    let centers = places.iter().copied().chain([(low + high) / 2.0]);
    centers
        .zip(widths.into_iter().chain([high - low]))
        .map(|(center, width)| {
            let mass = mass((low - center) / width, (high - center) / width);
            Normal { center, width, mass }
        })
        .collect()
}

/// The probability that a kernel gives a value, one of `values`. Behind the points' own is the
/// prior, for which all are alike.
fn part(values: usize, of: &[usize], kernel: usize, value: usize) -> f64 {
    let spread = 1.0 / (of.len() + 1) as f64;
    match of.get(kernel) {
        None => 1.0 / values as f64,
        Some(&own) => {
            let own = if own == value { 1.0 } else { 0.0 };
            (own + spread) / (1.0 + spread * values as f64)
        }
    }
}

/// The place at which the parts, summed from the first on, exceed `u` in [0, 1).
fn pick(parts: &[f64], u: f64) -> usize {
    let mut sum = 0.0;
    let place = parts.iter().position(|part| {
        sum += part;
        u < sum
    });
    place.unwrap_or(parts.len() - 1)
}

#[cfg(test)]
mod tests;
