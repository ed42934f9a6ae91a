//! The journal of a study: against Optuna, and against damage.

mod damage;
mod optuna;
mod python;
mod queue;
mod rules;
mod workers;

use narrows_models::tuning::{Domain, Journal, Parameter, Space, State, Study, Value, Values};
use serde_json::{Map, Value as Json, json};
use std::path::Path;

/// A parameter without conditions.
fn parameter(name: &str, domain: Domain) -> Parameter {
    Parameter { name: name.into(), domain, conditions: Vec::new() }
}

/// A space with a parameter of each kind.
fn space() -> Space {
    let texts = ["dense", "conv"].map(|text| Value::Text(text.into()));
    Space {
        parameters: vec![
            parameter("rate", Domain::Float { low: 1e-5, high: 0.1, log: true }),
            parameter("dropout", Domain::Float { low: 0.0, high: 0.5, log: false }),
            parameter("width", Domain::Integer { low: 16, high: 512, log: true }),
            parameter("model", Domain::Choice(texts.into())),
            parameter("depth", Domain::Integer { low: 1, high: 4, log: false }),
        ],
    }
}

/// Values in the space, another for each number.
fn values(number: usize) -> Values {
    let x = number as f64 / 1000.0 % 1.0;
    Values::from([
        ("rate".into(), Value::Float(1e-5 + 0.09 * x)),
        ("dropout".into(), Value::Float(x / 3.0)),
        ("width".into(), Value::Integer(16 + number as i64 % 400)),
        ("model".into(), Value::Text(["dense", "conv"][number % 2].into())),
    ])
}

/// The study on disk, as somebody sees it who has not seen it before.
fn read(path: &Path) -> Option<Study> {
    Journal::open(path, "reader").unwrap().study().cloned()
}

/// A number as JSON, or Python's word for one that is none.
fn number(x: f64) -> Json {
    match x {
        _ if x.is_nan() => json!("NaN"),
        _ if x.is_infinite() => json!(if x > 0.0 { "Infinity" } else { "-Infinity" }),
        _ => json!(x),
    }
}

/// The study in the form that `python/optuna_journal.py` prints.
fn described(study: &Study) -> Json {
    let state = |state| match state {
        State::Running => "RUNNING",
        State::Complete => "COMPLETE",
        State::Pruned => "PRUNED",
        State::Failed => "FAIL",
        State::Waiting => "WAITING",
    };
    let domain = |domain: &Domain| match domain {
        Domain::Float { low, high, log } => json!(["float", low, high, log]),
        Domain::Integer { low, high, log } => json!(["int", low, high, log]),
        Domain::Choice(choices) => json!(choices),
    };
    let trials = study.trials.iter().map(|trial| {
        let domains: Map<_, _> =
            trial.domains.iter().map(|(name, is)| (name.clone(), domain(is))).collect();
        let intermediate: Map<_, _> =
            trial.intermediate.iter().map(|(step, x)| (step.to_string(), number(*x))).collect();
        json!({
            "number": trial.number,
            "state": state(trial.state),
            "values": trial.values,
            "domains": domains,
            "value": trial.value.map(number),
            "intermediate": intermediate,
            "attributes": trial.attributes,
            "system": trial.system,
            "started": trial.started,
            "ended": trial.ended,
        })
    });
    json!({
        "name": study.name,
        "direction": format!("{:?}", study.direction).to_uppercase(),
        "attributes": study.attributes,
        "trials": trials.collect::<Vec<_>>(),
    })
}
