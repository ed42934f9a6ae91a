//! The images in a folder and in all folders below it. Nothing is opened.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf, is_separator};

use crate::error::{At as _, Error, bail};

/// Extensions of the images that can be read, and of those that would be missed if nothing were
/// said about them.
const READABLE: [&str; 10] =
    ["bmp", "gif", "jfif", "jpe", "jpeg", "jpg", "png", "tif", "tiff", "webp"];
const OTHER_IMAGES: [&str; 16] = [
    "arw", "avif", "cr2", "dng", "heic", "heif", "ico", "jp2", "jxl", "nef", "pbm", "pgm", "pnm",
    "ppm", "psd", "tga",
];

/// The meaning of a folder by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Half(Half),
    /// Its images have no label.
    Unlabelled,
}

/// The use of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Half {
    Train,
    Validation,
    Test,
}

/// The role of a folder of that path, if its name, in letters of either size, is that of one.
pub(super) fn role(path: &Path) -> Option<Role> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let name = name.strip_suffix("_set").or_else(|| name.strip_suffix("-set")).unwrap_or(&name);
    match name {
        "train" | "training" => Some(Role::Half(Half::Train)),
        "val" | "valid" | "validation" => Some(Role::Half(Half::Validation)),
        "test" | "testing" => Some(Role::Half(Half::Test)),
        _ => says_unlabelled(name).then_some(Role::Unlabelled),
    }
}

/// The letters and digits of a name in lower case: `No_Label` is `nolabel`.
fn letters(name: &str) -> String {
    name.chars().filter(|next| next.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Tells whether a folder's name says that its images have no label.
fn says_unlabelled(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "unsup",
        "unsupervised",
        "unsorted",
        "nolabel",
        "nolabels",
        "notlabeled",
        "notlabelled",
        "todo",
    ];
    let name = letters(name);
    name.starts_with("unlabel") || NAMES.contains(&&*name)
}

/// Tells whether a class may be no class but a place for images without a label, by its name.
pub(super) fn may_be_unlabelled(class: &str) -> bool {
    const NAMES: [&str; 7] = ["rest", "unknown", "other", "others", "none", "misc", "undefined"];
    NAMES.contains(&&*letters(class))
}

/// What programs leave in folders, and nobody misses.
const LITTER: [&str; 4] = ["__macosx", "@eadir", "desktop.ini", "thumbs.db"];

/// Folders may lie in each other this deep.
const DEEPEST: usize = 12;

/// A folder, without what is hidden.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// In the order of their names.
    pub(super) images: Vec<PathBuf>,
    /// In the order of their names.
    pub(super) folders: Vec<Folder>,
    /// The files that are no images by their names.
    others: Vec<PathBuf>,
}

impl Folder {
    /// Reads `path` and all below. A link counts as that to which it leads. A link to a folder that
    /// it lies in is passed over.
    pub(super) fn read(path: &Path) -> Result<Folder, Error> {
        Self::below(path, &mut Vec::new())
    }

    fn below(path: &Path, above: &mut Vec<PathBuf>) -> Result<Folder, Error> {
        if above.len() > DEEPEST {
            bail!(path, "lies more than {DEEPEST} folders deep: move it up");
        }
        above.push(fs::canonicalize(path).at(path)?);
        let mut folder = Folder {
            path: path.to_owned(),
            images: Vec::new(),
            folders: Vec::new(),
            others: Vec::new(),
        };
        let (mut images, mut folders, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for entry in fs::read_dir(path).at(path)? {
            let entry = entry.at(path)?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".")
                || LITTER.iter().any(|litter| name.eq_ignore_ascii_case(litter))
            {
                continue;
            }
            let kind = entry.file_type().at(&entry.path())?;
            let linked = kind.is_symlink() && entry.path().is_dir();
            if kind.is_dir() || linked {
                folders.push((name, linked));
            } else if extension(Path::new(&name))
                .is_some_and(|e| is_in(&READABLE, &e) || is_in(&OTHER_IMAGES, &e))
            {
                images.push(name);
            } else {
                others.push(name);
            }
        }
        // Names are quicker to compare than paths.
        [&mut images, &mut others].into_iter().for_each(|names| names.sort());
        folders.sort();
        folder.images = images.iter().map(|name| path.join(name)).collect();
        folder.others = others.iter().map(|name| path.join(name)).collect();
        for (name, linked) in folders {
            let path = path.join(name);
            if !linked || !above.contains(&fs::canonicalize(&path).at(&path)?) {
                folder.folders.push(Self::below(&path, above)?);
            }
        }
        above.pop();
        Ok(folder)
    }

    /// The number of images in it and below.
    pub(super) fn count(&self) -> usize {
        self.images.len() + self.folders.iter().map(Folder::count).sum::<usize>()
    }

