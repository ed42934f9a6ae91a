use super::*;
use crate::tuning::space::Domain;
use crate::tuning::value::Value;
use serde_json::Value as Json;

fn parameter(domain: Domain) -> Parameter {
    Parameter { name: "x".to_string(), domain, conditions: Vec::new() }
}

fn rate() -> Parameter {
    parameter(Domain::Float { low: 1e-4, high: 0.1, log: true })
}

fn linear() -> Parameter {
    parameter(Domain::Float { low: -1.0, high: 3.0, log: false })
}

fn whole() -> Parameter {
    parameter(Domain::Integer { low: 3, high: 9, log: false })
}

fn whole_log() -> Parameter {
    parameter(Domain::Integer { low: 1, high: 200, log: true })
}

fn choice() -> Parameter {
    let texts = ["a", "b", "c"].map(|text| Value::Text(text.to_string()));
    parameter(Domain::Choice(texts.to_vec()))
}

/// Densities of Optuna 5.0.0 (`optuna.samplers._tpe.parzen_estimator._ParzenEstimator` with the
/// default weights, magic clipping and a prior weight of 1) on random points, without equal whole
/// numbers, whose order Optuna leaves to the sort.
#[test]
fn densities_are_those_of_optuna() {
    let cases: Json = serde_json::from_str(include_str!("optuna.json")).unwrap();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 20);
    let points = |json: &Json| -> Vec<Vec<f64>> { serde_json::from_value(json.clone()).unwrap() };
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let parameters = match name.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "log" => vec![rate()],
            "lin" => vec![linear()],
            "int" => vec![whole()],
            "intlog" => vec![whole_log()],
            "choice" => vec![choice()],
            _ if name == "joint" => vec![rate(), linear(), whole(), choice()],
            _ => vec![rate(), linear(), whole_log(), choice()],
        };
        let parameters: Vec<&Parameter> = parameters.iter().collect();
        let density = Parzen::of(&points(&case["points"]), &parameters);
        for (at, expected) in
            points(&case["at"]).iter().zip(case["log_density"].as_array().unwrap())
        {
            let (ours, optuna) = (density.log_density(at), expected.as_f64().unwrap());
            assert!((ours - optuna).abs() < 1e-9, "{name} at {at:?}: {ours}, {optuna}");
        }
    }
}

/// Random points of a parameter.
fn spread(parameter: &Parameter, n: usize) -> Vec<Vec<f64>> {
    let prior = Parzen::of(&[], &[parameter]);
    (0..n).map(|i| prior.draw(&mut Draws::new(3, i, 0))).collect()
}

#[test]
fn the_density_of_a_range_integrates_to_one() {
    for parameter in [rate(), linear()] {
        let Kind::Range(scale) = Kind::of(&parameter.domain) else { panic!() };
        for n in [0, 1, 2, 5, 30, 120] {
            let density = Parzen::of(&spread(&parameter, n), &[&parameter]);
            let steps = 20_000;
            let step = (scale.high - scale.low) / f64::from(steps);
            let sum: f64 = (0..steps)
                .map(|i| {
                    let place = scale.low + step * (f64::from(i) + 0.5);
                    let x = if parameter == rate() { place.exp() } else { place };
                    density.log_density(&[x]).exp() * step
                })
                .sum();
            assert!((sum - 1.0).abs() < 1e-6, "{n} points: {sum}");
        }
    }
}

#[test]
fn the_probabilities_of_what_is_countable_sum_to_one() {
    for (parameter, values) in [(whole(), 3..=9), (whole_log(), 1..=200), (choice(), 0..=2)] {
        for n in [0, 1, 2, 5, 30, 120] {
            let density = Parzen::of(&spread(&parameter, n), &[&parameter]);
            let at = |x| density.log_density(&[f64::from(x)]).exp();
            let sum: f64 = values.clone().map(at).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{n} points: {sum}");
        }
    }
}

