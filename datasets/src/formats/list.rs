//! The formats of single files, each recognised by how a file begins.
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
    /// Whether a file is a table as it was written, whose columns can be chosen.
    table: bool,
    /// Opens a file, called by the second argument.
    open: fn(&Path, &str, &OpenOptions) -> Result<Found, Error>,
}

/// All formats, the surest to recognise first: whatever is text is a table.
const FORMATS: &[Format] = &[
    Format {
        name: "store",
        recognises: |start| store::layout::recognised(&start.bytes),
        table: false,
        open: store::read::open,
    },
    Format {
        name: "NumPy array",
        recognises: |start| start.bytes.starts_with(b"\x93NUMPY"),
        table: false,
        open: arrays::open::open_npy,
    },
    Format {
        name: "NumPy arrays",
        recognises: |start| start.bytes.starts_with(b"PK"),
        table: false,
        open: arrays::open::open_npz,
    },
    Format {
        name: "safetensors",
        recognises: arrays::open::is_safetensors,
        table: false,
        open: arrays::open::open_safetensors,
    },
    Format {
        name: "Parquet or Arrow",
        recognises: tables::open::is_columnar,
        table: true,
        open: tables::open::open_columnar,
    },
    Format {
        name: "IDX",
        recognises: arrays::open::is_idx,
        table: false,
        open: arrays::open::open_idx,
    },
    Format {
        name: "delimited text",
        recognises: tables::open::is_text,
        table: true,
        open: tables::open::open_text,
    },
];

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
