//! The table of `narrows curve`.

use super::estimate::{UNKNOWN, cells};
use crate::output::numbers::{counted, duration, p_value, points as in_points, thousands};
use crate::output::points::{PointMethod, PointSummary};
use narrows_models::Metric;
use narrows_models::statistics::Gain;

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
    let PointMethod { name, test_accuracy, .. } = method;
    let [accuracy, interval] = cells(&test_accuracy.estimate);
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
    use narrows_models::statistics::Accuracies;

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
