//! The options of `narrows watch`.

use clap::Args;
use std::path::PathBuf;

/// The options of `narrows watch`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Watch {
    /// Run folder, of a run that goes on or is done
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Port of this machine to listen on; 0: a free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,
}
