//! The role of each column of a table: feature, label, or none.

use std::path::Path;

use crate::error::{Error, Problem, Remedy, Short, bail, listed};
use crate::formats::options::{LabelColumn, TableOptions};

/// The role of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Ignored,
    Label,
    Feature { categorical: bool, ordinal: bool },
}

const LABEL_NAMES: [&str; 4] = ["label", "class", "target", "y"];

/// The name of the label's column of a table of these columns; `None` if it has none.
pub(super) fn label_name<'a>(
    names: &'a [String],
    options: &TableOptions,
    path: &Path,
) -> Result<Option<&'a str>, Error> {
    let ignored: Vec<bool> = names.iter().map(|name| options.ignore.contains(name)).collect();
    let label = label_column(names, options, &ignored, None, path)?;
    Ok(label.map(|label| names[label].as_str()))
}

/// The columns' roles.
pub(super) fn roles(
    names: &[String],
    options: &TableOptions,
    path: &Path,
) -> Result<Vec<Role>, Error> {
    let listed = |list: &[String], to: &str, remedy: Remedy| -> Result<Vec<bool>, Error> {
        let mut columns = vec![false; names.len()];
        for name in list {
            columns[find(names, name, to, remedy, path)?] = true;
        }
        Ok(columns)
    };
    let known = known(names, options, path)?;
    let ignored = listed(&options.ignore, "to ignore", Remedy::IgnoredNames)?;
    let (ordinal, categorical) = (
        listed(&options.ordinal, "to order", Remedy::OrdinalNames)?,
        listed(&options.categorical, "of categories", Remedy::CategoryNames)?,
    );
    let label = label_column(names, options, &ignored, known.as_deref(), path)?;
    if let Some(label) = label
        && ignored[label]
    {
        bail!(
            path,
            "the column {} cannot both hold the labels and be ignored",
            Short(&names[label])
        );
    }
    let learnt_from = |column: usize| known.as_ref().is_none_or(|known| known[column]);
    if known.is_some()
        && let Some(column) = (0..names.len())
            .find(|&column| learnt_from(column) && (ignored[column] || label == Some(column)))
    {
        let name = Short(&names[column]);
        bail!(
            path,
            "the model learnt from the column {name}, which is not the label, nor to be ignored"
        );
    }
    let role = |column: usize| match label {
        _ if ignored[column] => Role::Ignored,
        Some(label) if label == column => Role::Label,
        _ if !learnt_from(column) => Role::Ignored,
        _ => Role::Feature { categorical: categorical[column], ordinal: ordinal[column] },
    };
    let roles: Vec<Role> = (0..names.len()).map(role).collect();
    if !roles.iter().any(|role| matches!(role, Role::Feature { .. })) {
        bail!(path, "has no column left to learn from, besides the label and what is ignored");
    }
    Ok(roles)
}

/// The column of the labels: the one that is named, or one called as they often are, unless a model
/// learnt from it.
fn label_column(
    names: &[String],
    options: &TableOptions,
    ignored: &[bool],
    known: Option<&[bool]>,
    path: &Path,
) -> Result<Option<usize>, Error> {
    Ok(match &options.label {
        LabelColumn::Named(name) => Some(find(names, name, "of labels", Remedy::LabelName, path)?),
        LabelColumn::Absent => None,
        LabelColumn::Detect => {
            let of_model = |name: &String| options.known_label.as_ref() == Some(name);
            if let Some(at) = names.iter().position(of_model).filter(|&at| !ignored[at]) {
                return Ok(Some(at));
            }
            let is_label =
                |name: &str| LABEL_NAMES.iter().any(|label| name.eq_ignore_ascii_case(label));
            let may_be = |&column: &usize| {
                !ignored[column]
                    && is_label(&names[column])
                    && !known.is_some_and(|known| known[column])
            };
            let found: Vec<usize> = (0..names.len()).filter(may_be).collect();
            if let [one, other, ..] = found[..] {
                let (one, other) = (Short(&names[one]), Short(&names[other]));
                let advice = "name the one that does, or say that none does";
                let problem =
                    format!("the columns {one} and {other} may both hold the labels: {advice}");
                return Err(Error::file(path, Problem::with(problem, Remedy::WhichLabel)));
            }
            found.first().copied()
        }
    })
}

/// For each column, whether a model learnt from it; `None` without a model.
fn known(
    names: &[String],
    options: &TableOptions,
    path: &Path,
) -> Result<Option<Vec<bool>>, Error> {
    let Some(known) = &options.known else { return Ok(None) };
    if let Some(column) = known.iter().find(|column| !names.contains(&column.name)) {
        let (nearest, name) = (nearest(names, &column.name), Short(&column.name));
        bail!(path, "has no column {name}, which the model learnt from: {nearest}");
    }
    let is_known = |name: &String| known.iter().any(|column| column.name == *name);
    Ok(Some(names.iter().map(is_known).collect()))
}

/// The column of this name, which is asked for the purpose `to`. The error lists the most similar
/// names.
pub(super) fn find(
    names: &[String],
    name: &str,
    to: &str,
    remedy: Remedy,
    path: &Path,
) -> Result<usize, Error> {
    if let Some(column) = names.iter().position(|other| other == name) {
        return Ok(column);
    }
    let problem = format!("has no column {} {to}: {}", Short(name), nearest(names, name));
    Err(Error::file(path, Problem::with(problem, remedy)))
}

/// The most similar names to `name`, as an error lists them.
fn nearest(names: &[String], name: &str) -> String {
    let mut nearest: Vec<&String> = names.iter().collect();
    nearest.sort_by_cached_key(|other| distance(name, other));
    nearest.truncate(4);
    let (count, list) = (names.len(), listed(&nearest));
    match count > 4 {
        true => format!("the nearest of its {count} are {list}"),
        false => format!("it has {list}"),
    }
}

/// The number of characters to insert, remove or change, case aside. Only the start of a long name
/// counts.
fn distance(one: &str, other: &str) -> usize {
    let start = |name: &str| name.chars().take(40).flat_map(char::to_lowercase).collect::<String>();
    strsim::levenshtein(&start(one), &start(other))
}
