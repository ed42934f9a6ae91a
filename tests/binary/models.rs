//! The models of images, and `summary`, from the outside.

use crate::program::{Place, tiny_compare};
use narrows_models::model_file;
use serde_json::Value;

const SMALL: &str = "--widths 4,8 --latent 6";

#[test]
fn a_convolutional_chain_runs_from_pretraining_to_evaluation() {
    let place = Place::new();
    for model in ["conv", "resnet"] {
        let run = |name: &str| format!("{model}-{name}");
        let (encoder, tuned, tested) = (run("encoder"), run("tuned"), run("tested"));
        place.succeed(&format!(
            "pretrain --model {model} {SMALL} --depth 2 --epochs 4 --out {encoder}"
        ));
        let config: toml::Table =
            toml::from_str(&place.read(&format!("{encoder}/config.toml"))).unwrap();
        assert_eq!(config["model"].as_str(), Some(model));
        assert_eq!(config["widths"].to_string(), "[4, 8]");
        assert_eq!(config["depth"].as_integer(), Some(2));
        // Its own configuration repeats it.
        place.succeed(&format!("pretrain --config {encoder}/config.toml --out {encoder}-again"));
        let weights = |run: &str| std::fs::read(place.path(run).join("model.safetensors")).unwrap();
        assert_eq!(weights(&encoder), weights(&format!("{encoder}-again")));
        assert!(place.path(&encoder).join("reconstructions.png").exists());

        let tune = "--method gradual --epochs 20 --lr 1e-2";
        place.succeed(&format!("train --encoder {encoder} {tune} --out {tuned}"));
        let (description, _, _) =
            model_file::load(&place.path(&tuned).join("model.safetensors")).unwrap();
        assert_eq!(description.architecture.model.name(), model);
        assert_eq!((description.architecture.depth, description.classes), (2, Some(10)));
        let config: toml::Table =
            toml::from_str(&place.read(&format!("{tuned}/config.toml"))).unwrap();
        assert_eq!(config["model"].as_str(), Some(model), "the encoder's, not the default");
        place.succeed(&format!(
            "train --config {tuned}/config.toml --method scratch --out {tuned}-fresh"
        ));

        let said = place.succeed(&format!("evaluate {tuned} --out {tested}"));
        let summary = place.json(&format!("{tested}/summary.json"));
        let accuracy = summary["test_accuracy"]["mean"].as_f64().unwrap();
        assert!(accuracy > 0.5, "nothing was learnt: {accuracy}");
        let classes = summary["classes"].as_array().unwrap();
        let balanced =
            classes.iter().map(|class| class["mean"].as_f64().unwrap()).sum::<f64>() / 10.0;
        assert!((summary["test_balanced_accuracy"].as_f64().unwrap() - balanced).abs() < 1e-12);
        assert!(said.out.contains(&format!("balanced over the classes {:.2} %", 100.0 * balanced)));
        let said = place.succeed(&format!("info {tuned}"));
        assert!(said.out.contains(&format!("classifier of 10 classes, {model}, samples of 8x8x1")));
    }
}

/// Each objective, with what it settles in the configuration; and what follows on a variational
/// encoder.
#[test]
fn objectives_go_through_the_file_and_the_chain() {
    let place = Place::new();
    for (options, settled) in [
        (
            "denoising",
            &[
                "augment = [\"gaussian=0.5\", \"mask=0.4\"]",
                "loss = \"l2\"",
                "variational-beta = \"auto\"",
            ][..],
        ),
        ("masked --augment shift=1", &["augment = [\"shift=1\", \"mask=0.75\", \"patch=1\"]"]),
        ("masked --augment salt=0.5", &["augment = [\"salt=0.5\"]"]),
        ("sparse", &["sparse-weight = 0.0", "augment = []"]),
        (
            "variational --variational-beta 2",
            &["variational-beta = 2.0", "variational-warm-up = 0", "sparse-weight = \"auto\""],
        ),
        (
            "variational --model conv --loss l2 --variational-warm-up 1",
            &["variational-beta = 1.0", "variational-warm-up = 1", "loss = \"l2\""],
        ),
    ] {
        let out = options.replace([' ', '=', '.'], "");
        place.succeed(&format!(
            "pretrain --objective {options} {SMALL} --epochs 2 --quiet --out {out}"
        ));
        let config = place.read(&format!("{out}/config.toml"));
        for line in settled {
            assert!(config.contains(line), "{options}: no {line} in {config}");
        }
        place.succeed(&format!(
            "pretrain --config {out}/config.toml --threads 2 --quiet --out {out}-again"
        ));
        let weights = |run: &str| std::fs::read(place.path(run).join("model.safetensors")).unwrap();
        assert!(weights(&out) == weights(&format!("{out}-again")), "{options}");
    }
    let encoder = "variational--variational-beta2";
    place.succeed(&format!("train --encoder {encoder} --epochs 2 --quiet --out tuned"));
    for run in [encoder, "tuned"] {
        place.succeed(&format!("embed {run} --out {run}.csv"));
        let header = place.read(&format!("{run}.csv")).lines().next().unwrap().to_string();
        assert_eq!(header, "row,z0,z1,z2,z3,z4,z5,label");
        place.succeed(&format!("evaluate {run}"));
    }
    place.succeed(&format!("score {encoder} --out scores.csv"));
    let semi = "train --method ladder --epochs 2 --quiet --out ladder";
    let refused = place.run(&format!("{semi} --encoder {encoder}"));
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(
        refused.err.contains("it is variational; its code's activation is none"),
        "{}",
        refused.err
    );
}

