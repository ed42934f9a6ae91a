//! Processes that share a study are killed at random moments, some of them within an append: the
//! study always loads, no trial that was committed is lost, and none is run twice. And one whose
//! disk is full: nothing of its last append is left.
//!
//! `NARROWS_KILLS` is the number of kills for each number of processes, 100 unless it is set.

#[path = "journal/python.rs"]
mod python;

use narrows_models::tuning::{
    Direction, Domain, Journal, Parameter, Space, State, Study, Value, Values, Worker, is_alive,
};
use serde_json::json;
use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Tells a process that it is a worker: the folder of its study, and its id.
const FOLDER: &str = "NARROWS_TEST_FOLDER";
const WORKER: &str = "NARROWS_TEST_WORKER";

/// A trial as a worker ends it: the dead one's that it finds, or else a new one.
fn work(folder: &Path, id: &str) {
    let worker = Worker::begin(folder, id).unwrap();
    let mut journal = Journal::open(&folder.join("journal.log"), worker.id()).unwrap();
    // What was committed for sure.
    let mut told = File::create(folder.join(format!("told-{id}"))).unwrap();
    let space = Space {
        parameters: vec![Parameter {
            name: "x".into(),
            domain: Domain::Integer { low: 0, high: 1 << 40, log: false },
            conditions: vec![],
        }],
    };
    for at in 0.. {
        let mut locked = journal.lock().unwrap();
        let left = locked.study().unwrap().trials.iter().find(|trial| {
            let owner = trial.attributes["worker"].as_str().unwrap();
            trial.state == State::Running && owner != id && !is_alive(folder, owner)
        });
        let trial = match left.map(|trial| trial.number) {
            Some(trial) => trial,
            None => {
                let values = Values::from([("x".into(), Value::Integer(at))]);
                let trial = locked.create_trial(&values, &space, State::Running);
                locked.set_trial_attribute(trial, "token", json!(format!("{id} {at}")));
                trial
            }
        };
        locked.set_trial_attribute(trial, "worker", json!(id));
        locked.commit().unwrap();
        writeln!(told, "runs {trial}").unwrap();

        for step in 0..3 {
            // A trial takes time. And each check reads the whole study: where disks are fast, it
            // would grow faster than it can be read.
            sleep(Duration::from_millis(2));
            let mut locked = journal.lock().unwrap();
            // Nobody takes a trial from one that lives.
            let now = &locked.study().unwrap().trials[trial];
            assert_eq!((now.state, &now.attributes["worker"]), (State::Running, &json!(id)));
            locked.report(trial, step, step as f64);
            locked.commit().unwrap();
        }
        let mut locked = journal.lock().unwrap();
        locked.set_trial_attribute(trial, "ended by", json!(id));
        locked.finish(trial, State::Complete, Some(trial as f64));
        locked.commit().unwrap();
        writeln!(told, "ended {trial}").unwrap();
    }
}

fn start(folder: &Path, id: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "no_trial_is_lost_or_run_twice_by_processes_that_are_killed"])
        .env(FOLDER, folder)
        .env(WORKER, id)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// The study, which nobody works on who was told more of it than it holds.
fn check(folder: &Path, ids: &[String]) -> Study {
    // Before the study: what is told there is in it.
    let told: Vec<(&String, String)> = ids
        .iter()
        .map(|id| (id, fs::read_to_string(folder.join(format!("told-{id}"))).unwrap_or_default()))
        .collect();
    let journal = Journal::open(&folder.join("journal.log"), "reader").unwrap();
    let study = journal.study().unwrap().clone();
    let mut tokens = BTreeSet::new();
    for (at, trial) in study.trials.iter().enumerate() {
        assert_eq!(trial.number, at);
        // Each append is whole: a trial comes with its value, its worker and its token.
        assert_eq!(trial.values.len(), 1);
        assert!(tokens.insert(trial.attributes["token"].to_string()), "{trial:?}");
        let ended = trial.state == State::Complete;
        assert_eq!(ended, trial.attributes.contains_key("ended by"));
        assert_eq!(trial.value, ended.then_some(at as f64));
    }
    let mut all = BTreeSet::new();
    for (id, told) in told {
        // Its last line may be half written.
        for line in told.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let (what, trial) = line.trim().split_once(' ').unwrap();
            let trial: usize = trial.parse().unwrap();
            assert!(trial < study.trials.len(), "trial {trial} is lost");
            if what == "ended" {
                assert_eq!(study.trials[trial].attributes["ended by"], **id);
                assert!(all.insert(trial), "trial {trial} was ended twice");
            }
        }
    }
    study
}

