//! `narrows data`: data sets, before anything is learnt from them.

use crate::error::Error;
use crate::options::data_commands::{Data, DataCommand};

#[cfg(feature = "fetch")]
mod fetch;

pub fn run(options: &Data) -> Result<String, Error> {
    match &options.command {
        #[cfg(feature = "fetch")]
        DataCommand::Fetch(options) => fetch::run(options),
        #[cfg(not(feature = "fetch"))]
        DataCommand::Fetch(_) => Err(Error::new(
            "this narrows was built without the feature fetch: build it with, or fetch the files by other means",
        )),
    }
}

#[cfg(feature = "fetch")]
pub use fetch::fetched;

/// Without a catalogue, no name stands for a data set.
#[cfg(not(feature = "fetch"))]
pub fn fetched(_: &std::path::Path) -> Result<Option<std::path::PathBuf>, Error> {
    Ok(None)
}
