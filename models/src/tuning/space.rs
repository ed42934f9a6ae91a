//! A search space: the parameters of a trial, the values that each may take, and the conditions
//! under which it is there.

mod read;
mod write;

use super::value::{Value, Values};
use std::collections::BTreeMap;

pub use read::Check;

/// The values that a parameter may take.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// Any number from `low` to `high`, both included.
    Float {
        /// The least value.
        low: f64,
        /// The largest value.
        high: f64,
        /// True if the logarithm is drawn uniformly.
        log: bool,
    },
    /// Any whole number from `low` to `high`, both included.
    Integer {
        /// The least value.
        low: i64,
        /// The largest value.
        high: i64,
        /// True if the logarithm is drawn uniformly.
        log: bool,
    },
    /// One of these, without an order.
    Choice(Vec<Value>),
}

/// A parameter is there only where another has one of some values.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The other parameter's name.
    pub parameter: String,
    /// Its values.
    pub is: Vec<Value>,
}

/// A parameter of the search.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The name, which is that of an option without its dashes.
    pub name: String,
    /// The values.
    pub domain: Domain,
    /// All of these hold where the parameter is there.
    pub conditions: Vec<Condition>,
}

/// The parameters, each behind those that its conditions name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Space {
    /// The parameters.
    pub parameters: Vec<Parameter>,
}

impl Parameter {
    /// True if the parameter is there beside `values`.
    pub fn is_active(&self, values: &Values) -> bool {
        self.conditions.iter().all(|condition| {
            values.get(&condition.parameter).is_some_and(|value| condition.is.contains(value))
        })
    }
}

impl Space {
    /// The space without the parameters that are `fixed` at the text that an option takes. A
    /// condition on one is decided: it falls away, or takes its parameter with it.
    pub fn without(&self, fixed: &BTreeMap<String, String>) -> Space {
        let mut left: Vec<Parameter> = Vec::with_capacity(self.parameters.len());
        for parameter in self.parameters.iter().filter(|p| !fixed.contains_key(&p.name)) {
            let holds = |condition: &Condition| match fixed.get(&condition.parameter) {
                Some(text) => condition.is.iter().any(|value| value.is_written(text)),
                None => left.iter().any(|other| other.name == condition.parameter),
            };
            if parameter.conditions.iter().all(holds) {
                let mut parameter = parameter.clone();
                parameter.conditions.retain(|condition| !fixed.contains_key(&condition.parameter));
                left.push(parameter);
            }
        }
        Space { parameters: left }
    }
}