/// Each kernel's own formula, summed one by one, for two parameters together.
#[test]
fn a_joint_density_is_a_sum_of_products() {
    let (one, other) = (linear(), choice());
    let points = [[0.0, 1.0], [1.0, 1.0], [2.5, 2.0]].map(|p| p.to_vec()).to_vec();
    let density = Parzen::of(&points, &[&one, &other]);
    // Neighbours at distances of 1, 1.5 and 1.5; a prior over the range of 4.
    let normal = |x: f64, center: f64, width: f64| {
        let bell = |z: f64| (-z * z / 2.0).exp();
        let n = 100_000;
        let step = 4.0 / f64::from(n);
        let at = |i: i32| bell((-1.0 + step * (f64::from(i) + 0.5) - center) / width);
        bell((x - center) / width) / (0..n).map(at).sum::<f64>() / step
    };
    let part = |value: f64, own: f64| if value == own { 1.25 / 1.75 } else { 0.25 / 1.75 };
    for (x, value) in [(0.5, 1.0), (-1.0, 0.0), (3.0, 2.0)] {
        let sum = normal(x, 0.0, 1.0) * part(value, 1.0)
            + normal(x, 1.0, 1.5) * part(value, 1.0)
            + normal(x, 2.5, 1.5) * part(value, 2.0)
            + normal(x, 1.0, 4.0) / 3.0;
        let ours = density.log_density(&[x, value]).exp();
        assert!((ours / (sum / 4.0) - 1.0).abs() < 1e-7, "{ours}, {}", sum / 4.0);
    }
}

/// The greatest distance of the distribution of 4,000 draws from the density's own (Kolmogorov and
/// Smirnov): above 1.95 / sqrt(4000) once in a thousand.
#[test]
fn draws_follow_the_density() {
    for parameter in [rate(), linear(), whole_log()] {
        let Kind::Range(scale) = Kind::of(&parameter.domain) else { panic!() };
        let density = Parzen::of(&spread(&parameter, 6), &[&parameter]);
        let n = 4000;
        let mut draws: Vec<f64> =
            (0..n).map(|i| density.draw(&mut Draws::new(5, i, 0))[0]).collect();
        draws.sort_by(f64::total_cmp);
        let Column::Range(_, normals) = &density.columns[0] else { panic!() };
        let below = |x: f64| -> f64 {
            let end = scale.stretch(x).map_or(scale.place(x), |ends| ends[1]);
            let parts = density.weights.iter().zip(normals);
            parts
                .map(|(weight, normal)| {
                    let from = (scale.low - normal.center) / normal.width;
                    weight * mass(from, (end - normal.center) / normal.width) / normal.mass
                })
                .sum()
        };
        let distance = (0..n)
            .map(|i| {
                (draws.partition_point(|x| *x <= draws[i]) as f64 / n as f64 - below(draws[i]))
                    .abs()
            })
            .fold(0.0, f64::max);
        assert!(distance < 1.95 / (n as f64).sqrt(), "{distance}");
    }
    let density = Parzen::of(&[vec![1.0], vec![1.0]], &[&choice()]);
    let ones = (0..4000).filter(|&i| density.draw(&mut Draws::new(5, i, 0)) == [1.0]).count();
    let expected = 4000.0 * density.log_density(&[1.0]).exp();
    assert!((ones as f64 - expected).abs() < 5.0 * 32.0, "{ones}, {expected}");
}

#[test]
fn old_points_count_less() {
    assert_eq!(weights(0), [1.0]);
    assert_eq!(weights(3), [1.0; 4]);
    let weights = weights(29);
    let rising = [1.0 / 29.0, 1.0 / 29.0 + 28.0 / 87.0, 1.0 / 29.0 + 56.0 / 87.0, 1.0];
    assert!(weights.iter().zip(rising).all(|(a, b)| (a - b).abs() < 1e-12));
    assert_eq!(weights[4..], [1.0; 26]);
}
