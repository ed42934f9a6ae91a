//! The files in a folder of images, their halves and their classes, by the names of their folders.
//!
//! Nothing is opened. The listing's notes name everything that is left out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::folder::{Folder, Half, Role, by_names, role, within};
use crate::error::{Error, OneLine, Problem, Remedy, bail, listed};
use crate::files::hash::Hash;
use crate::sample::label::{MOST_CLASSES, UNLABELLED};

/// The extensions of files that may have the labels of images.
const LISTS: [&str; 3] = ["csv", "tsv", "txt"];

/// An image, not yet read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// [`UNLABELLED`] for none.
    pub(super) label: u16,
    /// In bytes.
    length: u64,
    /// In nanoseconds since 1970: the time of modification, and that of any change.
    modified: i128,
    changed: i128,
}

/// All images of a folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The folder.
    dir: PathBuf,
    /// In the order of their names' bytes, those that no training image has last; none if the
    /// images have no labels.
    pub(super) classes: Vec<String>,
    /// The number of classes that no training image has.
    pub(super) unseen: usize,
    /// The files to learn from, then those for validation, then those for the test; each by class,
    /// then by name, those without a label last.
    pub(super) files: Vec<Source>,
    /// The number of files to learn from or for validation; all, if none is for the test.
    pub(super) train: usize,
    /// The number of files for validation.
    pub(super) validation: usize,
    /// Choices by the look of the data, and what was left out.
    pub(super) notes: Vec<String>,
}

/// An image, and its place in the data.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) path: PathBuf,
    pub(super) half: Half,
    pub(super) class: Option<String>,
}

/// The images that a folder holds, before they are ordered and divided.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) items: Vec<Item>,
    pub(super) notes: Vec<String>,
}

impl Items {
    /// Those of `dir`; `None` if there is no image in it, nor in a folder below it.
    ///
    /// Where `dir` holds folders for training and for validation or the test, these are the halves.
    /// Else all its folders are classes, and its images are undivided.
    pub(super) fn read(dir: &Path, labels: Option<&Path>) -> Result<Option<Items>, Error> {
        let all = Folder::read(dir)?;
        if all.count() == 0 {
            return Ok(None);
        }
        let mut items = Items::default();
        items.note_others(dir, all.others(), labels);
        items.sort(all.unwrapped())?;
        Ok(Some(items))
    }

    fn note_others(&mut self, dir: &Path, mut others: Vec<&Path>, labels: Option<&Path>) {
        let labels = labels.and_then(|path| fs::canonicalize(path).ok());
        if labels.is_some() {
            others.retain(|path| fs::canonicalize(path).ok() != labels);
        }
        let Some(first) = others.first() else { return };
        let first = OneLine(first.strip_prefix(dir).unwrap_or(first));
        let text = match others.len() {
            1 => format!("{first} was left out: its name is not that of an image"),
            n => format!("{n} files were left out, such as {first}: their names are not of images"),
        };
        let is_list = |path: &&Path| {
            path.extension().is_some_and(|e| LISTS.iter().any(|list| e.eq_ignore_ascii_case(list)))
        };
        self.notes.push(match others.iter().find(|path| labels.is_none() && is_list(path)) {
            Some(list) => {
                let list = OneLine(list.strip_prefix(dir).unwrap_or(list));
                format!("{text}; if {list} has labels of images, give it as the file of labels")
            }
            None => text,
        });
    }

