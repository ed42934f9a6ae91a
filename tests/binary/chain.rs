//! pretrain, finetune, evaluate: each takes over what the one before left.

use crate::program::{Place, idx, put_folder};
use narrows_datasets::{Dataset, builtin};
use narrows_models::model_file;
use std::path::Path;

const PRETRAIN: &str = "pretrain --epochs 20 --widths 24 --latent 6 --batch-norm false";

/// The classes that the model at `path` predicts, computed the long way: layer by layer, in f64.
fn predictions(path: &Path, data: &Dataset) -> Vec<usize> {
    let (_, _, params) = model_file::load(path).unwrap();
    let part = |suffix: &str| -> Vec<Vec<f64>> {
        let entries = params.entries().iter().filter(|entry| entry.name.ends_with(suffix));
        entries
            .map(|e| params.values()[e.range.clone()].iter().map(|&x| f64::from(x)).collect())
            .collect()
    };
    let (weights, biases) = (part(".weight"), part(".bias"));
    assert_eq!((weights.len(), biases.len()), (3, 3));
    let predict = |row| {
        let scale = 16.0;
        let mut x: Vec<f64> =
            data.stored_bytes(row).unwrap().iter().map(|&value| f64::from(value) / scale).collect();
        for (layer, (weight, bias)) in weights.iter().zip(&biases).enumerate() {
            let outputs = weight.chunks(x.len()).zip(bias);
            let y = outputs
                .map(|(row, bias)| bias + row.iter().zip(&x).map(|(w, x)| w * x).sum::<f64>());
            // Only the first layer is a hidden one.
            x = y.map(|y| if layer == 0 { y.max(0.0) } else { y }).collect();
        }
        (0..x.len()).max_by(|&a, &b| x[a].total_cmp(&x[b])).unwrap()
    };
    (0..data.len()).map(predict).collect()
}

#[test]
fn the_accuracy_reported_is_that_of_the_weights_on_disk() {
    let place = Place::new();
    let said = place.succeed(&format!("{PRETRAIN} --out pretrained"));
    assert!(said.out.ends_with("\nnext: narrows train --encoder pretrained\n"), "{}", said.out);
    let tune = "train --encoder pretrained --method full --epochs 60 --lr 1e-2 --out tuned";
    let said = place.succeed(tune);
    assert!(said.out.contains("No test label was looked at"), "{}", said.out);
    let next =
        "\nnext: narrows evaluate tuned\n      narrows predict tuned NEW-DATA > predictions.csv\n";
    assert!(said.out.ends_with(next), "{}", said.out);
    let said = place.succeed("evaluate tuned --out evaluated");

    let test = builtin(500, 0).test;
    let labels = test.labels().unwrap().unwrap();
    let predicted = predictions(&place.path("tuned/model.safetensors"), &test);
    let right = |row: &usize| predicted[*row] == usize::from(labels[*row]);
    let correct = (0..test.len()).filter(right).count();
    assert!(correct > 250, "{correct} of 500: nothing was learnt");
    assert!(!place.path("evaluated/config.toml").exists(), "there is nothing to pass back");
    let summary = place.json("evaluated/summary.json");
    assert_eq!(summary["test_accuracy"]["correct"], correct);
    assert_eq!(summary["test_accuracy"]["of"], 500);
    assert!(
        said.out.contains(&format!("test accuracy {:.2} %", correct as f64 / 5.0)),
        "{}",
        said.out
    );
    for (class, rate) in summary["classes"].as_array().unwrap().iter().enumerate() {
        let rows = (0..test.len()).filter(|&row| usize::from(labels[row]) == class);
        assert_eq!(rate["of"], rows.clone().count());
        assert_eq!(rate["correct"], rows.filter(right).count());
    }
    let [low, high] = [0, 1].map(|i| summary["test_accuracy"]["ci95"][i].as_f64().unwrap());
    assert!(low < correct as f64 / 500.0 && correct as f64 / 500.0 < high && high - low < 0.1);
}

#[test]
fn a_draw_trained_alone_is_the_one_that_compare_trained() {
    let place = Place::new();
    let shape = "--widths 24 --latent 6 --batch-norm false --seed 3";
    place.succeed(&format!(
        "compare {shape} --pretrain-epochs 3 --draws 2 --methods slow --finetune-epochs 5 \
         --finetune-lr 2e-3 --out all"
    ));
    place.succeed(
        "train --encoder all --method slow --labels 100 --draw 1 --seed 3 --epochs 5 --lr 2e-3 \
         --out one",
    );
    place.succeed("evaluate one --out tested");
    let compared =
        place.json("all/summary.json")["methods"][1]["test_accuracy"]["per_draw"][1].clone();
    assert_eq!(compared, place.json("tested/summary.json")["test_accuracy"]["mean"]);
    place.succeed(&format!(
        "train --method scratch {shape} --labels 100 --draw 1 --epochs 5 --lr 2e-3 --out bare"
    ));
    place.succeed("evaluate bare/model.safetensors --out bare-tested");
    let compared =
        place.json("all/summary.json")["methods"][0]["test_accuracy"]["per_draw"][1].clone();
    assert_eq!(compared, place.json("bare-tested/summary.json")["test_accuracy"]["mean"]);
}

