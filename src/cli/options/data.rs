//! The data: where they are, and how they are read.

use super::values::{List, Written, count, list, named};
use crate::cli::config::{self, flag_value};
use crate::error::Error;
use crate::shell::quoted;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, Parser};
use narrows_datasets::{
    Access, Channels, Decimal, ImageOptions, LabelColumn, OpenOptions, TableOptions,
};
use serde::{Serialize, Serializer};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use toml::Value;

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Data")]
pub struct DataOptions {
    #[command(flatten)]
    #[serde(flatten)]
    pub path: DataPath,
    #[command(flatten)]
    #[serde(flatten)]
    pub reading: ReadingOptions,
    /// Memory for training samples: 512MB, 4GB. Larger data are read from their file block by
    /// block, in a new order each epoch [default: half of the available memory]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub memory: Option<Written<u64>>,
    /// Refuse test samples of classes that training never saw, instead of counting them as wrong
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub strict: bool,
    /// Class to tell from all others, which become one class called rest [default: all classes]
    #[arg(long, value_name = "CLASS")]
    pub against_rest: Option<String>,
}

/// The place of the data: an argument, and `data` in files and words.
#[derive(Clone, Debug, Serialize)]
pub struct DataPath {
    pub data: Option<PathBuf>,
    /// The folder that holds what came through a pipe, until the command ends.
    #[serde(skip)]
    pub spooled: Option<Arc<TempDir>>,
}

const DATA_HELP: &str = "Data: a folder of images by class (CLASS/1.png, or train/CLASS/1.png, \
     val/CLASS/2.png and test/CLASS/3.png; images without a class in unlabeled/), a table (CSV, \
     TSV, JSON lines; .gz), an array (.npy, .npz, .safetensors, IDX), a store (.narrows), one \
     image, - for a file through standard input, a folder of train.* and test.* in one of these \
     formats, a folder with the files of \
     MNIST or CIFAR-10, or the name of a data set that 'narrows data fetch' has fetched. Data \
     without a test set have one labelled sample in six for the test [default: the built-in \
     digits, 1,797 images of 8x8, 500 of them for the test]";

impl Args for DataPath {
    fn augment_args(command: Command) -> Command {
        let path = || clap::value_parser!(PathBuf);
        let argument = Arg::new("data")
            .value_name("DATA")
            .value_parser(path())
            .help(DATA_HELP)
            .help_heading(None::<&str>);
        let named = Arg::new("data_option").long("data").value_name("DATA").value_parser(path());
        command.arg(argument).arg(named.hide(true).conflicts_with("data"))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for DataPath {
    fn from_arg_matches(matches: &ArgMatches) -> Result<DataPath, clap::Error> {
        let path = |id| matches.get_one::<PathBuf>(id).cloned();
        Ok(DataPath { data: path("data").or_else(|| path("data_option")), spooled: None })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Options for reading data in files.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Data")]
pub struct ReadingOptions {
    /// Column of a table with the labels. An empty cell is no label; none: the table has no labels
    /// [default: a column called label, class, target or y]
    #[arg(long, value_name = "COLUMN")]
    pub target: Option<String>,
    /// Columns of a table to leave out
    #[arg(long, value_name = "COLUMNS", default_value = "none", value_parser = list(text))]
    #[serde(serialize_with = "joined")]
    pub ignore: Vec<List<String>>,
    /// Columns of numbers that are categories, such as postcodes. Different texts are different
    /// categories: 7 and 007
    #[arg(long, value_name = "COLUMNS", default_value = "none", value_parser = list(text))]
    #[serde(serialize_with = "joined")]
    pub categorical: Vec<List<String>>,
    /// Columns of ordered categories. Each category becomes one number, its place in alphabetical
    /// or numeric order, instead of one value for each category. Also counters 1, 2, 3... that
    /// should be an input
    #[arg(long, value_name = "COLUMNS", default_value = "none", value_parser = list(text))]
    #[serde(serialize_with = "joined")]
    pub ordinal: Vec<List<String>>,
    /// Texts that mean a missing value in a table, beside an empty cell, NA, NaN, null, None, ? and
    /// the like. A model keeps them for new data
    #[arg(long, value_name = "TEXTS", default_value = "none", allow_hyphen_values = true,
          value_parser = list(mark))]
    #[serde(serialize_with = "joined")]
    pub missing: Vec<List<String>>,
    /// Separator of a table's columns: comma, semicolon, tab, bar [default: the one that occurs
    /// equally often in each line, or blanks]
    #[arg(long, value_name = "NAME", value_parser = named(&DELIMITERS))]
    pub delimiter: Option<Written<u8>>,
    /// First row of a table has the names of the columns [default: true if it has a text above a
    /// column of numbers, or if its texts occur only there]
    #[arg(long, value_name = "BOOL")]
    pub header: Option<bool>,
    /// Decimal mark of a table's numbers: point, comma [default: comma if numbers have commas, none
    /// has a point, and another character separates the columns]
    #[arg(long, value_name = "NAME", value_parser = named(&DECIMALS))]
    pub decimal: Option<Written<Decimal>>,
    /// File of labels. For an array: IDX or .npy of whole numbers, -1 for no label. For a folder of
    /// images: a CSV of file names and labels [default: labels inside the data, or names of
    /// folders]
    #[arg(long, value_name = "FILE")]
    pub labels_file: Option<PathBuf>,
    /// Size to which images are scaled and cropped about their centre: 32, or 32x48 for height and
    /// width [default: that of the images, if all have the same]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub image_size: Option<Written<(usize, usize)>>,
    /// Shape of images whose pixels are the rows of a table or array: 28x28, or 32x32x3 for height,
    /// width and channels [default: rows are no images]
    #[arg(long, value_name = "SHAPE", value_parser = image_shape)]
    pub image_shape: Option<Written<[usize; 3]>>,
    /// Colours of images: grey, rgb, or auto (grey if all images are grey)
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = named(&CHANNELS))]
    pub channels: Written<Channels>,
    /// Skip images that cannot be read, and list them
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub skip_bad: bool,
    /// Map files into memory. false: read them instead, for file systems that cannot map
    #[arg(long, value_name = "BOOL", default_value = "true", action = clap::ArgAction::Set)]
    pub mmap: bool,
}

