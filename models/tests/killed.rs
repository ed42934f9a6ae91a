//! A process that trains is killed at random moments, some of them within a save, and started again
//! until it comes to its end: with the weights of one that was left alone.
//!
//! `NARROWS_KILLS` is the number of kills, 12 unless it is set.

use narrows_datasets::{Augmentation, Dataset, Rows};
use narrows_engine::{Context, Loss, Params};
use narrows_models::{
    Architecture, Checkpoints, Event, Goal, Model, Observer, Run, Task, Training,
};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

/// Tells a process that it is the one to be killed: the folder of its checkpoints.
const FOLDER: &str = "NARROWS_TEST_FOLDER";

struct Saved(Checkpoints);

impl Observer for Saved {
    fn notice(&self, event: &Event<'_>) {
        if let Event::Damaged { error, .. } | Event::NotSaved { error, .. } = event {
            panic!("{error}");
        }
    }

    fn checkpoints(&self) -> Option<&Checkpoints> {
        Some(&self.0)
    }
}

/// Trains for 60 steps, saves after each, and writes the weights to `result` in the folder.
fn train(folder: &Path, threads: usize) {
    let digits = Dataset::digits();
    let architecture = Architecture {
        widths: vec![200],
        latent: 20,
        dropout: 0.2,
        ..Architecture::new(Model::Dense, [8, 8, 1])
    };
    let network = architecture.classifier(10).unwrap();
    let rows: Vec<u32> = (0..300).collect();
    let (train, validation) = (Rows::Listed(&rows), Rows::Listed(&[400, 401, 402, 403]));
    let task = Task { data: &digits, train, validation, goal: Goal::Classify };
    let training = Training {
        epochs: 4,
        batch: 20,
        ema: 0.9,
        loss: Loss::cross_entropy(),
        augmentation: Augmentation { shift: 1, mask: 0.1, ..Augmentation::default() },
        ..Training::classifier()
    };
    let mut run = Run::new("run", &network, Params::new(&network, 1), task, &training).unwrap();
    let saved = Saved(Checkpoints {
        every: Duration::ZERO,
        keep: 2,
        resume: true,
        ..Checkpoints::new(folder)
    });
    run.train(&Context::new(threads).unwrap(), &saved, |_, _| {}).unwrap();
    let bytes: Vec<u8> = run.trainer.params.values().iter().flat_map(|x| x.to_le_bytes()).collect();
    narrows_datasets::write_atomically(&folder.join("result"), &bytes).unwrap();
}

/// This program again, which trains there.
fn start(folder: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "a_process_killed_at_any_moment_ends_with_the_same_weights"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_process_killed_at_any_moment_ends_with_the_same_weights() {
    if let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) {
        let begun = fs::read_dir(&folder).map_or(0, Iterator::count);
        return train(&folder, 1 + begun % 3);
    }
    let result = |folder: &Path| fs::read(folder.join("result")).ok();
    let whole = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    assert!(start(whole.path()).wait().unwrap().success());
    let (time, whole) = (begun.elapsed(), result(whole.path()).unwrap());

    let kills: u32 = env::var("NARROWS_KILLS").map_or(12, |n| n.parse().unwrap());
    let (mut killed, mut random) = (0, 1_u32);
    while killed < kills {
        let folder = tempfile::tempdir().unwrap();
        while result(folder.path()).is_none() {
            let mut process = start(folder.path());
            // A third of the time at most, of which some goes by before the first step.
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let until = Instant::now() + time.mul_f64(f64::from(random) / 2f64.powi(32) / 3.0);
            while killed < kills && Instant::now() < until && process.try_wait().unwrap().is_none()
            {
                std::thread::sleep(Duration::from_micros(200));
            }
            match process.try_wait().unwrap() {
                None if killed < kills => {
                    process.kill().unwrap();
                    process.wait().unwrap();
                    killed += 1;
                }
                _ => assert!(process.wait().unwrap().success(), "after {killed} kills"),
            }
        }
        assert!(result(folder.path()).unwrap() == whole, "other weights after {killed} kills");
        // What was left of saves was removed.
        let cut_short = |name: &str| name.starts_with("run") && name.ends_with(".partial");
        for entry in fs::read_dir(folder.path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!cut_short(&name), "{name}");
        }
    }
}
