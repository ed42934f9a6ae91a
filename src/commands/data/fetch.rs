//! `narrows data fetch`: a public data set, into a folder of its own.

use crate::cli::options::data_commands::Fetch;
use crate::commands::fetching;
use crate::error::Error;
use crate::shell::quoted;
use narrows_datasets::fetch;

pub fn run(options: &Fetch) -> Result<String, Error> {
    let set = fetch::named(&options.name)?;
    let folder = fetching::fetch(&set, &options.fetching)?;
    Ok(format!(
        "{} is in {}\nNext: narrows compare {}\n",
        set.name,
        folder.display(),
        quoted(folder.display())
    ))
}
