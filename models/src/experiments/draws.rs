//! The label draws of a measurement over several of them.

use crate::error::{Error, error};
use narrows_datasets::{LabelDraw, Remedy, TrainTest};

/// Draw `draw` of that seed, of so many labels to train and to validate on.
///
/// # Errors
/// If there are no labels in either half of the data, or too few in the training part.
pub fn label_draw(
    data: &TrainTest,
    labels: usize,
    validation: usize,
    seed: u64,
    draw: usize,
) -> Result<LabelDraw, Error> {
    let TrainTest { train, test } = data;
    if !train.has_labels() || !test.has_labels() {
        let problem = error!(Data, "{}: comparing needs labels in train and test", train.name());
        return Err(problem.with(Remedy::NameLabel));
    }
    train
        .draw_labels(labels, validation, seed, draw as u64)
        .map_err(|e| Error::from(e).during(train.name()))
}

/// The first `draws` of them.
///
/// # Errors
/// The errors of [`label_draw`].
pub(super) fn label_draws(
    data: &TrainTest,
    labels: usize,
    validation: usize,
    seed: u64,
    draws: usize,
) -> Result<Vec<LabelDraw>, Error> {
    (0..draws).map(|draw| label_draw(data, labels, validation, seed, draw)).collect()
}
