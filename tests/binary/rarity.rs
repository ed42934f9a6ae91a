//! `narrows score` without a model: how rare rows are beside training rows.

use crate::program::Place;
use crate::scores::areas;
use std::fs;

/// Rows of a size, a weight that follows from it, and a colour; each twentieth is unusual.
fn row(at: usize) -> String {
    let size = (at * 37 % 101) as f64 / 10.0;
    let odd = at % 20 == 3;
    let weight = if odd { 31.0 - 3.0 * size } else { 3.0 * size + (at % 7) as f64 / 10.0 };
    format!(
        "{size},{weight},{},{}\n",
        ["red", "blue", "green"][at % 3],
        ["fine", "odd"][usize::from(odd)]
    )
}

fn table(rows: std::ops::Range<usize>) -> String {
    "size,weight,colour,kind\n".to_owned() + &rows.map(row).collect::<String>()
}

/// The cells of each row of a CSV file.
fn cells(place: &Place, file: &str) -> Vec<Vec<String>> {
    let text = place.read(file);
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn a_table_is_scored_without_a_model() {
    let place = Place::new();
    fs::write(place.path("t.csv"), table(0..400)).unwrap();
    let line = "score t.csv --target kind --quantile 0.95";
    let said = place.succeed(&format!("{line} --out scored"));
    assert!(said.out.contains("beside 400 training rows"), "{}", said.out);
    assert!(said.out.contains("most unlike feature"), "{}", said.out);
    let rows = cells(&place, "scored/scores.csv");
    assert_eq!(rows[0], ["row", "score", "unlike", "size", "above"]);
    assert_eq!((rows.len(), rows.iter().filter(|row| row[4] == "1").count()), (401, 20));
    let scores: Vec<(f64, bool)> = rows[1..]
        .iter()
        .enumerate()
        .map(|(at, row)| (row[1].parse().unwrap(), at % 20 == 3))
        .collect();
    let (auroc, _) = areas(&scores);
    assert!(auroc > 0.85, "{auroc}");
    let summary = place.json("scored/summary.json");
    assert_eq!((&summary["score"], &summary["training_rows"]), (&"rarity".into(), &400.into()));
    assert!(summary["ranking"].is_null());

    // Threads change no byte.
    for threads in [1, 3] {
        place.succeed(&format!("{line} --threads {threads} --out {threads}.csv"));
        assert_eq!(place.read(&format!("{threads}.csv")), place.read("scored/scores.csv"));
    }
    // With the normal class named, only its rows are learnt from, and the labels are compared.
    let said = place.succeed("score t.csv --target kind --normal fine --out apart");
    assert!(said.out.contains("beside 380 training rows"), "{}", said.out);
    let scores: Vec<(f64, bool)> = cells(&place, "apart/scores.csv")[1..]
        .iter()
        .enumerate()
        .map(|(at, row)| (row[1].parse().unwrap(), at % 20 == 3))
        .collect();
    let ranking = place.json("apart/summary.json")["ranking"].take();
    let (auroc, average_precision) = areas(&scores);
    assert!((ranking["auroc"].as_f64().unwrap() - auroc).abs() < 1e-9, "{ranking}");
    assert!((ranking["average_precision"].as_f64().unwrap() - average_precision).abs() < 1e-9);
    assert!(auroc > 0.95, "{auroc}");
}

#[test]
fn new_rows_are_scored_beside_training_rows() {
    let place = Place::new();
    fs::create_dir(place.path("halves")).unwrap();
    let normal = |at: &usize| at % 20 != 3;
    let train: String = (0..400).filter(normal).map(row).collect();
    fs::write(place.path("halves/train.csv"), "size,weight,colour,kind\n".to_owned() + &train)
        .unwrap();
    let test = "5.0,15.1,red,fine\n-9999,15.1,red,fine\n5.0,15.1,mauve,fine\n5.0,2.0,red,odd\n";
    fs::write(place.path("halves/test.csv"), "size,weight,colour,kind\n".to_owned() + test)
        .unwrap();
    let said = place.succeed("score halves --ignore kind --out s.csv");
    let rows = cells(&place, "s.csv");
    let score = |row: usize| rows[row][1].parse::<f64>().unwrap();
    assert!(score(1) < 1.0 && (2..5).all(|row| score(row) > 1.5), "{}", said.out);
    assert_eq!(rows[2][2], "size");
    assert!(rows[2][3].parse::<f64>().unwrap() > 3000.0, "{:?}", rows[2]);
    assert_eq!((&*rows[3][2], &*rows[3][3]), ("colour: a category never seen", "1000000"));
}

#[test]
fn images_are_scored_without_a_model() {
    let place = Place::new();
    let said = place.succeed("score --out s.csv");
    assert!(said.out.contains("beside 1,297 training rows"), "{}", said.out);
    assert_eq!(place.read("s.csv").lines().next(), Some("row,score"));
}

#[test]
fn what_cannot_be_scored_is_refused_in_one_line() {
    let place = Place::new();
    fs::write(place.path("one.csv"), "a,b\n1,2\n").unwrap();
    fs::write(place.path("equal.csv"), format!("a,b\n{}", "1,2\n".repeat(9))).unwrap();
    fs::write(place.path("none.csv"), "a,b\n").unwrap();
    fs::write(place.path("t.csv"), table(0..40)).unwrap();
    for (line, text) in [
        ("score one.csv", "at least 2 rows to learn from, and there is 1"),
        ("score equal.csv", "equal"),
        ("score none.csv", "none.csv"),
        ("score missing.csv", "missing.csv"),
        ("score t.csv --score knn", "give a run before DATA"),
        ("score t.csv --knn-neighbours 3", "--knn-neighbours has no effect"),
        ("score t.csv --target kind --normal good", "has no class \"good\""),
    ] {
        let said = place.refuse(line);
        assert!(said.err.contains(text), "{line}: {}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{line}: {}", said.err);
    }
}
