//! The points of a curve: what came out at each number of labels, method by method.

use narrows_models::Transfer;
use narrows_models::curve::{Curve, MethodResult, Point, TrialResult};
use narrows_models::statistics::{Accuracies, Gain};
use serde::Serialize;

/// One number of labels.
#[derive(Debug, Serialize)]
pub struct PointSummary {
    pub labels: usize,
    pub validation: usize,
    pub methods: Vec<PointMethod>,
}

/// A method at one number of labels.
#[derive(Debug, Serialize)]
pub struct PointMethod {
    pub name: String,
    /// By the metric.
    pub test_accuracy: Accuracies,
    /// Draw by draw, where scratch was measured too and this is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain_over_scratch: Option<Gain>,
    /// The p-value of the paired t-test for no gain, by Holm's procedure over the methods at this
    /// number of labels; from 2 draws on, unless the gain is the same on each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    /// Added up over draws and candidates.
    pub seconds: f64,
}

/// The results by number of labels and method.
pub fn points(curve: &Curve<'_>, finished: &[TrialResult]) -> Vec<PointSummary> {
    let method = |result: MethodResult| {
        let is_scratch = result.name == Transfer::Scratch.name();
        let gain = result.gain_over_scratch.clone().filter(|_| !is_scratch);
        PointMethod {
            test_accuracy: result.of_choice().clone(),
            p: gain.as_ref().and_then(|gain| gain.p),
            gain_over_scratch: gain,
            seconds: result.seconds,
            name: result.name,
        }
    };
    let points = curve.points.iter().zip(curve.results(finished));
    let point = |(point, results): (&Point, Vec<MethodResult>)| PointSummary {
        labels: point.labels,
        validation: point.validation,
        methods: results.into_iter().map(method).collect(),
    };
    points.map(point).collect()
}
