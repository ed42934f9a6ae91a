//! Data for other programs.

use super::{check_free, open, path_of, tell};
use crate::cli::options::data_commands::Convert;
use crate::error::Error;
use crate::output::numbers::{counted, size, speed, thousands};
use crate::output::progress::Progress;
use crate::output::tables::lines::lines;
use narrows_datasets::ExportFormat;
use std::time::Instant;

pub fn run(options: &Convert) -> Result<String, Error> {
    let Convert { path, reading, out, part, force } = options;
    let format = ExportFormat::of(out)
        .map_err(|e| Error::new(format!("{e}, or in .narrows for a store")))?;
    let (path, start) = (path_of(path)?, Instant::now());
    check_free(out, *force)?;
    let labels = format.labels_file(out);
    if let Some(labels) = &labels {
        check_free(labels, *force)?;
    }
    let progress = Progress::new(reading.quiet);
    let data = open(reading, &path, None, &progress)?;
    let name = out.display().to_string();
    let told = &mut |done, total| tell(&progress, &name, done, total);
    let exported = narrows_datasets::export(&data, (*part).into(), out, told)?;
    progress.end_count();
    let mut text = vec![
        ("exported", format!("{} ({})", data.name, data.format)),
        ("to", out.display().to_string()),
        ("samples", counted(exported.rows as usize, "sample")),
    ];
    if exported.validation > 0 {
        let count = thousands(exported.validation as usize);
        text.push((
            "validation",
            format!("{count}, the last to train, which the file does not tell"),
        ));
    }
    if let (Some(labels), true) = (labels, exported.labelled) {
        text.push(("labels", labels.display().to_string()));
    }
    if exported.names_lost {
        text.push((
            "classes",
            "by their places: the format has no place for their names".to_owned(),
        ));
    }
    text.push(("size", size(exported.bytes)));
    text.push(("time", speed(exported.bytes, start.elapsed().as_secs_f64())));
    Ok(lines(&text))
}
