//! Probes of a frozen encoder: how much a few labels tell about its codes, with nothing trained
//! below.
//!
//! | file | the probe |
//! |---|---|
//! | `linear.rs` | logistic regression on the codes |
//! | `nearest.rs` | the nearest labelled samples |
//! | `propagation.rs` | labels spread along a graph of all samples |
//!
//! Each is fitted to the labels of a draw; what it leaves open, its validation labels choose; and
//! what was chosen meets the test samples, once. To add a probe: write its file, add it to
//! [`Probe`] and its list, and its case to `tests/probe.rs`.

mod linear;
mod nearest;
mod propagation;
pub use crate::codes::Codes;
pub use crate::neighbours;

use super::draws::label_draws;
use super::statistics::Accuracies;
use crate::architecture::Architecture;
use crate::error::{Error, ensure};
use crate::evaluation::{Confusion, Metric};
use crate::event::{Event, Observer};
use crate::logistic::Scaling;
use crate::names::named;
use crate::neighbours::Neighbours;
use narrows_datasets::{LabelDraw, Rows, TrainTest};
use narrows_engine::{Context, Params};
use propagation::Graph;
use serde::Serialize;
use std::sync::OnceLock;
use std::time::Instant;

named! {
    /// A probe.
    #[non_exhaustive]
    pub enum Probe {
        /// Multinomial logistic regression on standardised codes; the strength of its L2 is chosen.
        Linear = "linear",
        /// The class that most of the nearest labelled samples have; their number and the distance,
        /// Euclidean or cosine, are chosen.
        Knn = "knn",
        /// Labels spread along the graph of neighbours of all training samples; how far is chosen.
        Propagation = "propagation",
    }
}

impl Probe {
    fn run(self, cx: &Context, space: &Space, few: &Few<'_>) -> Probed {
        match self {
            Probe::Linear => linear::probe(space, few),
            Probe::Knn => nearest::probe(cx, space, few),
            Probe::Propagation => propagation::probe(cx, space, few),
        }
    }
}

/// An encoder to probe, and the settings.
#[derive(Clone, Debug)]
pub struct Probing<'a> {
    /// The samples.
    pub data: &'a TrainTest,
    /// The encoder and parameters that begin with it; `None` for the samples as they are.
    pub encoder: Option<(&'a Architecture, &'a Params)>,
    /// The probes.
    pub probes: Vec<Probe>,
    /// True if the test samples, without their labels, are in the graph of [`Probe::Propagation`]
    /// too. If not, they are classified one by one.
    pub transductive: bool,
    /// The measure to choose by and to report.
    pub metric: Metric,
    /// The labels of a draw to train on.
    pub labels: usize,
    /// The labels of a draw to choose by.
    pub validation: usize,
    /// The number of draws.
    pub draws: usize,
    /// Decides the draws, as it does elsewhere.
    pub seed: u64,
}

/// The results of a probe.
#[derive(Clone, Debug, Serialize)]
pub struct ProbeResult {
    /// The probe.
    pub name: Probe,
    /// Over the draws, on all test samples that have a label, by the metric.
    pub test_accuracy: Accuracies,
    /// On the validation labels, for what was chosen by them.
    pub validation_accuracy: Accuracies,
    /// The setting chosen on each draw.
    pub chosen: Vec<String>,
    /// The time that it took, added up over the draws.
    pub seconds: f64,
}

/// Where all samples lie.
struct Space {
    train: Codes,
    /// The codes of the test samples that have a label.
    test: Codes,
    /// That of all training codes.
    scaling: Scaling,
    transductive: bool,
    graph: OnceLock<(Graph, Option<Neighbours>)>,
}

impl Space {
    /// The graph of the training samples and the neighbours of the test samples in it, unless they
    /// are a part of it themselves.
    fn graph(&self, cx: &Context) -> (&Graph, Option<&Neighbours>) {
        let (graph, near) = self.graph.get_or_init(|| match self.transductive {
            true => (Graph::of(cx, &self.train.with(&self.test)), None),
            false => {
                let near = propagation::neighbours(cx, &self.test, &self.train);
                (Graph::of(cx, &self.train), Some(near))
            }
        });
        (graph, near.as_ref())
    }
}

