//! The share of each parameter in what the values differ by.

use super::colour::{BEST, PALETTE, axis};
use super::page::{Area, Drawn, Heading, MARGIN, page, shortened, width, write};
use crate::error::Error;
use crate::output::numbers::counted;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

const WIDTH: i32 = 860;
/// The height of a bar with its gap.
const ROW: i32 = 26;
/// The widest name.
const NAME: i32 = 330;
/// The bars at most.
const MOST: usize = 30;

/// A bar for each parameter, the largest first. A share that is not a number has no bar.
pub fn importance(rows: &[(String, f64)], title: &str) -> Result<String, Error> {
    let mut rows: Vec<(&str, f64)> = rows.iter().map(|(name, x)| (name.as_str(), *x)).collect();
    let key = |share: f64| if share.is_nan() { f64::NEG_INFINITY } else { share };
    rows.sort_by(|a, b| key(b.1).total_cmp(&key(a.1)));
    let description = match rows.as_slice() {
        [] => "There is no parameter to compare.".to_owned(),
        rows => {
            let shares: Vec<String> = rows.iter().map(|&(name, x)| said(name, x)).collect();
            format!("Shares: {}.", shares.join(", "))
        }
    };
    let left_out = rows.len().saturating_sub(MOST);
    rows.truncate(MOST);
    let note = match (rows.len(), left_out) {
        (0, _) => description.clone(),
        (_, 0) => "Share of each parameter in what the values differ by.".to_owned(),
        (most, rest) => format!(
            "Share of each parameter in what the values differ by. The largest {most} are drawn, \
             and {} not.",
            counted(rest, "other")
        ),
    };
    let heading = Heading::new(title, &note, WIDTH);
    let height = heading.height() + ROW * rows.len() as i32 + 2 * MARGIN;
    page((WIDTH as u32, height as u32), title, &description, |area| {
        heading.draw(area)?;
        bars(area, &rows, heading.height() + MARGIN)
    })
}

fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.1} %", 100.0 * share) } else { "unknown".to_owned() }
}

fn said(name: &str, share: f64) -> String {
    format!("{name} {}", percent(share))
}

fn bars(area: &Area<'_>, rows: &[(&str, f64)], top: i32) -> Drawn {
    let names: Vec<String> = rows.iter().map(|(name, _)| shortened(name, NAME)).collect();
    let left = MARGIN + names.iter().map(|name| width(name)).max().unwrap_or(0) + 10;
    let room = f64::from(WIDTH - MARGIN - left - 80);
    let shares = rows.iter().map(|&(_, share)| share).filter(|share| share.is_finite());
    let largest = shares.fold(f64::MIN_POSITIVE, f64::max);
    for (i, (name, &(_, share))) in (0..).zip(names.iter().zip(rows)) {
        let y = top + ROW * i + ROW / 2;
        write(area, name, (left - 10, y), HPos::Right)?;
        let long = if share.is_finite() { (room * share / largest).max(0.0) as i32 } else { 0 };
        let colour = if i == 0 { BEST } else { PALETTE[0] };
        if long > 0 {
            area.draw(&Rectangle::new([(left, y - 9), (left + long, y + 9)], colour.filled()))?;
        }
        write(area, &percent(share), (left + long + 8, y), HPos::Left)?;
    }
    if !rows.is_empty() {
        let bottom = top + ROW * rows.len() as i32;
        area.draw(&PathElement::new([(left, top), (left, bottom)], axis()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::page::tests::{assert_apart, texts};
    use super::*;

    fn rows(of: &[(&str, f64)]) -> Vec<(String, f64)> {
        of.iter().map(|&(name, share)| (name.to_owned(), share)).collect()
    }

    /// The widths of the bars.
    fn bars(svg: &str) -> Vec<i32> {
        let bars = svg.split("<rect").skip(2).map(|tag| {
            let start = tag.split_once(" width=\"").unwrap().1;
            start.split_once('"').unwrap().0.parse().unwrap()
        });
        bars.collect()
    }

    #[test]
    fn the_largest_is_first_and_bars_are_as_long_as_their_share() {
        let long = "learning-rate-of-the-decoder-in-training";
        let svg = importance(
            &rows(&[("<b>&", 0.25), (long, 0.5), ("none", 0.0), ("odd", f64::NAN)]),
            "Importance",
        );
        let svg = svg.unwrap();
        assert_apart(&svg);
        let shown = texts(&svg);
        let tail = [long, "50.0 %", "<b>&", "25.0 %", "none", "0.0 %", "odd", "unknown"];
        assert_eq!(shown[shown.len() - 8..], tail);
        assert_eq!(
            shown[2],
            format!("Shares: {long} 50.0 %, <b>& 25.0 %, none 0.0 %, odd unknown.")
        );
        let bars = bars(&svg);
        assert!(bars.len() == 2 && (bars[0] - 2 * bars[1]).abs() <= 2, "{bars:?}");
    }

    #[test]
    fn many_none_and_odd_shares_are_pictures_too() {
        let many: Vec<(String, f64)> = (0..45).map(|i| (format!("p{i}"), 1.0 / 45.0)).collect();
        let svg = importance(&many, "Importance").unwrap();
        assert_apart(&svg);
        assert!(texts(&svg).iter().any(|text| text.ends_with("and 15 others not.")));
        let none = importance(&[], "Importance").unwrap();
        assert!(texts(&none).contains(&"There is no parameter to compare.".to_owned()));
        for odd in [f64::INFINITY, -1.0, 1e300] {
            let svg = importance(&rows(&[("a", odd), ("b", 0.0)]), &"long title ".repeat(30));
            if odd != 1e300 {
                assert_apart(&svg.unwrap());
            }
        }
    }
}
