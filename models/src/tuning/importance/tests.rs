use super::*;
use crate::tuning::value::Value;
use serde_json::Value as Json;
use std::collections::BTreeMap;

fn range(low: f64, high: f64, log: bool) -> Domain {
    Domain::Float { low, high, log }
}

fn trial(number: usize, value: f64, parameters: &[(&str, Domain, Value)]) -> Trial {
    let of = |(name, _, value): &(&str, Domain, Value)| (name.to_string(), value.clone());
    let domain = |(name, domain, _): &(&str, Domain, Value)| (name.to_string(), domain.clone());
    Trial {
        number,
        state: State::Complete,
        values: parameters.iter().map(of).collect(),
        domains: parameters.iter().map(domain).collect(),
        value: Some(value),
        intermediate: BTreeMap::new(),
        attributes: BTreeMap::new(),
        system: BTreeMap::new(),
        started: None,
        ended: None,
    }
}

fn study(direction: Direction, trials: Vec<Trial>) -> Study {
    Study { name: "study".to_string(), direction, attributes: BTreeMap::new(), trials }
}

fn of<'a>(all: &'a [Importance], name: &str) -> &'a Importance {
    all.iter().find(|one| one.parameter == name).unwrap()
}

/// Three studies of Optuna 5.0.0 with a conditional parameter of two ranges, and the importances of
/// its `PedAnovaImportanceEvaluator`, as they are and as shares.
#[test]
fn importances_are_those_of_optuna() {
    let cases: Vec<Json> = serde_json::from_str(include_str!("optuna.json")).unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let direction = match case["direction"].as_str().unwrap() {
            "minimize" => Direction::Minimize,
            _ => Direction::Maximize,
        };
        let trials = case["trials"].as_array().unwrap().iter().enumerate().map(|(number, json)| {
            let mut values: Values = serde_json::from_value(json.clone()).unwrap();
            let value = values.remove("value").unwrap().number().unwrap();
            let contracts = values["objective"] == Value::Text("contract".to_string());
            let domain = |name: &str| match name {
                "lr" => range(1e-4, 0.1, true),
                "dropout" => range(0.0, 0.5, false),
                "nothing" => range(-1.0, 1.0, false),
                "corruption" if contracts => range(0.5, 2.0, false),
                "corruption" => range(0.1, 0.6, false),
                "epochs" => Domain::Integer { low: 20, high: 200, log: true },
                "layers" => Domain::Integer { low: 1, high: 4, log: false },
                _ => {
                    let texts = ["plain", "denoise", "contract"];
                    Domain::Choice(texts.map(|text| Value::Text(text.to_string())).to_vec())
                }
            };
            let parameters: Vec<(&str, Domain, Value)> =
                values.iter().map(|(name, v)| (name.as_str(), domain(name), v.clone())).collect();
            trial(number, value, &parameters)
        });
        let ours = importance(&study(direction, trials.collect()));
        let optuna = case["importance"].as_object().unwrap();
        assert_eq!(ours.len(), optuna.len());
        for (name, expected) in optuna {
            let expected = expected.as_f64().unwrap();
            let one = of(&ours, name);
            assert!((one.divergence - expected).abs() < 1e-9 + 1e-6 * expected, "{name}: {one:?}");
            let share = case["shares"][name].as_f64().unwrap();
            assert!((one.share - share).abs() < 1e-6, "{name}: {one:?}, {share}");
        }
        assert!(ours.windows(2).all(|pair| pair[0].divergence >= pair[1].divergence));
    }
}

/// Two choices, one of which all of the best trials have. By hand: 20 trials, 10 of each; the best
/// two are both of the first. Kernels spread 1/2 (two kinds with the prior) and 1/3 (three).
#[test]
fn a_choice_that_decides_has_the_divergence_of_its_closed_form() {
    let domain = Domain::Choice(vec![Value::Integer(0), Value::Integer(1)]);
    let trials = (0..20)
        .map(|i| trial(i, i as f64, &[("c", domain.clone(), Value::Integer(i64::from(i >= 10)))]));
    let ours = importance(&study(Direction::Minimize, trials.collect()));
    let best = [(2.0 * 0.75 + 0.5) / 3.0, (2.0 * 0.25 + 0.5) / 3.0];
    let expected: f64 = best.iter().map(|p| 0.5 * (p / 0.5 - 1.0_f64).powi(2)).sum::<f64>() * 0.01;
    assert!((ours[0].divergence - expected).abs() < 1e-12, "{ours:?}, {expected}");
    assert_eq!(ours[0].share, 1.0);
}

