//! `narrows evaluate --probe` from end to end.

use crate::program::Place;

#[test]
fn an_encoder_and_the_samples_as_they_are_are_probed() {
    let place = Place::new();
    place.succeed("pretrain --epochs 20 --widths 48 --latent 8 --quiet --out run");
    let said = place.succeed("evaluate run --probe --labels 60 --draws 3 --out probed");
    let summary = place.json("probed/summary.json");
    assert_eq!(
        (&summary["code"], &summary["draws"], &summary["test_samples"]),
        (&8.into(), &3.into(), &500.into())
    );
    let probes = summary["probes"].as_array().unwrap();
    let names: Vec<&str> = probes.iter().map(|probe| probe["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["linear", "knn", "propagation"]);
    for probe in probes {
        let mean = probe["test_accuracy"]["mean"].as_f64().unwrap();
        assert!(mean > 0.6, "{probe}");
        assert!(said.out.contains(&format!("{:.2} ±", 100.0 * mean)), "{}", said.out);
        assert_eq!(probe["chosen"].as_array().unwrap().len(), 3);
    }
    assert!(said.out.lines().all(|line| line.chars().count() <= 100), "{}", said.out);
    // The draws are those of compare, so the same seed is the same again.
    place.succeed("evaluate run --probe --labels 60 --draws 3 --threads 1 --out again");
    let again = place.json("again/summary.json");
    for (a, b) in probes.iter().zip(again["probes"].as_array().unwrap()) {
        assert_eq!(a["test_accuracy"], b["test_accuracy"]);
    }

    let both = "evaluate run --probe=propagation --probe-samples --probe-test-graph --labels 60";
    let said = place.succeed(&format!("{both} --draws 1 --out both"));
    assert!(said.out.contains("samples as they are, 64 values each"), "{}", said.out);
    assert!(said.out.contains("latent codes, 8 values each"), "{}", said.out);
    assert!(said.out.contains("has the test samples too"), "{}", said.out);
    let summary = place.json("both/summary.json");
    for key in ["probes", "probes_of_samples"] {
        assert_eq!(summary[key][0]["name"], "propagation", "{summary}");
    }
    for (line, text) in [
        ("evaluate", "RUN"),
        ("evaluate run --probe-samples", "--probe-samples has no effect"),
        ("evaluate run --draws 3", "--draws has no effect"),
        ("evaluate run --probe=magic", "it must be one of linear, knn, propagation"),
        ("evaluate run --probe --labels 5", "cannot cover 10 classes"),
        ("evaluate run --probe --labels 20,50", "probes take one number of labels"),
        ("evaluate run --probe --part all", "--part has no effect"),
        ("evaluate missing --probe", "no such run"),
        ("evaluate run --probe=linear,knn --probe-test-graph", "--probe-test-graph has no effect"),
    ] {
        let said = place.refuse(line);
        assert!(said.err.contains(text), "{line}: {}", said.err);
    }
}
