//! Workers, and who of them lives.

use narrows_models::tuning::{Worker, is_alive};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, thread};

/// Tells a process that it is a worker: the folder of its study.
const FOLDER: &str = "NARROWS_TEST_WORKER";

#[test]
fn a_worker_lives_until_its_end_and_has_its_id_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(!is_alive(folder, "a"));
    let worker = Worker::begin(folder, "a").unwrap();
    assert_eq!(worker.id(), "a");
    assert!(is_alive(folder, "a") && !is_alive(folder, "b"));
    let other = Worker::begin(folder, "a").unwrap_err().to_string();
    assert!(other.ends_with("a worker \"a\" is at work on this study already: choose another id"));
    drop(worker);
    assert!(!is_alive(folder, "a"));
    assert_eq!(folder.join("workers").read_dir().unwrap().count(), 0);
    drop(Worker::begin(folder, "a").unwrap());
    for id in ["", ".", "..", ".a", "a/b", "a\nb", "\u{e4}", &"a".repeat(101)] {
        let error = Worker::begin(folder, id).unwrap_err().to_string();
        assert!(error.starts_with("a worker's id has 1 to 100 letters"), "{error}");
        assert!(!error.contains('\n') && !is_alive(folder, id));
    }
}

/// Those who look do not disturb each other, nor one that begins.
#[test]
fn a_worker_that_is_looked_at_all_the_time_lives_all_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let worker = Worker::begin(folder.path(), "lives").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    assert!(is_alive(folder.path(), "lives"));
                    is_alive(folder.path(), "comes-and-goes");
                }
            });
        }
        for _ in 0..200 {
            let worker = Worker::begin(folder.path(), "comes-and-goes").unwrap();
            assert!(is_alive(folder.path(), "comes-and-goes"));
            drop(worker);
        }
    });
    drop(worker);
}

#[test]
fn a_worker_that_is_killed_is_dead_at_once() {
    if let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) {
        let _worker = Worker::begin(&folder, "killed").unwrap();
        return thread::sleep(Duration::from_secs(60));
    }
    let folder = tempfile::tempdir().unwrap();
    let start = |folder: &Path| {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "journal::workers::a_worker_that_is_killed_is_dead_at_once"])
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    for _ in 0..3 {
        let mut process = start(folder.path());
        while !is_alive(folder.path(), "killed") {
            assert!(process.try_wait().unwrap().is_none());
            thread::sleep(Duration::from_millis(1));
        }
        process.kill().unwrap();
        process.wait().unwrap();
        assert!(!is_alive(folder.path(), "killed"));
        // Its file is left behind, and another may have its id.
        assert!(folder.path().join("workers/killed").exists());
    }
    assert_eq!(Worker::begin(folder.path(), "killed").unwrap().id(), "killed");
}
