//! Test samples that are among those to learn from as well.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::dataset::Dataset;
use crate::dataset::halves::TrainTest;
use crate::error::Error;

/// The number of test samples whose values, all of them, are those of a sample to learn from or to
/// validate on. Labels are not compared. By hashes of 64 bits: among ten million samples two others
/// have the same one once in 400,000 data sets.
///
/// # Errors
/// If the samples cannot be read.
pub fn test_duplicates(data: &TrainTest) -> Result<usize, Error> {
    let mut known = HashSet::with_capacity(data.train.len());
    for_each_hash(&data.train, |hash| {
        known.insert(hash);
    })?;
    let mut count = 0;
    for_each_hash(&data.test, |hash| count += usize::from(known.contains(&hash)))?;
    Ok(count)
}

fn for_each_hash(data: &Dataset, mut take: impl FnMut(u64)) -> Result<(), Error> {
    data.for_each_stored(|_, sample, _| {
        let mut hasher = DefaultHasher::new();
        sample.hash(&mut hasher);
        take(hasher.finish());
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_samples_are_counted_in_the_test_part() {
        let of = |rows: &[[u8; 2]]| {
            let labels = (0..rows.len()).map(|i| (i % 2) as u16).collect();
            Dataset::from_values("rows", rows.concat(), &[2], 255, Some(labels)).unwrap()
        };
        let train = of(&[[1, 2], [3, 4], [3, 4], [5, 6]]);
        // Twice one of the training part, once another, and values in another order.
        let test = of(&[[3, 4], [2, 1], [9, 9], [3, 4], [5, 6]]);
        let data = TrainTest { train: train.clone(), test };
        assert_eq!(test_duplicates(&data).unwrap(), 3);
        let apart = TrainTest { train, test: of(&[[7, 8], [8, 7]]) };
        assert_eq!(test_duplicates(&apart).unwrap(), 0);
    }
}
