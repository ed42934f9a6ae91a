//! Numbers that leave the range of a float: they are named, and never a result.

use crate::program::Place;
use std::fs;
use std::path::Path;

const WIDTH: usize = 6;
/// The samples to learn from, and to test with.
const HALVES: [usize; 2] = [240, 60];

/// Samples and labels of two classes in both halves, as a safetensors file; `change` has the values
/// of the training half and of the test half.
fn put(path: &Path, image: bool, change: impl Fn(&mut [f32], &mut [f32])) {
    let mut halves = HALVES.map(|rows| {
        let value = |at: usize| (at * 37 % 101) as f32 / 50.0 - 1.0 + (at / WIDTH % 2) as f32;
        (0..rows * WIDTH).map(value).collect::<Vec<f32>>()
    });
    let [train, test] = &mut halves;
    change(train, test);
    let (mut entries, mut bytes) = (Vec::new(), Vec::new());
    for (half, values) in ["train", "test"].iter().zip(&halves) {
        let rows = values.len() / WIDTH;
        let shape = if image { vec![rows, 2, WIDTH / 2] } else { vec![rows, WIDTH] };
        let at = bytes.len();
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let between = bytes.len();
        bytes.extend((0..rows).map(|row| (row % 2) as u8));
        let end = bytes.len();
        entries.push(format!(
            r#""x_{half}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{at},{between}]}}"#
        ));
        entries.push(format!(
            r#""y_{half}":{{"dtype":"U8","shape":[{rows}],"data_offsets":[{between},{end}]}}"#
        ));
    }
    let header = format!("{{{}}}", entries.join(","));
    let length = (header.len() as u64).to_le_bytes();
    fs::write(path, [&length[..], header.as_bytes(), &bytes].concat()).unwrap();
}

const SMALL: &str = "--widths 8 --latent 4 --threads 1 --quiet";

/// A classifier and an autoencoder of good data.
fn trained(image: bool) -> Place {
    let place = Place::new();
    put(&place.path("good.safetensors"), image, |_, _| {});
    place.succeed(&format!("pretrain good.safetensors --epochs 2 {SMALL} --out ae"));
    let training = "--method scratch --labels 40 --validation 40 --epochs 2";
    place.succeed(&format!("train good.safetensors {training} {SMALL} --out classifier"));
    place
}

#[test]
fn a_value_that_leaves_the_range_is_named_by_every_command() {
    for image in [false, true] {
        let place = trained(image);
        for (huge, written) in [
            (1e20, "value 3: 1e20 is "),
            (-3e38, "value 3: -3e38 is "),
            (f32::NAN, "holds NaN at its value 3"),
            (f32::INFINITY, "holds inf at its value 3"),
        ] {
            let data = |name: &str| place.path(name);
            put(&data("train.safetensors"), image, |train, _| train[7 * WIDTH + 3] = huge);
            put(&data("test.safetensors"), image, |_, test| test[7 * WIDTH + 3] = huge);
            for line in [
                format!("pretrain train.safetensors --epochs 1 {SMALL}"),
                format!("pretrain test.safetensors --epochs 1 {SMALL}"),
                format!("train train.safetensors --method scratch --epochs 1 {SMALL}"),
                format!("compare test.safetensors --draws 2 --pretrain-epochs 1 {SMALL}"),
                "evaluate classifier test.safetensors --out e".to_owned(),
                "evaluate ae test.safetensors --out e".to_owned(),
                "predict classifier test.safetensors --part test".to_owned(),
                "score ae test.safetensors --part test --out s".to_owned(),
                "embed ae test.safetensors --part test --out c".to_owned(),
            ] {
                let said = place.refuse(&line);
                assert!(said.err.contains("sample 7"), "{line}: {}", said.err);
                assert!(said.err.contains(written), "{line}: {}", said.err);
                assert!(!said.err.contains("learning rate"), "{line}: {}", said.err);
                assert!(said.out.is_empty(), "{line}: {}", said.out);
            }
        }
    }
}

/// Weights may be finite, and what they make is not.
#[test]
fn outputs_that_are_not_finite_are_no_results() {
    let place = trained(false);
    for run in ["ae", "classifier"] {
        let path = place.path(run).join("model.safetensors");
        let (description, _, mut params) = narrows_models::model_file::load(&path).unwrap();
        params.values_mut().iter_mut().for_each(|weight| *weight = weight.signum() * 1e30);
        narrows_models::model_file::save(&path, &params, &description).unwrap();
    }
    for line in [
        "evaluate classifier good.safetensors --out e",
        "evaluate ae good.safetensors --out e",
        "evaluate classifier good.safetensors --with classifier --out e",
        "predict classifier good.safetensors --part test --out p.csv",
        "score ae good.safetensors --score reconstruction --part test --out s",
        "embed ae good.safetensors --part test --out c",
    ] {
        let said = place.refuse(line);
        assert!(said.err.contains("the model's output of row"), "{line}: {}", said.err);
        assert!(!place.path("e/summary.json").exists() && !place.path("p.csv").exists());
    }
}

/// Without a sample there is no number, and no null either.
#[test]
fn classes_without_a_sample_have_no_number() {
    let place = Place::new();
    fs::create_dir(place.path("t")).unwrap();
    let rows = |classes: [&str; 2], count: usize| {
        let row = |at: usize| format!("{},{},{}\n", at * 37 % 11, at % 5, classes[at % 2]);
        "a,b,label\n".to_owned() + &(0..count).map(row).collect::<String>()
    };
    let small = "--widths 8 --latent 2 --threads 1 --quiet";
    fs::write(place.path("t/train.csv"), rows(["x", "y"], 120)).unwrap();
    fs::write(place.path("t/test.csv"), rows(["x", "z"], 30)).unwrap();
    let training = "--method scratch --labels 20 --validation 20 --epochs 2";
    place.succeed(&format!("train t {training} {small} --out classifier"));
    place.succeed("evaluate classifier t --out tested");
    let text = place.read("tested/summary.json");
    assert!(!text.contains("null") && text.contains("test_loss"), "{text}");
    let classes = &place.json("tested/summary.json")["classes"];
    assert!(classes[0].get("mean").is_some() && classes[1].get("mean").is_none(), "{classes}");

    fs::write(place.path("t/test.csv"), rows(["q", "z"], 30)).unwrap();
    place.succeed(&format!("compare t --labels 20 --draws 2 --pretrain-epochs 1 {small} --out c"));
    let text = place.read("c/summary.json");
    assert!(!text.contains("null") && text.contains("test_accuracy"), "{text}");
}
