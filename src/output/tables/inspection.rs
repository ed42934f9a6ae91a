//! The report of `narrows data inspect`: aligned, and no wider than 100 columns.

use super::lines::lines;
use crate::output::numbers::{counted, shape, size, thousands};
use narrows_datasets::{ClassCount, ColumnSummary, Inspection, LabelSummary, NumberSummary};

const WIDTH: usize = 100;
/// So many columns and classes are listed.
const LISTED: usize = 40;
/// So many categories of a column are.
const CATEGORIES: usize = 4;
/// The longest name that is shown in full.
const NAME: usize = 24;
/// The longest bar.
const BAR: usize = 40;

pub fn text(found: &Inspection, sheet: Option<String>) -> String {
    let mut text = overview(found, sheet);
    if let Some(of) = &found.columns {
        text += "\n";
        text += &columns(of);
    }
    if let Some(of) = &found.labels {
        text += "\n";
        text += &classes(of, found);
    }
    text
}

fn overview(found: &Inspection, sheet: Option<String>) -> String {
    let Inspection { train, validation, test, values, provenance, .. } = found;
    let count = |n: u64| thousands(n as usize);
    let mut of = vec![
        ("data", short(&found.name, WIDTH - 20)),
        ("format", found.format.clone()),
        ("on disk", size(found.bytes)),
        (
            "samples",
            match (test, validation) {
                (None, 0) => format!("{}, not divided into train and test", count(*train)),
                (None, n) => {
                    format!("{}, {} of them to validate; no test", count(*train), count(*n))
                }
                (Some(test), 0) => format!("{} to train, {} to test", count(*train), count(*test)),
                (Some(test), n) => {
                    let [train, n, test] = [train - n, *n, *test].map(count);
                    format!("{train} to train, {n} to validate, {test} to test")
                }
            },
        ),
        ("each", format!("{}, {}", shape(&found.shape), found.dtype)),
    ];
    if found.columns.is_some() {
        let what = "counting each category and each mark of a missing number";
        of.push(("inputs", format!("{} of a network, {what}", count(found.inputs))));
    }
    if let Some(numbers) = values {
        let NumberSummary { min, mean, max, missing, infinite, .. } = numbers;
        of.push((
            "values",
            format!("{} to {}, mean {}", number(*min), number(*max), number(*mean)),
        ));
        if *missing + *infinite > 0 {
            of.push((
                "not finite",
                format!("{} NaN, {} infinite", count(*missing), count(*infinite)),
            ));
        }
    }
    if provenance.rounded > 0 {
        of.push((
            "rounded",
            format!("{}, to 32-bit floats", counted(provenance.rounded as usize, "number")),
        ));
    }
    if !provenance.source.is_empty() && provenance.source != found.name {
        of.push((
            "made from",
            short(&format!("{} ({})", provenance.source, provenance.format), WIDTH - 20),
        ));
    }
    of.push((
        "labels",
        match &found.labels {
            None => "none".to_owned(),
            Some(LabelSummary { name, classes }) => {
                let column = name
                    .as_ref()
                    .map_or_else(String::new, |name| format!(", column {}", short(name, NAME)));
                let classes = match classes.len() {
                    1 => "1 class".to_owned(),
                    n => format!("{} classes", thousands(n)),
                };
                format!("{classes}{column}, {} unlabelled", count(found.unlabelled))
            }
        },
    ));
    of.extend(sheet.map(|file| ("picture", file)));
    lines(&of)
}

fn columns(of: &[ColumnSummary]) -> String {
    let name = |column: &ColumnSummary| match column {
        ColumnSummary::Number { name, .. } | ColumnSummary::Category { name, .. } => {
            short(name, NAME)
        }
    };
    let width =
        of.iter().take(LISTED).map(|column| name(column).chars().count()).max().unwrap_or(0).max(6);
    let mut text = format!(
        "{:<width$}  {:>10}  {:>10}  {:>10}  {:>10}\n",
        "column", "missing", "min", "mean", "max"
    );
    for column in of.iter().take(LISTED) {
        text += &match column {
            ColumnSummary::Number { numbers, .. } if numbers.count == 0 => {
                format!(
                    "{:<width$}  {:>10}  no number\n",
                    name(column),
                    thousands(numbers.missing as usize)
                )
            }
            ColumnSummary::Number { numbers, dates, .. } => {
                let NumberSummary { missing, min, mean, max, .. } = numbers;
                let written = if *dates { date } else { number };
                format!(
                    "{:<width$}  {:>10}  {:>10}  {:>10}  {:>10}\n",
                    name(column),
                    thousands(*missing as usize),
                    written(*min),
                    written(*mean),
                    written(*max)
                )
            }
            ColumnSummary::Category { missing, categories, .. } => {
                let start =
                    format!("{:<width$}  {:>10}  ", name(column), thousands(*missing as usize));
                let room = WIDTH - start.chars().count();
                format!("{start}{}\n", frequent(categories, room))
            }
        };
    }
    text + &more(of.len(), "column")
}

