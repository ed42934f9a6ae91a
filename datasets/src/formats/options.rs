//! How data are opened: what the user says of files, images and tables.

use std::path::{Path, PathBuf};

use crate::error::{Error, bail};
use crate::files::data_file::Access;
use crate::sample::column::Column;

/// How data are opened. The default takes what it finds.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// How images become samples.
    pub images: ImageOptions,
    /// How tables are read.
    pub table: TableOptions,
    /// A file with the labels of the samples of an array file that has none itself: an IDX or
    /// `.npy` file of whole numbers.
    pub labels: Option<PathBuf>,
    /// How the values of files are read.
    pub access: Access,
    /// How many bytes of the values may be in memory at a time while training. `None`: half of what
    /// there is.
    pub memory: Option<u64>,
    /// Where to keep the stores by which files are read that cannot be mapped as they are. `None`:
    /// in the folder `.narrows` beside the data, or, where that cannot be written, in the
    /// platform's folder for caches.
    pub cache: Option<PathBuf>,
}

impl From<ImageOptions> for OpenOptions {
    /// The default for all but images.
    fn from(images: ImageOptions) -> Self {
        OpenOptions { images, ..OpenOptions::default() }
    }
}

/// The channels of the samples that images become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Channels {
    /// One if all images are grey, in that red, green and blue are the same in every pixel; else
    /// three.
    #[default]
    Auto,
    /// One: the luma of Rec. 601, `0.299 R + 0.587 G + 0.114 B`.
    Grey,
    /// Three: red, green, blue.
    Rgb,
}

/// How a folder of images becomes samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageOptions {
    /// `(height, width)` of the samples. An image of another size is scaled, its shape kept, until
    /// it just covers that, and its centre is taken. `None`: the size that all images have.
    pub size: Option<(usize, usize)>,
    /// The channels of the samples.
    pub channels: Channels,
    /// Leave images out that cannot be read, in place of failing.
    pub skip_bad: bool,
    /// The threads that decode; 0: one for each core. Their number changes no value.
    pub threads: usize,
    /// Where to keep the decoded images. `None`: in the folder `.narrows` in the data's, or, where
    /// that cannot be written, in the platform's folder for caches.
    pub cache: Option<PathBuf>,
}

impl ImageOptions {
    /// The longest side that can be asked for.
    pub const LARGEST_SIZE: usize = 4096;

    /// Whether anything is asked for that only images in files can give.
    pub(crate) fn ask_for_images(&self) -> bool {
        self.size.is_some() || self.channels != Channels::Auto || self.skip_bad
    }

    /// What decides the decoded values beside the files: a part of a file's name.
    pub(super) fn settings(&self) -> String {
        let size = self
            .size
            .map_or_else(|| "own-size".to_owned(), |(height, width)| format!("{height}x{width}"));
        let channels = match self.channels {
            Channels::Auto => "auto",
            Channels::Grey => "grey",
            Channels::Rgb => "rgb",
        };
        format!("{size}-{channels}")
    }
}

/// Which column of a table holds the labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LabelColumn {
    /// The one that is called `label`, `class`, `target` or `y`, in any case; none if there is
    /// none. More than one is an error.
    #[default]
    Detect,
    /// None: the table has no labels.
    Absent,
    /// This one.
    Named(String),
}

/// How a table is read. The default takes what it finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// The column of the labels.
    pub label: LabelColumn,
    /// Columns to leave out.
    pub ignore: Vec<String>,
    /// Columns of categories of which each becomes one number, its place among them. Of a column of
    /// numbers it says that their order matters, also where they number the rows; that has no other
    /// effect.
    pub ordinal: Vec<String>,
    /// Columns that hold categories although they look like numbers: codes, postcodes. A category
    /// is called by the number, so that `7`, `07` and `7.0` are the same.
    pub categorical: Vec<String>,
    /// What separates the columns of a text file. `None`: whichever of `,` `;` tab `|` its first
    /// line has most of.
    pub delimiter: Option<u8>,
    /// Whether the first row of a text file is the columns' names. `None`: it is if it has a cell
    /// that is neither a number nor missing.
    pub header: Option<bool>,
    /// What stands for a missing value in a text file, beside an empty cell, `NA`, `N/A`, `n/a`,
    /// `#N/A`, `<NA>`, `NaN` in any case, `null`, `NULL`, `None` and `?`.
    pub missing: Vec<String>,
    /// The columns that a model learnt from, of which the table has to have all. They are read as
    /// that model knows them, a category that it does not know as missing; the label apart, all
    /// others are left out. `None`: the table says what its columns are.
    pub known: Option<Vec<Column>>,
}

impl TableOptions {
    /// Refuses what is asked of the columns of `path`, which is no table as it was written; the
    /// labels of a store may be named by what they were called there.
    pub(crate) fn check_unused(&self, path: &Path, label: Option<&str>) -> Result<(), Error> {
        let lists = [&self.ignore, &self.ordinal, &self.categorical, &self.missing];
        let other_label = match &self.label {
            LabelColumn::Named(name) => Some(name.as_str()) != label,
            LabelColumn::Detect | LabelColumn::Absent => false,
        };
        let asked = other_label || self.delimiter.is_some() || self.header.is_some();
        match asked || lists.iter().any(|list| !list.is_empty()) {
            true => bail!(
                path,
                "is no table whose columns could be chosen: leave out what says how, or say it \
                 when a table is packed"
            ),
            false => Ok(()),
        }
    }
}
