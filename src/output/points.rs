//! The points of a curve: what came out at each number of labels, method by method.

use narrows_models::curve::{Curve, Finished};
use narrows_models::statistics::{Accuracies, Gain};
use narrows_models::{Method, Metric};
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
    /// Of the paired t-test that there is no gain, by Holm's procedure over the methods at this
    /// number of labels; from 2 draws on, unless the gain is the same on each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    /// Added up over draws and candidates.
    pub seconds: f64,
}

/// What came out by number of labels and method.
pub fn points(curve: &Curve<'_>, finished: &[Finished], metric: Metric) -> Vec<PointSummary> {
    let at = |labels: usize, method: &str| -> Vec<&Finished> {
        finished.iter().filter(|f| f.labels == labels && f.method == method).collect()
    };
    let mut points = Vec::new();
    for point in &curve.points {
        let scratch = at(point.labels, Method::Scratch.name());
        let mut methods = Vec::new();
        for method in &curve.methods {
            let found = at(point.labels, method.name());
            let per_draw: Vec<f64> = found.iter().map(|f| f.test_by(metric)).collect();
            let same_draw = |f: &Finished| scratch.iter().find(|s| s.draw == f.draw).copied();
            let differences: Vec<f64> = (found.iter())
                .filter_map(|f| Some(f.test_by(metric) - same_draw(f)?.test_by(metric)))
                .collect();
            let paired = method.name() != Method::Scratch.name() && !differences.is_empty();
            methods.push(PointMethod {
                name: method.name().to_string(),
                test_accuracy: Accuracies::of(per_draw),
                gain_over_scratch: paired.then(|| Gain::of(&differences)),
                p: None,
                seconds: found.iter().map(|f| f.seconds).sum(),
            });
        }
        Gain::adjust(methods.iter_mut().filter_map(|method| method.gain_over_scratch.as_mut()));
        for method in &mut methods {
            method.p = method.gain_over_scratch.as_ref().and_then(|gain| gain.p);
        }
        points.push(PointSummary { labels: point.labels, validation: point.validation, methods });
    }
    points
}
