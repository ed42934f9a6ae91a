//! What came out of a run, in a few plain sentences.

use super::metrics::Training;
use super::summary::{Accuracies, Gain, Method, Rate, Summary};
use crate::output::numbers::{counted, percent, points, significant, thousands};
use narrows_models::Transfer;
use narrows_models::statistics::{self, holm};

/// The result in large letters, and the sentences that explain it.
pub struct Headline {
    pub figure: String,
    pub unit: String,
    pub sentences: Vec<String>,
}

impl Headline {
    fn new(figure: impl Into<String>, unit: impl Into<String>, sentences: Vec<String>) -> Headline {
        Headline { figure: figure.into(), unit: unit.into(), sentences }
    }
}

/// The headline of a run that goes on.
pub fn of_unfinished(trainings: &[Training]) -> Headline {
    let epochs = trainings.iter().map(|training| training.epochs.len()).sum::<usize>();
    let last = match trainings {
        [] => "No epoch has ended yet.".to_string(),
        [.., last] => format!(
            "The last training is {:?}. This page asks for more every few seconds.",
            last.name
        ),
    };
    let unit = if epochs == 1 { "epoch so far" } else { "epochs so far" };
    let begun =
        format!("{} began, and the run has no result yet.", counted(trainings.len(), "training"));
    Headline::new(thousands(epochs), unit, vec![begun, last])
}

/// The headline of a run.
pub fn headline(summary: &Summary) -> Headline {
    let measure = summary.measure();
    if let Some(tuned) = &summary.tuned {
        return of_study(summary, tuned.test.clone(), measure);
    }
    if summary.command == "evaluate" && !summary.methods.is_empty() {
        return of_probes(summary);
    }
    if !summary.methods.is_empty() {
        return of_methods(&summary.methods, summary.labels, measure);
    }
    if !summary.points.is_empty() {
        return of_points(summary, measure);
    }
    if let Some(rate) = &summary.test_accuracy {
        let of = format!(
            "{}: {} of {} test samples are classified correctly.",
            interval(rate),
            thousands(rate.correct),
            thousands(rate.of)
        );
        return Headline::new(rate_text(rate), "test accuracy", vec![of]);
    }
    if let Some(rate) = &summary.validation_accuracy {
        let method = summary.method.as_deref().unwrap_or("The method");
        let labels =
            summary.labels.map_or(String::new(), |n| format!(" on {}", counted(n, "label")));
        let sentences = vec![
            format!(
                "{}: {method}{labels} classifies {} of {} validation samples correctly.",
                interval(rate),
                thousands(rate.correct),
                thousands(rate.of)
            ),
            "The epoch was chosen by these samples, so expect less elsewhere. No test label was \
             looked at: narrows evaluate does that."
                .to_string(),
        ];
        return Headline::new(rate_text(rate), "validation accuracy", sentences);
    }
    if let Some(autoencoder) = &summary.autoencoder {
        return of_autoencoder(summary, autoencoder.test_mse, autoencoder.latent);
    }
    if let Some(mse) = summary.test_mse {
        let unit = "mean squared error per value, on test samples";
        return Headline::new(significant(mse, 4), unit, Vec::new());
    }
    if let (Some(trial), Some(value)) = (summary.best_trial, summary.best_value) {
        let trials =
            summary.trials.map_or(String::new(), |n| format!(" of {}", counted(n, "trial")));
        let sentence =
            format!("Trial {trial} is the best{trials}, by samples held out of training.");
        return Headline::new(significant(value, 4), "error held out", vec![sentence]);
    }
    if let (Some(mean), Some(rows)) = (summary.mean, summary.rows) {
        let name = summary.score.as_deref().unwrap_or("score");
        let sentence = format!("The mean score ({name}) of {}.", counted(rows, "row"));
        return Headline::new(significant(mean, 4), "mean score", vec![sentence]);
    }
    let rows = summary.rows.map_or(String::new(), |rows| counted(rows, "row"));
    Headline::new(rows, summary.command.clone(), Vec::new())
}

fn rate_text(rate: &Rate) -> String {
    rate.mean.map_or("unknown".to_string(), |mean| format!("{} %", percent(mean)))
}

fn interval(rate: &Rate) -> String {
    format!("95 % interval {} to {} %", percent(rate.ci95[0]), percent(rate.ci95[1]))
}

/// `+1.45 points (95 % interval -0.76 to +3.66)`.
fn gained(gain: Gain) -> String {
    let range = gain.ci95.map_or(String::new(), |[low, high]| {
        format!(" (95 % interval {} to {})", points(low), points(high))
    });
    format!("{} points{range}", points(gain.mean))
}

/// A method against training from scratch.
pub struct Compared<'m> {
    pub method: &'m Method,
    pub gain: Gain,
    /// By Holm's procedure over the methods.
    pub p: Option<f64>,
}

/// The method that all others are compared with.
pub fn is_scratch(method: &Method) -> bool {
    method.name == Transfer::Scratch.name()
}

