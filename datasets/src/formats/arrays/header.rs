//! The header of an array, its promises, and errors that name the array.

use std::io;
use std::path::Path;

use crate::error::{Error, Short};
use crate::files::gzip::damage;
use crate::formats::arrays::element::{ByteOrder, Element};

/// Deflate's best code spends two bits on a run of 258 bytes.
const LARGEST_EXPANSION: u64 = 258 * 8 / 2;
/// The most dimensions of an array.
pub(crate) const LARGEST_RANK: usize = 8;

/// The header of an array.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ArrayHeader {
    /// One to eight sizes, none of them zero. Their product, in values and in bytes, is a `usize`.
    pub(crate) shape: Vec<usize>,
    pub(crate) element: Element,
    pub(crate) order: ByteOrder,
    /// The first index moves fastest in the file.
    pub(crate) fortran: bool,
    /// The length of the header in bytes.
    pub(crate) length: u64,
}

impl ArrayHeader {
    /// A header, if data can have the shape `shape`.
    pub(crate) fn new(
        shape: Vec<usize>,
        element: Element,
        order: ByteOrder,
        fortran: bool,
        length: u64,
    ) -> Result<Self, String> {
        if shape.is_empty() {
            return Err("holds a single number, where an array is expected".to_owned());
        }
        if shape.len() > LARGEST_RANK {
            let rank = shape.len();
            return Err(format!(
                "holds {rank}-dimensional data, where 1 to {LARGEST_RANK} can be read"
            ));
        }
        if shape.contains(&0) {
            return Err(format!("holds nothing: its header says {}", product(&shape)));
        }
        let bytes = shape.iter().try_fold(element.size(), |bytes, &size| bytes.checked_mul(size));
        // So that adding a header, or converting to f32, cannot overflow later.
        if bytes.is_none_or(|bytes| bytes > isize::MAX as usize / 8) {
            return Err(format!(
                "promises {} values, more than memory can address",
                product(&shape)
            ));
        }
        let fortran = fortran && shape.len() > 1;
        Ok(ArrayHeader { shape, element, order, fortran, length })
    }

    /// The number of values.
    pub(crate) fn values(&self) -> usize {
        self.shape.iter().product()
    }

    /// The bytes of header and values.
    pub(crate) fn total(&self) -> u64 {
        self.length + (self.values() * self.element.size()) as u64
    }

    /// The problem that the data are not as long as promised, but as `truth` says.
    pub(crate) fn wrong_length(&self, truth: &str) -> String {
        let of = match self.element.size() {
            1 => String::new(),
            size => format!(" values of {size} bytes"),
        };
        let promise =
            format!("promises {} bytes ({}{of} and a header)", self.total(), product(&self.shape));
        format!("{promise}, but {truth}: download it again")
    }

    /// An error where `compressed` bytes cannot hold what is promised.
    pub(crate) fn check_expansion(&self, compressed: u64, kind: &str) -> Result<(), String> {
        if self.total() > compressed.saturating_mul(LARGEST_EXPANSION) {
            return Err(
                self.wrong_length(&format!("{compressed} bytes of {kind} cannot hold that many"))
            );
        }
        Ok(())
    }
}

/// `sizes` as text: `5 x 2 x 3`.
pub(crate) fn product(sizes: &[impl ToString]) -> String {
    sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
}

/// The error of the array `name`, or of the only one, in a file.
pub(crate) fn in_array(path: &Path, name: Option<&str>, problem: impl std::fmt::Display) -> Error {
    match name {
        Some(name) => Error::file(path, format!("array {}: {problem}", Short(name))),
        None => Error::file(path, problem.to_string()),
    }
}

/// The error of a decoder of `kind` ("gzip", "zip") on the array `name` of a file.
pub(crate) fn decoder_error(
    path: &Path,
    name: Option<&str>,
    error: io::Error,
    kind: &str,
) -> Error {
    match damage(error, kind) {
        Ok(problem) => in_array(path, name, problem),
        Err(error) => Error::io(path, error),
    }
}
