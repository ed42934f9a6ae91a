//! What dropout promises beyond its formula: how much it drops, and what its mask depends on.

use narrows_engine::layer::{Backward, Forward, Layer};
use narrows_engine::layers::Dropout;
use narrows_engine::{Context, Pass};

const ROWS: usize = 100;

/// Dropout of `x`: (ROWS, n), forwards.
fn apply(p: f32, pass: Pass, position: u64, x: &[f32]) -> Vec<f32> {
    let mut y = vec![f32::NAN; x.len()];
    let op = Dropout { p }.plan(&(x.len() / ROWS).into()).unwrap().op;
    let io = Forward {
        pass,
        position,
        batch: ROWS,
        x,
        y: &mut y,
        params: &[],
        saved: &mut [],
        scratch: &mut [],
    };
    op.forward(&Context::new(1).unwrap(), io);
    y
}

#[test]
fn the_dropped_fraction_is_p_within_five_standard_errors() {
    let ones = vec![1.0; ROWS * 100];
    for p in [0.01, 0.1, 0.5, 0.9, 0.99] {
        let y = apply(p, Pass::train(1, 1), 1, &ones);
        let kept = 1.0 / (1.0 - p);
        assert!(y.iter().all(|y| *y == 0.0 || *y == kept), "{p}: values other than 0 and {kept}");
        let n = y.len() as f64;
        let dropped = y.iter().filter(|y| **y == 0.0).count() as f64;
        let p = f64::from(p);
        assert!(
            (dropped - n * p).abs() < 5.0 * (n * p * (1.0 - p)).sqrt(),
            "{p}: {dropped} of {n}"
        );
    }
}

#[test]
fn the_mask_depends_on_seed_step_position_and_row() {
    let ones = vec![1.0; ROWS * 64];
    let first = apply(0.5, Pass::train(1, 1), 1, &ones);
    assert_eq!(first, apply(0.5, Pass::train(1, 1), 1, &ones));
    // Independent masks agree in half of the values, give or take five standard errors.
    let independent = |what: &str, a: &[f32], b: &[f32]| {
        let agree = a.iter().zip(b).filter(|(a, b)| a == b).count() as f64;
        let n = a.len() as f64;
        assert!((agree - 0.5 * n).abs() < 5.0 * (0.25 * n).sqrt(), "{what}: {agree} of {n} agree");
    };
    independent("seed", &first, &apply(0.5, Pass::train(2, 1), 1, &ones));
    independent("step", &first, &apply(0.5, Pass::train(1, 2), 1, &ones));
    independent(
        "a step beyond 32 bits",
        &first,
        &apply(0.5, Pass::train(1, 1 + (1 << 32)), 1, &ones),
    );
    independent("position", &first, &apply(0.5, Pass::train(1, 1), 2, &ones));
    independent("row", &first[..64 * (ROWS - 1)], &first[64..]);
    independent("column", &first[..first.len() - 1], &first[1..]);
}

#[test]
fn a_row_draws_the_same_mask_in_any_batch() {
    let x = vec![1.0; ROWS * 30];
    let y = apply(0.5, Pass::train(3, 9), 2, &x);
    let mut few = vec![f32::NAN; 7 * 30];
    let io = Forward {
        pass: Pass::train(3, 9),
        position: 2,
        batch: 7,
        x: &x[..7 * 30],
        y: &mut few,
        params: &[],
        saved: &mut [],
        scratch: &mut [],
    };
    Dropout { p: 0.5 }.plan(&30.into()).unwrap().op.forward(&Context::new(1).unwrap(), io);
    assert_eq!(few, y[..7 * 30]);
}

#[test]
fn backward_lets_through_what_forward_kept() {
    let ones = vec![1.0; ROWS * 30];
    let pass = Pass::train(4, 5);
    let y = apply(0.3, pass, 6, &ones);
    let mut dx = vec![f32::NAN; ones.len()];
    let io = Backward {
        pass,
        position: 6,
        batch: ROWS,
        x: &ones,
        y: &y,
        dy: &ones,
        dx: Some(&mut dx),
        params: &[],
        grads: None,
        accumulate: true,
        saved: &[],
        scratch: &mut [],
    };
    Dropout { p: 0.3 }.plan(&30.into()).unwrap().op.backward(&Context::new(1).unwrap(), io);
    assert_eq!(dx, y);
}

#[test]
fn evaluation_and_p_0_change_nothing() {
    let x: Vec<f32> = (0..ROWS * 3).map(|i| i as f32 - 7.5).collect();
    assert_eq!(apply(0.9, Pass::evaluate(), 1, &x), x);
    assert_eq!(apply(0.0, Pass::train(1, 1), 1, &x), x);
}
