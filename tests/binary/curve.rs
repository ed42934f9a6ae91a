//! `narrows compare` at several numbers of labels, from end to end.

use crate::program::Place;
use serde_json::Value;

const TINY: &str = "compare --pretrain-epochs 2 --widths 24 --latent 6 --finetune-epochs 3 \
                    --finetune-lr 3e-3,1e-2 --quiet";
/// A network of that size for semi-supervised methods.
const SEMI: &str = "--semi-epochs 1 --semi-widths 16 --semi-latent 12";

fn tiny(rest: &str) -> String {
    format!("{TINY} {rest}")
}

/// The lines of `results.jsonl`, without times, in the order of what they are about.
fn results(place: &Place, run: &str) -> Vec<Value> {
    let text = place.read(&format!("{run}/results.jsonl"));
    assert!(text.ends_with('\n'));
    let mut lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &mut lines {
        assert!(line.as_object_mut().unwrap().remove("seconds").unwrap().as_f64().unwrap() > 0.0);
    }
    let key = |line: &Value| {
        (
            line["labels"].as_u64(),
            line["method"].as_str().unwrap().to_string(),
            line["draw"].as_u64(),
        )
    };
    lines.sort_by_key(key);
    lines
}

/// The summary's points, without times.
fn points(place: &Place, run: &str) -> Value {
    let mut points = place.json(&format!("{run}/summary.json"))["points"].take();
    for point in points.as_array_mut().unwrap() {
        for method in point["methods"].as_array_mut().unwrap() {
            method.as_object_mut().unwrap().remove("seconds").unwrap();
        }
    }
    points
}

#[test]
fn a_curve_that_is_continued_is_the_curve_in_one_go() {
    let place = Place::new();
    let all = "--labels 10,20,all --draws 2 --methods scratch,freeze,vat";
    let said = place.succeed(&tiny(&format!("{all} {SEMI} --threads 1 --out whole")));
    assert_eq!(results(&place, "whole").len(), 3 * 2 * 3);
    for text in [
        "digits: 1,297 training samples, 500 test samples",
        "2 draws of each",
        "100 more to validate",
    ] {
        assert!(said.out.contains(text), "{text}\n{}", said.out);
    }
    assert!(said.out.lines().all(|line| line.chars().count() <= 100), "{}", said.out);
    let svg = place.read("whole/curve.svg");
    assert!(
        svg.starts_with("<svg")
            && ["1,197", "vat", "freeze", "<title>"].iter().all(|t| svg.contains(t))
    );

    // As if it had been killed while it wrote: the third line is a half.
    std::fs::create_dir(place.path("half")).unwrap();
    for name in ["config.toml", "model.safetensors"] {
        std::fs::copy(place.path("whole").join(name), place.path("half").join(name)).unwrap();
    }
    let text = place.read("whole/results.jsonl");
    let first: Vec<&str> = text.lines().take(3).collect();
    std::fs::write(
        place.path("half/results.jsonl"),
        format!("{}\n{}\n{}", first[0], first[1], &first[2][..20]),
    )
    .unwrap();
    place.succeed("compare --resume half --threads 2 --quiet");
    assert_eq!(results(&place, "half"), results(&place, "whole"));
    assert_eq!(points(&place, "half"), points(&place, "whole"));
    // What was there is still there, first.
    assert!(place.read("half/results.jsonl").starts_with(&format!("{}\n{}\n", first[0], first[1])));
    // A method of other settings, of an older version say, is not mixed with what is measured now.
    let text = place.read("half/results.jsonl");
    std::fs::write(
        place.path("half/results.jsonl"),
        text.replacen("\"settings\":\"", "\"settings\":\"f", 1),
    )
    .unwrap();
    let said = place.run("compare --resume half --quiet");
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(
        ["half", "vat", "other settings", "--methods"].iter().all(|text| said.err.contains(text)),
        "{}",
        said.err
    );
    std::fs::write(place.path("half/results.jsonl"), text).unwrap();
    // Nothing is left to do.
    let before = place.read("half/results.jsonl");
    place.succeed("compare --resume half --quiet");
    assert_eq!(place.read("half/results.jsonl"), before);
    assert_eq!(points(&place, "half"), points(&place, "whole"));

    // Begun with less, then continued with more.
    place.succeed(&tiny("--labels 10,20 --draws 1 --methods scratch --out grown"));
    assert!(!place.path("grown/model.safetensors").exists(), "scratch needs no autoencoder");
    place.succeed(&format!("compare --resume grown {all} {SEMI} --quiet"));
    assert_eq!(results(&place, "grown"), results(&place, "whole"));
    assert_eq!(points(&place, "grown"), points(&place, "whole"));

    for (rest, texts) in [
        ("--finetune-epochs 4", &["--finetune-epochs", "leave it out", "half"][..]),
        ("--seed 2", &["--seed"]),
        ("--latent 9", &["--latent", "that of the encoder"]),
        ("--out other", &["--out", "cannot be used with"]),
    ] {
        let said = place.refuse(&format!("compare --resume half {rest}"));
        assert!(texts.iter().all(|text| said.err.contains(text)), "{}", said.err);
    }
    let said = place.run(&tiny(&format!("{all} {SEMI} --out half")));
    assert!(said.code == Some(2) && said.err.contains("already holds a run"), "{}", said.err);
    assert_eq!(place.read("half/results.jsonl"), before);
}

