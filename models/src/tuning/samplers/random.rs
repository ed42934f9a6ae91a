//! Random search: each parameter on its own, uniform on its scale.
//!
//! J. Bergstra, Y. Bengio, Random Search for Hyper-Parameter Optimization, JMLR 13, 2012.

use super::draws::Draws;
use super::scale::{Kind, Scale};
use crate::tuning::space::{Domain, Space};
use crate::tuning::value::{Value, Values};

/// The values of trial `number`. A parameter's value does not depend on which others are there.
pub(super) fn sample(space: &Space, number: usize, seed: u64) -> Values {
    let mut values = Values::new();
    for (place, parameter) in space.parameters.iter().enumerate() {
        if parameter.is_active(&values) {
            let value = draw(&parameter.domain, &mut Draws::new(seed, number, place));
            values.insert(parameter.name.clone(), value);
        }
    }
    values
}

/// A value of the domain.
pub(super) fn draw(domain: &Domain, draws: &mut Draws) -> Value {
    match Kind::of(domain) {
        Kind::Range(scale) => within(&scale, [scale.low, scale.high], draws),
        Kind::Choice(values) => values[draws.place(values.len())].clone(),
    }
}

/// A value between two places of a scale.
pub(super) fn within(scale: &Scale, [low, high]: [f64; 2], draws: &mut Draws) -> Value {
    scale.value(scale.number(low + draws.uniform() * (high - low)))
}
