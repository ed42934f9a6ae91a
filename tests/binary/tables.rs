//! Tables as data, from the first command to the last.

use crate::animals::{PLANTED, other_table, table};
use crate::program::Place;
use std::fs;

/// The cells of a file that holds no quotes.
fn cells(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split(',').collect()).collect()
}

/// The rows of numbers of a `.npy` file of two dimensions, or one.
fn npy(bytes: &[u8]) -> (String, Vec<f32>) {
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8(bytes[10..10 + length].to_vec()).unwrap();
    let values =
        bytes[10 + length..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
    (header, values.collect())
}

/// The smallest number that at least the fraction `q` of `sorted` are not above.
fn quantile(sorted: &[f32], q: f64) -> f32 {
    let enough =
        |x: &&f32| sorted.iter().filter(|y| y <= x).count() as f64 >= q * sorted.len() as f64;
    *sorted.iter().find(enough).unwrap()
}

#[test]
fn a_table_goes_all_the_way() {
    let place = Place::new();
    fs::write(place.path("t.csv"), table()).unwrap();
    let learn = "t.csv --target kind --ignore id";
    let said = place.succeed(&format!("pretrain {learn} --widths 64 --epochs 40 --out ae"));
    assert!(
        said.out.starts_with("t.csv: 1,885 unlabelled samples, 16 test samples"),
        "{}",
        said.out
    );
    let config: toml::Table = toml::from_str(&place.read("ae/config.toml")).unwrap();
    // 5 numbers, 4 colours, and whether the age is missing: 10 values, half of which are the code.
    assert_eq!((config["latent"].as_integer(), config["output"].as_str()), (Some(5), Some("none")));
    assert!(!place.path("ae/reconstructions.png").exists());
    let (pca, ae) =
        (&place.json("ae/summary.json")["pca"], &place.json("ae/summary.json")["autoencoder"]);
    let error = |of: &serde_json::Value| of["train_mse"].as_f64().unwrap();
    // Standardised numbers have the variance 1.
    assert!(error(pca) > 0.0 && error(pca) < 1.0 && error(ae) < 1.0, "{}", said.out);

    scores(&place);
    classes(&place);
    codes(&place);
    let said = place.succeed(&format!(
        "compare {learn} --labels 30 --validation 30 --draws 3 --pretrain-epochs 20 --widths 32 \
         --finetune-epochs 30 --finetune-lr 1e-2 --methods full --out compared"
    ));
    let summary = place.json("compared/summary.json");
    let accuracies = summary["methods"].as_array().unwrap().iter();
    let means: Vec<f64> =
        accuracies.map(|m| m["test_accuracy"]["mean"].as_f64().unwrap()).collect();
    assert!(means.len() == 2 && means.iter().all(|mean| *mean > 0.8), "{}", said.out);
    assert!(said.out.contains("PCA, 5 components") && said.out.contains("scratch"), "{}", said.out);
}

/// Rows that are like no other score highest, and the scores' quantiles are theirs.
fn scores(place: &Place) {
    let said = place.succeed("score ae t.csv --score reconstruction --quantile 0.99 --out scored");
    let text = place.read("scored/scores.csv");
    let rows = cells(&text);
    assert_eq!((rows.len(), &rows[0][..]), (2001, &["row", "score", "worst", "above"][..]));
    let number = |cell: &str| cell.parse::<f32>().unwrap();
    assert!(rows[1..].iter().enumerate().all(|(at, row)| row[0] == at.to_string()));
    let mut order: Vec<(usize, f32)> =
        rows[1..].iter().map(|row| number(row[1])).enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut top: Vec<usize> = order[..PLANTED.len()].iter().map(|(row, _)| *row).collect();
    top.sort_unstable();
    assert_eq!(top, PLANTED, "{}", said.out);
    let shown: Vec<&str> =
        said.out.lines().skip_while(|line| !line.contains("highest: row")).collect();
    assert_eq!(shown[1].split_whitespace().next(), Some(&*order[0].0.to_string()), "{}", said.out);
    assert_eq!(shown[1..].iter().take_while(|line| !line.is_empty()).count(), 10);
    assert!(PLANTED.iter().all(|row| ["size", "\"weight", "age"].contains(&rows[row + 1][2])));

    let summary = place.json("scored/summary.json");
    let sorted: Vec<f32> = order.iter().rev().map(|(_, score)| *score).collect();
    let found = summary["quantiles"].as_array().unwrap();
    assert_eq!(found.len(), 4);
    for each in found {
        let (q, score) = (each["quantile"].as_f64().unwrap(), each["score"].as_f64().unwrap());
        assert_eq!(score as f32, quantile(&sorted, q), "{q}");
    }
    let threshold = summary["threshold"].as_f64().unwrap() as f32;
    assert_eq!((threshold, summary["above"].as_u64()), (quantile(&sorted, 0.99), Some(20)));
    for row in &rows[1..] {
        assert_eq!(row[row.len() - 1] == "1", number(row[1]) > threshold, "{row:?}");
    }
    let mean = sorted.iter().map(|&score| f64::from(score)).sum::<f64>() / 2000.0;
    assert!((summary["mean"].as_f64().unwrap() - mean).abs() < 1e-9);
    assert_eq!(
        (summary["rows"].as_u64(), summary["dataset"].as_str()),
        (Some(2000), Some("t.csv"))
    );

    // As an array; by a threshold; only the rows of the test, which keep their numbers; and nothing
    // is left beside.
    place.succeed("score ae t.csv --score reconstruction --out s.npy");
    let (header, values) = npy(&fs::read(place.path("s.npy")).unwrap());
    assert!(header.contains("'shape': (2000,)"), "{header}");
    assert!(rows[1..].iter().zip(&values).all(|(row, value)| number(row[1]) == *value));
    place.succeed(
        "score ae t.csv --score reconstruction --target kind --part test --threshold 0.5 \
         --out test.csv",
    );
    let text = place.read("test.csv");
    let test = cells(&text);
    assert_eq!(test.len(), 1 + 16);
    for row in &test[1..] {
        let at: usize = row[0].parse().unwrap();
        assert_eq!((at % 20, number(row[1])), (5, values[at]));
        assert_eq!(row[row.len() - 1] == "1", values[at] > 0.5);
    }
    let listing = place.listing();
    assert!(!listing.iter().any(|path| path.ends_with("partial")), "{listing:?}");
    let said = place.succeed("score ae t.csv --score reconstruction");
    assert!(
        said.out.ends_with("\nscores: runs/score-1/scores.csv\n") && !said.out.contains("above"),
        "{}",
        said.out
    );
    assert!(place.read("runs/score-1/scores.csv").starts_with("row,score,worst\n"));
}

/// A classifier from a few labels, measured on its own data and on others.
fn classes(place: &Place) {
    // What the encoder has not learnt from is left out: --ignore need not be repeated.
    let said = place.succeed(
        "train --encoder ae t.csv --target kind --labels all --validation 30 --epochs 40 \
         --out classifier",
    );
    assert!(said.out.contains("lp-ft on 54 labels"), "{}", said.out);
    assert!(
        said.out.contains("\nnext: narrows evaluate classifier t.csv --target kind\n"),
        "{}",
        said.out
    );
    let said = place.succeed("evaluate classifier t.csv --target kind --out own");
    let accuracy = |summary: &serde_json::Value| summary["test_accuracy"]["mean"].as_f64().unwrap();
    let own = place.json("own/summary.json");
    assert_eq!(
        (own["test_samples"].as_u64(), own["part"].as_str()),
        (Some(16), Some("test")),
        "{}",
        said.out
    );
    let aside = "; set aside in training, by the name of the data (others: --part all)";
    let start = format!("t.csv: 16 test samples{aside}\ntest accuracy ");
    assert!(said.out.starts_with(&start), "{}", said.out);
    assert!(accuracy(&own) > 0.8, "{}", said.out);

    fs::write(place.path("other.csv"), other_table()).unwrap();
    let said = place.succeed("evaluate classifier other.csv --target kind --part all --out other");
    let other = place.json("other/summary.json");
    assert_eq!((other["test_samples"].as_u64(), other["part"].as_str()), (Some(300), Some("all")));
    assert!(said.out.starts_with("other.csv: 300 samples"), "{}", said.out);
    assert!(said.out.contains("\naccuracy ") && !said.out.contains("test"), "{}", said.out);
    let said = place.succeed("evaluate classifier t.csv --target kind --part train --out learnt");
    assert!(said.out.starts_with("t.csv: 84 training samples\naccuracy "), "{}", said.out);
    assert_eq!(place.json("learnt/summary.json")["part"].as_str(), Some("train"));
    assert!(accuracy(&other) > 0.9, "{}", said.out);
    let of = |class: usize| other["classes"][class]["of"].as_u64().unwrap();
    // In the order that the classifier knows them in.
    assert_eq!((of(0), of(1) + of(2)), (0, 300), "{}", said.out);
    // Without --part it is all of data that nothing was learnt from.
    let said = place.succeed("evaluate classifier other.csv --target kind --out default");
    assert_eq!(place.json("default/summary.json")["test_samples"].as_u64(), Some(300));
    let says = "; all of the data, whose name is not that of the data learnt from\n";
    assert!(said.out.contains(says), "{}", said.out);
    place.succeed("evaluate classifier other.csv --target kind --part test --out sixth");
    let sixth = place.json("sixth/summary.json")["test_samples"].as_u64().unwrap();
    assert!((49..=50).contains(&sixth), "{sixth}");
    let said = place.succeed("evaluate classifier t.csv --target kind --part all");
    let says =
        "t.csv: 100 samples; training samples are among them, if it learnt from these data\n";
    assert!(said.out.starts_with(says), "{}", said.out);
    // An autoencoder needs no labels.
    let said = place.succeed("evaluate ae other.csv --target none --part all");
    assert!(said.out.starts_with("other.csv: 300 samples"), "{}", said.out);
    assert!(said.out.contains("\nan autoencoder: error "), "{}", said.out);
}

/// Codes as an array and as a table.
fn codes(place: &Place) {
    place.succeed("embed ae t.csv --target kind --out codes");
    assert_eq!(place.json("codes/summary.json")["latent"].as_u64(), Some(5));
    let (header, values) = npy(&fs::read(place.path("codes/codes.npy")).unwrap());
    assert!(header.contains("'shape': (2000, 5)") && values.len() == 10_000, "{header}");
    place.succeed("embed ae t.csv --target kind --out codes.csv");
    let text = place.read("codes.csv");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("row,z0,z1,z2,z3,z4,label"));
    let source = table();
    for ((row, line), source) in lines.enumerate().zip(source.lines().skip(1)) {
        let cells: Vec<&str> = line.splitn(7, ',').collect();
        assert_eq!(cells[0], row.to_string());
        let code: Vec<f32> = cells[1..6].iter().map(|cell| cell.parse().unwrap()).collect();
        assert_eq!(code, values[5 * row..][..5]);
        // A name is quoted where it has to be only.
        let label = if source.ends_with("\"Löwe\"") {
            "Löwe"
        } else {
            &source[source.len() - cells[6].len()..]
        };
        assert_eq!((cells[6], cells[6].is_empty()), (label, row % 20 != 5));
    }
    // A classifier has an encoder as well, which fine-tuning changed; and no label is none.
    place.succeed("embed classifier t.csv --target none --out tuned.csv");
    let text = place.read("tuned.csv");
    assert!(text.starts_with("row,z0,z1,z2,z3,z4\n") && text.lines().count() == 2001);
}

