//! `narrows compare` from end to end.

use crate::program::{Place, idx, tiny_compare};
use serde_json::Value;

/// Checks that `value` has the keys and types of `schema`, and no more.
fn check(value: &Value, schema: &Value, at: &str) {
    match (value, schema) {
        (Value::Object(value), Value::Object(schema)) => {
            let (have, want): (Vec<_>, Vec<_>) = (value.keys().collect(), schema.keys().collect());
            assert_eq!(have, want, "{at}");
            schema
                .iter()
                .for_each(|(key, schema)| check(&value[key], schema, &format!("{at}.{key}")));
        }
        (Value::Array(value), Value::Array(schema)) if schema.len() == 1 => {
            value.iter().for_each(|value| check(value, &schema[0], at));
        }
        (Value::Array(value), Value::Array(schema)) => {
            assert_eq!(value.len(), schema.len(), "{at}");
            value.iter().zip(schema).for_each(|(value, schema)| check(value, schema, at));
        }
        (Value::Number(value), Value::Number(schema)) => {
            assert_eq!(value.is_f64(), schema.is_f64(), "{at}: {value}");
        }
        (value, schema) => {
            assert_eq!(
                std::mem::discriminant(value),
                std::mem::discriminant(schema),
                "{at}: {value}"
            );
        }
    }
}

/// The schema, by example: a list of one item stands for any number of such.
fn schema() -> Value {
    serde_json::json!({
        "command": "", "dataset": "", "seed": 1, "threads": 1, "unlabelled": 1, "labels": 1,
        "draws": 1, "test_samples": 1,
        "pca": { "components": 1, "train_mse": 0.5, "test_mse": 0.5 },
        "autoencoder": { "latent": 1, "train_mse": 0.5, "test_mse": 0.5, "seconds": 0.5 },
        "methods": [{
            "name": "", "reference": true,
            "test_accuracy": { "mean": 0.5, "std": 0.5, "ci95": [0.5, 0.5], "per_draw": [0.5] },
            "gain_over_scratch": { "mean": 0.5, "ci95": [0.5, 0.5] },
            "seconds": 0.5,
            "draws": [{ "draw": 1, "seed": 1, "test_accuracy": 0.5, "validation_accuracy": 0.5,
                        "chosen": "" }]
        }],
        "test_duplicates": 1,
        "label_draws": [{ "draw": 1, "labels": 1, "seed": 1, "train": [1], "validation": [1] }],
        "wall_seconds": 0.5, "peak_memory_mb": 0.5
    })
}

/// The summary without what it took.
fn outcome(mut summary: Value) -> Value {
    let top = summary.as_object_mut().unwrap();
    for key in ["threads", "wall_seconds", "peak_memory_mb"] {
        assert!(top.remove(key).is_some(), "{key}");
    }
    top["autoencoder"].as_object_mut().unwrap().remove("seconds");
    for method in top["methods"].as_array_mut().unwrap() {
        method.as_object_mut().unwrap().remove("seconds");
    }
    summary
}

/// `metrics.csv` without the times.
fn curves(text: &str) -> Vec<String> {
    text.lines().map(|line| line.rsplitn(3, ',').nth(2).unwrap().to_string()).collect()
}

