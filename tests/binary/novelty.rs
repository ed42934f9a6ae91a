//! `narrows score --score knn`: distances to the nearest codes of training rows.

use crate::program::Place;
use crate::scores::areas;
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

/// Images of the layout of MVTec AD: lines of any level, and three that are crossed out.
fn parts(place: &Place) {
    let put = |name: &str, of: &dyn Fn(usize, usize) -> u8| {
        let path = place.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), 32, 32);
        encoder.set_color(png::ColorType::Rgb);
        let pixels: Vec<u8> = (0..32 * 32 * 3).map(|i| of(i / 96, i / 3 % 32)).collect();
        encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    };
    let lines = |level: u8| move |y: usize, _| level + if y % 8 < 4 { 60 } else { 0 };
    let crossed = |level: u8| move |y: usize, x: usize| if (x + y) % 5 < 3 { level } else { 255 };
    (0..40).for_each(|i| put(&format!("parts/train/good/{i}.png"), &lines(40 + 3 * i)));
    (0..5).for_each(|i| put(&format!("parts/test/good/{i}.png"), &lines(45 + 20 * i)));
    (0..3).for_each(|i| put(&format!("parts/test/crack/{i}.png"), &crossed(10 * i)));
}

/// The numbers of a CSV file's rows, by the row's number: those of the columns that `is` chooses.
fn numbers(place: &Place, file: &str, is: &dyn Fn(&str) -> bool) -> HashMap<usize, Vec<f64>> {
    let text = place.read(file);
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let chosen = names.iter().zip(&cells).filter(|(name, _)| is(name));
        (cells[0].parse().unwrap(), chosen.map(|(_, cell)| cell.parse().unwrap()).collect())
    };
    lines.map(row).collect()
}

fn codes(place: &Place, file: &str) -> HashMap<usize, Vec<f64>> {
    let is_code = |name: &str| name[1..].parse::<usize>().is_ok() && name.starts_with('z');
    numbers(place, file, &is_code)
}

/// The mean distance of `x` to the nearest `k` of `others`.
fn distance(x: &[f64], others: impl Iterator<Item = Vec<f64>>, k: usize) -> f64 {
    let far = |y: Vec<f64>| x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
    let mut all: Vec<f64> = others.map(far).collect();
    all.sort_by(f64::total_cmp);
    all[..k].iter().sum::<f64>() / k as f64
}

#[test]
fn distances_are_those_of_the_codes_that_embed_writes() {
    let place = Place::new();
    parts(&place);
    place.succeed("pretrain parts --widths 16 --latent 3 --epochs 20 --quiet --out ae");
    let said = place.succeed("score ae parts --score knn --knn-neighbours 3 --out scored");
    assert!(said.out.contains("3 nearest of 40 training rows"), "{}", said.out);
    assert!(said.out.contains("3 unusual rows against 5 normal ones: AUROC"), "{}", said.out);
    let summary = place.json("scored/summary.json");
    assert_eq!(
        (&summary["score"], &summary["knn_neighbours"], &summary["training_rows"]),
        (&"knn".into(), &3.into(), &40.into())
    );
    for part in ["train", "test"] {
        place.succeed(&format!("embed ae parts --part {part} --out {part}.csv"));
    }
    let (train, test) = (codes(&place, "train.csv"), codes(&place, "test.csv"));
    let is_score = |name: &str| name == "score";
    let check = |file: &str, codes: &HashMap<usize, Vec<f64>>, own: bool| {
        let scores = numbers(&place, file, &is_score);
        assert_eq!(scores.len(), codes.len());
        for (row, score) in scores {
            let others = train.iter().filter(|(other, _)| !own || **other != row);
            let expected = distance(&codes[&row], others.map(|(_, code)| code.clone()), 3);
            assert!((score[0] - expected).abs() < 1e-4 * expected, "{row}: {score:?} {expected}");
        }
    };
    check("scored/scores.csv", &test, false);
    let line = "score ae parts --score knn --knn-neighbours 3 --part train";
    place.succeed(&format!("{line} --out own --threads 2"));
    check("own/scores.csv", &train, true);
    place.succeed(&format!("{line} --out one --threads 1"));
    assert_eq!(place.read("own/scores.csv"), place.read("one/scores.csv"));
}

