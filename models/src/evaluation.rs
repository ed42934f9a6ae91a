//! Losses and accuracies over many samples.

pub mod calibration;
mod confusion;
mod metric;
mod ranking;

pub use confusion::Confusion;
pub use metric::Metric;
pub use ranking::Ranking;

use crate::error::{Error, ensure, error};
use crate::event::Observer;
use narrows_datasets::{Dataset, Rows};
use narrows_engine::memory::Slab;
use narrows_engine::{Context, Loss, Network, Params, Pass, PassMemory, Target};

/// The samples of a pass: enough to keep the matrix products busy.
const BATCH: usize = 256;

/// The output to learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The input again.
    Reconstruct,
    /// The label.
    Classify,
}

/// The most memory of a pass, in bytes: 1 GB. Large images are evaluated in smaller batches.
pub(crate) const PASS_BYTES: usize = 1 << 30;

/// The codes of some rows, and their labels.
#[derive(Clone, Debug)]
pub(crate) struct Coded {
    /// (rows)
    pub rows: Vec<u32>,
    /// (rows, len)
    pub codes: Slab,
    /// (rows)
    pub labels: Vec<u32>,
}

/// The results of a model on some samples. A sample of a class that a classifier does not tell,
/// whose label is behind its classes, counts as classified wrongly, and has no loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean loss; NaN if no sample has one.
    pub loss: f64,
    /// The fraction classified correctly, for a classifier.
    pub accuracy: Option<f64>,
    /// The mean of the fractions of each class, for a classifier; of the classes that the samples
    /// have.
    pub balanced_accuracy: Option<f64>,
    /// The predicted classes in the order of the rows, for a classifier.
    pub predictions: Vec<u16>,
    /// The first row that has an output that is not finite, and that output.
    pub not_finite: Option<(u32, f32)>,
}

