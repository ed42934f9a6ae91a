//! Options as `config.toml`, which each run leaves and `--config` takes back.

use crate::error::{Error, bail};
use crate::shell::joined;
use serde::Serialize;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The name of the file in a run folder.
pub const CONFIG: &str = "config.toml";

/// The key that says which command a file is for.
pub const COMMAND: &str = "command";

/// A value as a flag takes it.
pub fn flag_value(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(n) => Some(n.to_string()),
        Value::Float(x) => Some(x.to_string()),
        Value::Boolean(yes) => Some(yes.to_string()),
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(flag_value).collect();
            items.map(joined)
        }
        Value::Datetime(_) | Value::Table(_) => None,
    }
}

/// The text of the file that stands for `options` of `command`; `note` is what else to know of the
/// run.
pub fn text(command: &str, options: &impl Serialize, note: &str) -> Result<String, Error> {
    let options = toml::to_string(options)
        .map_err(|e| Error::new(format!("the configuration cannot be written as TOML: {e}")))?;
    Ok(format!(
        "# narrows {}: {note}\n{COMMAND} = \"{command}\"\n{options}",
        env!("CARGO_PKG_VERSION")
    ))
}

/// The keys and values of `options`, as a file has them.
pub fn table(options: &impl Serialize) -> Result<Table, Error> {
    // Through text: as a value, an f32 has other digits than it is written with.
    let mut table: Table = toml::from_str(&self::text("", options, "")?).map_err(|e| {
        Error::new(format!("the configuration cannot be read back: {}", e.message()))
    })?;
    table.remove(COMMAND);
    Ok(table)
}

/// The first key in which `options` differ from those that `file` holds, but for those that are
/// `free` and the machine's.
pub fn difference(
    file: &Path,
    options: &impl Serialize,
    free: impl Fn(&str) -> bool,
) -> Result<Option<String>, Error> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| Error::at(file, format_args!("cannot read the configuration: {e}")))?;
    let stored: Table = toml::from_str(&text)
        .map_err(|e| Error::at(file, format_args!("is no TOML: {}", e.message())))?;
    let now = table(options)?;
    let mut keys =
        stored.keys().chain(now.keys()).filter(|key| *key != COMMAND && *key != "threads");
    let differs = |key: &&String| !free(key) && stored.get(*key) != now.get(*key);
    Ok(keys.find(differs).cloned())
}

/// The configuration of the run in the folder `run`.
pub fn of_run(run: &Path) -> Result<PathBuf, Error> {
    let path = run.join(CONFIG);
    match (run.is_dir(), path.is_file()) {
        (true, true) => Ok(path),
        (true, false) => {
            bail!(run, "holds no {CONFIG}: name the folder of a run")
        }
        (false, _) => bail!(run, "there is no such run: name a run folder"),
    }
}
