use super::super::page::tests::{assert_apart, texts};
use super::super::trials::tests::{study, trial};
use super::*;
use narrows_models::tuning::{Condition, Direction, Value};

const ACCURACY: Measure<'static> = Measure { name: "validation accuracy", percent: true };
const LOSS: Measure<'static> = Measure { name: "error", percent: false };

fn parameter(name: &str, domain: Domain) -> Parameter {
    Parameter { name: name.to_owned(), domain, conditions: Vec::new() }
}

fn texts_of(choices: &[&str]) -> Domain {
    Domain::Choice(choices.iter().map(|&text| Value::Text(text.to_owned())).collect())
}

/// `n` parameters of each kind in turn.
pub fn space(n: usize) -> Space {
    let long = "pretraining-learning-rate-of-the-decoder";
    let parameters = (0..n).map(|i| match i % 4 {
        0 => parameter(&format!("{long}-{i}"), Domain::Float { low: 1e-5, high: 0.1, log: true }),
        1 => parameter(
            &format!("activation-{i}"),
            texts_of(&[
                "relu",
                "<script>alert(\"1\")</script>",
                "'gelu' & 🦀",
                "a-b-c-d-e-f-g-h-i-j-k",
            ]),
        ),
        2 => Parameter {
            name: "x".repeat(40),
            domain: Domain::Float { low: 0.0, high: 0.5, log: false },
            conditions: vec![Condition { parameter: "activation-1".to_owned(), is: Vec::new() }],
        },
        _ => parameter(&format!("widths-{i}"), Domain::Integer { low: 16, high: 4096, log: true }),
    });
    Space { parameters: parameters.collect() }
}

/// The `i`th trial of the space: spread over each domain, without any `x...` where odd.
fn drawn_trial(i: usize, state: State, value: f64, space: &Space) -> Trial {
    let mut trial = trial(i, state, value);
    trial.values.clear();
    for (k, parameter) in space.parameters.iter().enumerate() {
        let share = ((i * 7 + k * 13) % 29) as f64 / 28.0;
        let value = match &parameter.domain {
            Domain::Float { low, high, log: true } => Value::Float(low * (high / low).powf(share)),
            Domain::Float { low, high, .. } => Value::Float(low + share * (high - low)),
            Domain::Integer { low, high, .. } => {
                Value::Integer(low + (share * (high - low) as f64) as i64)
            }
            Domain::Choice(choices) => choices[(i + k) % choices.len()].clone(),
        };
        if parameter.conditions.is_empty() || i.is_multiple_of(2) {
            trial.values.insert(parameter.name.clone(), value);
        }
    }
    trial
}

pub fn many(n: usize, space: &Space) -> Study {
    let trials = (0..n).map(|i| {
        let state = if i % 5 == 4 { State::Pruned } else { State::Complete };
        drawn_trial(i, state, 0.8 + 0.15 * (i as f64 * 0.7).sin(), space)
    });
    study(Direction::Maximize, trials.collect())
}

/// The lines of trials: those with as many points as there are axes they pass.
fn lines(svg: &str, points: usize, style: &str) -> usize {
    let lines = svg.split("<polyline").skip(1).filter(|tag| {
        let start = tag.split_once(" points=\"").unwrap().1;
        start.split_once('"').unwrap().0.split_whitespace().count() == points
    });
    lines.filter(|tag| tag.contains(style)).count()
}

#[test]
fn any_number_of_parameters_fits() {
    for n in [0, 1, 2, 3, 8, 12, 15] {
        let space = space(n);
        let shown = n.min(12);
        let svg = coordinates(&many(40, &space), &space, "Parameters", &ACCURACY).unwrap();
        assert_apart(&svg);
        let all = texts(&svg);
        assert_eq!(all.iter().any(|text| text.contains("the first 12 of 15 are drawn")), n == 15);
        assert_eq!(all.iter().filter(|text| *text == "not set").count(), (shown + 1) / 4);
        assert_eq!(all.iter().filter(|text| text.starts_with("widths-")).count(), shown / 4);
        if n > 1 {
            // 32 complete trials end at the value, 8 pruned ones before it.
            assert_eq!(lines(&svg, shown + 1, "stroke-width=\"4\""), 1, "{n}");
            assert_eq!(lines(&svg, shown + 1, "stroke-width=\"1\""), 31);
            assert!(all.iter().any(|text| text.contains("<script>") || text.contains("…")));
        }
        if n > 2 {
            assert_eq!(lines(&svg, shown, "stroke=\"#C4C4C4\""), 8);
        }
        assert!(!svg.contains("<script"));
    }
}

