//! Accuracy by the number of labels.

use super::colour::PALETTE;
use super::page::{Area, Drawn, page};
use crate::error::Error;
use crate::output::numbers::thousands;
use crate::output::points::{PointMethod, PointSummary};
use plotters::prelude::*;

const SIZE: (u32, u32) = (860, 520);

/// Test accuracy against the number of labels on a logarithmic axis, a line a method, with the 95 %
/// interval of the mean.
pub fn curve(dataset: &str, points: &[PointSummary]) -> Result<String, Error> {
    let methods = points.first().map_or(&[][..], |point| &point.methods);
    let names: Vec<&str> = methods.iter().map(|method| method.name.as_str()).collect();
    let description = format!(
        "Test accuracy in percent by the number of labels, with the 95 % interval of the mean, of \
         the methods {}.",
        names.join(", ")
    );
    page(SIZE, dataset, &description, |root| draw(root, dataset, points))
}

/// Mean and ends in percent; the ends are the mean where there is no interval.
fn percents(method: &PointMethod) -> [f64; 3] {
    let estimate = &method.test_accuracy.estimate;
    let [low, high] = estimate.ci95.unwrap_or([estimate.mean; 2]);
    [low, estimate.mean, high].map(|x| 100.0 * x)
}

fn draw(root: &Area<'_>, dataset: &str, points: &[PointSummary]) -> Drawn {
    let labels: Vec<f64> = points.iter().map(|point| point.labels as f64).collect();
    let (first, last) = (
        labels.iter().copied().fold(f64::MAX, f64::min),
        labels.iter().copied().fold(1.0, f64::max),
    );
    let lowest = points.iter().flat_map(|point| &point.methods).map(|method| percents(method)[0]);
    let floor = (lowest.fold(100.0, f64::min) / 10.0 - 0.01).floor().max(0.0) * 10.0;
    let mut chart = ChartBuilder::on(root)
        .caption(dataset, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(46)
        .y_label_area_size(54)
        .build_cartesian_2d(
            (first / 1.15..last * 1.15).log_scale().with_key_points(labels),
            floor..100.0,
        )?;
    chart
        .configure_mesh()
        .x_desc("labels")
        .y_desc("test accuracy, %")
        .x_label_formatter(&|x| thousands(x.round() as usize))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 15))
        .draw()?;
    let methods = points.first().map_or(&[][..], |point| &point.methods);
    for (i, name) in methods.iter().map(|method| method.name.as_str()).enumerate() {
        let colour = PALETTE[i % PALETTE.len()];
        // Side by side where they would lie on each other.
        let shifted = |labels: usize| {
            labels as f64 * 1.012f64.powf(i as f64 - (methods.len() - 1) as f64 / 2.0)
        };
        let at: Vec<(f64, [f64; 3])> = (points.iter())
            .filter_map(|point| {
                Some((
                    shifted(point.labels),
                    percents(point.methods.iter().find(|m| m.name == name)?),
                ))
            })
            .collect();
        let line = at.iter().map(|&(x, [_, mean, _])| (x, mean));
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], colour.stroke_width(3)));
        let bars = at.iter().map(|&(x, [low, mean, high])| {
            ErrorBar::new_vertical(x, low, mean, high, colour.filled(), 7)
        });
        chart.draw_series(bars)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .label_font(("sans-serif", 15))
        .draw()?;
    Ok(())
}
