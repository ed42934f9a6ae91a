//! Optuna, where Python has it.

use serde_json::Value as Json;
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// Runs `python/optuna_journal.py`, with `NARROWS_PYTHON` or `python3`: what it prints, or nothing
/// where there is no Optuna, which it says.
pub fn python(arguments: &[&str]) -> Option<Json> {
    let python = std::env::var_os("NARROWS_PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/optuna_journal.py");
    let why = match Command::new(&python).arg(script).args(arguments).output() {
        Err(error) => error.to_string(),
        Ok(output) if output.status.code() == Some(3) => "it has no Optuna".into(),
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            return Some(serde_json::from_slice(&output.stdout).unwrap());
        }
    };
    // Not by a macro: what a test that passes prints by those is not shown.
    let line = format!("SKIPPED: {}: {why}: Optuna's reading is NOT RUN", python.display());
    let _ = writeln!(std::io::stderr(), "{line}");
    None
}
