//! `narrows data convert`: data of any format into another one, or into a store.

use super::{Scratch, check_free, export, folder_of, open, path_of, tell};
use crate::cli::options::data_commands::Convert;
use crate::cli::options::row_output::Part;
use crate::commands::inputs::{full_path, opened};
use crate::error::{Error, ensure};
use crate::output::numbers::{counted, shape, size, speed, thousands};
use crate::output::progress::Progress;
use crate::output::tables::lines::lines;
use crate::shell::quoted;
use narrows_datasets::Packed;
use std::time::Instant;

pub fn run(options: &Convert) -> Result<String, Error> {
    let ending = options.out.extension();
    match ending.is_some_and(|ending| ending.eq_ignore_ascii_case("narrows")) {
        true => pack(options),
        false => export::run(options),
    }
}

/// Writes a store.
fn pack(options: &Convert) -> Result<String, Error> {
    let Convert { path, reading, out, force, part } = options;
    ensure!(
        *part == Part::All,
        out,
        "a store has all samples: leave --part out, or write another format"
    );
    let (path, start) = (path_of(path)?, Instant::now());
    check_free(out, *force)?;
    let scratch = Scratch::beside(folder_of(out));
    let progress = Progress::new(reading.quiet);
    let options = reading.files.open_options(reading.threads);
    // A table becomes the store at once; all else is opened first.
    let (name, format, packed) = match narrows_datasets::pack_table(&path, &options, out)? {
        Some(table) => {
            let table = opened(&path, &progress, |_, _| Ok(table))?;
            (table.name, table.format, table.data)
        }
        None => {
            let data = open(reading, &path, Some(&scratch), &progress)?;
            let name = out.display().to_string();
            let tell = &mut |done, total| tell(&progress, &name, done, total);
            let packed = narrows_datasets::pack(&data, out, tell)?;
            (data.name, data.format, packed)
        }
    };
    progress.end_count();
    let mut text = vec![("packed", format!("{name} ({format})"))];
    text.extend(described(&packed));
    text.push(("time", speed(packed.bytes, start.elapsed().as_secs_f64())));
    Ok(format!("{}Next: narrows compare {}\n", lines(&text), quoted(full_path(out)?.display())))
}

/// The contents of a new store.
pub fn described(packed: &Packed) -> Vec<(&'static str, String)> {
    let Packed { train, test, labelled, classes, missing, rounded, bytes, .. } = packed;
    let count = |n: u64, what| counted(n as usize, what);
    let rows = match test {
        0 => count(*train, "sample"),
        _ => format!(
            "{} to train, {} to test",
            thousands(*train as usize),
            thousands(*test as usize)
        ),
    };
    let mut text = vec![
        ("samples", rows),
        ("each", format!("{}, {}", shape(&packed.shape), packed.dtype.name())),
        (
            "labels",
            match (labelled, classes) {
                (0, 0) => "none".to_owned(),
                (labelled, 1) => format!("{} labelled, 1 class", thousands(*labelled as usize)),
                (labelled, classes) => {
                    format!(
                        "{} labelled, {} classes",
                        thousands(*labelled as usize),
                        thousands(*classes)
                    )
                }
            },
        ),
    ];
    if *missing > 0 {
        text.push(("missing", count(*missing, "value")));
    }
    if *rounded > 0 {
        text.push(("rounded", format!("{}, to 32-bit floats", count(*rounded, "number"))));
    }
    text.push(("size", size(*bytes)));
    text
}
