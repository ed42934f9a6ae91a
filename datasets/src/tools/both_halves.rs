//! Both halves of data as rows of one kind: first those to learn from, then those for the test.

use std::collections::{HashMap, HashSet};

use crate::dataset::Dataset;
use crate::dataset::halves::{Parts, unlike};
use crate::error::{Error, Problem, Remedy};
use crate::open::Undivided;
use crate::sample::column::{Column, ColumnKind};
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;

/// A half of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    /// The samples to learn from; all samples of undivided data.
    Train,
    /// The samples for the test.
    Test,
}

impl Half {
    /// Both, in the order in which their samples are read and written.
    pub(crate) const BOTH: [Half; 2] = [Half::Train, Half::Test];
}

/// The halves of data, or the whole, which counts as the first.
pub(crate) struct BothHalves<'a> {
    pub(crate) train: &'a Dataset,
    pub(crate) test: Option<&'a Dataset>,
    /// A table's columns. Categories that occur in the test rows alone come last.
    pub(crate) columns: Option<Vec<Column>>,
    /// The sources of a test row's values, if its columns are not those of the training rows.
    moves: Option<Vec<Move>>,
}

/// The source of a value.
struct Move {
    column: usize,
    /// For each category of the test rows, its place among those of both halves.
    categories: Option<Vec<f32>>,
    /// The origin of the test rows less that of both.
    shift: f64,
}

impl<'a> BothHalves<'a> {
    /// # Errors
    /// If the halves hold values of another type, shape or meaning.
    pub(crate) fn new(parts: &'a Parts) -> Result<Self, Error> {
        let (train, test) = parts.both();
        let mut both =
            BothHalves { train, test, columns: train.columns().map(<[_]>::to_vec), moves: None };
        let Some(test) = test else { return Ok(both) };
        let wrong = |problem: Problem| Err(train.error(problem));
        if let Some(problem) = unlike(train, test) {
            return wrong(format!("the test {problem}").into());
        }
        if train.preparation() != test.preparation() && train.dtype() == Dtype::U8 {
            return wrong("the bytes of the two halves have other maxima: save both alike".into());
        }
        match (&mut both.columns, test.columns()) {
            (Some(columns), Some(of_test)) if columns != of_test => match moves(columns, of_test) {
                Ok(moves) => both.moves = Some(moves),
                Err(problem) => return wrong(problem),
            },
            _ => {}
        }
        Ok(both)
    }

    /// The samples of a half.
    pub(crate) fn len_of(&self, half: Half) -> u64 {
        match half {
            Half::Train => self.train.len() as u64,
            Half::Test => self.test.map_or(0, |test| test.len() as u64),
        }
    }

    pub(crate) fn has_labels(&self) -> bool {
        self.train.has_labels() || self.test.is_some_and(Dataset::has_labels)
    }

    /// The classes: those of the samples to learn from, and then those that only the test has.
    pub(crate) fn class_names(&self) -> &'a [String] {
        match self.test {
            Some(test) if test.classes() > self.train.classes() => test.class_names(),
            _ => self.train.class_names(),
        }
    }

    /// The bytes of a stored sample.
    pub(crate) fn row_bytes(&self) -> usize {
        self.train.stored_shape().iter().product::<usize>() * self.train.dtype().size()
    }

    fn half(&self, half: Half) -> Option<&'a Dataset> {
        match half {
            Half::Train => Some(self.train),
            Half::Test => self.test,
        }
    }

    /// A meter of the progress through the samples of `halves`.
    pub(crate) fn meter<'p>(
        &self,
        halves: &[Half],
        progress: &'p mut dyn FnMut(u64, u64),
    ) -> ProgressMeter<'p> {
        let rows: u64 = halves.iter().map(|&half| self.len_of(half)).sum();
        ProgressMeter { progress, done: 0, reported: 0, total: rows * self.row_bytes() as u64 }
    }

    /// Calls `take` with the half, the stored bytes and the label of each sample of `halves`. The
    /// label is [`UNLABELLED`] where a sample has none.
    ///
    /// # Errors
    /// Errors of `take`; if samples cannot be read, or are damaged.
    pub(crate) fn for_each(
        &self,
        halves: &[Half],
        meter: &mut ProgressMeter<'_>,
        mut take: impl FnMut(Half, &[u8], u16) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for &half in halves {
            let mut take = |sample: &[u8], label| {
                take(half, sample, label)?;
                meter.add(sample.len());
                Ok(())
            };
            let Some(data) = self.half(half) else { continue };
            let Some(moves) = self.moves.as_ref().filter(|_| half == Half::Test) else {
                data.for_each_stored(|_, sample, label| take(sample, label))?;
                continue;
            };
            let mut moved = vec![0.0_f32; moves.len()];
            data.for_each_stored(|_, sample, label| {
                let values = sample.as_chunks().0;
                for (to, Move { column, categories, shift }) in moved.iter_mut().zip(moves) {
                    let value = f32::from_le_bytes(values[*column]);
                    *to = match categories {
                        Some(places) if !value.is_nan() => {
                            places.get(value as usize).copied().unwrap_or(f32::NAN)
                        }
                        _ => (f64::from(value) + shift) as f32,
                    };
                }
                take(bytemuck::cast_slice(&moved), label)
            })?;
        }
        Ok(())
    }

    /// Calls `take` with the label of each sample of `halves`.
    ///
    /// # Errors
    /// The same as of [`BothHalves::for_each`].
    pub(crate) fn for_each_label(
        &self,
        halves: &[Half],
        mut take: impl FnMut(u16) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut data = halves.iter().filter_map(|&half| self.half(half));
        data.try_for_each(|data| data.for_each_label(|_, label| take(label)))
    }
}

