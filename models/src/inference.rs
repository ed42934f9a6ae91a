//! Running a trained model over any number of samples, batch by batch: memory does not grow with
//! them.

use crate::architecture::{Architecture, ENCODER};
use crate::error::Error;
use crate::evaluation::not_finite;
use narrows_datasets::{Dataset, Rows};
use narrows_engine::math::softmax;
use narrows_engine::parallel::Chunks;
use narrows_engine::predictor::{Predictor, Workspace};
use narrows_engine::{Context, Network, Params};

/// The samples of a batch. A predictor cuts it into sixteen blocks, each of which reads all
/// weights: blocks of 18 rows, as those of 256 samples, would wait for them.
const BATCH: usize = 1024;

/// The samples of a task that scores them.
const TASK: usize = 64;

/// The most values of a batch of samples, if it has more than one: 16 MB.
const MAX_VALUES: usize = 1 << 22;

/// The scores of some samples by an autoencoder.
#[derive(Clone, Copy, Debug)]
pub struct Scored<'a> {
    /// The rows of the batch.
    pub rows: &'a [u32],
    /// The reconstruction error of each: the mean squared error per value.
    pub scores: &'a [f32],
    /// For each the place of the value whose squared error is the largest. In a table, one that is
    /// out of the range learnt from comes first ([`Dataset::out_of_range`]).
    pub worst: &'a [u32],
}

/// Hands `take` the reconstruction errors of `rows` of `data` by the autoencoder of `architecture`,
/// batch by batch.
///
/// # Errors
/// If the samples do not fit the model or cannot be read, or if `take` fails.
pub fn score(
    cx: &Context,
    architecture: &Architecture,
    params: &Params,
    data: &Dataset,
    rows: Rows<'_>,
    mut take: impl FnMut(Scored<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let network = architecture.autoencoder()?;
    let predictor = Predictor::new(&network, params)?;
    let n = data.sample_len();
    let (mut scores, mut worst) = (Vec::new(), Vec::new());
    for_predictions(cx, &predictor, data, rows, |rows, x, y| {
        scores.resize(rows.len(), 0.0);
        worst.resize(rows.len(), 0);
        let parts = (Chunks::new(&mut scores, TASK), Chunks::new(&mut worst, TASK));
        cx.for_each_part(rows.len().div_ceil(TASK), parts, |task, (scores, worst)| {
            let samples = x.chunks_exact(n).zip(y.chunks_exact(n)).skip(task * TASK);
            for (((x, y), score), worst) in samples.zip(scores).zip(worst) {
                let (mut sum, mut largest) = (0.0, (0.0, 0));
                for (at, (x, y)) in (0..).zip(x.iter().zip(y)) {
                    let square = f64::from(x - y).powi(2);
                    sum += square;
                    if square > largest.0 {
                        largest = (square, at);
                    }
                }
                *score = (sum / n as f64) as f32;
                *worst = largest.1;
            }
        });
        check_finite(data, rows, &scores)?;
        let out_of_range = data.out_of_range(rows)?;
        for (worst, out_of_range) in worst.iter_mut().zip(out_of_range) {
            *worst = out_of_range.map_or(*worst, |place| place as u32);
        }
        take(Scored { rows, scores: &scores, worst: &worst })
    })
}

/// Hands `take` the probabilities of the classes of `rows` of `data`, `(rows, classes)`, by a
/// classifier, batch by batch: the softmax of its logits, divided by `temperature`.
///
/// # Errors
/// If the samples do not fit the model or cannot be read, or if `take` fails.
pub fn predict(
    cx: &Context,
    (network, params): (&Network, &Params),
    temperature: f32,
    data: &Dataset,
    rows: Rows<'_>,
    mut take: impl FnMut(&[u32], &[f32]) -> Result<(), Error>,
) -> Result<(), Error> {
    let predictor = Predictor::new(network, params)?;
    let classes = predictor.output().len();
    let (mut logits, mut probabilities) = (Vec::new(), Vec::new());
    for_predictions(cx, &predictor, data, rows, |rows, _, y| {
        logits.clear();
        logits.extend(y.iter().map(|logit| logit / temperature));
        probabilities.resize(y.len(), 0.0);
        softmax(cx, classes, &logits, &mut probabilities);
        check_finite(data, rows, &probabilities)?;
        take(rows, &probabilities)
    })
}

/// Hands `take` the latent codes of `rows` of `data`, `(rows, latent)`, batch by batch. `params`
/// are those of the autoencoder or of a classifier: either begins with the encoder.
///
/// # Errors
/// If the samples do not fit the model or cannot be read, or if `take` fails.
pub fn embed(
    cx: &Context,
    architecture: &Architecture,
    params: &Params,
    data: &Dataset,
    rows: Rows<'_>,
    mut take: impl FnMut(&[u32], &[f32]) -> Result<(), Error>,
) -> Result<(), Error> {
    let network = architecture.encoder_alone()?;
    let mut encoder = Params::zeros(&network);
    encoder.copy_from(params, ENCODER)?;
    let predictor = Predictor::new(&network, &encoder)?;
    for_predictions(cx, &predictor, data, rows, |rows, _, y| take(rows, y))
}

/// Calls `take(rows, x, y)` with the samples and what `predictor` makes of them, batch by batch.
fn for_predictions(
    cx: &Context,
    predictor: &Predictor,
    data: &Dataset,
    rows: Rows<'_>,
    mut take: impl FnMut(&[u32], &[f32], &[f32]) -> Result<(), Error>,
) -> Result<(), Error> {
    let (n, outputs) = (data.sample_len(), predictor.output().len());
    let batch = (MAX_VALUES / n.max(outputs)).clamp(1, BATCH).min(rows.len().max(1));
    let (mut x, mut y, mut listed) =
        (vec![0.0; batch * n], vec![0.0; batch * outputs], vec![0; batch]);
    let mut workspace = Workspace::default();
    for start in (0..rows.len()).step_by(batch) {
        let listed = &mut listed[..batch.min(rows.len() - start)];
        rows.copy_to(start, listed);
        let (x, y) = (&mut x[..listed.len() * n], &mut y[..listed.len() * outputs]);
        data.gather_in_passing(listed, x)?;
        predictor.predict(cx, &mut workspace, x, y)?;
        check_finite(data, listed, y)?;
        take(listed, x, y)?;
    }
    Ok(())
}

/// Refuses `values`, as many for each of `rows`, if one is not finite.
fn check_finite(data: &Dataset, rows: &[u32], values: &[f32]) -> Result<(), Error> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(not_finite(data, rows[at / (values.len() / rows.len())], values[at])),
        None => Ok(()),
    }
}
