//! The files in a folder of images, and the classes that their folders name.
//!
//! Nothing is opened, and no folder below those of the classes is entered, so that a link that
//! leads back up leads nowhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::dataset::halves::rows_for_test;
use crate::dataset::rows::Rows;
use crate::error::{At as _, Error, Problem, Remedy, bail};
use crate::files::hash::Hash;
use crate::sample::label::MOST_CLASSES;

/// Extensions of the images that can be read, and of those that would be missed if nothing were
/// said about them.
const READABLE: [&str; 3] = ["png", "jpg", "jpeg"];
const OTHER_IMAGES: [&str; 10] =
    ["avif", "bmp", "gif", "heic", "jp2", "jxl", "ppm", "tif", "tiff", "webp"];
/// An image, not yet read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// 0 where there are no classes.
    pub(super) label: u16,
    /// In bytes.
    length: u64,
    /// In nanoseconds since 1970.
    modified: i128,
}

/// All images of a folder.
#[derive(Debug)]
pub(super) struct Listing {
    /// In the order of their names' bytes; none if the images have no labels.
    pub(super) classes: Vec<String>,
    /// The files to learn from, then those for the test; each by class, then by name.
    pub(super) files: Vec<Source>,
    /// The number of files to learn from.
    pub(super) train: usize,
}

impl Listing {
    /// Lists `dir`; `None` if there is no image in it, nor in the folders directly in it.
    ///
    /// Where `dir` holds `train` and `test`, these are the halves, and other folders are not looked
    /// at. Otherwise one image in six of each class, but at least one, is chosen for the test; the
    /// choice follows from their number and the order of their names alone.
    pub(super) fn read(dir: &Path) -> Result<Option<Listing>, Error> {
        let is_folder = |name: &str| dir.join(name).is_dir();
        if !(is_folder("train") && is_folder("test")) {
            return match Half::read(dir)? {
                Some(half) => half.split(dir).map(Some),
                None => match ["train", "test"].into_iter().find(|name| is_folder(name)) {
                    Some(half) if Half::read(&dir.join(half))?.is_some() => {
                        let other = if half == "train" { "test" } else { "train" };
                        bail!(
                            dir,
                            "holds images in {half}, but no folder {other}: put it there, or name \
                             {half} itself"
                        )
                    }
                    _ => Ok(None),
                },
            };
        }
        let (train_dir, test_dir) = (dir.join("train"), dir.join("test"));
        let (train, test) = match (Half::read(&train_dir)?, Half::read(&test_dir)?) {
            (None, None) => return Ok(None),
            (train, test) => (
                train.ok_or_else(|| holds_no_image(&train_dir))?,
                test.ok_or_else(|| holds_no_image(&test_dir))?,
            ),
        };
        match (train.labelled, test.labelled) {
            (false, true) => bail!(
                &test_dir,
                "holds folders of classes, where the training images have no classes: give both \
                 classes or neither"
            ),
            (true, false) => bail!(
                &test_dir,
                "holds no folders of classes, where the training images have classes: sort its \
                 images into them"
            ),
            _ => Self::new(train, test, &test_dir).map(Some),
        }
    }

    /// The classes are those of the training images.
    fn new(train: Half, test: Half, test_dir: &Path) -> Result<Listing, Error> {
        let labelled = train.labelled;
        let classes: Vec<String> = train.classes.iter().map(|class| class.name.clone()).collect();
        let mut files = Vec::new();
        for (label, class) in train.classes.into_iter().enumerate() {
            files.extend(class.images.into_iter().map(|path| Source::new(path, label as u16)));
        }
        let train = files.len();
        for class in test.classes {
            let Some(label) = classes.iter().position(|name| *name == class.name) else {
                bail!(
                    &test_dir.join(&class.name),
                    "is a class that no training image has, so that no model could learn it: mend \
                     its name, or remove it"
                );
            };
            files.extend(class.images.into_iter().map(|path| Source::new(path, label as u16)));
        }
        Ok(Listing { classes: if labelled { classes } else { Vec::new() }, files, train })
    }

    /// A hash of the files and of the settings that decoded images are made by. It misses a change
    /// of a file that keeps its length and its time of modification.
    pub(super) fn fingerprint(&self, settings: &str) -> u64 {
        let mut hash = Hash::new();
        hash.part(settings.as_bytes());
        hash.part(&(self.train as u64).to_le_bytes());
        for class in &self.classes {
            hash.part(class.as_bytes());
        }
        for file in &self.files {
            // The name and its folder's: the rest may change when the whole is moved.
            let parts = file.path.components().rev().take(2);
            parts.for_each(|part| hash.part(part.as_os_str().as_encoded_bytes()));
            hash.part(&file.label.to_le_bytes());
            hash.part(&file.length.to_le_bytes());
            hash.part(&file.modified.to_le_bytes());
        }
        hash.value()
    }
}

