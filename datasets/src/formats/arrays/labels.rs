//! Labels from arrays of numbers.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::formats::arrays::element::Exact;
use crate::formats::arrays::header::product;
use crate::formats::arrays::stored::StoredArray;
use crate::sample::label::{MOST_CLASSES, UNLABELLED};

/// The labels of all of `arrays`, as the training and the test half's, and the names of the
/// classes.
///
/// An array has the shape `(n)` or `(n, 1)` and holds whole numbers, of any type. The numbers that
/// occur, in any of the arrays, are the classes: they are called by their numbers and come in
/// ascending order; there may be gaps. -1 and NaN say that the class is not known, which becomes
/// [`UNLABELLED`]. There may be no class at all.
///
/// # Errors
/// If an array has another shape, or cannot be read; if a number is no whole one, negative but for
/// -1, or above what 64 bits hold; if there are more than 65,535 classes.
pub(crate) fn labels_of(arrays: &[&StoredArray]) -> Result<(Vec<Vec<u16>>, Vec<String>), Error> {
    // In the order of their first occurrence, until all are known.
    let mut classes: BTreeMap<u64, u16> = BTreeMap::new();
    let mut labels = Vec::with_capacity(arrays.len());
    for array in arrays {
        labels.push(labels_in(array, &mut classes)?);
    }
    let mut sorted = vec![0; classes.len()];
    for (at, &label) in classes.values().enumerate() {
        sorted[usize::from(label)] = at as u16;
    }
    for label in labels.iter_mut().flatten().filter(|label| **label != UNLABELLED) {
        *label = sorted[usize::from(*label)];
    }
    Ok((labels, classes.keys().map(u64::to_string).collect()))
}

fn labels_in(array: &StoredArray, classes: &mut BTreeMap<u64, u16>) -> Result<Vec<u16>, Error> {
    if !matches!(array.shape(), [_] | [_, 1]) {
        let shape = product(array.shape());
        let problem = format!("holds {shape} values, where labels are one number a sample");
        return Err(
            array.error(format!("{problem}: if they are one-hot, save their argmax along axis 1"))
        );
    }
    let header = array.header();
    let mut labels: Vec<u16> = Vec::new();
    array.for_each_piece(|piece| {
        let mut problem = None;
        header.element.for_each_exact(header.order, piece, |value| {
            if problem.is_some() {
                return;
            }
            match class_of(value) {
                Ok(None) => labels.push(UNLABELLED),
                Ok(Some(class)) => {
                    let next = classes.len();
                    match classes.get(&class) {
                        Some(&label) => labels.push(label),
                        None if next < MOST_CLASSES => {
                            classes.insert(class, next as u16);
                            labels.push(next as u16);
                        }
                        None => {
                            let row = labels.len();
                            problem = Some(format!(
                                "row {row} has the label {class}, and with it more than 65535 \
                                 classes: these are no labels of classes"
                            ));
                        }
                    }
                }
                Err(why) => problem = Some(format!("row {} has the label {why}", labels.len())),
            }
        });
        problem.map_or(Ok(()), |problem| Err(array.error(problem)))
    })?;
    Ok(labels)
}

/// The number of a class, `None` if it is not known, or what is wrong with it.
fn class_of(value: Exact) -> Result<Option<u64>, String> {
    match value {
        Exact::Whole(-1) => Ok(None),
        Exact::Whole(class) => u64::try_from(class)
            .map(Some)
            .map_err(|_| format!("{class}, where only -1 (not known) may be negative")),
        Exact::Real(value) if value.is_nan() || value == -1.0 => Ok(None),
        // 2^64, the first that is too large.
        Exact::Real(value)
            if value.fract() != 0.0 || value.abs() >= 18_446_744_073_709_551_616.0 =>
        {
            Err(format!("{value}, which is no whole number in range: give each class one"))
        }
        Exact::Real(value) => class_of(Exact::Whole(value as i128)),
    }
}

#[cfg(test)]
mod tests;
