//! The tree-structured Parzen estimator (TPE): values are tried where good trials are denser than
//! others.
//!
//! The trials are split into good ones and the rest. A density is estimated for each, l for the
//! good and g for the rest. Of a few values drawn from l, the one with the largest l / g is tried:
//! the expected improvement grows with that ratio.
//!
//! - J. Bergstra, R. Bardenet, Y. Bengio, B. Kégl, Algorithms for Hyper-Parameter Optimization,
//!   NeurIPS 2011: section 4, equations 2 and 3.
//! - S. Watanabe, Tree-Structured Parzen Estimator: Understanding Its Algorithm Components and
//!   Their Roles for Better Empirical Performance, arXiv:2304.11127: algorithm 1. Multivariate
//!   kernels are its equation 11.
//!
//! The settings are those of Optuna: 10 trials at random first; the best tenth is good, but no more
//! than 25; 24 values are drawn.
//!
//! **Trials that are not through** and have no value yet count as poor, as do failed ones: so
//! workers side by side spread out. With values at some rungs they are ranked behind those that are
//! through, by how far they came.
//!
//! **Conditional parameters.** Chosen together are parameters with the same conditions, which are
//! there in the same trials. Their densities are those of the trials that have them.

mod parzen;

use super::draws::Draws;
use super::ranking::ranked;
use super::{random, scale::Kind};
use crate::tuning::space::{Parameter, Space};
use crate::tuning::study::{Study, Trial};
use crate::tuning::value::{Value, Values};
use parzen::Parzen;

/// As many trials are random, since fewer say nothing of a density.
const STARTUP: usize = 10;

/// No more trials are good.
const MOST_GOOD: usize = 25;

/// As many values are drawn, of which one is tried.
const CANDIDATES: usize = 24;

/// The values of trial `number`.
pub(super) fn sample(
    space: &Space,
    study: &Study,
    number: usize,
    seed: u64,
    multivariate: bool,
) -> Values {
    let Some(split) = Split::of(study) else {
        return random::sample(space, number, seed);
    };
    let parameters = &space.parameters;
    let mut chosen = Values::new();
    for (place, parameter) in parameters.iter().enumerate() {
        if chosen.contains_key(&parameter.name) || !parameter.is_active(&chosen) {
            continue;
        }
        // Those that conditions name come before: they are chosen by now.
        let group: Vec<&Parameter> = match multivariate {
            true => parameters[place..]
                .iter()
                .filter(|other| other.conditions == parameter.conditions)
                .collect(),
            false => vec![parameter],
        };
        let good = Parzen::of(&points(&group, &split.good), &group);
        let rest = Parzen::of(&points(&group, &split.rest), &group);
        let draws = &mut Draws::new(seed, number, place);
        let candidates = (0..CANDIDATES).map(|_| good.draw(draws));
        let ratio = |point: &[f64]| good.log_density(point) - rest.log_density(point);
        let best = candidates
            .map(|point| (ratio(&point), point))
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        for (parameter, x) in group.iter().zip(best.map(|(_, point)| point).unwrap_or_default()) {
            let value = match Kind::of(&parameter.domain) {
                Kind::Range(scale) => scale.value(x),
                Kind::Choice(values) => values[x as usize].clone(),
            };
            chosen.insert(parameter.name.clone(), value);
        }
    }
    chosen
}

/// The good trials and the rest, by their numbers.
struct Split<'a> {
    good: Vec<&'a Trial>,
    rest: Vec<&'a Trial>,
}

impl Split<'_> {
    /// None if too few results are known.
    fn of(study: &Study) -> Option<Split<'_>> {
        let mut good = ranked(study, |_| true);
        if good.len() < STARTUP {
            return None;
        }
        good.truncate(good.len().div_ceil(10).min(MOST_GOOD));
        let is_good = |trial: &Trial| good.iter().any(|good| good.number == trial.number);
        let rest = study.trials.iter().filter(|trial| !is_good(trial)).collect();
        good.sort_by_key(|trial| trial.number);
        Some(Split { good, rest })
    }
}

/// The points of the trials that have all parameters of a group, each with a value of its domain:
/// a number, or the place of a choice.
fn points(group: &[&Parameter], trials: &[&Trial]) -> Vec<Vec<f64>> {
    let coordinate = |parameter: &Parameter, trial: &Trial| -> Option<f64> {
        let value: &Value = trial.values.get(&parameter.name)?;
        match Kind::of(&parameter.domain) {
            Kind::Range(scale) => value.number().filter(|&x| scale.holds(x)),
            Kind::Choice(values) => values.iter().position(|v| v == value).map(|i| i as f64),
        }
    };
    trials
        .iter()
        .filter_map(|trial| group.iter().map(|parameter| coordinate(parameter, trial)).collect())
        .collect()
}

#[cfg(test)]
mod tests;
