//! `narrows data fetch`: a public data set, into a folder of its own.

use crate::cli::options::data_commands::Fetch;
use crate::commands::inputs::full_path;
use crate::error::Error;
use crate::output::progress::Progress;
use crate::shell::quoted;
use narrows_datasets::fetch::{self, Event, FetchOptions};

pub fn run(options: &Fetch) -> Result<String, Error> {
    let set = fetch::named(&options.name)?;
    let how = FetchOptions {
        cache: options.cache.clone(),
        offline: options.offline,
        ..FetchOptions::default()
    };
    let progress = Progress::new(options.quiet);
    let folder = fetch::fetch(&set, &how, &mut |event| match event {
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
    let folder = full_path(&folder)?;
    Ok(format!(
        "{} is in {}\nNext: narrows compare {}\n",
        set.name,
        folder.display(),
        quoted(folder.display())
    ))
}