    fn sort(&mut self, all: Folder) -> Result<(), Error> {
        let role = |folder: &Folder| role(&folder.path);
        let folders: Vec<&Folder> = all.folders.iter().filter(|f| f.count() > 0).collect();
        let of = |half: Half| folders.iter().filter(move |f| role(f) == Some(Role::Half(half)));
        for half in [Half::Train, Half::Validation, Half::Test] {
            if let [one, other, ..] = of(half).collect::<Vec<_>>()[..] {
                let other = OneLine(&other.path).to_string();
                bail!(&one.path, "and {other} have the same meaning: move one into the other");
            }
        }
        let [train, validation, test] =
            [Half::Train, Half::Validation, Half::Test].map(|half| of(half).next());
        let named = folders.iter().filter(|folder| role(folder).is_some()).count();
        let only_named = named == folders.len();
        let apart = test.or(validation);
        match (train, apart) {
            // Beside classes, `train` and `test` are classes too.
            (None, Some(half)) if only_named => {
                let name = half.name()?;
                bail!(
                    &all.path,
                    "holds images in {name}, but no folder train: put it there, or name {name} \
                     itself"
                );
            }
            (Some(_), Some(_)) => {}
            (Some(_), None) if only_named => {}
            _ => return self.collect(all, Half::Train, None),
        }
        if test.is_none() {
            let text = "there is no folder test: where a test is needed, it takes one in six \
                        training images of each class";
            self.notes.push(text.to_owned());
        }
        for folder in all.folders {
            match role(&folder) {
                Some(Role::Half(half)) => self.collect(folder.unwrapped(), half, None)?,
                Some(Role::Unlabelled) => self.take(folder, Half::Train),
                None if folder.count() > 0 => {
                    let count = folder.count();
                    let name = folder.path.file_name().unwrap_or_default();
                    self.notes.push(format!(
                        "{}: its images, {count}, were left out: a folder beside train is read if \
                         it is called validation, test or unlabeled",
                        OneLine(Path::new(name))
                    ));
                }
                None => {}
            }
        }
        self.items.extend(all.images.into_iter().map(|path| Item {
            path,
            half: Half::Train,
            class: None,
        }));
        Ok(())
    }

    /// Adds the images of `folder`, which is that of `class`. The folders in it are classes.
    fn collect(&mut self, folder: Folder, half: Half, class: Option<&str>) -> Result<(), Error> {
        let has = |half| {
            let is = |inner: &Folder| role(&inner.path) == Some(Role::Half(half));
            folder.folders.iter().any(|inner| inner.count() > 0 && is(inner))
        };
        if class.is_some() && has(Half::Train) && (has(Half::Test) || has(Half::Validation)) {
            bail!(
                &folder.path,
                "holds training images and others in folders of their own: name this folder"
            );
        }
        let Folder { images, folders, .. } = folder;
        let item = |path| Item { path, half, class: class.map(str::to_owned) };
        self.items.extend(images.into_iter().map(item));
        for inner in folders {
            if inner.count() == 0 {
                self.notes
                    .push(format!("{}: holds no image, and is no class", OneLine(&inner.path)));
            } else if role(&inner.path) == Some(Role::Unlabelled) {
                self.take(inner, half);
            } else {
                let name = inner.name()?;
                let class = class.map_or(name.to_owned(), |class| format!("{class}/{name}"));
                self.collect(inner, half, Some(&class))?;
            }
        }
        Ok(())
    }

    /// Adds all images of `folder` and below without a label.
    fn take(&mut self, folder: Folder, half: Half) {
        let Folder { images, folders, .. } = folder;
        self.items.extend(images.into_iter().map(|path| Item { path, half, class: None }));
        folders.into_iter().for_each(|inner| self.take(inner, half));
    }

    /// Orders the images, and gives them the numbers of their classes.
    pub(super) fn listing(self, dir: &Path) -> Result<Listing, Error> {
        let Items { mut items, mut notes } = self;
        let known = ordered(&items, |half| half == Half::Train);
        let in_validation = ordered(&items, |half| half == Half::Validation);
        let is_known = |name: &String| known.binary_search(name).is_ok();
        let unknown: Vec<_> = in_validation.iter().filter(|name| !is_known(name)).collect();
        if !unknown.is_empty() {
            let mut count = 0;
            for item in items.iter_mut().filter(|item| item.half == Half::Validation) {
                if item.class.take_if(|class| !is_known(class)).is_some() {
                    count += 1;
                }
            }
            notes.push(format!(
                "no training image has the class {}: {count} images for validation have no label \
                 for that",
                listed(&unknown)
            ));
        }
        let mut classes = known;
        let known = classes.len();
        let mut of_test = ordered(&items, |half| half == Half::Test);
        of_test.retain(|name| classes.binary_search(name).is_err());
        classes.append(&mut of_test);
        if classes.len() > MOST_CLASSES {
            let count = classes.len();
            bail!(
                dir,
                "holds {count} classes, and {MOST_CLASSES} are the most: merge or remove some"
            );
        }
        if known < classes.len() {
            let unseen = &classes[known..];
            notes.push(format!(
                "no training image has the class {}: it can be scored, but not be learnt",
                listed(unseen)
            ));
        }
        let numbers: std::collections::HashMap<&str, u16> =
            classes.iter().map(String::as_str).zip(0..).collect();
        let number = |class: &Option<String>| {
            class.as_deref().and_then(|class| numbers.get(class)).copied().unwrap_or(UNLABELLED)
        };
        let mut all: Vec<(Half, u16, PathBuf)> =
            items.into_iter().map(|item| (item.half, number(&item.class), item.path)).collect();
        all.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| by_names(&a.2, &b.2)));
        note_unlabelled(&all, &mut notes);
        let count = |half| all.iter().filter(|(of, ..)| *of == half).count();
        let validation = count(Half::Validation);
        if validation > 0 {
            notes.push(format!(
                "{validation} images are for validation: no training image is held out for it"
            ));
        }
        Ok(Listing {
            dir: dir.to_owned(),
            unseen: classes.len() - known,
            train: count(Half::Train) + validation,
            validation,
            files: all.into_iter().map(|(_, label, path)| Source::new(path, label)).collect(),
            classes,
            notes,
        })
    }
}

