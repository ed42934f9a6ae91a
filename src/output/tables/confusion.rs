//! Which classes are taken for which, as a table to read and as `confusion.csv`.

use crate::output::numbers::thousands;
use narrows_models::Confusion;

/// The most classes whose table is printed and stands in `summary.json`.
pub const LARGEST: usize = 20;
/// The widest table, and the longest name in it.
const WIDTH: usize = 100;
const LONGEST: usize = 20;

/// A row for each class, a column for each prediction; nothing for too many classes to be read.
pub fn table(confusion: &Confusion, names: &[String]) -> String {
    let classes = confusion.classes();
    // A folder may have any name.
    let name = |class: usize| -> String {
        let name =
            names.get(class).map_or(class.to_string(), |name| name.escape_debug().to_string());
        name.chars().take(LONGEST).collect()
    };
    let names: Vec<String> = (0..classes).map(name).collect();
    let longest =
        |texts: &[String]| texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
    let counts: Vec<String> = (0..classes)
        .flat_map(|class| confusion.row(class))
        .map(|&count| thousands(count))
        .collect();
    let first = longest(&names).max("class".len());
    let column = |heads: &[String]| 1 + longest(heads).max(longest(&counts));
    // Where the names are too long for columns, they stand in the order of the rows, by their
    // numbers.
    let numbers: Vec<String> = (1..=classes).map(|number| format!("#{number}")).collect();
    let fits = |heads: &[String]| classes <= LARGEST && first + classes * column(heads) <= WIDTH;
    let Some(heads) = [&names, &numbers].into_iter().find(|heads| fits(heads)) else {
        return String::new();
    };
    let width = column(heads);
    let line = |first_cell: &str, cells: &[String]| -> String {
        let cells: String = cells.iter().map(|cell| format!("{cell:>width$}")).collect();
        format!("{first_cell:>first$}{cells}\n")
    };
    let mut text = format!(
        "\nsamples by true class (rows) and predicted class (columns)\n{}",
        line("class", heads)
    );
    for (name, counts) in names.iter().zip(counts.chunks(classes)) {
        text += &line(name, counts);
    }
    text
}

/// The same for any number of classes, the first column and the first line the names.
pub fn csv(confusion: &Confusion, names: &[String]) -> String {
    let classes = confusion.classes();
    let name = |class: usize| {
        let name = names.get(class).map_or(class.to_string(), String::clone);
        match name.contains(['"', ',', '\n', '\r']) {
            true => format!("\"{}\"", name.replace('"', "\"\"")),
            false => name,
        }
    };
    let mut text = "label".to_string();
    (0..classes).for_each(|class| text += &format!(",{}", name(class)));
    text.push('\n');
    for class in 0..classes {
        text += &name(class);
        confusion.row(class).iter().for_each(|count| text += &format!(",{count}"));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stand_where_they_belong() {
        let confusion = Confusion::of(3, &[0, 0, 1, 2, 2, 2], &[0, 1, 1, 2, 0, 2]);
        let names = ["ink, red".to_string(), "b".to_string(), "say \"c\"".to_string()];
        assert_eq!(
            csv(&confusion, &names),
            "label,\"ink, red\",b,\"say \"\"c\"\"\"\n\"ink, red\",1,1,0\nb,0,1,0\n\"say \
             \"\"c\"\"\",1,0,2\n"
        );
        let text = table(&confusion, &["x".to_string(), "y".to_string(), "z".to_string()]);
        assert!(text.ends_with("class x y z\n    x 1 1 0\n    y 0 1 0\n    z 1 0 2\n"), "{text}");
    }

    #[test]
    fn long_names_become_numbers_and_many_classes_no_table() {
        let long = vec!["a name of some length".to_string(); 12];
        let labels: Vec<u16> = (0..12).collect();
        let text = table(&Confusion::of(12, &labels, &labels), &long);
        assert!(
            text.contains(" #12\n") && text.lines().all(|line| line.chars().count() <= 100),
            "{text}"
        );
        let labels: Vec<u16> = (0..21).collect();
        assert_eq!(table(&Confusion::of(21, &labels, &labels), &[]), "");
    }
}
