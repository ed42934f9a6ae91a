//! `narrows tune` from end to end: studies that are stopped, shared and continued, and what they
//! leave.

use crate::program::{Place, end, start};
use serde_json::json;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A search of seconds.
const TINY: &str = "--labels 20 --validation 20 --trial-draws 2 --draws 3 --widths 8 --latent 4 \
                    --finetune-epochs 4 --pretrain-epochs 2 --threads 2 --quiet";

const SPACE: &str =
    "[finetune-lr]\nlog-uniform = [1e-3, 0.3]\n[finetune-batch]\nchoice = [5, 10]\n";

fn place() -> Place {
    let place = Place::new();
    std::fs::write(place.path("space.toml"), SPACE).unwrap();
    place
}

fn line(rest: &str) -> String {
    format!("tune {TINY} --space space.toml {rest}")
}

/// The trials without their times.
fn trials(place: &Place, study: &str) -> Vec<String> {
    let table = place.read(&format!("{study}/trials.csv"));
    let without = |line: &str| {
        let mut cells: Vec<&str> = line.split(',').collect();
        cells.remove(3);
        cells.join(",")
    };
    table.lines().map(without).collect()
}

fn summary(place: &Place, study: &str) -> serde_json::Value {
    serde_json::from_str(&place.read(&format!("{study}/summary.json"))).unwrap()
}

#[test]
fn a_study_leaves_its_best_configuration_which_other_commands_take() {
    let place = place();
    let said = place.succeed(&line("--methods lp-ft --trials 5 --study s"));
    assert!(said.out.contains("5 trials"), "{}", said.out);
    assert_eq!(trials(&place, "s").len(), 6);
    for name in ["coordinates.svg", "importance.svg", "courses.svg"] {
        assert!(place.read(&format!("s/{name}")).starts_with("<svg"), "{name}");
    }
    // The final test is that of a comparison with the best configuration, to the bit.
    place.succeed("compare --config s/best-compare.toml --out c --quiet");
    let compared: serde_json::Value = serde_json::from_str(&place.read("c/summary.json")).unwrap();
    let tuned = summary(&place, "s")["tuned"]["test"]["per_draw"].clone();
    assert_eq!(compared["methods"][1]["name"], "lp-ft");
    assert_eq!(compared["methods"][1]["test_accuracy"]["per_draw"], tuned);
    // And the model comes about by the two files.
    place.succeed("pretrain --config s/best-pretrain.toml --out p --quiet");
    place.succeed("train --config s/best-train.toml --encoder p --out t --quiet");
    let config: toml::Table = place.read("t/config.toml").parse().unwrap();
    let best = &summary(&place, "s")["best_values"];
    if let Some(rate) = best.get("finetune-lr") {
        let used = config["lr"].as_float().unwrap();
        assert!((used - rate.as_f64().unwrap()).abs() < 1e-6 * used, "{used} {rate}");
    }
    assert_eq!(config["method"].as_str(), Some("lp-ft"));
}

#[test]
fn workers_share_a_study_and_change_nothing() {
    let place = place();
    for strategy in ["random", "grid --grid-points 4"] {
        let name = &strategy[..4];
        let line = line(&format!("--methods scratch --strategy {strategy} --trials 9"));
        place.succeed(&format!("{line} --study {name}-1 --parallel 1"));
        let shared = format!("{line} --study {name}-4");
        let workers: Vec<Child> =
            (0..3).map(|_| start(&place, &format!("{shared} --worker"))).collect();
        place.succeed(&shared);
        for worker in workers {
            let said = end(worker);
            assert_eq!(said.code, Some(0), "{}", said.err);
        }
        let (one, four) = (format!("{name}-1"), format!("{name}-4"));
        assert_eq!(trials(&place, &one), trials(&place, &four), "{strategy}");
        // The grid has as many combinations, beside the defaults.
        assert_eq!(trials(&place, &one).len(), 10, "{strategy}");
        for key in ["best_values", "tuned", "defaults"] {
            assert_eq!(summary(&place, &one).get(key), summary(&place, &four).get(key), "{key}");
        }
    }
}

