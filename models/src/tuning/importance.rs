//! The importance of each hyperparameter, by PED-ANOVA: how much denser the best trials are at some
//! of its values than all trials are.
//!
//! - S. Watanabe, A. Bansal, F. Hutter, PED-ANOVA: Efficiently Quantifying Hyperparameter
//!   Importance in Arbitrary Subspaces, IJCAI 2023, arXiv:2304.10255: equation 16, the Pearson
//!   divergence of two densities of one parameter, times the square of the best trials' share.
//! - Conditional parameters as in Conditional PED-ANOVA, arXiv:2601.20800, theorem 4.2: the
//!   divergence within the trials that have the parameter, from one domain, is weighed by
//!   alpha^2 / beta, the shares of these trials among the best and among all.
//!
//! The settings are those of Optuna: the best tenth is compared with all trials, on a grid of at
//! most 50 places.

mod density;

use super::space::Domain;
use super::study::{Direction, State, Study, Trial};
use super::value::Values;
use std::collections::BTreeSet;

/// The part of the trials that counts as best.
const BEST: f64 = 0.1;

/// Fewer trials of one domain are no density.
const LEAST_TRIALS: usize = 2;

/// The importance of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// The parameter's name.
    pub parameter: String,
    /// The weighed divergence: zero without influence, and without an upper limit.
    pub divergence: f64,
    /// Its share of the sum over all parameters; zero if that sum is.
    pub share: f64,
}

/// The importance of each parameter of the trials that are complete, the largest first. Trials
/// without a finite value are left out. With fewer than two trials nothing is known: all are zero.
pub fn importance(study: &Study) -> Vec<Importance> {
    let trials: Vec<(f64, &Trial)> = study
        .trials
        .iter()
        .filter(|trial| trial.state == State::Complete)
        .filter_map(|trial| Some((trial.value.filter(|value| value.is_finite())?, trial)))
        .collect();
    let names: BTreeSet<&str> =
        trials.iter().flat_map(|(_, trial)| trial.domains.keys().map(String::as_str)).collect();
    let all: Vec<&Trial> = trials.iter().map(|&(_, trial)| trial).collect();
    let best = best(study.direction, &trials);
    let divergence = |name: &str| if all.len() < 2 { 0.0 } else { divergence(name, &best, &all) };
    let mut out: Vec<Importance> = names
        .into_iter()
        .map(|name| Importance {
            parameter: name.to_string(),
            divergence: divergence(name),
            share: 0.0,
        })
        .collect();
    let sum: f64 = out.iter().map(|one| one.divergence).sum();
    if sum > 0.0 {
        out.iter_mut().for_each(|one| one.share = one.divergence / sum);
    }
    // Stable: equal ones stay in the order of their names.
    out.sort_by(|a, b| b.divergence.total_cmp(&a.divergence));
    out
}

/// The best part of the trials, and those that are as good as the last of them.
fn best<'a>(direction: Direction, trials: &[(f64, &'a Trial)]) -> Vec<&'a Trial> {
    let mut values: Vec<f64> = trials.iter().map(|&(value, _)| value).collect();
    values.sort_by(|a, b| match direction {
        Direction::Minimize => a.total_cmp(b),
        Direction::Maximize => b.total_cmp(a),
    });
    let last = ((BEST * values.len() as f64).ceil() as usize).saturating_sub(1);
    let Some(&last) = values.get(last) else { return Vec::new() };
    let good = trials.iter().filter(|&&(value, _)| !direction.better(last, value));
    good.map(|&(_, trial)| trial).collect()
}

/// The divergence of a parameter, weighed over the domains that trials drew it from.
fn divergence(name: &str, best: &[&Trial], all: &[&Trial]) -> f64 {
    let mut domains: Vec<&Domain> = Vec::new();
    for domain in all.iter().filter_map(|trial| trial.domains.get(name)) {
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    let quantile = best.len() as f64 / all.len() as f64;
    let of = |domain: &Domain, trials: &[&Trial]| -> Vec<Values> {
        let those = trials.iter().filter(|trial| trial.domains.get(name) == Some(domain));
        those.map(|trial| trial.values.clone()).collect()
    };
    let sum: f64 = domains
        .into_iter()
        .map(|domain| {
            let (best_here, all_here) = (of(domain, best), of(domain, all));
            if all_here.len() < LEAST_TRIALS || best_here.is_empty() {
                return 0.0;
            }
            let alpha = best_here.len() as f64 / best.len() as f64;
            let beta = all_here.len() as f64 / all.len() as f64;
            let here = density::pearson_divergence(name, domain, &best_here, &all_here);
            alpha * alpha / beta * here
        })
        .sum();
    sum * quantile * quantile
}

#[cfg(test)]
mod tests;