/// The methods that a gain over scratch was measured of.
pub fn compared(methods: &[Method]) -> Vec<Compared<'_>> {
    let scratch = methods.iter().find(|method| is_scratch(method));
    let others: Vec<(&Method, Gain)> = methods
        .iter()
        .filter(|method| !is_scratch(method))
        .filter_map(|method| Some((method, method.gain_over_scratch?)))
        .collect();
    let own = |method: &Method| {
        let (of, base) = (&method.test_accuracy.per_draw, &scratch?.test_accuracy.per_draw);
        let differences: Vec<f64> = of.iter().zip(base).map(|(a, b)| a - b).collect();
        (of.len() == base.len() && !of.is_empty())
            .then(|| statistics::Gain::of(&differences).p)
            .flatten()
    };
    let raw: Vec<Option<f64>> = others.iter().map(|(method, _)| own(method)).collect();
    let known: Vec<f64> = raw.iter().copied().flatten().collect();
    let mut adjusted = holm(&known).into_iter();
    let each = others.into_iter().zip(raw);
    each.map(|((method, gain), p)| {
        let p = p.and_then(|_| adjusted.next());
        Compared { method, gain, p: method.p.or(p) }
    })
    .collect()
}

/// The one that gained most.
fn best<'c, 'm>(compared: &'c [Compared<'m>]) -> Option<&'c Compared<'m>> {
    compared.iter().max_by(|a, b| a.gain.mean.total_cmp(&b.gain.mean))
}

fn is_above(gain: Gain) -> bool {
    gain.ci95.is_some_and(|[low, _]| low > 0.0)
}

fn of_methods(methods: &[Method], labels: Option<usize>, measure: &str) -> Headline {
    let compared = compared(methods);
    let with = labels.map_or(String::new(), |n| format!(" with {}", counted(n, "label")));
    let scratch = methods.iter().find(|method| is_scratch(method));
    let (Some(best), Some(scratch)) = (best(&compared), scratch) else {
        let by_mean =
            |a: &&Method, b: &&Method| a.test_accuracy.mean.total_cmp(&b.test_accuracy.mean);
        let Some(best) = methods.iter().max_by(by_mean) else {
            return Headline::new("", "", Vec::new());
        };
        let figure = format!("{} %", percent(best.test_accuracy.mean));
        let nothing = "Training from scratch was not measured, so there is no gain to show.";
        let sentence = format!("{} is the mean test {measure}{with} of {}.", figure, best.name);
        let unit = format!("test {measure}");
        return Headline::new(figure, unit, vec![sentence, nothing.to_string()]);
    };
    let (name, gain) = (&best.method.name, best.gain);
    let draws = best.method.test_accuracy.per_draw.len();
    let means = format!(
        "Mean test {measure}{with} over {}: {name} {} %, scratch {} %.",
        counted(draws, "draw"),
        percent(best.method.test_accuracy.mean),
        percent(scratch.test_accuracy.mean)
    );
    let others = compared.len();
    let first = match (gain.ci95, gain.mean > 0.0) {
        (_, false) => format!(
            "Nothing was gained: no method is above training from scratch. The nearest, {name}, \
             is at {}.",
            gained(gain)
        ),
        (None, true) => format!(
            "{name} is {} above training from scratch. Without an interval this may be chance.",
            gained(gain)
        ),
        (Some(_), true) if !is_above(gain) => format!(
            "No gain that can be told from chance: the best method, {name}, is at {} against \
             training from scratch, and the interval includes 0.",
            gained(gain)
        ),
        (Some(_), true) if best.p.is_some_and(|p| p >= 0.05) => format!(
            "{name} gained {} over training from scratch. As the best of {others} methods that \
             may still be chance: p = {:.3} by Holm's procedure.",
            gained(gain),
            best.p.unwrap_or(1.0)
        ),
        (Some(_), true) => {
            format!("{name} gained {} over training from scratch.", gained(gain))
        }
    };
    let mut sentences = vec![first, means];
    let lost: Vec<&str> = compared
        .iter()
        .filter(|other| other.gain.ci95.is_some_and(|[_, high]| high < 0.0))
        .map(|other| &other.method.name[..])
        .collect();
    if !lost.is_empty() {
        sentences.push(format!("Worse than scratch beyond chance: {}.", lost.join(", ")));
    }
    if others > 1 && gain.mean > 0.0 {
        sentences.push(format!(
            "The best of {others} methods by the test looks better than it is: part of its lead \
             is luck."
        ));
    }
    Headline::new(points(gain.mean), format!("points, {name} over scratch"), sentences)
}

