//! `narrows data inspect --verify`: whether data are what they were.

use super::{Scratch, open, path_of, tell};
use crate::cli::options::data_commands::Inspect;
use crate::error::{Error, bail};
use crate::output::numbers::{counted, size, speed};
use crate::output::progress::Progress;
use crate::output::tables::lines::lines;
use std::time::Instant;

pub fn run(options: &Inspect) -> Result<String, Error> {
    let Inspect { path, reading, .. } = options;
    let (path, start) = (path_of(path)?, Instant::now());
    let progress = Progress::new(reading.quiet);
    let (name, mut bytes) = (path.display().to_string(), 0);
    let mut told = |done, total| {
        bytes = total;
        tell(&progress, &name, done, total);
    };
    if narrows_datasets::is_store(&path) {
        if let Some(option) = reading.files.for_files()? {
            bail!(&path, "is a store, which --{option} has no effect on");
        }
        narrows_datasets::verify(&path, &mut told)?;
        progress.end_count();
        let rate = speed(bytes, start.elapsed().as_secs_f64());
        return Ok(lines(&[
            ("verified", path.display().to_string()),
            ("result", "every block fits its checksum".to_owned()),
            ("size", size(bytes)),
            ("time", rate),
        ]));
    }
    // Not by what was made of the data earlier: it is they that are to be read.
    let scratch = Scratch::beside(&std::env::temp_dir());
    let data = open(reading, &path, Some(&scratch), &progress)?;
    let (rows, labelled) = narrows_datasets::read_all(&data, &mut told)?;
    progress.end_count();
    let rate = speed(bytes, start.elapsed().as_secs_f64());
    Ok(lines(&[
        ("read", format!("{} ({})", path.display(), data.format)),
        (
            "result",
            "all samples can be read; the format has no checksums to hold them against, as a store \
             has"
                .to_owned(),
        ),
        ("samples", format!("{}, {labelled} labelled", counted(rows as usize, "sample"))),
        ("size", size(bytes)),
        ("time", rate),
    ]))
}
