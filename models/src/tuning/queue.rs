//! The queue of a study: trials that wait, with some of their values fixed by whoever put them
//! there, as Optuna's `enqueue_trial` does.

use super::journal::{Locked, internal};
use super::samplers::Strategy;
use super::space::{Domain, Parameter, Space};
use super::study::Study;
use super::value::{Value, Values};
use serde_json::Value as Json;

/// Optuna's attribute with the values that it fixed.
const FIXED: &str = "fixed_params";

/// The values of the trial `number`, which waits: the fixed ones, and the others at random.
///
/// # Errors
/// If a fixed value is of no parameter of the space, or outside of its domain.
pub(super) fn values(
    journal: &Locked<'_>,
    number: usize,
    space: &Space,
    seed: u64,
) -> Result<Values, String> {
    let study = journal.study().ok_or("there is no study")?;
    let fixed = fixed(study, number)?;
    let is_known = |name: &&String| space.parameters.iter().any(|of| of.name == **name);
    if let Some(name) = fixed.keys().find(|name| !is_known(name)) {
        return Err(format!("{name} is not in the search space"));
    }
    let mut parameters = space.parameters.clone();
    for Parameter { name, domain, .. } in &mut parameters {
        let Some(json) = fixed.get(name) else { continue };
        let value = value(domain, json);
        let value = value.ok_or_else(|| format!("{name} = {json} is outside of its domain"))?;
        // Conditions on it look at its value as at any other.
        *domain = Domain::Choice(vec![value]);
    }
    let values = Strategy::Random.sample(&Space { parameters }, study, number, seed);
    values.ok_or_else(|| "no values can be drawn".to_string())
}

/// The values that are fixed, by their parameters' names.
fn fixed(study: &Study, number: usize) -> Result<serde_json::Map<String, Json>, String> {
    let trial = study.trials.get(number).ok_or("there is no such trial")?;
    let mut all = match trial.system.get(FIXED) {
        None | Some(Json::Null) => serde_json::Map::new(),
        Some(Json::Object(all)) => all.clone(),
        Some(other) => return Err(format!("its {FIXED} are {other}")),
    };
    // A trial may also wait with values of its own.
    let own = trial.values.iter();
    all.extend(own.map(|(name, value)| (name.clone(), serde_json::json!(value))));
    Ok(all)
}

/// The value of the domain that JSON writes so.
fn value(domain: &Domain, json: &Json) -> Option<Value> {
    let value = match (domain, json) {
        (Domain::Float { .. }, Json::Number(x)) => Value::Float(x.as_f64()?),
        (Domain::Integer { .. }, Json::Number(x)) => match (x.as_i64(), x.as_f64()) {
            (Some(n), _) => Value::Integer(n),
            // Python's 64.0, if it is whole and exact.
            (None, Some(x)) if x.fract() == 0.0 && x.abs() < 9e15 => Value::Integer(x as i64),
            _ => return None,
        },
        (Domain::Choice(values), json) => {
            let same = |value: &&Value| match (value.number(), json.as_f64()) {
                (Some(a), Some(b)) => a == b,
                _ => serde_json::json!(value) == *json,
            };
            values.iter().find(same)?.clone()
        }
        _ => return None,
    };
    internal(domain, &value).is_some().then_some(value)
}
