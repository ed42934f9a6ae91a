//! The two halves of data: to learn from, and for the test.

use crate::dataset::Dataset;
use crate::dataset::gather::AT_A_TIME;
use crate::error::Error;
use crate::preparation::{Fit, Pixels, Preparation};
use crate::random::order::listed_holdout;
use crate::sample::column::{Column, ColumnKind};
use crate::sample::label::UNLABELLED;

/// Two halves of data, kept apart: a model learns from one, and is tested on the other. Their
/// shapes are the same, and so are their classes, but that the test may have others behind those to
/// learn from: each such sample will be classified wrongly.
#[derive(Clone, Debug)]
pub struct TrainTest {
    /// The samples to learn from; the last of them may be for
    /// [validation](Dataset::validation).
    pub train: Dataset,
    /// The samples for the test.
    pub test: Dataset,
}

/// Data before they are divided.
#[derive(Clone, Debug)]
pub enum Parts {
    /// All samples: some have to be taken out for the test.
    Whole(Dataset),
    /// The samples to learn from, and those for the test.
    Halves(Dataset, Dataset),
}

/// The problem with samples for the test that are not like those to learn from: in the type of
/// their values, or, but for tables, whose columns are found by name, in their shape.
pub(crate) fn unlike(train: &Dataset, test: &Dataset) -> Option<String> {
    if train.dtype() != test.dtype() || train.columns().is_some() != test.columns().is_some() {
        return Some(
            "holds values of another type than those to learn from: save both alike".to_owned(),
        );
    }
    if train.columns().is_none() && train.stored_shape() != test.stored_shape() {
        return Some(format!(
            "holds samples of the shape {:?}, where those to learn from have {:?}: the two do not \
             belong together",
            test.stored_shape(),
            train.stored_shape()
        ));
    }
    None
}

impl Default for Parts {
    fn default() -> Self {
        Parts::Whole(Dataset::nothing())
    }
}

impl Parts {
    /// The name of the column that the labels come from, if they come from one.
    pub(crate) fn label_name(&self) -> Option<&str> {
        let (Parts::Whole(data) | Parts::Halves(data, _)) = self;
        data.label_name()
    }

    /// The samples to learn from, and those for the test if they are known; else all, and `None`.
    pub fn both(&self) -> (&Dataset, Option<&Dataset>) {
        match self {
            Parts::Whole(all) => (all, None),
            Parts::Halves(train, test) => (train, Some(test)),
        }
    }

    /// The two halves. Undivided data give one sample in six to the test. If there are labels, it
    /// is one labelled sample in six of each class, and at least one of a class that has two.
    ///
    /// # Errors
    /// If there are too few samples for that, or their labels cannot be read.
    pub fn split(self) -> Result<TrainTest, Error> {
        match self {
            Parts::Halves(train, test) => Ok(TrainTest { train, test }),
            Parts::Whole(whole) => {
                let (train, test) = Parts::rows(&whole)?;
                // Ascending: samples for validation are the last still.
                let train = whole.subset(&train)?.with_validation(whole.validation().len());
                Ok(TrainTest { train, test: whole.subset(&test)? })
            }
        }
    }

    /// The rows of `whole` that [`Parts::split`] chooses to learn from and for the test; both
    /// ascending. Rows for validation are among those to learn from.
    ///
    /// # Errors
    /// The same.
    pub fn rows(whole: &Dataset) -> Result<(Vec<u32>, Vec<u32>), Error> {
        let labels = whole.labels()?.map(|labels| &labels[..whole.learnt()]);
        let labels = labels.filter(|labels| labels.iter().any(|&label| label != UNLABELLED));
        let test = match labels {
            None => rows_for_test(whole.learnt()),
            Some(labels) => {
                let mut classes = vec![Vec::new(); whole.classes()];
                for (row, &label) in (0..).zip(labels).filter(|&(_, &label)| label != UNLABELLED) {
                    classes[usize::from(label)].push(row);
                }
                let for_test = |rows: &Vec<u32>| {
                    rows_for_test(rows.len()).into_iter().map(|at| rows[at as usize]).collect()
                };
                let mut test: Vec<u32> = classes.iter().flat_map::<Vec<u32>, _>(for_test).collect();
                test.sort_unstable();
                test
            }
        };
        if test.is_empty() {
            let count = whole.len();
            return Err(whole.error(format!(
                "{count} samples are too few to take some out for the test: no class has two of \
                 them"
            )));
        }
        let mut rest = test.iter().copied().peekable();
        let train: Vec<u32> = (0..whole.len() as u32)
            .filter(|row| rest.next_if(|test| test == row).is_none())
            .collect();
        Ok((train, test))
    }

