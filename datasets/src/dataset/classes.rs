//! The labels of a data set, and the classes that they name.

use std::collections::HashMap;
use std::sync::Arc;

use crate::dataset::Dataset;
use crate::error::{Error, listed};
use crate::random::label_draw::{LabelDraw, draw_labels};
use crate::sample::label::{MOST_CLASSES, UNLABELLED};

impl Dataset {
    /// Tells whether there are labels, if only for some samples.
    pub fn has_labels(&self) -> bool {
        self.labels.is_some()
    }

    /// The labels, one for each sample: below [`classes`](Dataset::classes), or [`UNLABELLED`].
    /// `None` if the data set has no labels at all. Labels of a store are read when they are first
    /// asked for.
    ///
    /// # Errors
    /// If a store's labels cannot be read, or are damaged.
    pub fn labels(&self) -> Result<Option<&[u16]>, Error> {
        let Some((labels, start)) = &self.labels else { return Ok(None) };
        Ok(Some(&labels.all()?[*start..][..self.len()]))
    }

    /// The rows that have a label, ascending.
    ///
    /// # Errors
    /// The same as of [`labels`](Dataset::labels).
    pub fn labelled_rows(&self) -> Result<Vec<u32>, Error> {
        let labels = self.labels()?.unwrap_or_default();
        let rows = (0..).zip(labels).filter(|&(_, &label)| label != UNLABELLED);
        Ok(rows.map(|(row, _)| row).collect())
    }

    /// The number of classes, of which a subset may hold fewer; 0 without labels.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// The names of the classes, in the order of their labels. Where the format gives no names,
    /// these are numbers.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Writes the labels of the samples `rows` to `out`, one each; [`UNLABELLED`] for a sample
    /// without a label.
    ///
    /// # Errors
    /// The same as of [`labels`](Dataset::labels).
    ///
    /// # Panics
    /// If the data set has no labels, a row is not there, or `out` has another length.
    pub fn gather_labels(&self, rows: &[u32], out: &mut [u32]) -> Result<(), Error> {
        assert_eq!(out.len(), rows.len(), "out holds one label a row");
        let labels = self.labels()?.expect("gather_labels needs a data set with labels");
        for (&row, out) in rows.iter().zip(out) {
            *out = u32::from(labels[row as usize]);
        }
        Ok(())
    }

    /// The same samples with the classes `names`, in that order: a label becomes that of the class
    /// of the same name.
    ///
    /// # Errors
    /// If a label names a class that is not in the list; as [`labels`](Dataset::labels).
    pub fn with_classes(self, names: &[String]) -> Result<Dataset, Error> {
        let same = self.with_known_classes(names)?;
        let labels = same.labels()?.unwrap_or_default();
        let other = |&label: &u16| label != UNLABELLED && usize::from(label) >= names.len();
        if let Some(row) = labels.iter().position(other) {
            let (class, names) = (&same.class_names[usize::from(labels[row])], listed(names));
            return Err(same.error(format!(
                "row {row} has the label {class:?}, which is none of the classes {names}"
            )));
        }
        Ok(same)
    }

    /// The same samples with the classes `known` first, in that order: a label becomes that of the
    /// class of the same name. Classes of other names that a label names come behind them. Samples
    /// for a test thus have the classes of those to learn from, and then others.
    ///
    /// # Errors
    /// If there are more classes than labels can tell apart; as [`labels`](Dataset::labels).
    pub fn with_known_classes(self, known: &[String]) -> Result<Dataset, Error> {
        if *self.class_names == *known || !self.has_labels() {
            return Ok(self);
        }
        let labels = self.labels()?.unwrap_or_default();
        let mut occurs = vec![false; self.class_names.len()];
        for &label in labels.iter().filter(|&&label| label != UNLABELLED) {
            occurs[usize::from(label)] = true;
        }
        let of_known: HashMap<&String, usize> =
            known.iter().enumerate().map(|(at, name)| (name, at)).collect();
        let mut names = known.to_vec();
        let mut places = Vec::with_capacity(occurs.len());
        for (name, occurs) in self.class_names.iter().zip(occurs) {
            let place = of_known.get(name).copied().unwrap_or(names.len());
            if place == names.len() && occurs {
                names.push(name.clone());
            }
            places.push(place as u16);
        }
        if names.len() > MOST_CLASSES {
            let count = names.len();
            return Err(self.error(format!("{count} classes are more than {MOST_CLASSES}")));
        }
        let renamed = |&label: &u16| match label {
            UNLABELLED => UNLABELLED,
            label => places[usize::from(label)],
        };
        let labels = labels.iter().map(renamed).collect();
        Ok(self.with_labels(labels).with_class_names(names.into()))
    }

    /// The same samples, without labels and classes if no sample has one.
    pub(crate) fn without_void_labels(self) -> Result<Dataset, Error> {
        match self.has_labels() && self.labelled_rows()?.is_empty() {
            true => Ok(Dataset { labels: None, class_names: Arc::from([]), ..self }),
            false => Ok(self),
        }
    }

    /// [`draw_labels`] of these samples. If the data set off labelled samples for validation, these
    /// are the draw's, and `validation` counts for nothing.
    ///
    /// # Errors
    /// The same, and those of [`labels`](Dataset::labels).
    pub fn draw_labels(
        &self,
        train: usize,
        validation: usize,
        seed: u64,
        draw: u64,
    ) -> Result<LabelDraw, Error> {
        let labels = self.labels()?.unwrap_or_default();
        let learnt = &labels[..self.learnt().min(labels.len())];
        let given = self.labelled_validation()?;
        let validation = if given.is_empty() { validation } else { 0 };
        let drawn = draw_labels(learnt, self.classes(), train, validation, seed, draw)?;
        Ok(if given.is_empty() { drawn } else { LabelDraw { validation: given, ..drawn } })
    }

    /// The rows of [`validation`](Dataset::validation) that have a label.
    ///
    /// # Errors
    /// Those of [`labels`](Dataset::labels).
    pub fn labelled_validation(&self) -> Result<Vec<u32>, Error> {
        let Some(labels) = self.labels()? else { return Ok(Vec::new()) };
        let labelled = |row: &u32| labels[*row as usize] != UNLABELLED;
        Ok(self.validation().filter(labelled).collect())
    }

    /// The same samples in two classes: 1, called `class`, for the samples of that class, and 0,
    /// called `rest`, for all others.
    ///
    /// # Errors
    /// If there are no labels, no class of that name, or no other class.
    pub fn one_against_rest(&self, class: &str) -> Result<Dataset, Error> {
        let Some(labels) = self.labels()? else {
            return Err(self.error(format!("there are no labels, and so no class {class:?}")));
        };
        let Some(one) = self.class_names.iter().position(|name| name == class) else {
            let names = listed(&self.class_names);
            return Err(self.error(format!("there is no class {class:?}: it has {names}")));
        };
        if self.class_names.len() == 1 {
            return Err(
                self.error(format!("{class:?} is its only class, so that there is no rest"))
            );
        }
        let against = |&label: &u16| match label {
            UNLABELLED => UNLABELLED,
            label => u16::from(usize::from(label) == one),
        };
        let labels = labels.iter().map(against).collect();
        let class_names = Arc::from(["rest".to_owned(), class.to_owned()]);
        Ok(self.clone().with_labels(labels).with_class_names(class_names))
    }
}
