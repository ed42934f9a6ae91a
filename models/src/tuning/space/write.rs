//! A search space as a text in TOML, which reads back to the same.

use super::{Domain, Space};
use crate::error::{Error, ErrorKind};
use crate::tuning::value::Value;
use toml::{Table, Value as Toml};

impl Space {
    /// The text from which [`Space::read`] makes the same space.
    ///
    /// # Errors
    /// If a name or a text cannot be written.
    pub fn to_toml(&self) -> Result<String, Error> {
        let mut text = String::new();
        for parameter in &self.parameters {
            let mut table = Table::new();
            let (key, value) = match &parameter.domain {
                Domain::Float { low, high, log } => (
                    if *log { "log-uniform" } else { "uniform" },
                    [*low, *high].map(Toml::Float).to_vec(),
                ),
                Domain::Integer { low, high, .. } => {
                    ("integer", [*low, *high].map(Toml::Integer).to_vec())
                }
                Domain::Choice(values) => ("choice", values.iter().map(toml).collect()),
            };
            table.insert(key.to_string(), Toml::Array(value));
            if let Domain::Integer { log: true, .. } = parameter.domain {
                table.insert("log".to_string(), Toml::Boolean(true));
            }
            let when: Table = parameter
                .conditions
                .iter()
                .map(|condition| {
                    let values = condition.is.iter().map(toml).collect();
                    (condition.parameter.clone(), Toml::Array(values))
                })
                .collect();
            if !when.is_empty() {
                table.insert("when".to_string(), Toml::Table(when));
            }
            let whole = Table::from_iter([(parameter.name.clone(), Toml::Table(table))]);
            let part = toml::to_string(&whole).map_err(|e| {
                let problem = format!("{}: it cannot be written as TOML: {e}", parameter.name);
                Error::of(ErrorKind::Setting, problem.replace(char::is_control, " "))
            })?;
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&part);
        }
        Ok(text)
    }
}

fn toml(value: &Value) -> Toml {
    match value {
        Value::Bool(yes) => Toml::Boolean(*yes),
        Value::Integer(n) => Toml::Integer(*n),
        Value::Float(x) => Toml::Float(*x),
        Value::Text(text) => Toml::String(text.clone()),
    }
}
