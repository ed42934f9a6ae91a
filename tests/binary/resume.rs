//! Runs that are stopped, killed or started twice, and what `--resume` makes of them.

use crate::program::{Place, Said, end, start};
use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

fn signal(child: &Child, name: &str) {
    let done = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(done.success());
}

/// Waits until `there` holds, for at most a minute.
fn wait(there: impl Fn() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < Duration::from_secs(60), "it took too long");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Halts a program again and again until `saved` holds. A checkpoint is due after two seconds at
/// the earliest, of which the program so works for a small part.
fn halt_until(child: &Child, saved: impl Fn() -> bool) {
    wait(|| {
        signal(child, "-STOP");
        std::thread::sleep(Duration::from_millis(300));
        signal(child, "-CONT");
        std::thread::sleep(Duration::from_millis(20));
        saved()
    });
}

/// The weights, and the metrics without the times.
fn results(place: &Place, run: &str) -> (Vec<u8>, Vec<String>) {
    let metrics = place.read(&format!("{run}/metrics.csv"));
    let metrics = metrics.lines().map(|line| line.rsplitn(3, ',').nth(2).unwrap().to_owned());
    (fs::read(place.path(run).join("model.safetensors")).unwrap(), metrics.collect())
}

fn has_files(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

/// Begins `line`, and stops it by the signal a moment after `begun` holds.
fn stop(place: &Place, line: &str, name: &str, begun: impl Fn() -> bool) -> Said {
    let child = start(place, line);
    wait(begun);
    std::thread::sleep(Duration::from_millis(40));
    signal(&child, name);
    end(child)
}

/// Begins `line`, stops it by the signal as soon as it trains, and continues it to its end.
fn stopped(place: &Place, line: &str, run: &str, name: &str, code: i32) {
    let begun = || place.path(run).join("config.toml").exists();
    let said = stop(place, &format!("{line} --out {run}"), name, begun);
    assert_eq!(said.code, Some(code), "{line}: {}{}", said.out, said.err);
    let command = line.split(' ').next().unwrap();
    let again = format!("continue by narrows {command} --resume {run}\n");
    // Within training it says the step, elsewhere the part that it was at.
    assert!(said.err.contains("stopped") && said.err.ends_with(&again), "{}", said.err);
    assert!(!place.path(run).join("summary.json").exists());
    assert!(!place.path(run).join(".lock").exists());
    // The same command again offers to continue.
    let said = place.refuse(&format!("{line} --out {run}"));
    let offer = format!("{run}: holds a run that was stopped: continue it by narrows {command}");
    assert!(said.err.contains(&offer), "{}", said.err);
    place.succeed(&format!("{command} --resume {run} --threads 1 --quiet"));
    assert!(!place.path(run).join("checkpoints").exists(), "they are of no more use");
}

#[test]
fn a_run_that_was_stopped_ends_as_if_it_had_not_been() {
    let place = Place::new();
    let tiny = "--widths 48 --latent 6 --quiet";
    for (line, run, name, code) in [
        (format!("pretrain --epochs 200 --objective denoising {tiny}"), "ae", "-INT", 130),
        (
            format!("train --method vat --labels 50 --validation 50 --epochs 30 {tiny}"),
            "vat",
            "-TERM",
            143,
        ),
        (
            format!(
                "train --method scratch --labels 100 --validation 50 --epochs 1500 --mixup 0.3 \
                 --dropout 0.1 {tiny}"
            ),
            "scratch",
            "-INT",
            130,
        ),
    ] {
        place.succeed(&format!("{line} --out {run}-whole"));
        stopped(&place, &line, run, name, code);
        assert!(results(&place, run) == results(&place, &format!("{run}-whole")), "{line}");
    }
    let said = place.refuse("pretrain --resume ae");
    assert!(said.err.contains("ae: is finished"), "{}", said.err);
    let said = place.refuse("train --resume ae");
    assert!(said.err.contains("is for the command \"pretrain\""), "{}", said.err);
    let said = place.refuse("pretrain --resume nowhere");
    assert!(said.err.contains("nowhere"), "{}", said.err);
    let said = place.refuse("pretrain --resume ae --out other");
    assert!(said.err.contains("cannot be used with"), "{}", said.err);
}

#[test]
fn comparisons_and_curves_that_were_stopped_are_continued() {
    let place = Place::new();
    let tiny = "--widths 24 --latent 6 --pretrain-epochs 30 --finetune-epochs 60 --finetune-lr \
                1e-2 --draws 2 --methods full,vat --semi-epochs 4 --semi-widths 32 --semi-latent \
                16 --validation 50 --quiet";
    for (labels, run) in [("30", "one"), ("20,30", "curve")] {
        let line = format!("compare --labels {labels} {tiny}");
        place.succeed(&format!("{line} --out {run}-whole"));
        stopped(&place, &line, run, "-INT", 130);
        let [a, b] = [run.to_owned(), format!("{run}-whole")].map(|run| {
            let mut summary = place.json(&format!("{run}/summary.json"));
            let all = summary.as_object_mut().unwrap();
            all.retain(|key, _| matches!(&key[..], "methods" | "points" | "pca"));
            let mut text = Vec::new();
            without_times(&summary, &mut text);
            text
        });
        assert_eq!(a, b);
    }
    let said = place.refuse("compare --resume one --draws 3");
    assert!(said.err.contains("--draws") || said.err.contains("finished"), "{}", said.err);
}

/// All numbers but those of the time.
fn without_times(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map.iter().filter(|(key, _)| *key != "seconds") {
                into.push(key.clone());
                without_times(value, into);
            }
        }
        serde_json::Value::Array(all) => all.iter().for_each(|value| without_times(value, into)),
        other => into.push(other.to_string()),
    }
}

