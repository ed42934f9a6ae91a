use super::*;
use serde_json::json;
use std::collections::BTreeMap;

/// A trial with values at its rungs.
fn trial(number: usize, state: State, rungs: &[f64], owner: Option<&str>) -> Trial {
    Trial {
        number,
        state,
        values: BTreeMap::new(),
        domains: BTreeMap::new(),
        value: None,
        intermediate: BTreeMap::new(),
        attributes: BTreeMap::from([
            (RUNGS.to_string(), json!(rungs)),
            (OWNER.to_string(), json!(owner)),
        ]),
        system: BTreeMap::new(),
        started: None,
        ended: None,
    }
}

fn paused(number: usize, rungs: &[f64]) -> Trial {
    trial(number, State::Running, rungs, None)
}

fn study(direction: Direction, trials: Vec<Trial>) -> Study {
    Study { name: "study".to_string(), direction, attributes: BTreeMap::new(), trials }
}

/// The rule as algorithm 2 of the paper has it: from the highest rung down, `candidates` are the
/// top of the rung, and the first candidate that was not promoted goes on. A trial's own rank is
/// the number of trials that are better, counted one by one.
fn naive(halving: &Halving, study: &Study) -> Option<usize> {
    for rung in (0..halving.rungs.len() - 1).rev() {
        for bracket in 0..=rung {
            let in_rung: Vec<(usize, f64)> = study
                .trials
                .iter()
                .filter(|t| halving.first_rung(t.number) == bracket)
                .filter_map(|t| Some((t.number, *rung_values(t).get(rung - bracket)?)))
                .collect();
            let better = |a: (usize, f64), b: (usize, f64)| {
                let (x, y) = match study.direction {
                    Direction::Minimize => (a.1, b.1),
                    Direction::Maximize => (-a.1, -b.1),
                };
                x < y
                    || (!x.is_nan() && y.is_nan())
                    || ((x == y || (x.is_nan() && y.is_nan())) && a.0 < b.0)
            };
            let mut candidates: Vec<(usize, (usize, f64))> = in_rung
                .iter()
                .map(|&one| (in_rung.iter().filter(|&&other| better(other, one)).count(), one))
                .filter(|(rank, _)| *rank < in_rung.len() / halving.factor)
                .collect();
            candidates.sort_by_key(|(rank, _)| *rank);
            for (_, (number, value)) in candidates {
                let trial = study.trials.iter().find(|t| t.number == number).unwrap();
                let promoted = rung_values(trial).len() > rung - bracket + 1;
                let free = trial.state == State::Running && trial.attributes[OWNER].is_null();
                if !promoted && free && value.is_finite() {
                    return Some(number);
                }
            }
        }
    }
    None
}

#[test]
fn rungs_are_powers_down_to_a_sixteenth() {
    let rungs = |factor| Halving::asha(factor).unwrap().rungs;
    assert_eq!(rungs(2), [1.0 / 16.0, 0.125, 0.25, 0.5, 1.0]);
    assert_eq!(rungs(3), [1.0 / 9.0, 1.0 / 3.0, 1.0]);
    assert_eq!(rungs(4), [1.0 / 16.0, 0.25, 1.0]);
    assert_eq!(rungs(16), [1.0 / 16.0, 1.0]);
    assert_eq!(rungs(20), [1.0 / 20.0, 1.0]);
    for factor in [0, 1] {
        let error = Halving::asha(factor).unwrap_err().to_string();
        assert_eq!(error, format!("the halving factor {factor} ends no trial: choose 2 or more"));
        assert!(Halving::hyperband(factor).is_err());
    }
    assert_eq!(Halving::none().rungs, [1.0]);
}