    /// The same samples, prepared for a model: floats without a [`Preparation`] get one that is
    /// fitted to the samples to learn from. `learnt` are these of undivided data; without it, all.
    ///
    /// # Errors
    /// If a value of an array is not finite, halves have other columns or shapes, or samples cannot
    /// be read.
    pub fn prepared(self, learnt: Option<&[u32]>) -> Result<Parts, Error> {
        Ok(match self {
            Parts::Halves(train, test) => {
                let TrainTest { train, test } = TrainTest { train, test }.prepared()?;
                Parts::Halves(train, test)
            }
            Parts::Whole(whole) if !matches!(whole.preparation(), Preparation::Floats) => {
                Parts::Whole(whole)
            }
            Parts::Whole(whole) => {
                let preparation = match learnt {
                    Some(rows) => fitted(&whole.subset(rows)?)?,
                    None => fitted(&whole)?,
                };
                Parts::Whole(whole.prepared_like(&preparation)?)
            }
        })
    }

    /// [`Dataset::prepared_like`] of all samples.
    ///
    /// # Errors
    /// The same.
    pub fn prepared_like(self, preparation: &Preparation) -> Result<Parts, Error> {
        Ok(match self {
            Parts::Whole(whole) => Parts::Whole(whole.prepared_like(preparation)?),
            Parts::Halves(train, test) => {
                Parts::Halves(train.prepared_like(preparation)?, test.prepared_like(preparation)?)
            }
        })
    }
}

/// The rows, ascending, that are for the test out of `count` samples of one kind, where the data do
/// not say which are: one in six, and at least one of two.
///
/// The seed is no option: were it one, a model could be tested on the samples that it learnt from.
pub(crate) fn rows_for_test(count: usize) -> Vec<u32> {
    let held = if count < 2 { 0 } else { (count / TEST_SHARE).max(1) };
    listed_holdout(count, held, SPLIT_SEED)
}

const TEST_SHARE: usize = 6;
const SPLIT_SEED: u64 = 0;

impl TrainTest {
    /// The same halves, prepared for a model: floats without a [`Preparation`] get one that is
    /// fitted to the samples to learn from.
    ///
    /// # Errors
    /// If a value of an array is not finite, the two have other columns or shapes, or samples
    /// cannot be read.
    pub(crate) fn prepared(self) -> Result<TrainTest, Error> {
        let TrainTest { train, test } = self;
        let preparation = match train.preparation() {
            Preparation::Floats => fitted(&train)?,
            other => other.clone(),
        };
        let test = test.prepared_like(&preparation)?;
        let train = train.with_preparation(preparation)?;
        // Nothing was learnt from samples for validation, whose numbers may be any so far.
        train.check_learnt_from(train.learnt()..train.len())?;
        if (train.sample_len(), train.image_shape()) != (test.sample_len(), test.image_shape()) {
            return Err(train.error(format!(
                "samples to learn from have the shape {:?}, those for the test {:?}: make them \
                 alike",
                train.stored_shape(),
                test.stored_shape()
            )));
        }
        Ok(TrainTest { train, test })
    }

    /// [`Dataset::one_against_rest`] of both halves.
    ///
    /// # Errors
    /// The same.
    pub fn one_against_rest(&self, class: &str) -> Result<TrainTest, Error> {
        Ok(TrainTest {
            train: self.train.one_against_rest(class)?,
            test: self.test.one_against_rest(class)?,
        })
    }
}

/// The preparation that suits floats, by a pass over all of them: images are brought into [0, 1],
/// anything else is standardised.
fn fitted(train: &Dataset) -> Result<Preparation, Error> {
    let width: usize = train.stored_shape().iter().product();
    let mut fit = match (train.columns(), train.image_shape()) {
        (Some(columns), _) => Some(Fit::new(columns)),
        (None, Some(_)) => None,
        (None, None) => {
            let column = |at: usize| Column { name: at.to_string(), kind: ColumnKind::NUMBER };
            Some(Fit::new(&(0..width).map(column).collect::<Vec<_>>()))
        }
    };
    let mut pixels = Pixels::default();
    train.for_each_stored_floats(0..train.learnt(), AT_A_TIME, |row, sample| {
        train.check_finite(row, sample)?;
        match &mut fit {
            Some(fit) => fit.push(sample),
            None => pixels.push(sample),
        }
        Ok(())
    })?;
    let too_large = match &fit {
        Some(fit) => fit.too_large(),
        None => pixels.too_large(width),
    };
    match (too_large, fit) {
        (Some((at, number, row)), _) => Err(train.too_large(row as u32, at, number)),
        (None, Some(fit)) => Ok(fit.finish()),
        (None, None) => Ok(pixels.finish()),
    }
}
