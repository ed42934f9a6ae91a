//! The formats of single files, each recognised by the first bytes.
//!
//! To add one: write its file, and its line in [`FORMATS`].

use std::path::Path;

use crate::error::{Error, bail};
use crate::formats::options::OpenOptions;
use crate::formats::source::{Found, Start};
use crate::formats::{arrays, store, tables};

/// A format of files.
struct Format {
    name: &'static str,
    recognises: fn(&Start) -> bool,
    /// A table as it was written, whose columns can be chosen.
    table: bool,
    /// Opens a file. The second argument is the name of the data set.
    open: Open,
}

/// All formats, the surest to recognise first: any text is a table.
const FORMATS: &[Format] = &[
    array("store", |start| store::layout::recognised(&start.bytes), store::read::open),
    array("NumPy array", |start| start.bytes.starts_with(b"\x93NUMPY"), arrays::open::open_npy),
    array("NumPy arrays", |start| start.bytes.starts_with(b"PK"), arrays::open::open_npz),
    array("safetensors", arrays::open::is_safetensors, arrays::open::open_safetensors),
    table("Parquet or Arrow", tables::open::is_columnar, tables::open::open_columnar),
    array("IDX", arrays::open::is_idx, arrays::open::open_idx),
    table("delimited text", tables::open::is_text, tables::open::open_text),
];

type Open = fn(&Path, &str, &OpenOptions) -> Result<Found, Error>;

const fn array(name: &'static str, recognises: fn(&Start) -> bool, open: Open) -> Format {
    Format { name, recognises, table: false, open }
}

const fn table(name: &'static str, recognises: fn(&Start) -> bool, open: Open) -> Format {
    Format { name, recognises, table: true, open }
}

/// Opens the file `path`, called `name`.
pub(crate) fn open(path: &Path, name: &str, options: &OpenOptions) -> Result<Found, Error> {
    let start = Start::read(path)?;
    if start.length == 0 {
        bail!(path, "is empty: name another file, or make it again");
    }
    match FORMATS.iter().find(|format| (format.recognises)(&start)) {
        Some(format) => {
            let found = (format.open)(path, name, options)?;
            if !format.table {
                options.table.check_unused(path, found.parts.label_name())?;
            }
            Ok(Found { format: format.name.to_owned(), ..found })
        }
        None => {
            let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
            let shown = &start.bytes[..start.bytes.len().min(4)];
            Err(Error::file(
                path,
                format!(
                    "begins with the bytes {shown:02x?}, and is none of {}: convert it",
                    names.join(", ")
                ),
            ))
        }
    }
}
