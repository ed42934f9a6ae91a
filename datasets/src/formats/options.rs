//! Options for opening files, images and tables.

use std::path::{Path, PathBuf};

use crate::error::{Error, bail};
use crate::files::data_file::Access;
use crate::sample::column::Column;

/// Options for opening data. The default recognises everything by itself.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Options for images.
    pub images: ImageOptions,
    /// Options for tables.
    pub table: TableOptions,
    /// A file with the labels of samples: for an array file that has none itself, an IDX or `.npy`
    /// file of whole numbers; for a folder of images, delimited text of names and labels.
    pub labels: Option<PathBuf>,
    /// The `[height, width, channels]` of the images that the rows of a table or of a flat array
    /// are. `None`: they are no images.
    pub image_shape: Option<[usize; 3]>,
    /// The way in which the values of files are read.
    pub access: Access,
    /// The bytes of values that may be in memory at a time while training. `None`: half of the
    /// memory that is available.
    pub memory: Option<u64>,
    /// The folder for stores of files that cannot be mapped as they are. `None`: the folder
    /// `.narrows` beside the data, or, if that cannot be written, the platform's folder for caches.
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

/// Options for folders of images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageOptions {
    /// `(height, width)` of the samples. An image of another size is scaled, its shape kept, until
    /// it just covers this size, and its centre is taken. `None`: the size that all images have.
    pub size: Option<(usize, usize)>,
    /// The channels of the samples.
    pub channels: Channels,
    /// `[height, width, channels]` of the images that a model learnt from: what is not set above is
    /// as there. It counts for nothing where there are no images in files.
    pub known: Option<[usize; 3]>,
    /// Leave out images that cannot be read, instead of failing.
    pub skip_bad: bool,
    /// The number of threads that decode images, or read a table; 0 is one for each core. It
    /// changes no value.
    pub threads: usize,
    /// The folder for the decoded images. `None`: the folder `.narrows` in that of the data, or, if
    /// that cannot be written, the platform's folder for caches.
    pub cache: Option<PathBuf>,
}

impl ImageOptions {
    /// The longest side that can be asked for.
    pub const LARGEST_SIZE: usize = 4096;

    /// Tells whether an option is set that is for images in files alone.
    pub(crate) fn ask_for_images(&self) -> bool {
        self.size.is_some() || self.channels != Channels::Auto || self.skip_bad
    }

    /// These options, with those that a model decides.
    pub(super) fn settled(&self) -> Self {
        let mut options = self.clone();
        if let Some([height, width, channels]) = self.known {
            options.size.get_or_insert((height, width));
            options.channels = match (self.channels, channels) {
                (Channels::Auto, 1) => Channels::Grey,
                (Channels::Auto, 3) => Channels::Rgb,
                (channels, _) => channels,
            };
        }
        options
    }

    /// The options that decide the decoded values, as a part of a file's name.
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

/// The column of a table that holds the labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LabelColumn {
    /// The column called `label`, `class`, `target` or `y`, in any case, if there is one. More than
    /// one is an error.
    #[default]
    Detect,
    /// None: the table has no labels.
    Absent,
    /// This one.
    Named(String),
}

/// The mark between whole numbers and their fractions in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decimal {
    /// A point: `1.5`. Commas may separate thousands.
    #[default]
    Point,
    /// A comma: `1,5`. Points may separate thousands.
    Comma,
}

/// Options for tables. The default infers everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// The column of the labels.
    pub label: LabelColumn,
    /// Columns to leave out.
    pub ignore: Vec<String>,
    /// Columns of ordered categories: each category becomes one number, its place among them. A
    /// column of numbers that is named here may count the rows; there is no other effect on it.
    pub ordinal: Vec<String>,
    /// Columns of categories that look like numbers: codes, postcodes. In a text file a category
    /// is the text of the cell, so that `7` and `007` are two.
    pub categorical: Vec<String>,
    /// The delimiter of a text file. `None`: the one of `,` `;` tab `|` that all lines have
    /// equally often, or runs of blanks.
    pub delimiter: Option<u8>,
    /// The first row of a text file holds the names of the columns. `None`: it does if it has a
    /// text where a column goes on in numbers, or if its texts do not come again.
    pub header: Option<bool>,
    /// The decimal mark of a text file. `None`: a comma if numbers have one, none has a point, and
    /// columns are separated by something else; a point otherwise.
    pub decimal: Option<Decimal>,
    /// Texts of missing values in a text file, beside an empty cell, `NA`, `N/A`, `n/a`,
    /// `#N/A`, `<NA>`, `NaN` in any case, `null`, `NULL`, `None` and `?`.
    pub missing: Vec<String>,
    /// The columns that a model learnt from. The table has to have all of them. They are read as
    /// the model knows them. A category that it does not know becomes the same features as one that
    /// is missing. All other columns but the label are left out. `None`: the columns are inferred.
    pub known: Option<Vec<Column>>,
    /// The texts of missing values in the table that a model learnt from. They are such here, too.
    pub known_missing: Vec<String>,
    /// The column that a model learnt its labels from. It holds the labels where it is, unless
    /// `label` says otherwise.
    pub known_label: Option<String>,
    /// Categories that the model does not know keep their names, behind those that it does.
    pub new_categories: bool,
}

impl TableOptions {
    /// All texts of missing values.
    pub(crate) fn all_missing(&self) -> Vec<String> {
        let mut all = self.missing.clone();
        all.extend(self.known_missing.iter().filter(|mark| !self.missing.contains(mark)).cloned());
        all
    }

    /// Tells whether empty rows are rows: those that are read for a model keep their numbers.
    pub(crate) fn keeps_empty(&self) -> bool {
        self.known.is_some() && !self.new_categories
    }

    /// Refuses options for the columns of `path`, which is no table. The label of a store may be
    /// named by the name that it had in the table.
    pub(crate) fn check_unused(&self, path: &Path, label: Option<&str>) -> Result<(), Error> {
        let lists = [&self.ignore, &self.ordinal, &self.categorical, &self.missing];
        let other_label = match &self.label {
            LabelColumn::Named(name) => Some(name.as_str()) != label,
            LabelColumn::Detect | LabelColumn::Absent => false,
        };
        let asked = other_label
            || self.delimiter.is_some()
            || self.header.is_some()
            || self.decimal.is_some();
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
