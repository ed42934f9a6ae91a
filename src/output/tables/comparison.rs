//! The table of `narrows compare`.

use super::conclusion::{Conclusion, conclusion};
use super::estimate::{UNKNOWN, cells, gained, is_unknown};
use super::reconstruction::{data_line, reconstruction};
use crate::output::numbers::{counted, duration, p_value, percent, thousands};
use narrows_datasets::TrainTest;
use narrows_models::compare::ComparisonResult;
use narrows_models::curve::{Curve, MethodResult, Point};
use narrows_models::methods::Tried;
use narrows_models::statistics::Gain;
use narrows_models::{Metric, Transfer};

/// The method that the gains refer to.
const SCRATCH: &str = "scratch";

/// The results of a comparison, which is a curve of one point.
pub fn table(curve: &Curve<'_>, result: &ComparisonResult, seconds: f64) -> String {
    let ComparisonResult { pretrained, methods, tried, .. } = result;
    let TrainTest { train, test } = curve.data;
    let Point { labels, validation, finetuning } = &curve.points[0];
    let mut text = data_line(train.name(), pretrained.unlabelled, test.len());
    text += &format!(
        "\n{} of {} to train on and {} to validate; {} in all\n\n",
        counted(curve.draws, "draw"),
        counted(*labels, "label"),
        thousands(*validation),
        duration(seconds)
    );
    text += &reconstruction(&pretrained.pca, &pretrained.autoencoder);
    let accuracy = match finetuning.metric {
        Metric::Accuracy => "test accuracy, %",
        Metric::Balanced => "balanced test, %",
    };
    text += &format!(
        "\n{:<16} {accuracy:>16} {:>16}    {:<28} {:>5} {:>11}\n",
        "classification", "95 % interval", "gain over scratch, points", "p", "time"
    );
    for method in methods.iter().filter(|method| !method.reference) {
        text += &method_line(method);
    }
    let references = methods.iter().filter(|method| method.reference).map(method_line);
    let references: String = references.collect();
    if !references.is_empty() {
        text += &format!("\nreferences, on the same labels\n{references}");
    }
    text += "\nlearning rate    chosen on so many draws\n";
    for method in methods {
        let of = if method.name == Transfer::Linear.name() { "L2 " } else { "" };
        text += &wrapped(&format!("{:<16} {of}{}", method.name, rates(&method.chosen)), 100);
    }
    text += &trials(tried);
    text += "\n";
    text += &verdict(methods, curve.draws);
    if let Some(Conclusion { sentence, .. }) = conclusion(methods) {
        text += &format!("\n{}", wrapped(&sentence, 100));
    }
    if finetuning.metric == Metric::Balanced {
        text += "Balanced accuracy: the mean of the accuracies of the classes.\n";
    }
    text
}

/// The methods that were tried on the first draw.
fn trials(tried: &[Tried]) -> String {
    let Some(first) = tried.first() else { return String::new() };
    let best = tried.iter().fold(first, |best, t| if t.is_better_than(best) { t } else { best });
    let mut text = format!(
        "\n{:<16} {:>16} {:>16} {:>12}\n",
        "tried on draw 0", "validation, %", "epochs", "time"
    );
    for t in tried {
        if let Some(failed) = &t.failed {
            text += &format!("{:<16} {:>16}  {failed}\n", t.name, "failed");
            continue;
        }
        let accuracy = percent(t.validation_accuracy);
        text += &format!(
            "{:<16} {accuracy:>16} {:>16} {:>12}\n",
            t.name,
            thousands(t.epochs),
            duration(t.seconds)
        );
    }
    let weak = tried.iter().filter(|t| t.failed.is_none() && t.epochs <= 1);
    let weak: Vec<&str> = weak.map(|t| &t.name[..]).collect();
    text += &format!("{} was chosen.\n", best.name);
    if !weak.is_empty() {
        let had = if weak.len() == 1 { "has" } else { "have" };
        let sentence = format!(
            "The choice is weak: {} {had} had one epoch at most. Give --auto more time.",
            listed(&weak)
        );
        text += &wrapped(&sentence, 100);
    }
    text
}

