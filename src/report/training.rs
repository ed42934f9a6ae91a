//! Losses and accuracies by epoch: a small chart for each method, all on the same scale.

use super::chart::{Chart, Field, Figure, WIDTH, roomy};
use super::files::Run;
use super::html::{Html, all, element, paragraph, text};
use super::metrics::{Epoch, Training, thinned};
use super::table::{Cell, Table};
use crate::output::numbers::{counted, duration, percent, significant};
use crate::output::plot::scale::Scale;

/// The methods that have a chart.
const MOST_METHODS: usize = 16;
/// The draws that a chart shows.
const MOST_DRAWS: usize = 20;
/// The points of all charts together.
const POINTS: usize = 40_000;
/// The points of a line at most.
const MOST_POINTS: usize = 400;
/// A loss is on a logarithmic axis from this ratio on.
const WIDE: f64 = 20.0;

/// The trainings of one method.
struct Method<'t> {
    name: &'t str,
    trainings: Vec<&'t Training>,
}

/// What a chart shows of an epoch.
#[derive(Clone, Copy, PartialEq)]
enum Measure {
    Loss,
    Accuracy,
}

pub fn section(run: &Run) -> Option<Html> {
    let methods = methods(&run.trainings);
    if methods.is_empty() {
        return None;
    }
    let drawn = &methods[..methods.len().min(MOST_METHODS)];
    let lines: usize = drawn.iter().map(|of| 3 * of.trainings.len().min(MOST_DRAWS)).sum();
    let most = (POINTS / lines.max(1)).clamp(8, MOST_POINTS);
    let (unsupervised, classifiers): (Vec<_>, Vec<_>) =
        drawn.iter().partition(|method| !method.has(|epoch| epoch.validation_accuracy));
    let mut figures = Vec::new();
    for (group, measures) in [
        (&unsupervised, &[Measure::Loss][..]),
        (&classifiers, &[Measure::Loss, Measure::Accuracy][..]),
    ] {
        for &measure in measures {
            let scale = scale(group, measure);
            let charts = group.iter().map(|method| figure(method, measure, scale, most));
            figures.extend(charts);
        }
    }
    let mut section = paragraph(
        "key",
        "Dashed: training split. Solid: validation split, held out of training. One pair of lines \
         for each label draw; charts of the same measure have the same scale.",
    );
    section.push(element("div", &[("class", "figures small")], all(figures)));
    if methods.len() > drawn.len() {
        let left = methods.len() - drawn.len();
        let note = format!("The first {MOST_METHODS} are drawn; {} more are not.", left);
        section.push(element("p", &[("class", "note")], text(note)));
    }
    Some(section)
}

/// The trainings by method: a name is `METHOD draw N lr RATE`.
fn methods(trainings: &[Training]) -> Vec<Method<'_>> {
    let mut methods: Vec<Method<'_>> = Vec::new();
    for training in trainings {
        let name = training.name.split_once(" draw ").map_or(&training.name[..], |(name, _)| name);
        match methods.iter_mut().find(|method| method.name == name) {
            Some(method) => method.trainings.push(training),
            None => methods.push(Method { name, trainings: vec![training] }),
        }
    }
    methods
}

impl Method<'_> {
    fn has(&self, value: impl Fn(&Epoch) -> f64) -> bool {
        self.epochs().any(|epoch| value(epoch).is_finite())
    }

    fn epochs(&self) -> impl Iterator<Item = &Epoch> {
        self.trainings.iter().take(MOST_DRAWS).flat_map(|training| &training.epochs)
    }
}

