//! Data that are not divided yet into files of their own for training, validation and test.
//!
//! ```text
//! rows of each class, shuffled by (seed, class)
//! class 0   r r r r r r r r r r r     [ train                 ][ validation ][ test ]
//! class 1   r r r r r r               [ train        ][ validation ][ test ]
//! ```
//!
//! The numbers follow each class's own number of rows, by largest remainders (Hamilton's method). A
//! tie goes to train before test before validation. The choice is a function of the seed and of the
//! labels alone. Every file keeps the order of the source.

use std::fs;
use std::path::{Path, PathBuf};

use crate::dataset::Dataset;
use crate::dataset::halves::Parts;
use crate::error::{At as _, Error, OneLine, bail};
use crate::open::Undivided;
use crate::random::apportion::apportion;
use crate::random::stream::{Purpose, Stream};
use crate::sample::label::UNLABELLED;
use crate::tools::both_halves::{BothHalves, Half};
use crate::tools::pack::{Packed, Packing, metadata};

/// Shares are counted in billionths.
const WHOLE: u64 = 1_000_000_000;
/// The files, and their order in [`Shares`]. A folder of the first and the last is opened as two
/// halves.
const STEMS: [&str; 3] = ["train", "validation", "test"];
/// The order in which equal remainders are served.
const FAVOURED: [usize; 3] = [0, 2, 1];

/// The shares of the rows. The three sum to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// To learn from; not 0.
    pub train: f64,
    /// To choose among models by.
    pub validation: f64,
    /// To measure the result on; not 0.
    pub test: f64,
}

/// The place of rows without a label, if others have one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unlabelled {
    /// Among the rows to learn from: all others have a label.
    #[default]
    Train,
    /// In all files, as if they were a class.
    Spread,
}

impl Shares {
    /// The shares in billionths.
    fn counted(self) -> Result<[u64; 3], Error> {
        let Shares { train, validation, test } = self;
        let all = [train, validation, test];
        let possible = all.iter().all(|share| (0.0..=1.0).contains(share));
        let counted = all.map(|share| (share * WHOLE as f64).round() as u64);
        if !possible || counted.iter().sum::<u64>() != WHOLE {
            bail!(
                "the shares {train} to train, {validation} to validate and {test} to test do not \
                 sum to 1: set all three"
            );
        }
        if counted[0] == 0 || counted[2] == 0 {
            bail!(
                "the shares {train} to train and {test} to test leave one without a sample: set \
                 both above 0"
            );
        }
        Ok(counted)
    }
}