#[test]
fn neighbours_are_training_rows_of_normal_classes() {
    let place = Place::new();
    let row = |i: usize| {
        let odd = i % 4 == 1;
        let kind = ["fine", "odd", ""][if i.is_multiple_of(17) { 2 } else { usize::from(odd) }];
        format!("{},{},{kind}\n", i * 37 % 101, if odd { 300 + i % 7 } else { i * 13 % 50 })
    };
    fs::write(place.path("t.csv"), format!("a,b,kind\n{}", (0..400).map(row).collect::<String>()))
        .unwrap();
    place.succeed("pretrain t.csv --target kind --widths 8 --latent 2 --epochs 3 --quiet --out ae");
    let line = "score ae t.csv --target kind --normal fine --score knn --part all";
    let said = place.succeed(&format!("{line} --out scored"));
    place.succeed("embed ae t.csv --target kind --part all --out all.csv");
    place.succeed("embed ae t.csv --target kind --part train --out train.csv");
    let (all, train) = (codes(&place, "all.csv"), codes(&place, "train.csv"));
    let is_fine = |row: usize| !row.is_multiple_of(17) && row % 4 != 1;
    let normal = || train.iter().filter(|(row, _)| is_fine(**row));
    assert!(said.out.contains(&format!("of {} training rows", normal().count())), "{}", said.out);
    let mut scores = Vec::new();
    for (row, score) in numbers(&place, "scored/scores.csv", &|name| name == "score") {
        if !row.is_multiple_of(17) {
            scores.push((score[0], row % 4 == 1));
        }
        let others = normal().filter(|(other, _)| **other != row).map(|(_, code)| code.clone());
        let expected = distance(&all[&row], others, 5);
        assert!((score[0] - expected).abs() < 1e-4 * expected + 1e-6, "{row}: {score:?}");
    }
    let ranking = place.json("scored/summary.json")["ranking"].take();
    let (auroc, average_precision) = areas(&scores);
    for (key, expected) in [("auroc", auroc), ("average_precision", average_precision)] {
        assert!((ranking[key].as_f64().unwrap() - expected).abs() < 1e-9, "{ranking}: {expected}");
    }
    assert!(auroc > 0.8, "{ranking}");

    place.succeed("train t.csv --target kind --epochs 2 --widths 8 --quiet --out classifier");
    place.succeed("score classifier t.csv --score knn --out of-classifier");
    for (line, text) in [
        ("score classifier t.csv --score reconstruction", "reconstructs nothing"),
        ("score ae t.csv --knn-neighbours 3", "--knn-neighbours has no effect"),
        ("score ae t.csv --score knn --knn-neighbours 400", "need more than 400 samples"),
        ("score ae t.csv --score nearest", "it must be one of rarity, reconstruction, knn"),
        ("score ae t.csv --target kind --normal good --score knn", "has no class \"good\""),
    ] {
        let said = place.refuse(line);
        assert!(said.err.contains(text), "{line}: {}", said.err);
    }
}

/// The file of EfficientNet-Lite0 in the folder of backbones; `None`, loudly, where it is not.
fn lite0() -> Option<PathBuf> {
    let folder = std::env::var_os("NARROWS_BACKBONES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/backbones"),
        PathBuf::from,
    );
    let file = folder.join("efficientnet-lite0-57934424.pth");
    if !file.exists() {
        eprintln!("SKIPPED: there is no {}: set NARROWS_BACKBONES to its folder", file.display());
        return None;
    }
    Some(file)
}

#[test]
fn an_encoder_of_others_scores_by_distances() {
    let Some(file) = lite0() else { return };
    let place = Place::new();
    parts(&place);
    let line = format!("score {} parts --arch efficientnet_lite0", file.display());
    let said = place.succeed(&format!("{line} --image-size 32 --out scored"));
    assert!(said.out.contains("5 nearest of 40 training rows"), "{}", said.out);
    let summary = place.json("scored/summary.json");
    assert_eq!((&summary["score"], &summary["ranking"]["auroc"]), (&"knn".into(), &1.0.into()));
    let said = place.refuse(&format!("{line} --image-size 32 --score reconstruction"));
    assert!(said.err.contains("score by --score knn"), "{}", said.err);
}