/// The scale that holds a measure of all these methods.
fn scale(methods: &[&Method<'_>], measure: Measure) -> Option<Scale> {
    let epochs = || methods.iter().flat_map(|method| method.epochs());
    match measure {
        Measure::Accuracy => roomy(epochs().map(|epoch| 100.0 * epoch.validation_accuracy), false),
        Measure::Loss => {
            let losses = epochs().flat_map(|epoch| [epoch.train_loss, epoch.validation_loss]);
            let scale = Scale::over(losses, false, false)?;
            let log = scale.low > 0.0 && scale.high / scale.low > WIDE;
            if log { Some(Scale { log, ..scale }) } else { roomy([scale.low, scale.high], false) }
        }
    }
}

fn figure(method: &Method<'_>, measure: Measure, scale: Option<Scale>, most: usize) -> Html {
    let word = match measure {
        Measure::Loss => "loss",
        Measure::Accuracy => "validation accuracy, %",
    };
    let title = format!("{}: {word}", method.name);
    let epochs = Scale::over(method.epochs().map(|epoch| epoch.epoch), false, true);
    let mut chart = Chart::new(220.0);
    if let Some((x, y)) = epochs.zip(scale) {
        let field = Field { left: 52.0, top: 20.0, right: WIDTH - 12.0, bottom: 178.0, x, y };
        field.draw(&mut chart, "epoch", if y.log { "loss, logarithmic" } else { word });
        for training in method.trainings.iter().take(MOST_DRAWS) {
            let mut line = |class: &str, value: &dyn Fn(&Epoch) -> f64| {
                let points = training.epochs.iter().map(|epoch| (epoch.epoch, value(epoch)));
                let points: Vec<(f64, f64)> =
                    thinned(points, most).into_iter().filter_map(|(x, y)| field.at(x, y)).collect();
                match points[..] {
                    [] => {}
                    [only] => chart.dot("point", only, 3.0, ""),
                    _ => chart.path(class, &points),
                }
            };
            match measure {
                Measure::Loss => {
                    line("trained", &|epoch| epoch.train_loss);
                    line("validated", &|epoch| epoch.validation_loss);
                }
                Measure::Accuracy => line("validated", &|epoch| 100.0 * epoch.validation_accuracy),
            }
        }
    }
    let table = table(method, measure);
    let trainings = counted(method.trainings.len(), "training");
    let note = match measure {
        Measure::Loss if method.has(|epoch| epoch.validation_loss) => {
            "Training split dashed, validation split solid."
        }
        Measure::Loss => "Training split.",
        Measure::Accuracy => "Validation split.",
    };
    let description = format!("{trainings} of {}, {word} by epoch. {}", method.name, ends(method));
    Figure { title: &title, note, description: &description, legend: Html::default(), table }
        .html(chart)
}

/// Where the first training ends, in words.
fn ends(method: &Method<'_>) -> String {
    let Some(last) = method.trainings.first().and_then(|training| training.epochs.last()) else {
        return String::new();
    };
    let part = |name: &str, x: f64| match x.is_finite() {
        true => format!(" {name} {};", significant(x, 4)),
        false => String::new(),
    };
    format!(
        "The first ends at epoch {}:{}{}{}",
        last.epoch,
        part("training loss", last.train_loss),
        part("validation loss", last.validation_loss),
        part("validation accuracy", last.validation_accuracy)
    )
}

/// A row for each training: where it was best and where it ended.
fn table(method: &Method<'_>, measure: Measure) -> Table {
    let columns: &[&str] = match measure {
        Measure::Loss => &[
            "training",
            "epochs",
            "last loss, training",
            "least loss, validation",
            "at epoch",
            "last loss, validation",
            "time",
        ],
        Measure::Accuracy => {
            &["training", "epochs", "best accuracy, %, validation", "at epoch", "last, %"]
        }
    };
    let name = match measure {
        Measure::Loss => "losses",
        Measure::Accuracy => "accuracies",
    };
    let mut table = Table::new(name, format!("{}: training and validation", method.name), columns);
    let finite = |x: f64| Some(x).filter(|x| x.is_finite());
    for training in &method.trainings {
        let epochs = &training.epochs;
        let Some(last) = epochs.last() else { continue };
        let value = |epoch: &&Epoch| match measure {
            Measure::Loss => -epoch.validation_loss,
            Measure::Accuracy => epoch.validation_accuracy,
        };
        let best = epochs
            .iter()
            .filter(|epoch| value(epoch).is_finite())
            .max_by(|a, b| value(a).total_cmp(&value(b)));
        let shown = |x: f64| significant(x, 4);
        let at = Cell::optional(best.map(|best| best.epoch), |x| x.to_string());
        let name = Cell::text(&training.name);
        let count = Cell::number(epochs.len() as f64, epochs.len().to_string());
        match measure {
            Measure::Loss => table.row([
                name,
                count,
                Cell::optional(finite(last.train_loss), shown),
                Cell::optional(best.map(|best| best.validation_loss), shown),
                at,
                Cell::optional(finite(last.validation_loss), shown),
                Cell::optional(finite(epochs.iter().map(|epoch| epoch.seconds).sum()), duration),
            ]),
            Measure::Accuracy => table.row([
                name,
                count,
                Cell::optional(best.map(|best| best.validation_accuracy), percent),
                at,
                Cell::optional(finite(last.validation_accuracy), percent),
            ]),
        }
    }
    table
}
