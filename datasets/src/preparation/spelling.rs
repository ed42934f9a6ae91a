//! Categories that another table spells in another way: `True` for `TRUE`, with blanks around.

use std::collections::HashMap;

/// The categories that a model learnt from.
pub(crate) struct Spellings<'a> {
    exact: HashMap<&'a str, u32>,
    /// By [`folded`] name; `None` for several that differ in nothing else.
    folded: HashMap<String, Option<u32>>,
}

/// A name without blanks around it, its letters small.
fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

impl<'a> Spellings<'a> {
    pub(crate) fn new(names: &'a [String]) -> Self {
        let exact = names.iter().map(String::as_str).zip(0..).collect();
        let mut of_folded = HashMap::with_capacity(names.len());
        for (name, place) in names.iter().zip(0..) {
            of_folded.entry(folded(name)).and_modify(|found| *found = None).or_insert(Some(place));
        }
        Spellings { exact, folded: of_folded }
    }

    /// The place of the category `name`.
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.exact.get(name).copied().or_else(|| self.respelled(name))
    }

    /// The place of the only category that `name` spells in another way.
    pub(crate) fn respelled(&self, name: &str) -> Option<u32> {
        match self.exact.contains_key(name) {
            true => None,
            false => self.folded.get(&folded(name)).copied().flatten(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_blanks_around_make_no_other_category() {
        let names = ["TRUE", "FALSE", "a", "A", "Größe"].map(String::from);
        let spellings = Spellings::new(&names);
        for (name, place) in [
            ("TRUE", Some(0)),
            ("True", Some(0)),
            (" false ", Some(1)),
            ("a", Some(2)),
            ("A", Some(3)),
            // Of the two, it may be either.
            (" a", None),
            ("GRÖßE", Some(4)),
            ("yes", None),
            ("", None),
        ] {
            assert_eq!(spellings.find(name), place, "{name:?}");
        }
        assert_eq!(spellings.respelled("TRUE"), None);
    }
}
