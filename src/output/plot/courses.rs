//! Learning curves: the values of each trial on the way, by step.

use super::colour::axis;
use super::legend::legend;
use super::page::{Area, Drawn, Heading, LINE, MARGIN, Measure, page, width, write};
use super::scale::Scale;
use super::trials::Trials;
use crate::error::Error;
use crate::output::numbers::{counted, thousands};
use narrows_models::tuning::{Direction, Study, Trial};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use std::collections::BTreeSet;

const WIDTH: i32 = 860;
const HEIGHT: i32 = 360;
/// The points of a line at most: more are closer than the eye tells.
const MOST_POINTS: usize = 100;
/// The share of the poorest values that the axis need not show: a trial that diverges, or the
/// first step, would push all others together.
const BEYOND: f64 = 0.05;
/// The steps that are few enough for a number each.
const RUNGS: usize = 8;
/// Steps are on a logarithmic axis if the last is more than this many times the first.
const WIDE: f64 = 20.0;

/// The place of the picture's field, and the scales of its sides.
struct Field {
    left: i32,
    top: i32,
    steps: Scale,
    values: Scale,
}

/// Draws the values on the way of a study's trials: complete ones are coloured by their final
/// value, from poor to good, the best is thick, and paused or pruned ones are grey. `steps` names
/// the steps: `epoch`.
pub fn courses(
    study: &Study,
    title: &str,
    steps: &str,
    measure: &Measure<'_>,
) -> Result<String, Error> {
    let trials = Trials::new(study, "without values on the way", |trial| {
        trial.intermediate.values().any(|value| value.is_finite())
    });
    let points = || trials.lines().flat_map(|(trial, _)| points(trial, measure));
    let mut values: Vec<f64> = points().map(|(_, value)| value).filter(|x| x.is_finite()).collect();
    let range = useful(&mut values, study.direction);
    let beyond = range.map_or(0, |range| {
        values.iter().filter(|value| !(range.low..=range.high).contains(value)).count()
    });
    let mut notes = trials.notes.clone();
    let odd = points().filter(|(_, value)| !value.is_finite()).count();
    for (count, what) in [
        (beyond, "beyond the picture, among the poorest 5 %"),
        (odd, "not a number, which interrupts its line"),
    ] {
        if count > 0 {
            notes += &format!(" {} {what}.", counted(count, "value"));
        }
    }
    let longest = trials.lines().map(|(trial, _)| trial.intermediate.len()).max().unwrap_or(0);
    if longest > MOST_POINTS {
        notes += &format!(" Lines have {MOST_POINTS} of up to {} points.", thousands(longest));
    }
    let mut description = format!("{} by {steps}, a line for each trial. {notes}", measure.axis());
    if let Some(best) = trials.best_text(measure) {
        description += &format!(" The best is {best}.");
    }

    let heading = Heading::new(title, &notes, WIDTH);
    // The axis' name stands above its numbers.
    let top = heading.height() + LINE + 14;
    let height = top + HEIGHT + 4 * LINE + 2 * MARGIN;
    page((WIDTH as u32, height as u32), title, &description, |area| {
        heading.draw(area)?;
        legend(area, &trials, measure, height - MARGIN - LINE / 2)?;
        let all: BTreeSet<u64> =
            trials.lines().flat_map(|(trial, _)| trial.intermediate.keys().copied()).collect();
        let (Some(values), Some(scale)) = (range, step_scale(all.iter().map(|&x| x as f64))) else {
            return write(area, "No trial has values on the way.", (MARGIN, top), HPos::Left);
        };
        let texts = values.ticks(8, false).into_iter().map(|x| width(&values.text(x)));
        let left = MARGIN + texts.max().unwrap_or(0) + 10;
        let field = Field { left, top, steps: scale, values };
        // The rungs of a search that pauses trials are worth a number each.
        let rungs = || all.iter().map(|&step| step as f64).collect();
        let mut ticks: Vec<f64> = if all.len() <= RUNGS { rungs() } else { scale.ticks(8, true) };
        ticks.sort_by(f64::total_cmp);
        field.draw(area, &ticks, steps, &measure.axis())?;
        trials.lines().try_for_each(|(trial, style)| field.line(area, trial, measure, style))
    })
}

fn points<'a>(trial: &'a Trial, measure: &Measure<'_>) -> impl Iterator<Item = (f64, f64)> + 'a {
    let measure = Measure { name: "", ..*measure };
    trial.intermediate.iter().map(move |(&step, &value)| (step as f64, measure.shown(value)))
}

fn step_scale(steps: impl Iterator<Item = f64>) -> Option<Scale> {
    let scale = Scale::over(steps, false, true)?;
    Some(Scale { log: scale.low > 0.0 && scale.high > WIDE * scale.low, ..scale })
}