const CHANNELS: [(&str, Channels); 3] =
    [("auto", Channels::Auto), ("grey", Channels::Grey), ("rgb", Channels::Rgb)];

const DECIMALS: [(&str, Decimal); 2] = [("point", Decimal::Point), ("comma", Decimal::Comma)];

const DELIMITERS: [(&str, u8); 4] =
    [("comma", b','), ("semicolon", b';'), ("tab", b'\t'), ("bar", b'|')];

impl DataOptions {
    /// The settings to open the data with so many threads.
    pub fn open_options(&self, threads: usize) -> OpenOptions {
        OpenOptions { memory: value(&self.memory), ..self.reading.open_options(threads) }
    }

    /// The options that differ from the defaults, as a shell takes them, with a space before each:
    /// for another command to find the same data.
    pub fn words(&self) -> Result<String, Error> {
        let mut words = String::new();
        if let Some(data) = &self.path.data {
            // A name that begins with a dash would be an option; the dash alone is standard input.
            let text = data.to_string_lossy();
            let dash = if text.starts_with('-') && text != "-" { "./" } else { "" };
            words += &format!(" {}", quoted(format_args!("{dash}{}", data.display())));
        }
        for (key, value) in given(self, &defaults())?.into_iter().filter(|(key, _)| key != "data") {
            let text = flag_value(&value).unwrap_or_default();
            let attached = matches!(value, Value::Boolean(_)) || text.starts_with('-');
            words += &format!(" --{key}{}{}", if attached { '=' } else { ' ' }, quoted(&text));
        }
        Ok(words)
    }
}

/// Keys and values of those options that are not the defaults.
fn given<T: Serialize>(options: &T, defaults: &T) -> Result<Vec<(String, Value)>, Error> {
    let defaults = config::table(defaults)?;
    let all = config::table(options)?.into_iter();
    Ok(all.filter(|(key, value)| defaults.get(key) != Some(value)).collect())
}

/// The options where nothing is asked for.
fn defaults() -> DataOptions {
    Alone::parse_from(["narrows"]).data
}

#[derive(Debug, Parser)]
struct Alone {
    #[command(flatten)]
    data: DataOptions,
}

impl ReadingOptions {
    /// The height and width that images are brought to, if they were given.
    pub fn image_size(&self) -> Option<(usize, usize)> {
        value(&self.image_size)
    }

    /// The settings to open the data with so many threads.
    pub fn open_options(&self, threads: usize) -> OpenOptions {
        let (size, channels) = (value(&self.image_size), self.channels.value);
        let skip_bad = self.skip_bad;
        OpenOptions {
            images: ImageOptions { size, channels, known: None, skip_bad, threads, cache: None },
            table: TableOptions {
                label: match self.target.as_deref() {
                    None => LabelColumn::Detect,
                    Some("none") => LabelColumn::Absent,
                    Some(name) => LabelColumn::Named(name.to_owned()),
                },
                ignore: all(&self.ignore),
                ordinal: all(&self.ordinal),
                categorical: all(&self.categorical),
                delimiter: value(&self.delimiter),
                header: self.header,
                decimal: value(&self.decimal),
                missing: all(&self.missing),
                ..TableOptions::default()
            },
            image_shape: value(&self.image_shape),
            labels: self.labels_file.clone(),
            access: if self.mmap { Access::Map } else { Access::Read },
            memory: None,
            cache: None,
        }
    }

    /// The first of the options that only data in files can have, if one is asked for. --mmap is
    /// harmless elsewhere.
    pub fn for_files(&self) -> Result<Option<String>, Error> {
        let mut keys = given(self, &defaults().reading)?.into_iter().map(|(key, _)| key);
        Ok(keys.find(|key| key != "mmap"))
    }
}

fn value<T: Copy>(written: &Option<Written<T>>) -> Option<T> {
    written.as_ref().map(|written| written.value)
}

