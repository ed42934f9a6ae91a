//! Folders of images: PNG and JPEG files, in a folder for each class.
//!
//! ```text
//! data/train/cat/1.png        data/cat/1.png        data/train/1.png       data/1.png
//! data/train/dog/2.jpg        data/dog/2.jpg        data/test/2.png        data/2.png
//! data/test/cat/3.png
//! two halves                  split here            without labels         without labels, split here
//! ```
//!
//! 1. `listing` walks the folder, and names all files before one is read.
//! 2. `pass` decodes them in parallel (`picture`), brings them to one size (`fit`) and writes them
//!    one after the other.
//! 3. `stored` is the file that this leaves. It is mapped, and used again as long as the files have
//!    the names, sizes and times of modification that they had.

mod decode;
mod fit;
mod jpeg;
mod listing;
pub(crate) mod open;
mod pass;
mod picture;
mod png;
mod stored;