impl Evaluation {
    /// The accuracy by that metric, for a classifier.
    pub fn accuracy_by(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Accuracy => self.accuracy,
            Metric::Balanced => self.balanced_accuracy,
        }
    }

    /// This evaluation on `data`, whose numbers are results then.
    ///
    /// # Errors
    /// If the model has an output that is not finite.
    pub fn finite(self, data: &Dataset) -> Result<Evaluation, Error> {
        match self.not_finite {
            None => Ok(self),
            Some((row, output)) => Err(not_finite(data, row, output)),
        }
    }

    /// Runs `rows` of `data` through `network`, in evaluation. The loss includes the layers'
    /// penalties ([`PassMemory::penalty`]).
    ///
    /// # Errors
    /// If the data do not fit the network, or there are none.
    pub fn of(
        cx: &Context,
        network: &Network,
        params: &Params,
        loss: &Loss,
        data: &Dataset,
        rows: Rows<'_>,
        goal: Goal,
    ) -> Result<Evaluation, Error> {
        let samples = Samples::Rows { data, rows };
        Evaluation::over(cx, (network, params), loss, samples, goal, &(), &mut |_, _| {})
    }

    /// The same as [`Evaluation::of`] for a classifier; `take` is handed the logits, (batch,
    /// classes), and the labels, batch by batch.
    ///
    /// # Errors
    /// The errors of [`Evaluation::of`].
    pub fn of_classifier(
        cx: &Context,
        network: &Network,
        params: &Params,
        data: &Dataset,
        rows: Rows<'_>,
        take: &mut dyn FnMut(&[f32], &[u32]),
    ) -> Result<Evaluation, Error> {
        let (loss, samples) = (Loss::cross_entropy(), Samples::Rows { data, rows });
        Evaluation::over(cx, (network, params), &loss, samples, Goal::Classify, &(), take)
    }

    /// Both, of `samples`, unless `observer` asks for a stop.
    ///
    /// # Errors
    /// The errors of [`Evaluation::of`]; [`ErrorKind::Stopped`](crate::ErrorKind::Stopped).
    pub(crate) fn over(
        cx: &Context,
        (network, params): (&Network, &Params),
        loss: &Loss,
        samples: Samples<'_>,
        goal: Goal,
        observer: &dyn Observer,
        take: &mut dyn FnMut(&[f32], &[u32]),
    ) -> Result<Evaluation, Error> {
        let (rows, len) = match samples {
            Samples::Rows { data, rows } => (rows.len(), data.sample_len()),
            Samples::Codes(Coded { codes, labels, .. }) => {
                (labels.len(), codes.len() / labels.len().max(1))
            }
        };
        ensure!(rows != 0, Data, "there are no samples to evaluate on");
        let mut memory = PassMemory::within(network, BATCH.min(rows), PASS_BYTES)?;
        let mut x = vec![0.0; memory.max_batch() * len];
        let mut labels = vec![0; memory.max_batch()];
        let mut batch_rows = vec![0; memory.max_batch()];
        let (mut sum, mut predictions, mut not_finite) = (0.0, Vec::new(), None);
        let classes = network.output().len();
        // Samples of each class: those classified correctly, and all. Behind those of the network
        // are classes that it does not tell.
        let mut counts = vec![(0usize, 0usize); classes];
        let mut known = 0;
        for start in (0..rows).step_by(memory.max_batch()) {
            observer.go_on()?;
            let batch = memory.max_batch().min(rows - start);
            let (x, labels) = (&mut x[..batch * len], &mut labels[..batch]);
            let y = match samples {
                Samples::Rows { data, rows } => {
                    let batch_rows = &mut batch_rows[..batch];
                    rows.copy_to(start, batch_rows);
                    data.gather(batch_rows, x)?;
                    if goal == Goal::Classify {
                        data.gather_labels(batch_rows, labels)?;
                    }
                    network.forward(cx, params, &mut memory, x, Pass::evaluate())?
                }
                Samples::Codes(coded) => {
                    labels.copy_from_slice(&coded.labels[start..start + batch]);
                    batch_rows[..batch].copy_from_slice(&coded.rows[start..start + batch]);
                    let codes = &coded.codes[start * len..(start + batch) * len];
                    network.forward_from_frozen(cx, params, &mut memory, codes, Pass::evaluate())?
                }
            };
            not_finite = not_finite.or_else(|| {
                let at = y.iter().position(|y| !y.is_finite())?;
                Some((batch_rows[at / network.output().len()], y[at]))
            });
            let target = match goal {
                Goal::Reconstruct => Target::Values(x),
                Goal::Classify => {
                    let predicted = y.chunks_exact(classes).map(argmax);
                    predictions.extend(predicted.map(|class| class as u16));
                    for (&predicted, &label) in predictions[start..].iter().zip(&*labels) {
                        let class = label as usize;
                        counts.resize(counts.len().max(class + 1), (0, 0));
                        counts[class].0 += usize::from(u32::from(predicted) == label);
                        counts[class].1 += 1;
                    }
                    take(y, labels);
                    Target::Classes(labels)
                }
            };
            let of_known = known_alone(y, target, classes);
            let (y, target, batch) = match &of_known {
                Some((y, labels)) => (&y[..], Target::Classes(labels), labels.len()),
                None => (y, target, batch),
            };
            known += batch;
            if batch == 0 {
                continue;
            }
            let mut loss = loss.evaluate(cx, batch, y, target, None)?;
            if let Samples::Rows { .. } = samples {
                loss += memory.penalty();
            }
            sum += loss * batch as f64;
        }
        let n = rows as f64;
        let (accuracy, balanced_accuracy) = match goal {
            Goal::Reconstruct => (None, None),
            Goal::Classify => {
                let correct: usize = counts.iter().map(|(correct, _)| correct).sum();
                let seen = counts.iter().filter(|(_, all)| *all > 0);
                let recalls: Vec<f64> =
                    seen.map(|&(correct, all)| correct as f64 / all as f64).collect();
                (Some(correct as f64 / n), Some(recalls.iter().sum::<f64>() / recalls.len() as f64))
            }
        };
        let loss = sum / known as f64;
        Ok(Evaluation { loss, accuracy, balanced_accuracy, predictions, not_finite })
    }
}

/// The error of a model that makes `output` of `row`, which is not finite.
pub(crate) fn not_finite(data: &Dataset, row: u32, output: f32) -> Error {
    let remedy = "its weights are too large, or this row is far from what it learnt";
    error!(Data, "{}: the model's output of row {row} is {output}: {remedy}", data.name())
}

/// The logits and labels of those samples whose label is one of the `classes`; `None` if all are.
fn known_alone(y: &[f32], target: Target<'_>, classes: usize) -> Option<(Vec<f32>, Vec<u32>)> {
    let Target::Classes(labels) = target else { return None };
    let known = |label: u32| (label as usize) < classes;
    if labels.iter().all(|&label| known(label)) {
        return None;
    }
    let samples = y.chunks_exact(classes).zip(labels).filter(|(_, label)| known(**label));
    let (y, labels): (Vec<&[f32]>, Vec<u32>) = samples.map(|(y, &label)| (y, label)).unzip();
    Some((y.concat(), labels))
}

/// The samples of an evaluation.
#[derive(Clone, Copy)]
pub(crate) enum Samples<'a> {
    Rows {
        data: &'a Dataset,
        rows: Rows<'a>,
    },
    /// The codes that the frozen layers of a classifier made of samples, with the same bits.
    Codes(&'a Coded),
}

/// The position of the largest value, the first of several.
pub(crate) fn argmax<T: PartialOrd>(x: &[T]) -> usize {
    (1..x.len()).fold(0, |best, i| if x[i] > x[best] { i } else { best })
}
