//! Problems of several columns, which are named together, and notes on values that look alike.

use super::kinds::{column, read, refused};
use super::*;
use crate::error::Remedy;

fn notes(text: &str) -> Vec<String> {
    read(text, &TableOptions::default()).1
}

#[test]
fn all_columns_to_ignore_are_named_at_once() {
    let rows: String = (0..300).map(|at| format!("K{at},{},note {at}\n", at % 7)).collect();
    let error = refused(&format!("Kunden-Nr,a,Kommentar\n{rows}"), &TableOptions::default());
    let says = "the column \"Kunden-Nr\" has 300 different values in 300 rows, too many for \
                categories; the column \"Kommentar\" has 300 different values in 300 rows, too \
                many for categories: ignore them";
    assert!(error.ends_with(says), "{error}");
}

/// The names of the columns that are refused, each with the texts that may stand for missing
/// values, and their counts.
#[test]
fn refused_columns_are_values_of_the_error() {
    let rows: String = (0..300)
        .map(|at| {
            let text = ["-", "n/a.", "-"].get(at).copied();
            let text = text.map_or_else(|| at.to_string(), str::to_owned);
            format!("{}K{at},{text},{}\n", "x".repeat(at), at * at)
        })
        .collect();
    let error = infer(&format!("a,b,c\n{rows}"), &TableOptions::default()).unwrap_err();
    let Error::Columns { refused, .. } = &error else { panic!("{error:?}") };
    let found: Vec<_> =
        refused.iter().map(|column| (&*column.name, column.remedy, column.marks.clone())).collect();
    let marks = vec![("-".to_owned(), 2), ("n/a.".to_owned(), 1)];
    let expected =
        [("a", Some(Remedy::Ignore), Vec::new()), ("b", Some(Remedy::MissingOrCategories), marks)];
    assert_eq!(found, expected);
    assert_eq!(error.columns().len(), 1);
    assert_eq!(
        error.to_string(),
        "t.csv: the column \"a\" has a text of 257 bytes in line 255, too long for a category: \
         ignore it"
    );
}

#[test]
fn all_other_texts_of_columns_of_numbers_are_named_at_once() {
    let mut rows: String = (0..50).map(|at| format!("{at}.5,{at}.25,x\n")).collect();
    rows += "k.A.,3,x\nunbekannt,4,x\nk.A.,12o,x\n";
    let error = refused(&format!("a,b,c\n{rows}"), &TableOptions::default());
    let says = "the column \"a\" holds 50 numbers, but also 3 other texts, the first \"k.A.\" in \
                line 52 (\"k.A.\" 2 times, \"unbekannt\" 1 time); the column \"b\" holds 52 \
                numbers, but also another text \"12o\" in line 54: name the texts as missing, read \
                the columns as categories, or ignore them";
    assert!(error.ends_with(says), "{error}");
}

#[test]
fn classes_that_look_alike_are_noted() {
    let found = notes("a,label\n1,yes\n2,Yes\n3,no\n4,new  one\n5,new one\n");
    let says = |classes: &str| {
        let label = "of the column \"label\" differ only in the size of letters or in blanks";
        found.iter().any(|note| note.starts_with(&format!("the classes {classes} {label}")))
    };
    assert!(says("\"Yes\", \"yes\"") && says("\"new  one\", \"new one\""), "{found:?}");
    assert!(!notes("a,label\n1,yes\n2,no\n").iter().any(|note| note.contains("differ only")));
}

#[test]
fn a_column_of_many_inputs_is_noted() {
    let table = |kinds: usize, rows: usize| {
        let cells: Vec<String> = (0..rows).map(|at| format!("k{}", at % kinds)).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        notes(&column(&cells)).iter().any(|note| {
            note.starts_with(&format!("the column \"a\" has {kinds} different values, and each"))
        })
    };
    for (kinds, rows, noted) in
        [(20, 60, false), (21, 60, true), (21, 300, false), (31, 300, true), (101, 3000, true)]
    {
        assert_eq!(table(kinds, rows), noted, "{kinds} of {rows}");
    }
}

#[test]
fn texts_are_shown_as_they_are_written() {
    let found = notes(&column(&["1\u{a0}234", "2'345"]));
    assert_eq!(found, ["the column \"a\" is read as numbers, as in \"1\u{a0}234\""]);
}
