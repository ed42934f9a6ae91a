//! Which files a folder of images holds, and what their folders say about them.
//!
//! Nothing is opened, and no folder below those of the classes is entered, so that a link that
//! leads back up leads nowhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::error::{Error, bail};
use crate::files::hash::Hash;
use crate::random::order::holdout;

/// Extensions of the images that can be read, and of those that would be missed if they were passed
/// over in silence.
const READABLE: [&str; 3] = ["png", "jpg", "jpeg"];
const OTHER_IMAGES: [&str; 10] =
    ["avif", "bmp", "gif", "heic", "jp2", "jxl", "ppm", "tif", "tiff", "webp"];
/// Labels are bytes.
const MOST_CLASSES: usize = 256;
/// One image in so many is for the test, where the folder does not say which.
const TEST_SHARE: usize = 6;
/// Decides which. It is no option: were it one, a model could be tested on what it had learnt from.
const SPLIT_SEED: u64 = 0;

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
    /// Those to learn from, then those for the test; each by class, then by name.
    pub(super) files: Vec<Source>,
    /// How many are to learn from.
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
                        Err(one_half(dir, half))
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
        let (learnt, tested) = match (train, test) {
            (Half::Unlabelled(train), Half::Unlabelled(test)) => (train, test),
            (Half::Unlabelled(_), Half::Labelled(_)) => {
                bail!(
                    &test_dir,
                    "holds folders of classes, where the training images have no classes: give \
                     both classes or neither"
                );
            }
            (Half::Labelled(_), Half::Unlabelled(_)) => {
                bail!(
                    &test_dir,
                    "holds no folders of classes, where the training images have classes: sort \
                     its images into them"
                );
            }
            (Half::Labelled(train), Half::Labelled(test)) => {
                return Self::labelled(train, test, &test_dir).map(Some);
            }
        };
        let train = learnt.len();
        let paths = learnt.into_iter().chain(tested);
        let files = paths.map(|path| Source::new(path, 0)).collect();
        Ok(Some(Listing { classes: Vec::new(), files, train }))
    }

    /// The classes are those of the training images.
    fn labelled(train: Vec<Class>, test: Vec<Class>, test_dir: &Path) -> Result<Listing, Error> {
        let classes: Vec<String> = train.iter().map(|class| class.name.clone()).collect();
        let label = |name: &str| classes.iter().position(|class| class == name);
        let mut files = Vec::new();
        for (label, class) in train.into_iter().enumerate() {
            files.extend(class.images.into_iter().map(|path| Source::new(path, label as u16)));
        }
        let train = files.len();
        for class in test {
            let Some(label) = label(&class.name) else {
                bail!(
                    &test_dir.join(&class.name),
                    "is a class that no training image has, so that no model could learn it: mend \
                     its name, or remove it"
                );
            };
            files.extend(class.images.into_iter().map(|path| Source::new(path, label as u16)));
        }
        Ok(Listing { classes, files, train })
    }

    /// A number that changes with what the decoded images are made from, but for a change of a file
    /// that keeps its length and its time of modification.
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
    /// What cannot be known now, of a link that leads nowhere say, is an error when the file is
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

/// The images directly in a folder, or those in its folders.
enum Half {
    Unlabelled(Vec<PathBuf>),
    /// In the order of the names, each with an image.
    Labelled(Vec<Class>),
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
            return Ok((!loose.is_empty()).then_some(Half::Unlabelled(loose)));
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
        Ok(Some(Half::Labelled(sorted)))
    }

    /// Takes a part out for the test.
    fn split(self, dir: &Path) -> Result<Listing, Error> {
        match self {
            Half::Unlabelled(images) => {
                let (train, test) = split(images, dir)?;
                let learnt = train.len();
                let files =
                    train.into_iter().chain(test).map(|path| Source::new(path, 0)).collect();
                Ok(Listing { classes: Vec::new(), files, train: learnt })
            }
            Half::Labelled(classes) => {
                let (mut train, mut test) = (Vec::new(), Vec::new());
                for Class { name, images } in classes {
                    let halves = split(images, &dir.join(&name))?;
                    train.push(Class { name: name.clone(), images: halves.0 });
                    test.push(Class { name, images: halves.1 });
                }
                Listing::labelled(train, test, dir)
            }
        }
    }
}

/// `images` of `folder` without those for the test, and those.
fn split(images: Vec<PathBuf>, folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Error> {
    if images.len() < 2 {
        bail!(
            folder,
            "holds one image, where two are needed, one of them for the test: add some, or sort \
             all into the folders train and test"
        );
    }
    let held = (images.len() / TEST_SHARE).max(1);
    let (kept, held) = holdout(images.len(), held, SPLIT_SEED);
    let those = |rows: &[u32]| rows.iter().map(|&row| images[row as usize].clone()).collect();
    Ok((those(&kept), those(&held)))
}

/// That `bad` files cannot be read, the first of them because of `problem`.
pub(super) fn unreadable(listing: &Listing, first: usize, problem: String, bad: usize) -> Error {
    Error::Unreadable {
        path: listing.files[first].path.clone(),
        problem,
        bad,
        of: listing.files.len(),
    }
}

fn one_half(dir: &Path, half: &str) -> Error {
    let other = if half == "train" { "test" } else { "train" };
    let problem = format!(
        "holds images in {half}, but no folder {other}: put it there, or name {half} itself"
    );
    Error::file(dir, problem)
}

fn holds_no_image(folder: &Path) -> Error {
    Error::file(folder, "holds no image (.png, .jpg or .jpeg): put some there, or remove it")
}

/// What a folder holds, in the order of the names, but for what is hidden and what is no image.
struct Entries {
    folders: Vec<PathBuf>,
    images: Vec<PathBuf>,
}

impl Entries {
    fn read(dir: &Path) -> Result<Entries, Error> {
        let failed = |error| Error::io(dir, error);
        let (mut folders, mut images) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            let kind = entry.file_type().map_err(|error| Error::io(&path, error))?;
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
