//! Errors that point where the mistake is.

use crate::program::{Place, put_folder};
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

#[test]
fn inspect_shows_a_table_without_the_columns_that_are_refused() {
    let place = Place::new();
    let row = |at: usize| {
        let age = ["?!", "n.a.", "?!"].get(at).copied().map(str::to_owned);
        let age = age.unwrap_or_else(|| (at % 50).to_string());
        format!("N{at},{age},{},{}\n", at * at % 101, at % 2)
    };
    let rows: String = (0..300).map(row).collect();
    fs::write(place.path("t.csv"), format!("\"Name, first\",age,a,kind\n{rows}")).unwrap();
    let said = place.succeed("data inspect t.csv --target kind");
    for part in [
        "\na                0           0 ",
        "\n2 columns are refused, and left out above:\n",
        "\nName, first  has 300 different values in 300 rows, too many for categories\n",
        "\nage          holds 297 numbers, but also 3 other texts, the first \"?!\" in line 2 ",
        "(\"?!\" 2 times, \"n.a.\" 1 time)\n",
        "\nadd to read the rest: --ignore '\"Name, first\"' --missing='?!,n.a.'\n",
    ] {
        assert!(said.out.contains(part), "{part}\n{}", said.out);
    }
    let said = place.succeed("data inspect t.csv --target kind --json");
    assert!(said.out.contains("\"refused\":{\"Name, first\":\"has 300 different"), "{}", said.out);
    let said = place.refuse("train t.csv --target kind");
    let says = "ignore it by --ignore '\"Name, first\"'; 1 more column cannot be read: \
                'narrows data inspect' lists all";
    assert!(said.err.contains(says), "{}", said.err);
    let all = ["data", "inspect", "t.csv", "--ignore", "\"Name, first\"", "--missing=?!,n.a."];
    let said = place.run_with(&all);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
}

#[test]
fn a_total_below_a_table_is_no_row_to_predict() {
    let place = trained();
    let sum: usize = table(60)
        .lines()
        .skip(1)
        .map(|row| row.split(',').next().unwrap().parse::<usize>().unwrap())
        .sum();
    for (footer, says) in [
        (
            format!("{sum},,30\n"),
            "line 62, the last, is left out, because its numbers are the sums",
        ),
        ("Total,500,\n".to_owned(), "line 62, the last, is left out, because it is a total or"),
        (",,\n".to_owned(), "1 empty row is kept, so that all keep their numbers"),
    ] {
        fs::write(place.path("new.csv"), table(60) + &footer).unwrap();
        let said = place.succeed("predict run new.csv");
        assert!(said.err.contains(says), "{}", said.err);
        assert_eq!(said.out.lines().count(), 61 + usize::from(footer == ",,\n"));
    }
}

#[test]
fn what_there_is_not_is_told_with_what_there_is() {
    let place = trained();
    for (line, says) in [
        ("train t.csv --size 28,28", "there is no option --size: --image-size is one\n"),
        ("data inspect t.csv --size 4", "there is no option --size: --image-size is one\n"),
        ("train t.csv --foo", "there is no option --foo: narrows train --help lists the options\n"),
        ("data split t.csv --foo", "--foo: narrows data split --help lists the options\n"),
        ("train t.csv --image-size 28,28", "'--image-size <SIZE>': write it as 28x28\n"),
        ("data convert t.csv out.xyz", ".safetensors, .parquet, or in .narrows for a store\n"),
    ] {
        let said = place.refuse(line);
        assert!(said.err.ends_with(says), "{line}\n{}", said.err);
    }
    if cfg!(feature = "fetch") {
        let said = place.refuse("train nothere");
        assert!(said.err.contains("nothere: there is no such file or folder, and no public data"));
        assert!(said.err.contains("check the path, or name one of mnist, "), "{}", said.err);
    }
    assert!(place.refuse("train no/where").err.contains("check the path for a mistake"));
    put_folder(&place.path("images"), 3, 10);
    for command in ["predict", "evaluate", "embed"] {
        let said = place.refuse(&format!("{command} run images"));
        let says = "t.csv, whose samples are no images, and images holds some: name data like it";
        assert!(said.err.contains(says), "{}", said.err);
    }
    // The name alone tells data apart.
    fs::create_dir(place.path("other")).unwrap();
    fs::write(place.path("other/t.csv"), table(60)).unwrap();
    let said = place.succeed("evaluate run other/t.csv --target kind");
    let says = "samples; set aside in training, by the name of the data (others: --part all)\n";
    assert!(said.out.contains(says), "{}", said.out);
}
