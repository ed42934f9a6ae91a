//! The few samples that keep their label.
//!
//! ```text
//! rows of each class, shuffled        train takes from the front, validation from the back
//! class 0   r r r r r r r r r r r     [ train ]                     [ validation ]
//! class 1   r r r r r r r             [ train ]         [ validation ]
//! ```
//!
//! 1. The shuffle depends on (seed, draw) and on nothing else. So, while shares are equal, a larger
//!    draw keeps the labels that a smaller one of the same number had, and the validation samples
//!    do not change with the training ones: learning curves over the number of labels compare like
//!    with like.
//! 2. Equal shares where every class can give them; what does not divide goes to classes in a
//!    seeded order, in that order for training and in the reverse for validation, so that the same
//!    class is not favoured twice.
//! 3. Where a class is too small for that, every class gives one training label and the rest
//!    follows the frequencies, by largest remainders.

use crate::error::{Error, Problem, Remedy, bail};
use crate::random::apportion::apportion;
use crate::random::stream::{Purpose, Stream};
use crate::sample::label::{MOST_CLASSES, UNLABELLED};

/// A seeded choice of the samples that keep their label. The two never overlap; both are ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelDraw {
    /// Rows to fine-tune on.
    pub train: Vec<u32>,
    /// Rows to choose among models by.
    pub validation: Vec<u32>,
}

/// Draws `train` rows and `validation` more, class by class, out of samples with the given
/// `labels`, each below `classes`, or [`UNLABELLED`]: such a sample is not drawn.
///
/// The draw is a function of all its arguments, the same on every machine and in every version.
/// Every class gives the same number, give or take one where the division leaves a remainder. If
/// some class has too few samples for its share of both, the shares follow the classes' frequencies
/// instead, with at least one training label each.
///
/// Draws of one seed are numbered by `draw`, and are independent of each other. While shares are
/// equal, a draw of more training labels contains the draw of fewer, and `train` does not change
/// what is drawn for validation.
///
/// # Errors
/// If a label is not below `classes`, a class has no sample, `train` is below `classes`, or `train
/// + validation` is more than there are samples.
pub fn draw_labels(
    labels: &[u16],
    classes: usize,
    train: usize,
    validation: usize,
    seed: u64,
    draw: u64,
) -> Result<LabelDraw, Error> {
    let mut rows = rows_by_class(labels, classes)?;
    if train < classes {
        bail!("{train} training labels cannot cover {classes} classes: ask for {classes} or more");
    }
    let labelled: usize = rows.iter().map(Vec::len).sum();
    if train.checked_add(validation).is_none_or(|both| both > labelled) {
        let asked = format!("{train} training and {validation} validation labels");
        let of = if labelled == labels.len() { "samples" } else { "labelled samples" };
        let problem = format!("{asked} are more than the {labelled} {of} there are: ask for fewer");
        return Err(Error::request(Problem::with(problem, Remedy::FewerLabels)));
    }

    let mut stream = Stream::new(seed, Purpose::Labels, draw);
    let mut favoured: Vec<u32> = (0..classes as u32).collect();
    stream.shuffle(&mut favoured);
    for rows in &mut rows {
        stream.shuffle(rows);
    }

    let sizes: Vec<usize> = rows.iter().map(Vec::len).collect();
    let shares = equal_shares(&sizes, train, validation, &favoured)
        .unwrap_or_else(|| shares_by_frequency(&sizes, train, validation, &favoured));
    let mut draw =
        LabelDraw { train: Vec::with_capacity(train), validation: Vec::with_capacity(validation) };
    for (rows, share) in rows.iter().zip(shares) {
        draw.train.extend(&rows[..share.train]);
        draw.validation.extend(&rows[rows.len() - share.validation..]);
    }
    draw.train.sort_unstable();
    draw.validation.sort_unstable();
    Ok(draw)
}

/// The numbers of labels that one class gives. Their sum is at most the size of the class.
#[derive(Clone, Copy)]
struct Share {
    train: usize,
    validation: usize,
}

/// The rows of each class, ascending; at least one each.
fn rows_by_class(labels: &[u16], classes: usize) -> Result<Vec<Vec<u32>>, Error> {
    if u32::try_from(labels.len()).is_err() {
        bail!("{} labels are more than can be numbered", labels.len());
    }
    // A larger number of classes is wrong, and not worth the memory.
    if !(1..=MOST_CLASSES).contains(&classes) {
        bail!("{classes} classes were named, where there can be 1 to {MOST_CLASSES}");
    }
    let mut rows = vec![Vec::new(); classes];
    let mut labelled = 0;
    for (row, &label) in labels.iter().enumerate().filter(|&(_, &label)| label != UNLABELLED) {
        labelled += 1;
        let Some(rows) = rows.get_mut(usize::from(label)) else {
            bail!(
                "row {row} has the label {label}, where {classes} classes end at {}",
                classes - 1
            );
        };
        rows.push(row as u32);
    }
    match rows.iter().position(Vec::is_empty) {
        None => Ok(rows),
        Some(class) => bail!(
            "class {class} has none of the {labelled} samples, so that no label can be drawn for \
             it: renumber the classes without gaps, or add samples of it"
        ),
    }
}

/// The same number from every class, or `None` if some class is too small. The remainder falls to
/// the first of `favoured`.
fn equal_shares(
    sizes: &[usize],
    train: usize,
    validation: usize,
    favoured: &[u32],
) -> Option<Vec<Share>> {
    let classes = sizes.len();
    let largest = train.div_ceil(classes) + validation.div_ceil(classes);
    if sizes.iter().any(|&size| size < largest) {
        return None;
    }
    let mut shares =
        vec![Share { train: train / classes, validation: validation / classes }; classes];
    for &class in favoured.iter().take(train % classes) {
        shares[class as usize].train += 1;
    }
    for &class in favoured.iter().rev().take(validation % classes) {
        shares[class as usize].validation += 1;
    }
    Some(shares)
}

/// One training label from every class, and the others in proportion to the samples that remain,
/// by largest remainders. No class gives more than it has: a quota that is rounded up is still at
/// most a whole number that it lies below.
fn shares_by_frequency(
    sizes: &[usize],
    train: usize,
    validation: usize,
    favoured: &[u32],
) -> Vec<Share> {
    let remaining: Vec<u64> = sizes.iter().map(|&size| size as u64 - 1).collect();
    let favoured = || favoured.iter().map(|&class| class as usize);
    let train = train - sizes.len();
    let both = apportion(train + validation, &remaining, favoured());
    let weights: Vec<u64> = both.iter().map(|&labels| labels as u64).collect();
    let train = apportion(train, &weights, favoured());
    train
        .iter()
        .zip(&both)
        .map(|(train, both)| Share { train: 1 + train, validation: both - train })
        .collect()
}
