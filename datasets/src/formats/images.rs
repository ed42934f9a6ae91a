//! Folders of images, and single images.
//!
//! ```text
//! data/train/cat/1.png        data/cat/1.png        data/train/1.png       data/1.png
//! data/train/dog/2.jpg        data/dog/2.jpg        data/test/2.png        data/2.png
//! data/val/cat/4.png          data/3.png
//! data/test/cat/3.png
//! data/unlabeled/5.png
//! halves                      undivided             no labels              no labels, undivided
//! ```
//!
//! 1. `folder` walks the folder, and `listing` names all files and their classes before one is
//!    read. `labels` takes the classes from a file instead of the folders' names.
//! 2. `pass` decodes them in parallel (`decode`) and brings them to one size (`fit`).
//! 3. `writing` puts them into a store, one after the other. It is mapped, and used again as long
//!    as the files have the names, sizes and times that they had (`open`).

mod decode;
mod fit;
mod folder;
mod jpeg;
pub(crate) mod labels;
mod listing;
pub(crate) mod open;
mod others;
mod pass;
mod picture;
mod png;
mod unlabelled;
mod writing;
