//! What makes more of few labels, from the outside: each option changes what is learnt, and a
//! configuration repeats it.

use crate::program::Place;

#[test]
fn each_option_changes_the_weights_and_a_configuration_repeats_them() {
    let place = Place::new();
    place.succeed("pretrain --widths 24,16 --latent 6 --epochs 2 --quiet --out encoder");
    let weights = |run: &str| std::fs::read(place.path(run).join("model.safetensors")).unwrap();
    let tune = "train --encoder encoder --labels 40 --validation 20 --epochs 6 --quiet";
    let said = place.succeed(&format!("{tune} --out plain"));
    assert!(said.out.contains("digits: lp-ft on 40 labels"), "{}", said.out);
    let options = ["--lr-decay 0.5", "--l2-sp 10", "--mixup 0.4", "--ema 0.8", "--reestimate-bn"];
    for (i, option) in options.into_iter().enumerate() {
        place.succeed(&format!("{tune} {option} --out run-{i}"));
        assert!(weights(&format!("run-{i}")) != weights("plain"), "{option} has no effect");
    }
    place.succeed(&format!("{tune} {} --out all", options.join(" ")));
    let config: toml::Table = toml::from_str(&place.read("all/config.toml")).unwrap();
    assert_eq!(config["reestimate-bn"].as_bool(), Some(true));
    place.succeed("train --config all/config.toml --quiet --out again");
    assert!(weights("all") == weights("again"));
    let summary = place.json("all/summary.json");
    assert_eq!(summary["method"].as_str(), Some("lp-ft"));
}
