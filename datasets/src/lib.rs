//! Data sets for few-label learning: samples of one shape, bytes or floats, with labels for all,
//! for some or for none.
//!
//! ```
//! use narrows_datasets::{Loader, Rows, builtin, draw_labels};
//!
//! let digits = builtin(400, 0);
//! let labels = digits.train.labels()?.expect("the digits are labelled");
//! let draw = draw_labels(labels, digits.train.classes(), 100, 100, 0, 0)?;
//! let few = Rows::Listed(&draw.train);
//!
//! let mut loader = Loader::new(&digits.train, few, 32, 0);
//! let mut epoch = loader.epoch(0);
//! while epoch.advance()? {
//!     let mut x = vec![0.0; epoch.rows().len() * digits.train.sample_len()]; // (batch, features)
//!     epoch.gather(&mut x)?;
//! }
//! # Ok::<(), narrows_datasets::Error>(())
//! ```
//!
//! - **Reading.** [`open`] reads a folder or a file of any format that it knows:
//!   arrays, tables, images, and [stores](StoreWriter). [`Dataset::from_idx`] reads two IDX files,
//!   [`Dataset::from_values`] the caller's bytes; [`builtin`] needs no file at all. Files are
//!   memory-mapped, or, where their values do not lie in them as they are, packed once into a store
//!   that is: so opening one again costs nothing, and training reads only the pages that it
//!   touches. With the feature `fetch`, `fetch::fetch` brings the public ones.
//! - **Choosing.** [`draw_labels`] chooses the few that keep their label, [`holdout`]
//!   sets samples aside, and a [`Loader`] cuts each epoch into batches. All of it is a function
//!   of numbers that the caller names (seed, draw, epoch), with no state in between: a resumed run
//!   continues where it stopped.
//! - **Preparing.** [`Dataset::gather`] turns a batch of rows into `f32` by a [`Preparation`]:
//!   bytes become values in `[0, 1]`, tables standardised numbers and categories. In training an
//!   [`Augmenter`] may shift, turn and corrupt images, in each epoch anew.
//!
//! No file can make this crate panic or allocate more than the file's true size warrants. A problem
//! is an [`Error`] of one line that names the file and the remedy. Panics of decoders are caught;
//! a program hides their messages with [`hide_decoder_panics`].

mod augment;
mod batches;
mod dataset;
mod error;
#[cfg(feature = "fetch")]
pub mod fetch;
mod files;
mod formats;
mod open;
mod panics;
mod preparation;
mod random;
mod sample;
mod tools;

pub use augment::{Augmentation, Augmenter, SampleKey};
pub use batches::loader::{Epoch, Loader};
pub use dataset::Dataset;
pub use dataset::halves::{Parts, TrainTest};
pub use dataset::provenance::Provenance;
pub use dataset::rows::Rows;
pub use dataset::texts::Texts;
pub use dataset::unseen::Unseen;
pub use error::{Error, RefusedColumn, Remedy};
pub use files::atomic::{AtomicFile, Spool, write_atomically};
pub use files::data_file::Access;
pub use formats::arrays::npy::NpyWriter;
pub use formats::digits::builtin;
pub use formats::options::{
    Channels, Decimal, ImageOptions, LabelColumn, OpenOptions, TableOptions,
};
pub use formats::store::layout::is_store;
pub use formats::store::metadata::{LeftOut, Metadata};
pub use formats::store::read::{Store, verify};
pub use formats::store::write::StoreWriter;
pub use formats::tables::cell::{FieldKind, TableCell};
pub use formats::tables::write::{TableFormat, TableWriter};
pub use open::{Opened, Undivided, open, open_whole, open_with};
pub use panics::hide_decoder_panics;
pub use preparation::{Fit, Preparation, PreparedColumn, TablePreparation};
pub use random::label_draw::{LabelDraw, draw_labels};
pub use random::order::{holdout, shuffle_into, shuffled};
pub use sample::column::{Column, ColumnKind, Dates, Encoding};
pub use sample::dtype::Dtype;
pub use sample::label::{MOST_CLASSES, UNLABELLED};
pub use tools::both_halves::read_all;
pub use tools::duplicates::test_duplicates;
pub use tools::export::{ExportFormat, ExportPart, Exported, export};
pub use tools::inspect::{
    ClassCount, ColumnSummary, Inspection, LabelSummary, NumberSummary, examples, inspect,
};
pub use tools::pack::{Packed, pack, pack_table};
pub use tools::split::{Shares, Unlabelled, split};
