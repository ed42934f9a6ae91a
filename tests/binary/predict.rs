//! Predictions for new rows, and tests with classes that training never saw.

use crate::animals::{other_table, table};
use crate::program::Place;
use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};

/// A classifier of animals in the folder `classifier`, and a table of others, `new.csv`.
fn trained() -> Place {
    let place = Place::new();
    fs::write(place.path("t.csv"), table()).unwrap();
    fs::write(place.path("new.csv"), other_table()).unwrap();
    place.succeed(
        "train --method scratch t.csv --target kind --ignore id --labels all --validation 30 \
         --widths 32 --latent 6 --epochs 30 --out classifier --quiet",
    );
    place
}

/// The cells of CSV with quotes.
fn rows(text: &str) -> Vec<Vec<String>> {
    let row = |line: &str| {
        let (mut cells, mut quoted) = (vec![String::new()], false);
        let mut bytes = line.chars().peekable();
        while let Some(byte) = bytes.next() {
            match byte {
                '"' if quoted && bytes.peek() == Some(&'"') => {
                    bytes.next();
                    cells.last_mut().unwrap().push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(String::new()),
                byte => cells.last_mut().unwrap().push(byte),
            }
        }
        cells
    };
    text.lines().map(row).collect()
}

#[test]
fn predictions_are_those_that_evaluate_counts() {
    let place = trained();
    let said = place.succeed("predict classifier new.csv");
    let predicted = rows(&said.out);
    assert_eq!(predicted[0], ["row", "class", "probability"]);
    // The labels of the table, which predict has not looked at.
    let table = rows(&place.read("new.csv"));
    let kind = table[0].iter().position(|name| name == "kind").unwrap();
    assert_eq!(predicted.len(), table.len());
    let correct = predicted[1..].iter().zip(&table[1..]).filter(|(p, t)| p[1] == t[kind]).count();
    place.succeed("evaluate classifier new.csv --target kind --part all --out evaluated");
    let summary = place.json("evaluated/summary.json");
    assert_eq!(summary["test_accuracy"]["correct"], correct);
    assert!(correct * 10 > 9 * (table.len() - 1), "{correct}");

    // The same from a file, with every class, and as an array.
    place.succeed("predict classifier new.csv --top 3 --all --out all.csv");
    let all = rows(&place.read("all.csv"));
    let probabilities = |row: &[String]| -> Vec<f64> {
        row[7..].iter().map(|cell| cell.parse().unwrap()).collect()
    };
    assert_eq!(all[0].len(), 7 + 3);
    for (one, row) in predicted[1..].iter().zip(&all[1..]) {
        assert_eq!(one[..], row[..3]);
        let each = probabilities(row);
        assert!((each.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{row:?}");
        let mut sorted = each.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let ranks: Vec<f64> = [2, 4, 6].iter().map(|&at| row[at].parse().unwrap()).collect();
        assert_eq!(ranks, sorted, "{row:?}");
        let name = &all[0][7 + each.iter().position(|p| *p == sorted[0]).unwrap()];
        assert_eq!(*name, format!("p {}", row[1]));
    }
    place.succeed("predict classifier new.csv --out all.npy");
    let bytes = fs::read(place.path("all.npy")).unwrap();
    let values = bytes[bytes.len() - 4 * 3 * (table.len() - 1)..].chunks_exact(4);
    let values = values.map(|value| f32::from_le_bytes(value.try_into().unwrap()));
    let expected = all[1..].iter().flat_map(|row| probabilities(row));
    assert!(values.zip(expected).all(|(value, p)| (f64::from(value) - p).abs() < 1e-6));
}

#[test]
fn predictions_need_no_labels_and_end_with_their_reader() {
    let place = trained();
    // Neither the label nor the column that was ignored, and columns in another order.
    let table = rows(&place.read("new.csv"));
    let drop = ["kind", "id"];
    let kept: Vec<usize> =
        (0..table[0].len()).rev().filter(|&at| !drop.contains(&&*table[0][at])).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            kept.iter().map(|&at| format!("\"{}\"", row[at].replace('"', "\"\""))).collect();
        cells.join(",") + "\n"
    };
    fs::write(place.path("bare.csv"), table.iter().map(line).collect::<String>()).unwrap();
    let of = |data: &str| place.succeed(&format!("predict classifier {data}")).out;
    assert_eq!(of("bare.csv"), of("new.csv"));

    let said = place.refuse("predict classifier new.csv bare.csv");
    assert!(said.err.contains("unexpected argument 'bare.csv'"), "{}", said.err);
    place.succeed("pretrain t.csv --target kind --ignore id --epochs 1 --widths 8 --out ae");
    let said = place.refuse("predict ae new.csv");
    assert!(said.err.contains("is an autoencoder, which predicts no classes"), "{}", said.err);

    // A reader that has enough.
    let many = table.iter().skip(1).cycle().take(200_000).map(line).collect::<String>();
    fs::write(place.path("many.csv"), line(&table[0]) + &many).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_narrows"))
        .args(["predict", "classifier", "many.csv"])
        .current_dir(place.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut start).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(
        (ended.status.code(), String::from_utf8(ended.stderr).unwrap()),
        (Some(0), "".into())
    );
}

/// Pixels of images of two classes as CSV, bright at the left or at the right, and the class.
fn pixels(rows: usize) -> String {
    let header: Vec<String> = (0..36).map(|at| format!("p{at}")).collect();
    let row = |row: usize| {
        let cells: String = (0..36)
            .map(|at| {
                let bright = (at % 6 < 3) == row.is_multiple_of(2);
                let noise = (row * 31 + at * 17) % 50;
                format!("{},", if bright { 200 + noise } else { noise })
            })
            .collect();
        format!("{cells}{}\n", ["left", "right"][row % 2])
    };
    format!("{},label\n{}", header.join(","), (0..rows).map(row).collect::<String>())
}

#[test]
fn rows_of_pixels_are_images_of_the_shape_asked_for() {
    let place = Place::new();
    fs::write(place.path("t.csv"), pixels(80)).unwrap();
    let new: String =
        pixels(20).lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n").collect();
    fs::write(place.path("new.csv"), new).unwrap();
    place.succeed(
        "train --method scratch t.csv --image-shape 6x6 --model conv --labels 20 \
         --validation 20 --epochs 10 --latent 4 --out model --quiet",
    );
    let predicted = rows(&place.succeed("predict model new.csv").out);
    assert_eq!(predicted.len(), 21);
    for (at, row) in predicted[1..].iter().enumerate() {
        assert_eq!(row[1], ["left", "right"][at % 2], "{row:?}");
    }
    let said = place.run("train --method scratch t.csv --image-shape 6x5 --model conv --out no");
    assert!(said.err.contains("36 values, where an image of 6x5x1 has 30"), "{}", said.err);
    let said = place.refuse("train --method scratch t.csv --image-shape 6 --out no");
    assert!(said.err.contains("28x28 or 32x32x3"), "{}", said.err);
}

/// Rows of the classes a and b, and of those that `others` names.
fn classes(others: &[&str]) -> String {
    let row = |at: usize| format!("{}.5,{}\n", at % 7 + 20 * (at % 2), ["a", "b"][at % 2]);
    let others = others.iter().map(|class| format!("90.5,{class}\n")).collect::<String>();
    format!("x,kind\n{}{others}", (0..40).map(row).collect::<String>())
}

#[test]
fn classes_that_training_never_saw_count_as_wrong() {
    let place = Place::new();
    fs::write(place.path("t.csv"), classes(&[])).unwrap();
    fs::write(place.path("new.csv"), classes(&["c", "d", "c"])).unwrap();
    let learn = "--labels 10 --validation 10 --widths 8 --latent 1 --epochs 20";
    place.succeed(&format!("train --method scratch t.csv --target kind {learn} --out model"));
    let evaluate = "evaluate model new.csv --target kind --part all";
    let said = place.succeed(&format!("{evaluate} --out seen"));
    let says = "3 samples of classes that training never saw count as wrong: \"c\", \"d\"";
    assert!(said.out.contains(says), "{}", said.out);
    let summary = place.json("seen/summary.json");
    assert_eq!(
        (&summary["test_samples"], &summary["unseen_class_samples"]),
        (&43.into(), &3.into())
    );
    assert!(summary["test_accuracy"]["correct"].as_u64().unwrap() <= 40);
    assert!(summary["test_loss"].as_f64().unwrap().is_finite());
    let said = place.refuse(&format!("{evaluate} --strict"));
    assert!(said.err.contains("but new.csv has others, the first \"c\""), "{}", said.err);

    // A folder of two halves.
    fs::create_dir(place.path("halves")).unwrap();
    fs::write(place.path("halves/train.csv"), classes(&[])).unwrap();
    fs::write(place.path("halves/test.csv"), classes(&["c"; 40])).unwrap();
    let compare = "compare halves --target kind --labels 10 --validation 10 --draws 2 --methods \
                   scratch --widths 8 --latent 1 --pretrain-epochs 2 --finetune-epochs 20";
    let said = place.succeed(&format!("{compare} --out compared"));
    assert!(said.err.contains("no training sample has the class \"c\""), "{}", said.err);
    let line = said.out.lines().find(|line| line.starts_with("scratch ")).unwrap();
    let accuracy: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!((25.0..=50.0).contains(&accuracy), "half of the test samples count as wrong: {line}");
    let said = place.run(&format!("{compare} --strict --out strict"));
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("the test has the class \"c\""), "{}", said.err);
}
