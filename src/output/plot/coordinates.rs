//! Parallel coordinates: an axis for each parameter and the last for the value, a line for each
//! trial.
//!
//! ```text
//! finetune-lr   activation    dropout     accuracy, %
//!    | 0.1         | relu        | 0.5        | 93.2
//!    |             |             |            |
//!    | 0.001       | gelu        | 0          | 81.4
//!                                o not set
//! ```

use super::colour::axis;
use super::legend::legend;
use super::page::{
    Area, Drawn, Heading, LINE, MARGIN, Measure, label, page, shortened, width as text_width,
    wrapped, write,
};
use super::scale::Scale;
use super::trials::Trials;
use crate::error::Error;
use crate::output::numbers::thousands;
use narrows_models::tuning::{Domain, Parameter, Space, State, Study, Trial};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

/// The parameters that a picture has room for.
const MOST_PARAMETERS: usize = 12;
/// The lines that a name may take.
const NAME_LINES: usize = 5;
/// The least width of a page, and of an axis with its texts.
const WIDTH: i32 = 860;
const AXIS_WIDTH: i32 = 104;
/// The height of the axes.
const HEIGHT: i32 = 340;
/// From the foot of an axis to the mark of trials without its parameter.
const NOT_SET: i32 = 26;

/// The pixels of a place on an axis; upper ends are the higher values.
#[derive(Clone, Copy)]
struct Frame {
    top: i32,
    /// From the middle of an axis to the next.
    apart: i32,
}

enum Kind {
    Numbers(Scale),
    Texts(Vec<String>),
    /// Without any value.
    Empty,
}

struct Axis {
    name: Vec<String>,
    kind: Kind,
    /// True if trials go past it.
    past: bool,
}

/// Draws the trials of a study, coloured from poor to good, the best one thick; those that were
/// paused or pruned are grey and have no value. The space gives the axes: if it has more
/// parameters than a picture has room for, the first ones are drawn.
pub fn coordinates(
    study: &Study,
    space: &Space,
    title: &str,
    measure: &Measure<'_>,
) -> Result<String, Error> {
    let trials = Trials::new(study, "", |_| true);
    let parameters = &space.parameters[..space.parameters.len().min(MOST_PARAMETERS)];
    let mut values = Axis::of_values(&trials, measure);
    // The last numbers need no more of an axis' width than its right half has.
    let texts = values.ticks().into_iter().map(|(_, text)| text_width(&text));
    let last = (texts.max().unwrap_or(0) + MARGIN + 8 - AXIS_WIDTH / 2).max(0);
    let axes = parameters.len() as i32 + 1;
    let width = WIDTH.max(AXIS_WIDTH * axes + last);
    let apart = (width - last) / axes;
    values.name = wrapped(&measure.axis(), apart - 10, NAME_LINES);
    let drawn: Vec<&Trial> = trials.lines().map(|(trial, _)| trial).collect();
    let mut axes: Vec<Axis> =
        parameters.iter().map(|parameter| Axis::new(parameter, &drawn, apart)).collect();
    axes.push(values);

    let mut notes = trials.notes.clone();
    if space.parameters.len() > parameters.len() {
        let all = thousands(space.parameters.len());
        notes += &format!(" Parameters: the first {MOST_PARAMETERS} of {all} are drawn.");
    }
    let heading = Heading::new(title, &notes, width);
    let name_lines = axes.iter().map(|axis| axis.name.len()).max().unwrap_or(0) as i32;
    let frame = Frame { top: heading.height() + LINE * name_lines + 20, apart };
    let height = frame.top + HEIGHT + NOT_SET + 3 * LINE + MARGIN;
    let description = description(&trials, parameters, measure);
    page((width as u32, height as u32), title, &description, |area| {
        heading.draw(area)?;
        lines(area, &trials, parameters, &axes, frame, measure)?;
        for (i, axis) in (0..).zip(&axes) {
            axis.draw(area, frame.x(i), frame)?;
        }
        legend(area, &trials, measure, height - MARGIN - LINE / 2)
    })
}

fn description(trials: &Trials<'_>, parameters: &[Parameter], measure: &Measure<'_>) -> String {
    let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    let mut text = format!(
        "Parallel coordinates of trials. Axes: {}. {}",
        [&names[..], &[measure.axis().as_str()]].concat().join("; "),
        trials.notes
    );
    if let (Some(best), Some(said)) = (trials.best(), trials.best_text(measure)) {
        let values = best.values.iter().map(|(name, value)| format!("{name} = {value}"));
        let values: Vec<String> = values.collect();
        text += &format!(" The best is {said}, with {}.", values.join("; "));
    }
    text
}

fn lines(
    area: &Area<'_>,
    trials: &Trials<'_>,
    parameters: &[Parameter],
    axes: &[Axis],
    frame: Frame,
    measure: &Measure<'_>,
) -> Drawn {
    for (trial, style) in trials.lines() {
        let mut line: Vec<(i32, i32)> = (0..)
            .zip(parameters.iter().zip(axes))
            .map(|(i, (parameter, axis))| (frame.x(i), frame.y(axis.of(trial, &parameter.name))))
            .collect();
        if let (State::Complete, Some(Axis { kind: Kind::Numbers(scale), .. }), Some(value)) =
            (trial.state, axes.last(), trial.value)
        {
            line.push((
                frame.x(parameters.len() as i32),
                frame.y(scale.place(measure.shown(value))),
            ));
        }
        match line.as_slice() {
            &[at] => area.draw(&Circle::new(at, 2, style.filled()))?,
            _ => area.draw(&PathElement::new(line, style))?,
        }
    }
    Ok(())
}

