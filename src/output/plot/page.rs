//! A page of SVG: texts that fit, a heading, and what a screen reader says of it.

use crate::error::Error;
use crate::output::numbers::significant;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Where pictures are drawn, in pixels from the upper left corner.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub type Drawn = Result<(), Box<dyn std::error::Error>>;

/// The size of a title, in the unit of plotters: 1.24 pixels of SVG.
const TITLE: u32 = 20;
/// The size of all other text.
pub const TEXT: u32 = 15;
/// Pixels from one line of text to the next.
pub const LINE: i32 = 16;
/// Pixels around a picture.
pub const MARGIN: i32 = 14;

/// The values of a study, as its pictures show them.
#[derive(Clone, Copy, Debug)]
pub struct Measure<'a> {
    /// The name, such as `validation accuracy`.
    pub name: &'a str,
    /// True if fractions are shown in percent.
    pub percent: bool,
}

impl Measure<'_> {
    pub fn shown(&self, value: f64) -> f64 {
        if self.percent { 100.0 * value } else { value }
    }

    pub fn text(&self, value: f64) -> String {
        let unit = if self.percent { " %" } else { "" };
        significant(self.shown(value), 4) + unit
    }

    pub fn axis(&self) -> String {
        self.name.to_owned() + if self.percent { ", %" } else { "" }
    }
}

/// A white page. `title` and `description` are what a screen reader says.
pub fn page(
    size: (u32, u32),
    title: &str,
    description: &str,
    draw: impl FnOnce(&Area<'_>) -> Drawn,
) -> Result<String, Error> {
    let mut text = String::new();
    let drawn = || -> Drawn {
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        root.fill(&WHITE)?;
        draw(&root)?;
        root.present()?;
        Ok(())
    };
    drawn().map_err(|e| Error::new(format!("the picture {title:?} cannot be drawn: {e}")))?;
    let said = format!(
        " role=\"img\">\n<title>{}</title>\n<desc>{}</desc>",
        escaped(title),
        escaped(description)
    );
    if let Some(end) = text.find('>') {
        text.replace_range(end..=end, &said);
    }
    // XML has no such characters, not even escaped.
    let control = |c: char| c.is_control() && !"\n\t\r".contains(c);
    Ok(text.replace(|c| control(c) || "\u{fffe}\u{ffff}".contains(c), "\u{fffd}"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The title, and below it notes in lines of at most the page's width; returns the space that both
/// take.
pub struct Heading<'a> {
    title: &'a str,
    notes: Vec<String>,
    width: i32,
}

impl<'a> Heading<'a> {
    pub fn new(title: &'a str, notes: &str, width: i32) -> Heading<'a> {
        Heading { title, notes: wrapped(notes, width - 2 * MARGIN, usize::MAX), width }
    }

    pub fn height(&self) -> i32 {
        MARGIN + 2 * LINE + LINE * self.notes.len() as i32
    }

    pub fn draw(&self, area: &Area<'_>) -> Drawn {
        let room = (self.width - 2 * MARGIN) * TEXT as i32 / TITLE as i32;
        let style = style(TITLE, HPos::Left);
        area.draw(&Text::new(shortened(self.title, room), (MARGIN, MARGIN + 8), style))?;
        for (i, note) in (0..).zip(&self.notes) {
            write(area, note, (MARGIN, MARGIN + 2 * LINE + LINE * i), HPos::Left)?;
        }
        Ok(())
    }
}

fn style(size: u32, align: HPos) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size)).pos(Pos::new(align, VPos::Center))
}

/// Writes a line, whose middle is at the height of `at`.
pub fn write(area: &Area<'_>, text: &str, at: (i32, i32), align: HPos) -> Drawn {
    area.draw(&Text::new(text, at, style(TEXT, align)))?;
    Ok(())
}

/// The same, to the right of `at`, on white that lets little of the lines below shine through.
pub fn label(area: &Area<'_>, text: &str, (x, y): (i32, i32)) -> Drawn {
    let corners = [(x - 2, y - 8), (x + width(text) + 2, y + 8)];
    area.draw(&Rectangle::new(corners, WHITE.mix(0.8).filled()))?;
    write(area, text, (x, y), HPos::Left)
}

/// About the pixels that a text of the size [`TEXT`] takes in a wide font.
pub fn width(text: &str) -> i32 {
    let em = f64::from(TEXT) / 1.24;
    let sum: f64 = text.chars().map(|c| em * wide(c)).sum();
    sum.ceil() as i32
}

fn wide(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'f' | 't' | 'r' | 'I' | ' ' | '.' | ',' | ':' | ';' | '\'' | '-'
        | '|' => 0.4,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.98,
        'A'..='Z' => 0.73,
        '\u{1100}'.. if !('\u{2000}'..'\u{2600}').contains(&c) => 1.3,
        '…' => 1.0,
        _ => 0.64,
    }
}

/// The text with its middle left out, so that it fits into `room` pixels.
pub fn shortened(text: &str, room: i32) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let all: Vec<char> = text.chars().collect();
    let with = |kept: usize| -> String {
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        all[..head].iter().chain(&['…']).chain(&all[all.len() - tail..]).collect()
    };
    let fits = (1..all.len()).rev().map(with).find(|text| width(text) <= room);
    fits.unwrap_or_else(|| "…".to_owned())
}

/// The text in at most `most` lines of `room` pixels, broken behind spaces, dashes and the like,
/// within a word only where it is longer than a line. The last line is shortened to fit.
pub fn wrapped(text: &str, room: i32, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_inclusive([' ', '-', '_', '.', '/']) {
        push(&mut lines, word, room);
    }
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).concat();
        lines.push(shortened(&rest, room));
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