#[test]
fn a_study_that_is_killed_goes_on_by_the_same_command() {
    let place = place();
    let line = line("--methods scratch --strategy random --early-end asha --trials 12");
    let line = line.replace("--finetune-epochs 4", "--finetune-epochs 60");
    let line = format!("{line} --parallel 1");
    place.succeed(&format!("{line} --study whole"));
    let broken = format!("{line} --study broken");
    let mut killed = 0;
    for round in 0..8u64 {
        let mut child = start(&place, &broken);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(150 + 70 * round) {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            killed += 1;
        }
        child.wait().unwrap();
    }
    assert!(killed > 0, "no process lived long enough to be killed");
    place.succeed(&broken);
    assert_eq!(trials(&place, "whole"), trials(&place, "broken"));
    assert_eq!(summary(&place, "whole")["tuned"], summary(&place, "broken")["tuned"]);
}

#[test]
fn a_signal_ends_a_search_with_its_code_and_says_how_to_go_on() {
    let place = place();
    let line = line("--methods scratch --trials 100000 --study s");
    let child = start(&place, &line);
    let journal = place.path("s/journal.log");
    let begun = Instant::now();
    while !std::fs::read_to_string(&journal).is_ok_and(|text| text.contains("\"op_code\":6")) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no trial came to its end");
        std::thread::sleep(Duration::from_millis(10));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let said = end(child);
    assert_eq!(said.code, Some(143), "{}", said.err);
    assert!(said.err.contains("--study s"), "{}", said.err);
    assert_eq!(said.out, "");
}

#[test]
fn a_study_of_optuna_goes_on() {
    let place = place();
    std::fs::create_dir(place.path("s")).unwrap();
    let domain = json!({
        "name": "FloatDistribution",
        "attributes": { "step": null, "low": 0.001, "high": 0.3, "log": true }
    });
    let at = |second: u32| format!("2026-11-30T10:00:{second:02}.000000");
    let journal = [
        json!({ "op_code": 0, "worker_id": "w", "study_name": "theirs", "directions": [2] }),
        json!({ "op_code": 4, "worker_id": "w", "study_id": 0, "datetime_start": at(0) }),
        json!({
            "op_code": 5, "worker_id": "w", "trial_id": 0, "param_name": "finetune-lr",
            "param_value_internal": 0.02, "distribution": domain.to_string()
        }),
        json!({
            "op_code": 6, "worker_id": "w", "trial_id": 0, "state": 1, "values": [0.25],
            "datetime_complete": at(1)
        }),
    ];
    let journal = journal.map(|line| line.to_string() + "\n").concat();
    std::fs::write(place.path("s/journal.log"), &journal).unwrap();
    place.succeed(&line("--methods scratch --trials 4 --study s"));
    let trials = trials(&place, "s");
    assert_eq!(trials.len(), 5, "{trials:?}");
    assert!(
        trials[1].starts_with("0,complete,0.25,") && trials[1].ends_with(",0.02"),
        "{trials:?}"
    );
    assert!(place.read("s/journal.log").starts_with(&journal));
}

#[test]
fn a_signal_ends_a_wait_for_the_lock_of_another_process() {
    let place = place();
    place.succeed(&line("--methods scratch --trials 2 --study s"));
    let file = std::fs::File::open(place.path("s/journal.log")).unwrap();
    file.lock().unwrap();
    let child = start(&place, &line("--methods scratch --trials 4 --study s"));
    std::thread::sleep(Duration::from_secs(5));
    let id = child.id().to_string();
    let begun = Instant::now();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let said = end(child);
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(said.code, Some(130), "{}", said.err);
    assert!(said.err.contains("another process holds the lock"), "{}", said.err);
    assert!(said.err.contains("continue by the same command with --study s"), "{}", said.err);
}

#[test]
fn a_damaged_checkpoint_costs_its_trial_alone() {
    let place = place();
    for goal in ["reconstruction", "accuracy --methods scratch"] {
        let name = &goal[..3];
        let line = format!(
            "tune --goal {goal} --trials 4 --early-end asha --strategy random --quiet --widths 8 \
             --latent 4 --threads 2 --parallel 1 --pretrain-epochs 18 \
             --finetune-epochs 18 --labels 20 --validation 20 --trial-draws 2 --draws 2 \
             --study {name}"
        );
        let child = start(&place, &line);
        let trial = place.path(&format!("{name}/trials/1"));
        let begun = Instant::now();
        while !trial.exists() {
            assert!(begun.elapsed() < Duration::from_secs(60), "no trial has a checkpoint");
            std::thread::sleep(Duration::from_millis(5));
        }
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        end(child);
        let mut damaged = 0;
        damage(&place.path(&format!("{name}/trials")), &mut damaged);
        assert!(damaged > 0);
        let said = place.succeed(&line);
        assert!(said.err.contains("begins anew"), "{goal}: {}", said.err);
    }
}

