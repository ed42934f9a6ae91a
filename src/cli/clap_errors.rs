//! Messages of clap, in one line.

use crate::error::Error;
use clap::error::ErrorKind;

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