#[test]
fn widths_follow_the_model_and_the_image() {
    let place = Place::new();
    for (options, expected) in [
        ("--model dense", "[512, 256]"),
        ("--model conv", "[16, 32]"),
        ("--model resnet --widths auto", "[16, 32]"),
        ("--model conv --widths 3", "[3]"),
    ] {
        let out = format!("run {options}").replace(' ', "-");
        place.succeed(&format!("pretrain {options} --epochs 1 --quiet --out {out}"));
        let config: toml::Table =
            toml::from_str(&place.read(&format!("{out}/config.toml"))).unwrap();
        assert_eq!(config["widths"].to_string(), expected, "{options}");
    }
}

#[test]
fn a_comparison_of_convolutions_reports_the_metric_asked_for() {
    let place = Place::new();
    let rest = format!("--model conv {SMALL} --methods freeze --metric balanced");
    let said = place.succeed(&tiny_compare(&format!("{rest} --threads 1 --out one")));
    place.succeed(&tiny_compare(&format!("{rest} --threads 2 --out two")));
    let [one, two] = ["one", "two"].map(|run| place.json(&format!("{run}/summary.json")));
    assert_eq!(one["metric"], "balanced");
    let of = |summary: &Value, key: &str| -> Vec<Value> {
        summary["methods"].as_array().unwrap().iter().map(|method| method[key].clone()).collect()
    };
    for key in ["test_accuracy", "test_balanced_accuracy", "gain_over_scratch"] {
        assert_eq!(of(&one, key), of(&two, key), "{key} depends on the threads");
    }
    let mean = one["methods"][1]["test_balanced_accuracy"]["mean"].as_f64().unwrap();
    assert!(said.out.contains(&format!("{:.2} ±", 100.0 * mean)), "{}", said.out);
    assert!(said.out.contains("balanced test, %"), "{}", said.out);
    assert!(said.out.lines().all(|line| line.chars().count() <= 100), "{}", said.out);
    place.succeed("compare --config one/config.toml --out three");
    assert_eq!(
        of(&one, "test_balanced_accuracy"),
        of(&place.json("three/summary.json"), "test_balanced_accuracy")
    );
}

/// The numbers of parameters and multiply-adds of W2, by hand.
#[test]
fn a_summary_adds_up() {
    let place = Place::new();
    let said = place.succeed("info --model conv --input 28x28x1 --latent 64");
    let before = place.listing();
    assert!(said.out.starts_with("autoencoder, conv, samples of 28x28x1\n"), "{}", said.out);
    // Weights of the products, the biases of those without batch norm, gamma and beta.
    let weights = 9 * 16 + 9 * 16 * 32 + 2 * 1568 * 64 + 9 * 32 * 16 + 9 * 16;
    let parameters = weights + (64 + 1568 + 1) + 2 * (16 + 32 + 16);
    let macs = 196 * 9 * 16 + 49 * 9 * 16 * 32 + 2 * 1568 * 64 + 49 * 9 * 32 * 16 + 196 * 9 * 16;
    let digits: String = said.out.chars().filter(|c| *c != ',').collect();
    for number in [parameters, macs] {
        assert!(digits.contains(&number.to_string()), "{number} is not in\n{}", said.out);
    }
    for text in ["28x28x1", "14x14x16", "7x7x32", "64"] {
        assert!(said.out.contains(text), "{text} is not in\n{}", said.out);
    }
    let classifier = place.succeed("info --input 784 --classes 7 --batch 1");
    assert!(classifier.out.contains("classifier of 7 classes, dense, samples of 784 values"));
    assert_eq!(place.listing(), before, "nothing is written");
}
