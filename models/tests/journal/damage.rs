//! Damaged journals, and other files: never a panic, and never a change to what is not ours.

use super::{described, read, space, values};
use narrows_models::tuning::{Direction, Journal, State};
use serde_json::json;
use std::fs;
use std::path::Path;

/// A folder for thousands of files: in memory, where the system has a place for that.
fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A journal of several appends.
fn appends(path: &Path, trials: usize) -> Vec<u8> {
    let mut journal = Journal::open(path, "w").unwrap();
    let mut locked = journal.lock().unwrap();
    locked.create_study("s", Direction::Minimize);
    locked.commit().unwrap();
    for at in 0..trials {
        let mut locked = journal.lock().unwrap();
        let trial = locked.create_trial(&values(at), &space(), State::Running);
        locked.set_trial_attribute(trial, "a", json!("\u{e4}"));
        locked.report(trial, 1, f64::NAN);
        locked.commit().unwrap();
        let mut locked = journal.lock().unwrap();
        locked.finish(trial, State::Complete, Some(1.0));
        locked.commit().unwrap();
    }
    fs::read(path).unwrap()
}

/// The places between two appends: behind each line that does not say that more follows.
fn ends(bytes: &[u8]) -> Vec<usize> {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut at = 0;
    let lines = text.split_inclusive('\n').filter_map(|line| {
        at += line.len();
        (!line.contains("narrows_more")).then_some(at)
    });
    std::iter::once(0).chain(lines).collect()
}

#[test]
fn a_journal_that_is_cut_anywhere_is_cut_to_whole_appends() {
    let folder = in_memory();
    let path = folder.path().join("input");
    let bytes = appends(&path, 2);
    let ends = ends(&bytes);
    assert_eq!(ends.len(), 6);
    for length in 0..=bytes.len() {
        // Some file systems leave zeros where power failed.
        for zeros in [0, 100] {
            let torn = [&bytes[..length], &vec![0; zeros]].concat();
            fs::write(&path, &torn).unwrap();
            let mut journal = Journal::open(&path, "w").unwrap();
            let whole = ends.iter().rev().find(|&&end| end <= length).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes[..*whole], "cut to {length} bytes");
            let note = journal.take_note();
            assert_eq!(note.is_some(), torn.len() > *whole, "{note:?}");
            // And the study goes on from there.
            if *whole > 0 && zeros == 0 && length % 7 == 0 {
                let trials = journal.study().unwrap().trials.len();
                let mut locked = journal.lock().unwrap();
                assert_eq!(locked.create_trial(&values(0), &space(), State::Running), trials);
                locked.commit().unwrap();
                assert_eq!(described(&read(&path).unwrap()), described(journal.study().unwrap()));
            }
        }
    }
}

#[test]
fn a_flipped_bit_is_an_error_of_one_line_or_another_study_but_no_panic() {
    let folder = in_memory();
    let path = folder.path().join("input");
    let bytes = appends(&path, 1);
    let mut errors = 0;
    for bit in 0..8 * bytes.len() {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &damaged).unwrap();
        match Journal::open(&path, "w") {
            Ok(journal) => drop(journal.study().map(described)),
            Err(error) => {
                let error = error.to_string();
                assert!(error.contains("input: "), "bit {bit}: {error}");
                assert!(!error.contains('\n') && error.len() < 1000, "bit {bit}: {error}");
                errors += 1;
                // Nothing was changed by the attempt.
                assert_eq!(fs::read(&path).unwrap(), damaged, "bit {bit}");
            }
        }
    }
    assert!(errors > 1000, "{errors}");
}

#[test]
fn other_files_are_refused_and_left_as_they_are() {
    let folder = in_memory();
    let path = folder.path().join("input");
    let study = r#"{"op_code":0,"worker_id":"w","study_name":"s","directions":[1]}"#;
    let trial = r#"{"op_code":4,"worker_id":"w","study_id":0,"datetime_start":null}"#;
    let cases = [
        ("a text\n", "line 1: expected value"),
        ("a text without an end", "line 1: expected value"),
        ("{\"name\":1}", "line 1: missing field `op_code`"),
        ("SQLite format 3\0\u{10}", "line 1: expected value"),
        ("\n", "line 1: EOF"),
        (&format!("{study}\n{{\"op_code\":\n{trial}\n"), "line 2: EOF while parsing a value"),
        (&format!("{study}\nnonsense\n{trial}\n"), "or keep the 1 lines before it alone"),
        (&format!("{study}\n{{\"op_code\":11}}\n"), "line 2: the operation 11 is not known"),
        (&format!("{study}\n{{\"op_code\":4}}\n"), "line 2: study_id is missing"),
        (
            &format!("{study}\n{trial}\n{{\"op_code\":6,\"trial_id\":0,\"state\":5}}\n"),
            "line 3: the state 5 is not known",
        ),
        (
            &format!("{study}\n{trial}\n{{\"op_code\":7,\"trial_id\":0,\"step\":-1}}\n"),
            "line 3: invalid value: integer `-1`, expected u64",
        ),
        (&study.replace("[1]", "[0]").replace('}', "}\n"), "\"s\" cannot be used here: its direct"),
        (&study.replace("[1]", "[1,2]").replace('}', "}\n"), "it has 2 objectives, and only one"),
        (
            &format!(
                "{study}\n{trial}\n{}\n",
                json!({
                    "op_code": 5, "trial_id": 0, "param_name": "x", "param_value_internal": 7,
                    "distribution": "{\"name\":\"CategoricalDistribution\",\
                                      \"attributes\":{\"choices\":[1,2]}}"
                })
            ),
            "line 3, \"x\": there is no choice of the number 7",
        ),
        (
            &format!(
                "{study}\n{trial}\n{}\n",
                json!({
                    "op_code": 5, "trial_id": 0, "param_name": "x", "param_value_internal": 7,
                    "distribution": "{\"name\":\"NewDistribution\",\"attributes\":{}}"
                })
            ),
            "line 3, \"x\": the distribution \"NewDistribution\" is not known",
        ),
    ];
    for (text, right) in cases {
        fs::write(&path, text).unwrap();
        let error = Journal::open(&path, "w").unwrap_err().to_string();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        assert!(error.contains(right), "{error}\nis not\n{right}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    // A folder, and a path without one.
    for path in [folder.path().into(), folder.path().join("none/journal.log")] {
        let error = Journal::open(&path, "w").unwrap_err().to_string();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
    }
    // Fields that are not known change nothing.
    let more = study.replace("}", ",\"of_tomorrow\":{\"a\":[NaN]}}\n");
    fs::write(&path, more).unwrap();
    assert_eq!(read(&path).unwrap().name, "s");
}