fn method_line(method: &MethodResult) -> String {
    let MethodResult { name, gain_over_scratch, seconds, .. } = method;
    let [accuracy, interval] = cells(&method.of_choice().estimate);
    let gain = gain_over_scratch.as_ref().filter(|_| name != SCRATCH);
    let gained = gain.map_or("baseline".to_string(), |gain| {
        let mark = if is_above(gain) || is_below(gain) { " *" } else { "" };
        gained(gain, draws(method)) + mark
    });
    let time = duration(*seconds);
    let p = gain.and_then(|gain| gain.p).map_or(String::new(), p_value);
    format!("{name:<16} {accuracy:>16} {interval:>16}    {gained:<28} {p:>5} {time:>11}\n")
}

/// Each rate and how often it was chosen, from the smallest on: `0.01 x7, 0.03 x3`. Settings that
/// are no numbers stand behind these.
fn rates(chosen: &[String]) -> String {
    let mut sorted = chosen.to_vec();
    let number = |text: &String| text.parse().unwrap_or(f64::INFINITY);
    sorted.sort_by(|a, b| number(a).total_cmp(&number(b)).then_with(|| a.cmp(b)));
    let counts = sorted.chunk_by(|a, b| a == b).map(|same| format!("{} x{}", same[0], same.len()));
    counts.collect::<Vec<_>>().join(", ")
}

fn draws(method: &MethodResult) -> usize {
    method.of_choice().per_draw.len()
}

/// True if the whole interval of the gain lies above 0.
fn is_above(gain: &Gain) -> bool {
    gain.ci95.is_some_and(|[low, _]| low > 0.0)
}

/// True if it lies below 0.
fn is_below(gain: &Gain) -> bool {
    gain.ci95.is_some_and(|[_, high]| high < 0.0)
}