#[test]
fn a_frozen_encoder_comes_out_as_it_went_in() {
    let place = Place::new();
    place.succeed("pretrain --epochs 2 --widths 24 --latent 6 --out pretrained");
    place.succeed("train --encoder pretrained --method freeze --epochs 5 --out tuned");
    let [before, after] = ["pretrained", "tuned"].map(|run| {
        let (_, _, params) = model_file::load(&place.path(run).join("model.safetensors")).unwrap();
        let range = params.range("encoder");
        params.values()[range].iter().map(|x| x.to_bits()).collect::<Vec<u32>>()
    });
    assert!(!before.is_empty());
    assert_eq!(before, after);
}

#[test]
fn fine_tuning_does_not_see_test_labels() {
    let place = Place::new();
    put_folder(&place.path("data"), 2, 20);
    let tune =
        "train --method scratch data --labels 8 --validation 8 --widths 6 --latent 3 --epochs 3";
    place.succeed(&format!("{tune} --out one"));
    std::fs::write(place.path("data/t10k-labels-idx1-ubyte"), idx(&[40], &[1; 40])).unwrap();
    place.succeed(&format!("{tune} --out two"));
    let weights = |run| std::fs::read(place.path(run).join("model.safetensors")).unwrap();
    assert_eq!(weights("one"), weights("two"));
}

#[test]
fn a_linear_autoencoder_is_no_better_than_pca() {
    let place = Place::new();
    let said = place
        .succeed("pretrain --linear --latent 5 --epochs 600 --held-out 0 --lr 3e-2 --out linear");
    let summary = place.json("linear/summary.json");
    let mse = |of: &str| summary[of]["train_mse"].as_f64().unwrap();
    let ratio = mse("autoencoder") / mse("pca");
    // All is trained on, as PCA is; what may lie below is the rounding of a sum in f32.
    assert!((0.999_999..1.001).contains(&ratio), "{ratio}\n{}", said.out);
    // Both are measured on the same samples, whatever is held out to choose the epoch.
    place.succeed("pretrain --linear --latent 5 --epochs 100 --lr 3e-2 --out held");
    let held = place.json("held/summary.json");
    assert!(held["unlabelled"].as_u64() < summary["unlabelled"].as_u64());
    let mse = |of: &str| held[of]["train_mse"].as_f64().unwrap();
    assert!(mse("autoencoder") >= 0.999_999 * mse("pca"), "{held}");
    // Its own configuration repeats it.
    place.succeed("pretrain --config linear/config.toml --out again");
    let weights = |run| std::fs::read(place.path(run).join("model.safetensors")).unwrap();
    assert_eq!(weights("linear"), weights("again"));
}

#[test]
fn an_autoencoder_is_evaluated_as_one() {
    let place = Place::new();
    place.succeed(&format!("{PRETRAIN} --loss bce --out run"));
    let said = place.succeed("evaluate run --out evaluated");
    let (trained, tested) = (place.json("run/summary.json"), place.json("evaluated/summary.json"));
    assert_eq!(trained["autoencoder"]["test_mse"], tested["test_mse"]);
    assert!(tested.get("test_accuracy").is_none());
    assert!(said.out.contains("It has no accuracy"), "{}", said.out);
    let pictures =
        ["run", "evaluated"].map(|run| std::fs::read(place.path(run).join("reconstructions.png")));
    let [trained, tested] = pictures.map(Result::unwrap);
    assert_eq!(trained, tested);
    // Without --out nothing is written.
    let before = place.listing();
    place.succeed("evaluate run");
    assert_eq!(place.listing(), before);
}

/// What is to be done next can be done as it is printed, by a shell.
#[test]
fn the_next_command_names_the_data() {
    let place = Place::new();
    let kinds = ["big cat", "dog", "owl"];
    let row = |i: usize| format!("r{i},{}.5,{},{}\n", i % 3, i * i % 7, kinds[i % 3]);
    std::fs::create_dir(place.path("my data")).unwrap();
    let text = format!("id,a,b,kind\n{}", (0..150).map(row).collect::<String>());
    std::fs::write(place.path("my data/t.csv"), text).unwrap();
    let learn = "my~data/t.csv --target kind --ignore id --quiet";
    let said = place.succeed(&format!("pretrain {learn} --widths 8 --epochs 1 --out the~ae"));
    let data = "'my data/t.csv' --ignore id --target kind";
    let next = format!("\nnext: narrows train {data} --encoder 'the ae'\n");
    assert!(said.out.ends_with(&next), "{}", said.out);
    let few = "--labels 30 --validation 30 --quiet";
    let said =
        place.succeed(&format!("train --encoder the~ae {learn} {few} --epochs 2 --out tuned"));
    assert!(said.out.contains(&format!("\nnext: narrows evaluate tuned {data}\n")), "{}", said.out);
    let semi = "--widths 8 --latent 4 --epochs 1 --against-rest big~cat --out semi";
    let said = place.succeed(&format!("train {learn} {few} {semi}"));
    let next = format!(
        "evaluate semi {}",
        data.replace(" --ignore", " --against-rest 'big cat' --ignore")
    );
    assert!(said.out.contains(&format!("\nnext: narrows {next}\n")), "{}", said.out);
    let line = next.replace("'big cat'", "big~cat").replace("'my data/t.csv'", "my~data/t.csv");
    assert!(place.succeed(&line).out.contains("t.csv: 24 test samples"));
}
