//! What came out of a curve, for people and for `summary.json`.

use crate::numbers::{counted, duration, p_value, percent, points as in_points, thousands};
use crate::table::UNKNOWN;
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

/// A curve and what it was about.
pub struct Curved<'a> {
    pub dataset: &'a str,
    pub samples: usize,
    pub test_samples: usize,
    pub draws: usize,
    pub metric: Metric,
    pub points: &'a [PointSummary],
    pub seconds: f64,
}

/// The table of `curve`, no wider than 100 columns.
pub fn table(of: &Curved<'_>) -> String {
    let accuracy = match of.metric {
        Metric::Accuracy => "accuracy, %",
        Metric::Balanced => "balanced, %",
    };
    let mut text = format!(
        "{}: {} training samples, {} test samples\n{} of each number of labels; {}; {}\n\n{:>6}  \
         {:<13} {accuracy:>14} {:>15}  {:<26} {:>6} {:>11}\n",
        of.dataset,
        thousands(of.samples),
        thousands(of.test_samples),
        counted(of.draws, "draw"),
        validation(of.points),
        duration(of.seconds),
        "labels",
        "method",
        "95 % interval",
        "gain over scratch",
        "p",
        "time"
    );
    for point in of.points {
        for (i, method) in point.methods.iter().enumerate() {
            let labels = if i == 0 { thousands(point.labels) } else { String::new() };
            text += &line(&labels, method);
        }
    }
    let methods = || of.points.iter().flat_map(|point| &point.methods);
    if methods().any(|method| method.p.is_some()) {
        text += "\nAccuracies on the test samples; gains in points, draw by draw, with 95 % \
                 intervals. p: how likely\n\
                 such a gain is where there is none (paired t-test, by Holm's procedure over the \
                 methods at the\n\
                 same number of labels).\n";
    }
    if methods().any(is_unknown) {
        text += UNKNOWN;
    }
    text
}

fn validation(points: &[PointSummary]) -> String {
    let mut each: Vec<usize> = points.iter().map(|point| point.validation).collect();
    each.dedup();
    match each[..] {
        [one] => format!("{} more to validate", thousands(one)),
        _ => {
            let each: Vec<String> = each.into_iter().map(thousands).collect();
            format!("{} more to validate", each.join(", "))
        }
    }
}

/// Whether there were several draws, and yet no interval of the gain can be told.
fn is_unknown(method: &PointMethod) -> bool {
    let gain = method.gain_over_scratch.as_ref();
    gain.is_some_and(|gain| gain.ci95.is_none()) && method.test_accuracy.per_draw.len() > 1
}

fn line(labels: &str, method: &PointMethod) -> String {
    let PointMethod { name, test_accuracy: Accuracies { estimate, .. }, .. } = method;
    let (accuracy, interval) = match estimate.ci95 {
        None => (percent(estimate.mean), "unknown".to_string()),
        Some([low, high]) => {
            let accuracy = format!("{} ± {:.2}", percent(estimate.mean), 100.0 * estimate.std);
            (accuracy, format!("{} to {}", percent(low), percent(high)))
        }
    };
    let gained = match &method.gain_over_scratch {
        None => String::new(),
        Some(Gain { mean, ci95: None, .. }) if is_unknown(method) => {
            format!("{} (unknown)", in_points(*mean))
        }
        Some(Gain { mean, ci95: None, .. }) => in_points(*mean),
        Some(Gain { mean, ci95: Some([low, high]), .. }) => {
            format!("{} ({} to {})", in_points(*mean), in_points(*low), in_points(*high))
        }
    };
    let p = method.p.map_or(String::new(), p_value);
    let time = duration(method.seconds);
    format!(
        "{labels:>6}  {name:<13} {accuracy:>14} {interval:>15}  {gained:<26} {p:>6} {time:>11}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_that_is_the_same_on_every_draw_is_unknown() {
        let said = |gains: &[f64]| {
            let gain = Gain::of(gains);
            let method = PointMethod {
                name: "vat".to_string(),
                test_accuracy: Accuracies::of(vec![0.5; gains.len()]),
                p: gain.p,
                gain_over_scratch: Some(gain),
                seconds: 1.0,
            };
            (line("10", &method), is_unknown(&method))
        };
        let (line, unknown) = said(&[-1.0 / 3.0; 2]);
        assert!(line.contains("  -33.33 (unknown)  ") && !line.contains('<') && unknown, "{line}");
        for gains in [&[0.1][..], &[0.0; 2], &[0.1, 0.2]] {
            let (line, unknown) = said(gains);
            assert!(!line.contains("(unknown)") && !unknown, "{line}");
        }
    }
}
