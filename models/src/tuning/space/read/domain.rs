//! The values of a parameter, as its keys tell them.

use crate::tuning::space::Domain;
use crate::tuning::value::Value;
use toml::de::{DeInteger, DeValue};

/// The largest whole number, and the least but for its sign, that a range may end at: up to here
/// every whole number is an `f64`.
const MOST: i64 = 1 << 53;

/// The domain that the key `word` has. `log` is that of `integer`.
pub(super) fn read(word: &str, log: bool, value: &DeValue<'_>) -> Result<Domain, String> {
    let items = match value {
        DeValue::Array(items) => items,
        _ if word == "choice" => return Err("choice takes a list, such as [1, 2]".to_string()),
        _ => return Err(format!("{word} takes two numbers, as in [least, largest]")),
    };
    let values: Vec<Value> =
        items.iter().map(|item| self::value(item.get_ref())).collect::<Result<_, _>>()?;
    if word == "choice" {
        return choice(values);
    }
    let (low, high) = match values.as_slice() {
        [low, high] => (low, high),
        _ => {
            return Err(format!(
                "{word} takes two numbers, [least, largest], not {}",
                values.len()
            ));
        }
    };
    if word == "integer" {
        return match (low, high) {
            (&Value::Integer(low), &Value::Integer(high)) => integer(low, high, log),
            _ => Err(format!("integer takes two whole numbers, not {low} and {high}")),
        };
    }
    match (low.number(), high.number()) {
        (Some(low), Some(high)) => float(low, high, word == "log-uniform"),
        _ => Err(format!("{word} takes two numbers, not {low} and {high}")),
    }
}

fn float(low: f64, high: f64, log: bool) -> Result<Domain, String> {
    range(low, high)?;
    if !(high - low).is_finite() {
        return Err(format!("the range from {low:?} to {high:?} is too wide"));
    }
    if log && low <= 0.0 {
        return Err(format!("{low:?} has no logarithm: the range must begin above 0"));
    }
    Ok(Domain::Float { low, high, log })
}

fn integer(low: i64, high: i64, log: bool) -> Result<Domain, String> {
    range(low, high)?;
    if low < -MOST || high > MOST {
        return Err(format!("the range must lie between {} and {MOST}", -MOST));
    }
    if log && low < 1 {
        return Err(format!("{low} has no logarithm: the range must begin at 1 or above"));
    }
    Ok(Domain::Integer { low, high, log })
}

/// Refuses a range without values, or with a single one.
fn range<T: PartialOrd + std::fmt::Debug>(low: T, high: T) -> Result<(), String> {
    if low == high {
        return Err(format!("the range holds {low:?} alone: write choice = [{low:?}]"));
    }
    if low > high {
        return Err(format!("the range from {low:?} to {high:?} is empty: swap its ends"));
    }
    Ok(())
}

fn choice(values: Vec<Value>) -> Result<Domain, String> {
    if values.is_empty() {
        return Err("choice has no value".to_string());
    }
    for (i, value) in values.iter().enumerate() {
        if values[..i].iter().any(|earlier| same(earlier, value)) {
            return Err(format!("choice has {value} twice: leave one out"));
        }
    }
    Ok(Domain::Choice(values))
}

/// True if an option takes both for the same.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a.number(), b.number()) {
        (Some(a), Some(b)) => a == b,
        _ => a.to_string() == b.to_string(),
    }
}

/// A single value.
pub(super) fn value(value: &DeValue<'_>) -> Result<Value, String> {
    match value {
        DeValue::Boolean(yes) => Ok(Value::Bool(*yes)),
        DeValue::Integer(n) => whole(n).map(Value::Integer),
        DeValue::Float(x) => match x.as_str().parse::<f64>() {
            Ok(x) if x.is_finite() => Ok(Value::Float(x)),
            _ => Err(format!("{} is no finite number", x.as_str())),
        },
        DeValue::String(text) => Ok(Value::Text(text.to_string())),
        DeValue::Datetime(time) => Err(format!("{time} is a time: put it in quotes")),
        DeValue::Array(_) => Err("a list stands where one value is meant".to_string()),
        DeValue::Table(_) => Err("a table stands where one value is meant".to_string()),
    }
}

fn whole(n: &DeInteger<'_>) -> Result<i64, String> {
    i64::from_str_radix(n.as_str(), n.radix()).map_err(|_| format!("{n} has more than 64 bits"))
}

/// The domain, if `check` accepts the ends of its range, or all of its choices.
pub(super) fn check(
    domain: &Domain,
    check: impl Fn(&Value) -> Result<(), String>,
) -> Result<Domain, String> {
    match *domain {
        Domain::Float { low, high, .. } => {
            [low, high].into_iter().try_for_each(|end| check(&Value::Float(end)))?;
        }
        Domain::Integer { low, high, .. } => {
            [low, high].into_iter().try_for_each(|end| check(&Value::Integer(end)))?;
        }
        Domain::Choice(ref values) => values.iter().try_for_each(check)?,
    }
    Ok(domain.clone())
}
