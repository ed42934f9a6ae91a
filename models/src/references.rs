//! References: plain classifiers of the literature, fitted to the same labels as the methods of a
//! comparison, so that it shows what those are worth.
//!
//! | file | the classifier | chosen by the validation labels |
//! |---|---|---|
//! | `logistic.rs` | multinomial logistic regression | the strength of its L2 |
//! | `knn.rs` | the nearest labelled samples | their number and the distance |
//! | `svm.rs` | a support vector machine with a Gaussian kernel | C and the kernel's width |
//! | `forest.rs` | a random forest | the least samples of a leaf |
//!
//! They see samples as networks do, standardised, and cost seconds where a method costs minutes.
//! Test samples come by blocks, so that memory does not grow with their number. To add a reference:
//! write its file, add it to [`Reference`], and its case to `tests/references.rs`.

mod forest;
mod knn;
mod logistic;
mod svm;

use crate::codes::Codes;
use crate::error::Error;
use crate::evaluation::{Confusion, Metric};
use crate::event::Observer;
use crate::names::named;
use narrows_datasets::{Dataset, LabelDraw, Rows};
use narrows_engine::Context;

/// The test samples of a block.
const BLOCK: usize = 1024;

named! {
    /// A reference.
    #[non_exhaustive]
    pub enum Reference {
        /// Multinomial logistic regression.
        Logistic = "logistic",
        /// The class that most of the nearest labelled samples have.
        Knn = "knn",
        /// A support vector machine with a Gaussian kernel for each pair of classes.
        Svm = "svm",
        /// A forest of trees, each grown on samples and columns drawn at random.
        Forest = "forest",
    }
}

/// A reference fitted to a few labels.
#[derive(Debug)]
pub struct Fitted {
    predictor: Box<dyn Predictor>,
    classes: usize,
    /// On the validation labels, by the metric; `None` without any.
    pub validation_accuracy: Option<f64>,
    /// The setting that they chose.
    pub chosen: String,
}

/// A classifier of samples.
trait Predictor: std::fmt::Debug + Send + Sync {
    /// The class of each of `x`.
    fn classify(&self, cx: &Context, x: &Codes) -> Vec<u16>;
}

/// The labels of a draw, with their samples.
struct Few {
    train: Codes,
    /// (train)
    labels: Vec<u16>,
    validation: Codes,
    /// (validation)
    validation_labels: Vec<u16>,
    classes: usize,
    metric: Metric,
    seed: u64,
}

impl Few {
    fn of(
        cx: &Context,
        data: &Dataset,
        draw: &LabelDraw,
        metric: Metric,
        seed: u64,
    ) -> Result<Few, Error> {
        let labels = data.labels()?.unwrap_or_default();
        let of = |rows: &[u32]| -> Result<(Codes, Vec<u16>), Error> {
            let codes = Codes::of(cx, None, data, Rows::Listed(rows))?;
            Ok((codes, rows.iter().map(|&row| labels[row as usize]).collect()))
        };
        let (train, labels) = of(&draw.train)?;
        let (validation, validation_labels) = of(&draw.validation)?;
        let classes = data.classes();
        Ok(Few { train, labels, validation, validation_labels, classes, metric, seed })
    }
}

/// The best so far by the validation labels; of equals the first.
struct Best<'f, P> {
    few: &'f Few,
    best: Option<(f64, P, String)>,
}

impl<'f, P: Predictor + 'static> Best<'f, P> {
    fn new(few: &'f Few) -> Best<'f, P> {
        Best { few, best: None }
    }

    /// Takes `candidate` if its predictions of the validation samples are better.
    fn offer(&mut self, candidate: P, predictions: &[u16], setting: String) {
        let few = self.few;
        let score =
            Confusion::of(few.classes, &few.validation_labels, predictions).accuracy_by(few.metric);
        if self.best.as_ref().is_none_or(|(best, ..)| score > *best) {
            self.best = Some((score, candidate, setting));
        }
    }

    fn into_fitted(self) -> Option<Fitted> {
        let classes = self.few.classes;
        self.best.map(|(score, predictor, chosen)| Fitted {
            predictor: Box::new(predictor),
            classes,
            validation_accuracy: Some(score).filter(|score| score.is_finite()),
            chosen,
        })
    }
}

impl Reference {
    /// Fits it to the labels of `draw`; its validation labels choose what is left open.
    ///
    /// # Errors
    /// If the samples cannot be read, there are none, or a stop is asked for.
    pub fn fit(
        self,
        cx: &Context,
        data: &Dataset,
        draw: &LabelDraw,
        (metric, seed): (Metric, u64),
        observer: &dyn Observer,
    ) -> Result<Fitted, Error> {
        let few = Few::of(cx, data, draw, metric, seed)?;
        let fitted = match self {
            Reference::Logistic => logistic::fit(cx, &few, observer)?,
            Reference::Knn => knn::fit(cx, &few),
            Reference::Svm => svm::fit(cx, &few, observer)?,
            Reference::Forest => forest::fit(cx, &few, observer)?,
        };
        fitted.ok_or_else(|| crate::error::error!(Data, "{}: there are no labels", self.name()))
    }
}

impl Fitted {
    /// Its predictions of the samples of `data` that have a label, against those labels.
    ///
    /// # Errors
    /// If the samples cannot be read, or a stop is asked for.
    pub fn test(
        &self,
        cx: &Context,
        data: &Dataset,
        observer: &dyn Observer,
    ) -> Result<Confusion, Error> {
        let rows = data.labelled_rows()?;
        let labels = data.labels()?.unwrap_or_default();
        let labels: Vec<u16> = rows.iter().map(|&row| labels[row as usize]).collect();
        let mut predictions = Vec::with_capacity(rows.len());
        for rows in rows.chunks(BLOCK) {
            observer.go_on()?;
            let x = Codes::of(cx, None, data, Rows::Listed(rows))?;
            predictions.extend(self.predictor.classify(cx, &x));
        }
        Ok(Confusion::of(self.classes, &labels, &predictions))
    }
}
