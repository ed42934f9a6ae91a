//! The command line and the file it may name, read as one.
//!
//! A file's line `latent = 20` is the flag `--latent=20`, checked by the same parser. The command
//! line is put together as
//!
//! ```text
//! narrows compare  [the file's flags, less those given explicitly]  [the flags given explicitly]
//! ```
//!
//! so that what is given wins over the file, and the file over the defaults. `--resume RUN` takes
//! the run's own.

use super::clap_errors::{self, Stop};
use super::config::{self, COMMAND, flag_value};
use super::options::compare::Compare;
use super::options::data::DataOptions;
use super::options::labels::ComparedLabels;
use super::options::running::RunningOptions;
use super::options::values::ids;
use super::options::{self, CommandLine};
use super::{old_names, short_help};
use crate::error::{Error, bail};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use strsim::levenshtein;
use toml::{Table, Value};

/// Options that are given anew each time, and never stored.
const NOT_STORED: [&str; 9] =
    ["out", "config", "resume", "checkpoint-every", "keep", "quiet", "help", "study", "worker"];

/// A command line, with its file overlaid.
pub struct Parsed {
    pub command_line: CommandLine,
    /// The ids of the options that were given on the command line itself.
    pub explicit: Vec<String>,
}

/// Reads the command line `args`, the program's name first, and the file it may name.
pub fn parse(args: Vec<OsString>) -> Result<Parsed, Stop> {
    let (args, notes) = old_names::renamed(args);
    if !args.iter().any(|arg| arg == "--quiet") {
        for note in notes {
            // Where nobody listens, the work is the same.
            let _ = writeln!(std::io::stderr(), "{note}");
        }
    }
    let mut root = CommandLine::command();
    if args.len() < 2 {
        return Err(Stop::Shown(root.render_long_help().to_string()));
    }
    if args.iter().any(|arg| arg == "-h") {
        root = short_help::short(root);
    }
    root.build();
    let matches = root.clone().try_get_matches_from(&args).map_err(|e| {
        clap_errors::stop_at(&e, &root, &args).unwrap_or_else(|| clap_errors::stop(e))
    })?;
    let (name, given) =
        matches.subcommand().ok_or_else(|| Error::new("no command: see narrows --help"))?;
    let explicit: Vec<String> = (given.ids().map(|id| id.to_string()))
        .filter(|id| given.value_source(id) == Some(ValueSource::CommandLine))
        .collect();
    let path = |id| given.try_get_one::<PathBuf>(id).ok().flatten();
    let file = match (path("config"), path("resume")) {
        (Some(file), _) => Some(file.clone()),
        (None, Some(run)) => Some(config::of_run(run)?),
        (None, None) => None,
    };
    let matches = match &file {
        None => matches,
        Some(file) => {
            let command = root.find_subcommand(name).expect("clap matched it");
            let mut all = args[..2].to_vec();
            all.extend(flags(file, command, given)?);
            all.extend_from_slice(&args[2..]);
            root.clone().try_get_matches_from(all).map_err(clap_errors::stop)?
        }
    };
    let command_line = CommandLine::from_arg_matches(&matches).map_err(clap_errors::stop)?;
    Ok(Parsed { command_line, explicit })
}

/// Refuses what is no option of a training in `narrows compare`, or a value that it does not take.
pub fn check_option(name: &str, text: &str) -> Result<(), String> {
    let mut root = CommandLine::command();
    root.build();
    let command = root.find_subcommand("compare").expect("there is one");
    let shared = [ids::<DataOptions>(), ids::<ComparedLabels>(), ids::<RunningOptions>()].concat();
    let of_all = ["metric", "auto", "limit", "references", "ensemble", "encoder", "help"];
    let is_own = |arg: &&clap::Arg| {
        let id = arg.get_id().as_str();
        name == "methods" && id == "methods"
            || id != "methods" && !of_all.contains(&id) && !shared.iter().any(|shared| shared == id)
    };
    let options = || command.get_arguments().filter(is_own);
    let Some(option) = options().find(|arg| arg.get_long() == Some(name)) else {
        if command.get_arguments().any(|arg| arg.get_long() == Some(name)) {
            return Err(format!("--{name} is the same for all trials: give it to narrows tune"));
        }
        let names = options().filter_map(|arg| arg.get_long());
        let nearest = names.min_by_key(|other| levenshtein(name, other)).unwrap_or_default();
        return Err(format!("no option is called so: the nearest is {nearest}"));
    };
    let flag = match option.get_action() {
        ArgAction::SetTrue => return Err(format!("--{name} takes no value")),
        _ => format!("--{name}={text}"),
    };
    let parsed = CommandLine::command().try_get_matches_from(["narrows", "compare", &flag]);
    let line = parsed.and_then(|matches| CommandLine::from_arg_matches(&matches));
    line.map(drop).map_err(|e| clap_errors::one_line(&e))
}

