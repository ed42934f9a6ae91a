//! `narrows score` with labels: how far unusual rows score above the others.

use crate::program::Place;
use std::fs;

/// The areas by all pairs and by each unusual row, from a file of scores and the rows' kinds.
pub fn areas(scores: &[(f64, bool)]) -> (f64, f64) {
    let (mut won, mut pairs, mut precisions, mut unusual) = (0.0, 0.0, 0.0, 0.0);
    for (high, _) in scores.iter().filter(|(_, is)| *is) {
        for (low, _) in scores.iter().filter(|(_, is)| !*is) {
            pairs += 1.0;
            won += f64::from(high > low) + 0.5 * f64::from(high == low);
        }
        let above = scores.iter().filter(|(score, _)| score >= high);
        precisions += above.clone().filter(|(_, is)| *is).count() as f64 / above.count() as f64;
        unusual += 1.0;
    }
    (won / pairs, precisions / unusual)
}

#[test]
fn scores_are_held_against_labels() {
    let place = Place::new();
    // Two numbers that go together, but for each tenth row; some rows have no label.
    let row = |i: usize| {
        let (x, odd) = ((i * 37 % 101) as f64 / 10.0, i % 10 == 3);
        let y = if odd { 12.0 - x } else { x + (i % 5) as f64 / 50.0 };
        let kind = ["fine", "odd", ""][if i.is_multiple_of(17) { 2 } else { usize::from(odd) }];
        format!("{x},{y},{kind}\n")
    };
    fs::write(place.path("t.csv"), format!("a,b,kind\n{}", (0..400).map(row).collect::<String>()))
        .unwrap();
    place.succeed("pretrain t.csv --target kind --widths 8 --latent 1 --epochs 3 --quiet --out ae");
    let said = place.succeed(
        "score ae t.csv --target kind --normal fine --part all --score reconstruction --out scored",
    );
    let ranking = place.json("scored/summary.json")["ranking"].take();
    let text = place.read("scored/scores.csv");
    let mut scores = Vec::new();
    for (i, line) in text.lines().skip(1).enumerate().filter(|(i, _)| !i.is_multiple_of(17)) {
        scores.push((line.split(',').nth(1).unwrap().parse().unwrap(), i % 10 == 3));
    }
    let (auroc, average_precision) = areas(&scores);
    let number = |key: &str| ranking[key].as_f64().unwrap();
    assert!((number("auroc") - auroc).abs() < 1e-9, "{ranking}: {auroc}");
    assert!((number("average_precision") - average_precision).abs() < 1e-9, "{ranking}");
    let unusual = scores.iter().filter(|(_, is)| *is).count();
    assert_eq!(ranking["unusual"], unusual);
    assert_eq!(ranking["normal"], scores.len() - unusual);
    assert!(said.out.contains(&format!("AUROC {auroc:.4}")), "{}", said.out);

    // Without labels nothing is held against anything.
    let said = place.succeed("score ae t.csv --out plain");
    assert!(!said.out.contains("AUROC"), "{}", said.out);
    let said = place.refuse("score ae t.csv --target kind --normal good");
    assert!(said.err.contains("has no class \"good\": it has \"fine\", \"odd\""), "{}", said.err);
    let said = place.refuse("score ae t.csv --target none --normal fine");
    assert!(said.err.contains("there are no labels"), "{}", said.err);
}

/// The layout of MVTec AD: what training knows is normal.
#[test]
fn the_classes_of_training_are_normal() {
    let place = Place::new();
    let put = |name: &str, level: u8, step: u8| {
        let path = place.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), 4, 4);
        encoder.set_color(png::ColorType::Grayscale);
        let pixels: Vec<u8> = (0..16).map(|i| level + step * (i % 2)).collect();
        encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    };
    (0..40).for_each(|i| put(&format!("parts/train/good/{i}.png"), 40 + i, 3));
    (0..5).for_each(|i| put(&format!("parts/test/good/{i}.png"), 45 + 3 * i, 3));
    (0..3).for_each(|i| put(&format!("parts/test/crack/{i}.png"), i, 240));
    place.succeed("pretrain parts --widths 8 --latent 1 --epochs 20 --quiet --out ae");
    let said = place.succeed("score ae parts --score reconstruction --out scored");
    let ranking = place.json("scored/summary.json")["ranking"].take();
    assert_eq!((&ranking["unusual"], &ranking["normal"]), (&3.into(), &5.into()));
    assert_eq!(ranking["auroc"], 1.0);
    let highest = said.out.lines().skip_while(|line| !line.contains("highest: row")).nth(1);
    assert!(highest.is_some_and(|line| line.contains("crack/")), "{}", said.out);
}
