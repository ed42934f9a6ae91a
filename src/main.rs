//! The command line of Narrows: see `narrows --help`.

mod commands;
mod config;
mod defaults;
mod error;
mod journal;
mod machine;
mod metrics;
mod numbers;
mod options;
mod picture;
mod progress;
mod run_folder;
mod summary;
mod table;

use config::Stop;
use options::Command;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match work() {
        Ok(text) => {
            // Results go out at once; a reader that has closed its end wanted no more of them.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("narrows: {e}");
            ExitCode::from(2)
        }
    }
}

/// Does what the command line asks for, and returns what to print.
fn work() -> Result<String, error::Error> {
    let parsed = match config::parse(std::env::args_os().collect()) {
        Ok(parsed) => parsed,
        Err(Stop::Shown(text)) => return Ok(text),
        Err(Stop::Failed(e)) => return Err(e),
    };
    match &parsed.command_line.command {
        Command::Compare(options) => commands::compare::run(options.clone()),
        Command::Pretrain(options) => commands::pretrain::run(options.clone(), &parsed.explicit),
        Command::Finetune(options) => commands::finetune::run(options.clone(), &parsed.explicit),
        Command::Evaluate(options) => commands::evaluate::run(options),
        Command::Info(options) => commands::info::run(options),
    }
}
