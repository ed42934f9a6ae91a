use super::*;
use narrows_models::tuning::{Direction, Values};
use serde_json::json;

const AMOUNTS: Amounts = Amounts { trial_draws: 5, test_draws: 10, workers: 2, threads: 1 };

fn clock(budget: f64) -> Clock {
    Clock::new(Instant::now(), Some(Duration::from_secs_f64(budget)), AMOUNTS)
}

fn trial(number: usize, value: Option<f64>, rungs: &[f64], seconds: (f64, f64)) -> Trial {
    let attributes =
        [(SECONDS, json!(seconds.0)), (ENCODER_SECONDS, json!(seconds.1)), ("rungs", json!(rungs))];
    Trial {
        number,
        state: if value.is_some() { State::Complete } else { State::Running },
        values: Values::new(),
        domains: Default::default(),
        value,
        intermediate: Default::default(),
        attributes: attributes.map(|(name, value)| (name.to_string(), value)).into(),
        system: Default::default(),
        started: None,
        ended: None,
    }
}

fn study(trials: Vec<Trial>) -> Study {
    let direction = Direction::Maximize;
    Study { name: "s".to_string(), direction, attributes: Default::default(), trials }
}

#[test]
fn a_trial_costs_what_its_part_did() {
    let halving = Halving::asha(3).unwrap();
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    // Two rungs, a third of the work: 6 s without an encoder.
    let own = Cost::of(&trial(0, None, &[0.5, 0.6], (6.0, 0.0)), &halving).unwrap();
    close(own.between(0.0, 1.0), 18.0);
    close(own.between(1.0 / 3.0, 1.0), 12.0);
    // 18 s for 5 draws, 10 draws on two threads: 5 rounds of 3.6 s.
    close(own.test(AMOUNTS, 10), 18.0);
    close(own.test(AMOUNTS, 3), 7.2);
    // An encoder of 4 s so far, and classifiers of 1 s, trained twice.
    let with = Cost::of(&trial(0, None, &[0.5, 0.6], (6.0, 4.0)), &halving).unwrap();
    close(with.between(1.0 / 3.0, 1.0), 8.0 + 1.0);
    close(with.test(AMOUNTS, 10), 12.0 / 2f64.sqrt() + 5.0 * 0.2);
    assert!(Cost::of(&trial(0, None, &[], (6.0, 4.0)), &halving).is_none());
}

#[test]
fn no_trial_begins_that_cannot_end_before_the_test() {
    let (halving, space) = (Halving::none(), Space { parameters: Vec::new() });
    // Ten seconds each, and a test of 10 s each: three of them.
    let trials = (0..3).map(|number| trial(number, Some(0.5), &[0.5], (10.0, 0.0)));
    let study = study(trials.collect());
    for (budget, fits) in [(100.0, true), (45.0, true), (35.0, true), (25.0, true), (19.0, false)] {
        let clock = clock(budget);
        clock.update(&study, &space, &halving);
        assert_eq!(clock.fits(&study, &halving, None), fits, "{budget}");
        assert_eq!(clock.is_over(), budget < 4.0, "{budget}");
    }
    // Ten draws of the three best, no more than half of the budget, no less than two draws.
    for (budget, expected) in [(100.0, 30.0), (50.0, 25.0), (3.0, 2.0)] {
        let clock = clock(budget);
        assert_eq!(clock.of_test(&study, &space, &halving), expected, "{budget}");
    }
}

#[test]
fn a_budget_that_is_too_small_is_known_from_the_first_epochs() {
    let begun = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
    let clock = Clock::new(begun, Some(Duration::from_secs(10)), AMOUNTS);
    clock.begin(0);
    clock.begin(1);
    assert_eq!(clock.too_small(), None);
    clock.expect(0, 0.0, 40.0);
    // The other one may be quicker.
    assert_eq!(clock.too_small(), None);
    clock.expect(1, 50.0, 0.0);
    let said = clock.too_small().unwrap();
    assert!(said.contains("one trial takes about 40 s"), "{said}");
    // 1.2 times two trials, and ten draws of two: five rounds of 8 s each.
    assert!(said.contains("give --budget 4m or more"), "{said}");
    assert!(clock.is_over());
    clock.expect(1, 0.0, 5.0);
    assert_eq!(clock.too_small(), None);
    assert_eq!(
        (rounded(41.0), rounded(61.0), rounded(6000.0)),
        ("45s".into(), "2m".into(), "2h".into())
    );
}
