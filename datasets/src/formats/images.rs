//! Folders of images: PNG and JPEG files, in a folder for each class.
//!
//! ```text
//! data/train/cat/1.png        data/cat/1.png        data/train/1.png       data/1.png
//! data/train/dog/2.jpg        data/dog/2.jpg        data/test/2.png        data/2.png
//! data/test/cat/3.png
//! two halves                  split here            no labels              no labels, split here
//! ```
//!
//! 1. `listing` walks the folder, and names all files before one is read.
//! 2. `pass` decodes them in parallel (`decode`) and brings them to one size (`fit`).
//! 3. `writing` puts them into a store, one after the other. It is mapped, and used again as long
//!    as the files have the names, sizes and times of modification that they had (`open`).

mod decode;
mod fit;
mod jpeg;
mod listing;
pub(crate) mod open;
mod pass;
mod picture;
mod png;
mod writing;
