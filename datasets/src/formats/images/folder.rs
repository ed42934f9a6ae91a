//! The images in a folder and in all folders below it. Nothing is opened.

use std::fs;
use std::path::{Path, PathBuf};

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
        for entry in fs::read_dir(path).at(path)? {
            let entry = entry.at(path)?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".")
                || LITTER.iter().any(|litter| name.eq_ignore_ascii_case(litter))
            {
                continue;
            }
            let path = entry.path();
            let kind = entry.file_type().at(&path)?;
            let linked = kind.is_symlink() && path.is_dir();
            if linked && above.contains(&fs::canonicalize(&path).at(&path)?) {
                continue;
            }
            if kind.is_dir() || linked {
                folder.folders.push(Self::below(&path, above)?);
            } else if extension(&path)
                .is_some_and(|e| is_in(&READABLE, &e) || is_in(&OTHER_IMAGES, &e))
            {
                folder.images.push(path);
            } else {
                folder.others.push(path);
            }
        }
        above.pop();
        folder.folders.sort_by(|a, b| a.path.cmp(&b.path));
        folder.images.sort();
        folder.others.sort();
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

/// In lower case.
fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

fn is_in(extensions: &[&str], extension: &str) -> bool {
    extensions.contains(&extension)
}

/// The extension, if it is that of an image that cannot be read.
pub(super) fn foreign_extension(path: &Path) -> Option<String> {
    extension(path).filter(|extension| is_in(&OTHER_IMAGES, extension))
}
