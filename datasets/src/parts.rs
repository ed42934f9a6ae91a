//! What is learnt from, and what the result is measured on.

use crate::class_labels::UNLABELLED;
use crate::dataset::Dataset;
use crate::error::Error;
use crate::order::holdout;

/// One sample in so many is for the test, where the data do not say which are.
pub(crate) const TEST_SHARE: usize = 6;
/// Decides which. It is no option: were it one, a model could be tested on what it had learnt from.
pub(crate) const SPLIT_SEED: u64 = 0;

/// The two halves that learning and its measure are kept apart in. Their shapes and classes are the same.
#[derive(Clone, Debug)]
pub struct TrainTest {
    /// What is learnt from.
    pub train: Dataset,
    /// What the result is measured on.
    pub test: Dataset,
}

/// What a format holds.
pub(crate) enum Parts {
    /// Samples of which some have to be taken out for the test.
    Whole(Dataset),
    /// Those to learn from, and those for the test.
    Halves(Dataset, Dataset),
}

impl Parts {
    /// The two halves. Without halves of its own one sample in six is for the test: of each class, if there are labels, and
    /// then only of those that have one; at least one of a class that has two.
    pub(crate) fn split(self) -> Result<TrainTest, Error> {
        let whole = match self {
            Parts::Halves(train, test) => return Ok(TrainTest { train, test }),
            Parts::Whole(whole) => whole,
        };
        let test = match whole.labels()? {
            None => held(&Vec::from_iter(0..whole.len() as u32)),
            Some(labels) => {
                let mut classes = vec![Vec::new(); whole.classes()];
                for (row, &label) in (0..).zip(labels).filter(|&(_, &label)| label != UNLABELLED) {
                    classes[usize::from(label)].push(row);
                }
                let mut test: Vec<u32> = classes.iter().flat_map(|rows| held(rows)).collect();
                test.sort_unstable();
                test
            }
        };
        if test.is_empty() {
            return Err(Error::request(format!(
                "data set {:?}: {} samples are too few to take some out for the test: no class has two of them",
                whole.name(),
                whole.len()
            )));
        }
        let mut rest = test.iter().copied().peekable();
        let train: Vec<u32> =
            (0..whole.len() as u32).filter(|row| rest.next_if(|test| test == row).is_none()).collect();
        Ok(TrainTest { train: whole.subset(&train)?, test: whole.subset(&test)? })
    }
}

/// Those of `rows` that are for the test, ascending.
fn held(rows: &[u32]) -> Vec<u32> {
    let count = match rows.len() {
        0 | 1 => 0,
        count => (count / TEST_SHARE).max(1),
    };
    holdout(rows.len(), count, SPLIT_SEED).1.into_iter().map(|at| rows[at as usize]).collect()
}

impl TrainTest {
    /// [`Dataset::one_against_rest`] of both halves.
    ///
    /// # Errors
    /// As there.
    pub fn one_against_rest(&self, class: &str) -> Result<TrainTest, Error> {
        Ok(TrainTest { train: self.train.one_against_rest(class)?, test: self.test.one_against_rest(class)? })
    }
}
