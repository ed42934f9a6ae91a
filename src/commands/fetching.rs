//! Fetches a public set, and shows how far that is.

use crate::cli::options::fetching::Fetching;
use crate::commands::inputs::full_path;
use crate::error::Error;
use crate::output::progress::Progress;
use narrows_datasets::fetch::{self, Event, FetchOptions, PublicSet};
use std::path::PathBuf;

/// Fetches `set`, and returns its folder.
pub fn fetch(set: &PublicSet, options: &Fetching) -> Result<PathBuf, Error> {
    let how = FetchOptions {
        cache: options.cache.clone(),
        offline: options.offline,
        ..FetchOptions::default()
    };
    let progress = Progress::new(options.quiet);
    let folder = fetch::fetch(set, &how, &mut |event| match event {
        Event::Received { file, done, total } => progress.bytes(file, done, total),
        Event::Failed { file, mirror, problem } => {
            progress.say(&format!("{file}: {mirror} {problem}"))
        }
        Event::Waiting { folder } => {
            progress.say(&format!(
                "{}: another process is fetching, and is waited for",
                folder.display()
            ));
        }
        Event::Unpacking { file } => progress.say(&format!("{file}: unpacking")),
        _ => {}
    })?;
    progress.end_count();
    full_path(&folder)
}
