//! The densities of one parameter on a grid, and how far one is from the other.

use crate::tuning::normal::mass;
use crate::tuning::space::Domain;
use crate::tuning::value::{Value, Values};

/// No grid has more places.
const MOST_PLACES: usize = 50;

/// Added to each density, so that none is zero.
const TINY: f64 = 1e-12;

/// The Pearson divergence of the values that `best` have of a parameter from those that `all` have:
/// the sum over the places of q (p / q - 1)^2. Zero if the domain has one value.
pub(super) fn pearson_divergence(
    name: &str,
    domain: &Domain,
    best: &[Values],
    all: &[Values],
) -> f64 {
    let Some(grid) = Grid::of(domain) else { return 0.0 };
    let density = |trials: &[Values]| {
        let values = trials.iter().filter_map(|values| values.get(name));
        grid.density(&grid.counts(values))
    };
    let terms = density(best).into_iter().zip(density(all)).map(|(p, q)| {
        let (p, q) = (p + TINY, q + TINY);
        q * (p / q - 1.0).powi(2)
    });
    terms.sum()
}

/// The places that values of a domain fall on.
enum Grid<'a> {
    Range { places: usize, low: f64, high: f64, log: bool },
    Choice(&'a [Value]),
}

impl Grid<'_> {
    fn of(domain: &Domain) -> Option<Grid<'_>> {
        let (places, low, high, log) = match *domain {
            Domain::Choice(ref values) => {
                return (values.len() > 1).then_some(Grid::Choice(values));
            }
            Domain::Float { low, high, log } => (MOST_PLACES, low, high, log),
            Domain::Integer { low, high, log } => {
                let values = high.abs_diff(low) as f64 + 1.0;
                let places = if log { values.log2().ceil() + 1.0 } else { values };
                (places.min(MOST_PLACES as f64) as usize, low as f64, high as f64, log)
            }
        };
        let on = |x: f64| if log { x.ln() } else { x };
        (low < high).then(|| Grid::Range { places, low: on(low), high: on(high), log })
    }

    /// The number of values at each place. Values that are not of the domain do not count.
    fn counts<'v>(&self, values: impl Iterator<Item = &'v Value>) -> Vec<f64> {
        let places = match self {
            Grid::Range { places, .. } => *places,
            Grid::Choice(choices) => choices.len(),
        };
        let mut counts = vec![0.0; places];
        for value in values {
            let place = match self {
                Grid::Range { places, low, high, log } => value.number().map(|x| {
                    let x = if *log { x.ln() } else { x };
                    let step = (high - low) / (places - 1) as f64;
                    // Half way between two, the lower one.
                    (((x - low) / step - 0.5).ceil().max(0.0) as usize).min(places - 1)
                }),
                Grid::Choice(choices) => choices.iter().position(|choice| choice == value),
            };
            if let Some(place) = place {
                counts[place] += 1.0;
            }
        }
        counts
    }

    /// The Parzen estimate at each place: a kernel on each place that has values, which counts by
    /// their number, and one of weight 1 on the whole grid, the prior.
    fn density(&self, counts: &[f64]) -> Vec<f64> {
        let all: f64 = counts.iter().sum::<f64>() + 1.0;
        let places = counts.len();
        match self {
            Grid::Range { .. } => {
                let (low, high) = (-0.5, places as f64 - 0.5);
                let kernel = |center: f64, width: f64, at: f64| {
                    let z = |x: f64| (x - center) / width;
                    mass(z(at - 0.5), z(at + 0.5)) / mass(z(low), z(high))
                };
                let width = scott(counts);
                let middle = (places - 1) as f64 / 2.0;
                (0..places)
                    .map(|at| {
                        let at = at as f64;
                        let own = counts.iter().enumerate().filter(|(_, count)| **count > 0.0);
                        let own = own.map(|(i, count)| count * kernel(i as f64, width, at));
                        (own.sum::<f64>() + kernel(middle, places as f64, at)) / all
                    })
                    .collect()
            }
            Grid::Choice(_) => {
                // The more kernels, the less each spreads to the other choices.
                let kernels = counts.iter().filter(|count| **count > 0.0).count() as f64 + 1.0;
                let spread = 1.0 / kernels;
                let whole = 1.0 + spread * places as f64;
                let others = (all - 1.0) * spread / whole + 1.0 / places as f64;
                counts.iter().map(|count| (count / whole + others) / all).collect()
            }
        }
    }
}

/// The width of the kernels, by Scott's rule: 1.059 min(interquartile range / 1.34, deviation)
/// n^(-1/5), and so wide that nine tenths of a kernel on a place fall within it at most.
///
/// D. W. Scott, Multivariate Density Estimation, 1992.
fn scott(counts: &[f64]) -> f64 {
    let n: f64 = counts.iter().sum();
    let places = || counts.iter().enumerate().filter(|(_, count)| **count > 0.0);
    let mean = places().map(|(i, count)| i as f64 * count).sum::<f64>() / n;
    let squares: f64 = places().map(|(i, count)| (i as f64 - mean).powi(2) * count).sum();
    let deviation = (squares / (n - 1.0).max(1.0)).sqrt();
    let mut sum = 0.0;
    let sums: Vec<(f64, f64)> = places()
        .map(|(i, count)| {
            sum += count;
            (i as f64, sum)
        })
        .collect();
    let last = sums.last().map_or(0.0, |&(i, _)| i);
    let place = |holds: &dyn Fn(f64) -> bool| {
        sums.iter().find(|&&(_, sum)| holds(sum)).map_or(last, |&(i, _)| i)
    };
    let (first, third) = ((n / 4.0).floor(), (n * 3.0 / 4.0).floor());
    let range = place(&|sum| sum > third) - place(&|sum| sum >= first);
    let width = 1.059 * (range / 1.34).min(deviation) * n.powf(-0.2);
    width.max(0.5 / 1.64)
}
