//! Labels of images from a file of names and labels.
//!
//! ```text
//! id,breed
//! 000bec180eb18c7604dcecc8fe0dba07,boston_bull      000bec180eb18c7604dcecc8fe0dba07.jpg
//! cats/3.png,cat                                    train/cats/3.png
//! ```
//!
//! 1. A name is that of a file, or the path to it, with its extension or without. Folders before it
//!    that are not there are passed over.
//! 2. The first row is a header if none of its cells names an image.
//! 3. Names and labels are in the columns that the header calls so, or in the first two.

use std::collections::HashMap;
use std::path::Path;

use super::folder::has_image_name;
use super::folder::within;
use super::listing::Items;
use crate::error::{Error, OneLine, Problem, Remedy, Short, bail, listed};
use crate::formats::options::{LabelColumn, TableOptions};
use crate::formats::tables::csv::texts;

/// What headers call names and labels.
const NAMES: [&str; 11] = [
    "name",
    "file",
    "filename",
    "file_name",
    "image",
    "image_name",
    "image_id",
    "img",
    "id",
    "path",
    "filepath",
];
const LABELS: [&str; 6] = ["label", "labels", "class", "category", "target", "y"];

/// A key that names one image, by its place, or several.
enum Key {
    One(usize),
    Several(usize, usize),
}

/// The columns of names and labels.
struct Columns {
    name: usize,
    label: usize,
}

/// The images of a folder by all names that they can be called.
struct Names {
    as_written: HashMap<String, Key>,
    /// By the same names in lower case.
    lower: HashMap<String, Key>,
}

/// Refuses the table `path`, to be read by `options`, if one of its columns names images that lie
/// beside it: it labels these, and its rows are no samples.
pub(crate) fn refuse_list(path: &Path, options: &TableOptions) -> Result<(), Error> {
    /// The rows that are looked at, the header among them.
    const LOOKED_AT: u64 = 21;
    let beside = path.parent().unwrap_or(Path::new(""));
    let names_image = |cell: &str| has_image_name(Path::new(cell)) && beside.join(cell).is_file();
    let mut header: Vec<String> = Vec::new();
    let mut may_name: Vec<bool> = Vec::new();
    let mut rows = 0;
    // Whatever is wrong with the table is told when it is read.
    let _ = texts::for_each_row(path, options.delimiter, |_, cells: &[&str]| {
        if rows == 0 {
            header = cells.iter().map(|&cell| cell.to_owned()).collect();
            may_name = vec![true; cells.len()];
        } else {
            for (may, cell) in may_name.iter_mut().zip(cells) {
                *may &= names_image(cell);
            }
            may_name.truncate(cells.len());
        }
        rows += 1;
        match rows < LOOKED_AT && may_name.contains(&true) {
            true => Ok(()),
            false => Err(Error::request("enough was seen")),
        }
    });
    let ignored = |name: &str| options.ignore.iter().any(|ignored| ignored == name);
    let found = header.iter().zip(&may_name).find(|(name, may)| **may && !ignored(name));
    match found {
        Some((name, _)) if rows > 1 => {
            let beside = OneLine(if beside.as_os_str().is_empty() { ".".as_ref() } else { beside });
            let problem = format!(
                "names images that lie beside it, in its column {}: name the folder {beside} as \
                 the data, and give this file as that of their labels",
                Short(name),
            );
            Err(Error::file(path, Problem::with(problem, Remedy::LabelsFile)))
        }
        _ => Ok(()),
    }
}

