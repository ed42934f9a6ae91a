//! `narrows bench`: that it measures everything, whatever the figures are.

use crate::program::Place;
use serde_json::Value;

/// A positive number.
fn positive(value: &Value) -> bool {
    value.as_f64().is_some_and(|value| value > 0.0 && value.is_finite())
}

#[test]
fn bench_measures_the_machine_and_the_engine() {
    let said = Place::new().succeed("bench --seconds 0.1 --threads 2 --json");
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said.out.lines().count(), 1);
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert!(positive(&report["first_step_seconds"]), "{report}");
    let threads = |list: &str| -> Vec<u64> {
        let all = report[list].as_array().unwrap();
        all.iter().map(|of| of["threads"].as_u64().unwrap()).collect()
    };
    assert_eq!(threads("roofs"), [1, 2]);
    let measurements = report["measurements"].as_array().unwrap();
    let half = measurements.len() / 2;
    assert_eq!(half, 12);
    assert_eq!(threads("measurements"), [vec![1; half], vec![2; half]].concat());
    for roofs in report["roofs"].as_array().unwrap() {
        assert!(positive(&roofs["fma"]), "{roofs}");
        for level in roofs["bandwidths"].as_array().unwrap() {
            assert!(positive(&level["read"]) && positive(&level["copy"]), "{level}");
        }
    }
    for of in measurements {
        for key in ["fastest", "seconds", "slowest", "flops", "bytes", "items", "of_roof"] {
            assert!(positive(&of[key]), "{key} of {of}");
        }
        let seconds = ["fastest", "seconds", "slowest"].map(|key| of[key].as_f64().unwrap());
        assert!(seconds.is_sorted(), "{of}");
    }
}

#[test]
fn bench_shows_a_table_on_each_instruction_set() {
    let place = Place::new();
    for isa in narrows_engine::Isa::available() {
        let said = place.succeed(&format!("bench --seconds 0.05 --threads 1 --isa {}", isa.name()));
        for text in [
            isa.name(),
            "GFLOP/s",
            "GB/s",
            "samples/s",
            "us",
            "first step",
            "1 thread",
            "what to expect here",
            "an epoch",
        ] {
            assert!(said.out.contains(text), "{text}: {}", said.out);
        }
        assert!(said.out.lines().all(|line| line.chars().count() <= 100), "{}", said.out);
    }
    assert_eq!(place.listing(), Vec::<String>::new(), "it writes no file");
}

#[test]
fn bench_refuses_a_time_that_is_none() {
    for seconds in ["0", "-1", "nan", "long"] {
        let said = Place::new().run(&format!("bench --seconds {seconds}"));
        assert_eq!(said.code, Some(2), "{seconds}");
        assert!(said.err.contains("--seconds"), "{}", said.err);
    }
}
