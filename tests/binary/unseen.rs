//! Notes on what training never saw.

use crate::program::Place;
use std::fs;

/// Rows of a table whose classes follow the size: `,` separates.
fn table(rows: usize, labelled: bool) -> String {
    let row = |at: usize| {
        let label = if labelled { [",ja", ",nein"][at % 2] } else { "" };
        let plan = ["Basic", "Family"][at % 2];
        format!("{},{plan},{}{label}\n", 20 * (at % 2) + at % 7, ["TRUE", "FALSE"][at / 2 % 2])
    };
    let label = if labelled { ",churned" } else { "" };
    format!("size,plan,paid{label}\n{}", (0..rows).map(row).collect::<String>())
}

fn trained() -> Place {
    let place = Place::new();
    fs::write(place.path("t.csv"), table(60, true)).unwrap();
    place.succeed(
        "train --method scratch t.csv --target churned --labels 30 --validation 10 --widths 8 \
         --latent 2 --epochs 10 --out model --quiet",
    );
    place
}

#[test]
fn values_that_training_never_saw_are_counted() {
    let place = trained();
    assert_eq!(
        place.succeed("predict model t.csv --quiet").err,
        "",
        "its own rows hold nothing new"
    );
    let mut lines: Vec<String> = table(40, true).lines().map(str::to_owned).collect();
    // A comment above, whose line counts.
    lines.insert(0, "# all of them".to_owned());
    lines[5] = "7,Enterprise,TRUE,ja".to_owned();
    lines[9] = "98765432,Basic,no,ja".to_owned();
    lines[12] = "3,Basic,no,ja".to_owned();
    lines[13] = "-5000,,no,nein".to_owned();
    fs::write(place.path("new.csv"), lines.join("\n")).unwrap();
    let expected = [
        "column \"size\": 2 of 40 rows are far outside what training saw (0 to 26): the first \
         98765432 in row 7 (line 10)",
        "column \"plan\": 1 of 40 rows has a category that training never saw, \"Enterprise\" in \
         row 3 (line 6)",
        "column \"paid\": 3 of 40 rows have a category that training never saw, the first \"no\" \
         in row 7 (line 10)",
    ];
    // They are no progress, which --quiet turns off.
    for command in ["predict model new.csv --quiet", "embed model new.csv --out c.csv"] {
        let said = place.succeed(command);
        for note in expected {
            assert!(said.err.contains(note), "{command}: {}", said.err);
        }
    }
    let said = place.succeed("evaluate model new.csv --target churned --part all --quiet");
    assert!(expected.iter().all(|note| said.err.contains(note)), "{}", said.err);
    // A part of the rows, which keep their numbers.
    let said = place.succeed("predict model new.csv --target churned --part train --quiet");
    assert!(said.err.contains(" rows "), "{}", said.err);
    // The same of a store.
    let ignore = "--ignore none --categorical paid --ordinal none";
    place.succeed(&format!("data convert new.csv new.narrows --target churned {ignore}"));
    let said = place.succeed("predict model new.narrows --quiet");
    let says = "column \"plan\": 1 of 40 rows has a category that training never saw, \
                \"Enterprise\" in row 3\n";
    assert!(said.err.contains(says), "{}", said.err);
}

#[test]
fn a_category_in_another_spelling_is_taken_for_the_one_it_can_be() {
    let place = trained();
    let new = table(40, false);
    fs::write(place.path("new.csv"), &new).unwrap();
    let predicted = place.succeed("predict model new.csv").out;
    let respelled = new.replace("TRUE", "True").replace("FALSE", " false ");
    fs::write(place.path("other.csv"), respelled).unwrap();
    let said = place.succeed("predict model other.csv");
    assert_eq!(said.out, predicted);
    let says = "column \"paid\": categories in another spelling are taken for those that training \
                saw: \"True\" for \"TRUE\", \"false\" for \"FALSE\"\n";
    assert!(said.err.contains(says) && !said.err.contains("never saw"), "{}", said.err);
    // Of two that differ in nothing else, it may be either.
    let learnt = table(60, true).replace("FALSE", "true");
    fs::write(place.path("t2.csv"), learnt).unwrap();
    place.succeed(
        "train --method scratch t2.csv --target churned --labels 30 --validation 10 --widths 8 \
         --latent 2 --epochs 2 --out model2 --quiet",
    );
    fs::write(place.path("third.csv"), new.replace("FALSE", "True")).unwrap();
    let said = place.succeed("predict model2 third.csv");
    let says = "rows have a category that training never saw, the first \"True\" in row 2 (line 4)";
    assert!(said.err.contains(says), "{}", said.err);
    // The test of a folder, too.
    fs::create_dir(place.path("halves")).unwrap();
    fs::write(place.path("halves/train.csv"), table(60, true)).unwrap();
    fs::write(place.path("halves/test.csv"), table(30, true).replace("TRUE", "True")).unwrap();
    let said = place.succeed(
        "train --method scratch halves --target churned --labels 30 --validation 10 --widths 8 \
         --latent 2 --epochs 2 --out model3 --quiet",
    );
    assert!(said.err.contains("taken for those that training saw: \"True\""), "{}", said.err);
}

#[test]
fn errors_count_lines_as_the_file_does() {
    let place = trained();
    let new = table(40, false).replacen("21,Family", "1e30,Family", 1);
    fs::write(place.path("new.csv"), format!("# above\n{new}")).unwrap();
    let said = place.run("predict model new.csv");
    assert!(said.err.contains("line 4, column \"size\": 1e30 is far beyond"), "{}", said.err);
}
