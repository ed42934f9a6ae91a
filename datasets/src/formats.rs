//! The formats of single files, each recognised by how a file begins.
//!
//! To add one: write its file, and its line in [`FORMATS`].

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::arrays;
use crate::error::Error;
use crate::open::{Found, OpenOptions};
use crate::store;
use crate::tabular;

/// How much of a file is looked at.
const START: usize = 4096;

/// How a file begins.
pub(crate) struct Start {
    /// Its first bytes; of gzip data, what they decompress to.
    pub(crate) bytes: Vec<u8>,
    pub(crate) gzip: bool,
    /// The length of the file.
    pub(crate) length: u64,
}

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
        recognises: |start| store::recognised(&start.bytes),
        table: false,
        open: store::open,
    },
    Format {
        name: "NumPy array",
        recognises: |start| start.bytes.starts_with(b"\x93NUMPY"),
        table: false,
        open: arrays::open_npy,
    },
    Format {
        name: "NumPy arrays",
        recognises: |start| start.bytes.starts_with(b"PK"),
        table: false,
        open: arrays::open_npz,
    },
    Format {
        name: "safetensors",
        recognises: arrays::is_safetensors,
        table: false,
        open: arrays::open_safetensors,
    },
    Format {
        name: "Parquet or Arrow",
        recognises: tabular::is_columnar,
        table: true,
        open: tabular::open_columnar,
    },
    Format { name: "IDX", recognises: arrays::is_idx, table: false, open: arrays::open_idx },
    Format {
        name: "delimited text",
        recognises: tabular::is_text,
        table: true,
        open: tabular::open_text,
    },
];

/// Opens the file `path`, called `name`.
pub(crate) fn open(path: &Path, name: &str, options: &OpenOptions) -> Result<Found, Error> {
    let start = Start::read(path)?;
    if start.length == 0 {
        return Err(Error::file(path, "is empty: name another file, or make it again"));
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

impl Start {
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        // Before opening: to open a named pipe would wait for its writer.
        let metadata = fs::metadata(path).map_err(|error| Error::io(path, error))?;
        if !metadata.is_file() {
            return Err(Error::file(
                path,
                "is neither a folder nor a regular file: name one that is",
            ));
        }
        let failed = |error| Error::io(path, error);
        let read = || -> Result<File, Error> { File::open(path).map_err(failed) };
        let mut bytes = Vec::with_capacity(START);
        read()?.take(START as u64).read_to_end(&mut bytes).map_err(failed)?;
        let gzip = bytes.starts_with(&[0x1f, 0x8b]);
        if gzip {
            bytes.clear();
            // Damaged data have no beginning; what reads them all says what is wrong.
            let _ = MultiGzDecoder::new(read()?).take(START as u64).read_to_end(&mut bytes);
        }
        Ok(Start { bytes, gzip, length: metadata.len() })
    }
}