/// What is written as Parquet can be read as data, and holds the same.
#[cfg(feature = "parquet")]
#[test]
fn scores_and_codes_come_as_parquet() {
    let place = Place::new();
    fs::write(place.path("t.csv"), table()).unwrap();
    place.succeed("pretrain t.csv --target kind --ignore id --widths 8 --epochs 2 --out ae");
    for (command, name) in [("score ae", "scores"), ("embed ae --target kind", "codes")] {
        place.succeed(&format!("{command} t.csv --out {name}.csv"));
        place.succeed(&format!("{command} t.csv --out {name}.parquet"));
        // The column of their numbers is none to learn from.
        let mut how = narrows_datasets::OpenOptions::default();
        how.table.ignore = vec!["row".to_owned()];
        let opened = |file: &str| {
            let data = narrows_datasets::open_whole(&place.path(file), &how, &|_, _| {}).unwrap();
            let narrows_datasets::Parts::Whole(data) = data.data else {
                panic!("{file} has halves")
            };
            let rows =
                (0..data.len()).map(|row| data.stored_bytes(row).unwrap()).collect::<Vec<_>>();
            (
                data.columns().unwrap().to_vec(),
                rows,
                data.class_names().to_vec(),
                data.labels().unwrap().map(<[u16]>::to_vec),
            )
        };
        assert_eq!(opened(&format!("{name}.csv")), opened(&format!("{name}.parquet")), "{name}");
    }
}

/// The decoders of these files panic. Nobody sees more of that than the error.
#[cfg(feature = "parquet")]
#[test]
fn a_panic_of_a_decoder_is_an_error_of_one_line() {
    let place = Place::new();
    let vectors =
        concat!(env!("CARGO_MANIFEST_DIR"), "/datasets/tests/vectors/columnar/").to_owned();
    for (name, at, flip) in [
        ("small.parquet", 123, 0x04),
        ("dictionaries.arrows", 280, 0x01),
        ("dictionaries.arrows", 632, 0x02),
        ("types.parquet", 779, 0x02),
        ("types.parquet", 1053, 0x04),
        ("types.parquet", 3186, 0x10),
    ] {
        let mut bytes = fs::read(vectors.clone() + name).unwrap();
        bytes[at] ^= flip;
        fs::write(place.path(name), bytes).unwrap();
        let lists = if name.starts_with("types") { " --ignore list,struct,bytes" } else { "" };
        for line in [format!("pretrain {name}{lists}"), format!("compare {name}{lists}")] {
            let said = place.refuse(&line);
            let damaged = format!("narrows: {name}: is damaged: the decoder gave up");
            assert!(said.err.starts_with(&damaged), "{name} {at}: {}", said.err);
        }
    }
}
