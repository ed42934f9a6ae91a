//! The reference of the command line, `docs/guide/cli.md`, written from the options themselves.

use crate::cli::options::CommandLine;
use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory};
use std::fmt::Write;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guide/cli.md");
const HEAD: &str = "# Command line\n\n\
                    Commands and their options. This page is written from the options: after a \
                    change of them, run\n\
                    `NARROWS_WRITE=1 cargo test -p narrows --bin narrows reference`.\n\n\
                    `auto` as a default means that the value follows from the data and the model, \
                    as said there.\n";

/// With `NARROWS_WRITE` set, writes the page instead.
#[test]
fn the_reference_is_that_of_the_options() {
    let mut narrows = CommandLine::command();
    narrows.build();
    let mut page = HEAD.to_owned();
    commands(&narrows, "narrows", &mut page);
    if std::env::var_os("NARROWS_WRITE").is_some() {
        std::fs::write(PAGE, &page).expect("the page can be written");
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        written == page,
        "{PAGE} is out of date: run NARROWS_WRITE=1 cargo test -p narrows --bin narrows reference"
    );
}

fn commands(parent: &Command, path: &str, page: &mut String) {
    for command in parent.get_subcommands().filter(|command| command.get_name() != "help") {
        let path = format!("{path} {}", command.get_name());
        let about = command.get_long_about().or(command.get_about());
        write!(page, "\n## {path}\n\n{}\n", wrapped(&line(about))).expect("a string");
        let mut heading = None;
        let mut table = false;
        let arguments = command.get_arguments().filter(|arg| {
            !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version")
        });
        let mut arguments: Vec<&Arg> = arguments.collect();
        // Those without a heading come first, as in the help; one heading has one table.
        let order: Vec<_> = arguments.iter().map(|arg| arg.get_help_heading()).collect();
        arguments.sort_by_key(|arg| {
            let heading = arg.get_help_heading();
            heading.and_then(|_| order.iter().position(|of| *of == heading).map(|at| at + 1))
        });
        for argument in arguments {
            if !table || argument.get_help_heading() != heading {
                heading = argument.get_help_heading();
                let title = heading.unwrap_or("Options");
                write!(page, "\n| {title} | | default |\n|---|---|---|\n").expect("a string");
                table = true;
            }
            let row = [name(argument), meaning(argument), default(argument)];
            writeln!(page, "| {} |", row.join(" | ")).expect("a string");
        }
        commands(command, &path, page);
    }
}

fn name(argument: &Arg) -> String {
    let value = argument.get_value_names().filter(|_| argument.get_action().takes_values());
    let value = value.map(|names| names[0].as_str());
    match (argument.get_long(), value) {
        (Some(long), Some(value)) if argument.is_require_equals_set() => {
            format!("`--{long}[={value}]`")
        }
        (Some(long), Some(value)) => format!("`--{long} {value}`"),
        (Some(long), None) => format!("`--{long}`"),
        (None, value) => format!("`{}`", value.unwrap_or_default()),
    }
}

fn meaning(argument: &Arg) -> String {
    let mut text = line(argument.get_long_help().or(argument.get_help())).replace('|', "\\|");
    let values = argument.get_possible_values();
    if !argument.is_hide_possible_values_set() && argument.get_action().takes_values() {
        let names: Vec<_> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
        if !names.is_empty() {
            write!(text, ": {}", names.join(", ")).expect("a string");
        }
    }
    text
}

fn default(argument: &Arg) -> String {
    let values = argument.get_default_values();
    let values: Vec<_> = values.iter().map(|value| value.to_string_lossy()).collect();
    match values.join(",").as_str() {
        "" if argument.is_required_set() => "required".to_owned(),
        "" => String::new(),
        text => format!("`{text}`"),
    }
}

/// A help text as one line.
fn line(text: Option<&StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text in lines of at most 100 columns.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is one");
        if line.len() + word.len() >= 100 {
            lines.push(word.to_owned());
        } else {
            let space = if line.is_empty() { "" } else { " " };
            *line += &format!("{space}{word}");
        }
    }
    lines.join("\n")
}
