//! Schedules against PyTorch's, and where those do not reach.

use crate::support;
use narrows_engine::Schedule;
use support::{Vectors, assert_close};

fn factors(schedule: &Schedule, total: u64) -> Vec<f32> {
    (0..total).map(|step| schedule.factor(step, total)).collect()
}

fn all() -> Vec<Schedule> {
    let step = Schedule::Step { every: 30, gamma: 0.1 };
    let cosine = Schedule::Cosine { min: 0.25 };
    let warm_up = |then: &Schedule| Schedule::WarmUp { steps: 10, then: Box::new(then.clone()) };
    let mut all = vec![Schedule::Constant, step, cosine, Schedule::one_cycle()];
    all.extend(all.clone().iter().map(warm_up));
    all
}

#[test]
fn rates_are_pytorchs() {
    let vectors = Vectors::open("schedules");
    for (name, schedule) in [
        ("step", Schedule::Step { every: 30, gamma: 0.1 }),
        ("cosine", Schedule::Cosine { min: 0.0 }),
        ("one_cycle", Schedule::one_cycle()),
    ] {
        let (got, want) = (factors(&schedule, 100), vectors.get(name));
        assert_close(name, &got, &want, 1e-6);
        // The last rates are far below 1, and have to be right on their own scale.
        for (step, (got, want)) in got.iter().zip(&want).enumerate() {
            assert!((got / want - 1.0).abs() < 2e-4, "{name} at {step}: {got:e}, not {want:e}");
        }
    }
}

#[test]
fn the_last_rate_stays() {
    for schedule in all() {
        for total in [1, 7, 100] {
            let last = schedule.factor(total - 1, total);
            for step in [total, total + 1, 10 * total, u64::MAX] {
                assert_eq!(schedule.factor(step, total), last, "{schedule:?} at {step} of {total}");
            }
        }
    }
}

#[test]
fn rates_are_positive_and_at_most_the_base_rate() {
    for schedule in all() {
        schedule.check().unwrap();
        for total in [0, 1, 2, 3, 4, 9, 10, 11, 12, 100] {
            for (step, factor) in factors(&schedule, total.max(1)).into_iter().enumerate() {
                assert!(
                    factor > 0.0 && factor <= 1.0,
                    "{schedule:?}: {factor} at {step} of {total}"
                );
            }
        }
    }
}

#[test]
fn a_stretched_schedule_is_the_same_of_a_longer_run() {
    let step = Schedule::Step { every: 4, gamma: 0.1 };
    let warm = Schedule::WarmUp { steps: 6, then: Box::new(step.clone()) };
    assert_eq!(step.stretched(2.5), Schedule::Step { every: 10, gamma: 0.1 });
    assert_eq!(step.stretched(0.01), Schedule::Step { every: 1, gamma: 0.1 });
    let halved =
        Schedule::WarmUp { steps: 3, then: Box::new(Schedule::Step { every: 2, gamma: 0.1 }) };
    assert_eq!(warm.stretched(0.5), halved);
    for schedule in all() {
        let (short, long) = (factors(&schedule, 40), factors(&schedule.stretched(3.0), 120));
        for (i, factor) in short.iter().enumerate() {
            let within = long[3 * i..][..3].iter().any(|long| (long - factor).abs() < 0.1);
            assert!(within, "{schedule:?} at {i}: {factor}");
        }
    }
}

#[test]
fn a_warm_up_leads_to_its_schedule() {
    let cosine = Schedule::Cosine { min: 0.5 };
    let warm = Schedule::WarmUp { steps: 4, then: Box::new(cosine.clone()) };
    assert_close("the way up", &factors(&warm, 14)[..4], &[0.2, 0.4, 0.6, 0.8], 1e-7);
    assert_eq!(factors(&warm, 14)[4..], factors(&cosine, 10));

    let cycle = Schedule::one_cycle();
    let warm = Schedule::WarmUp { steps: 1, then: Box::new(cycle.clone()) };
    assert_close(
        "half of the first rate",
        &[warm.factor(0, 21)],
        &[cycle.factor(0, 20) / 2.0],
        1e-7,
    );
    let none = Schedule::WarmUp { steps: 0, then: Box::new(cycle.clone()) };
    assert_eq!(factors(&none, 20), factors(&cycle, 20));
    // A run that ends before the warm-up does.
    let long = Schedule::WarmUp { steps: 9, then: Box::new(Schedule::Constant) };
    assert_close("a short run", &factors(&long, 3), &[0.1, 0.2, 0.3], 1e-7);
}

#[test]
fn a_peak_at_the_first_step_is_where_it_starts() {
    let cycle = Schedule::OneCycle { peak_at: 0.25, start_divisor: 25.0, end_divisor: 1e4 };
    let factors = factors(&cycle, 4);
    assert_eq!(factors[0], 1.0);
    assert!(factors.is_sorted_by(|a, b| a > b), "{factors:?}");
}

#[test]
fn bad_settings_are_named() {
    let cycle = |peak_at, start_divisor, end_divisor| Schedule::OneCycle {
        peak_at,
        start_divisor,
        end_divisor,
    };
    for (schedule, message) in [
        (Schedule::Step { every: 0, gamma: 0.1 }, "not 0"),
        (Schedule::Step { every: 1, gamma: 0.0 }, "gamma"),
        (Schedule::Step { every: 1, gamma: f32::NAN }, "gamma"),
        (Schedule::Cosine { min: -0.1 }, "minimum"),
        (Schedule::Cosine { min: f32::NAN }, "minimum"),
        (cycle(1.5, 25.0, 1e4), "peak"),
        (cycle(0.3, 0.0, 1e4), "start divisor"),
        (cycle(0.3, 25.0, f32::INFINITY), "end divisor"),
    ] {
        let nested = Schedule::WarmUp { steps: 1, then: Box::new(schedule.clone()) };
        for schedule in [schedule, nested] {
            let error = schedule.check().expect_err("a bad setting").to_string();
            assert!(error.contains(message), "{schedule:?}: {error}");
        }
    }
}
