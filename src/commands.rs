//! One file a command. Each checks everything first, then makes its folder, works, and returns what
//! to print.

pub mod bench;
pub mod compare;
pub mod data;
pub mod embed;
pub mod evaluate;
pub mod info;
mod inputs;
pub mod predict;
pub mod pretrain;
pub mod score;
pub mod train;

use crate::cli::config;
use crate::cli::options::running::RunningOptions;
use crate::error::{Error, bail};
use crate::run::folder::{CONFIG, RunFolder};
use narrows_engine::Context;
use serde::Serialize;

/// Makes the folder of a run of `command` and writes its configuration there: that the folder can
/// be written to is known before anything is trained.
fn begin(
    command: &str,
    options: &impl Serialize,
    running: &RunningOptions,
    cx: &Context,
) -> Result<RunFolder, Error> {
    let note = format!("computed with --isa {} on {} threads", cx.isa().name(), cx.threads());
    let config = config::text(command, options, &note)?;
    let folder = RunFolder::create(running.out.as_deref(), command)?;
    folder.write(CONFIG, config.as_bytes())?;
    Ok(folder)
}

/// Refuses the options `ids` where they were given although they have no effect, because of
/// `reason`.
fn refuse(explicit: &[String], ids: &[impl AsRef<str>], reason: &str) -> Result<(), Error> {
    let mut ids = ids.iter().map(AsRef::as_ref);
    match ids.find(|id| explicit.iter().any(|given| given == id)) {
        None => Ok(()),
        Some(id) => bail!("--{} has no effect: {reason}", id.replace('_', "-")),
    }
}
