//! The last sentence of a comparison: which method is the best, and by how much.

use super::estimate::gained;
use crate::output::numbers::{percent, thousands};
use narrows_datasets::TrainTest;
use narrows_models::Transfer;
use narrows_models::curve::MethodResult;
use narrows_models::statistics::Gain;

/// Gains whose corrected p-value lies below this are told from chance.
const LEVEL: f64 = 0.05;

/// The sentence, and what it recommends.
pub struct Conclusion<'m> {
    pub sentence: String,
    /// The method that gained most over scratch, none of the references.
    pub best: Option<&'m str>,
}

/// The conclusion from several draws; `None` from one, and where there is nothing but scratch.
pub fn conclusion(methods: &[MethodResult]) -> Option<Conclusion<'_>> {
    let is_scratch = |m: &&MethodResult| m.name == Transfer::Scratch.name();
    let scratch = methods.iter().find(is_scratch)?;
    let ours = || methods.iter().filter(|m| !m.reference && !is_scratch(m));
    let references = || methods.iter().filter(|m| m.reference);
    if scratch.of_choice().per_draw.len() < 2 || methods.len() < 2 {
        return None;
    }
    let reference = best(references());
    let gained = best(ours().filter(|m| is_told(m)));
    let sentence = match (gained, reference) {
        (Some(ours), reference) => of_gain(ours, reference),
        (None, Some(reference)) if is_told(reference) => format!(
            "{}, a reference, is the best on these test samples: {}, {}; no method of narrows can \
             be told from scratch.",
            reference.name,
            accuracy(reference),
            more(&gain(reference), "scratch")
        ),
        (None, reference) => of_none(best(ours()), reference),
    };
    Some(Conclusion { sentence, best: gained.map(|m| &m.name[..]) })
}

/// The note on test samples that are among the training samples; nothing if there are none.
pub fn of_duplicates(duplicates: usize, data: &TrainTest) -> String {
    if duplicates == 0 {
        return String::new();
    }
    let all = thousands(data.test.len());
    format!(
        "note: {} of {all} test samples are also among the training samples: accuracies may be too \
         good.\n",
        thousands(duplicates)
    )
}

/// The sentence where `ours` gained over scratch.
fn of_gain(ours: &MethodResult, reference: Option<&MethodResult>) -> String {
    let over_scratch = more(&gain(ours), "scratch");
    let name = &ours.name;
    let best = format!("{name} is the best on these test samples: {}", accuracy(ours));
    let Some(reference) = reference else { return format!("{best}, {over_scratch}.") };
    let over = paired(ours, reference);
    let other = format!("{}, the best reference", reference.name);
    match over.ci95 {
        Some([low, _]) if low > 0.0 => {
            format!("{best}, {over_scratch} and {}.", more(&over, &other))
        }
        Some([_, high]) if high < 0.0 => format!(
            "{}, a reference, is the best on these test samples: {}, {}, which is the best method \
             of narrows and has {over_scratch}.",
            reference.name,
            accuracy(reference),
            more(&paired(reference, ours), name)
        ),
        _ => format!(
            "{best}, {over_scratch}, but it cannot be told from {other} with {}.",
            accuracy(reference)
        ),
    }
}

/// The sentence where nothing can be told from scratch.
fn of_none(ours: Option<&MethodResult>, reference: Option<&MethodResult>) -> String {
    let of = |m: &MethodResult| format!("{} {}", m.name, gained(&gain(m), 2));
    let best = match (ours, reference) {
        (Some(ours), Some(reference)) => {
            format!("{}, and the best reference, {}", of(ours), of(reference))
        }
        (Some(one), None) | (None, Some(one)) => of(one),
        (None, None) => return String::new(),
    };
    format!(
        "No method can be told from scratch by these draws (no p below 0.05); the best, in points \
         over it: {best}."
    )
}

/// That of the largest mean; of equals the first.
fn best<'m>(methods: impl Iterator<Item = &'m MethodResult>) -> Option<&'m MethodResult> {
    let mean = |m: &MethodResult| m.of_choice().estimate.mean;
    methods.reduce(|best, m| if mean(m) > mean(best) { m } else { best })
}

fn gain(method: &MethodResult) -> Gain {
    method.gain_over_scratch.clone().unwrap_or_else(|| Gain::of(&[]))
}