/// The options of `narrows compare` that a file would hold as `table`.
pub fn compare(table: &Table) -> Result<Compare, Error> {
    let mut args = vec!["narrows".to_string(), "compare".to_string()];
    for (key, value) in table {
        let text = flag_value(value).ok_or_else(|| Error::new(format!("{key}: has no value")))?;
        args.push(format!("--{key}={text}"));
    }
    let matches = CommandLine::command()
        .try_get_matches_from(args)
        .map_err(|e| Error::new(clap_errors::one_line(&e)))?;
    let line = CommandLine::from_arg_matches(&matches).map_err(clap_errors::stop);
    match line {
        Ok(CommandLine { command: options::Command::Compare(compare) }) => Ok(*compare),
        Ok(_) => unreachable!("the command is compare"),
        Err(Stop::Failed(e)) => Err(e),
        Err(Stop::Shown(text)) => Err(Error::new(text)),
    }
}

/// The flags that `file` stands for, less those that `given` overrules.
fn flags(file: &Path, command: &Command, given: &ArgMatches) -> Result<Vec<OsString>, Error> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| Error::at(file, format_args!("cannot read the configuration: {e}")))?;
    let table: Table = toml::from_str(&text).map_err(|e| {
        let line = e.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        Error::at(file, format_args!("line {line} is no TOML: {}", e.message()))
    })?;
    // First: of another command's file, a key that this one does not know would only mislead.
    let of = match table.get(COMMAND) {
        Some(value) => check_command(file, value, command.get_name())?,
        None => command.get_name(),
    };
    let budget = table.get("recipe").and_then(|_| table.get("budget")?.as_str());
    let mut flags = Vec::new();
    for (key, value) in table.iter().filter(|(key, _)| *key != COMMAND) {
        let text = flag_value(value).ok_or_else(|| {
            Error::at(
                file,
                format_args!("{key}: it must be a number, a text, true, false, or a list of them"),
            )
        })?;
        match old_names::option(of, key, Some(&text), budget) {
            None => flags.extend(file_flag(file, key, &text, command, given)?),
            Some(renamed) => {
                for flag in renamed {
                    let (key, text) = flag[2..].split_once('=').unwrap_or((&flag[2..], "true"));
                    flags.extend(file_flag(file, key, text, command, given)?);
                }
            }
        }
    }
    Ok(flags)
}

/// The flag that `key` and its value in `file` stand for, unless `given` overrules it.
fn file_flag(
    file: &Path,
    key: &str,
    text: &str,
    command: &Command,
    given: &ArgMatches,
) -> Result<Option<OsString>, Error> {
    let stored = |long: &&str| !NOT_STORED.contains(long);
    let known =
        || command.get_arguments().filter(|arg| arg.get_long().as_ref().is_some_and(stored));
    let Some(arg) = known().find(|arg| arg.get_long() == Some(key)) else {
        let nearest = known().filter_map(|arg| arg.get_long()).min_by_key(|k| levenshtein(key, k));
        let nearest = nearest.unwrap_or_default();
        bail!(file, "unknown key '{key}': the nearest is '{nearest}'");
    };
    let flag = match arg.get_action() {
        ArgAction::SetTrue if text == "true" => format!("--{key}"),
        ArgAction::SetTrue if text == "false" => return Ok(None),
        ArgAction::SetTrue => {
            bail!(file, "{key}: it must be true or false");
        }
        _ => format!("--{key}={text}"),
    };
    // Alone first, so that the message can name the file.
    let alone = ["narrows", command.get_name(), &flag];
    CommandLine::command()
        .try_get_matches_from(alone)
        .map_err(|e| Error::at(file, clap_errors::one_line(&e)))?;
    let explicit = |id: &str| given.value_source(id) == Some(ValueSource::CommandLine);
    let overruled = explicit(arg.get_id().as_str())
        || command
            .get_arg_conflicts_with(arg)
            .iter()
            .any(|other| explicit(other.get_id().as_str()));
    Ok((!overruled).then(|| flag.into()))
}

/// The command that `file` is for. Refuses a file that another command left: the same key can mean
/// another thing there.
fn check_command<'a>(file: &Path, value: &'a Value, command: &str) -> Result<&'a str, Error> {
    match value.as_str() {
        Some(name) if old_names::command(name) == command => Ok(name),
        _ => bail!(
            file,
            "is for the command {value}, not \"{command}\": give a file of narrows {command}"
        ),
    }
}