fn push(lines: &mut Vec<String>, word: &str, room: i32) {
    let fits = |line: &str, more: &str| width(line) + width(more.trim_end()) <= room;
    if let Some(line) = lines.last_mut()
        && fits(line, word)
    {
        line.push_str(word);
        return;
    }
    if lines.last().is_some_and(|line| !line.is_empty()) {
        lines.push(String::new());
    }
    for c in word.chars() {
        let part = c.to_string();
        match lines.last_mut() {
            Some(line) if line.is_empty() || fits(line, &part) => line.push(c),
            _ => lines.push(part),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The texts of a picture as a reader of XML has them. Fails where a tag is not closed or a
    /// name is no tag of ours, which a text that is not escaped would bring.
    pub fn texts(svg: &str) -> Vec<String> {
        let known =
            ["svg", "title", "desc", "rect", "line", "polyline", "polygon", "text", "circle"];
        let (mut open, mut texts) = (Vec::new(), Vec::new());
        for piece in svg.split('<').skip(1) {
            let (tag, text) = piece.split_once('>').unwrap();
            let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap();
            assert!(known.contains(&name), "{piece}");
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name), "{piece}");
            } else if !tag.ends_with('/') {
                open.push(name);
                let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'")];
                let text = plain.iter().fold(text.to_owned(), |text, (a, b)| text.replace(a, b));
                texts.push(text.replace("&amp;", "&").trim().to_owned());
            }
        }
        assert!(open.is_empty(), "{open:?}");
        texts
    }

    /// A text, and the ends of its place across and down.
    type Placed = (String, (i32, i32), (i32, i32));

    fn places(svg: &str) -> Vec<Placed> {
        let attribute = |tag: &str, name: &str| -> String {
            let start = tag.split_once(&format!(" {name}=\"")).unwrap().1;
            start.split_once('"').unwrap().0.to_owned()
        };
        let written = svg.split("<text").skip(1).map(|piece| {
            let (tag, text) = piece.split_once('>').unwrap();
            let text = text.split_once('<').unwrap().0.trim().to_owned();
            let [x, y] = ["x", "y"].map(|name| attribute(tag, name).parse::<i32>().unwrap());
            let size: f64 = attribute(tag, "font-size").parse().unwrap();
            let shown = texts(&format!("<text>{text}</text>")).remove(0);
            let wide = (f64::from(width(&shown)) * size * 1.24 / f64::from(TEXT)) as i32;
            let left = match attribute(tag, "text-anchor").as_str() {
                "start" => x,
                "middle" => x - wide / 2,
                _ => x - wide,
            };
            (shown, (left, left + wide), (y - 6, y + 6))
        });
        written.collect()
    }

    /// Fails where a text lies on another or leaves the page.
    pub fn assert_apart(svg: &str) {
        let number = |name: &str| -> i32 {
            let start = svg.split_once(&format!(" {name}=\"")).unwrap().1;
            start.split_once('"').unwrap().0.parse().unwrap()
        };
        let (page_width, page_height) = (number("width"), number("height"));
        let all = places(svg);
        for (i, (text, x, y)) in all.iter().enumerate() {
            assert!(x.0 >= 0 && x.1 <= page_width, "{text:?} leaves the page: {x:?}");
            assert!(y.0 >= 0 && y.1 <= page_height, "{text:?} leaves the page: {y:?}");
            for (other, other_x, other_y) in &all[..i] {
                let apart =
                    x.0 >= other_x.1 || other_x.0 >= x.1 || y.0 >= other_y.1 || other_y.0 >= y.1;
                assert!(apart, "{text:?} at {x:?} {y:?} on {other:?} at {other_x:?} {other_y:?}");
            }
        }
    }

    #[test]
    fn a_page_says_its_title_and_shows_any_text() {
        let hostile = "<script>alert(\"1\")</script> & 'ü' 🦀 \u{1}\u{b}";
        let svg =
            page((400, 100), hostile, hostile, |area| write(area, hostile, (10, 50), HPos::Left));
        let svg = svg.unwrap();
        let shown = hostile.replace(['\u{1}', '\u{b}'], "\u{fffd}");
        assert_eq!(texts(&svg)[1..], [shown.clone(), shown.clone(), shown]);
        assert!(svg.starts_with("<svg ") && svg.contains("role=\"img\">\n<title>"), "{svg}");
        assert!(!svg.contains("<script"));
    }

    #[test]
    fn texts_are_cut_to_fit() {
        let name = "pretraining-learning-rate-of-the-decoder";
        let lines = wrapped(name, 90, 9);
        assert_eq!(lines.concat(), name);
        assert!(lines.iter().all(|line| width(line) <= 90), "{lines:?}");
        assert!(lines.iter().rev().skip(1).all(|line| line.ends_with('-')), "{lines:?}");
        let cut = wrapped(name, 90, 2);
        assert!(cut.len() == 2 && cut[1].contains('…') && cut[1].ends_with('r'), "{cut:?}");
        assert!(wrapped(&"x".repeat(50), 60, 9).iter().all(|line| width(line) <= 60));
        assert_eq!(wrapped("", 60, 9), [""]);
        assert_eq!(shortened("short", 100), "short");
        assert_eq!(shortened("residual-50", 5), "…");
        assert!(shortened("residual-network-50", 60).ends_with("50"));
    }
}