/// The range of the values, without the poorest ones where these would take most of it.
fn useful(values: &mut [f64], direction: Direction) -> Option<Scale> {
    values.sort_by(f64::total_cmp);
    let beyond = (BEYOND * values.len() as f64) as usize;
    let kept = match direction {
        Direction::Maximize => &values[beyond..],
        Direction::Minimize => &values[..values.len() - beyond],
    };
    let [all, kept] = [&*values, kept].map(|part| Scale::over(part.iter().copied(), false, false));
    let (all, kept) = (all?, kept?);
    Some(if kept.high - kept.low < (all.high - all.low) / 2.0 { kept } else { all })
}

impl Field {
    fn right(&self) -> i32 {
        WIDTH - 2 * MARGIN
    }

    /// The pixels of a point, the height above or below the field for values beyond it.
    fn at(&self, (step, value): (f64, f64)) -> Option<(f64, f64)> {
        let (x, y) = (self.steps.place(step)?, self.values.place(value)?);
        // Far enough beyond for any line, and near enough for a whole number.
        let y = y.clamp(-1e3, 1e3);
        Some((
            f64::from(self.left) + x * f64::from(self.right() - self.left),
            f64::from(self.top + HEIGHT) - y * f64::from(HEIGHT),
        ))
    }

    fn draw(&self, area: &Area<'_>, ticks: &[f64], steps: &str, values: &str) -> Drawn {
        let foot = self.top + HEIGHT;
        let grid = BLACK.mix(0.12);
        for value in self.values.ticks(8, false) {
            let Some((_, y)) = self.at((self.steps.low, value)) else { continue };
            let y = y.round() as i32;
            area.draw(&PathElement::new([(self.left, y), (self.right(), y)], grid))?;
            write(area, &self.values.text(value), (self.left - 8, y), HPos::Right)?;
        }
        let mut free = self.left - MARGIN;
        for &step in ticks {
            let Some((x, _)) = self.at((step, self.values.low)) else { continue };
            let (x, text) = (x.round() as i32, self.steps.text(step));
            area.draw(&PathElement::new([(x, foot), (x, foot + 5)], axis()))?;
            if x - width(&text) / 2 >= free {
                write(area, &text, (x, foot + 5 + LINE), HPos::Center)?;
                free = x + width(&text) / 2 + 8;
            }
        }
        let corners = [(self.left, self.top), (self.left, foot), (self.right(), foot)];
        area.draw(&PathElement::new(corners, axis()))?;
        write(area, values, (MARGIN, self.top - LINE - 2), HPos::Left)?;
        let middle = (self.left + self.right()) / 2;
        write(area, steps, (middle, foot + 5 + 2 * LINE), HPos::Center)
    }

    /// Draws what of a trial's line lies within the field; a single point as a dot.
    fn line(
        &self,
        area: &Area<'_>,
        trial: &Trial,
        measure: &Measure<'_>,
        style: ShapeStyle,
    ) -> Drawn {
        let every = trial.intermediate.len().div_ceil(MOST_POINTS).max(1);
        let last = trial.intermediate.len().saturating_sub(1);
        let kept =
            points(trial, measure).enumerate().filter(|(i, _)| (last - i).is_multiple_of(every));
        let places: Vec<_> = kept.map(|(_, point)| self.at(point)).collect();
        let (top, foot) = (f64::from(self.top), f64::from(self.top + HEIGHT));
        for piece in within(&places, top, foot) {
            let piece: Vec<(i32, i32)> =
                piece.iter().map(|&(x, y)| (x.round() as i32, y.round() as i32)).collect();
            match piece.as_slice() {
                &[at] => area.draw(&Circle::new(at, 3, style.filled()))?,
                _ => area.draw(&PathElement::new(piece, style))?,
            }
        }
        Ok(())
    }
}

/// The pieces of a line from `top` down to `foot`; a gap interrupts it. A piece of one point is
/// one that has no neighbour.
fn within(line: &[Option<(f64, f64)>], top: f64, foot: f64) -> Vec<Vec<(f64, f64)>> {
    let mut pieces: Vec<Vec<(f64, f64)>> = Vec::new();
    for run in line.split(Option::is_none) {
        let run: Vec<(f64, f64)> = run.iter().flatten().copied().collect();
        if let &[(x, y)] = run.as_slice() {
            if (top..=foot).contains(&y) {
                pieces.push(vec![(x, y)]);
            }
            continue;
        }
        let mut end = None;
        for pair in run.windows(2) {
            let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
            let cross = |y: f64| x0 + (x1 - x0) * (y - y0) / (y1 - y0);
            let cut = |(x, y): (f64, f64)| match y.clamp(top, foot) {
                inside if inside == y => (x, y),
                edge => (cross(edge), edge),
            };
            if y0.max(y1) < top || y0.min(y1) > foot {
                continue;
            }
            let (from, to) = (cut((x0, y0)), cut((x1, y1)));
            match pieces.last_mut().filter(|_| end == Some(from)) {
                Some(piece) => piece.push(to),
                None => pieces.push(vec![from, to]),
            }
            end = Some(to);
        }
    }
    pieces
}

#[cfg(test)]
pub mod tests;