/// The values of all lists that an option was given.
fn all(lists: &[List<String>]) -> Vec<String> {
    lists.iter().flat_map(|List(values)| values).cloned().collect()
}

fn joined<S: Serializer>(lists: &[List<String>], serializer: S) -> Result<S::Ok, S::Error> {
    all(lists).serialize(serializer)
}

/// Reads a mark of missing values, which may begin with a hyphen.
fn mark(mark: &str) -> Result<String, String> {
    match mark.strip_prefix("--") {
        Some(option) if option.starts_with(|first: char| first.is_ascii_alphabetic()) => {
            Err("it looks like an option, where a text is to follow --missing".to_owned())
        }
        _ => text(mark),
    }
}

fn text(text: &str) -> Result<String, String> {
    match text {
        "" => Err("it must not be empty".to_owned()),
        text => Ok(text.to_owned()),
    }
}

const UNITS: [(&str, u64); 4] = [("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10), ("", 1)];

/// Reads a number of bytes.
fn bytes(text: &str) -> Result<Written<u64>, String> {
    let read = |(unit, factor): &(&str, u64)| {
        let number = text.strip_suffix(unit)?.trim_end().parse::<u64>().ok()?;
        number.checked_mul(*factor).filter(|&bytes| bytes > 0)
    };
    let found = UNITS.iter().find_map(read);
    let found = found.map(|value| Written { text: value.to_string(), value });
    found.ok_or_else(|| "it must be a size such as 512MB or 4GB".to_owned())
}

/// Reads a height and a width.
pub fn size(text: &str) -> Result<Written<(usize, usize)>, String> {
    let side = count(1, ImageOptions::LARGEST_SIZE);
    let (height, width) = text.split_once('x').unwrap_or((text, text));
    let size = side(height).and_then(|height| Ok((height, side(width)?)));
    let written = size.map(|(h, w)| Written { text: format!("{h}x{w}"), value: (h, w) });
    written.map_err(|e| match with_x(text) {
        Some(shape) => format!("write it as {shape}"),
        None => format!("{e}, or two of them for height and width, as in 32x48"),
    })
}

/// Sides that are written with another mark between them than an x.
fn with_x(text: &str) -> Option<String> {
    let sides: Vec<&str> =
        text.split([',', 'X', '×', '*', ' ']).filter(|s| !s.is_empty()).collect();
    let plain = |side: &&str| side.bytes().all(|byte| byte.is_ascii_digit());
    (sides.len() > 1 && sides.iter().all(plain)).then(|| sides.join("x"))
}

/// Reads a height, a width and perhaps channels.
fn image_shape(text: &str) -> Result<Written<[usize; 3]>, String> {
    let side = count(1, ImageOptions::LARGEST_SIZE);
    let sides = text.split('x').map(&side).collect::<Result<Vec<usize>, String>>();
    let (height, width, channels) = match sides.as_deref() {
        Ok(&[height, width]) => (height, width, 1),
        Ok(&[height, width, channels]) => (height, width, channels),
        _ => {
            let problem = "it must be a shape such as 28x28 or 32x32x3".to_owned();
            return Err(with_x(text).map_or(problem, |shape| format!("write it as {shape}")));
        }
    };
    Ok(Written { text: format!("{height}x{width}x{channels}"), value: [height, width, channels] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_have_an_x_between_them() {
        for text in ["28,32", "28X32", "28 x 32", "28×32", "28 * 32", "28, 32"] {
            let says = if text.contains('x') { "as in 32x48" } else { "write it as 28x32" };
            assert!(size(text).unwrap_err().ends_with(says), "{text}");
        }
        assert_eq!(image_shape("28,28,3").unwrap_err(), "write it as 28x28x3");
        assert!(image_shape("28,a").unwrap_err().starts_with("it must be a shape"));
    }

    #[test]
    fn what_was_asked_for_can_be_asked_for_again() {
        let words = |args: &[&str]| {
            let all = ["narrows"].iter().chain(args);
            Alone::parse_from(all).data.words().unwrap()
        };
        assert_eq!(words(&[]), "");
        assert_eq!((&*words(&["--data", "-"]), &*words(&["--data=-x"])), (" -", " ./-x"));
        assert_eq!(words(&["--channels", "auto", "--ignore", "none"]), "");
        let twice = ["--ignore", "a,b", "--missing", "-,--", "--ignore", "c", "--missing=-9"];
        assert_eq!(words(&twice), " --ignore a,b,c --missing=-,--,-9");
        let given = [
            "--data",
            "my t.csv",
            "--header",
            "false",
            "--ignore",
            "id,it's",
            "--skip-bad",
            "--target=-x",
        ];
        let again = r"'my t.csv' --header=false --ignore 'id,it'\''s' --skip-bad=true --target=-x";
        assert_eq!(words(&given), format!(" {again}"));
        let given =
            ["--memory", "2KB", "--image-size", "4", "--delimiter", "tab", "--against-rest", "3"];
        assert_eq!(
            words(&given),
            " --against-rest 3 --delimiter tab --image-size 4x4 --memory 2048"
        );
    }
}
