//! Which classes are taken for which, how each did, and how sure the classifier was.

use super::chart::{Anchor, Chart, Figure, WIDTH};
use super::files::Run;
use super::html::{Html, all, element, shortened};
use super::summary::Classes;
use super::table::{Cell, Table};
use crate::output::numbers::{percent, thousands};

/// The classes that a chart has room for.
const MOST: usize = 40;

/// The table of classes, true and predicted.
struct Confusion<'r> {
    names: Vec<&'r str>,
    counts: Vec<Vec<f64>>,
}

impl<'r> Confusion<'r> {
    /// That of a run; `None` if its file is of another form.
    fn of(run: &'r Run) -> Option<Confusion<'r>> {
        let (head, rows) = run.confusion.split_first()?;
        let names: Vec<&str> = head.get(1..)?.iter().map(String::as_str).collect();
        let counts = rows.iter().map(|row| {
            let counts = row.get(1..)?.iter().map(|count| count.parse::<u64>().ok());
            counts.map(|count| Some(count? as f64)).collect::<Option<Vec<f64>>>()
        });
        let counts: Vec<Vec<f64>> = counts.collect::<Option<_>>()?;
        (counts.len() == names.len() && !names.is_empty()).then_some(Confusion { names, counts })
    }
}

pub fn section(run: &Run) -> Option<Html> {
    let confusion = Confusion::of(run)?;
    let part = match run.summary.part.as_deref() {
        None | Some("test") => "Test split.",
        Some("train") => "Training split.",
        Some(_) => "All samples.",
    };
    let figures = [matrix(&confusion, part), each(run, &confusion, part)];
    Some(element("div", &[("class", "figures")], all(figures.into_iter().flatten())))
}

fn matrix(confusion: &Confusion<'_>, part: &str) -> Option<Html> {
    let Confusion { names, counts } = confusion;
    let n = names.len();
    let mut columns = vec!["class"];
    columns.extend(names);
    let title = "True class by predicted class";
    let mut table = Table::new("confusion", format!("{part} Rows: true class."), &columns);
    for (name, row) in names.iter().zip(counts) {
        let cells = row.iter().map(|&count| Cell::number(count, thousands(count as usize)));
        table.row([Cell::text(*name)].into_iter().chain(cells));
    }
    if n > MOST {
        return Some(element("div", &[], table.html()));
    }
    let left = 96.0;
    let side = (WIDTH - left - 4.0) / n as f64;
    let height = side.min(26.0);
    let top = 4.0;
    let mut chart = Chart::new(top + height * n as f64 + 24.0);
    for (i, (name, row)) in names.iter().zip(counts).enumerate() {
        let y = top + height * i as f64;
        if height > 9.0 {
            let short = shortened(name, 13);
            chart.text("tick", (left - 5.0, y + height / 2.0 + 4.0), Anchor::End, &short);
        }
        let total: f64 = row.iter().sum::<f64>().max(1.0);
        for (j, &count) in row.iter().enumerate() {
            let x = left + side * j as f64;
            let said = format!("{name} taken for {}: {count}", names[j]);
            let class = if i == j { "cell right" } else { "cell wrong" };
            let size = (side - 1.0, height - 1.0);
            chart.rect(class, (x, y), size, (count / total).sqrt(), &said);
            if side > 22.0 && height > 12.0 && count > 0.0 {
                let middle = (x + side / 2.0, y + height / 2.0 + 4.0);
                let class = if count / total > 0.35 { "count full" } else { "count" };
                chart.text(class, middle, Anchor::Middle, &thousands(count as usize));
            }
        }
    }
    let foot = top + height * n as f64 + 16.0;
    let middle = left + side * n as f64 / 2.0;
    chart.text("tick", (left - 5.0, foot), Anchor::End, "true class ↑");
    let order = "predicted class, in the same order →";
    chart.text("tick", (middle, foot), Anchor::Middle, order);
    let right: f64 = (0..n).map(|i| counts[i][i]).sum();
    let total: f64 = counts.iter().flatten().sum();
    let description = format!(
        "{} classes; {} of {} samples lie on the diagonal, where both are the same.",
        n,
        thousands(right as usize),
        thousands(total as usize)
    );
    let note = format!("{part} Shade: share of the true class. The diagonal is right.");
    let legend = Html::default();
    Some(Figure { title, note: &note, description: &description, legend, table }.html(chart))
}

/// The accuracy of each class.
fn each(run: &Run, confusion: &Confusion<'_>, part: &str) -> Option<Html> {
    let Classes::Each(rates) = &run.summary.classes else { return None };
    let names = &confusion.names;
    if rates.len() != names.len() || rates.len() > MOST {
        return None;
    }
    let columns = ["class", "accuracy, %", "95 % from", "95 % to", "correct", "of"];
    let mut table = Table::new("classes", part, &columns);
    let row = 30.0;
    let mut chart = Chart::new(row * rates.len() as f64 + 10.0);
    let mut description = String::new();
    let x = |share: f64| 8.0 + (WIDTH - 16.0) * share;
    for (i, (rate, name)) in rates.iter().zip(names).enumerate() {
        let [low, high] = rate.ci95;
        table.row([
            Cell::text(*name),
            Cell::optional(rate.mean, percent),
            Cell::number(low, percent(low)),
            Cell::number(high, percent(high)),
            Cell::number(rate.correct as f64, thousands(rate.correct)),
            Cell::number(rate.of as f64, thousands(rate.of)),
        ]);
        let y = 13.0 + row * i as f64;
        let (correct, of) = (thousands(rate.correct), thousands(rate.of));
        let shown = rate.mean.map_or("no sample".to_string(), |mean| {
            format!("{} %, {correct} of {of}", percent(mean))
        });
        chart.text("name", (8.0, y), Anchor::Start, &shortened(name, 30));
        chart.text("value", (WIDTH - 8.0, y), Anchor::End, &shown);
        chart.line("grid", (x(0.0), y + 8.0), (x(1.0), y + 8.0));
        description += &format!("{}: {shown}. ", shortened(name, 40));
        if let Some(mean) = rate.mean {
            chart.line("interval", (x(low), y + 8.0), (x(high), y + 8.0));
            chart.dot("mean", (x(mean), y + 8.0), 4.5, &format!("{name}: {shown}"));
        }
    }
    let title = "Accuracy of each class";
    let note = format!("{part} From 0 to 100 %, with the 95 % interval (Wilson).");
    let legend = Html::default();
    Some(Figure { title, note: &note, description: &description, legend, table }.html(chart))
}
