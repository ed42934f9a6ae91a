//! Tables of a page. Its script makes them sortable, and adds links to take them away.

use super::html::{Html, all, element, paragraph, tag, text};
use crate::output::numbers::thousands;

/// The rows that a table shows at most.
const MOST: usize = 400;

/// What stands in a row and a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    text: String,
    /// What it is sorted by, and what a program gets: all digits of it.
    value: Option<f64>,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), value: None }
    }

    /// A number as it is shown, and all of it.
    pub fn number(value: f64, shown: impl Into<String>) -> Cell {
        Cell { text: shown.into(), value: Some(value) }
    }

    /// The same, or nothing.
    pub fn optional(value: Option<f64>, shown: impl Fn(f64) -> String) -> Cell {
        value.map_or(Cell::default(), |value| Cell::number(value, shown(value)))
    }
}

/// A table: its columns by name, its rows below them.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The name of the files that it is taken away in.
    pub name: String,
    /// What it shows, and of which split.
    pub caption: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    pub fn new(name: impl Into<String>, caption: impl Into<String>, columns: &[&str]) -> Table {
        let columns = columns.iter().map(|column| (*column).to_string()).collect();
        Table { name: name.into(), caption: caption.into(), columns, rows: Vec::new() }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table; columns without any value are left out.
    pub fn html(&self) -> Html {
        let is_used = |at: usize| {
            self.rows.iter().any(|row| row.get(at).is_some_and(|cell| !cell.text.is_empty()))
        };
        let used: Vec<usize> = (0..self.columns.len()).filter(|&at| is_used(at)).collect();
        let head = used.iter().map(|&at| {
            element("th", &[("scope", "col"), ("aria-sort", "none")], text(&self.columns[at]))
        });
        let none = Cell::default();
        let rows = self.rows.iter().take(MOST).map(|row| {
            let cells = used.iter().enumerate().map(|(i, &at)| {
                let cell = row.get(at).unwrap_or(&none);
                let content = text(&cell.text);
                match (i, cell.value) {
                    (_, Some(value)) => {
                        let value = value.to_string();
                        element("td", &[("class", "n"), ("data-value", &value)], content)
                    }
                    (0, None) => element("th", &[("scope", "row")], content),
                    (_, None) => element("td", &[], content),
                }
            });
            element("tr", &[], all(cells))
        });
        let table = element(
            "table",
            &[("data-name", &self.name)],
            all([
                tag("caption", &self.caption),
                element("thead", &[], element("tr", &[], all(head))),
                element("tbody", &[], all(rows)),
            ]),
        );
        let region =
            [("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", "Table")];
        let region = element("div", &region, table);
        if self.rows.len() <= MOST {
            return region;
        }
        let most = thousands(MOST);
        let note = format!("The first {most} of {} rows.", thousands(self.rows.len()));
        all([region, paragraph("note", note)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_without_values_are_left_out_and_numbers_keep_their_digits() {
        let mut table = Table::new("t", "Test split", &["method", "p", "accuracy, %"]);
        table.row([Cell::text("<full>"), Cell::default(), Cell::number(0.123_456, "12.35")]);
        table.row([Cell::text("lp-ft")]);
        let html = table.html();
        let html = html.as_str();
        assert!(html.contains("<td class=\"n\" data-value=\"0.123456\">12.35</td>"), "{html}");
        assert!(html.contains("<th scope=\"row\">&lt;full&gt;</th>"), "{html}");
        assert!(!html.contains(">p</th>"), "{html}");
        table.rows = vec![vec![Cell::text("x")]; MOST + 1];
        let html = table.html();
        assert_eq!(html.as_str().matches("<tr>").count(), MOST + 1);
        assert!(html.as_str().contains("The first 400 of 401 rows."));
    }
}
