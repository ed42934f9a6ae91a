//! What a page takes from the folder of a run.

use super::metrics::{self, Training};
use super::summary::Summary;
use crate::cli::config::CONFIG;
use crate::error::{Error, bail, ensure};
use crate::run::folder::{CONFUSION, METRICS, PICTURE, SUMMARY, WORST};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// All trials of a study.
pub const TRIALS: &str = "trials.csv";
/// The drawings of a study, and what they show.
pub const DRAWINGS: [(&str, &str); 3] = [
    ("coordinates.svg", "Settings and value of each trial"),
    ("importance.svg", "Share of each setting in what the values differ by"),
    ("courses.svg", "Values of each trial on the way"),
];
/// A file larger than this is none of a run.
const LARGEST: u64 = 256 << 20;

/// A run as its folder tells it.
pub struct Run {
    /// The folder, as it was named.
    pub path: PathBuf,
    /// True if it goes on, or was stopped: its results are not there yet.
    pub unfinished: bool,
    pub summary: Summary,
    pub trainings: Vec<Training>,
    /// The text of `config.toml`.
    pub config: Option<String>,
    /// A PNG of inputs above their reconstructions.
    pub picture: Option<Vec<u8>>,
    /// The same of the samples with the largest errors.
    pub worst: Option<Vec<u8>>,
    /// The cells of `confusion.csv`, its first line and its first column the classes.
    pub confusion: Vec<Vec<String>>,
    /// The cells of `trials.csv`.
    pub trials: Vec<Vec<String>>,
    /// The drawings of a study, in the order of [`DRAWINGS`].
    pub drawings: Vec<Option<String>>,
}

impl Run {
    /// Reads the folder of a finished run.
    pub fn open(path: &Path) -> Result<Run, Error> {
        ensure!(path.is_dir(), path, "there is no such run: name the folder of a run");
        let file = |name: &str| path.join(name);
        let at = file(SUMMARY);
        let Some(text) = text(&at)? else {
            bail!(
                path,
                "holds no {SUMMARY}: name the folder of a run that came to its end, or look at \
                 this one by narrows watch"
            )
        };
        let summary = serde_json::from_str(&text).map_err(|e| {
            let problem = format_args!("is no summary of a run: {e}: name another run");
            Error::at(&at, problem)
        })?;
        Run::with(path, summary, false)
    }

    /// Reads the folder of a run that may go on, which has its configuration and no summary.
    pub fn open_live(path: &Path) -> Result<Run, Error> {
        let file = |name: &str| path.join(name);
        if file(SUMMARY).exists() || !file(CONFIG).exists() {
            return Run::open(path);
        }
        let at = file(CONFIG);
        let text = text(&at)?.unwrap_or_default();
        let config: toml::Table = toml::from_str(&text)
            .map_err(|e| Error::at(&at, format_args!("is no TOML: {}", e.message())))?;
        let named = |key: &str| config.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        let name = Path::new(named("data")).file_name().map(|name| name.to_string_lossy());
        let begun = at.metadata().and_then(|about| about.modified()).ok();
        let summary = Summary {
            command: named("command").to_string(),
            dataset: name.map_or("the built-in digits".to_string(), |name| name.into_owned()),
            wall_seconds: begun.and_then(|t| t.elapsed().ok()).unwrap_or_default().as_secs_f64(),
            ..Summary::default()
        };
        Run::with(path, summary, true)
    }

    /// All but the summary.
    fn with(path: &Path, summary: Summary, unfinished: bool) -> Result<Run, Error> {
        let file = |name: &str| path.join(name);
        let at = file(METRICS);
        let trainings = match self::text(&at)? {
            None => Vec::new(),
            Some(text) => metrics::read(&text)
                .map_err(|e| Error::at(&at, format_args!("{e}: mend the file or remove it")))?,
        };
        let drawings = DRAWINGS.iter().map(|(name, _)| self::text(&file(name)));
        Ok(Run {
            path: path.to_path_buf(),
            unfinished,
            summary,
            trainings,
            config: self::text(&file(CONFIG))?,
            picture: picture(&file(PICTURE))?,
            worst: picture(&file(WORST))?,
            confusion: cells(&file(CONFUSION))?,
            trials: cells(&file(TRIALS))?,
            drawings: drawings.collect::<Result<_, _>>()?,
        })
    }

    /// The name of the folder.
    pub fn name(&self) -> String {
        let whole = || self.path.canonicalize().ok();
        let name = self.path.file_name().map(ToOwned::to_owned);
        let name = name.or_else(|| Some(whole()?.file_name()?.to_owned()));
        name.map_or(self.path.display().to_string(), |name| name.to_string_lossy().into_owned())
    }
}

/// The bytes of a file; `None` if it is not there.
fn bytes(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let failed = |e| Error::at(path, format_args!("cannot be read: {e}"));
    let about = match path.metadata() {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        about => about.map_err(failed)?,
    };
    ensure!(about.is_file(), path, "is not a file: remove it or name another run");
    ensure!(about.len() <= LARGEST, path, "is too large for a file of a run: name another run");
    fs::read(path).map(Some).map_err(failed)
}

fn text(path: &Path) -> Result<Option<String>, Error> {
    let text = bytes(path)?.map(String::from_utf8).transpose();
    text.map_err(|_| Error::at(path, "is no UTF-8 text: mend the file or remove it"))
}

fn picture(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let bytes = bytes(path)?;
    let is_png = |bytes: &Vec<u8>| bytes.starts_with(b"\x89PNG\r\n\x1a\n");
    ensure!(bytes.as_ref().is_none_or(is_png), path, "is no PNG picture: remove it");
    Ok(bytes)
}

/// The cells of a CSV file, line by line; none if it is not there.
fn cells(path: &Path) -> Result<Vec<Vec<String>>, Error> {
    let Some(text) = text(path)? else { return Ok(Vec::new()) };
    let lines = csv(&text);
    let width = lines.first().map_or(0, Vec::len);
    if let Some(at) = lines.iter().position(|line| line.len() != width) {
        bail!(
            path,
            "row {} has {} cells, not {width}: mend the file or remove it",
            at + 1,
            lines[at].len()
        );
    }
    Ok(lines)
}

/// The cells of CSV, as the program writes it.
fn csv(text: &str) -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    let (mut line, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => line.push(std::mem::take(&mut cell)),
            '\r' if !quoted && characters.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
            }
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !line.is_empty() {
        line.push(cell);
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::csv;

    #[test]
    fn quoted_cells_hold_commas_quotes_and_lines() {
        let lines = csv("a,\"b, \"\"c\"\"\n\",\r\n,1\nlast,");
        assert_eq!(lines, [vec!["a", "b, \"c\"\n", ""], vec!["", "1"], vec!["last", ""]]);
        assert!(csv("").is_empty());
    }
}
