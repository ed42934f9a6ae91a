//! The rules of a journal: changes are seen at once and written whole or not, and each error says
//! what is wrong.

use super::{described, parameter, read, space, values};
use narrows_models::tuning::{
    Direction, Domain, Journal, Locked, Space, State, Value, Values, Waits,
};
use narrows_models::{Error, ErrorKind};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A journal with a study and two trials, one of which is complete.
fn begun(folder: &Path) -> (PathBuf, Journal) {
    let path = folder.join("journal.log");
    let mut journal = Journal::open(&path, "worker").unwrap();
    assert_eq!(journal.study(), None);
    let mut locked = journal.lock().unwrap();
    locked.create_study("study", Direction::Minimize);
    locked.create_trial(&values(0), &space(), State::Running);
    locked.finish(0, State::Complete, Some(0.5));
    locked.create_trial(&values(1), &space(), State::Running);
    locked.commit().unwrap();
    (path, journal)
}

fn text(result: Result<impl Sized, Error>) -> String {
    result.map(drop).unwrap_err().to_string()
}

#[test]
fn changes_are_seen_at_once_and_undone_without_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut journal) = begun(folder.path());
    let (before, bytes) = (journal.study().cloned(), fs::read(&path).unwrap());
    let mut locked = journal.lock().unwrap();
    locked.report(1, 3, 0.25);
    locked.set_study_attribute("a", json!(1));
    assert_eq!(locked.create_trial(&values(2), &space(), State::Waiting), 2);
    let study = locked.study().unwrap();
    assert_eq!(study.trials[1].intermediate[&3], 0.25);
    assert_eq!(study.trials[2].values, values(2));
    assert_eq!(study.attributes["a"], 1);
    drop(locked);
    assert_eq!(journal.study(), before.as_ref());
    assert_eq!(fs::read(&path).unwrap(), bytes);
    // An undone study neither is there nor keeps its name.
    let mut journal = Journal::open(&folder.path().join("other"), "worker").unwrap();
    let mut locked = journal.lock().unwrap();
    locked.create_study("first", Direction::Minimize);
    drop(locked);
    let mut locked = journal.lock().unwrap();
    assert_eq!(locked.study(), None);
    locked.create_study("second", Direction::Minimize);
    locked.commit().unwrap();
    assert_eq!(journal.study().unwrap().name, "second");
}

#[test]
fn a_waiting_trial_is_started_once() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut journal) = begun(folder.path());
    let mut locked = journal.lock().unwrap();
    locked.create_trial(&values(2), &space(), State::Waiting);
    locked.commit().unwrap();
    let trial = &read(&path).unwrap().trials[2];
    assert_eq!((trial.state, &trial.started), (State::Waiting, &None));
    let mut locked = journal.lock().unwrap();
    locked.start(2);
    locked.commit().unwrap();
    let trial = &read(&path).unwrap().trials[2];
    assert_eq!((trial.state, trial.started.is_some()), (State::Running, true));
    let mut locked = journal.lock().unwrap();
    locked.start(2);
    assert!(text(locked.commit()).ends_with("trial 2 runs already"));
}

/// A change, and the end of the error of its commit.
type Refused<'a> = (&'a dyn Fn(&mut Locked<'_>), &'a str);

