//! The public weights of known networks.

use crate::error::{Error, bail};
use crate::shell::quoted;
#[cfg(feature = "fetch")]
use narrows_datasets::fetch::{self, PublicSet};
use narrows_models::backbones::ARCHITECTURES;
use std::path::{Path, PathBuf};

/// The name that the network called `name` goes by, if there is one.
pub fn network(name: &str) -> Option<&'static str> {
    let known = ARCHITECTURES.iter().find(|known| known.names.contains(&name))?;
    Some(known.names[0])
}

/// The public weights of the network that goes by `name`.
#[cfg(feature = "fetch")]
pub fn public(name: &str) -> Option<PublicSet> {
    fetch::weights().into_iter().find(|set| set.name == name)
}

/// The file of the weights of the network that goes by `name`, if they were fetched.
#[cfg(feature = "fetch")]
pub fn fetched(name: &str) -> Option<PathBuf> {
    let set = public(name)?;
    Some(fetch::cached_set(&set)?.join(&set.files.first()?.name))
}

/// Without a catalogue, nothing was fetched.
#[cfg(not(feature = "fetch"))]
pub fn fetched(_: &str) -> Option<PathBuf> {
    None
}

/// Refuses the name of a network where its weights are asked for.
pub fn refuse_name(run: &Path) -> Result<(), Error> {
    let Some(name) = run.to_str().and_then(network).filter(|_| !run.exists()) else {
        return Ok(());
    };
    let (before, path) = match fetched(name) {
        Some(path) => ("name the file of its weights by".to_owned(), quoted(path.display())),
        None => (format!("run narrows models fetch {name}, then"), "PATH".to_owned()),
    };
    bail!(
        run,
        "there is no such run, and a network has no weights without a file: {before} --encoder \
         {path} --arch {name} (where RUN is asked for: {path} --arch {name})"
    )
}
