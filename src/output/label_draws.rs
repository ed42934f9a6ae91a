//! The label draws of a comparison, so that others can repeat it on the same samples.

use crate::error::Error;
use narrows_models::Curve;
use narrows_models::experiments::label_draw;
use narrows_models::methods::draw_seed;
use serde::Serialize;

/// The rows of more labels are not written down: they are most of a file.
const MOST_ROWS: usize = 10_000;

/// One draw at one number of labels.
#[derive(Debug, Serialize)]
pub struct DrawnLabels {
    draw: usize,
    /// The number of labels to train on.
    labels: usize,
    /// The seed of the runs of all methods.
    seed: u64,
    /// The rows of the training samples, from 0 on, whose labels are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    train: Option<Vec<u32>>,
    /// Those that choose.
    #[serde(skip_serializing_if = "Option::is_none")]
    validation: Option<Vec<u32>>,
}

/// All draws of `curve`, by its points.
pub fn label_draws(curve: &Curve<'_>) -> Result<Vec<DrawnLabels>, Error> {
    let mut draws = Vec::new();
    for point in &curve.points {
        for draw in 0..curve.draws {
            let seed = draw_seed(curve.seed, draw as u64);
            let rows = label_draw(curve.data, point.labels, point.validation, curve.seed, draw)?;
            let few = |rows: Vec<u32>| (rows.len() <= MOST_ROWS).then_some(rows);
            let (train, validation) = (few(rows.train), few(rows.validation));
            draws.push(DrawnLabels { draw, labels: point.labels, seed, train, validation });
        }
    }
    Ok(draws)
}
