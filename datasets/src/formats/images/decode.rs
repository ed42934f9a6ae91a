//! Decoding one image by the content of its file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::folder::foreign_extension;
use super::picture::{MOST_PIXELS, Picture};
use super::{jpeg, others, png};
use crate::files::regular::is_regular;
use crate::panics::caught;

/// The bytes of the longest file: four for each of the most pixels.
const LONGEST_FILE: u64 = 4 * MOST_PIXELS;
/// The formats that can be read.
const NAMES: &str = "PNG, JPEG, BMP, GIF, WebP and TIFF";

/// Tells whether a file that begins with `start` is an image.
pub(super) fn is_image(start: &[u8]) -> bool {
    start.starts_with(png::SIGNATURE)
        || start.starts_with(jpeg::SIGNATURE)
        || others::format(start).is_some()
}

impl Picture {
    /// Reads the file at `path`, by way of `buffer`. Its content decides on the decoder, whatever
    /// its name. The error is the problem with the file.
    pub(super) fn read(path: &Path, buffer: &mut Vec<u8>) -> Result<Picture, String> {
        if let Some(extension) = foreign_extension(path) {
            return Err(format!("is a .{extension} file, and {NAMES} can be read: convert it"));
        }
        if !is_regular(path).map_err(|error| error.to_string())? {
            return Err("is not a regular file".to_owned());
        }
        buffer.clear();
        let file = File::open(path).map_err(|error| error.to_string())?;
        file.take(LONGEST_FILE + 1).read_to_end(buffer).map_err(|error| error.to_string())?;
        if buffer.len() as u64 > LONGEST_FILE {
            return Err(format!("is longer than {LONGEST_FILE} bytes, the most an image may be"));
        }
        // A panic of the decoder on damaged data is no reason to end here.
        let picture = caught(|| Self::decode(buffer));
        let picture = picture
            .unwrap_or_else(|| Err("is damaged in a way that its decoder cannot take".to_owned()));
        // The error of a decoder may have several lines.
        picture.map_err(|problem| problem.split(char::is_control).collect::<Vec<_>>().join(" "))
    }

    fn decode(bytes: &[u8]) -> Result<Picture, String> {
        match bytes {
            [] => Err("is empty".to_owned()),
            _ if bytes.starts_with(png::SIGNATURE) => png::decode(bytes),
            _ if bytes.starts_with(jpeg::SIGNATURE) => jpeg::decode(bytes),
            _ => match others::format(bytes) {
                Some(format) => others::decode(bytes, format),
                None => Err(format!("is none of {NAMES}, whatever its name says")),
            },
        }
    }
}
