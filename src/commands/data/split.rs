//! `narrows data split`: one file into those to train, to validate and to test.

use super::convert::described;
use super::{Scratch, folder_of, open, path_of, tell};
use crate::cli::options::data_commands::Split;
use crate::commands::inputs::full_path;
use crate::error::Error;
use crate::output::numbers::speed;
use crate::output::progress::Progress;
use crate::output::tables::lines::lines;
use crate::shell::quoted;
use narrows_datasets::Shares;
use std::time::Instant;

pub fn run(options: &Split) -> Result<String, Error> {
    let Split { path, reading, out, train, validation, test, seed, unlabelled } = options;
    let (path, start) = (path_of(path)?, Instant::now());
    // Beside the folder, which is made when all is known to be right.
    let scratch = Scratch::beside(folder_of(out));
    let progress = Progress::new(reading.quiet);
    let data = open(reading, &path, Some(&scratch), &progress)?;
    let shares = Shares { train: *train, validation: *validation, test: *test };
    let name = out.display().to_string();
    let told = &mut |done, total| tell(&progress, &name, done, total);
    let parts = narrows_datasets::split(&data, out, shares, *seed, *unlabelled, told)?;
    progress.end_count();
    let (mut text, mut bytes) = (String::new(), 0);
    for (name, packed) in ["train", "validation", "test"].iter().zip(parts) {
        if let Some(packed) = packed {
            text += &format!("{name}.narrows\n{}\n", lines(&described(&packed)));
            bytes += packed.bytes;
        }
    }
    text += &lines(&[
        ("seed", seed.to_string()),
        ("time", speed(bytes, start.elapsed().as_secs_f64())),
    ]);
    Ok(format!("{text}Next: narrows compare {}\n", quoted(full_path(out)?.display())))
}
