//! `narrows train` by semi-supervised methods, from end to end.

use crate::program::Place;

const TINY: &str = "train --labels 20 --validation 50 --epochs 2 --widths 24 --latent 16 --quiet";

#[test]
fn each_method_trains_evaluates_and_repeats() {
    let place = Place::new();
    for method in ["pseudo-labels", "mean-teacher", "vat", "ladder"] {
        let said = place.succeed(&format!("{TINY} --method {method} --out {method}"));
        assert!(said.out.contains(&format!("{method} on 20 labels, draw 0")), "{}", said.out);
        let summary = place.json(&format!("{method}/summary.json"));
        assert_eq!((&summary["command"], &summary["method"]), (&"train".into(), &method.into()));
        let epochs = place.read(&format!("{method}/metrics.csv"));
        assert_eq!(epochs.lines().count(), 3, "{epochs}");
        let tested = place.succeed(&format!("evaluate {method}"));
        assert!(tested.out.contains("accuracy"), "{}", tested.out);
        // The configuration is whole: it gives the same model.
        place.succeed(&format!("train --config {method}/config.toml --quiet --out again-{method}"));
        let model =
            |run: &str| std::fs::read(place.path(&format!("{run}/model.safetensors"))).unwrap();
        assert!(model(method) == model(&format!("again-{method}")), "{method}");
    }
}

#[test]
fn it_starts_from_a_pretrained_encoder() {
    let place = Place::new();
    place.succeed("pretrain --epochs 2 --widths 24 --latent 6 --quiet --out ae");
    let said = place.succeed(
        "train --encoder ae --labels 20 --validation 50 --epochs 1 --method mean-teacher --quiet \
         --out semi",
    );
    assert!(said.out.contains("mean-teacher"), "{}", said.out);
    let config = place.read("semi/config.toml");
    assert!(config.contains("latent = 6") && config.contains("ae"), "{config}");
    // Its convolutions, too.
    place.succeed("pretrain --epochs 1 --model conv --widths 4,6 --latent 6 --quiet --out conv");
    place.succeed(
        "train --encoder conv --labels 20 --validation 50 --epochs 1 --method vat --quiet --out \
         semi-conv",
    );
}

#[test]
fn what_does_not_fit_is_refused_in_one_line() {
    let place = Place::new();
    place.succeed("pretrain --epochs 1 --widths 24 --latent 6 --quiet --out ae");
    for (rest, text) in [
        ("--method magic", "pseudo-labels"),
        ("--method ladder --model conv", "not for this one: its model is conv, not dense: choose"),
        ("--method ladder --batch-norm false", "not for this one: it has no batch norm: choose"),
        (
            "--method ladder --dropout 0.5 --activation tanh",
            "a dropout of 0.5, not 0; its activation is tanh, not relu",
        ),
        ("--method ladder --encoder ae", "its code's activation is none, not relu"),
        ("--method vat --encoder ae --widths 8", "--widths has no effect"),
        ("--encoder nowhere", "nowhere"),
        ("--labels 5", "cannot cover 10 classes"),
        ("--vat-epsilon 0", "--vat-epsilon"),
        (
            "--method pseudo-labels --pseudo-labels-threshold 1.1",
            "'--pseudo-labels-threshold <P>': it must be a number from 0 to 1",
        ),
        ("--class-balance 2", "'--class-balance <X>': it must be a number from 0 to 1"),
        ("--method ladder --ramp-up 0.5", "--ramp-up has no effect: the method ladder"),
        ("--method ladder --vat-epsilon 2", "--vat-epsilon has no effect: the method ladder"),
        (
            "--method ladder --strong-augment shift=1",
            "--strong-augment has no effect: the method ladder",
        ),
        (
            "--pseudo-labels-threshold 0.9",
            "--pseudo-labels-threshold has no effect: the method vat",
        ),
        ("--ramp-up 2", "'--ramp-up <P>': it must be a number from 0 to 1, or auto"),
        ("--method mean-teacher --ema 0", "--ema 0 leaves mean-teacher without a teacher"),
        ("--method ladder --ladder-costs none", "--ladder-costs"),
        ("--method ladder --ladder-noise -1", "--ladder-noise"),
        ("--batch 1", "--batch"),
        ("--strong-augment blur=1", "it must be one of"),
        ("--augment shift=9", "--augment"),
    ] {
        let said = place.refuse(&format!("train {rest} --quiet --out refused"));
        assert!(said.err.contains(text), "{rest}: {}", said.err);
        assert!(!place.path("refused").exists(), "{rest}");
    }
}
