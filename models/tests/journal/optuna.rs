//! Against Optuna itself: its file is read here, and ours there.

use super::python::python;
use super::{described, read, space, values};
use narrows_models::tuning::{Direction, Journal, State};
use serde_json::{Value as Json, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Each operation, as Optuna 5 wrote it.
#[test]
fn a_journal_of_optuna_is_the_study_that_optuna_sees() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.log");
    fs::copy(tests().join("vectors/studies.journal"), &path).unwrap();

    let journal = Journal::open_named(&path, "us", "main").unwrap();
    let right: Json =
        serde_json::from_slice(&fs::read(tests().join("vectors/studies.json")).unwrap()).unwrap();
    let ours = described(journal.study().unwrap());
    for (ours, right) in
        ours["trials"].as_array().unwrap().iter().zip(right["trials"].as_array().unwrap())
    {
        assert_eq!(ours, right);
    }
    assert_eq!(ours, right);

    let refused = |name| Journal::open_named(&path, "us", name).unwrap_err().to_string();
    assert!(refused("two objectives").contains("2 objectives"), "{}", refused("two objectives"));
    assert!(refused("null choices").contains("the choice null"), "{}", refused("null choices"));
    let several = Journal::open(&path, "us").unwrap_err().to_string();
    assert!(several.contains("several studies, such as \"main\" and "), "{several}");
    // A study that was deleted, or never was.
    assert_eq!(Journal::open_named(&path, "us", "gone").unwrap().study(), None);
}

/// Half a pair of surrogates is no text here: it is replaced, and the rest stays as it is.
#[test]
fn a_text_that_is_none_outside_of_python_does_not_hinder_the_study() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.log");
    fs::copy(tests().join("vectors/small.journal"), &path).unwrap();
    let study = read(&path).unwrap();
    assert_eq!(study.attributes["a"], json!([1, null, "\u{fffd}\u{1f600}"]));
    let values: Vec<_> = study.trials.iter().map(|trial| trial.value).collect();
    assert_eq!(values, [Some(1.0), Some(1.0), Some(0.25)]);
}

#[test]
fn optuna_reads_our_journal_goes_on_with_it_and_we_with_its() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.log");
    let mut journal = Journal::open(&path, "worker-1").unwrap();
    let mut locked = journal.lock().unwrap();
    locked.create_study("digits \u{e4}\u{1f600}", Direction::Maximize);
    locked.set_study_attribute("space", json!({"text": "a\n\"b\"", "n": [1, 2.5, null]}));
    for at in 0..6 {
        let mut values = values(at);
        if at == 1 {
            values.insert("depth".into(), narrows_models::tuning::Value::Integer(4));
        }
        let state = if at == 5 { State::Waiting } else { State::Running };
        assert_eq!(locked.create_trial(&values, &space(), state), at);
        locked.set_trial_attribute(at, "worker", json!("worker-1"));
    }
    locked.commit().unwrap();
    let mut locked = journal.lock().unwrap();
    for (step, x) in [f64::NAN, f64::INFINITY, -f64::INFINITY, 0.1 + 0.2, 5e-324].iter().enumerate()
    {
        locked.report(0, 10 * step as u64, *x);
    }
    locked.finish(0, State::Complete, Some(0.1 + 0.2));
    locked.finish(1, State::Complete, Some(f64::NEG_INFINITY));
    locked.report(2, 7, -1.5);
    locked.finish(2, State::Pruned, Some(-1.5));
    locked.finish(3, State::Failed, None);
    locked.commit().unwrap();
    let ours = described(journal.study().unwrap());

    let (file, name) = (path.to_str().unwrap(), "digits \u{e4}\u{1f600}");
    let Some(theirs) = python(&["show", file, name]) else { return };
    assert_eq!(theirs, ours);

    // Five trials of theirs, the waiting one among them.
    let begun = Instant::now();
    let theirs = python(&["optimize", file, name, "5"]).unwrap();
    let mut locked = journal.lock().unwrap();
    let study = locked.study().unwrap();
    assert_eq!(described(study), theirs);
    assert_eq!(study.trials.len(), 10);
    assert_eq!(study.trials[5].state, State::Complete);

    // One more of ours, and then theirs; our locks are not in their way.
    assert_eq!(locked.create_trial(&values(10), &space(), State::Running), 10);
    locked.finish(10, State::Complete, Some(9.0));
    locked.commit().unwrap();
    let theirs = python(&["optimize", file, name, "1"]).unwrap();
    assert_eq!(described(&read(&path).unwrap()), theirs);
    assert_eq!(theirs["trials"].as_array().unwrap().len(), 12);
    // A lock that is left behind would take 30 seconds.
    assert!(begun.elapsed() < Duration::from_secs(25));
}

/// Two of theirs and two of ours at the same time: no line is lost, and no number comes twice.
#[test]
fn optuna_and_we_work_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.log");
    let mut journal = Journal::open(&path, "begin").unwrap();
    let mut locked = journal.lock().unwrap();
    locked.create_study("shared", Direction::Maximize);
    locked.commit().unwrap();

    let file = path.to_str().unwrap();
    let done = std::thread::scope(|scope| {
        for worker in ["a", "b"] {
            let path = &path;
            scope.spawn(move || {
                let mut journal = Journal::open(path, worker).unwrap();
                for at in 0..100 {
                    let mut locked = journal.lock().unwrap();
                    let trial = locked.create_trial(&values(at), &space(), State::Running);
                    locked.set_trial_attribute(trial, "ours", json!([worker, at]));
                    locked.commit().unwrap();
                    let mut locked = journal.lock().unwrap();
                    locked.finish(trial, State::Complete, Some(at as f64));
                    locked.commit().unwrap();
                }
            });
        }
        let theirs = scope.spawn(|| python(&["optimize", file, "shared", "20"]));
        python(&["optimize", file, "shared", "20"]).is_some() & theirs.join().unwrap().is_some()
    });
    let study = read(&path).unwrap();
    let ours: Vec<_> =
        study.trials.iter().filter_map(|trial| trial.attributes.get("ours")).collect();
    for worker in ["a", "b"] {
        let count = |at: usize| ours.iter().filter(|is| ***is == json!([worker, at])).count();
        assert!((0..100).all(|at| count(at) == 1));
    }
    assert_eq!(study.trials.len(), 200 + if done { 40 } else { 0 });
    assert!(study.trials.iter().enumerate().all(|(at, trial)| trial.number == at));
    let ended = |state| matches!(state, State::Complete | State::Pruned);
    assert!(study.trials.iter().all(|trial| ended(trial.state)));
    if done {
        assert_eq!(python(&["show", file, "shared"]).unwrap(), described(&study));
    }
}
