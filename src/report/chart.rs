//! Charts as SVG within a page, in the page's colours. A chart is so narrow that a phone shows it
//! at its size.

use super::html::{Html, all, element, open, shortened, tag, text};
use super::table::Table;
use crate::output::plot::scale::Scale;

/// The width of a chart.
pub const WIDTH: f64 = 400.0;
/// Different colours; [`MARKS`] tells them apart where there are none.
pub const COLOURS: usize = 6;
/// A mark for each colour.
const MARKS: [&str; COLOURS] = ["●", "■", "▲", "◆", "▼", "✚"];

/// A drawing.
#[derive(Clone, Debug)]
pub struct Chart {
    height: f64,
    body: Html,
}

/// The side of a point that a text begins at, or its middle.
#[derive(Clone, Copy, PartialEq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Chart {
    pub fn new(height: f64) -> Chart {
        Chart { height, body: Html::default() }
    }

    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(short);
        let place: [(&str, &str); 5] =
            [("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)];
        self.body.push(element("line", &place, Html::default()));
    }

    /// A line through points.
    pub fn path(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut route = String::new();
        for (i, (x, y)) in points.iter().enumerate() {
            route += if i == 0 { "M" } else { "L" };
            route += &format!("{} {}", short(*x), short(*y));
        }
        self.body.push(element("path", &[("class", class), ("d", &route)], Html::default()));
    }

    /// A dot, and the text that shows when it is pointed at.
    pub fn dot(&mut self, class: &str, (x, y): (f64, f64), radius: f64, said: &str) {
        let [x, y, radius] = [x, y, radius].map(short);
        let place: [(&str, &str); 4] = [("class", class), ("cx", &x), ("cy", &y), ("r", &radius)];
        self.body.push(element("circle", &place, hover(said)));
    }

    pub fn rect(&mut self, class: &str, at: (f64, f64), size: (f64, f64), shade: f64, said: &str) {
        let [x, y, width, height] = [at.0, at.1, size.0, size.1].map(short);
        let shade = format!("{shade:.3}");
        let place: [(&str, &str); 6] = [
            ("class", class),
            ("x", &x),
            ("y", &y),
            ("width", &width),
            ("height", &height),
            ("fill-opacity", &shade),
        ];
        self.body.push(element("rect", &place, hover(said)));
    }

    pub fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, said: &str) {
        let [x, y] = [x, y].map(short);
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let place: [(&str, &str); 4] =
            [("class", class), ("x", &x), ("y", &y), ("text-anchor", anchor)];
        self.body.push(element("text", &place, text(said)));
    }

    /// The mark of the colour `of`.
    pub fn mark(&mut self, of: usize, (x, y): (f64, f64), said: &str) {
        let [x, y] = [x, y].map(short);
        let class = format!("mark ink{}", of % COLOURS);
        let place: [(&str, &str); 4] =
            [("class", &class), ("x", &x), ("y", &y), ("text-anchor", "middle")];
        self.body.push(element("text", &place, all([text(mark(of)), hover(said)])));
    }

    /// The drawing, and what it shows for those who cannot see it.
    fn html(self, title: &str, description: &str) -> Html {
        let view = format!("0 0 {WIDTH} {}", short(self.height));
        let content = all([tag("title", title), tag("desc", description), self.body]);
        element("svg", &[("class", "chart"), ("viewBox", &view), ("role", "img")], content)
    }
}

/// The mark of the colour `of`.
pub fn mark(of: usize) -> &'static str {
    MARKS[of % COLOURS]
}

fn hover(said: &str) -> Html {
    if said.is_empty() { Html::default() } else { tag("title", said) }
}

/// A number with no more digits than a pixel has use for.
fn short(x: f64) -> String {
    let tenths = (x * 10.0).round() / 10.0;
    format!("{}", tenths + 0.0)
}

