//! Lines below a table: totals, and remarks.

use super::kinds::read;
use super::*;

/// The table that all of these begin with.
const TABLE: &str =
    "region,units,price,kind\nNorth,5,1.5,a\nSouth,7,2.5,b\nEast,2,4,a\nWest,6,3,b\n";

/// The number of rows, and the notes.
fn look(text: &str) -> (usize, Vec<String>) {
    let (_, notes, rows) = read(text, &named("kind"));
    (rows.len(), notes)
}

#[test]
fn totals_and_remarks_are_left_out() {
    let of_one = "line 6, the last, is left out, because it is a total or a remark and no row: ";
    for footer in [
        "Total,20,11,\n",
        "TOTAL:,20,11,\n",
        "Grand Total,20,11,\n\n",
        "Summe,20,,\n",
        "\"Gesamt\",\"20\",\"11\",\n",
        "Total,\"1,234\",$ 11,\n",
        ",Total,20,\n",
        "Total,20\n",
        "Moyenne,5,2.75,\n",
        "合计,20,11,\n",
        "Source: a survey\n",
        "Source: a survey,,,\n",
        "(4 rows affected)\n",
    ] {
        for (lines, ending) in [("\n", ""), ("\r\n", ""), ("\n", ",,,\n,,,\n")] {
            let text = format!("{TABLE}{footer}{ending}").replace('\n', lines);
            let (rows, notes) = look(&text);
            assert_eq!(rows, 4, "{text:?}");
            assert!(notes.iter().any(|note| note.starts_with(of_one)), "{text:?} {notes:?}");
        }
    }
    for footer in [
        "Subtotal,20,11,\nTotal,21,12,\n",
        "\nData from: a survey\nLast updated: today\n",
        "Total,20,11,\n\nNotes:,,,\nSource: a survey,,,\n",
        "Sum,20,11,\nAverage,5,2.75,",
    ] {
        let (rows, notes) = look(&format!("{TABLE}{footer}"));
        assert_eq!(rows, 4, "{footer:?} {notes:?}");
        assert!(notes.iter().any(|note| note.contains("no row")), "{notes:?}");
    }
}

#[test]
fn rows_that_look_like_totals_are_rows() {
    for row in ["Total,20,11,a\n", "total sales,19,11,\n", "Totally,19,11,\n", "Nowhere,,,\n"] {
        assert_eq!(look(&format!("{TABLE}{row}")).0, 5, "{row:?}");
    }
    let (rows, notes) = look(&format!("{TABLE}Subtotal,20,11,\nTax,1,1,\nTotal,21,12,\n"));
    assert_eq!((rows, notes.len()), (6, 1));
    // A value of the column, and a table of totals.
    let text = "kind,units\ntotal,5\npart,7\ntotal,2\n";
    assert_eq!(look(text).0, 3);
    let text = "region,units,kind\ntotal,5,a\nNorth,1,b\nSouth,9,b\ntotal,3,\n";
    assert_eq!(look(text).0, 4);
    let (_, _, rows) = read("a,b\ntotal,5\n", &TableOptions::default());
    assert_eq!(rows.len(), 1);
    // A quoted line break, and a row that is cut off.
    let text = format!("{TABLE}\"Far\nTotal\",5,1.5,a\n");
    assert_eq!(look(&text).0, 5);
    let error = infer(&format!("{TABLE}Nor"), &named("kind")).unwrap_err().to_string();
    assert!(error.contains("line 6 has 1 value, where the header has 4"), "{error}");
}

#[test]
fn a_last_row_of_sums_is_left_out_whatever_it_is_called() {
    let note = "line 6, the last, is left out, because its numbers are the sums of those above";
    for row in
        [",20,11,\n", "All of them,20,11,\n", ",20,,", "all,20,,", "all,20,11.0000001,\n,,,\n"]
    {
        let (rows, notes) = look(&format!("{TABLE}{row}"));
        assert_eq!(rows, 4, "{row:?}");
        assert!(notes.contains(&note.to_owned()), "{notes:?}");
    }
    let numbers = "a,b\n1,10\n2,20\n3,30\n4,50\n";
    let (_, notes, rows) = read(&format!("{numbers}10,110\n"), &TableOptions::default());
    assert_eq!((rows.len(), notes), (4, vec![note.to_owned()]));
    // Nearly, one of two, a small number by chance, and the only number of a few.
    for text in [
        format!("{TABLE},20,12,\n"),
        format!("{TABLE}all,20,3,\n"),
        format!("{TABLE}all,20,11,a\n"),
        "a,b\n0,0\n0,1\n1,0\n0,0\n1,1\n".to_owned(),
        "name,n\nA,1\nB,2\nC,3\nD,1\nE,7\n".to_owned(),
        "a,b\n1,10\n2,20\n3,30\n".to_owned(),
        "a,b\n5,1\n-5,2\n3,-2\n-3,-1\n0,0\n".to_owned(),
    ] {
        let (_, notes, rows) = read(&text, &TableOptions::default());
        assert_eq!(rows.len(), text.trim().lines().count() - 1, "{text:?} {notes:?}");
    }
}

#[test]
fn rows_for_a_model_have_the_same_footers_and_keep_empty_rows() {
    let layout = infer(TABLE, &named("kind")).unwrap();
    let known = TableOptions { known: Some(layout.columns), ..TableOptions::default() };
    for (footer, count) in [("Total,20,11,\n", 4), (",20,11,\n", 4), (",,,\n,,,\n", 6)] {
        let (_, notes, rows) = read(&format!("{TABLE}{footer}"), &known);
        assert_eq!((rows.len(), notes.len()), (count, 1), "{notes:?}");
        let kept = "2 empty rows are kept, so that all keep their numbers: each value is taken as \
                    missing";
        assert_eq!(notes[0] == kept, count == 6, "{notes:?}");
    }
}
