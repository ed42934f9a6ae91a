//! Methods as dots with their intervals, and the single draws behind them.

use super::chart::{Anchor, Chart, Field, Figure, WIDTH, roomy};
use super::files::Run;
use super::headline::{compared, is_scratch};
use super::html::{Html, all, element, shortened};
use super::summary::{Accuracies, Gain, Method, Tested};
use super::table::{Cell, Table};
use crate::output::numbers::{duration, p_value, percent, points};

/// The rows that a chart has room for.
const MOST: usize = 24;
/// The height of a row: its name above its dots.
const ROW: f64 = 36.0;

/// A row of a chart.
struct Row<'r> {
    name: &'r str,
    mean: f64,
    interval: Option<[f64; 2]>,
    draws: Vec<f64>,
    shown: String,
}

/// The accuracies of the methods of a run, and their gains.
pub fn section(run: &Run) -> Option<Html> {
    let summary = &run.summary;
    let tested = [("defaults", &summary.defaults), ("tuned", &summary.tuned)];
    let tested = tested.map(|(name, of)| of.as_ref().map(|of| (name, of)));
    let tested: Vec<(&str, &Tested)> = tested.into_iter().flatten().collect();
    let final_test = tested.iter().map(|(name, of)| (*name, &of.test));
    let probed = summary.methods.iter().map(|method| (&method.name[..], &method.test_accuracy));
    let measured: Vec<(&str, &Accuracies)> = probed.chain(final_test).collect();
    if measured.is_empty() {
        return None;
    }
    let measure = summary.measure();
    let title = format!("Test {measure}, %");
    let rows: Vec<Row<'_>> = measured.iter().map(|(name, of)| accuracy_row(name, of)).collect();
    let note = "Test split. Thick: mean with its 95 % interval. Small: the single label draws.";
    let table = match summary.methods.is_empty() {
        true => tested_table(&tested, measure),
        false => table(&summary.methods, measure, "methods", "Test split"),
    };
    let mut figures = vec![figure(&title, note, &rows, None, table)];
    let gains = compared(&summary.methods);
    let scratch = summary.methods.iter().find(|method| is_scratch(method));
    if let (Some(scratch), false) = (scratch, gains.is_empty()) {
        let rows: Vec<Row<'_>> =
            gains.iter().map(|of| gain_row(of.method, scratch, of.gain)).collect();
        let mut table = Table::new(
            "gains",
            "Test split, against training from scratch",
            &["method", "gain, points", "95 % from", "95 % to", "p (Holm)"],
        );
        for of in &gains {
            table.row([
                Cell::text(&of.method.name),
                Cell::number(of.gain.mean, points(of.gain.mean)),
                Cell::optional(of.gain.ci95.map(|ends| ends[0]), points),
                Cell::optional(of.gain.ci95.map(|ends| ends[1]), points),
                Cell::optional(of.p, p_value),
            ]);
        }
        let note = "Test split. Draw by draw, with the 95 % interval of the mean.";
        figures.push(figure("Gain over scratch, points", note, &rows, Some(0.0), table));
    }
    Some(element("div", &[("class", "figures")], all(figures)))
}

fn accuracy_row<'r>(name: &'r str, of: &Accuracies) -> Row<'r> {
    let range = of
        .ci95
        .map_or(String::new(), |[low, high]| format!("  ({} to {})", percent(low), percent(high)));
    Row {
        name,
        mean: 100.0 * of.mean,
        interval: of.ci95.map(|ends| ends.map(|end| 100.0 * end)),
        draws: of.per_draw.iter().map(|draw| 100.0 * draw).collect(),
        shown: format!("{}{range}", percent(of.mean)),
    }
}

fn gain_row<'r>(method: &'r Method, scratch: &Method, gain: Gain) -> Row<'r> {
    let (of, base) = (&method.test_accuracy.per_draw, &scratch.test_accuracy.per_draw);
    let range = gain
        .ci95
        .map_or(String::new(), |[low, high]| format!("  ({} to {})", points(low), points(high)));
    Row {
        name: &method.name,
        mean: 100.0 * gain.mean,
        interval: gain.ci95.map(|ends| ends.map(|end| 100.0 * end)),
        draws: match of.len() == base.len() {
            true => of.iter().zip(base).map(|(a, b)| 100.0 * (a - b)).collect(),
            false => Vec::new(),
        },
        shown: format!("{}{range}", points(gain.mean)),
    }
}