#[test]
fn a_change_that_cannot_be_is_told_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut journal) = begun(folder.path());
    let (before, bytes) = (journal.study().cloned(), fs::read(&path).unwrap());
    let with = |name: &str, value: Value| Values::from([(name.into(), value)]);
    let create = |locked: &mut Locked<'_>, name: &str, value: Value| {
        assert_eq!(locked.create_trial(&with(name, value), &space(), State::Running), 2);
    };
    let of = |locked: &mut Locked<'_>, domain: Domain, value: Value| {
        let space = Space { parameters: vec![parameter("rate", domain)] };
        locked.create_trial(&with("rate", value), &space, State::Running);
    };
    let float = |low, high, log| Domain::Float { low, high, log };
    let changes: &[Refused<'_>] = &[
        (&|l| l.create_study("study", Direction::Minimize), "there is a study \"study\" already"),
        (&|l| l.create_study("new", Direction::Minimize), "the journal is that of another study"),
        (&|l| l.finish(0, State::Failed, None), "trial 0 has ended already"),
        (&|l| l.report(0, 1, 1.0), "trial 0 has ended already"),
        (&|l| l.set_trial_attribute(0, "a", json!(1)), "trial 0 has ended already"),
        (&|l| l.report(2, 1, 1.0), "there is no trial 2"),
        (&|l| l.finish(1, State::Complete, None), "trial 1: a complete trial has a value"),
        (&|l| l.finish(1, State::Pruned, Some(f64::NAN)), "trial 1: a trial's value is a number"),
        (&|l| l.finish(1, State::Running, None), "a trial does not end by running or waiting"),
        (&|l| create(l, "rate", Value::Float(0.2)), "trial 2: rate = 0.2 is outside of its domain"),
        (&|l| create(l, "rate", Value::Float(f64::NAN)), "rate = NaN is outside of its domain"),
        (&|l| create(l, "width", Value::Float(20.5)), "width = 20.5 is outside of its domain"),
        (&|l| create(l, "width", Value::Integer(15)), "width = 15 is outside of its domain"),
        (&|l| create(l, "model", Value::Bool(true)), "model = true is outside of its domain"),
        (&|l| create(l, "momentum", Value::Float(0.9)), "momentum is not in the space"),
        // Optuna would pass over these, or not read the file any more.
        (
            &|l| of(l, float(1e-3, 0.5, false), Value::Float(0.1)),
            "rate has another kind of domain in the trials before: begin a study for this",
        ),
        (
            &|l| of(l, Domain::Choice(vec![Value::Float(0.1)]), Value::Float(0.1)),
            "rate has another kind of domain in the trials before: begin a study for this",
        ),
        (&|l| of(l, float(0.0, 1.0, true), Value::Float(0.1)), "rate cannot be from 0 to 1"),
        (&|l| of(l, float(1.0, 0.0, false), Value::Float(0.1)), "rate cannot be from 1 to 0"),
        (&|l| of(l, float(0.0, f64::NAN, false), Value::Float(0.1)), "cannot be from 0 to NaN"),
        (
            &|l| {
                let domain = Domain::Integer { low: 0, high: 5, log: true };
                of(l, domain, Value::Integer(1));
            },
            "rate cannot be from 0 to 5",
        ),
        (&|l| of(l, Domain::Choice(vec![]), Value::Float(0.1)), "rate has no choice, or one that"),
    ];
    for (change, right) in changes {
        let mut locked = journal.lock().unwrap();
        locked.set_study_attribute("seen", json!(true));
        change(&mut locked);
        let problem = text(locked.commit());
        assert!(problem.starts_with(&path.display().to_string()), "{problem}");
        assert!(problem.contains(right), "{problem}\nis not\n{right}");
        assert_eq!(journal.study(), before.as_ref(), "{right}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{right}");
    }
}

#[test]
fn whole_numbers_are_exact_and_stay_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.log");
    let mut journal = Journal::open(&path, "worker").unwrap();
    let (low, high) = (i64::MIN, i64::MAX);
    let space = Space {
        parameters: vec![
            parameter("seed", Domain::Integer { low, high, log: false }),
            parameter("x", Domain::Float { low: -2.0, high: 3.0, log: false }),
            parameter("c", Domain::Choice([2.0, 1.5].map(Value::Float).into())),
        ],
    };
    let mut locked = journal.lock().unwrap();
    locked.create_study("study", Direction::Minimize);
    for seed in [low, high, (1 << 53) + 1] {
        let values = Values::from([
            ("seed".into(), Value::Integer(seed)),
            ("x".into(), Value::Float(2.0)),
            ("c".into(), Value::Float(2.0)),
        ]);
        let trial = locked.create_trial(&values, &space, State::Running);
        assert_eq!(locked.study().unwrap().trials[trial].values, values);
    }
    locked.commit().unwrap();
    assert_eq!(read(&path).as_ref(), journal.study());
}

#[test]
fn two_journals_of_a_file_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut journal) = begun(folder.path());
    let locked = journal.lock().unwrap();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let begun = Instant::now();
            let mut journal = Journal::open(&path, "other").unwrap();
            assert!(begun.elapsed() > Duration::from_millis(200));
            let mut locked = journal.lock().unwrap();
            locked.report(1, 1, 1.0);
            locked.commit().unwrap();
        });
        std::thread::sleep(Duration::from_millis(300));
        drop(locked);
        other.join().unwrap();
    });
    assert!(journal.study().unwrap().trials[1].intermediate.is_empty());
    drop(journal.lock().unwrap());
    assert_eq!(journal.study().unwrap().trials[1].intermediate[&1], 1.0);
}

