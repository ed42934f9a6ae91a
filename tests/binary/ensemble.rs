//! Several classifiers that decide together.

use crate::program::Place;

#[test]
fn the_mean_of_several_classifiers_decides() {
    let place = Place::new();
    let tune = "train --method scratch --widths 32 --latent 8 --epochs 20 --labels 50 --quiet";
    for seed in 1..=3 {
        place.succeed(&format!("{tune} --seed {seed} --out member-{seed}"));
        place.succeed(&format!("evaluate member-{seed} --out tested-{seed}"));
    }
    let said = place.succeed("evaluate member-1 --with member-2 --with member-3 --out together");
    assert!(said.out.contains("; the mean of 3 classifiers"), "{}", said.out);
    let summary = place.json("together/summary.json");
    assert_eq!(summary["members"].as_u64(), Some(3));
    let accuracy =
        |run: &str| place.json(&format!("{run}/summary.json"))["test_accuracy"]["mean"].as_f64();
    let each: f64 =
        (1..=3).map(|seed| accuracy(&format!("tested-{seed}")).unwrap()).sum::<f64>() / 3.0;
    assert!(accuracy("together").unwrap() > each, "{summary} against {each} of each");
    assert_eq!(place.json("tested-1/summary.json").get("members"), None);

    place.succeed("pretrain --widths 16 --latent 8 --epochs 1 --quiet --out ae");
    place.succeed(
        "train --method scratch --widths 8 --latent 4 --epochs 1 --against-rest 3 --quiet --out \
         three",
    );
    for (other, why) in
        [("ae", "an autoencoder decides nothing"), ("three", "their classes are not the same")]
    {
        let said = place.run(&format!("evaluate member-1 --with {other}"));
        assert!(said.err.contains(why) && said.err.contains(other), "{}", said.err);
    }
    let said = place.refuse("evaluate member-1 member-2");
    assert!(said.err.contains("member-2: is a run, not data"), "{}", said.err);
}

#[test]
fn methods_are_compared_as_ensembles() {
    let place = Place::new();
    let compare = "compare --widths 16 --latent 8 --pretrain-epochs 2 --finetune-epochs 4 \
                   --finetune-lr 0.01 --draws 2 --methods full --quiet";
    place.succeed(&format!("{compare} --out alone"));
    let said = place.succeed(&format!("{compare} --ensemble 2 --out together"));
    let [alone, together] =
        ["alone", "together"].map(|run| place.json(&format!("{run}/summary.json")));
    for method in 0..2 {
        let of = |summary: &serde_json::Value| {
            summary["methods"][method]["test_accuracy"]["per_draw"].clone()
        };
        assert_ne!(of(&alone), of(&together));
    }
    assert!(said.out.contains("paired t-test"), "{}", said.out);
    assert!(place.read("together/config.toml").contains("ensemble = 2"));
    let said = place.run("compare --ensemble 0");
    assert!(said.err.contains("--ensemble"), "{}", said.err);
}
