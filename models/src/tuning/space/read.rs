//! A search space from a text in TOML.
//!
//! ```toml
//! [finetune-lr]
//! log-uniform = [3e-4, 0.1]
//!
//! [finetune-epochs]
//! integer = [20, 200]
//! log = true                       # uniform in the logarithm
//!
//! [objective]
//! choice = ["plain", "denoise"]
//!
//! [corruption]
//! uniform = [0.1, 0.6]
//! when = { objective = "denoise" } # or a list of values; several conditions hold together
//! ```
//!
//! A mistake is refused with its line and its parameter.

mod conditions;
mod domain;

use super::{Condition, Parameter, Space};
use crate::error::{Error, ErrorKind};
use crate::tuning::value::Value;
use std::fmt::Display;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Judges a value of the parameter that is named: an end of its range, or a choice.
pub type Check<'a> = &'a dyn Fn(&str, &Value) -> Result<(), String>;

/// The keys of a parameter.
const KEYS: [&str; 6] = ["uniform", "log-uniform", "integer", "choice", "log", "when"];

/// A parameter and the lines that it was read from.
struct Found {
    parameter: Parameter,
    line: usize,
    condition_lines: Vec<usize>,
}

impl Space {
    /// The space that `text` describes. `check` judges both ends of each range and each choice.
    ///
    /// The parameters keep their order, but for those that stand before one that their conditions
    /// name: they move behind it.
    ///
    /// # Errors
    /// The first mistake, with its line and its parameter.
    pub fn read(text: &str, check: Check<'_>) -> Result<Space, Error> {
        let reader = Reader { text, check };
        let table = DeTable::parse(text).map_err(|e| {
            let line = e.span().map_or(1, |span| reader.line(span.start));
            fail(line, format!("this is no TOML: {}", e.message()))
        })?;
        let mut entries: Vec<_> = table.get_ref().iter().collect();
        // The table is sorted by name.
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut found = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            found.push(reader.parameter(key, value)?);
        }
        if found.is_empty() {
            return Err(fail(
                1,
                "the space has no parameter: write [NAME] and below it a range such as \
                 uniform = [0.0, 0.5]",
            ));
        }
        conditions::resolve(found)
    }
}

struct Reader<'a> {
    text: &'a str,
    check: Check<'a>,
}

impl Reader<'_> {
    /// The line, from 1 on, of a byte of the text.
    fn line(&self, byte: usize) -> usize {
        1 + self.text.bytes().take(byte).filter(|&byte| byte == b'\n').count()
    }

    fn parameter(
        &self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Found, Error> {
        let (name, line) = (key.get_ref().as_ref(), self.line(key.span().start));
        let Some(table) = value.get_ref().as_table() else {
            return Err(blame(
                line,
                name,
                format!("write [{name}] and below it a range such as uniform = [0.0, 0.5]"),
            ));
        };
        let mut keys: Vec<_> = table.iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        let (mut domain, mut log, mut when) = (None, None, None);
        for (key, value) in keys {
            let (word, line) = (key.get_ref().as_ref(), self.line(key.span().start));
            match word {
                "log" => match value.get_ref() {
                    DeValue::Boolean(yes) => log = Some((line, *yes)),
                    _ => return Err(blame(line, name, "log must be true or false")),
                },
                "when" => when = Some((line, value)),
                _ if !KEYS.contains(&word) => {
                    let nearest = nearest(word, KEYS);
                    return Err(blame(
                        line,
                        name,
                        format!("there is no key {word}: did you mean {nearest}?"),
                    ));
                }
                _ => match &domain {
                    None => domain = Some((line, word, value)),
                    Some((_, first, _)) => {
                        return Err(blame(
                            line,
                            name,
                            format!("it has {first} already: leave {word} out, or {first}"),
                        ));
                    }
                },
            }
        }
        let Some((domain_line, word, value)) = domain else {
            return Err(blame(
                line,
                name,
                "it has no values: add uniform, log-uniform, integer or choice",
            ));
        };
        let log = match log {
            Some((line, _)) if word != "integer" => {
                return Err(blame(
                    line,
                    name,
                    format!("log goes with integer, not with {word}: log-uniform is one key"),
                ));
            }
            log => log.is_some_and(|(_, yes)| yes),
        };
        let domain = domain::read(word, log, value.get_ref())
            .and_then(|domain| domain::check(&domain, |value| (self.check)(name, value)))
            .map_err(|problem| blame(domain_line, name, problem))?;
        let (conditions, condition_lines) = match when {
            None => (Vec::new(), Vec::new()),
            Some((line, value)) => self.conditions(name, line, value.get_ref())?,
        };
        let parameter = Parameter { name: name.to_string(), domain, conditions };
        Ok(Found { parameter, line, condition_lines })
    }

    /// The conditions by the name of the other parameter, and their lines.
    fn conditions(
        &self,
        name: &str,
        line: usize,
        when: &DeValue<'_>,
    ) -> Result<(Vec<Condition>, Vec<usize>), Error> {
        let table = when.as_table().filter(|table| !table.is_empty()).ok_or_else(|| {
            blame(line, name, "when takes conditions, such as { objective = \"denoise\" }")
        })?;
        let mut conditions = Vec::with_capacity(table.len());
        for (key, value) in table {
            let line = self.line(key.span().start);
            let values = match value.get_ref() {
                DeValue::Array(items) => items.iter().map(Spanned::get_ref).collect(),
                value => vec![value],
            };
            let is: Result<Vec<Value>, String> = values.into_iter().map(domain::value).collect();
            let is = is.map_err(|problem| blame(line, name, problem))?;
            if is.is_empty() {
                let problem = format!("the condition on {} has no value", key.get_ref());
                return Err(blame(line, name, problem));
            }
            conditions.push((Condition { parameter: key.get_ref().to_string(), is }, line));
        }
        Ok(conditions.into_iter().unzip())
    }
}

/// An error at a line.
fn fail(line: usize, problem: impl Display) -> Error {
    let message = format!("line {line}: {problem}").replace(char::is_control, " ");
    Error::of(ErrorKind::Setting, message)
}

/// An error at a line that is a parameter's.
fn blame(line: usize, name: &str, problem: impl Display) -> Error {
    fail(line, format_args!("{name}: {problem}"))
}

/// The name that is nearest to `word`.
fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> &'a str {
    names.into_iter().min_by_key(|name| strsim::levenshtein(word, name)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