impl Source {
    /// A file that cannot be looked at, such as a link that leads nowhere, is an error when it is
    /// read.
    fn new(path: PathBuf, label: u16) -> Source {
        let metadata = fs::metadata(&path);
        let length = metadata.as_ref().map_or(0, fs::Metadata::len);
        let modified =
            metadata.and_then(|metadata| metadata.modified()).map_or(0, |time| {
                match time.duration_since(UNIX_EPOCH) {
                    Ok(after) => after.as_nanos() as i128,
                    Err(before) => -(before.duration().as_nanos() as i128),
                }
            });
        Source { path, label, length, modified }
    }
}

/// The images of one class.
struct Class {
    name: String,
    /// In the order of their names.
    images: Vec<PathBuf>,
}

/// The images of a folder: those of its folders, or, without labels, those directly in it.
struct Half {
    labelled: bool,
    /// In the order of the names, each with an image. Without labels it is one, without a name.
    classes: Vec<Class>,
}

impl Half {
    /// `None` if there are none.
    fn read(dir: &Path) -> Result<Option<Half>, Error> {
        let Entries { folders, images: loose } = Entries::read(dir)?;
        let mut classes = Vec::with_capacity(folders.len());
        let mut unnamed = None;
        for folder in folders {
            let within = Entries::read(&folder)?;
            match folder.file_name().and_then(|name| name.to_str()) {
                Some(name) => classes.push((name.to_owned(), folder, within)),
                None => unnamed = Some(folder),
            }
        }
        // Any folder has folders: only images make it one of classes.
        if classes.iter().all(|(.., within)| within.images.is_empty()) {
            let class = Class { name: String::new(), images: loose };
            let any = !class.images.is_empty();
            return Ok(any.then(|| Half { labelled: false, classes: vec![class] }));
        }
        if let Some(folder) = unnamed {
            bail!(&folder, "has a name that is no UTF-8, and a class needs one: rename it");
        }
        if let Some(image) = loose.first() {
            bail!(image, "lies beside the folders of classes: move it into that of its class");
        }
        if classes.len() > MOST_CLASSES {
            let count = classes.len();
            bail!(
                dir,
                "holds {count} folders of classes, and {MOST_CLASSES} is the most there can be: \
                 merge or remove some"
            );
        }
        let mut sorted = Vec::with_capacity(classes.len());
        for (name, folder, Entries { folders, images }) in classes {
            if let Some(inner) = folders.first() {
                bail!(
                    inner,
                    "is a folder within that of a class: move its images up, or remove it"
                );
            }
            if images.is_empty() {
                return Err(holds_no_image(&folder));
            }
            sorted.push(Class { name, images });
        }
        // Paths compare by their parts, names by their bytes.
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Some(Half { labelled: true, classes: sorted }))
    }

    /// Takes a part out for the test: of each class, one image in six.
    fn split(self, dir: &Path) -> Result<Listing, Error> {
        let (mut train, mut test) = (Vec::new(), Vec::new());
        for Class { name, images } in self.classes {
            if images.len() < 2 {
                let folder = if self.labelled { &dir.join(name) } else { dir };
                bail!(
                    folder,
                    "holds one image, where two are needed, one of them for the test: add some, or \
                     sort all into the folders train and test"
                );
            }
            let held = rows_for_test(images.len());
            let kept = Rows::AllBut { of: images.len(), held: &held };
            let those = |rows: Rows<'_>| {
                let images =
                    (0..rows.len()).map(|at| images[rows.get(at) as usize].clone()).collect();
                Class { name: name.clone(), images }
            };
            train.push(those(kept));
            test.push(those(Rows::Listed(&held)));
        }
        let half = |classes| Half { labelled: self.labelled, classes };
        Listing::new(half(train), half(test), dir)
    }
}

/// The error that `bad` files cannot be read, of which `first` has this problem.
pub(super) fn unreadable(listing: &Listing, first: usize, problem: &str, bad: usize) -> Error {
    let problem = match bad {
        1 => format!("{problem}: mend or remove it, or skip it"),
        _ => format!(
            "{problem}; {bad} of {} images cannot be read: mend or remove them, or skip them",
            listing.files.len()
        ),
    };
    Error::file(&listing.files[first].path, Problem::with(problem, Remedy::SkipUnreadable))
}

fn holds_no_image(folder: &Path) -> Error {
    Error::file(folder, "holds no image (.png, .jpg or .jpeg): put some there, or remove it")
}

/// The folders and images in a folder, in the order of their names, without hidden ones.
struct Entries {
    folders: Vec<PathBuf>,
    images: Vec<PathBuf>,
}

impl Entries {
    fn read(dir: &Path) -> Result<Entries, Error> {
        let (mut folders, mut images) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(dir).at(dir)? {
            let entry = entry.at(dir)?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            let kind = entry.file_type().at(&path)?;
            // A link counts as what it leads to.
            let is_folder = kind.is_dir() || (kind.is_symlink() && path.is_dir());
            if is_folder {
                folders.push(path);
            } else if extension(&path)
                .is_some_and(|e| is_in(&READABLE, &e) || is_in(&OTHER_IMAGES, &e))
            {
                images.push(path);
            }
        }
        folders.sort();
        images.sort();
        Ok(Entries { folders, images })
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
