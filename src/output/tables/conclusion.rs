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
