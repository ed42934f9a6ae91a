use super::*;
use crate::tuning::halving::{HALVING, Halving};
use crate::tuning::study::{Direction, State};
use serde_json::json;
use std::collections::BTreeMap;

fn space(text: &str) -> Space {
    Space::read(text, &|_, _| Ok(())).unwrap()
}

/// A trial of one parameter, x.
fn trial(number: usize, state: State, x: f64, value: Option<f64>) -> Trial {
    Trial {
        number,
        state,
        values: Values::from([("x".to_string(), Value::Float(x))]),
        domains: BTreeMap::new(),
        value,
        intermediate: BTreeMap::new(),
        attributes: BTreeMap::new(),
        system: BTreeMap::new(),
        started: None,
        ended: None,
    }
}

fn study(trials: Vec<Trial>) -> Study {
    Study {
        name: "study".to_string(),
        direction: Direction::Minimize,
        attributes: BTreeMap::new(),
        trials,
    }
}

fn numbers(trials: &[&Trial]) -> Vec<usize> {
    trials.iter().map(|trial| trial.number).collect()
}

#[test]
fn the_best_tenth_is_good_and_what_is_unknown_is_not() {
    let mut trials: Vec<Trial> =
        (0..21).map(|i| trial(i, State::Complete, 0.5, Some((i as f64 - 12.0).abs()))).collect();
    trials.push(trial(21, State::Running, 0.5, None));
    trials.push(trial(22, State::Failed, 0.5, None));
    trials.push(trial(23, State::Complete, 0.5, Some(f64::NAN)));
    let study = study(trials);
    let split = Split::of(&study).unwrap();
    // 22 results are known: three are good, and of two that are equal the earlier.
    assert_eq!(numbers(&split.good), [11, 12, 13]);
    let rest: Vec<usize> = (0..24).filter(|number| ![11, 12, 13].contains(number)).collect();
    assert_eq!(numbers(&split.rest), rest);
    for (n, good) in [(10, 1), (11, 2), (20, 2), (21, 3), (250, 25), (400, 25)] {
        let many = (0..n).map(|i| trial(i, State::Complete, 0.5, Some(i as f64))).collect();
        assert_eq!(Split::of(&self::study(many)).unwrap().good.len(), good, "of {n}");
    }
    let few = (0..9).map(|i| trial(i, State::Complete, 0.5, Some(i as f64))).collect();
    assert!(Split::of(&self::study(few)).is_none());
}

#[test]
fn trials_that_ended_early_are_ranked_by_how_far_they_came() {
    let at = |number, state, steps: &[(u64, f64)]| {
        let intermediate = steps.iter().copied().collect();
        Trial { intermediate, ..trial(number, state, 0.5, None) }
    };
    let rungs = |number, rungs: &[f64]| {
        let attributes = BTreeMap::from([("rungs".to_string(), json!(rungs))]);
        Trial { attributes, ..trial(number, State::Running, 0.5, None) }
    };
    let study = self::study(vec![
        at(0, State::Pruned, &[(1, 0.1)]),
        at(1, State::Pruned, &[(1, 0.9), (2, 0.8)]),
        trial(2, State::Complete, 0.5, Some(7.0)),
        at(3, State::Pruned, &[]),
        at(4, State::Pruned, &[(1, 0.2), (2, f64::NAN)]),
        rungs(5, &[0.3, 0.2]),
        rungs(6, &[0.1]),
        rungs(7, &[]),
    ]);
    assert_eq!(numbers(&ranked(&study, |_| true)), [2, 5, 1, 4, 0, 6, 3]);
    // In Hyperband one rung of a later bracket is as far as two of the first.
    let halving = Halving::hyperband(3).unwrap();
    let later = (0..).find(|&number| halving.first_rung(number) == 1).unwrap();
    let others: Vec<usize> =
        (later + 1..).filter(|&number| halving.first_rung(number) == 0).take(2).collect();
    let mut study = self::study(vec![
        rungs(later, &[0.5]),
        rungs(others[0], &[0.1]),
        rungs(others[1], &[0.2, 0.4]),
    ]);
    assert_eq!(numbers(&ranked(&study, |_| true)), [others[1], others[0], later]);
    study.attributes.insert(HALVING.to_string(), json!(halving));
    assert_eq!(numbers(&ranked(&study, |_| true)), [others[1], later, others[0]]);
}

/// The value tried is the one of the largest ratio among those drawn.
#[test]
fn the_largest_ratio_is_tried() {
    let space = space("[x]\nuniform = [0, 1]");
    let value = |x: f64| Some((x - 0.3).abs());
    let trials = (0..40)
        .map(|i| {
            let x = f64::from(i) / 40.0;
            trial(i as usize, State::Complete, x, value(x))
        })
        .collect();
    let study = study(trials);
    let split = Split::of(&study).unwrap();
    let group = [&space.parameters[0]];
    let of = |trials: &[&Trial]| Parzen::of(&points(&group, trials), &group);
    let (good, rest) = (of(&split.good), of(&split.rest));
    let mut candidates = Draws::new(7, 40, 0);
    let drawn: Vec<f64> = (0..24).map(|_| good.draw(&mut candidates)[0]).collect();
    let ratio = |x: f64| good.log_density(&[x]).exp() / rest.log_density(&[x]).exp();
    for multivariate in [false, true] {
        let chosen = sample(&space, &study, 40, 7, multivariate)["x"].number().unwrap();
        assert!(drawn.contains(&chosen));
        assert!(drawn.iter().all(|&x| ratio(x) <= ratio(chosen)));
        assert!((chosen - 0.3).abs() < 0.1, "{chosen}");
    }
}

/// Values of another type, of other ranges and choices, as another program may have left them.
#[test]
fn trials_outside_the_space_do_not_disturb() {
    let space = space("[x]\nuniform = [0, 1]\n[c]\nchoice = [\"a\", \"b\"]");
    let mut trials: Vec<Trial> =
        (0..20).map(|i| trial(i, State::Complete, i as f64 - 10.0, Some(i as f64))).collect();
    trials[3].values.insert("x".to_string(), Value::Text("wide".to_string()));
    trials[4].values.insert("c".to_string(), Value::Text("z".to_string()));
    trials[5].values.clear();
    trials[6].values.insert("x".to_string(), Value::Float(f64::NAN));
    trials[7].value = None;
    let study = study(trials);
    for multivariate in [false, true] {
        for seed in 0..20 {
            let values = sample(&space, &study, 20, seed, multivariate);
            assert!((0.0..=1.0).contains(&values["x"].number().unwrap()));
            assert_eq!(values.len(), 2);
        }
    }
}

/// Two parameters whose sum decides: their kernels together see it, each alone does not.
#[test]
fn parameters_that_are_chosen_together_keep_what_binds_them() {
    let space = space("[x]\nuniform = [-1, 1]\n[y]\nuniform = [-1, 1]");
    let off = |multivariate: bool| -> f64 {
        let trials = (0..200)
            .map(|number| {
                let values = random::sample(&space, number, 3);
                let [x, y] = ["x", "y"].map(|name| values[name].number().unwrap());
                Trial { values, ..trial(number, State::Complete, 0.0, Some((x + y).abs())) }
            })
            .collect();
        let study = study(trials);
        let sum = |seed| {
            let values = sample(&space, &study, 200, seed, multivariate);
            values.values().filter_map(Value::number).sum::<f64>().abs()
        };
        (0..50).map(sum).sum::<f64>() / 50.0
    };
    let (together, alone) = (off(true), off(false));
    assert!(together < 0.5 * alone, "{together}, {alone}");
}
