//! TPE against random search on objectives whose least values are known.

use super::*;

const TRIALS: usize = 60;
const STUDIES: u64 = 30;

fn number(values: &Values, name: &str) -> f64 {
    values[name].number().unwrap()
}

/// The objective of L. C. W. Dixon and G. P. Szegő (1978); its least value is 0.397887.
fn branin(values: &Values) -> f64 {
    use std::f64::consts::PI;
    let (x, y) = (number(values, "x"), number(values, "y"));
    let bowl = y - 5.1 / (4.0 * PI * PI) * x * x + 5.0 / PI * x - 6.0;
    bowl * bowl + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * x.cos() + 10.0
}

fn quadratic(values: &Values) -> f64 {
    ["a", "b", "c", "d"].iter().map(|name| (number(values, name) - 1.0).powi(2)).sum()
}

/// Best at a rate of 0.003, 50 epochs and a dropout of 0.2.
fn logarithmic(values: &Values) -> f64 {
    let off = (number(values, "rate") / 0.003).ln().powi(2)
        + (number(values, "epochs") / 50.0).ln().powi(2);
    off + 20.0 * (number(values, "dropout") - 0.2).powi(2)
}

/// Each branch has its own parameter; the best is that of `denoise`, at 0.3.
fn conditional(values: &Values) -> f64 {
    let rate = number(values, "rate").log10() + 2.0;
    rate * rate
        + match &values["objective"] {
            Value::Text(text) if text == "denoise" => (number(values, "corruption") - 0.3).abs(),
            Value::Text(text) if text == "contract" => 0.2 + number(values, "weight"),
            _ => 0.5,
        }
}

/// The number of eight choices that are wrong.
fn categorical(values: &Values) -> f64 {
    values.values().enumerate().filter(|(i, value)| value.number() != Some((i % 4) as f64)).count()
        as f64
}

type Objective = fn(&Values) -> f64;

fn cases() -> [(&'static str, String, Objective); 5] {
    let each = |names: &[&str], line: &str| -> String {
        names.iter().map(|name| format!("[{name}]\n{line}\n")).collect()
    };
    [
        ("quadratic", each(&["a", "b", "c", "d"], "uniform = [-5, 5]"), quadratic),
        (
            "logarithmic",
            "[rate]\nlog-uniform = [1e-5, 1]\n[epochs]\ninteger = [5, 500]\nlog = true\n\
             [dropout]\nuniform = [0, 0.9]"
                .to_string(),
            logarithmic,
        ),
        (
            "conditional",
            "[rate]\nlog-uniform = [1e-5, 1]\n\
             [objective]\nchoice = [\"plain\", \"denoise\", \"contract\"]\n\
             [corruption]\nuniform = [0, 1]\nwhen = { objective = \"denoise\" }\n\
             [weight]\nuniform = [0, 1]\nwhen = { objective = \"contract\" }"
                .to_string(),
            conditional,
        ),
        (
            "categorical",
            each(&["a", "b", "c", "d", "e", "f", "g", "h"], "choice = [0, 1, 2, 3]"),
            categorical,
        ),
        ("branin", "[x]\nuniform = [-5, 10]\n[y]\nuniform = [0, 15]".to_string(), branin),
    ]
}

/// The median over the studies of the best value.
fn median(strategy: Strategy, space: &Space, objective: Objective) -> f64 {
    let mut best: Vec<f64> = (0..STUDIES)
        .map(|seed| {
            let study = run(strategy, space, Direction::Minimize, TRIALS, seed, objective);
            study.best().and_then(|trial| trial.value).unwrap()
        })
        .collect();
    best.sort_by(f64::total_cmp);
    let half = best.len() / 2;
    (best[half - 1] + best[half]) / 2.0
}

#[test]
fn the_median_of_studies_beats_that_of_random_search() {
    for (name, text, objective) in cases() {
        let space = space(&text);
        let random = median(Strategy::Random, &space, objective);
        for strategy in [
            Strategy::Tpe { multivariate: false },
            Strategy::Tpe { multivariate: true },
            Strategy::CoarseToFine,
        ] {
            let ours = median(strategy, &space, objective);
            println!("{name}: {strategy:?} {ours:.4}, random {random:.4}");
            assert!(ours < random, "{name}: {strategy:?} {ours}, random {random}");
        }
    }
}
