//! A synthetic table of animals: [`Animals`] says how it comes about.

use std::collections::BTreeMap;

/// The classes, called as nobody would call a column.
pub const KINDS: [&str; 3] = ["Löwe", "tiger, striped", "the \"bear\""];
const COLOURS: [&str; 4] = ["grün", "rot, \"hell\"", "blue", "\u{3b1}\u{3b2}"];

/// Rows of three kinds of animals: three numbers and a colour follow the kind, two further numbers
/// follow those.
struct Animals(u64);

impl Animals {
    /// Uniform in [0, 1).
    fn uniform(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Of about the standard normal distribution.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    /// A row's cells by column, and its kind.
    fn row(&mut self) -> (BTreeMap<&'static str, String>, usize) {
        let kind = (self.uniform() * 3.0) as usize;
        let centre = [[8.0, 100.0, 0.2], [12.0, 140.0, 0.5], [9.0, 180.0, 0.8]][kind];
        let (age, size) = (centre[0] + self.normal(), centre[1] + 8.0 * self.normal());
        let share = centre[2] + 0.05 * self.normal();
        let colour = if self.uniform() < 0.7 { kind } else { (self.uniform() * 4.0) as usize };
        let cells = [
            ("age", format!("{age:.2}")),
            ("size", format!("{size:.1}")),
            ("share", format!("{share:.4}")),
            ("weight, kg", format!("{:.1}", 1.2 * size - 3.0 * age + self.normal())),
            ("speed", format!("{:.2}", 60.0 * share + 0.2 * self.normal())),
            ("colour", COLOURS[colour].to_string()),
        ];
        (BTreeMap::from(cells), kind)
    }
}

/// The rows of [`table`] that are like no other: a weight that does not go with the size, though
/// each occurs.
pub const PLANTED: [usize; 4] = [77, 800, 1201, 1999];

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// 2,000 rows, one in 20 of which has a label, one in 17 no age.
pub fn table() -> String {
    let mut animals = Animals(1);
    let mut text = "id,age,size,\"weight, kg\",share,speed,colour,kind\n".to_string();
    for row in 0..2000 {
        let (mut cells, kind) = animals.row();
        if row % 17 == 3 {
            cells.insert("age", String::new());
        }
        if PLANTED.contains(&row) {
            cells.extend([("size", "95".to_string()), ("weight, kg", "230".to_string())]);
        }
        let label = if row % 20 == 5 { quoted(KINDS[kind]) } else { String::new() };
        let cell = |name| &cells[name];
        text += &format!(
            "r{row},{},{},{},{},{},{},{label}\n",
            cell("age"),
            cell("size"),
            cell("weight, kg"),
            cell("share"),
            cell("speed"),
            quoted(cell("colour"))
        );
    }
    text
}

/// 300 other rows, all labelled, of two of the kinds: columns in another order, one that nobody
/// knows, a colour too.
pub fn other_table() -> String {
    let mut animals = Animals(2);
    let mut text = "kind,colour,notes,speed,share,\"weight, kg\",size,age\n".to_string();
    let mut rows = 0;
    while rows < 300 {
        let (cells, kind) = animals.row();
        if kind == 0 {
            continue;
        }
        let colour = if rows % 10 == 0 { "infrared" } else { &cells["colour"] };
        let cell = |name| &cells[name];
        text += &format!(
            "{},{},note {rows},{},{},{},{},{}\n",
            quoted(KINDS[kind]),
            quoted(colour),
            cell("speed"),
            cell("share"),
            cell("weight, kg"),
            cell("size"),
            cell("age")
        );
        rows += 1;
    }
    text
}
