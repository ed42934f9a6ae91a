//! Messages of clap, in one line.

use crate::error::Error;
use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;

/// Why there is nothing to run.
pub enum Stop {
    /// Help or the version was asked for: the text.
    Shown(String),
    /// Something is wrong.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(e: Error) -> Stop {
        Stop::Failed(e)
    }
}

/// That of an option which there is not, with those of `root` whose names have its word in them.
pub fn stop_at(e: &clap::Error, root: &Command, args: &[OsString]) -> Option<Stop> {
    let Some(ContextValue::String(given)) = e.get(ContextKind::InvalidArg) else { return None };
    let word = given.strip_prefix("--")?.split('=').next()?;
    if e.kind() != ErrorKind::UnknownArgument || e.get(ContextKind::SuggestedArg).is_some() {
        return None;
    }
    let (mut command, mut called) = (root, "narrows".to_owned());
    while let Some(name) = args.get(called.split(' ').count()).and_then(|name| name.to_str())
        && let Some(inner) = command.find_subcommand(name)
    {
        command = inner;
        called = format!("{called} {name}");
    }
    let options = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let has_word = |name: &&str| name.split('-').any(|part| part == word);
    let alike = options.filter_map(clap::Arg::get_long).filter(has_word);
    let alike: Vec<String> = alike.map(|name| format!("--{name}")).collect();
    let advice = match alike.len() {
        0 => format!("{called} --help lists the options"),
        1..=3 => format!("{} is one", alike.join(" or ")),
        _ => return None,
    };
    Some(Stop::Failed(Error::new(format!("there is no option {given}: {advice}"))))
}

/// Shows the help that was asked for, or fails.
pub fn stop(e: clap::Error) -> Stop {
    match e.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        // A command that is nothing without the one below it, as narrows itself is.
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Stop::Shown(e.render().to_string())
        }
        _ => Stop::Failed(Error::new(one_line(&e))),
    }
}

/// The message without usage and pointers to the help.
pub fn one_line(e: &clap::Error) -> String {
    let text = e.render().to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let kept: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !line.starts_with("For more information"))
        .collect();
    let joined = kept.join(" ").replace(" tip: ", ": ");
    let message = joined.strip_prefix("error: ").unwrap_or(&joined);
    if e.kind() != ErrorKind::InvalidSubcommand {
        return message.to_string();
    }
    let message =
        message.replace("unrecognized subcommand", "no command").replace("subcommand", "command");
    match message.contains("similar command") {
        true => message,
        false => format!("{message}: --help lists the commands"),
    }
}
