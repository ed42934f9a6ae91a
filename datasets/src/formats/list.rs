//! The formats of single files, each recognised by the first bytes.
//!
//! To add one: write its file, and its line in [`FORMATS`].

use std::path::Path;

use crate::error::{Error, bail};
use crate::files::compressed::Compression;
use crate::formats::arrays::open::{is_idx, is_safetensors, open_one, open_several};
use crate::formats::arrays::{idx, npy, npz, safetensors};
use crate::formats::options::OpenOptions;
use crate::formats::source::{Found, Start};
use crate::formats::tables::json::{is_json, json_source};
use crate::formats::tables::open::{csv_source, is_csv};
use crate::formats::tables::parquet::{is_parquet, parquet_source};
use crate::formats::tables::source::OpenSource;
use crate::formats::{store, tables};

/// A format of files.
struct Format {
    name: &'static str,
    recognises: fn(&Start) -> bool,
    open: How,
    /// It is text, which any compression may have made shorter.
    is_text: bool,
}

/// The way of opening a file.
enum How {
    /// The second argument is the name of the data set.
    Arrays(Open),
    /// A table as it was written, whose columns can be chosen.
    Table(OpenSource),
}

/// All formats, the surest to recognise first: any text is a table.
const FORMATS: &[Format] = &[
    array("store", |start| store::layout::recognised(&start.bytes), store::read::open),
    array(
        "NumPy array",
        |start| start.bytes.starts_with(b"\x93NUMPY"),
        |path, name, options| open_one(npy::find_array(path)?, "npy", name, options),
    ),
    array(
        "NumPy arrays",
        |start| start.bytes.starts_with(b"PK"),
        |path, name, options| open_several(path, npz::read(path)?, "npz", name, options),
    ),
    array("safetensors", is_safetensors, |path, name, options| {
        open_several(path, safetensors::read(path)?, "safetensors", name, options)
    }),
    table("Parquet or Arrow", is_parquet, parquet_source),
    array("IDX", is_idx, |path, name, options| {
        open_one(idx::find_array(path)?, "IDX", name, options)
    }),
    text("JSON", is_json, json_source),
    text("delimited text", is_csv, csv_source),
];

type Open = fn(&Path, &str, &OpenOptions) -> Result<Found, Error>;

const fn array(name: &'static str, recognises: fn(&Start) -> bool, open: Open) -> Format {
    Format { name, recognises, open: How::Arrays(open), is_text: false }
}

const fn table(name: &'static str, recognises: fn(&Start) -> bool, source: OpenSource) -> Format {
    Format { name, recognises, open: How::Table(source), is_text: false }
}

const fn text(name: &'static str, recognises: fn(&Start) -> bool, source: OpenSource) -> Format {
    Format { name, recognises, open: How::Table(source), is_text: true }
}

/// Opens the file `path`, called `name`.
pub(crate) fn open(path: &Path, name: &str, options: &OpenOptions) -> Result<Found, Error> {
    let format = recognise(path)?;
    let found = match format.open {
        How::Arrays(open) => {
            let found = open(path, name, options)?;
            options.table.check_unused(path, found.parts.label_name())?;
            found
        }
        How::Table(source) => tables::open::open(path, name, format.name, options, source)?,
    };
    Ok(Found { format: format.name.to_owned(), ..found })
}

/// The name of the format of the file `path`, and the way to open it, if it is a table.
pub(crate) fn table_source(path: &Path) -> Result<Option<(&'static str, OpenSource)>, Error> {
    let format = recognise(path)?;
    Ok(match format.open {
        How::Arrays(_) => None,
        How::Table(source) => Some((format.name, source)),
    })
}

/// The name of a spreadsheet that begins with `bytes`; `None` for anything else.
fn spreadsheet(bytes: &[u8]) -> Option<&'static str> {
    let holds = |name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
    // Office documents of old are the only other files that begin so.
    if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Some("an Excel workbook (.xls)");
    }
    match bytes.starts_with(b"PK") {
        true if holds(b"[Content_Types].xml") || holds(b"xl/") => Some("an Excel workbook (.xlsx)"),
        true if holds(b"application/vnd.oasis.opendocument") => {
            Some("an OpenDocument sheet (.ods)")
        }
        _ => None,
    }
}

fn recognise(path: &Path) -> Result<&'static Format, Error> {
    let start = Start::read(path)?;
    if start.length == 0 {
        bail!(path, "is empty: name another file, or make it again");
    }
    if let Some(program) = spreadsheet(&start.bytes) {
        bail!(path, "is {program}: save it as CSV (UTF-8), and name that");
    }
    let found = FORMATS.iter().find(|format| (format.recognises)(&start));
    if let Some(format) = found.filter(|format| !format.is_text)
        && start.compression == Some(Compression::Zstandard)
    {
        let name = format.name;
        bail!(path, "is {name} compressed by Zstandard: decompress it with zstd -d");
    }
    found.ok_or_else(|| {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        let shown = &start.bytes[..start.bytes.len().min(4)];
        Error::file(
            path,
            format!(
                "begins with the bytes {shown:02x?}, and is none of {}: convert it",
                names.join(", ")
            ),
        )
    })
}