impl Frame {
    fn x(self, i: i32) -> i32 {
        self.apart * i + self.apart / 2
    }

    fn y(self, place: Option<f64>) -> i32 {
        match place {
            Some(place) => self.top + HEIGHT - (place.clamp(0.0, 1.0) * f64::from(HEIGHT)) as i32,
            None => self.top + HEIGHT + NOT_SET,
        }
    }
}

impl Axis {
    /// The axis of a parameter: its domain, and what trials of an earlier domain have beyond it.
    fn new(parameter: &Parameter, trials: &[&Trial], apart: i32) -> Axis {
        let values = || trials.iter().filter_map(|trial| trial.values.get(&parameter.name));
        let numbers = || values().filter_map(|value| value.number());
        let scale = |low: f64, high: f64, log: bool, whole: bool| {
            // A logarithm of what is not positive is refused elsewhere.
            let log = log && low > 0.0;
            let whole = whole && numbers().all(|x| x.fract() == 0.0);
            Scale::over(numbers().chain([low, high]), log, whole)
        };
        let kind = match &parameter.domain {
            &Domain::Float { low, high, log } => scale(low, high, log, false).map(Kind::Numbers),
            &Domain::Integer { low, high, log } => {
                scale(low as f64, high as f64, log, true).map(Kind::Numbers)
            }
            Domain::Choice(choices) => {
                let mut texts: Vec<String> = Vec::new();
                for text in choices.iter().chain(values()).map(|value| value.to_string()) {
                    if !texts.contains(&text) {
                        texts.push(text);
                    }
                }
                Some(Kind::Texts(texts)).filter(|_| !choices.is_empty())
            }
        };
        let name = wrapped(&parameter.name, apart - 10, NAME_LINES);
        let mut axis = Axis { name, kind: kind.unwrap_or(Kind::Empty), past: false };
        axis.past = trials.iter().any(|trial| axis.of(trial, &parameter.name).is_none());
        axis
    }

    /// The axis of the values, without its name.
    fn of_values(trials: &Trials<'_>, measure: &Measure<'_>) -> Axis {
        let values = trials.graded.iter().filter_map(|(trial, _)| trial.value);
        let values: Vec<f64> = values.map(|value| measure.shown(value)).collect();
        let scale = Scale::over(values.iter().copied(), false, false);
        // Errors of many sizes, as poor trials have them, would push the good ones together.
        let many = |scale: &Scale| !measure.percent && scale.low > 0.0;
        let many = |scale: &Scale| many(scale) && scale.high / scale.low > 100.0;
        let scale = scale.map(|scale| Scale { log: many(&scale), ..scale });
        Axis { name: Vec::new(), kind: scale.map_or(Kind::Empty, Kind::Numbers), past: false }
    }

    /// The place of a trial's value. `None` if it has none, or none that fits the domain.
    fn of(&self, trial: &Trial, name: &str) -> Option<f64> {
        let value = trial.values.get(name)?;
        match &self.kind {
            Kind::Numbers(scale) => scale.place(value.number()?),
            Kind::Texts(texts) => {
                let text = value.to_string();
                Some(spread(texts.iter().position(|other| *other == text)?, texts.len()))
            }
            Kind::Empty => None,
        }
    }

    fn draw(&self, area: &Area<'_>, x: i32, frame: Frame) -> Drawn {
        let foot = frame.top + HEIGHT;
        area.draw(&PathElement::new([(x, frame.top), (x, foot)], axis().stroke_width(2)))?;
        let above = (0..).zip(self.name.iter().rev());
        for (i, line) in above {
            write(area, line, (x, frame.top - 18 - LINE * i), HPos::Center)?;
        }
        for (place, text) in self.ticks() {
            let y = frame.y(Some(place));
            area.draw(&PathElement::new([(x - 4, y), (x + 4, y)], axis().stroke_width(1)))?;
            label(area, &shortened(&text, frame.apart - 16), (x + 8, y))?;
        }
        if self.past {
            let y = frame.y(None);
            area.draw(&Circle::new((x, y), 4, WHITE.filled()))?;
            area.draw(&Circle::new((x, y), 4, axis()))?;
            label(area, "not set", (x + 8, y))?;
        }
        Ok(())
    }

    /// Places with their texts, a line of text apart.
    fn ticks(&self) -> Vec<(f64, String)> {
        match &self.kind {
            Kind::Numbers(scale) => {
                let ticks = scale.ticks(8, true).into_iter();
                ticks.filter_map(|x| Some((scale.place(x)?, scale.text(x)))).collect()
            }
            Kind::Texts(texts) => {
                let step = (texts.len() * (LINE as usize + 2)).div_ceil(HEIGHT as usize).max(1);
                let every = texts.iter().enumerate().step_by(step);
                every.map(|(i, text)| (spread(i, texts.len()), text.clone())).collect()
            }
            Kind::Empty => Vec::new(),
        }
    }
}

/// The place of the `i`th of `n`: the first one above, an equal space around each.
fn spread(i: usize, n: usize) -> f64 {
    1.0 - (i as f64 + 0.5) / n as f64
}

#[cfg(test)]
pub mod tests;