/// True if the method is better than scratch, and not by chance.
fn is_told(method: &MethodResult) -> bool {
    let gain = gain(method);
    gain.mean > 0.0 && gain.p.is_some_and(|p| p < LEVEL)
}

/// The mean of the differences, draw by draw.
fn paired(a: &MethodResult, b: &MethodResult) -> Gain {
    let pairs = a.of_choice().per_draw.iter().zip(&b.of_choice().per_draw);
    Gain::of(&pairs.map(|(a, b)| a - b).collect::<Vec<_>>())
}

fn accuracy(method: &MethodResult) -> String {
    format!("{} %", percent(method.of_choice().estimate.mean))
}

/// `2.10 points (1.40 to 2.80) more than svm`
fn more(gain: &Gain, than: &str) -> String {
    let ends = |[low, high]: [f64; 2]| format!(" ({} to {})", percent(low), percent(high));
    let interval = gain.ci95.map_or(String::new(), ends);
    format!("{} points{interval} more than {than}", percent(gain.mean))
}

#[cfg(test)]
mod tests {
    use super::*;
    use narrows_models::statistics::Accuracies;

    /// A method of these accuracies beside a scratch of 0.5, 0.51 and 0.49.
    fn method(name: &str, reference: bool, per_draw: [f64; 3]) -> MethodResult {
        let gains: Vec<f64> =
            per_draw.iter().zip([0.5, 0.51, 0.49]).map(|(a, scratch)| a - scratch).collect();
        let gain = Gain::of(&gains);
        let gain = Gain { p: gain.p.filter(|_| name != "scratch"), ..gain };
        MethodResult {
            name: name.to_string(),
            test_accuracy: Accuracies::of(per_draw.to_vec()),
            test_balanced_accuracy: None,
            gain_over_scratch: Some(gain),
            seconds: 1.0,
            draws: Vec::new(),
            reference,
            chosen: Vec::new(),
        }
    }

    fn said(others: &[MethodResult]) -> (String, Option<String>) {
        let mut methods = vec![method("scratch", false, [0.5, 0.51, 0.49])];
        methods.extend_from_slice(others);
        let Conclusion { sentence, best } = conclusion(&methods).unwrap();
        (sentence, best.map(str::to_string))
    }

    #[test]
    fn the_sentence_says_who_wins() {
        let vat = || method("vat", false, [0.8, 0.81, 0.8]);
        let full = || method("full", false, [0.5, 0.5, 0.5]);
        let svm = |by: f64| method("svm", true, [0.8 + by, 0.81 + by, 0.801 + by]);
        let knn = || method("knn", true, [0.3, 0.4, 0.5]);
        let best = |of: &[MethodResult]| said(of).1;

        let (sentence, winner) = said(&[full(), vat(), knn(), svm(-0.1)]);
        assert_eq!(winner.as_deref(), Some("vat"));
        assert!(
            sentence.starts_with("vat is the best on these test samples: 80.33 %, 30.33 points")
        );
        assert!(sentence.contains(" more than scratch and 9.97 points"), "{sentence}");
        assert!(sentence.ends_with(" more than svm, the best reference."), "{sentence}");

        let (sentence, winner) = said(&[vat(), svm(0.1)]);
        assert_eq!(winner.as_deref(), Some("vat"), "a reference cannot be trained here");
        assert!(sentence.starts_with("svm, a reference, is the best"), "{sentence}");
        assert!(
            sentence.contains("10.03 points") && sentence.contains("30.33 points"),
            "{sentence}"
        );

        let (sentence, _) = said(&[vat(), svm(0.0)]);
        assert!(sentence.contains("but it cannot be told from svm"), "{sentence}");
        let (sentence, _) = said(&[vat()]);
        assert!(sentence.ends_with(" more than scratch.") && !sentence.contains("reference"));

        let (sentence, winner) = said(&[full(), svm(0.0)]);
        assert_eq!(winner, None);
        assert!(
            sentence.starts_with("svm, a reference") && sentence.contains("no method of narrows")
        );
        let (sentence, winner) = said(&[full(), knn()]);
        assert_eq!(winner, None);
        assert!(sentence.starts_with("No method can be told from scratch"), "{sentence}");
        assert!(sentence.contains("full +0.00") && sentence.contains("knn -10.00"), "{sentence}");
        assert_eq!(best(&[full()]), None);
        assert!(conclusion(&[method("scratch", false, [0.5, 0.51, 0.49])]).is_none());
    }
}
