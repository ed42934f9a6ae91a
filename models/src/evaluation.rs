//! Losses and accuracies over many samples.

use crate::Error;
use crate::training::Goal;
use narrows_datasets::Dataset;
use narrows_engine::{Activations, Context, Loss, Network, Params, Pass, Target};

/// The samples of a pass: enough to keep the matrix products busy.
const BATCH: usize = 256;

/// What a model makes of some samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean loss.
    pub loss: f64,
    /// The fraction classified correctly, for a classifier.
    pub accuracy: Option<f64>,
    /// The predicted classes in the order of the rows, for a classifier.
    pub predictions: Vec<u8>,
}

impl Evaluation {
    /// Runs `rows` of `data` through `network`, in evaluation.
    ///
    /// # Errors
    /// If the data do not fit the network, or there are none.
    pub fn of(
        cx: &Context,
        network: &Network,
        params: &Params,
        loss: &Loss,
        data: &Dataset,
        rows: &[u32],
        goal: Goal,
    ) -> Result<Evaluation, Error> {
        if rows.is_empty() {
            return Err(Error::new("there are no samples to evaluate on"));
        }
        let mut activations = Activations::new(network, BATCH.min(rows.len()));
        let mut x = vec![0.0; activations.max_batch() * data.sample_len()];
        let mut labels = vec![0; activations.max_batch()];
        let (mut sum, mut correct, mut predictions) = (0.0, 0, Vec::new());
        for rows in rows.chunks(activations.max_batch()) {
            let x = &mut x[..rows.len() * data.sample_len()];
            let labels = &mut labels[..rows.len()];
            data.gather(rows, x);
            let y = network.forward(cx, params, &mut activations, x, Pass::evaluate())?;
            let target = match goal {
                Goal::Reconstruct => Target::Values(x),
                Goal::Classify => {
                    data.gather_labels(rows, labels);
                    let predicted = y.chunks_exact(network.output().len()).map(argmax);
                    predictions.extend(predicted.map(|class| class as u8));
                    let predicted = &predictions[predictions.len() - rows.len()..];
                    correct += predicted.iter().zip(&*labels).filter(|(p, l)| u32::from(**p) == **l).count();
                    Target::Classes(labels)
                }
            };
            sum += loss.evaluate(cx, rows.len(), y, target, None)? * rows.len() as f64;
        }
        let n = rows.len() as f64;
        let accuracy = (goal == Goal::Classify).then(|| correct as f64 / n);
        Ok(Evaluation { loss: sum / n, accuracy, predictions })
    }
}

/// The position of the largest value, the first of several.
fn argmax(x: &[f32]) -> usize {
    (1..x.len()).fold(0, |best, i| if x[i] > x[best] { i } else { best })
}