#[test]
fn a_curve_says_what_a_comparison_says() {
    let place = Place::new();
    let shared = "--pretrain-epochs 2 --widths 24 --latent 6 --finetune-epochs 3 --finetune-lr \
                  3e-3,1e-2 --draws 2 --methods scratch,slow --quiet";
    place.succeed(&format!("compare {shared} --labels 30 --out compared"));
    place.succeed(&format!("compare {shared} --labels 30,50 --out curved"));
    place.succeed(
        "compare --encoder compared --finetune-epochs 3 --finetune-lr 3e-3,1e-2 --draws 2 \
         --methods scratch,slow --quiet --labels 30 --out given",
    );
    let compared = place.json("compared/summary.json");
    for run in ["curved", "given"] {
        let point = &points(&place, run)[0];
        for (method, other) in
            point["methods"].as_array().unwrap().iter().zip(compared["methods"].as_array().unwrap())
        {
            assert_eq!(method["test_accuracy"], other["test_accuracy"], "{run}");
        }
        assert_eq!(
            point["methods"][1]["gain_over_scratch"],
            compared["methods"][1]["gain_over_scratch"]
        );
        // Two draws, one difference of means: Student's distribution of one degree of freedom is
        // Cauchy's.
        let per_draw = |i: usize| -> Vec<f64> {
            let all = point["methods"][i]["test_accuracy"]["per_draw"].as_array().unwrap();
            all.iter().map(|x| x.as_f64().unwrap()).collect()
        };
        let (scratch, slow) = (per_draw(0), per_draw(1));
        let (a, b) = (slow[0] - scratch[0], slow[1] - scratch[1]);
        let t = ((a + b) / (a - b)).abs();
        let p = 1.0 - 2.0 * t.atan() / std::f64::consts::PI;
        assert!((point["methods"][1]["p"].as_f64().unwrap() - p).abs() < 1e-9, "{point}");
    }
}

#[test]
fn a_variational_encoder_has_a_curve() {
    let place = Place::new();
    let few = "--labels 10,20 --draws 1 --methods scratch,full,full --threads 1";
    place.succeed(&tiny(&format!("{few} --objective variational --out first")));
    assert_eq!(results(&place, "first").len(), 4, "a method named twice is one");
    let few = format!("{few} --finetune-epochs 3 --finetune-lr 3e-3,1e-2 --quiet");
    place.succeed(&format!("compare --encoder first {few} --out second"));
    assert_eq!(results(&place, "second"), results(&place, "first"));
    // The second has the encoder in its own folder.
    std::fs::rename(place.path("first"), place.path("away")).unwrap();
    place.succeed("compare --resume second --draws 2 --quiet");
    assert_eq!(results(&place, "second").len(), 8);
    let said =
        place.run("compare --encoder second --variational-warm-up 3 --methods full --out refused");
    assert!(
        said.code == Some(2) && said.err.contains("--variational-warm-up has no effect"),
        "{}",
        said.err
    );
}

/// What is left of a pretraining that failed is not the encoder of what is continued.
#[test]
fn a_pretraining_that_diverged_is_no_encoder() {
    let place = Place::new();
    // A linear network whose rate rises over 12 epochs: the first ones go well.
    let rising = "--pretrain-epochs 40 --activation none --output none --batch-norm false \
                  --pretrain-optimizer sgd --pretrain-schedule one-cycle --pretrain-lr 10";
    let said = place.run(&tiny(&format!(
        "{rising} --labels 10,20 --draws 1 --methods full --threads 1 --out lost"
    )));
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("lost/pretraining.safetensors"), "{}", said.err);
    let again = place.run("compare --resume lost --quiet");
    assert_eq!((again.code, &again.err), (Some(2), &said.err));
    assert_eq!(place.read("lost/results.jsonl"), "");
}

#[test]
fn validation_may_differ_with_the_labels() {
    let place = Place::new();
    place.succeed(&tiny("--labels 10,40 --validation 10,40 --methods scratch --draws 1 --out run"));
    let points = points(&place, "run");
    assert_eq!((&points[0]["validation"], &points[1]["validation"]), (&10.into(), &40.into()));
    // Other validation labels are another measurement.
    place.succeed("compare --resume run --validation 30 --quiet");
    assert_eq!(results(&place, "run").len(), 4);
    for (rest, text) in [
        ("--labels 10,20,30 --validation 10,20", "one for each"),
        ("--labels none", "at least one value"),
        ("--labels 5", "cannot cover 10 classes"),
        ("--labels 2000", "--labels or --validation"),
        ("--methods ladder,magic", "it must be one of scratch"),
        ("--methods ladder --semi-epochs 0", "--semi-epochs"),
        ("--methods ladder --batch-norm false", "ladder: the ladder network is for"),
    ] {
        let said = place.refuse(&format!("compare {rest} --out refused"));
        assert!(said.err.contains(text), "{text}: {}", said.err);
        assert!(!place.path("refused").exists());
    }
}
