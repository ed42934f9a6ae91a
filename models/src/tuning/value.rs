//! The value of a parameter.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A value of a parameter, as TOML and JSON have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
}

/// The values of a trial by the parameter's name: those that are active.
pub type Values = BTreeMap<String, Value>;

/// As an option takes it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(yes) => yes.fmt(f),
            Value::Integer(n) => n.fmt(f),
            // The shortest text that reads back to the same bits.
            Value::Float(x) => write!(f, "{x:?}"),
            Value::Text(text) => text.fmt(f),
        }
    }
}

impl Value {
    /// The number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match *self {
            Value::Integer(n) => Some(n as f64),
            Value::Float(x) => Some(x),
            Value::Bool(_) | Value::Text(_) => None,
        }
    }

    /// True if an option takes `text` for this value.
    pub fn is_written(&self, text: &str) -> bool {
        let same = |x: f64| text.trim().parse() == Ok(x);
        self.to_string() == text || self.number().is_some_and(same)
    }
}