#[test]
fn a_run_leaves_everything_it_should() {
    let place = Place::new();
    let said = place.succeed(&tiny_compare("--out run"));
    let files = [
        "config.toml",
        "metrics.csv",
        "model.safetensors",
        "reconstructions.png",
        "report.html",
        "summary.json",
    ];
    let mut expected: Vec<String> =
        files.map(|name| place.path("run").join(name).display().to_string()).into();
    expected.insert(0, place.path("run").display().to_string());
    assert_eq!(place.listing(), expected);

    let summary = place.json("run/summary.json");
    let mut schema = schema();
    if !cfg!(target_os = "linux") {
        schema["peak_memory_mb"] = Value::Null;
    }
    check(&summary, &schema, "summary");
    assert_eq!(summary["command"], "compare");
    assert_eq!(summary["dataset"], "digits");
    assert_eq!(summary["test_samples"], 500);
    assert_eq!(summary["unlabelled"], 1797 - 500 - 64);
    let methods = summary["methods"].as_array().unwrap();
    let names: Vec<&str> = methods.iter().map(|m| m["name"].as_str().unwrap()).collect();
    let ours = ["scratch", "freeze", "linear", "slow", "full", "gradual", "lp-ft", "vat"];
    let references = ["logistic", "knn", "svm", "forest"];
    assert_eq!(names, [&ours[..], &references].concat());
    for method in methods {
        let per_draw: Vec<f64> = method["test_accuracy"]["per_draw"]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap())
            .collect();
        assert_eq!(per_draw.len(), 2);
        assert!(per_draw.iter().all(|x| (0.0..=1.0).contains(x)));
        // Of 500 samples each.
        assert!(per_draw.iter().all(|x| (x * 500.0 - (x * 500.0).round()).abs() < 1e-9));
        let mean = method["test_accuracy"]["mean"].as_f64().unwrap();
        assert!((mean - (per_draw[0] + per_draw[1]) / 2.0).abs() < 1e-12);
        assert!(said.out.contains(&format!("{:.2} ±", 100.0 * mean)), "{}", said.out);
    }

    // A header, three epochs of the autoencoder, four of each classifier, six methods on two draws;
    // the eight strengths of the regression, and the one epoch of vat. References have none.
    let metrics = place.read("run/metrics.csv");
    let rows: Vec<Vec<&str>> = metrics.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 1 + 3 + 6 * 2 * 4 + 2 * 8 + 2);
    assert_eq!(
        rows[0].join(","),
        "run,epoch,lr,train_loss,validation_loss,validation_accuracy,seconds,samples_per_second"
    );
    for (i, row) in rows.iter().enumerate().skip(1) {
        assert_eq!(row.len(), 8, "{row:?}");
        let autoencoder = i <= 3;
        assert_eq!(row[0] == "autoencoder", autoencoder, "{row:?}");
        assert_eq!(row[5].is_empty(), autoencoder, "{row:?}");
        let numbers = row[1..].iter().filter(|cell| !cell.is_empty());
        assert!(numbers.map(|cell| cell.parse::<f64>().unwrap()).all(f64::is_finite), "{row:?}");
    }

    // 16 columns of 8x8, sixfold, 3 pixels apart; two strips of two rows, 12 apart.
    let file = std::fs::File::open(place.path("run/reconstructions.png")).unwrap();
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (16 * (48 + 3) + 3, 2 * (2 * 48 + 3) + 12 + 2 * 3));
    assert_eq!(info.color_type, png::ColorType::Grayscale);

    assert!(said.out.lines().all(|line| line.chars().count() <= 100), "{}", said.out);
    for text in [
        "digits: 1,233 unlabelled samples, 500 test samples",
        "PCA, 6 components",
        "references, on the same labels",
        "run folder: run",
    ] {
        assert!(said.out.contains(text), "{text}\n{}", said.out);
    }
}

#[test]
fn threads_change_nothing_but_the_time() {
    let place = Place::new();
    // Wide enough for single matrix products to be dealt out to the threads.
    let wide = "--widths 256,256 --pretrain-batch 256 --methods full";
    place.succeed(&tiny_compare(&format!("{wide} --threads 1 --out one")));
    place.succeed(&tiny_compare(&format!("{wide} --threads 2 --out two")));
    let (one, two) = (place.json("one/summary.json"), place.json("two/summary.json"));
    assert_eq!((&one["threads"], &two["threads"]), (&1.into(), &2.into()));
    assert_eq!(outcome(one).to_string(), outcome(two).to_string());
    assert_eq!(curves(&place.read("one/metrics.csv")), curves(&place.read("two/metrics.csv")));
    let weights = |run| std::fs::read(place.path(run).join("model.safetensors")).unwrap();
    assert_eq!(weights("one"), weights("two"));
}

#[test]
fn a_run_can_be_repeated_from_its_configuration_alone() {
    let place = Place::new();
    let special = "--seed 7 --pretrain-schedule warm-up --pretrain-loss huber --activation tanh \
                   --dropout 0.1 --batch-norm false";
    place.succeed(&tiny_compare(&format!(
        "{special} --methods full --finetune-optimizer nesterov --out first"
    )));
    place.succeed("compare --config first/config.toml --out second");
    let summaries =
        [place.json("first/summary.json"), place.json("second/summary.json")].map(outcome);
    assert_eq!(summaries[0].to_string(), summaries[1].to_string());
    assert_eq!(place.read("first/config.toml"), place.read("second/config.toml"));
}

#[test]
fn runs_without_a_folder_are_numbered() {
    let place = Place::new();
    let tiny = tiny_compare("--methods scratch --draws 1 --quiet");
    let said = place.succeed(&tiny);
    let ends = "run folder: runs/compare-1\nnext: narrows train --encoder runs/compare-1\n";
    assert!(said.out.ends_with(ends), "{}", said.out);
    std::fs::rename(place.path("runs/compare-1"), place.path("runs/compare-9")).unwrap();
    assert!(place.succeed(&tiny).out.contains("run folder: runs/compare-10\n"));
}

