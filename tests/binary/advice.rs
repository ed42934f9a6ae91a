//! Errors that point where the mistake is.

use crate::program::Place;
use std::fs;

/// Rows whose class follows the size.
fn table(rows: usize) -> String {
    let row = |at: usize| {
        format!("{},{},{}\n", 20 * (at % 2) + at % 7, ["Nord", "West"][at % 3 % 2], at % 2)
    };
    format!("size,Region,kind\n{}", (0..rows).map(row).collect::<String>())
}

fn trained() -> Place {
    let place = Place::new();
    fs::write(place.path("t.csv"), table(60)).unwrap();
    place.succeed(
        "train --method scratch t.csv --target kind --labels 30 --validation 10 --widths 8 \
         --latent 2 --epochs 2 --out run --quiet",
    );
    place
}

#[test]
fn what_is_named_in_the_wrong_place_is_told() {
    let place = trained();
    for command in ["predict", "evaluate", "embed", "score"] {
        let said = place.refuse(&format!("{command} t.csv run"));
        let says = "t.csv: is no model: RUN, a run folder or a .safetensors file, comes first";
        assert!(said.err.contains(says), "{}", said.err);
    }
    fs::write(place.path("new.csv"), table(30).replace("Region", "region ")).unwrap();
    let said = place.refuse("predict run new.csv");
    let says = "has no column \"Region\", which the model learnt from: it has \"region\", ";
    assert!(said.err.contains(says), "{}", said.err);
}

#[test]
fn spreadsheets_are_to_be_saved_as_text() {
    let place = trained();
    let zip = |name: &str| format!("PK\x03\x04\x14\0\x06\0\x08\0{name}").into_bytes();
    let old = [&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"[..], &[0; 600]].concat();
    for (name, bytes, what) in [
        ("t.xlsx", zip("[Content_Types].xml"), "an Excel workbook (.xlsx)"),
        ("renamed.csv", zip("[Content_Types].xml"), "an Excel workbook (.xlsx)"),
        (
            "t.ods",
            zip("mimetypeapplication/vnd.oasis.opendocument.spreadsheet"),
            "an OpenDocument sheet (.ods)",
        ),
        ("t.xls", old, "an Excel workbook (.xls)"),
    ] {
        fs::write(place.path(name), bytes).unwrap();
        for command in ["predict run", "train", "data inspect"] {
            let said = place.refuse(&format!("{command} {name}"));
            let says = format!("{name}: is {what}: save it as CSV (UTF-8), and name that");
            assert!(said.err.contains(&says), "{}", said.err);
        }
    }
}

#[test]
fn a_file_to_write_has_an_ending_and_a_folder_to_lie_in() {
    let place = trained();
    for name in ["p.txt", "p.xlsx", "p.csv.gz"] {
        let said = place.refuse(&format!("predict run t.csv --out {name}"));
        let ending = name.rsplit('.').next().unwrap();
        let says =
            format!("{name}: ends in .{ending}, which is no format: give a file that ends in");
        assert!(said.err.contains(&says), "{}", said.err);
        assert!(!place.path(name).exists());
    }
    let said = place.refuse("predict run t.csv --out no/such/p.csv");
    assert!(said.err.contains("no/such: there is no such folder: make it first"), "{}", said.err);
    // A folder that is there may have any name.
    fs::create_dir(place.path("v1.2")).unwrap();
    place.succeed("predict run t.csv --out v1.2");
    assert!(place.path("v1.2/predictions.csv").exists());
}

#[test]
fn too_few_labels_are_counted() {
    let place = Place::new();
    let rows = "1,5,a\n2,6,b\n3,5,\n4,6,\n5,6,a\n6,5,\n";
    fs::write(place.path("t.csv"), format!("x,y,kind\n{rows}")).unwrap();
    let said = place.refuse("train t.csv --target kind --method scratch");
    let says = "t.csv: has 2 labels to learn from, those for the test aside, of which validation \
                takes 1: the 1 left cannot cover 2 classes: label more samples";
    assert!(said.err.contains(says), "{}", said.err);
}

#[test]
fn a_folder_that_was_split_has_samples_for_validation() {
    let place = Place::new();
    fs::write(place.path("t.csv"), table(200)).unwrap();
    place.succeed("data split t.csv parts --target kind");
    let learn = "--widths 8 --latent 2 --epochs 2 --quiet";
    let said = place.succeed(&format!("train --method scratch parts {learn} --out run"));
    assert!(!said.err.contains("left out"), "{}", said.err);
    // 0.7, 0.1 and 0.2 of 200.
    assert!(said.out.contains("scratch on 140 labels"), "{}", said.out);
    assert!(said.out.contains(" % of 20 samples"), "{}", said.out);
    // A second time, from what was kept.
    let again = place.succeed(&format!("train --method scratch parts {learn} --out again"));
    let without_folder = |text: &str| text.replace("again", "run");
    assert_eq!(without_folder(&again.out), said.out);
    let said = place.succeed("evaluate run parts");
    assert!(said.out.starts_with("parts: 40 test samples"), "{}", said.out);
}
