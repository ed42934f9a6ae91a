//! The command line of Narrows: see `narrows --help`.

mod cli;
mod commands;
mod error;
mod machine;
mod output;
mod report;
mod run;
mod shell;

use cli::clap_errors::Stop;
use cli::options::Command;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    narrows_datasets::hide_decoder_panics();
    match work() {
        Ok(text) => match show(&text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => fail(&format!("the result cannot be written to standard output: {e}"), 2),
        },
        Err(e) => fail(&e.to_string(), e.code()),
    }
}

/// Writes `text` to standard output. A reader that has closed its end wanted no more of it.
fn show(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn fail(message: &str, code: u8) -> ExitCode {
    // Where nobody listens, the exit code still tells.
    let _ = writeln!(std::io::stderr(), "narrows: {message}");
    ExitCode::from(code)
}

/// Does what the command line asks for, and returns what to print.
fn work() -> Result<String, error::Error> {
    let parsed = match cli::parse::parse(std::env::args_os().collect()) {
        Ok(parsed) => parsed,
        Err(Stop::Shown(text)) => return Ok(text),
        Err(Stop::Failed(e)) => return Err(e),
    };
    match &parsed.command_line.command {
        Command::Compare(options) => commands::compare::run(*options.clone(), &parsed.explicit),
        Command::Pretrain(options) => commands::pretrain::run(*options.clone(), &parsed.explicit),
        Command::Train(options) => commands::train::run(*options.clone(), &parsed.explicit),
        Command::Tune(options) => commands::tune::run(*options.clone(), &parsed.explicit),
        Command::Predict(options) => commands::predict::run(options),
        Command::Embed(options) => commands::embed::run(options),
        Command::Score(options) => commands::score::run(options, &parsed.explicit),
        Command::Evaluate(options) => commands::evaluate::run(options, &parsed.explicit),
        Command::Report(options) => commands::report::run(options),
        Command::Watch(options) => commands::watch::run(options),
        Command::Export(options) => commands::export::run(options, &parsed.explicit),
        Command::Info(options) => commands::info::run(options, &parsed.explicit),
        Command::Data(options) => commands::data::run(options),
        Command::Models(options) => commands::models::run(options),
        Command::Bench(options) => commands::bench::run(options),
    }
}
