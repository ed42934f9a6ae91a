//! Random search from coarse to fine, as taught: first in the whole space, then in the region of
//! the best trials, then in the region of the best among all of those, and so on.

use super::draws::Draws;
use super::random::{draw, within};
use super::ranking::ranked;
use super::scale::Kind;
use crate::tuning::space::{Parameter, Space};
use crate::tuning::study::{Study, Trial};
use crate::tuning::value::{Value, Values};

/// The trials of a stage.
const STAGE: usize = 20;

/// The best trials, whose region the next stage searches.
const BEST: usize = 5;

/// No region is a smaller part of the range: the best of the last stage may lie beside it.
const LEAST_PART: f64 = 0.05;

/// The values of trial `number`: in the region of the best of the stages before its own.
pub(super) fn sample(space: &Space, study: &Study, number: usize, seed: u64) -> Values {
    let start = number / STAGE * STAGE;
    let mut best = ranked(study, |trial| trial.number < start);
    best.truncate(BEST);
    // Fewer are no region yet.
    if best.len() < BEST {
        best.clear();
    }
    let mut values = Values::new();
    for (place, parameter) in space.parameters.iter().enumerate() {
        if parameter.is_active(&values) {
            let value = near(parameter, &best, &mut Draws::new(seed, number, place));
            values.insert(parameter.name.clone(), value);
        }
    }
    values
}

/// A value in the region of the best: from the least of theirs to the largest, and on both sides
/// half of what lies between two of them, on average. In the whole domain if they have none.
fn near(parameter: &Parameter, best: &[&Trial], draws: &mut Draws) -> Value {
    let theirs = best.iter().filter_map(|trial| trial.values.get(&parameter.name));
    match Kind::of(&parameter.domain) {
        Kind::Range(scale) => {
            let places: Vec<f64> = theirs
                .filter_map(Value::number)
                .filter(|&x| scale.holds(x))
                .map(|x| scale.place(x))
                .collect();
            if places.is_empty() {
                return draw(&parameter.domain, draws);
            }
            let low = places.iter().copied().fold(f64::INFINITY, f64::min);
            let high = places.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let between = (high - low) / places.len().saturating_sub(1).max(1) as f64;
            let least = LEAST_PART * (scale.high - scale.low) - (high - low);
            let margin = (between / 2.0).max(least / 2.0);
            let region = [(low - margin).max(scale.low), (high + margin).min(scale.high)];
            within(&scale, region, draws)
        }
        Kind::Choice(values) => {
            let theirs: Vec<&Value> = theirs.collect();
            let left: Vec<&Value> = values.iter().filter(|value| theirs.contains(value)).collect();
            match left.len() {
                0 => draw(&parameter.domain, draws),
                n => left[draws.place(n)].clone(),
            }
        }
    }
}
