//! Public files that are fetched: data sets and weights.

use clap::Args;
use std::path::PathBuf;

/// The options of `narrows data fetch` and `narrows models fetch`, beside the name.
#[derive(Clone, Debug, Args)]
pub struct Fetching {
    /// Folder to fetch into, in which NAME gets a folder of its own [default: narrows/datasets or
    /// narrows/models in the user's cache folder, where other commands find data by name]
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Open no connection: check the files that are there, and name those that are missing
    #[arg(long)]
    pub offline: bool,
    /// Show no progress; notes stay
    #[arg(long)]
    pub quiet: bool,
}
