//! `narrows report`: a page about runs.

use crate::cli::options::report::Report;
use crate::commands::data::check_free;
use crate::error::Error;
use crate::report;
use crate::run::folder::{HINT, REPORT, write};

pub fn run(options: &Report) -> Result<String, Error> {
    let Report { runs, out, force } = options;
    let path = match (out, &runs[..]) {
        (Some(out), _) => {
            check_free(out, *force)?;
            out.clone()
        }
        (None, [run]) => run.join(REPORT),
        (None, _) => REPORT.into(),
    };
    if out.is_none() && runs.len() > 1 {
        check_free(&path, *force)?;
    }
    let page = report::page(runs)?;
    write(&path, page.as_bytes(), HINT)?;
    Ok(format!("report: {}\n", path.display()))
}
