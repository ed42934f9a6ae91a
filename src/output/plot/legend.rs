//! The meaning of the lines' colours, in a row below a picture.

use super::colour::{BEHIND, BEST, graded};
use super::page::{Area, Drawn, MARGIN, Measure, width, write};
use super::trials::Trials;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

/// The rectangles of a shaded bar, and the width of each.
const SHADES: (i32, i32) = (20, 6);
/// The length of a sample of a line.
const SAMPLE: i32 = 26;

/// Draws the row at the height `y`.
pub fn legend(area: &Area<'_>, trials: &Trials<'_>, measure: &Measure<'_>, y: i32) -> Drawn {
    let mut x = MARGIN;
    if trials.graded.len() > 1 {
        x = text(area, "poorest", (x, y))?;
        for i in 0..SHADES.0 {
            let colour = graded(f64::from(i) / f64::from(SHADES.0 - 1));
            let left = x + SHADES.1 * i;
            let corners = [(left, y - 5), (left + SHADES.1, y + 5)];
            area.draw(&Rectangle::new(corners, colour.filled()))?;
        }
        x = text(area, "best, by rank", (x + SHADES.0 * SHADES.1 + 6, y))? + 24;
    }
    if let Some(best) = trials.best_text(measure) {
        x = sample(area, BEST.stroke_width(3), (x, y))?;
        x = text(area, &format!("best: {best}"), (x, y))? + 24;
    }
    if !trials.behind.is_empty() {
        x = sample(area, BEHIND.stroke_width(2), (x, y))?;
        text(area, "paused or pruned", (x, y))?;
    }
    Ok(())
}

fn text(
    area: &Area<'_>,
    text: &str,
    (x, y): (i32, i32),
) -> Result<i32, Box<dyn std::error::Error>> {
    write(area, text, (x, y), HPos::Left)?;
    Ok(x + width(text) + 6)
}

fn sample(
    area: &Area<'_>,
    style: ShapeStyle,
    (x, y): (i32, i32),
) -> Result<i32, Box<dyn std::error::Error>> {
    area.draw(&PathElement::new([(x, y), (x + SAMPLE, y)], style))?;
    Ok(x + SAMPLE + 6)
}