/// The most frequent categories, as many as there is room for.
fn frequent(categories: &[(String, u64)], room: usize) -> String {
    let mut shown = Vec::new();
    for (name, count) in categories.iter().take(CATEGORIES) {
        shown.push(format!("{} {}", short(name, NAME), thousands(*count as usize)));
    }
    loop {
        let rest = categories.len() - shown.len();
        let text = match (shown.len(), rest) {
            (0, rest) => counted(rest, "name"),
            (_, 0) => shown.join(", "),
            _ => format!("{} and {} more", shown.join(", "), thousands(rest)),
        };
        if text.chars().count() <= room || shown.pop().is_none() {
            return text;
        }
    }
}

fn classes(of: &LabelSummary, found: &Inspection) -> String {
    let total = |class: &ClassCount| class.train + class.validation + class.test;
    let largest = of.classes.iter().map(total).max().unwrap_or(0).max(1);
    let listed = &of.classes[..of.classes.len().min(LISTED)];
    let width = listed
        .iter()
        .map(|class| short(&class.name, NAME).chars().count())
        .max()
        .unwrap_or(0)
        .max(5);
    let (divided, validated) = (found.test.is_some(), found.validation > 0);
    let first = if divided || validated { "train" } else { "samples" };
    let mut text = format!("{:<width$}  {first:>11}", "class");
    text += if validated { "     validate" } else { "" };
    text += if divided { "         test\n" } else { "\n" };
    for class in listed {
        let bar =
            "#".repeat((total(class) as u128 * BAR as u128).div_ceil(u128::from(largest)) as usize);
        text += &format!(
            "{:<width$}  {:>11}",
            short(&class.name, NAME),
            thousands(class.train as usize)
        );
        if validated {
            text += &format!("  {:>11}", thousands(class.validation as usize));
        }
        if divided {
            text += &format!("  {:>11}", thousands(class.test as usize));
        }
        text += format!("  {bar}").trim_end();
        text += "\n";
    }
    text + &more(of.classes.len(), "class")
}

/// That there are more than were listed.
fn more(count: usize, what: &str) -> String {
    match count.checked_sub(LISTED) {
        None | Some(0) => String::new(),
        Some(more) => {
            let ending = match (what, more) {
                (_, 1) => "",
                ("class", _) => "es",
                _ => "s",
            };
            format!("and {} more {what}{ending}\n", thousands(more))
        }
    }
}

/// At most so many characters, none of which moves the cursor.
fn short(text: &str, most: usize) -> String {
    let shown = |c: char| match c {
        '\'' | '"' => c.to_string(),
        c => c.escape_debug().to_string(),
    };
    let text: String = text.chars().map(shown).collect();
    match text.chars().count() > most {
        true => text.chars().take(most - 3).chain("...".chars()).collect(),
        false => text,
    }
}

/// The date of seconds since 1970, in UTC (H. Hinnant, chrono-Compatible Low-Level Date Algorithms,
/// 2013).
fn date(seconds: f64) -> String {
    let days = (seconds / 86_400.0).floor() as i64 + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A number in at most ten characters, to five digits.
fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || value == value.trunc() && size < 1e8 {
        return format!("{}", value + 0.0);
    }
    if !(1e-3..1e6).contains(&size) {
        return format!("{value:.3e}");
    }
    let before = size.log10().floor().max(0.0) as usize + 1;
    let text = format!("{value:.*}", 5_usize.saturating_sub(before).max(1));
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_ten_characters() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (255.0, "255"),
            (-1.5, "-1.5"),
            (33.318_421, "33.318"),
            (123_456.78, "123456.8"),
            (-2.345e-7, "-2.345e-7"),
            (1.0 / 3.0, "0.3333"),
            (3.0e38, "3.000e38"),
            (99_999_999.0, "99999999"),
        ] {
            assert_eq!(number(value), expected);
            assert!(number(value).len() <= 10);
        }
    }

    /// By GNU `date -u -d @SECONDS +%F`.
    #[test]
    fn seconds_are_dates() {
        for (seconds, expected) in [
            (0.0, "1970-01-01"),
            (-1.0, "1969-12-31"),
            (951_868_799.0, "2000-02-29"),
            (1_614_816_000.0, "2021-03-04"),
            (-11_670_998_400.0, "1600-02-29"),
        ] {
            assert_eq!(date(seconds), expected);
        }
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<(String, u64)> = (0..9).map(|i| (format!("category {i}"), 9 - i)).collect();
        assert_eq!(frequent(&names[..2], 80), "category 0 9, category 1 8");
        let cut = "category 0 9, category 1 8, category 2 7, category 3 6 and 5 more";
        assert_eq!(frequent(&names, 80), cut);
        assert_eq!(frequent(&names, 40), "category 0 9, category 1 8 and 7 more");
        assert_eq!(frequent(&names, 5), "9 names");
        assert_eq!(more(41, "class"), "and 1 more class\n");
        assert_eq!(more(50, "class"), "and 10 more classes\n");
        assert_eq!(more(40, "column"), "");
        assert_eq!(short("a\nb", 10), "a\\nb");
        assert_eq!(short("Côte d'Ivoire", 20), "Côte d'Ivoire");
        assert_eq!(short("0123456789", 8), "01234...");
    }
}