/// Ranges of any width and place: the importance is that of what a parameter does.
#[test]
fn what_has_no_influence_has_next_to_none_whatever_its_range() {
    let space = [
        ("strong", range(1e-5, 1.0, true)),
        ("weak", range(0.0, 1e6, false)),
        ("none", range(-1e-3, 1e-3, false)),
    ];
    let part = |i: usize, step: f64| (0.5 + i as f64 * step).fract();
    let trials = (0..2000).map(|i| {
        let [a, b, c] = [0.618_033_988_7, 0.754_877_666, 0.569_840_291].map(|step| part(i, step));
        let values = [1e-5_f64.powf(1.0 - a), b * 1e6, (2.0 * c - 1.0) * 1e-3];
        let of: Vec<(&str, Domain, Value)> = (space.iter().zip(values))
            .map(|((name, domain), x)| (*name, domain.clone(), Value::Float(x)))
            .collect();
        trial(i, (a - 0.7).abs() + 0.3 * (b - 0.2).abs(), &of)
    });
    let ours = importance(&study(Direction::Minimize, trials.collect()));
    let names: Vec<&str> = ours.iter().map(|one| one.parameter.as_str()).collect();
    assert_eq!(names, ["strong", "weak", "none"]);
    assert!(of(&ours, "strong").share > 0.75, "{ours:?}");
    assert!(of(&ours, "none").share < 0.02, "{ours:?}");
    assert!((ours.iter().map(|one| one.share).sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn what_says_nothing_is_zero() {
    let x = |x: f64| [("x", range(0.0, 1.0, false), Value::Float(x))];
    assert!(importance(&study(Direction::Minimize, Vec::new())).is_empty());
    let one = importance(&study(Direction::Minimize, vec![trial(0, 1.0, &x(0.5))]));
    assert_eq!(one, [Importance { parameter: "x".to_string(), divergence: 0.0, share: 0.0 }]);
    // All are as good as the best.
    let equal = (0..30).map(|i| trial(i, 1.0, &x(i as f64 / 30.0))).collect();
    assert_eq!(importance(&study(Direction::Maximize, equal))[0].divergence, 0.0);
    // A parameter with a single value
    let single = (0..30).map(|i| {
        let choice = Domain::Choice(vec![Value::Bool(true)]);
        trial(i, i as f64, &[("c", choice, Value::Bool(true))])
    });
    assert_eq!(importance(&study(Direction::Minimize, single.collect()))[0].divergence, 0.0);
}

#[test]
fn only_trials_that_are_through_and_finite_count() {
    let x = |x: f64| [("x", range(0.0, 1.0, false), Value::Float(x))];
    let good: Vec<Trial> = (0..40).map(|i| trial(i, i as f64, &x(i as f64 / 40.0))).collect();
    let mut more = good.clone();
    for (i, state) in
        [State::Running, State::Pruned, State::Failed, State::Waiting].into_iter().enumerate()
    {
        more.push(Trial { state, ..trial(40 + i, -1.0, &x(0.9)) });
    }
    more.push(trial(44, f64::NAN, &x(0.9)));
    more.push(trial(45, f64::NEG_INFINITY, &x(0.9)));
    let of = |trials| importance(&study(Direction::Minimize, trials));
    assert_eq!(of(more), of(good));
}

/// Values that are not of the domain they are said to be of, as a damaged file may have them.
#[test]
fn odd_values_do_no_harm() {
    let odd = [
        ("a", range(0.0, 1.0, false), Value::Float(f64::NAN)),
        ("b", range(0.1, 1.0, true), Value::Float(-1.0)),
        ("c", range(0.0, 1.0, false), Value::Text("x".to_string())),
        ("d", Domain::Choice(vec![Value::Integer(1), Value::Integer(2)]), Value::Integer(3)),
        ("e", Domain::Choice(Vec::new()), Value::Integer(3)),
        ("f", Domain::Integer { low: i64::MIN, high: i64::MAX, log: false }, Value::Integer(3)),
        ("g", range(1.0, 0.0, false), Value::Float(0.5)),
    ];
    let trials = (0..20).map(|i| trial(i, i as f64, &odd)).collect();
    let ours = importance(&study(Direction::Minimize, trials));
    assert_eq!(ours.len(), odd.len());
    assert!(ours.iter().all(|one| one.divergence.is_finite() && one.share.is_finite()), "{ours:?}");
}