#[test]
fn each_loss_schedule_and_optimiser_trains() {
    let place = Place::new();
    for (i, options) in [
        "--pretrain-loss bce --pretrain-schedule step --pretrain-optimizer sgd --pretrain-lr 0.1",
        "--pretrain-loss l1 --pretrain-schedule constant --pretrain-optimizer nesterov \
         --pretrain-clip-norm 1",
        "--pretrain-loss huber --pretrain-schedule warm-up --pretrain-optimizer adamw \
         --pretrain-weight-decay 0.01 --pretrain-patience 1",
        "--pretrain-schedule cosine --output none --pretrain-held-out 0 \
         --finetune-label-smoothing 0.1",
    ]
    .iter()
    .enumerate()
    {
        let rest = format!("{options} --methods full --draws 1 --out run-{i}");
        place.succeed(&tiny_compare(&rest));
        let summary = place.json(&format!("run-{i}/summary.json"));
        let mse = summary["autoencoder"]["test_mse"].as_f64().unwrap();
        // Half of the squared range: an untrained sigmoid is at 0.14.
        assert!((0.0..0.5).contains(&mse), "{options}: {mse}");
    }
}

/// A rate at which training explodes loses against one at which it does not.
#[test]
fn a_candidate_that_diverges_loses() {
    let place = Place::new();
    place.succeed(&tiny_compare("--finetune-lr 1e-3 --references=false --out one"));
    let said = place.succeed(&tiny_compare("--finetune-lr 1e-3,1e30 --references=false --out two"));
    let [one, two] = ["one", "two"].map(|run| outcome(place.json(&format!("{run}/summary.json"))));
    assert_eq!(one.to_string(), two.to_string());
    assert!(said.out.contains("\ngradual          0.001 x2\n"), "{}", said.out);
}

#[test]
fn a_comparison_in_which_all_diverges_keeps_the_autoencoder() {
    let place = Place::new();
    let said =
        place.refuse(&tiny_compare("--finetune-lr 1e29,1e30 --methods scratch --quiet --out run"));
    for text in [
        "no learning rate worked",
        "scratch draw",
        "lower the learning rate",
        "run/model.safetensors",
    ] {
        assert!(said.err.contains(text), "{text}: {}", said.err);
    }
    place.succeed("evaluate run");
}

/// On real images, small: what is to be shown at full size.
#[test]
fn the_autoencoder_beats_pca_and_the_baseline_is_trained() {
    let place = Place::new();
    place.succeed(
        "compare --widths 128 --latent 6 --pretrain-epochs 60 --draws 2 --methods scratch \
                   --finetune-lr 1e-2 --out run",
    );
    let summary = place.json("run/summary.json");
    let number = |pointer: &str| summary.pointer(pointer).and_then(Value::as_f64).unwrap();
    assert!(number("/autoencoder/test_mse") < number("/pca/test_mse"), "{summary}");
    assert!(number("/methods/0/test_accuracy/mean") > 0.8, "{summary}");
}

/// `--auto` tries what is for the model, says so, and compares the winner with the rest.
#[test]
fn auto_chooses_by_validation_within_a_time() {
    let place = Place::new();
    let tiny = "--pretrain-epochs 2 --widths 24 --latent 6 --finetune-epochs 3 --finetune-lr 1e-2 \
                --labels 30 --validation 50 --methods scratch --draws 2 --semi-widths 32 \
                --semi-latent 24 --semi-epochs 3 --quiet";
    for (model, out, tried) in [
        ("--seed 1", "dense", &["lp-ft", "pseudo-labels", "mean-teacher", "vat", "ladder"][..]),
        (
            "--model conv --widths 4,6 --semi-widths 4,6 --semi-epochs 1",
            "conv",
            &["lp-ft", "pseudo-labels", "mean-teacher", "vat"],
        ),
    ] {
        let said = place.succeed(&format!("compare {tiny} --auto 3s {model} --out {out}"));
        let summary = place.json(&format!("{out}/summary.json"));
        let of_tried = summary["tried"].as_array().unwrap();
        let names: Vec<&str> = of_tried.iter().map(|t| t["name"].as_str().unwrap()).collect();
        assert_eq!(names, tried);
        let key = |t: &serde_json::Value| {
            (t["validation_accuracy"].as_f64().unwrap(), -t["validation_loss"].as_f64().unwrap())
        };
        let best = of_tried.iter().max_by(|a, b| key(a).partial_cmp(&key(b)).unwrap()).unwrap();
        assert_eq!(summary["methods"][1]["name"], best["name"]);
        assert_eq!(summary["methods"].as_array().unwrap().len(), 2);
        assert!(
            said.out.contains(&format!("{} was chosen.", best["name"].as_str().unwrap())),
            "{}",
            said.out
        );
        assert!(
            of_tried.iter().all(|t| (1..=3).contains(&t["epochs"].as_u64().unwrap())),
            "{of_tried:?}"
        );
    }
    // What diverges loses the choice, and is told.
    let lost = "--seed 1 --semi-lr 1e30 --semi-epochs 1 --semi-widths 8 --semi-latent 4";
    let said = place.succeed(&format!("compare {tiny} --auto 3s {lost} --out lost"));
    assert!(said.out.contains("lp-ft was chosen."), "{}", said.out);
    let of_tried = place.json("lost/summary.json")["tried"].take();
    assert!(of_tried[0].get("failed").is_none() && of_tried[3]["failed"].is_string(), "{of_tried}");
    assert!(
        said.out.lines().any(|line| line.starts_with("vat ") && line.contains("failed")),
        "{}",
        said.out
    );
    for (rest, text) in [
        ("--auto 3s --semi-ramp-up 2", "ramp-up"),
        ("--methods full --semi-epochs 1", "--semi-epochs has no effect"),
        ("--references=maybe", "--references"),
        ("--methods svm,magic", "it must be one of"),
        ("--auto soon", "--auto"),
        ("--auto 0s", "--auto"),
        ("--auto 3s --labels 10,20", "--auto has no effect"),
        ("--methods vat,magic", "it must be one of"),
        ("--methods vat --semi-batch 1", "--semi-batch 1 is too small"),
    ] {
        let said = place.refuse(&format!("compare {rest} --out refused"));
        assert!(said.err.contains(text), "{rest}: {}", said.err);
    }
}

