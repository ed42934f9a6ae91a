use super::super::page::tests::{assert_apart, texts};
use super::super::trials::tests::{study, trial};
use super::*;
use crate::output::plot::colour::{BEHIND, BEST, graded};
use narrows_models::tuning::State;

const ACCURACY: Measure<'static> = Measure { name: "validation accuracy", percent: true };
const LOSS: Measure<'static> = Measure { name: "error", percent: false };

/// A trial with these values on the way, from step 1 on.
pub fn course(number: usize, state: State, values: &[f64]) -> Trial {
    let mut trial = trial(number, state, values.last().copied().unwrap_or(0.5));
    trial.intermediate = (1..).zip(values.iter().copied()).collect();
    trial
}

fn lines(svg: &str, colour: RGBColor, wide: u32) -> usize {
    let RGBColor(red, green, blue) = colour;
    let colour = format!("stroke=\"#{red:02X}{green:02X}{blue:02X}\"");
    let wide = format!("stroke-width=\"{wide}\"");
    let lines = svg.split("<polyline").skip(1);
    lines.filter(|tag| tag.contains(&colour) && tag.contains(&wide)).count()
}

#[test]
fn the_best_is_thick_and_trials_that_ended_early_are_grey() {
    let rise = |to: f64| (1..=9).map(|i| to * f64::from(i) / 9.0).collect::<Vec<_>>();
    let study = study(
        Direction::Maximize,
        vec![
            course(0, State::Complete, &rise(0.9)),
            course(1, State::Pruned, &rise(0.3)[..3]),
            course(2, State::Complete, &rise(0.95)),
            course(3, State::Running, &rise(0.6)[..3]),
            course(4, State::Complete, &rise(0.6)),
            course(5, State::Failed, &rise(0.6)),
        ],
    );
    let svg = courses(&study, "Courses", "epoch", &ACCURACY).unwrap();
    assert_apart(&svg);
    assert_eq!(lines(&svg, BEST, 4), 1);
    assert_eq!(lines(&svg, BEHIND, 1), 2);
    assert_eq!(lines(&svg, graded(0.0), 1), 1);
    assert_eq!(lines(&svg, graded(0.5), 1), 1);
    let shown = texts(&svg);
    for text in ["Courses", "epoch", "validation accuracy, %", "best: trial 2, 95 %", "80", "9"] {
        assert!(shown.iter().any(|shown| shown == text), "{text} in {shown:?}");
    }
    assert!(!shown[2].contains("beyond"), "{}", shown[2]);
}

#[test]
fn odd_values_none_and_one_are_pictures_too() {
    let state = State::Complete;
    let broken = course(0, state, &[0.1, f64::NAN, 0.2, 0.3, f64::INFINITY, 0.4]);
    for (trials, said) in [
        (vec![], "No trial has values on the way."),
        (vec![course(0, state, &[])], "No trial has values on the way."),
        (vec![course(0, state, &[f64::NAN, f64::NAN])], "No trial has values on the way."),
        (vec![course(0, state, &[0.5])], "best: trial 0, 0.5"),
        (vec![course(0, state, &[0.5; 4]), course(1, state, &[0.5; 4])], "best: trial 0, 0.5"),
        (vec![course(7, state, &[-f64::MAX, f64::MAX, 1.0])], "best: trial 7, 1"),
        (vec![broken.clone()], "best: trial 0, 0.4"),
    ] {
        let svg = courses(&study(Direction::Minimize, trials), "<Courses>", "step", &LOSS).unwrap();
        assert_apart(&svg);
        let shown = texts(&svg);
        assert!(shown.iter().any(|shown| shown == said), "{said} in {shown:?}");
    }
    let study = study(Direction::Minimize, vec![broken]);
    let svg = courses(&study, "Courses", "step", &LOSS).unwrap();
    // A dot before the first gap, a line, and a dot behind the second.
    assert_eq!((svg.matches("<circle").count(), lines(&svg, BEST, 4)), (2, 1));
    assert!(svg.contains("2 values not a number"));
}

#[test]
fn values_far_from_the_others_are_beyond_the_picture() {
    let mut values = vec![0.5; 39];
    values.extend([0.4, 900.0]);
    let trials = vec![course(0, State::Complete, &values), course(1, State::Running, &[0.6])];
    let study = study(Direction::Minimize, trials);
    let shown = texts(&courses(&study, "Courses", "step", &LOSS).unwrap());
    assert!(shown[2].contains(" 2 values beyond the picture, among the poorest 5 %."), "{shown:?}");
    assert!(shown.contains(&"0.5".to_owned()) && !shown.contains(&"800".to_owned()), "{shown:?}");
}

#[test]
fn lines_are_cut_at_the_edges() {
    let line = [(0.0, 50.0), (1.0, 250.0), (2.0, 50.0), (3.0, -50.0), (4.0, -60.0), (5.0, 300.0)];
    let pieces = within(&line.map(Some), 0.0, 150.0);
    let first = vec![(0.0, 50.0), (0.5, 150.0)];
    let second = vec![(1.5, 150.0), (2.0, 50.0), (2.5, 0.0)];
    assert_eq!(pieces[..2], [first, second]);
    assert!(pieces.len() == 3 && pieces[2][0].1 == 0.0 && pieces[2][1].1 == 150.0, "{pieces:?}");
    assert!(within(&[Some((0.0, 200.0)), None, Some((1.0, -1.0))], 0.0, 150.0).is_empty());
}

#[test]
fn two_thousand_long_courses_are_below_a_megabyte() {
    let trials = (0..2000).map(|i| {
        let state = if i % 2 == 0 { State::Complete } else { State::Pruned };
        let values: Vec<f64> =
            (1..=500).map(|t| 0.9 - (i % 50) as f64 / f64::from(t + 50)).collect();
        course(i, state, &values)
    });
    let study = study(Direction::Maximize, trials.collect());
    let svg = courses(&study, "Courses", "epoch", &ACCURACY).unwrap();
    assert_apart(&svg);
    assert!(svg.len() < 1_000_000, "{}", svg.len());
    assert!(svg.contains("Lines have 100 of up to 500 points."));
    assert!(svg.contains("1,000 complete, of which the best 300 are drawn"));
}