/// The sources in test rows, of the columns `test`, of the values of rows of the columns `both`.
/// These get the categories that they lack.
fn moves(both: &mut [Column], test: &[Column]) -> Result<Vec<Move>, Problem> {
    let of_both: HashSet<&String> = both.iter().map(|column| &column.name).collect();
    if let Some(other) = test.iter().find(|column| !of_both.contains(&column.name)) {
        let name = &other.name;
        let problem = format!("the column {name:?} is in the test rows alone: remove or ignore it");
        return Err(Problem::with(problem, Remedy::Ignore));
    }
    let of_test: HashMap<&String, usize> =
        test.iter().enumerate().map(|(at, column)| (&column.name, at)).collect();
    let moved = |column: &mut Column| {
        let name = column.name.clone();
        let Some(&at) = of_test.get(&name) else {
            let problem =
                format!("the column {name:?} is not in the test rows: add it, or ignore it");
            return Err(Problem::with(problem, Remedy::Ignore));
        };
        let shift = (test[at].kind.origin() - column.kind.origin()) as f64;
        let categories = match (&mut column.kind, &test[at].kind) {
            (ColumnKind::Number { .. }, ColumnKind::Number { .. }) => None,
            (
                ColumnKind::Category { names, encoding },
                ColumnKind::Category { names: of_test, encoding: other },
            ) if encoding == other => {
                let mut places: HashMap<String, usize> = names.iter().cloned().zip(0..).collect();
                let mut place = |name: &String| {
                    let place = *places.entry(name.clone()).or_insert_with(|| {
                        names.push(name.clone());
                        names.len() - 1
                    });
                    place as f32
                };
                Some(of_test.iter().map(&mut place).collect())
            }
            _ => {
                let problem = format!(
                    "the column {name:?} holds numbers in one half and categories in the other: \
                     mend it, or name it categorical"
                );
                return Err(problem.into());
            }
        };
        Ok(Move { column: at, categories, shift })
    };
    both.iter_mut().map(moved).collect()
}

/// Reports the bytes that are done, about once a MiB and at the end.
pub(crate) struct ProgressMeter<'a> {
    progress: &'a mut dyn FnMut(u64, u64),
    done: u64,
    reported: u64,
    total: u64,
}

impl ProgressMeter<'_> {
    /// Counts `bytes` more.
    fn add(&mut self, bytes: usize) {
        self.done += bytes as u64;
        if self.done - self.reported >= 1 << 20 || self.done == self.total {
            self.reported = self.done;
            (self.progress)(self.done, self.total);
        }
    }
}

/// Reads all samples and labels of `data` once. Stores are compared with their checksums. Returns
/// the number of samples, and the number of samples with a label. `progress` gets the bytes of
/// samples read so far, and the bytes of all.
///
/// # Errors
/// If anything cannot be read or is damaged.
pub fn read_all(data: &Undivided, progress: &mut dyn FnMut(u64, u64)) -> Result<(u64, u64), Error> {
    let both = BothHalves::new(&data.data)?;
    let rows = both.len_of(Half::Train) + both.len_of(Half::Test);
    let mut labelled = 0;
    both.for_each(&Half::BOTH, &mut both.meter(&Half::BOTH, progress), |_, _, label| {
        labelled += u64::from(label != UNLABELLED);
        Ok(())
    })?;
    Ok((rows, labelled))
}