/// A label draw as a probe sees it.
struct Few<'a> {
    /// The rows of the training samples whose labels are known, and those.
    train: &'a [u32],
    train_labels: Vec<u16>,
    /// The rows to choose by.
    validation: &'a [u32],
    validation_labels: Vec<u16>,
    classes: usize,
    metric: Metric,
}

impl Few<'_> {
    /// The accuracy of these predictions of the validation samples.
    fn validated(&self, predictions: &[u16]) -> f64 {
        Confusion::of(self.classes, &self.validation_labels, predictions).accuracy_by(self.metric)
    }
}

/// The result of a probe on one draw.
struct Probed {
    /// The predictions of the test samples.
    predictions: Vec<u16>,
    /// The accuracy on the validation labels.
    validation: f64,
    /// The setting that they chose.
    chosen: String,
}

impl Probing<'_> {
    /// The values of a code, or of a sample if there is no encoder.
    pub fn code_len(&self) -> usize {
        let samples = self.data.train.sample_len();
        self.encoder.map_or(samples, |(architecture, _)| architecture.latent)
    }

    /// Refuses what cannot work, before anything is computed, and makes the draws.
    ///
    /// # Errors
    /// If the data have too few labels, or there is nothing to do.
    pub fn check(&self) -> Result<Vec<LabelDraw>, Error> {
        ensure!(
            self.draws != 0 && !self.probes.is_empty() && self.validation != 0,
            "probing needs a probe, a draw and a label to validate on"
        );
        label_draws(self.data, self.labels, self.validation, self.seed, self.draws)
    }

    /// Encodes all samples once, and probes their codes on each draw.
    ///
    /// # Errors
    /// The errors of [`Probing::check`], or if the samples do not fit the encoder.
    pub fn run(&self, cx: &Context, observer: &dyn Observer) -> Result<Vec<ProbeResult>, Error> {
        let draws = self.check()?;
        let TrainTest { train, test } = self.data;
        observer.notice(&Event::Stage("codes"));
        let tests = test.labelled_rows()?;
        let codes = Codes::of(cx, self.encoder, train, Rows::all(train.len()))?;
        let space = Space {
            scaling: Scaling::of(&codes.values, codes.len),
            train: codes,
            test: Codes::of(cx, self.encoder, test, Rows::Listed(&tests))?,
            transductive: self.transductive,
            graph: OnceLock::new(),
        };
        let labels_of = |labels: Option<&[u16]>, rows: &[u32]| -> Vec<u16> {
            rows.iter().map(|&row| labels.unwrap_or_default()[row as usize]).collect()
        };
        let test_labels = labels_of(test.labels()?, &tests);
        if self.probes.contains(&Probe::Propagation) {
            observer.notice(&Event::Stage("graph of neighbours"));
            space.graph(cx);
        }
        let labels = train.labels()?;
        let count = draws.len() * self.probes.len();
        observer.notice(&Event::Runs { what: "probes", count });
        let single = cx.single();
        let found = cx.map(count, |i| {
            let (draw, probe) = (&draws[i / self.probes.len()], self.probes[i % self.probes.len()]);
            let start = Instant::now();
            let few = Few {
                train: &draw.train,
                train_labels: labels_of(labels, &draw.train),
                validation: &draw.validation,
                validation_labels: labels_of(labels, &draw.validation),
                classes: train.classes(),
                metric: self.metric,
            };
            let probed = probe.run(&single, &space, &few);
            observer.notice(&Event::RunDone);
            (probed, start.elapsed().as_secs_f64())
        });
        let result = |(i, &name): (usize, &Probe)| {
            let of = || found.iter().skip(i).step_by(self.probes.len());
            let tested = |probed: &Probed| {
                Confusion::of(train.classes(), &test_labels, &probed.predictions)
                    .accuracy_by(self.metric)
            };
            ProbeResult {
                name,
                test_accuracy: Accuracies::of(of().map(|(probed, _)| tested(probed)).collect()),
                validation_accuracy: Accuracies::of(
                    of().map(|(probed, _)| probed.validation).collect(),
                ),
                chosen: of().map(|(probed, _)| probed.chosen.clone()).collect(),
                seconds: of().map(|(_, seconds)| seconds).sum(),
            }
        };
        Ok(self.probes.iter().enumerate().map(result).collect())
    }
}
