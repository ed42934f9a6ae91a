//! Trials that wait in the queue of a study: they run first, with the values that are fixed.

use super::python::python;
use super::{described, read, space};
use narrows_models::tuning::{
    Direction, Halving, Journal, Next, Schedule, State, Strategy, Value, Values,
};
use serde_json::{Value as Json, json};
use std::fs;
use std::path::Path;

fn schedule() -> Schedule {
    Schedule {
        space: space(),
        strategy: Strategy::Random,
        halving: Halving::none(),
        seed: 1,
        most: None,
        first: vec![Values::new()],
    }
}

/// A journal with a study, and trials that wait as Optuna writes them, each with what it fixes.
fn journal(folder: &Path, fixed: &[Json]) -> Journal {
    let path = folder.join("journal.log");
    let mut journal = Journal::open(&path, "us").unwrap();
    let mut locked = journal.lock().unwrap();
    locked.create_study("study", Direction::Maximize);
    locked.commit().unwrap();
    let lines = fixed.iter().map(|fixed| {
        let line = json!({
            "op_code": 4, "worker_id": "them", "study_id": 0, "datetime_start": null, "state": 4,
            "user_attrs": {}, "system_attrs": { "fixed_params": fixed },
        });
        line.to_string() + "\n"
    });
    let text = fs::read_to_string(&path).unwrap() + &lines.collect::<String>();
    fs::write(&path, text).unwrap();
    journal
}

/// Takes the next trial up, or none.
fn next(journal: &mut Journal, folder: &Path) -> Option<(usize, Values)> {
    let mut locked = journal.lock().unwrap();
    let next = schedule().next(&mut locked, "us", folder, &|_, _| true);
    locked.commit().unwrap();
    match next {
        Next::Job(job) => {
            let mut locked = journal.lock().unwrap();
            locked.finish(job.trial, State::Complete, Some(0.5));
            locked.commit().unwrap();
            Some((job.trial, job.values))
        }
        _ => None,
    }
}

#[test]
fn trials_that_wait_run_first_with_the_values_that_are_fixed() {
    let folder = tempfile::tempdir().unwrap();
    let fixed = [
        json!({ "rate": 0.002, "model": "conv" }),
        json!({ "width": 64.0, "dropout": 0 }),
        json!({}),
    ];
    let mut journal = journal(folder.path(), &fixed);
    for (number, expected) in [
        vec![("rate", Value::Float(0.002)), ("model", Value::Text("conv".into()))],
        vec![("width", Value::Integer(64)), ("dropout", Value::Float(0.0))],
        vec![],
    ]
    .into_iter()
    .enumerate()
    {
        let (trial, values) = next(&mut journal, folder.path()).unwrap();
        assert_eq!(trial, number);
        // The others are drawn.
        assert_eq!(values.len(), space().parameters.len());
        for (name, value) in expected {
            assert_eq!(values[name], value, "{name}");
        }
        assert_eq!(journal.study().unwrap().trials[trial].values, values);
        assert!(journal.study().unwrap().trials[trial].started.is_some());
    }
    // Then the trials that each study begins with.
    assert_eq!(next(&mut journal, folder.path()), Some((3, Values::new())));
    assert_eq!(read(&folder.path().join("journal.log")).as_ref(), journal.study());
}

#[test]
fn one_of_which_nothing_can_be_made_fails_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let fixed = [
        json!({ "rate": 0.5 }),
        json!({ "rate": "fast" }),
        json!({ "width": 64.5 }),
        json!({ "model": "vit" }),
        json!({ "momentum": 0.9 }),
        json!(7),
    ];
    let mut journal = journal(folder.path(), &fixed);
    assert_eq!(next(&mut journal, folder.path()), Some((6, Values::new())));
    let study = journal.study().unwrap();
    for (number, why) in [
        "rate = 0.5 is outside of its domain",
        "rate = \"fast\" is outside of its domain",
        "width = 64.5 is outside of its domain",
        "model = \"vit\" is outside of its domain",
        "momentum is not in the search space",
        "its fixed_params are 7",
    ]
    .into_iter()
    .enumerate()
    {
        let trial = &study.trials[number];
        assert_eq!(trial.state, State::Failed);
        let said = trial.attributes["error"].as_str().unwrap();
        assert_eq!(said, format!("it waited in the queue, but {why}"));
    }
}

#[test]
fn nothing_of_the_queue_begins_without_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path(), &[json!({ "rate": 0.002 })]);
    let mut locked = journal.lock().unwrap();
    let next = schedule().next(&mut locked, "us", folder.path(), &|_, trial| trial.is_some());
    assert_eq!(next, Next::Done);
    locked.commit().unwrap();
    assert_eq!(journal.study().unwrap().trials[0].state, State::Waiting);
}

/// Optuna puts them into the queue, and reads them when they are through.
#[test]
fn trials_that_optuna_enqueued_run_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path(), &[]);
    let path = folder.path().join("journal.log");
    let file = path.to_str().unwrap();
    let queue = r#"[{"rate": 0.02, "model": "conv", "depth": 3}, {"width": 100}]"#;
    if python(&["enqueue", file, "study", queue]).is_none() {
        return;
    }
    let (trial, values) = next(&mut journal, folder.path()).unwrap();
    assert_eq!(
        (trial, &values["rate"], &values["depth"]),
        (0, &Value::Float(0.02), &Value::Integer(3))
    );
    let (trial, values) = next(&mut journal, folder.path()).unwrap();
    assert_eq!((trial, &values["width"]), (1, &Value::Integer(100)));
    assert_eq!(python(&["show", file, "study"]).unwrap(), described(journal.study().unwrap()));
}