/// Hyperband's table for R = 9 and a factor of 3 (s = 2, 1, 0): 9, 5 and 3 trials.
#[test]
fn trials_are_dealt_to_brackets_in_the_shares_of_hyperband() {
    let halving = Halving::hyperband(3).unwrap();
    assert_eq!(halving.brackets, 3);
    let count = |numbers: std::ops::Range<usize>| {
        let mut counts = [0; 3];
        numbers.for_each(|number| counts[halving.first_rung(number)] += 1);
        counts
    };
    assert_eq!(count(0..17), [9, 5, 3]);
    assert_eq!(count(17..51), [18, 10, 6]);
    // Each prefix has its shares, within one trial.
    for n in 1..17 {
        for (count, share) in count(0..n).into_iter().zip([9.0, 5.0, 3.0]) {
            assert!((f64::from(count) - share / 17.0 * n as f64).abs() <= 1.0, "{n}");
        }
    }
    assert!((0..100).all(|number| Halving::asha(3).unwrap().first_rung(number) == 0));
}

#[test]
fn the_best_third_of_a_rung_goes_on_one_by_one() {
    let halving = Halving::asha(3).unwrap();
    let next = |trials| halving.promotion(&study(Direction::Minimize, trials));
    let two = vec![paused(0, &[0.5]), paused(1, &[0.4])];
    assert_eq!(next(two.clone()), None, "a third of two is none");
    let three = [two.clone(), vec![paused(2, &[0.6])]].concat();
    assert_eq!(next(three.clone()), Some(1));
    let maximize = study(Direction::Maximize, three.clone());
    assert_eq!(halving.promotion(&maximize), Some(2));
    // On its way to the next rung, it is promoted already.
    let mut on_way = three.clone();
    on_way[1] = trial(1, State::Running, &[0.4], Some("worker"));
    assert_eq!(next(on_way), None);
    // Through the next rung, alone there.
    let mut through = three.clone();
    through[1] = paused(1, &[0.4, 0.3]);
    assert_eq!(next(through.clone()), None);
    // Three more at the first rung: the best two go on.
    through.extend([paused(3, &[0.9]), paused(4, &[0.45]), paused(5, &[0.95])]);
    assert_eq!(next(through.clone()), Some(4));
    // Pruned and failed trials keep their place, and stay where they are.
    through[4].state = State::Pruned;
    assert_eq!(next(through), None);
}

#[test]
fn the_higher_rung_comes_first() {
    let halving = Halving::asha(2).unwrap();
    let trials =
        vec![paused(0, &[0.5, 0.4]), paused(1, &[0.6, 0.3]), paused(2, &[0.1]), paused(3, &[0.2])];
    assert_eq!(halving.promotion(&study(Direction::Minimize, trials)), Some(1));
}

#[test]
fn of_equal_values_the_earlier_trial_goes_on() {
    let halving = Halving::asha(3).unwrap();
    for direction in [Direction::Minimize, Direction::Maximize] {
        let trials = vec![paused(0, &[0.5]), paused(1, &[0.5]), paused(2, &[0.5])];
        assert_eq!(halving.promotion(&study(direction, trials)), Some(0));
    }
}

#[test]
fn a_value_that_is_no_number_is_last_and_never_goes_on() {
    let halving = Halving::asha(2).unwrap();
    let nan = f64::NAN;
    for direction in [Direction::Minimize, Direction::Maximize] {
        let next = |trials| halving.promotion(&study(direction, trials));
        // JSON has null for it.
        assert!(paused(0, &[nan]).attributes[RUNGS][0].is_null());
        assert_eq!(next(vec![paused(0, &[nan]), paused(1, &[0.5])]), Some(1));
        assert_eq!(next(vec![paused(0, &[nan]), paused(1, &[nan])]), None);
    }
}

#[test]
fn trials_of_others_without_rungs_do_not_count() {
    let halving = Halving::asha(2).unwrap();
    let mut foreign = trial(0, State::Complete, &[], None);
    foreign.attributes.clear();
    foreign.value = Some(0.1);
    let trials = vec![foreign, paused(1, &[0.5])];
    assert_eq!(halving.promotion(&study(Direction::Minimize, trials.clone())), None);
    assert_eq!(halving.next_rung(&trials[0]), Some(0));
    assert_eq!(halving.next_rung(&trials[1]), Some(1));
    assert_eq!(Halving::none().next_rung(&trials[1]), None);
    assert_eq!(Halving::none().promotion(&study(Direction::Minimize, trials)), None);
}

