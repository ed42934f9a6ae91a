//! A page about runs: one file of HTML that needs no network.
//!
//! | module | contents |
//! |---|---|
//! | `files`, `summary`, `metrics` | what is read from the folder of a run |
//! | `html`, `table`, `chart` | the parts that a page is made of |
//! | `headline` | what came out, in a few sentences |
//! | `methods`, `labels` | accuracies and gains: of each method, by the number of labels |
//! | `training` | losses and accuracies by epoch |
//! | `pictures`, `classes`, `study` | reconstructions; the classes; the trials of a search |
//! | `details` | time, memory, settings, how to repeat a run |

mod chart;
mod classes;
mod details;
mod files;
mod headline;
mod html;
mod labels;
mod methods;
mod metrics;
mod pictures;
mod study;
mod summary;
mod table;
mod training;

use crate::error::Error;
use crate::output::numbers::{counted, duration};
use crate::run::folder::{REPORT, write as write_file};
use files::Run;
use html::{Html, all, element, open, paragraph, tag, text};
use std::io::Write as _;
use std::path::{Path, PathBuf};

const STYLE: &str = include_str!("report/page.css");
const SCRIPT: &str = include_str!("report/page.js");
/// Nothing is loaded from anywhere, whatever a page holds.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; \
                      script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A part of what is said about a run: its heading, and what makes it where there is anything.
type Section = (&'static str, fn(&Run) -> Option<Html>);

const SECTIONS: [Section; 8] = [
    ("Methods", methods::section),
    ("By number of labels", labels::section),
    ("Classes", classes::section),
    ("Study", study::section),
    ("Training", training::section),
    ("Reconstructions", pictures::section),
    ("Scores", details::scores),
    ("Repeat this run", details::repeat),
];

/// The seconds after which a browser asks again for the page of a run that goes on.
pub const REFRESH: &str = "5";

/// The page about the runs in these folders.
pub fn page(folders: &[PathBuf]) -> Result<String, Error> {
    let runs: Vec<Run> = folders.iter().map(|path| Run::open(path)).collect::<Result<_, _>>()?;
    Ok(page_of(&runs))
}

/// The page about a run that may go on: as far as it is.
pub fn live(folder: &Path) -> Result<String, Error> {
    Ok(page_of(&[Run::open_live(folder)?]))
}

fn page_of(runs: &[Run]) -> String {
    let mut main = Html::default();
    let title = match runs {
        [run] => format!("{} on {}", run.summary.command, run.summary.dataset),
        runs => format!("{} side by side", counted(runs.len(), "run")),
    };
    if runs.len() > 1 {
        main.push(overview(&title, runs));
    }
    for (at, run) in runs.iter().enumerate() {
        main.push(article(at, run, runs.len() > 1));
    }
    let version = concat!("narrows ", env!("CARGO_PKG_VERSION"));
    let foot = element("footer", &[], text(format!("{version}. This page needs no network.")));
    let head = all([
        Html::of("<meta charset=\"utf-8\">"),
        open("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)]),
        Html::of("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"),
        Html::of("<meta name=\"color-scheme\" content=\"light dark\">"),
        tag("title", format!("Narrows: {title}")),
        element("style", &[], Html::of(STYLE)),
        match runs.iter().any(|run| run.unfinished) {
            true => open("meta", &[("http-equiv", "refresh"), ("content", REFRESH)]),
            false => Html::default(),
        },
    ]);
    let body = all([element("main", &[], main), foot, element("script", &[], Html::of(SCRIPT))]);
    let page = element(
        "html",
        &[("lang", "en")],
        all([element("head", &[], head), element("body", &[], body)]),
    );
    format!("<!DOCTYPE html>\n{}\n", page.as_str())
}

/// Writes the page about the run in `folder` into it, and returns the line that says so. A run is
/// none the worse for a page that cannot be made: that is said, and no more.
pub fn leave(folder: &Path) -> String {
    let path = folder.join(REPORT);
    let written = page(&[folder.to_path_buf()])
        .and_then(|page| write_file(&path, page.as_bytes(), "make room and run narrows report"));
    match written {
        Ok(()) => format!("report: {}\n", path.display()),
        Err(e) => {
            // Where nobody listens, the run is done all the same.
            let _ = writeln!(std::io::stderr(), "narrows: no report was written: {e}");
            String::new()
        }
    }
}

/// What several runs came to, beside each other.
fn overview(title: &str, runs: &[Run]) -> Html {
    let columns = ["run", "command", "data", "result", "what", "time"];
    let mut table = table::Table::new("runs", "All runs", &columns);
    for run in runs {
        let headline = headline::headline(&run.summary);
        let seconds = run.summary.wall_seconds;
        table.row([
            table::Cell::text(run.path.display().to_string()),
            table::Cell::text(&run.summary.command),
            table::Cell::text(&run.summary.dataset),
            table::Cell::text(headline.figure),
            table::Cell::text(headline.unit),
            table::Cell::number(seconds, duration(seconds)),
        ]);
    }
    let mut overview = tag("h1", title);
    overview.push(table.html());
    overview.push(methods::side_by_side(runs).unwrap_or_default());
    element("article", &[], overview)
}

/// All about one run. With `others` on the page, it is not what the page is about.
fn article(at: usize, run: &Run, others: bool) -> Html {
    let summary = &run.summary;
    let headline = if run.unfinished {
        headline::of_unfinished(&run.trainings)
    } else {
        headline::headline(summary)
    };
    let name = format!("{} on {}", summary.command, summary.dataset);
    let sentences = headline
        .sentences
        .iter()
        .enumerate()
        .map(|(i, sentence)| paragraph(if i == 0 { "first" } else { "more" }, sentence));
    let mut article = all([
        paragraph("run", format!("Run folder {}", run.name())),
        tag(if others { "h2" } else { "h1" }, name),
        element(
            "div",
            &[("class", "headline")],
            all([
                element(
                    "p",
                    &[("class", "figure")],
                    all([tag("b", &headline.figure), text(" "), tag("span", &headline.unit)]),
                ),
                element("div", &[], all(sentences)),
            ]),
        ),
        details::facts(run),
    ]);
    for (heading, section) in SECTIONS {
        let Some(content) = section(run) else { continue };
        let heading = tag(if others { "h3" } else { "h2" }, heading);
        article.push(element("section", &[], all([heading, content])));
    }
    element("article", &[("id", &format!("run-{}", at + 1))], article)
}
