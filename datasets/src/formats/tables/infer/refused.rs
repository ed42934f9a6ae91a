//! Columns that are refused, named together, and classes that may be one.

use std::collections::BTreeMap;

use crate::error::{Problem, Remedy, Short, listed};

/// The columns that are refused as a whole, each with its problem.
#[derive(Default)]
pub(super) struct Refused(pub(super) Vec<(String, Problem)>);

impl Refused {
    /// Tells whether a problem is one of those that are named together.
    pub(super) fn is_of(problem: &Problem) -> bool {
        matches!(problem.remedy, Some(Remedy::Ignore | Remedy::MissingOrCategories))
    }

    /// The problem of all columns with the same remedy as the first.
    pub(super) fn problem(self) -> Option<Problem> {
        let remedy = self.0.first()?.1.remedy;
        let same: Vec<(String, Problem)> =
            self.0.into_iter().filter(|(_, problem)| problem.remedy == remedy).collect();
        let text = match &same[..] {
            [(name, problem)] => format!("the column {} {}", Short(name), problem.text),
            several => {
                let cut = |(name, problem): &(String, Problem)| {
                    let text = &problem.text;
                    let end = text.rfind(": ").unwrap_or(text.len());
                    format!("the column {} {}", Short(name), &text[..end])
                };
                let problems: Vec<String> = several.iter().take(12).map(cut).collect();
                let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
                let advice = match remedy {
                    Some(Remedy::Ignore) if names.iter().any(|name| name.contains(',')) => {
                        format!("ignore {}", listed(&names))
                    }
                    Some(Remedy::Ignore) => format!("ignore \"{}\"", names.join(",")),
                    _ => "name the texts as missing, read the columns as categories, or ignore \
                          them"
                        .to_owned(),
                };
                let more = match several.len().saturating_sub(12) {
                    0 => String::new(),
                    more => format!("; and {more} more columns"),
                };
                format!("{}{more}: {advice}", problems.join("; "))
            }
        };
        Some(Problem { text, remedy })
    }
}

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