/// A time is counted in operations: more of it is more training, and the same is the same.
#[test]
fn a_budget_is_counted() {
    let place = Place::new();
    let epochs = |budget: &str, out: &str| {
        place.succeed(&format!(
            "compare --labels 30 --validation 30 --draws 1 --methods vat --widths 16 --latent 4 \
             --pretrain-epochs 1 --finetune-epochs 1 --finetune-lr 1e-2 --quiet {budget} \
             --out {out}"
        ));
        let metrics = place.read(&format!("{out}/metrics.csv"));
        metrics.lines().filter(|line| line.starts_with("vat ")).count()
    };
    let (one, two) = (epochs("--budget 1s", "one"), epochs("--budget 2s", "two"));
    assert!(one > 1 && two > one, "{one} {two}");
    assert_eq!(epochs("--budget 1s --seed 9 --threads 1", "again"), one);
    assert_eq!(epochs("--budget 1s --semi-epochs 2", "asked"), 2);
    assert!(place.read("one/config.toml").contains("budget = \"1s\""));
    let said = place.refuse("compare --budget soon");
    assert!(said.err.contains("--budget"), "{}", said.err);
}

/// Halves of other names, classes with gaps, and test samples that are in both halves.
#[test]
fn test_samples_that_are_known_are_counted() {
    let place = Place::new();
    let labels = |n: u8| (0..n).map(|i| [0, 2, 7][usize::from(i % 3)]).collect::<Vec<u8>>();
    let images = |from: u8, n: u8| -> Vec<u8> {
        (from..from + n).flat_map(|i| [i, 255 - i, i / 2, 3, i % 3 * 80, 9]).collect()
    };
    let put = |name: &str, bytes: Vec<u8>| std::fs::write(place.path(name), bytes).unwrap();
    std::fs::create_dir(place.path("d")).unwrap();
    for (half, from, n) in [("train", 0, 90), ("val", 90, 12), ("test", 99, 30)] {
        put(&format!("d/{half}-images-idx3-ubyte"), idx(&[u32::from(n), 2, 3], &images(from, n)));
        put(&format!("d/{half}-labels-idx1-ubyte"), idx(&[u32::from(n)], &labels(n)));
    }
    let said = place.succeed(
        "compare d --labels 30 --draws 2 --methods full,svm --widths 8 --latent 2 --quiet \
         --pretrain-epochs 1 --finetune-epochs 2 --finetune-lr 1e-2 --out run",
    );
    // The last three for validation are the first three of the test.
    let note = "note: 3 of 30 test samples are also among the training samples";
    assert!(said.out.contains(note), "{}", said.out);
    let summary = place.json("run/summary.json");
    assert_eq!(summary["test_duplicates"], 3);
    let draws = summary["label_draws"].as_array().unwrap();
    let rows = |draw: &Value| -> Vec<u64> {
        draw["train"].as_array().unwrap().iter().map(|row| row.as_u64().unwrap()).collect()
    };
    assert_eq!((draws.len(), rows(&draws[0]).len()), (2, 30));
    assert!(rows(&draws[0]) != rows(&draws[1]) && rows(&draws[0]).iter().all(|row| *row < 90));
    for method in summary["methods"].as_array().unwrap() {
        for (draw, of) in draws.iter().zip(method["draws"].as_array().unwrap()) {
            assert_eq!(draw["seed"], of["seed"]);
        }
        assert_eq!(method["reference"], Value::Bool(method["name"] == "svm"));
    }
}
