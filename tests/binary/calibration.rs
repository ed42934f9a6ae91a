//! How sure a classifier is, and which classes it takes for which.

use crate::program::Place;
use serde_json::Value;

#[test]
fn a_temperature_changes_how_sure_and_not_what() {
    let place = Place::new();
    let tune = "train --method scratch --widths 32 --latent 8 --epochs 30 --validation 300 --quiet";
    place.succeed(&format!("{tune} --calibrate=false --out plain"));
    let said = place.succeed(&format!("{tune} --out fitted"));
    let temperature = place.json("fitted/summary.json")["temperature"].as_f64().unwrap();
    assert!(said.out.contains(&format!("temperature {temperature:.3}")), "{}", said.out);
    assert_eq!(place.json("plain/summary.json").get("temperature"), None);
    place.succeed("train --config fitted/config.toml --quiet --out again");
    assert_eq!(place.json("again/summary.json")["temperature"].as_f64(), Some(temperature));

    // Also as it is given on to another command.
    let said = place.succeed("evaluate fitted --out tested");
    place.succeed("evaluate plain --out plain-tested");
    let [fitted, plain] =
        ["tested", "plain-tested"].map(|run| place.json(&format!("{run}/summary.json")));
    for key in ["test_accuracy", "test_balanced_accuracy", "classes", "confusion"] {
        assert_eq!(fitted[key], plain[key], "{key}");
    }
    let error = |summary: &Value, key: &str| summary[key].as_f64().unwrap();
    assert_eq!(error(&fitted, "uncalibrated_error"), error(&plain, "expected_calibration_error"));
    assert!((error(&fitted, "temperature") - temperature).abs() < 1e-6);
    assert!(error(&fitted, "test_loss") < error(&plain, "test_loss"), "{fitted}");
    assert!(
        error(&fitted, "expected_calibration_error") < error(&plain, "expected_calibration_error")
    );
    assert_eq!(plain.get("temperature"), None);
    let percent = |x: f64| format!("{:.2}", 100.0 * x);
    for text in [
        format!(
            "calibration error {} points",
            percent(error(&fitted, "expected_calibration_error"))
        ),
        format!("{} without", percent(error(&plain, "expected_calibration_error"))),
    ] {
        assert!(said.out.contains(&text), "{text}: {}", said.out);
    }

    // The counts of the table are those of the classes.
    let rows = fitted["confusion"].as_array().unwrap();
    let csv = place.read("tested/confusion.csv");
    assert_eq!(csv.lines().next(), Some("label,0,1,2,3,4,5,6,7,8,9"));
    for (class, (row, line)) in rows.iter().zip(csv.lines().skip(1)).enumerate() {
        let counts: Vec<u64> =
            row.as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).collect();
        let rate = &fitted["classes"][class];
        assert_eq!(
            (rate["of"].as_u64(), rate["correct"].as_u64()),
            (Some(counts.iter().sum()), Some(counts[class]))
        );
        let texts: Vec<String> = counts.iter().map(u64::to_string).collect();
        assert_eq!(line, format!("{class},{}", texts.join(",")));
        assert!(said.out.contains(&format!("\n{class:>5}")), "{}", said.out);
    }
    assert!(said.out.lines().all(|line| line.chars().count() <= 100), "{}", said.out);

    let semi = "train --method vat --widths 16 --latent 8 --epochs 1 --quiet --out semi";
    place.succeed(semi);
    place.succeed("evaluate semi --out semi-tested");
    assert!(place.json("semi-tested/summary.json")["temperature"].as_f64().is_some());
}