/// Rows of dots over one scale; `zero` is a place that all are compared with.
fn figure(title: &str, note: &str, rows: &[Row<'_>], zero: Option<f64>, table: Table) -> Html {
    let drawn = &rows[..rows.len().min(MOST)];
    let bottom = 6.0 + ROW * drawn.len() as f64;
    let values = drawn.iter().flat_map(|row| {
        let ends = row.interval.into_iter().flatten();
        ends.chain(row.draws.iter().copied()).chain([row.mean])
    });
    let mut chart = Chart::new(bottom + 40.0);
    let mut description = String::new();
    if let Some(x) = roomy(values.chain(zero), false) {
        let field = Field { left: 8.0, top: 0.0, right: WIDTH - 8.0, bottom, x, y: x };
        field.foot(&mut chart, title);
        if let Some(place) = zero.and_then(|zero| field.across(zero)) {
            chart.line("zero", (place, 0.0), (place, bottom));
        }
        for (i, row) in drawn.iter().enumerate() {
            draw(&mut chart, &field, row, 15.0 + ROW * i as f64);
        }
    }
    for row in drawn {
        description += &format!("{}: {}. ", shortened(row.name, 60), row.shown);
    }
    if rows.len() > drawn.len() {
        description += &format!("The first {MOST} of {} rows are drawn.", rows.len());
    }
    Figure { title, note, description: &description, legend: Html::default(), table }.html(chart)
}

/// A row whose name stands at the height `y`.
fn draw(chart: &mut Chart, field: &Field, row: &Row<'_>, y: f64) {
    chart.text("name", (field.left, y), Anchor::Start, &shortened(row.name, 28));
    chart.text("value", (field.right, y), Anchor::End, &row.shown);
    let middle = y + 11.0;
    chart.line("grid", (field.left, middle), (field.right, middle));
    for draw in &row.draws {
        if let Some(x) = field.across(*draw) {
            let said = format!("{}: a draw, {draw:.2}", row.name);
            chart.dot("draw", (x, middle), 3.0, &said);
        }
    }
    if let Some([low, high]) = row.interval
        && let (Some(low), Some(high)) = (field.across(low), field.across(high))
    {
        chart.line("interval", (low, middle), (high, middle));
    }
    if let Some(x) = field.across(row.mean) {
        chart.dot("mean", (x, middle), 5.0, &format!("{}: {}", row.name, row.shown));
    }
}

/// The accuracies of methods as a table.
pub fn table(methods: &[Method], measure: &str, name: &str, caption: &str) -> Table {
    let mut table = Table::new(name, caption, &["method"]);
    table.columns.push(format!("test {measure}, %"));
    let more = ["std", "95 % from", "95 % to", "gain, points", "draws", "time"];
    table.columns.extend(more.map(String::from));
    for method in methods {
        let of = &method.test_accuracy;
        table.row([
            Cell::text(&method.name),
            Cell::number(of.mean, percent(of.mean)),
            Cell::optional(of.std, percent),
            Cell::optional(of.ci95.map(|ends| ends[0]), percent),
            Cell::optional(of.ci95.map(|ends| ends[1]), percent),
            Cell::optional(method.gain_over_scratch.map(|gain| gain.mean), points),
            Cell::number(of.per_draw.len() as f64, of.per_draw.len().to_string()),
            Cell::optional(method.seconds, duration),
        ]);
    }
    table
}

fn tested_table(tested: &[(&str, &Tested)], measure: &str) -> Table {
    let mut table = Table::new("tested", "Test split, and validation split", &["settings"]);
    table.columns.push(format!("test {measure}, %"));
    table
        .columns
        .extend(["std", "95 % from", "95 % to", "draws", "validation, %"].map(String::from));
    for (name, Tested { validation, test }) in tested {
        table.row([
            Cell::text(*name),
            Cell::number(test.mean, percent(test.mean)),
            Cell::optional(test.std, percent),
            Cell::optional(test.ci95.map(|ends| ends[0]), percent),
            Cell::optional(test.ci95.map(|ends| ends[1]), percent),
            Cell::number(test.per_draw.len() as f64, test.per_draw.len().to_string()),
            Cell::number(validation.mean, percent(validation.mean)),
        ]);
    }
    table
}

/// The accuracies of the methods of several runs in one chart.
pub fn side_by_side(runs: &[Run]) -> Option<Html> {
    let mut table = Table::new("methods", "Test split", &["run", "method", "test accuracy, %"]);
    table.columns.extend(["std", "95 % from", "95 % to", "gain, points"].map(String::from));
    let mut measured = Vec::new();
    for run in runs {
        for method in &run.summary.methods {
            let of = &method.test_accuracy;
            table.row([
                Cell::text(run.name()),
                Cell::text(&method.name),
                Cell::number(of.mean, percent(of.mean)),
                Cell::optional(of.std, percent),
                Cell::optional(of.ci95.map(|ends| ends[0]), percent),
                Cell::optional(of.ci95.map(|ends| ends[1]), percent),
                Cell::optional(method.gain_over_scratch.map(|gain| gain.mean), points),
            ]);
            measured.push((format!("{}, {}", shortened(&run.name(), 12), method.name), of));
        }
    }
    if measured.is_empty() {
        return None;
    }
    let rows: Vec<Row<'_>> = measured.iter().map(|(name, of)| accuracy_row(name, of)).collect();
    let note = "Test split of each run. Thick: mean with its 95 % interval. Small: the draws.";
    let chart = figure("Test accuracy, %, of all runs", note, &rows, None, table);
    Some(element("div", &[("class", "figures")], chart))
}
