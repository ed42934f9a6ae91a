//! The places of stores that are kept of files which cannot be mapped as they are.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::error::{At as _, Error};
use crate::files::atomic::AtomicFile;
use crate::files::hash::Hash;
use crate::files::platform;

/// The folder beside a file, or in a folder of data.
const BESIDE_THE_DATA: &str = ".narrows";

/// The places for a store of `source`, the preferred one first: in `cache` if that is given, else
/// in `.narrows` beside the file or in the folder, or, where that cannot be written, in the
/// platform's folder for caches. `settings` tells stores of the same source apart.
pub(crate) fn places(
    source: &Path,
    cache: Option<&Path>,
    settings: &str,
) -> Result<Vec<PathBuf>, Error> {
    let full = fs::canonicalize(source).at(source)?;
    let name = full.file_name().unwrap_or(OsStr::new("data")).to_string_lossy().into_owned();
    let mut hash = Hash::new();
    hash.bytes(full.as_os_str().as_encoded_bytes());
    let elsewhere =
        |folder: &Path| folder.join(format!("{name}-{:016x}-{settings}.narrows", hash.value()));
    if let Some(cache) = cache {
        return Ok(vec![elsewhere(cache)]);
    }
    let (folder, file) = match full.is_dir() {
        true => (full.as_path(), format!("{settings}.narrows")),
        false => (full.parent().unwrap_or(Path::new(".")), format!("{name}-{settings}.narrows")),
    };
    let beside = folder.join(BESIDE_THE_DATA).join(file);
    let platform = platform::cache().map(|cache| elsewhere(&cache.join("narrows")));
    Ok([beside].into_iter().chain(platform).collect())
}

/// The place of a store that is made now.
pub(crate) enum Place<'a> {
    /// It is kept there for later runs.
    Kept(&'a Path),
    /// It is removed when this is dropped. A store that is open stays.
    Temporary(TempPath),
}

impl Place<'_> {
    /// The path to write the store to.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Place::Kept(path) => path,
            Place::Temporary(path) => path,
        }
    }

    /// A line for the user, if the store is not kept.
    pub(crate) fn note(&self) -> Option<String> {
        let note = "neither the folder of the data nor the user's cache can be written to: the \
                    data are read anew in each run";
        matches!(self, Place::Temporary(_)).then(|| note.to_owned())
    }
}

/// The first of `places` that can be written to, whose folder is made; or, unless that was `asked`
/// for, a temporary one.
pub(crate) fn place(places: &[PathBuf], asked: bool) -> Result<Place<'_>, Error> {
    match writable(places) {
        Ok(path) => Ok(Place::Kept(path)),
        Err(error) if asked => Err(error),
        Err(error) => {
            let mut file = tempfile::Builder::new();
            let file = file.prefix("narrows-").suffix(".narrows").tempfile();
            file.map_or(Err(error), |file| Ok(Place::Temporary(file.into_temp_path())))
        }
    }
}

fn writable(places: &[PathBuf]) -> Result<&Path, Error> {
    let mut refused = None;
    for place in places {
        let folder = place.parent().unwrap_or(Path::new("."));
        match fs::create_dir_all(folder).and_then(|()| AtomicFile::create(place)) {
            Ok(_) => return Ok(place),
            Err(error) => {
                let problem = format!("cannot be written, where what was read is kept: {error}");
                refused.get_or_insert(Error::file(place, problem));
            }
        }
    }
    Err(refused.unwrap_or_else(|| Error::request("there is no place to keep what was read")))
}

/// The bytes at the head of a file, and at its tail, that its fingerprint covers.
const LOOKED_AT: u64 = 64 << 10;

/// A number that changes with a file: with its length, its time of modification, and its first and
/// last bytes; on Unix also when another file takes its place, or its content changes in any way
/// (its inode, and the time of its last change, which no program can set).
pub(crate) fn fingerprint(path: &Path) -> Result<u64, Error> {
    let mut file = fs::File::open(path).at(path)?;
    let metadata = file.metadata().at(path)?;
    let modified = metadata.modified().at(path)?;
    let since =
        modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_else(|before| before.duration());
    let mut hash = Hash::new();
    hash.bytes(&metadata.len().to_le_bytes());
    hash.bytes(&since.as_nanos().to_le_bytes());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        for number in [metadata.ino() as i64, metadata.ctime(), metadata.ctime_nsec()] {
            hash.bytes(&number.to_le_bytes());
        }
    }
    let mut bytes = Vec::new();
    let tail = metadata.len().saturating_sub(LOOKED_AT);
    for start in [0, tail] {
        bytes.clear();
        file.seek(SeekFrom::Start(start)).at(path)?;
        (&mut file).take(LOOKED_AT).read_to_end(&mut bytes).at(path)?;
        hash.bytes(&bytes);
    }
    Ok(hash.value())
}