/// Writes nonsense over the files below a folder.
fn damage(folder: &std::path::Path, count: &mut usize) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            damage(&path, count);
        } else {
            std::fs::write(path, "nonsense").unwrap();
            *count += 1;
        }
    }
}

#[test]
fn trials_in_the_queue_run_first_with_their_values() {
    let place = place();
    place.succeed(&line("--methods scratch --trials 2 --study s"));
    let mut journal = place.read("s/journal.log");
    for fixed in [json!({ "finetune-lr": 0.0125 }), json!({ "finetune-lr": 5 })] {
        let line = json!({
            "op_code": 4, "worker_id": "w", "study_id": 0, "datetime_start": null, "state": 4,
            "system_attrs": { "fixed_params": fixed }
        });
        journal += &(line.to_string() + "\n");
    }
    std::fs::write(place.path("s/journal.log"), &journal).unwrap();
    let said = place.succeed(&line("--methods scratch --trials 4 --study s"));
    let trials = trials(&place, "s");
    assert_eq!(trials.len(), 5, "{trials:?}");
    assert!(!trials[3].starts_with("2,waiting") && trials[3].ends_with(",0.0125"), "{trials:?}");
    assert!(trials[4].starts_with("3,failed"), "{trials:?}");
    assert!(said.out.contains("1 failed"), "{}", said.out);
}

#[test]
fn a_budget_is_kept_or_said_to_be_too_small() {
    let place = place();
    let begun = Instant::now();
    let line = "tune --methods scratch --quiet --study";
    // Trials of a fraction of a second.
    place.succeed(&format!("{line} s --budget 12s --finetune-epochs 10 --space space.toml"));
    let seconds = begun.elapsed().as_secs_f64();
    // Other tests run beside it: a trial that has begun may take twice its time.
    assert!((4.0..24.0).contains(&seconds), "{seconds} s of 12");
    // Trials of minutes.
    let begun = Instant::now();
    let said = place.refuse(&format!("{line} t --budget 5s --finetune-epochs 100000")).err;
    assert!(begun.elapsed() < Duration::from_secs(5), "{said}");
    assert!(said.contains("is too small") && said.contains("give --budget"), "{said}");
    assert!(said.contains("--study t"), "{said}");
}

#[test]
fn mistakes_are_refused_before_the_first_trial() {
    let place = place();
    for (space, expected) in [
        ("[finetune-rate]\nuniform = [0.0, 1.0]\n", "line 2: finetune-rate: "),
        ("[dropout]\nuniform = [0.5, 0.1]\n", "line 2: dropout: "),
        ("[dropout]\nuniform = [0.1, 1.5]\n", "line 2: dropout: "),
        ("\n[finetune-lr]\nlog-uniform = [-1.0, 1.0]\n", "line 3: finetune-lr: "),
        ("[dropout]\nuniform = [0.0, 0.5]\nwhen = { depth = 1 }\n", "line 3: dropout: "),
        ("[labels]\nchoice = [1, 2]\n", "the same for all trials"),
        ("[draws]\nchoice = [1, 2]\n", "the same for all trials"),
    ] {
        std::fs::write(place.path("wrong.toml"), space).unwrap();
        let said = place.refuse(&format!("tune {TINY} --space wrong.toml --study s"));
        let said = said.err;
        assert!(said.contains("wrong.toml") && said.contains(expected), "{space}{said}");
        assert!(!place.path("s").exists(), "{space}");
    }
    for (rest, expected) in [
        ("--methods none-such", "scratch"),
        ("--out s", "--study"),
        ("--auto 10m", "--methods"),
        ("--worker", "--study"),
        ("--labels 10,20", "one number of labels"),
        ("--goal reconstruction --methods vat", "autoencoder alone"),
    ] {
        let said = place.refuse(&line(rest)).err;
        assert!(said.contains(expected), "{rest}: {said}");
    }
    // A run of another command is left alone, and so is a study of other settings.
    place.succeed(&line("--methods scratch --trials 2 --study s"));
    let said = place.refuse(&line("--methods scratch --trials 3 --study s --seed 2")).err;
    assert!(said.contains("--seed"), "{said}");
    std::fs::create_dir(place.path("run")).unwrap();
    std::fs::write(place.path("run/config.toml"), "command = \"train\"\n").unwrap();
    let said = place.refuse(&line("--methods scratch --trials 2 --study run")).err;
    assert!(said.contains("no study"), "{said}");
}
