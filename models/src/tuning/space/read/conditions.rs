//! Conditions of parameters on each other: what they name is there, can be so, and comes first.

use super::domain::same;
use super::{Found, blame, nearest};
use crate::error::Error;
use crate::tuning::space::{Condition, Domain, Space};
use crate::tuning::value::Value;
use std::collections::BTreeMap;

/// The space of the parameters, each behind those that its conditions name.
pub(super) fn resolve(mut found: Vec<Found>) -> Result<Space, Error> {
    for i in 0..found.len() {
        let mut conditions = std::mem::take(&mut found[i].parameter.conditions);
        for (condition, &line) in conditions.iter_mut().zip(&found[i].condition_lines) {
            settle(condition, &found)
                .map_err(|problem| blame(line, &found[i].parameter.name, problem))?;
        }
        found[i].parameter.conditions = conditions;
    }
    let sorted = sort(found)?;
    can_hold(&sorted)?;
    Ok(Space { parameters: sorted.into_iter().map(|found| found.parameter).collect() })
}

/// Gives a condition the values as the parameter that it names has them.
fn settle(condition: &mut Condition, found: &[Found]) -> Result<(), String> {
    let name = condition.parameter.as_str();
    let other = found.iter().find(|other| other.parameter.name == name).ok_or_else(|| {
        let names = found.iter().map(|other| other.parameter.name.as_str());
        format!("its condition names {name}, which is no parameter: {} is", nearest(name, names))
    })?;
    for value in &mut condition.is {
        let never = || format!("its condition cannot hold: {name} is never {value}");
        *value = match &other.parameter.domain {
            Domain::Float { .. } => {
                return Err(format!(
                    "its condition is on {name}, which is any number of a range: only an integer \
                     or a choice can decide"
                ));
            }
            Domain::Integer { low, high, .. } => match *value {
                Value::Integer(n) if (*low..=*high).contains(&n) => Value::Integer(n),
                _ => return Err(never()),
            },
            Domain::Choice(choices) => {
                choices.iter().find(|choice| same(choice, value)).cloned().ok_or_else(never)?
            }
        };
    }
    for (i, value) in condition.is.iter().enumerate() {
        if condition.is[..i].contains(value) {
            return Err(format!("its condition has {value} twice: leave one out"));
        }
    }
    Ok(())
}

/// The parameters in the file's order, but each behind those that its conditions name.
fn sort(mut left: Vec<Found>) -> Result<Vec<Found>, Error> {
    let mut sorted: Vec<Found> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        // The parameter that one waits for, and the line that says so.
        let waits = |found: &Found| {
            found.parameter.conditions.iter().zip(&found.condition_lines).find_map(|(on, &line)| {
                let place = left.iter().position(|other| other.parameter.name == on.parameter);
                place.map(|place| (place, line))
            })
        };
        match left.iter().position(|found| waits(found).is_none()) {
            Some(ready) => sorted.push(left.remove(ready)),
            None => {
                // Each of them waits for another: following them leads into a circle.
                let mut way = vec![0];
                let start = loop {
                    let next = waits(&left[way[way.len() - 1]]).map_or(0, |(next, _)| next);
                    match way.iter().position(|&earlier| earlier == next) {
                        Some(start) => break start,
                        None => way.push(next),
                    }
                };
                let name = |&i: &usize| left[i].parameter.name.as_str();
                let circle: Vec<&str> = way[start..].iter().map(name).collect();
                let first = &left[way[start]];
                return Err(blame(
                    waits(first).map_or(first.line, |(_, line)| line),
                    circle[0],
                    format!(
                        "its conditions lead in a circle: {} needs {}",
                        circle.join(" needs "),
                        circle[0]
                    ),
                ));
            }
        }
    }
    Ok(sorted)
}

/// Refuses a parameter that is never there, since its conditions and those of the parameters that
/// they name exclude each other.
fn can_hold(sorted: &[Found]) -> Result<(), Error> {
    // By parameter: the values that others must have.
    let mut needs: BTreeMap<&str, BTreeMap<&str, Vec<&Value>>> = BTreeMap::new();
    for Found { parameter, condition_lines, .. } in sorted {
        let mut own: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for (condition, &line) in parameter.conditions.iter().zip(condition_lines) {
            let direct = [(condition.parameter.as_str(), condition.is.iter().collect())];
            let further = needs.get(condition.parameter.as_str()).cloned().unwrap_or_default();
            for (name, values) in further.into_iter().chain(direct) {
                let all = own.entry(name).or_insert_with(|| values.clone());
                all.retain(|value| values.contains(value));
                if all.is_empty() {
                    return Err(blame(
                        line,
                        &parameter.name,
                        format!("its conditions never hold together: they need {name} twice over"),
                    ));
                }
            }
        }
        needs.insert(&parameter.name, own);
    }
    Ok(())
}
