//! Classes that may be one.

use std::collections::BTreeMap;

use crate::error::{Short, listed};

/// Notes on classes of the column `label` that differ only in the size of letters or in blanks.
pub(super) fn alike(label: &str, classes: &[String]) -> Vec<String> {
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for class in classes {
        let key = class.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        groups.entry(key).or_default().push(class);
    }
    let groups = groups.into_values().filter(|group| group.len() > 1);
    let note = |group: Vec<&str>| {
        format!(
            "the classes {} of the column {} differ only in the size of letters or in blanks: \
             write them alike if they are one",
            listed(&group),
            Short(label)
        )
    };
    groups.map(note).collect()
}
