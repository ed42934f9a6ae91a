//! The domain of a parameter as Optuna's distribution, and its values as Optuna numbers them.

use super::json;
use crate::tuning::{Domain, Value};
use serde::Deserialize;
use serde_json::{Value as Json, json};

/// A distribution.
#[derive(Clone, Debug)]
pub(super) struct Distribution {
    /// The name of Optuna's class.
    class: String,
    pub(super) domain: Domain,
}

#[derive(Deserialize)]
struct Described {
    name: String,
    attributes: Attributes,
}

#[derive(Deserialize)]
struct Attributes {
    #[serde(default)]
    low: Json,
    #[serde(default)]
    high: Json,
    #[serde(default)]
    log: bool,
    #[serde(default)]
    choices: Vec<Json>,
}

impl Distribution {
    /// The distribution that a text of Optuna describes. Its step is not kept: values are drawn
    /// anew from the domains of our own space alone.
    pub(super) fn read(text: &str) -> Result<Distribution, String> {
        let Described { name, attributes } = json::read(text.as_bytes())
            .map_err(|error| format!("the distribution {text:?} cannot be read: {error}"))?;
        let Attributes { low, high, log, choices } = attributes;
        let domain = match &name[..] {
            "CategoricalDistribution" => {
                Domain::Choice(choices.iter().map(choice).collect::<Result<_, _>>()?)
            }
            // The others are those of Optuna 2.
            "FloatDistribution"
            | "UniformDistribution"
            | "LogUniformDistribution"
            | "DiscreteUniformDistribution" => {
                let bound = |json| json::number(json).filter(|x| x.is_finite());
                let (low, high) = bound(&low).zip(bound(&high)).ok_or_else(|| bounds(text))?;
                Domain::Float { low, high, log: log || name == "LogUniformDistribution" }
            }
            "IntDistribution" | "IntUniformDistribution" | "IntLogUniformDistribution" => {
                let (low, high) = low.as_i64().zip(high.as_i64()).ok_or_else(|| bounds(text))?;
                Domain::Integer { low, high, log: log || name == "IntLogUniformDistribution" }
            }
            _ => return Err(format!("the distribution {name:?} is not known")),
        };
        Ok(Distribution { class: name, domain })
    }

    /// The text of a domain, if Optuna takes it.
    pub(super) fn text(domain: &Domain) -> Result<String, String> {
        let (name, attributes) = match domain {
            &Domain::Float { low, high, log } => {
                let good = low.is_finite() && high.is_finite() && (!log || low > 0.0);
                if !good || low > high {
                    return Err(format!("cannot be from {low} to {high}"));
                }
                let attributes = json!({ "low": low, "high": high, "log": log, "step": null });
                ("FloatDistribution", attributes)
            }
            &Domain::Integer { low, high, log } => {
                if low > high || log && low < 1 {
                    return Err(format!("cannot be from {low} to {high}"));
                }
                ("IntDistribution", json!({ "low": low, "high": high, "log": log, "step": 1 }))
            }
            Domain::Choice(choices) => {
                let finite =
                    choices.iter().all(|choice| choice.number().is_none_or(f64::is_finite));
                if choices.is_empty() || !finite {
                    return Err("has no choice, or one that is not a number".into());
                }
                ("CategoricalDistribution", json!({ "choices": choices }))
            }
        };
        Ok(json!({ "name": name, "attributes": attributes }).to_string())
    }

    /// True if a parameter can have both in one study: otherwise Optuna refuses the later one.
    pub(super) fn is_compatible(&self, other: &Distribution) -> bool {
        self.class == other.class
            && match (&self.domain, &other.domain) {
                (Domain::Choice(a), Domain::Choice(b)) => {
                    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
                }
                (Domain::Float { log: a, .. }, Domain::Float { log: b, .. })
                | (Domain::Integer { log: a, .. }, Domain::Integer { log: b, .. }) => a == b,
                _ => false,
            }
    }

    /// The value behind Optuna's number.
    pub(super) fn value(&self, internal: &Json) -> Result<Value, String> {
        let x = json::number(internal).filter(|x| x.is_finite());
        let x = x.ok_or_else(|| format!("the value {internal} is not a number"))?;
        match &self.domain {
            Domain::Float { .. } => Ok(Value::Float(x)),
            Domain::Integer { .. } => Ok(Value::Integer(internal.as_i64().unwrap_or(x as i64))),
            // Python counts from the end with negative numbers, but Optuna never writes one.
            Domain::Choice(choices) => {
                let choice = if x >= 0.0 { choices.get(x as usize) } else { None };
                choice.cloned().ok_or_else(|| format!("there is no choice of the number {x}"))
            }
        }
    }
}

/// Optuna's number of a value, as JSON, if the domain has the value.
pub(in crate::tuning) fn internal(domain: &Domain, value: &Value) -> Option<Json> {
    match domain {
        &Domain::Float { low, high, .. } => {
            value.number().filter(|x| (low..=high).contains(x)).map(Json::from)
        }
        &Domain::Integer { low, high, .. } => match *value {
            Value::Integer(n) if (low..=high).contains(&n) => Some(n.into()),
            _ => None,
        },
        Domain::Choice(choices) => {
            choices.iter().position(|choice| choice == value).map(Json::from)
        }
    }
}

fn bounds(text: &str) -> String {
    format!("the distribution {text:?} has no bounds that are numbers")
}

fn choice(json: &Json) -> Result<Value, String> {
    match json {
        Json::Bool(yes) => Ok(Value::Bool(*yes)),
        Json::Number(number) => Ok(match number.as_i64() {
            Some(n) => Value::Integer(n),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        }),
        Json::String(text) => Ok(Value::Text(text.clone())),
        _ => Err(format!("the choice {json} is none of a number, a text, true and false")),
    }
}

/// Equal as Python has it: 1, 1.0 and True are.
fn equal(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Bool(yes) => Some(f64::from(u8::from(*yes))),
        value => value.number(),
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}
