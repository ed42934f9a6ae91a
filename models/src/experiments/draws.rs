//! The label draws of a measurement over several of them.

use crate::error::{Error, error};
use narrows_datasets::{LabelDraw, Remedy, TrainTest, draw_labels};

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
    let known = train.labels()?.filter(|_| test.has_labels()).ok_or_else(|| {
        error!(Data, "{}: comparing needs labels in train and test", train.name())
            .with(Remedy::NameLabel)
    })?;
    draw_labels(known, train.classes(), labels, validation, seed, draw as u64)
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