/// Studies as they come: promotions agree with the naive rule, in whatever order the trials stand.
#[test]
fn promotions_are_those_of_the_rule_in_any_order() {
    let mut state = 1_u64;
    let mut random = |n: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let mut promoted = 0;
    for case in 0..3000 {
        let halving = match case % 3 {
            0 => Halving::asha(2),
            1 => Halving::asha(3),
            _ => Halving::hyperband(2 + case % 2),
        }
        .unwrap();
        let direction = if random(2) == 0 { Direction::Minimize } else { Direction::Maximize };
        let mut trials: Vec<Trial> = (0..random(30) as usize)
            .map(|number| {
                let most = halving.rungs.len() - halving.first_rung(number);
                let n = (random(most as u64 + 1)).min(random(most as u64 + 1));
                let rungs: Vec<f64> = (0..n)
                    .map(|_| match random(12) {
                        0 => f64::NAN,
                        x => x as f64,
                    })
                    .collect();
                let owner = (random(4) == 0).then_some("worker");
                let state = match random(8) {
                    0 => State::Pruned,
                    1 => State::Failed,
                    _ if n as usize == most => State::Complete,
                    _ => State::Running,
                };
                trial(number, state, &rungs, owner)
            })
            .collect();
        let expected = naive(&halving, &study(direction, trials.clone()));
        assert_eq!(halving.promotion(&study(direction, trials.clone())), expected, "case {case}");
        trials.reverse();
        let half = trials.len() / 2;
        trials.rotate_left(half);
        assert_eq!(halving.promotion(&study(direction, trials)), expected, "case {case}");
        promoted += usize::from(expected.is_some());
    }
    assert!(promoted > 1000, "{promoted}");
}

#[test]
fn a_study_keeps_its_rules() {
    let of = |json| {
        let attributes = BTreeMap::from([(HALVING.to_string(), json)]);
        Halving::of(&Study { attributes, ..study(Direction::Minimize, Vec::new()) })
    };
    for factor in 2..20 {
        for halving in [Halving::asha(factor), Halving::hyperband(factor), Ok(Halving::none())] {
            let halving = halving.unwrap();
            let text = json!(halving).to_string();
            assert_eq!(of(serde_json::from_str(&text).unwrap()), Some(halving));
        }
    }
    for unsound in [
        json!(null),
        json!("asha"),
        json!({ "factor": 1, "rungs": [1.0], "brackets": 1 }),
        json!({ "factor": 3, "rungs": [], "brackets": 1 }),
        json!({ "factor": 3, "rungs": [0.5], "brackets": 1 }),
        json!({ "factor": 3, "rungs": [0.5, 0.3, 1.0], "brackets": 1 }),
        json!({ "factor": 3, "rungs": [-0.5, 1.0], "brackets": 1 }),
        json!({ "factor": 3, "rungs": [0.5, 1.0], "brackets": 3 }),
    ] {
        assert_eq!(of(unsound.clone()), None, "{unsound}");
    }
    assert_eq!(Halving::of(&study(Direction::Minimize, Vec::new())), None);
}

#[test]
fn trials_far_from_the_best_third_are_unlikely() {
    let halving = Halving::asha(3).unwrap();
    let trials: Vec<Trial> = (0..9).map(|n| paused(n, &[n as f64])).collect();
    // Three of nine go on, and two more may still.
    assert_eq!(halving.unlikely(&study(Direction::Maximize, trials.clone())), [3, 2, 1, 0]);
    assert_eq!(halving.unlikely(&study(Direction::Minimize, trials.clone())), [5, 6, 7, 8]);
    // One that somebody is at is not paused.
    let mut busy = trials;
    busy[0] = trial(0, State::Running, &[0.0], Some("worker"));
    busy[8] = paused(8, &[8.0, 9.0]);
    assert_eq!(halving.unlikely(&study(Direction::Maximize, busy)), [3, 2, 1]);
    assert!(Halving::none().unlikely(&study(Direction::Maximize, vec![])).is_empty());
}