/// The gains of the methods, as plainly as the numbers allow. No method is singled out: the best of
/// several, chosen by the test set, looks better than it is.
fn verdict<'m>(methods: &'m [MethodResult], count: usize) -> String {
    let others = methods.iter().filter(|m| m.name != SCRATCH);
    let (references, others): (Vec<_>, Vec<_>) = others.partition(|m| m.reference);
    if others.is_empty() && references.is_empty() {
        return "Only the baseline was trained: there is nothing to compare it to.\n".to_string();
    }
    if count == 1 {
        return "One draw cannot tell a gain from luck: ask for more by --draws.\n".to_string();
    }
    let names = |of: &[&'m MethodResult], wanted: fn(&Gain) -> bool| -> Vec<&'m str> {
        let found = of.iter().filter(|m| m.gain_over_scratch.as_ref().is_some_and(wanted));
        found.map(|m| &m.name[..]).collect()
    };
    let (gained, lost) = (names(&others, is_above), names(&others, is_below));
    let open = names(&others, |gain| !is_above(gain) && !is_below(gain));
    let above = names(&references, is_above);
    let mut parts = Vec::new();
    if !gained.is_empty() {
        parts.push(format!("{} gained", listed(&gained)));
    }
    if !lost.is_empty() {
        parts.push(format!("{} lost", listed(&lost)));
    }
    if !open.is_empty() {
        let what = if parts.is_empty() { "showed no clear gain or loss" } else { "showed neither" };
        parts.push(format!("{} {what}", listed(&open)));
    }
    if !above.is_empty() {
        parts.push(format!("of the references {} gained", listed(&above)));
    }
    let marked = if open.len() < others.len() {
        "* The 95 % interval of the gain leaves out 0. "
    } else {
        ""
    };
    let sentence = format!("{marked}Against training from scratch: {}.", parts.join("; "));
    let tested = "p: how likely such a gain is where there is none (paired t-test, by Holm's \
                  procedure over the methods).";
    let others = || others.iter().chain(&references);
    let is_unknown = |m: &&&MethodResult| is_unknown(m.gain_over_scratch.as_ref(), draws(m));
    let unknown = if others().any(|m| is_unknown(&m)) { UNKNOWN } else { "" };
    wrapped(&sentence, 100) + &wrapped(tested, 100) + unknown
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => one.to_string(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Breaks a line between words.
fn wrapped(text: &str, width: usize) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > 0 {
            let fits = column + 1 + length <= width;
            out.push(if fits { ' ' } else { '\n' });
            column = if fits { column + 1 } else { 0 };
        }
        out += word;
        column += length;
    }
    out + "\n"
}

#[cfg(test)]
mod tests {
    use super::{UNKNOWN, method_line, rates, verdict};
    use narrows_models::curve::MethodResult;
    use narrows_models::statistics::{Accuracies, Gain};

    /// A method with such gains, draw by draw.
    fn method(name: &str, gains: &[f64]) -> MethodResult {
        MethodResult {
            name: name.to_string(),
            test_accuracy: Accuracies::of(vec![0.5; gains.len()]),
            test_balanced_accuracy: None,
            gain_over_scratch: Some(Gain::of(gains)),
            seconds: 1.0,
            reference: false,
            draws: Vec::new(),
            chosen: Vec::new(),
        }
    }

    /// The first sentences of the verdict on methods with such gains on two draws.
    fn said(gains: &[(&str, [f64; 2])]) -> String {
        let scratch = ("scratch", [0.0; 2]);
        let of = |(name, gains): &(&str, [f64; 2])| method(name, gains);
        let methods: Vec<MethodResult> = [scratch].iter().chain(gains).map(of).collect();
        let text = verdict(&methods, 2).replace('\n', " ");
        text.split_once(" p:").map_or(text.clone(), |(said, _)| said.to_string())
    }

    #[test]
    fn the_verdict_names_what_gained_and_what_lost() {
        let (up, down, open) = ([0.1, 0.101], [-0.1, -0.101], [0.1, -0.1]);
        let marked =
            "* The 95 % interval of the gain leaves out 0. Against training from scratch: ";
        assert_eq!(
            said(&[("full", open), ("vat", up), ("freeze", down), ("slow", open), ("lp-ft", up)]),
            format!("{marked}vat and lp-ft gained; freeze lost; full and slow showed neither.")
        );
        assert_eq!(said(&[("vat", up)]), format!("{marked}vat gained."));
        assert_eq!(
            said(&[("full", open), ("slow", open)]),
            "Against training from scratch: full and slow showed no clear gain or loss."
        );
        let same = said(&[("full", [0.1; 2]), ("vat", up)]);
        assert_eq!(same, format!("{marked}vat gained; full showed neither."));
        assert_eq!(
            said(&[]).trim_end(),
            "Only the baseline was trained: there is nothing to compare it to."
        );
    }

    #[test]
    fn a_gain_that_is_the_same_on_every_draw_is_unknown() {
        let full = method("full", &[-1.0 / 3.0; 2]);
        let line = method_line(&full);
        assert!(line.contains("-33.33 (unknown)   ") && !line.contains(['*', '<']), "{line}");
        let methods = [method("scratch", &[0.0; 2]), full, method("slow", &[0.0; 2])];
        assert!(verdict(&methods, 2).ends_with(UNKNOWN));
        assert!(method_line(&methods[2]).contains("+0.00 (+0.00 to +0.00)"));
        assert!(!verdict(&methods[2..], 2).contains(UNKNOWN));
    }

    #[test]
    fn rates_are_counted_from_the_smallest_on() {
        let chosen = ["0.03", "0.01", "0.03", "0.003", "k 3"].map(String::from);
        assert_eq!(rates(&chosen), "0.003 x1, 0.01 x1, 0.03 x2, k 3 x1");
        assert_eq!(rates(&[]), "");
    }
}
