//! One file a command. Each checks everything first, then makes its folder, works, and returns what
//! to print.

pub mod bench;
pub mod compare;
pub mod data;
pub mod embed;
pub mod evaluate;
pub mod export;
#[cfg(feature = "fetch")]
mod fetching;
pub mod info;
mod inputs;
pub mod models;
pub mod predict;
pub mod pretrain;
pub mod report;
pub mod score;
pub mod train;
pub mod tune;
pub mod watch;
mod weights;

use crate::error::{Error, bail};

/// Refuses the options `ids` where they were given although they have no effect, because of
/// `reason`.
fn refuse(explicit: &[String], ids: &[impl AsRef<str>], reason: &str) -> Result<(), Error> {
    let mut ids = ids.iter().map(AsRef::as_ref);
    match ids.find(|id| explicit.iter().any(|given| given == id)) {
        None => Ok(()),
        Some(id) => bail!("--{} has no effect: {reason}", id.replace('_', "-")),
    }
}