#[test]
fn a_wait_for_a_lock_can_be_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut journal) = begun(folder.path());
    let waits = || -> Waits { Arc::new(|waited| waited < Duration::from_millis(200)) };
    let mut other = Journal::open_while(&path, "other", waits()).unwrap();
    let locked = journal.lock().unwrap();
    let begun = Instant::now();
    let error = other.lock().map(drop).unwrap_err();
    assert!((Duration::from_millis(200)..Duration::from_secs(5)).contains(&begun.elapsed()));
    assert_eq!(error.kind(), ErrorKind::Stopped);
    let said = error.to_string();
    assert!(said.ends_with("stopped while another process held its lock"), "{said}");
    assert!(Journal::open_while(&path, "third", waits()).is_err());
    drop(locked);
    drop(other.lock().unwrap());
    // The same for the lock that Optuna takes.
    fs::write(folder.path().join("journal.log.lock"), "").unwrap();
    let error = other.lock().map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
    fs::remove_file(folder.path().join("journal.log.lock")).unwrap();
    drop(other.lock().unwrap());
}

#[test]
fn only_the_new_end_is_read_unless_the_file_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut journal) = begun(folder.path());
    let bytes = fs::read(&path).unwrap();
    // Nobody looks at the beginning again.
    let mut damaged = bytes.clone();
    damaged[..20].fill(b'x');
    fs::write(&path, &damaged).unwrap();
    drop(journal.lock().unwrap());
    assert_eq!(journal.take_note(), None);
    // Another file takes its place, by its name or within it.
    let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    let short = String::from_utf8(lines[..6].concat()).unwrap();
    let short = short.replace(",\"narrows_more\":true", "");
    for by_name in [true, false] {
        let other = folder.path().join("other");
        match by_name {
            true => {
                fs::write(&other, &bytes).unwrap();
                fs::rename(&other, &path).unwrap();
            }
            false => fs::write(&path, &short).unwrap(),
        }
        let locked = journal.lock().unwrap();
        assert_eq!(locked.study().unwrap().trials.len(), if by_name { 2 } else { 1 });
        drop(locked);
        let note = journal.take_note().unwrap();
        assert!(note.contains("was replaced or cut off by another program"), "{note}");
        assert_eq!(journal.take_note(), None);
    }
    fs::remove_file(&path).unwrap();
    let gone = text(journal.lock());
    assert!(gone.contains("it was removed while the study runs"), "{gone}");
}

#[test]
fn a_lock_of_ours_that_a_kill_left_is_taken_at_once_and_another_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut journal) = begun(folder.path());
    let link = folder.path().join("journal.log.lock");
    let locked = journal.lock().unwrap();
    // A link that leads to the journal, as Optuna's.
    assert_eq!(fs::canonicalize(&link).unwrap(), fs::canonicalize(&path).unwrap());
    let left = fs::read_link(&link).unwrap();
    drop(locked);
    assert!(fs::symlink_metadata(&link).is_err());
    #[cfg(unix)]
    std::os::unix::fs::symlink(left, &link).unwrap();
    let begun = Instant::now();
    drop(journal.lock().unwrap());
    assert!(begun.elapsed() < Duration::from_secs(1));
    fs::write(&link, "").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            fs::remove_file(&link).unwrap();
        });
        let begun = Instant::now();
        drop(journal.lock().unwrap());
        assert!(begun.elapsed() > Duration::from_millis(200));
    });
}

#[test]
fn a_long_journal_is_read_in_a_moment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.log");
    let mut journal = Journal::open(&path, "worker").unwrap();
    let mut locked = journal.lock().unwrap();
    locked.create_study("study", Direction::Minimize);
    for at in 0..10_000 {
        let trial = locked.create_trial(&values(at), &space(), State::Running);
        for step in 0..4 {
            locked.report(trial, step, 0.1 * step as f64);
        }
        locked.finish(trial, State::Complete, Some(at as f64));
    }
    locked.commit().unwrap();
    let lines = fs::read(&path).unwrap().iter().filter(|&&byte| byte == b'\n').count();
    let begun = Instant::now();
    let study = read(&path);
    let time = begun.elapsed();
    println!("{lines} lines in {time:?}");
    assert_eq!(study.as_ref().map(described), journal.study().map(described));
    assert!(lines > 100_000 && time < Duration::from_secs(5), "{lines} lines in {time:?}");
}
