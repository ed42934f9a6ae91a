//! The confusion matrix.

use super::metric::Metric;

/// The number of samples of each class that were given each class; and of samples of classes that a
/// classifier does not tell, which count as classified wrongly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// (labels, predictions)
    counts: Vec<usize>,
    /// The number of samples of each class behind those.
    unseen: Vec<usize>,
}

impl Confusion {
    /// That of samples with these labels and predictions, each below `classes`. A label that is not
    /// below is one of a class that the classifier does not tell.
    ///
    /// # Panics
    /// If the two differ in length, or a prediction is no class.
    pub fn of(classes: usize, labels: &[u16], predictions: &[u16]) -> Confusion {
        assert_eq!(labels.len(), predictions.len(), "each sample has a label and a prediction");
        let (mut counts, mut unseen) = (vec![0; classes * classes], Vec::new());
        for (&label, &predicted) in labels.iter().zip(predictions) {
            let [label, predicted] = [label, predicted].map(usize::from);
            assert!(predicted < classes, "a class below {classes}");
            match label.checked_sub(classes) {
                None => counts[label * classes + predicted] += 1,
                Some(behind) => {
                    unseen.resize(unseen.len().max(behind + 1), 0);
                    unseen[behind] += 1;
                }
            }
        }
        Confusion { classes, counts, unseen }
    }

    /// The number of samples of each class that the classifier does not tell, by their labels
    /// behind its own.
    pub fn unseen(&self) -> &[usize] {
        &self.unseen
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The number of samples of class `label` that were given each class.
    pub fn row(&self, label: usize) -> &[usize] {
        &self.counts[label * self.classes..][..self.classes]
    }

    /// The samples of class `label`.
    pub fn of_class(&self, label: usize) -> usize {
        self.row(label).iter().sum()
    }

    /// The fraction classified correctly, by that metric: of all, or the mean over the classes that
    /// there are samples of. NaN if there are none.
    pub fn accuracy_by(&self, metric: Metric) -> f64 {
        let told = (0..self.classes).map(|class| (self.row(class)[class], self.of_class(class)));
        let each = told.chain(self.unseen.iter().map(|&of| (0, of)));
        match metric {
            Metric::Accuracy => {
                let (correct, all) =
                    each.fold((0, 0), |sum, (correct, of)| (sum.0 + correct, sum.1 + of));
                correct as f64 / all as f64
            }
            Metric::Balanced => {
                let seen: Vec<f64> = each
                    .filter(|(_, of)| *of > 0)
                    .map(|(correct, of)| correct as f64 / of as f64)
                    .collect();
                seen.iter().sum::<f64>() / seen.len() as f64
            }
        }
    }
}