#[test]
fn no_trial_is_lost_or_run_twice_by_processes_that_are_killed() {
    if let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) {
        return work(&folder, &env::var(WORKER).unwrap());
    }
    let kills: usize = env::var("NARROWS_KILLS").map_or(100, |n| n.parse().unwrap());
    let mut random = 1_u32;
    for processes in [1, 4] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut journal = Journal::open(&folder.join("journal.log"), "first").unwrap();
        let mut locked = journal.lock().unwrap();
        locked.create_study("killed", Direction::Maximize);
        locked.commit().unwrap();

        let mut ids: Vec<String> = (0..processes).map(|at| format!("w{at}")).collect();
        let mut workers: Vec<Child> = ids.iter().map(|id| start(folder, id)).collect();
        for kill in 0..kills {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            sleep(Duration::from_micros(u64::from(random >> 8) % 60_000));
            let at = kill % processes;
            assert!(workers[at].try_wait().unwrap().is_none(), "a worker failed");
            workers[at].kill().unwrap();
            workers[at].wait().unwrap();
            check(folder, &ids);
            let id = format!("w{}", processes + kill);
            workers[at] = start(folder, &id);
            ids.push(id);
        }
        // Those that are left end what the dead began.
        let (begun, owners) = (Instant::now(), &ids[ids.len() - processes..]);
        loop {
            let study = check(folder, &ids);
            let left = study.trials.iter().filter(|trial| {
                trial.state == State::Running
                    && owners.iter().all(|id| trial.attributes["worker"] != **id)
            });
            if left.count() == 0 {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "trials are left");
            sleep(Duration::from_millis(20));
        }
        for mut worker in workers {
            assert!(worker.try_wait().unwrap().is_none(), "a worker failed");
            worker.kill().unwrap();
            worker.wait().unwrap();
        }
        let study = check(folder, &ids);
        let taken = study.trials.iter().filter(|trial| {
            let by = trial.attributes.get("ended by").and_then(|by| by.as_str());
            by.is_some_and(|by| {
                !trial.attributes["token"].as_str().unwrap().starts_with(&format!("{by} "))
            })
        });
        let (taken, trials) = (taken.count(), study.trials.len());
        println!("{processes} at once: {trials} trials, {taken} of them taken over");
        assert!(trials > kills / 4 && taken > kills / 20, "{trials} trials, {taken} taken over");
        let path = folder.join("journal.log");
        if let Some(theirs) = python::python(&["show", path.to_str().unwrap(), "killed"]) {
            let theirs = theirs["trials"].as_array().unwrap();
            assert_eq!(theirs.len(), trials);
            for (theirs, ours) in theirs.iter().zip(&study.trials) {
                assert_eq!(theirs["attributes"], json!(ours.attributes));
                assert_eq!(theirs["value"], json!(ours.value));
            }
        }
    }
}

/// `ulimit -f` ends writes as a full disk does, in the middle of them.
#[cfg(unix)]
#[test]
fn nothing_is_left_of_an_append_that_the_disk_has_no_room_for() {
    if let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) {
        let path = folder.join("journal.log");
        let mut journal = Journal::open(&path, "full").unwrap();
        let mut locked = journal.lock().unwrap();
        locked.create_study("full", Direction::Maximize);
        locked.commit().unwrap();
        loop {
            let (before, bytes) = (journal.study().cloned(), fs::read(&path).unwrap());
            let mut locked = journal.lock().unwrap();
            for _ in 0..3 {
                locked.create_trial(&Values::new(), &Space::default(), State::Running);
            }
            let Err(error) = locked.commit() else { continue };
            let error = error.to_string();
            assert!(error.contains("journal.log: the append failed: "), "{error}");
            assert!(error.ends_with("nothing of it is left in the file"), "{error}");
            assert_eq!(journal.study(), before.as_ref());
            assert_eq!(fs::read(&path).unwrap(), bytes);
            // A short write came before: the file would have room for a line.
            assert!(bytes.len() > 8000 && 8192 - bytes.len() > 10, "{}", bytes.len());
            return fs::write(folder.join("seen"), "").unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    // Blocks of 512 bytes, or of 1024 in other shells.
    let limited = "trap '' XFSZ; ulimit -f 16 && exec \"$0\" --exact \
                   nothing_is_left_of_an_append_that_the_disk_has_no_room_for";
    let output = Command::new("sh")
        .args(["-c", limited])
        .arg(env::current_exe().unwrap())
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(folder.path().join("seen").exists(), "{}", String::from_utf8_lossy(&output.stdout));
    let journal = Journal::open(&folder.path().join("journal.log"), "reader").unwrap();
    assert_eq!(journal.study().unwrap().trials.len() % 3, 0);
}