/// Divides `data` into `train.narrows`, `test.narrows` and, if its share is not 0,
/// `validation.narrows` in `folder`, which is made if it is not there: no row is in two of them,
/// and each is in one. Of the result, what the validation got is `None` if its share is 0. Takes 5
/// bytes of memory a row.
///
/// `progress` is told how many bytes of samples were written, of how many.
///
/// # Errors
/// If the shares do not sum to 1, the data are divided already, a class is too small to give each
/// file a row, a file is there already, or samples cannot be read or files not be written.
pub fn split(
    data: &Undivided,
    folder: &Path,
    shares: Shares,
    seed: u64,
    unlabelled: Unlabelled,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<[Option<Packed>; 3], Error> {
    let counted = shares.counted()?;
    let Parts::Whole(whole) = &data.data else {
        bail!(
            "data set {:?}: has test samples of its own, and is not divided again: convert a part \
             of it, and split that",
            data.name
        );
    };
    if !whole.validation().is_empty() {
        bail!(
            "data set {:?}: has validation samples of its own, and is not divided again",
            data.name
        );
    }
    let places = divide(whole, counted, seed, unlabelled)?;
    let made = begin(folder)?;
    let written = write(data, folder, counted, &places, progress);
    if written.is_err() {
        for path in files(folder, counted).into_iter().flatten() {
            // A file that cannot be removed stays, and is named by the next attempt.
            let _ = fs::remove_file(path);
        }
        if made {
            let _ = fs::remove_dir(folder);
        }
    }
    written
}

/// The place in [`STEMS`] of each row's file.
fn divide(
    whole: &Dataset,
    shares: [u64; 3],
    seed: u64,
    unlabelled: Unlabelled,
) -> Result<Vec<u8>, Error> {
    let classes = whole.classes();
    // The last are those without a label.
    let mut groups = vec![Vec::new(); classes + 1];
    whole.for_each_label(|row, label| {
        groups[if label == UNLABELLED { classes } else { usize::from(label) }].push(row as u32);
        Ok(())
    })?;
    let any_labelled = groups[..classes].iter().any(|rows| !rows.is_empty());
    let mut places = vec![0_u8; whole.len()];
    for (group, mut rows) in groups.into_iter().enumerate() {
        let has_no_label = group == classes && any_labelled;
        if rows.is_empty() || has_no_label && unlabelled == Unlabelled::Train {
            continue;
        }
        let counts = apportion(rows.len(), &shares, FAVOURED);
        let short = (0..3).find(|&place| shares[place] > 0 && counts[place] == 0);
        if let (Some(place), false) = (short, has_no_label) {
            let what = match whole.class_names().get(group) {
                Some(name) => format!("class {name:?} has {} samples", rows.len()),
                None => format!("there are {} samples", rows.len()),
            };
            bail!(
                "data set {:?}: {what}, of which {} would get none: set other shares, or give it \
                 more",
                whole.name(),
                STEMS[place]
            );
        }
        Stream::new(seed, Purpose::Split, group as u64).shuffle(&mut rows);
        let ends = [counts[0], counts[0] + counts[1]];
        for (at, &row) in rows.iter().enumerate() {
            places[row as usize] = u8::from(at >= ends[0]) + u8::from(at >= ends[1]);
        }
    }
    Ok(places)
}

/// The files that are to be written.
fn files(folder: &Path, shares: [u64; 3]) -> [Option<PathBuf>; 3] {
    std::array::from_fn(|place| {
        (shares[place] > 0).then(|| folder.join(STEMS[place]).with_added_extension("narrows"))
    })
}

/// Makes `folder`, and returns whether it had to be made. A file in it that has the name of one to
/// be written, whatever its ending, is an error.
fn begin(folder: &Path) -> Result<bool, Error> {
    if !folder.exists() {
        fs::create_dir_all(folder)
            .map_err(|error| Error::file(folder, format!("cannot be made: {error}")))?;
        return Ok(true);
    }
    for entry in fs::read_dir(folder).at(folder)? {
        let path = entry.at(folder)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some((stem, _)) = name.split_once('.')
            && STEMS.contains(&stem)
        {
            bail!(
                folder,
                "holds {} already: name another folder, or remove it",
                OneLine(Path::new(&name))
            );
        }
    }
    Ok(false)
}

fn write(
    data: &Undivided,
    folder: &Path,
    shares: [u64; 3],
    places: &[u8],
    progress: &mut dyn FnMut(u64, u64),
) -> Result<[Option<Packed>; 3], Error> {
    let both = BothHalves::new(&data.data)?;
    let metadata = metadata(&both, data);
    let paths = files(folder, shares);
    let mut writing = Vec::new();
    for path in &paths {
        writing.push(path.as_ref().map(|path| Packing::begin(path, &both)).transpose()?);
    }
    let mut rows = places.iter();
    let whole = [Half::Train];
    both.for_each(&whole, &mut both.meter(&whole, progress), |_, sample, label| {
        let place = *rows.next().expect("a place for each row");
        let packing = writing[usize::from(place)].as_mut().expect("rows go where a share is");
        packing.push(sample, label)
    })?;
    let mut packed = [None, None, None];
    for (packed, packing) in packed.iter_mut().zip(writing) {
        *packed = packing.map(|packing| packing.finish(&metadata, 0)).transpose()?;
    }
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_apportioned_by_largest_remainders() {
        let of = |rows, train, validation, test| {
            apportion(rows, &Shares { train, validation, test }.counted().unwrap(), FAVOURED)
        };
        assert_eq!(of(10, 0.7, 0.1, 0.2), [7, 1, 2]);
        // 4.2, 0.6, 1.2: one is left, and validation's remainder is the largest.
        assert_eq!(of(6, 0.7, 0.1, 0.2), [4, 1, 1]);
        // 2.1, 0.3, 0.6: test.
        assert_eq!(of(3, 0.7, 0.1, 0.2), [2, 0, 1]);
        // A tie is train's.
        assert_eq!(of(5, 0.5, 0.0, 0.5), [3, 0, 2]);
        assert_eq!(of(3, 0.2, 0.4, 0.4), [1, 1, 1]);
        assert_eq!(of(u32::MAX as usize, 0.7, 0.1, 0.2).iter().sum::<usize>(), u32::MAX as usize);
    }

    #[test]
    fn shares_that_do_not_sum_to_one_are_refused() {
        for (train, validation, test) in [
            (0.7, 0.1, 0.3),
            (0.7, 0.1, 0.1),
            (1.2, -0.4, 0.2),
            (f64::NAN, 0.5, 0.5),
            (0.8, 0.2, 0.0),
            (0.0, 0.0, 1.0),
        ] {
            assert!(
                Shares { train, validation, test }.counted().is_err(),
                "{train} {validation} {test}"
            );
        }
    }
}
