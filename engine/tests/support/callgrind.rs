//! Instructions counted by `valgrind --tool=callgrind`, which knows no AVX-512.

use std::process::Command;

/// Tells a test, when it runs below valgrind, which case to run.
const COUNTED: &str = "NARROWS_COUNTED";

/// The case that this process is to run, if it runs below valgrind.
pub fn counted() -> Option<usize> {
    std::env::var(COUNTED).ok().map(|case| case.parse().expect("the number of a case"))
}

/// True if valgrind is there.
pub fn is_there() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok()
}

/// The instructions within functions whose name contains `function`, in a case of this program's
/// test.
pub fn count(test: &str, function: &str, case: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=counted"])
        .arg(format!("--toggle-collect=*{function}*"))
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", test, "--test-threads", "1"])
        .env(COUNTED, case.to_string())
        .current_dir(&folder)
        .output()
        .expect("valgrind runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    let (_, number) = collected.unwrap_or_else(|| panic!("no count: {text}"));
    number.trim().parse().unwrap_or_else(|_| panic!("no number: {text}"))
}
