//! Several classifiers as one: the mean of their probabilities (Lakshminarayanan, Pritzel and
//! Blundell, Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles, NIPS
//! 2017).

use crate::error::{Error, bail, ensure};
use crate::evaluation::{Confusion, Evaluation, Metric, argmax};
use narrows_datasets::{Dataset, Rows};
use narrows_engine::{Context, Network, Params, math};

/// The joint prediction of classifiers that were trained apart, on the same samples.
#[derive(Clone, Debug)]
pub struct Ensemble {
    classes: usize,
    members: usize,
    /// (samples, classes): the sum of the members' probabilities
    sum: Vec<f64>,
    labels: Vec<u32>,
}

impl Ensemble {
    /// An ensemble without members yet, which tell so many classes apart.
    pub fn new(classes: usize) -> Ensemble {
        Ensemble { classes, members: 0, sum: Vec::new(), labels: Vec::new() }
    }

    /// Adds the probabilities that a classifier gives `rows` of `data`, its logits divided by
    /// `temperature`. They have to be the rows of the other members.
    ///
    /// # Errors
    /// If the data do not fit the network, there are none, or they are not as many, or in as many
    /// classes, as before; or if an output is not finite.
    pub fn add(
        &mut self,
        cx: &Context,
        network: &Network,
        params: &Params,
        temperature: f32,
        data: &Dataset,
        rows: Rows<'_>,
    ) -> Result<(), Error> {
        let classes = self.classes;
        let (mut probabilities, mut of_rows) =
            (Vec::with_capacity(rows.len() * classes), Vec::new());
        let mut take = |logits: &[f32], labels: &[u32]| {
            let logits: Vec<f32> = logits.iter().map(|z| z / temperature).collect();
            let start = probabilities.len();
            probabilities.resize(start + logits.len(), 0.0);
            math::softmax(cx, network.output().len(), &logits, &mut probabilities[start..]);
            of_rows.extend_from_slice(labels);
        };
        Evaluation::of_classifier(cx, network, params, data, rows, &mut take)?.finite(data)?;
        if self.members == 0 {
            (self.sum, self.labels) = (vec![0.0; of_rows.len() * classes], of_rows.clone());
        }
        ensure!(
            probabilities.len() == self.sum.len() && of_rows == self.labels,
            "the members of an ensemble have to classify the same samples: {} values do not go \
                 with {}",
            probabilities.len(),
            self.sum.len()
        );
        self.sum.iter_mut().zip(&probabilities).for_each(|(sum, p)| *sum += f64::from(*p));
        self.members += 1;
        Ok(())
    }

    /// The logarithms of the mean probabilities, (samples, classes), which are logits of them. No
    /// less than those of the smallest float, so that all are finite.
    pub fn logits(&self) -> Vec<f32> {
        let n = self.members as f64;
        self.sum.iter().map(|sum| (sum / n).max(f64::from(f32::MIN_POSITIVE)).ln() as f32).collect()
    }

    /// The samples' labels.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Evaluates the members together.
    pub fn evaluation(&self) -> Evaluation {
        let (n, classes) = (self.members as f64, self.classes);
        let samples = || self.sum.chunks_exact(classes).zip(&self.labels);
        let predictions: Vec<u16> = samples().map(|(p, _)| argmax(p) as u16).collect();
        let labels: Vec<u16> = self.labels.iter().map(|&label| label as u16).collect();
        let confusion = Confusion::of(classes, &labels, &predictions);
        let least = f64::from(f32::MIN_POSITIVE);
        let losses = samples()
            .filter_map(|(p, &label)| p.get(label as usize).map(|p| -(p / n).max(least).ln()));
        let (loss, known) = losses.fold((0.0, 0_usize), |(sum, n), loss| (sum + loss, n + 1));
        Evaluation {
            loss: loss / known as f64,
            accuracy: Some(confusion.accuracy_by(Metric::Accuracy)),
            balanced_accuracy: Some(confusion.accuracy_by(Metric::Balanced)),
            predictions,
            not_finite: None,
        }
    }
}

/// # Errors
/// If an ensemble has no member.
pub(crate) fn check_ensemble(members: usize) -> Result<(), Error> {
    match members {
        0 => bail!("an ensemble needs at least 1 member"),
        _ => Ok(()),
    }
}
