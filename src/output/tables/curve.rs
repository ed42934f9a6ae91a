//! The table of a curve.

use super::estimate::{UNKNOWN, cells, gained, is_unknown};
use crate::output::numbers::{counted, duration, p_value, thousands};
use crate::output::points::{PointMethod, PointSummary};
use narrows_datasets::TrainTest;
use narrows_models::{Curve, Metric};

/// The table of `curve`, no wider than 100 columns.
pub fn table(curve: &Curve<'_>, points: &[PointSummary], seconds: f64) -> String {
    let TrainTest { train, test } = curve.data;
    let accuracy = match curve.points[0].finetuning.metric {
        Metric::Accuracy => "accuracy, %",
        Metric::Balanced => "balanced, %",
    };
    let mut text = format!(
        "{}: {} training samples, {} test samples\n{} of each number of labels; {}; {}\n\n{:>6}  \
         {:<13} {accuracy:>14} {:>15}  {:<26} {:>6} {:>11}\n",
        train.name(),
        thousands(train.len()),
        thousands(test.len()),
        counted(curve.draws, "draw"),
        validation(points),
        duration(seconds),
        "labels",
        "method",
        "95 % interval",
        "gain over scratch",
        "p",
        "time"
    );
    for point in points {
        for (i, method) in point.methods.iter().enumerate() {
            let labels = if i == 0 { thousands(point.labels) } else { String::new() };
            text += &line(&labels, method);
        }
    }
    let methods = || points.iter().flat_map(|point| &point.methods);
    if methods().any(|method| method.p.is_some()) {
        text += "\nAccuracies on the test samples; gains in points, draw by draw, with 95 % \
                 intervals. p: how likely\n\
                 such a gain is where there is none (paired t-test, by Holm's procedure over the \
                 methods at the\n\
                 same number of labels).\n";
    }
    if methods().any(is_unknown_method) {
        text += UNKNOWN;
    }
    if let Some(backbone) = &curve.architecture.backbone {
        text += &format!(
            "scratch is a {} network of narrows; the other methods start from {}.\n",
            curve.architecture.baseline().name(),
            backbone.name
        );
    }
    text
}

fn validation(points: &[PointSummary]) -> String {
    let mut each: Vec<usize> = points.iter().map(|point| point.validation).collect();
    each.dedup();
    let each: Vec<String> = each.into_iter().map(thousands).collect();
    format!("{} more to validate", each.join(", "))
}

fn is_unknown_method(method: &PointMethod) -> bool {
    is_unknown(method.gain_over_scratch.as_ref(), method.test_accuracy.per_draw.len())
}

fn line(labels: &str, method: &PointMethod) -> String {
    let PointMethod { name, test_accuracy, gain_over_scratch, .. } = method;
    let [accuracy, interval] = cells(&test_accuracy.estimate);
    let gained = |gain| gained(gain, test_accuracy.per_draw.len());
    let gained = gain_over_scratch.as_ref().map_or(String::new(), gained);
    let p = method.p.map_or(String::new(), p_value);
    let time = duration(method.seconds);
    format!(
        "{labels:>6}  {name:<13} {accuracy:>14} {interval:>15}  {gained:<26} {p:>6} {time:>11}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use narrows_models::statistics::{Accuracies, Gain};

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
            (line("10", &method), is_unknown_method(&method))
        };
        let (line, unknown) = said(&[-1.0 / 3.0; 2]);
        assert!(line.contains("  -33.33 (unknown)  ") && !line.contains('<') && unknown, "{line}");
        for gains in [&[0.1][..], &[0.0; 2], &[0.1, 0.2]] {
            let (line, unknown) = said(gains);
            assert!(!line.contains("(unknown)") && !unknown, "{line}");
        }
    }
}