/// The names of the classes of those halves, each once, in the order of their bytes.
fn ordered(items: &[Item], of: impl Fn(Half) -> bool) -> Vec<String> {
    let names: BTreeSet<&str> = items
        .iter()
        .filter(|item| of(item.half))
        .filter_map(|item| item.class.as_deref())
        .collect();
    names.into_iter().map(str::to_owned).collect()
}

fn note_unlabelled(all: &[(Half, u16, PathBuf)], notes: &mut Vec<String>) {
    if all.iter().all(|(_, label, _)| *label == UNLABELLED) {
        return;
    }
    for (half, name) in [
        (Half::Train, "to learn from"),
        (Half::Validation, "for validation"),
        (Half::Test, "for the test"),
    ] {
        let without = all.iter().filter(|(of, label, _)| (*of, *label) == (half, UNLABELLED));
        match without.count() {
            0 => {}
            1 => notes.push(format!("1 image {name} has no label")),
            n => notes.push(format!("{n} images {name} have no label")),
        }
    }
}

impl Listing {
    /// A hash of the files and of the settings that decoded images are made by. It misses a change
    /// of a file that keeps its length and its times.
    pub(super) fn fingerprint(&self, settings: &str) -> u64 {
        let mut hash = Hash::new();
        hash.part(settings.as_bytes());
        for number in [READING, self.train as u64, self.validation as u64, self.unseen as u64] {
            hash.part(&number.to_le_bytes());
        }
        for class in &self.classes {
            hash.part(class.as_bytes());
        }
        for file in &self.files {
            // The path of the folder itself may change when the whole is moved.
            let path = within(&file.path, &self.dir);
            hash.part(path.as_os_str().as_encoded_bytes());
            hash.part(&file.label.to_le_bytes());
            hash.part(&file.length.to_le_bytes());
            hash.part(&file.modified.to_le_bytes());
            hash.part(&file.changed.to_le_bytes());
        }
        hash.value()
    }

    /// The files' paths within the folder, each on one line.
    pub(super) fn names(&self) -> Vec<String> {
        let name = |file: &Source| OneLine(within(&file.path, &self.dir)).to_string();
        self.files.iter().map(name).collect()
    }

    /// The images to learn from.
    pub(super) fn learnt(&self) -> &[Source] {
        &self.files[..self.train - self.validation]
    }

    /// Tells whether an image has a label.
    pub(super) fn labelled(&self) -> bool {
        !self.classes.is_empty()
    }
}

/// Grows when the same files become other samples. 2: EXIF's orientation is applied.
const READING: u64 = 2;

impl Source {
    /// A file that cannot be looked at, such as a link that leads nowhere, is an error when it is
    /// read.
    fn new(path: PathBuf, label: u16) -> Source {
        let metadata = fs::metadata(&path);
        let length = metadata.as_ref().map_or(0, fs::Metadata::len);
        let changed = metadata.as_ref().map_or(0, changed);
        let modified =
            metadata.and_then(|metadata| metadata.modified()).map_or(0, |time| {
                match time.duration_since(UNIX_EPOCH) {
                    Ok(after) => after.as_nanos() as i128,
                    Err(before) => -(before.duration().as_nanos() as i128),
                }
            });
        Source { path, label, length, modified, changed }
    }
}

/// The time of the last change of a file, be it only of its name, which nobody can set back.
#[cfg(unix)]
fn changed(metadata: &fs::Metadata) -> i128 {
    use std::os::unix::fs::MetadataExt;
    i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(_: &fs::Metadata) -> i128 {
    0
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
