//! Images without a label that are not where such are looked for: in the folder of a class, or in a
//! test that nothing can be measured on.

use std::collections::BTreeMap;

use super::folder::{Half, may_be_unlabelled};
use super::listing::Items;
use crate::error::Short;

impl Items {
    /// Notes the classes that may be folders of images without a label: by their names, or as one
    /// of several has most images.
    pub(super) fn note_doubtful_classes(&mut self) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for item in self.items.iter().filter(|item| item.half == Half::Train) {
            *counts.entry(item.class.as_deref().unwrap_or_default()).or_default() += 1;
        }
        counts.remove("");
        let all: usize = counts.values().sum();
        let doubtful = |(class, count): (&str, usize)| {
            let large = counts.len() >= 3 && count * 4 > all * 3;
            (may_be_unlabelled(class) || large).then(|| {
                format!(
                    "{} has {count} of {all} images and is taken for a class: call the folder \
                     unlabeled if it is none",
                    Short(class)
                )
            })
        };
        let notes: Vec<String> =
            counts.iter().map(|(class, count)| (*class, *count)).filter_map(doubtful).collect();
        self.notes.extend(notes);
    }

    /// Takes the images for the test for images to learn from, if none of them has a label, and
    /// some of those to learn from have one: nothing can be measured on them.
    pub(super) fn learn_from_unlabelled_test(&mut self) {
        let has_labels =
            |half| self.items.iter().any(|item| item.half == half && item.class.is_some());
        if !has_labels(Half::Train) || has_labels(Half::Test) {
            return;
        }
        let mut count = 0;
        for item in self.items.iter_mut().filter(|item| item.half == Half::Test) {
            item.half = Half::Train;
            count += 1;
        }
        if count > 0 {
            let images = if count == 1 { "image" } else { "images" };
            self.notes.push(format!(
                "{count} {images} for the test have no labels: they are learnt from without one, \
                 and one labelled image of six is for the test"
            ));
        }
    }
}