/// Gives the images `items` in `dir` the labels that the file `path` has for them. Folders are no
/// classes then. An image that the file does not name has no label.
///
/// # Errors
/// If the file cannot be read, names no image of these, one name means two of them, or one image
/// has two labels.
pub(super) fn assign(
    path: &Path,
    options: &TableOptions,
    dir: &Path,
    items: &mut Items,
) -> Result<(), Error> {
    let names = Names::new(items, dir);
    let mut labels: Vec<Option<String>> = vec![None; items.items.len()];
    let mut columns = None;
    let (mut strangers, mut first_stranger) = (0, String::new());
    let (mut others, mut first_other) = (0, String::new());
    let take = |line: u64, cells: &[&str]| {
        let Columns { name, label } = match &columns {
            Some(columns) => columns,
            None => {
                let is_header = cells.iter().all(|cell| {
                    names.find(cell).or_else(|| names.find_in_any_case(cell)).is_none()
                });
                let header = if is_header { cells } else { &[] };
                let found = columns.insert(columns_of(path, header, cells.len(), options)?);
                if cells.len() > 2 {
                    let text = |at: usize| match header.get(at) {
                        Some(name) => Short(name).to_string(),
                        None => (at + 1).to_string(),
                    };
                    items.notes.push(format!(
                        "{}: the names of the images are in column {}, their labels in column {}; \
                         its other columns are left out",
                        OneLine(path),
                        text(found.name),
                        text(found.label)
                    ));
                }
                if is_header {
                    return Ok(());
                }
                found
            }
        };
        let [Some(&name), Some(&label)] = [name, label].map(|at| cells.get(*at)) else {
            bail!(
                path,
                "line {line} has {} values, where a name and a label are needed",
                cells.len()
            );
        };
        let key = names.find(name).or_else(|| {
            let key = names.find_in_any_case(name)?;
            others += 1;
            if others == 1 {
                first_other = Short(name).to_string();
            }
            Some(key)
        });
        let at = match key {
            Some(&Key::One(at)) => at,
            Some(&Key::Several(one, other)) => {
                let [one, other] =
                    [one, other].map(|at| OneLine(&items.items[at].path).to_string());
                let name = Short(name);
                bail!(path, "line {line}: {name} means {one} as well as {other}: give the path");
            }
            None => {
                strangers += 1;
                if strangers == 1 {
                    first_stranger = Short(name).to_string();
                }
                return Ok(());
            }
        };
        if label.is_empty() {
            return Ok(());
        }
        match labels[at].replace(label.to_owned()) {
            Some(before) if before != label => {
                let (name, label, before) = (Short(name), Short(label), Short(&before));
                bail!(path, "line {line}: {name} has the label {label}, and {before} before");
            }
            _ => Ok(()),
        }
    };
    texts::for_each_row(path, options.delimiter, take)?;
    let named = labels.iter().flatten().count();
    if named == 0 {
        bail!(
            path,
            "has no label for an image in {}: name the images in its first column, with or without \
             their extensions, and their labels in its second",
            OneLine(dir)
        );
    }
    if strangers > 0 {
        let file = OneLine(path);
        let rows = if strangers == 1 { "row names" } else { "rows name" };
        items.notes.push(format!(
            "{file}: {strangers} {rows} no image that is there, such as {first_stranger}"
        ));
    }
    if others > 0 {
        let file = OneLine(path);
        let rows = if others == 1 { "row names its image" } else { "rows name their images" };
        items.notes.push(format!(
            "{file}: {others} {rows} in letters of another size, such as {first_other}"
        ));
    }
    for (item, label) in items.items.iter_mut().zip(labels) {
        item.class = label;
    }
    Ok(())
}

/// The columns of a file whose first row is `header`, or, if that is empty, has `width` cells.
fn columns_of(
    path: &Path,
    header: &[&str],
    width: usize,
    options: &TableOptions,
) -> Result<Columns, Error> {
    if width < 2 {
        bail!(path, "has one column, where the names of images and their labels are needed");
    }
    let called = |names: &[&str]| {
        header.iter().position(|cell| names.iter().any(|name| cell.eq_ignore_ascii_case(name)))
    };
    let label = match &options.label {
        LabelColumn::Named(name) => match header.iter().position(|cell| cell == name) {
            Some(at) => Some(at),
            None => {
                let has = match header {
                    [] => "has no header".to_owned(),
                    _ => format!("has the columns {}", listed(header)),
                };
                let problem = format!("{has}, and none is called {}", Short(name));
                return Err(Error::file(path, Problem::with(problem, Remedy::LabelName)));
            }
        },
        LabelColumn::Detect | LabelColumn::Absent => called(&LABELS),
    };
    let name = called(&NAMES).filter(|at| Some(*at) != label);
    Ok(match (name, label) {
        (Some(name), Some(label)) => Columns { name, label },
        (Some(name), None) => Columns { name, label: usize::from(name == 0) },
        (None, Some(label)) => Columns { name: usize::from(label == 0), label },
        (None, None) => Columns { name: 0, label: 1 },
    })
}

impl Names {
    fn new(items: &Items, dir: &Path) -> Names {
        let mut names = Names { as_written: HashMap::new(), lower: HashMap::new() };
        let put = |names: &mut HashMap<String, Key>, name: String, at| {
            let key = names.entry(name).or_insert(Key::One(at));
            if let Key::One(other) = *key
                && other != at
            {
                *key = Key::Several(other, at);
            }
        };
        for (at, item) in items.items.iter().enumerate() {
            let inner = within(&item.path, dir);
            // A name that is no UTF-8 cannot be in a file of text.
            let Some(parts) = inner.iter().map(|part| part.to_str()).collect::<Option<Vec<_>>>()
            else {
                continue;
            };
            let extension = inner.extension().map_or(0, |extension| extension.len() + 1);
            for start in 0..parts.len() {
                let name = parts[start..].join("/");
                for name in [&name[..name.len() - extension], &name] {
                    put(&mut names.as_written, name.to_owned(), at);
                    put(&mut names.lower, name.to_lowercase(), at);
                }
            }
        }
        names
    }

    /// The image of that name.
    fn find(&self, name: &str) -> Option<&Key> {
        longest(&self.as_written, &name.replace('\\', "/"))
    }

    /// The image of that name, whatever the size of its letters.
    fn find_in_any_case(&self, name: &str) -> Option<&Key> {
        longest(&self.lower, &name.replace('\\', "/").to_lowercase())
    }
}

/// The image by the longest part of the path `name` that is known.
fn longest<'a>(names: &'a HashMap<String, Key>, name: &str) -> Option<&'a Key> {
    let mut rest = name.strip_prefix("./").unwrap_or(name);
    loop {
        if let Some(key) = names.get(rest) {
            return Some(key);
        }
        rest = rest.split_once('/')?.1;
    }
}
