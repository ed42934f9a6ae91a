//! Data sets for few-label learning: samples of one shape as unsigned bytes, with or without
//! labels.
//!
//! ```
//! use narrows_datasets::{Batches, builtin, draw_labels, shuffled};
//!
//! let digits = builtin(400, 0);
//! let labels = digits.train.labels()?.expect("the digits are labelled");
//! let draw = draw_labels(labels, digits.train.classes(), 100, 100, 0, 0)?;
//! let few = digits.train.subset(&draw.train)?;
//!
//! let order = shuffled(few.len(), 0, 0);
//! for rows in Batches::new(&order, 32) {
//!     let mut x = vec![0.0; rows.len() * few.sample_len()]; // (batch, features)
//!     few.gather(rows, &mut x)?;
//! }
//! # Ok::<(), narrows_datasets::Error>(())
//! ```
//!
//! - **Where samples come from.** [`open`] reads a folder or a file of any format that it knows:
//!   arrays, tables, images, and [stores](StoreWriter). [`Dataset::from_idx`] reads two IDX files,
//!   [`Dataset::from_values`] the caller's bytes; [`builtin`] needs no file at all. Files are
//!   memory-mapped, or, where their values do not lie in them as they are, packed once into a store
//!   that is: so opening one again costs nothing, and training reads only the pages that it
//!   touches. With the feature `fetch`, `fetch::fetch` brings the public ones.
//! - **Which samples are used.** [`draw_labels`] chooses the few that keep their label, [`holdout`]
//!   sets samples aside, [`shuffled`] orders an epoch and [`Batches`] cuts the order up. All of it
//!   is a function of numbers that the caller names (seed, draw, epoch), with no state in between:
//!   a resumed run continues where it stopped.
//! - **What a model sees.** [`Dataset::gather`] turns a batch of rows into `f32`, as a
//!   [`Preparation`] says: of bytes values in `[0, 1]`, of tables standardised numbers and
//!   categories. In training an [`Augmenter`] may shift, turn and corrupt images, in each epoch
//!   anew.
//!
//! Nothing read from a file can make this crate panic or allocate more than the file's true size
//! warrants: what is wrong comes back as an [`Error`] of one line that names the file and what to
//! do about it.

mod array;
mod array_labels;
mod array_names;
#[cfg(test)]
mod array_vectors;
mod arrays;
mod augment;
mod batches;
mod cache;
mod cifar;
mod class_labels;
mod column;
mod columnar;
mod convert;
mod data_file;
mod dataset;
mod decoded;
mod delimited;
mod digits;
mod element;
mod error;
mod export;
#[cfg(feature = "fetch")]
pub mod fetch;
mod formats;
mod hash;
mod idx;
mod images;
mod inspect;
mod labels;
mod loader;
#[expect(unsafe_code, reason = "memory mapping")]
mod mapped;
mod memory;
mod mnist;
mod npy;
mod npz;
mod open;
mod order;
mod pack;
mod partial_file;
mod parts;
mod permutation;
mod platform;
mod preparation;
mod prepare;
mod random;
mod rounding;
mod rows;
mod safetensors_file;
mod split;
mod store;
mod stored_array;
mod table;
mod tabular;
mod together;
mod values;
mod windows;

pub use augment::{Augmentation, Augmenter, SampleKey};
pub use batches::Batches;
pub use class_labels::{MOST_CLASSES, UNLABELLED};
pub use column::{Column, ColumnKind, Encoding};
#[cfg(feature = "parquet")]
pub use columnar::{ColumnarKind, ColumnarWriter, FieldKind, Value};
pub use data_file::Access;
pub use dataset::Dataset;
pub use delimited::{CsvCell, CsvWriter};
pub use digits::builtin;
pub use error::Error;
pub use export::{ExportFormat, ExportPart, Exported, export};

pub use images::{Channels, ImageOptions};
pub use inspect::{
    ClassCount, ColumnSummary, Inspection, LabelSummary, NumberSummary, examples, inspect,
};
pub use labels::{LabelDraw, draw_labels};
pub use loader::{Epoch, Loader};
pub use npy::NpyWriter;
pub use open::{OpenOptions, Opened, Undivided, open, open_whole, open_with};
pub use order::{hold_out, holdout, shuffle_into, shuffled};
pub use pack::{Packed, pack};
pub use parts::{Parts, TrainTest};
pub use preparation::{Fit, Preparation, PreparedColumn, TablePreparation};
pub use rows::Rows;
pub use split::{Shares, Unlabelled, split};
pub use store::{Metadata, Provenance, Store, StoreWriter, is_store, verify};
pub use table::{LabelColumn, TableOptions};
pub use together::read_all;
pub use values::Dtype;