/// A chart under its title, with what it is read by, and the table behind it.
pub struct Figure<'a> {
    pub title: &'a str,
    /// The split, and how to read it.
    pub note: &'a str,
    pub description: &'a str,
    pub legend: Html,
    pub table: Table,
}

impl Figure<'_> {
    pub fn html(self, chart: Chart) -> Html {
        let drawing = chart.html(self.title, self.description);
        self.around(drawing)
    }

    /// The same around a drawing that is there.
    pub fn around(self, drawing: Html) -> Html {
        let caption = all([tag("strong", self.title), tag("span", self.note)]);
        let table = match self.table.rows.is_empty() {
            true => Html::default(),
            false => {
                let summary = tag("summary", "Table");
                element("details", &[], all([summary, self.table.html()]))
            }
        };
        let caption = element("figcaption", &[], caption);
        element("figure", &[], all([caption, drawing, self.legend, table]))
    }
}

/// Names with the marks of their colours.
pub fn legend<'a>(names: impl IntoIterator<Item = &'a str>) -> Html {
    let item = |(of, name): (usize, &str)| {
        let mark = element(
            "span",
            &[("class", &format!("ink{}", of % COLOURS)), ("aria-hidden", "true")],
            text(mark(of)),
        );
        element("li", &[], all([mark, text(" "), text(name)]))
    };
    element("ul", &[("class", "legend")], all(names.into_iter().enumerate().map(item)))
}

/// A field with a scale along the foot and one up the left side.
pub struct Field {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
    pub x: Scale,
    pub y: Scale,
}

impl Field {
    /// The place of a point; `None` if it has none on the scales.
    pub fn at(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        Some((self.across(x)?, self.bottom - (self.bottom - self.top) * self.y.place(y)?))
    }

    pub fn across(&self, x: f64) -> Option<f64> {
        Some(self.left + (self.right - self.left) * self.x.place(x)?)
    }

    /// Draws the axes, their numbers and their names.
    pub fn draw(&self, chart: &mut Chart, foot: &str, side: &str) {
        for y in self.y.ticks(5, false) {
            let Some((_, place)) = self.at(self.x.low, y) else { continue };
            chart.line("grid", (self.left, place), (self.right, place));
            let text = self.y.text(y);
            chart.text("tick", (self.left - 5.0, place + 4.0), Anchor::End, &text);
        }
        self.foot(chart, foot);
        chart.text("tick", (0.0, self.top - 9.0), Anchor::Start, &shortened(side, 50));
    }

    /// Draws the axis along the foot, its numbers and its name.
    pub fn foot(&self, chart: &mut Chart, name: &str) {
        chart.line("axis", (self.left, self.bottom), (self.right, self.bottom));
        for x in self.x.ticks(5, false) {
            let Some(place) = self.across(x) else { continue };
            chart.line("axis", (place, self.bottom), (place, self.bottom + 4.0));
            let below = (place, self.bottom + 17.0);
            chart.text("tick", below, Anchor::Middle, &self.x.text(x));
        }
        let middle = (self.left + self.right) / 2.0;
        chart.text("tick", (middle, self.bottom + 34.0), Anchor::Middle, &shortened(name, 50));
    }
}

/// A scale with some room at its ends.
pub fn roomy(values: impl IntoIterator<Item = f64>, whole: bool) -> Option<Scale> {
    let scale = Scale::over(values, false, whole)?;
    let range = scale.high - scale.low;
    let room = if range > 0.0 { 0.05 * range } else { scale.low.abs().max(1.0) * 0.05 };
    Some(Scale { low: scale.low - room, high: scale.high + room, ..scale })
}

/// A picture that lies in the page, and what it shows for those who cannot see it.
pub fn picture(class: &str, kind: &str, bytes: &[u8], said: &str) -> Html {
    use base64::Engine;
    let data = base64::engine::general_purpose::STANDARD.encode(bytes);
    let source = format!("data:{kind};base64,{data}");
    open("img", &[("class", class), ("src", &source), ("alt", said)])
}
