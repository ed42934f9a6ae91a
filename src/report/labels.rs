//! Accuracy by the number of labels.

use super::chart::{COLOURS, Chart, Field, Figure, WIDTH, legend, roomy};
use super::files::Run;
use super::html::{Html, all, element, shortened};
use super::summary::Method;
use super::table::{Cell, Table};
use crate::output::numbers::{duration, p_value, percent, points, thousands};
use crate::output::plot::scale::Scale;

/// The methods that a chart has room for.
const MOST: usize = 12;
/// Labels are on a logarithmic axis from this ratio on.
const WIDE: f64 = 8.0;

/// The curves of a run, and their gains.
pub fn section(run: &Run) -> Option<Html> {
    let (points, measure) = (&run.summary.points, run.summary.measure());
    if points.is_empty() {
        return None;
    }
    let mut names: Vec<&str> = Vec::new();
    for method in points.iter().flat_map(|point| &point.methods) {
        if !names.contains(&&method.name[..]) {
            names.push(&method.name);
        }
    }
    let accuracy = |method: &Method| {
        let of = &method.test_accuracy;
        Some((100.0 * of.mean, of.ci95.map(|ends| ends.map(|end| 100.0 * end))))
    };
    let gain = |method: &Method| {
        let of = method.gain_over_scratch?;
        Some((100.0 * of.mean, of.ci95.map(|ends| ends.map(|end| 100.0 * end))))
    };
    let title = format!("Test {measure} by number of labels, %");
    let first = curves(run, &names, &title, &accuracy, None);
    let gained: Vec<&str> = names.iter().copied().filter(|name| *name != "scratch").collect();
    let any = points.iter().flat_map(|point| &point.methods).any(|of| gain(of).is_some());
    let title = "Gain over scratch by number of labels, points";
    let second = any.then(|| curves(run, &gained, title, &gain, Some(0.0)));
    Some(element("div", &[("class", "figures")], all([first].into_iter().chain(second))))
}

/// A mean and its interval, if the method has any.
type Value<'f> = &'f dyn Fn(&Method) -> Option<(f64, Option<[f64; 2]>)>;

fn curves(run: &Run, names: &[&str], title: &str, value: Value<'_>, zero: Option<f64>) -> Html {
    let points = &run.summary.points;
    let drawn = &names[..names.len().min(MOST)];
    let labels = || points.iter().map(|point| point.labels as f64);
    let values = points.iter().flat_map(|point| &point.methods).filter_map(value);
    let values = values.flat_map(|(mean, range)| range.into_iter().flatten().chain([mean]));
    let scales = Scale::over(labels(), false, true).zip(roomy(values.chain(zero), false));
    let mut chart = Chart::new(300.0);
    let mut description = format!("{} by {} numbers of labels. ", drawn.join(", "), points.len());
    if let Some((x, y)) = scales {
        let log = x.low > 0.0 && x.high / x.low >= WIDE;
        let x = Scale { log, ..x };
        let field = Field { left: 48.0, top: 22.0, right: WIDTH - 14.0, bottom: 255.0, x, y };
        field.draw(&mut chart, "labels to train on", title);
        if let Some((_, place)) = zero.and_then(|zero| field.at(x.low, zero)) {
            chart.line("zero", (field.left, place), (field.right, place));
        }
        for (of, name) in drawn.iter().enumerate() {
            description += &curve(&mut chart, &field, run, (of, drawn.len()), name, value);
        }
    }
    let note = "Test split. Mean with the 95 % interval of the mean, over label draws.";
    let legend = legend(drawn.iter().copied());
    Figure { title, note, description: &description, legend, table: table(run) }.html(chart)
}

fn curve(
    chart: &mut Chart,
    field: &Field,
    run: &Run,
    (of, all): (usize, usize),
    name: &str,
    value: Value<'_>,
) -> String {
    let mut places = Vec::new();
    let mut said = format!("{}:", shortened(name, 40));
    let ink = of % COLOURS;
    // Beside each other, or intervals would hide each other.
    let aside = 5.0 * (of as f64 - (all as f64 - 1.0) / 2.0) * (6.0 / all.max(6) as f64);
    for point in &run.summary.points {
        let method = point.methods.iter().find(|method| method.name == name);
        let Some((mean, range)) = method.and_then(value) else { continue };
        let at = |y: f64| field.at(point.labels as f64, y).map(|(x, y)| (x + aside, y));
        let Some(place) = at(mean) else { continue };
        if let Some([low, high]) = range
            && let (Some(low), Some(high)) = (at(low), at(high))
        {
            chart.line(&format!("range ink{ink}"), low, high);
        }
        let text = format!("{mean:.2} at {} labels", thousands(point.labels));
        said += &format!(" {text};");
        places.push((place, text));
    }
    let line: Vec<(f64, f64)> = places.iter().map(|(place, _)| *place).collect();
    chart.path(&format!("curve ink{ink}"), &line);
    for (place, text) in places {
        chart.mark(ink, (place.0, place.1 + 4.5), &format!("{name}: {text}"));
    }
    said + " "
}

fn table(run: &Run) -> Table {
    let measure = format!("test {}, %", run.summary.measure());
    let mut table = Table::new("labels", "Test split", &["labels", "method", &measure]);
    let more = ["std", "95 % from", "95 % to", "gain, points", "gain from", "gain to", "p", "time"];
    table.columns.extend(more.map(String::from));
    for point in &run.summary.points {
        for method in &point.methods {
            let (of, gain) = (&method.test_accuracy, method.gain_over_scratch);
            let end = |at: usize| gain.and_then(|gain| gain.ci95).map(|ends| ends[at]);
            table.row([
                Cell::number(point.labels as f64, thousands(point.labels)),
                Cell::text(&method.name),
                Cell::number(of.mean, percent(of.mean)),
                Cell::optional(of.std, percent),
                Cell::optional(of.ci95.map(|ends| ends[0]), percent),
                Cell::optional(of.ci95.map(|ends| ends[1]), percent),
                Cell::optional(gain.map(|gain| gain.mean), points),
                Cell::optional(end(0), points),
                Cell::optional(end(1), points),
                Cell::optional(method.p, p_value),
                Cell::optional(method.seconds, duration),
            ]);
        }
    }
    table
}