#[test]
fn names_and_choices_are_whole_where_there_is_room() {
    let hostile = ["<script>alert(\"1\")</script>", "'gelu' & 🦀"];
    let space = Space { parameters: vec![parameter("acti<b>vation", texts_of(&hostile))] };
    let study = many(4, &space);
    let svg = coordinates(&study, &space, "\"<title>\" 🦀", &ACCURACY).unwrap();
    let shown = texts(&svg);
    for text in hostile.into_iter().chain(["acti<b>vation", "\"<title>\" 🦀"]) {
        assert!(shown.iter().any(|shown| shown == text), "{text} in {shown:?}");
    }
    let best = study.best().unwrap();
    let said = format!("acti<b>vation = {}.", best.values["acti<b>vation"]);
    assert!(shown[2].ends_with(&said), "{}", shown[2]);
}

#[test]
fn odd_values_none_and_one_are_pictures_too() {
    let space = space(3);
    let one = |value: f64| vec![drawn_trial(0, State::Complete, value, &space)];
    let pruned = vec![drawn_trial(0, State::Pruned, 0.0, &space)];
    let mut odd = one(0.5);
    odd.push(drawn_trial(1, State::Complete, 0.5, &space));
    odd[0].values.insert("activation-1".to_owned(), Value::Integer(7));
    odd[0].values.insert("x".repeat(40), Value::Float(f64::NAN));
    odd[1].values.insert(space.parameters[0].name.clone(), Value::Float(-1.0));
    for (trials, said) in [
        (vec![], "Trials: 0 complete."),
        (one(f64::NAN), "Trials: 0 complete; 1 without a number for a value, not drawn."),
        (pruned, "Trials: 0 complete; 1 paused or pruned."),
        (one(0.25), "best: trial 0, 0.25"),
        (odd, "7"),
        (one(1e300), "1e300"),
    ] {
        for direction in [Direction::Minimize, Direction::Maximize] {
            let svg = coordinates(&study(direction, trials.clone()), &space, "Parameters", &LOSS);
            let svg = svg.unwrap();
            assert_apart(&svg);
            let shown = texts(&svg);
            assert!(shown.iter().any(|shown| shown == said), "{said} in {shown:?}");
        }
    }
    // A space whose domains are empty or of one value.
    let space = Space {
        parameters: vec![
            parameter("none", Domain::Choice(Vec::new())),
            parameter("one", Domain::Integer { low: 3, high: 3, log: true }),
        ],
    };
    let svg = coordinates(&study(Direction::Minimize, one(0.5)), &space, "Odd", &LOSS).unwrap();
    assert_apart(&svg);
    assert!(texts(&svg).contains(&"3".to_owned()));
}

#[test]
fn logarithmic_axes_and_choices_are_even() {
    let axis = |domain: Domain| Axis::new(&parameter("lr", domain), &[], 100);
    let of = |axis: &Axis, value: Value| {
        let mut trial = trial(0, State::Complete, 0.5);
        trial.values.insert("lr".to_owned(), value);
        axis.of(&trial, "lr")
    };
    let log = axis(Domain::Float { low: 1e-4, high: 1.0, log: true });
    assert!((of(&log, Value::Float(0.01)).unwrap() - 0.5).abs() < 1e-12);
    assert_eq!(of(&log, Value::Text("0.01".to_owned())), None);
    let choice = axis(texts_of(&["a", "b"]));
    assert_eq!(of(&choice, Value::Text("a".to_owned())), Some(0.75));
    assert_eq!(of(&choice, Value::Text("b".to_owned())), Some(0.25));
    assert_eq!(of(&choice, Value::Text("c".to_owned())), None);
}

#[test]
fn errors_of_many_sizes_are_on_a_logarithmic_axis() {
    let space = space(2);
    let values = [0.1, 0.2, 5e4, f64::NAN, 177_123_456.0];
    let trials = values.iter().enumerate();
    let trials = trials.map(|(i, &value)| drawn_trial(i, State::Complete, value, &space));
    let study = study(Direction::Minimize, trials.collect());
    let svg = coordinates(&study, &space, "Parameters", &LOSS).unwrap();
    assert_apart(&svg);
    let shown = texts(&svg);
    for text in ["0.1", "177,000,000", "1,000", "best: trial 0, 0.1"] {
        assert!(shown.iter().any(|shown| shown == text), "{text} in {shown:?}");
    }
}

#[test]
fn two_thousand_trials_are_below_a_megabyte() {
    let space = space(12);
    let svg = coordinates(&many(2000, &space), &space, "Parameters", &ACCURACY).unwrap();
    assert!(svg.len() < 1_000_000, "{}", svg.len());
    assert!(svg.contains("1,600 complete, of which the best 300 are drawn; 400 paused or pruned"));
    assert_apart(&svg);
}