#[test]
fn a_run_that_was_killed_goes_on_from_its_checkpoint() {
    let place = Place::new();
    let line = "pretrain --epochs 1000 --widths 48 --latent 6 --quiet";
    place.succeed(&format!("{line} --out whole"));
    let mut child = start(&place, &format!("{line} --checkpoint-every 1s --out killed"));
    halt_until(&child, || has_files(&place.path("killed/checkpoints")));
    child.kill().unwrap();
    child.wait().unwrap();
    place.succeed("pretrain --resume killed --quiet");
    assert!(results(&place, "killed") == results(&place, "whole"));
}

/// It is no progress, which `--quiet` leaves out.
#[test]
fn a_damaged_checkpoint_is_told_even_when_quiet() {
    let place = Place::new();
    let line = "pretrain --epochs 1000 --widths 48 --latent 6 --quiet --keep 2";
    let checkpoints = || {
        let entries = fs::read_dir(place.path("run/checkpoints")).into_iter().flatten();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort_by_key(|file| fs::metadata(file).unwrap().modified().unwrap());
        files
    };
    stop(&place, &format!("{line} --out run"), "-INT", || place.path("run/config.toml").exists());
    let again = "pretrain --resume run --quiet --keep 2 --checkpoint-every 1s";
    let child = start(&place, again);
    halt_until(&child, || checkpoints().len() == 2);
    signal(&child, "-INT");
    end(child);
    let files = checkpoints();
    assert_eq!(files.len(), 2, "{files:?}");
    let mut bytes = fs::read(&files[1]).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&files[1], bytes).unwrap();
    let said = place.succeed("pretrain --resume run --quiet");
    assert!(said.err.contains("goes on from the checkpoint before it"), "{}", said.err);
}

#[test]
fn of_two_that_start_in_one_folder_one_works() {
    let place = Place::new();
    let line = "pretrain --epochs 2 --widths 8 --latent 2 --quiet --out both";
    for round in 0..10 {
        let children = [(); 3].map(|()| start(&place, line));
        let said = children.map(end);
        let codes: Vec<_> = said.iter().map(|said| said.code).collect();
        let done = codes.iter().filter(|code| **code == Some(0)).count();
        assert_eq!(done, 1, "round {round}: {codes:?}");
        for said in said.iter().filter(|said| said.code != Some(0)) {
            let known = ["another process works in it", "already holds a run", "was stopped"];
            assert!(known.iter().any(|text| said.err.contains(text)), "{}", said.err);
        }
        assert!(place.path("both/summary.json").exists());
        fs::remove_dir_all(place.path("both")).unwrap();
    }
}