    /// Its name; an error if that is no UTF-8.
    pub(super) fn name(&self) -> Result<&str, Error> {
        match self.path.file_name().and_then(|name| name.to_str()) {
            Some(name) => Ok(name),
            None => {
                bail!(&self.path, "has a name that is no UTF-8, and a class needs one: rename it")
            }
        }
    }

    /// The folder that tells training images and others apart: this one, or one below it, if
    /// nothing but folders were put around it, as archives do.
    pub(super) fn unwrapped(mut self) -> Folder {
        let mut inner = self.folders.iter().enumerate().filter(|(_, folder)| folder.count() > 0);
        let (Some((at, only)), None) = (inner.next(), inner.next()) else { return self };
        let plain = self.repeats(only) || only.holds_images_by_name();
        let wraps = plain || (only.images.is_empty() && role(&only.path).is_none());
        if !self.images.is_empty() || !wraps {
            return self;
        }
        let only = self.folders.swap_remove(at).unwrapped();
        if plain || only.folders.iter().any(|folder| role(&folder.path).is_some()) {
            return only;
        }
        self.folders.push(only);
        self
    }

    /// Tells whether it has the name of `inner`: `training_set/training_set`.
    fn repeats(&self, inner: &Folder) -> bool {
        self.path.file_name() == inner.path.file_name()
    }

    /// Tells whether its name says that it holds images, and not of which class.
    fn holds_images_by_name(&self) -> bool {
        const NAMES: [&str; 3] = ["images", "imgs", "img"];
        let name = self.path.file_name().unwrap_or_default();
        NAMES.iter().any(|of| name.eq_ignore_ascii_case(of))
    }

    /// The files that are no images by their names, in it and below.
    pub(super) fn others(&self) -> Vec<&Path> {
        let mut others: Vec<&Path> = self.others.iter().map(PathBuf::as_path).collect();
        self.folders.iter().for_each(|folder| others.extend(folder.others()));
        others
    }
}

/// The order of two paths below one folder: that of the names on the way, one after the other. As
/// [`Path`] has it, which takes both apart first.
pub(super) fn by_names(one: &Path, other: &Path) -> Ordering {
    let [one, other] = [one, other].map(|path| path.as_os_str().as_encoded_bytes());
    // A name ends before any that goes on.
    let key = |&byte: &u8| if is_separator(char::from(byte)) { 0 } else { byte };
    match one.iter().zip(other).position(|(one, other)| one != other) {
        Some(at) => key(&one[at]).cmp(&key(&other[at])),
        None => one.len().cmp(&other.len()),
    }
}

/// The part of `path`, which was found in `dir`, behind that.
pub(super) fn within<'a>(path: &'a Path, dir: &Path) -> &'a Path {
    let (Some(text), Some(dir_text)) = (path.to_str(), dir.to_str()) else {
        return path.strip_prefix(dir).unwrap_or(path);
    };
    // Both are spelt alike, and need not be taken apart.
    text.strip_prefix(dir_text)
        .map_or(path, |rest| Path::new(rest.trim_start_matches(is_separator)))
}

/// In lower case.
fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

/// Tells whether a file is an image that can be read, by its name.
pub(super) fn has_image_name(path: &Path) -> bool {
    extension(path).is_some_and(|extension| is_in(&READABLE, &extension))
}

fn is_in(extensions: &[&str], extension: &str) -> bool {
    extensions.contains(&extension)
}

/// The extension, if it is that of an image that cannot be read.
pub(super) fn foreign_extension(path: &Path) -> Option<String> {
    extension(path).filter(|extension| is_in(&OTHER_IMAGES, extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_ordered_and_cut_as_the_library_does_it() {
        let names =
            ["a", "a-b", "a b", "a/b", "a.b", "a/b/c", "a/c", "b", "ab", "é", "a/é", "\u{1}"];
        for dir in ["d", "d/", "./d", ".", "..", "/", "/d/e", "d//", "é"] {
            let paths: Vec<PathBuf> = names.iter().map(|name| Path::new(dir).join(name)).collect();
            for one in &paths {
                assert_eq!(within(one, Path::new(dir)), one.strip_prefix(dir).unwrap());
                for other in &paths {
                    assert_eq!(by_names(one, other), one.cmp(other), "{one:?} {other:?}");
                }
            }
        }
        assert_eq!(within(Path::new("elsewhere/a"), Path::new("d")), Path::new("elsewhere/a"));
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_are_paths_too() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let dir = Path::new(OsStr::from_bytes(b"d\xff"));
        let [one, other] = [&b"\xfe"[..], b"a/\xfe"].map(|name| dir.join(OsStr::from_bytes(name)));
        assert_eq!(within(&one, dir), one.strip_prefix(dir).unwrap());
        assert_eq!(within(&other, dir), other.strip_prefix(dir).unwrap());
        assert_eq!(by_names(&one, &other), one.cmp(&other));
    }
}
