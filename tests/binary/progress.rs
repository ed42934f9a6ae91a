//! What is said, and where.

use crate::program::{Place, tiny_compare};

#[test]
fn piped_progress_is_plain_lines_on_stderr() {
    let place = Place::new();
    let said = place.succeed(&tiny_compare("--out run"));
    assert!(said.err.contains("autoencoder: 3 epochs of 1,233 samples\n"), "{}", said.err);
    assert!(said.err.contains("autoencoder: epoch 3/3, loss 0."), "{}", said.err);
    assert!(said.err.contains("classifiers: 24/24 runs done"), "{}", said.err);
    assert!(said.err.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", said.err);
    assert!(said.out.starts_with("digits: "), "{}", said.out);
}

#[test]
fn quiet_says_nothing_but_the_result() {
    let place = Place::new();
    let said = place.succeed(&tiny_compare("--quiet --out run"));
    assert_eq!(said.err, "");
    assert!(said.out.contains("run folder: run\n"));
}

#[test]
fn one_draw_claims_nothing() {
    let place = Place::new();
    let said = place.succeed(&tiny_compare("--draws 1 --methods full --out run"));
    assert!(said.out.contains("One draw cannot tell a gain from luck"), "{}", said.out);
    assert!(!said.out.contains('±') && said.out.contains("unknown"), "{}", said.out);
    for method in place.json("run/summary.json")["methods"].as_array().unwrap() {
        assert!(method["test_accuracy"]["ci95"].is_null(), "{method}");
        assert!(method["gain_over_scratch"]["ci95"].is_null(), "{method}");
    }
}

#[test]
fn info_names_the_kernel_that_each_instruction_set_runs_on() {
    let place = Place::new();
    for isa in narrows_engine::Isa::available() {
        let said = place.succeed(&format!("info --isa {} --threads 1", isa.name()));
        assert!(said.out.contains(narrows_engine::gemm::kernel_name(isa)), "{}", said.out);
        assert!(said.out.contains("GFLOP/s"), "{}", said.out);
    }
}

#[test]
fn info_names_those_who_made_the_built_in_digits() {
    let said = Place::new().succeed("info --threads 1");
    for text in ["Alpaydin", "Kaynak", "1998", "CC BY 4.0", "scikit-learn"] {
        assert!(said.out.contains(text), "{text}: {}", said.out);
    }
}

/// Linux has a device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_shown_is_an_error() {
    let full = std::fs::File::create("/dev/full").unwrap();
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_narrows"));
    let output = program.arg("--help").stdout(full).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), err.matches('\n').count()), (Some(2), 1), "{err}");
    assert!(err.starts_with("narrows: the result cannot be written to standard output"), "{err}");
}