fn of_points(summary: &Summary, measure: &str) -> Headline {
    let all: Vec<(usize, Vec<Compared<'_>>)> =
        summary.points.iter().map(|point| (point.labels, compared(&point.methods))).collect();
    let greatest = all.iter().filter_map(|(labels, of)| Some((*labels, best(of)?)));
    let by_gain = |a: &(usize, &Compared<'_>), b: &(usize, &Compared<'_>)| {
        a.1.gain.mean.total_cmp(&b.1.gain.mean)
    };
    let Some((labels, most)) = greatest.max_by(by_gain) else {
        let nothing = "Training from scratch was not measured, so there is no gain to show.";
        let unit = format!("of labels, test {measure}");
        let figure = counted(summary.points.len(), "number");
        return Headline::new(figure, unit, vec![nothing.to_string()]);
    };
    let (name, gain) = (&most.method.name, most.gain);
    let pairs = all.iter().map(|(_, of)| of.len()).sum::<usize>();
    let above = all.iter().flat_map(|(_, of)| of).filter(|one| is_above(one.gain)).count();
    let most_at = format!("The most is at {}: {name}, {}.", counted(labels, "label"), gained(gain));
    let first = match (above, gain.mean > 0.0) {
        (_, false) => "Nothing was gained over training from scratch at any number of labels.",
        (0, true) => {
            "No gain over training from scratch that can be told from chance, at any number of \
             labels."
        }
        _ => "",
    };
    let mut sentences = vec![first.to_string(), most_at];
    if above > 0 {
        sentences[0] = format!(
            "Of {} of a method with a number of labels, {above} gained over training from scratch, \
             by an interval above 0.",
            counted(pairs, "pair")
        );
    }
    let figure = points(gain.mean);
    Headline::new(figure, format!("points, {name} over scratch at {labels} labels"), sentences)
}

fn of_study(summary: &Summary, tuned: Accuracies, measure: &str) -> Headline {
    let trial = summary.best_trial.map_or(String::new(), |n| format!("trial {n}"));
    let Some(defaults) = &summary.defaults else {
        let figure = format!("{} %", percent(tuned.mean));
        let sentence = "There is no test of the defaults to compare with: either none was better, \
                        or the time was too short.";
        let unit = format!("test {measure} of the best settings");
        return Headline::new(figure, unit, vec![sentence.to_string()]);
    };
    let pairs = tuned.per_draw.iter().zip(&defaults.test.per_draw);
    let gain = statistics::Gain::of(&pairs.map(|(a, b)| a - b).collect::<Vec<_>>());
    let gain = Gain { mean: gain.mean, ci95: gain.ci95 };
    let gain = match gain.mean.is_finite() {
        true => gain,
        false => Gain { mean: tuned.mean - defaults.test.mean, ci95: None },
    };
    let first = match (is_above(gain), gain.mean > 0.0) {
        (true, _) => {
            format!("The best settings, {trial}, gained {} over the defaults.", gained(gain))
        }
        (false, true) => format!(
            "No gain over the defaults that can be told from chance: {trial} is at {}.",
            gained(gain)
        ),
        (false, false) => {
            format!("Nothing was gained over the defaults: {trial} is at {}.", gained(gain))
        }
    };
    let means = format!(
        "Mean test {measure} over {} of their own: {trial} {} %, defaults {} %.",
        counted(tuned.per_draw.len(), "draw"),
        percent(tuned.mean),
        percent(defaults.test.mean)
    );
    Headline::new(points(gain.mean), "points, tuned over defaults", vec![first, means])
}

fn of_probes(summary: &Summary) -> Headline {
    let by_mean = |a: &&Method, b: &&Method| a.test_accuracy.mean.total_cmp(&b.test_accuracy.mean);
    let Some(best) = summary.methods.iter().max_by(by_mean) else {
        return Headline::new("", "", Vec::new());
    };
    let (measure, accuracy) = (summary.measure(), &best.test_accuracy);
    let range = accuracy.ci95.map_or(String::new(), |[low, high]| {
        format!(" (95 % interval {} to {} %)", percent(low), percent(high))
    });
    let sentence = format!(
        "The latent codes alone, by the probe {}: {} %{range} over {}.",
        best.name,
        percent(accuracy.mean),
        counted(accuracy.per_draw.len(), "draw")
    );
    let figure = format!("{} %", percent(accuracy.mean));
    Headline::new(figure, format!("test {measure} of the best probe"), vec![sentence])
}

fn of_autoencoder(summary: &Summary, mse: f64, latent: usize) -> Headline {
    let mut sentences = vec![format!(
        "The autoencoder's mean squared error per value on test samples, from a latent code of {}.",
        counted(latent, "value")
    )];
    if let Some(pca) = &summary.pca {
        let ratio = mse / pca.test_mse;
        let word = if ratio < 1.0 { "less" } else { "not less" };
        sentences.push(format!(
            "PCA with {} has {}: the autoencoder's error is {word} than the best linear code's, \
             {} times as large.",
            counted(pca.components, "component"),
            significant(pca.test_mse, 4),
            significant(ratio, 3)
        ));
    }
    Headline::new(significant(mse, 4), "test error", sentences)
}

#[cfg(test)]
mod tests;
