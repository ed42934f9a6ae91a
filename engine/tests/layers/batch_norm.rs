//! What is special about batch norm: statistics that move, and a normalisation that can be undone.

use crate::layers::cases::{self, Case, Data};
use crate::layers::reference::{self, EPS};
use crate::layers::{CONTEXTS, f64s, run, within};
use narrows_engine::Mode;
use narrows_engine::layer::Layer;
use narrows_engine::layers::BatchNorm;

/// The column j of x, and its mean and biased variance.
fn column(x: &[f64], channels: usize, j: usize) -> (Vec<f64>, f64, f64) {
    let column: Vec<f64> = x.iter().copied().skip(j).step_by(channels).collect();
    let n = column.len() as f64;
    let mean = column.iter().sum::<f64>() / n;
    let var = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    (column, mean, var)
}

fn in_training() -> Vec<Case> {
    cases::batch_norm(false).into_iter().filter(|case| case.mode == Mode::Train).collect()
}

/// gamma = sqrt(var + eps) and beta = mean give back the input: section 3 of the paper.
#[test]
fn the_network_can_undo_the_normalisation() {
    for case in in_training() {
        let mut data = case.data();
        let x = f64s(&data.x);
        let c = case.input.channels();
        for j in 0..c {
            let (_, mean, var) = column(&x, c, j);
            data.params[j] = (var + 1e-5).sqrt() as f32;
            data.params[c + j] = mean as f32;
        }
        // As many roundings of the values as `reference/batch_norm.rs` counts, and gamma's and
        // beta's own.
        let bounds = case.reference.bounds(&x, &f64s(&data.params), &f64s(&data.dy)).y;
        for contexts in CONTEXTS.iter() {
            let y = run::run(&contexts[0], &case, &data, 0).y;
            within(&case.name(), &y, &x, |i| {
                let mean = column(&x, c, i % c).1;
                bounds[i] + EPS * (mean.abs() + (x[i] - mean).abs())
            });
        }
    }
}

/// A feature that never varies has variance 0, and comes out as beta, exactly.
#[test]
fn a_constant_feature_comes_out_as_beta() {
    for case in in_training() {
        let mut data = case.data();
        let c = case.input.channels();
        for (i, x) in data.x.iter_mut().enumerate() {
            *x = 0.1 + (i % c) as f32;
        }
        for contexts in CONTEXTS.iter() {
            let outcome = run::run(&contexts[0], &case, &data, 0);
            for (i, y) in outcome.y.iter().enumerate() {
                assert_eq!(*y, data.params[c + i % c], "{}", case.name());
            }
            assert!(outcome.dx.iter().all(|dx| dx.is_finite()), "{}", case.name());
        }
    }
}

/// Running statistics take in the fraction `momentum` of the batch's mean and unbiased variance,
/// where a batch of images counts every pixel.
#[test]
fn running_statistics_take_in_the_unbiased_variance_of_all_rows() {
    let momentum = 0.25;
    let layer = BatchNorm::new(1e-5, momentum);
    for case in in_training() {
        let data = case.data();
        let x = f64s(&data.x);
        let c = case.input.channels();
        for contexts in CONTEXTS.iter() {
            let outcome = run::run(&contexts[0], &case, &data, 0);
            let mut params = data.params.clone();
            let op = layer.plan(&case.input).unwrap().op;
            op.update_statistics(case.batch, &outcome.saved, &mut params, None);
            assert_eq!(params[..2 * c], data.params[..2 * c], "gamma and beta are not statistics");
            for j in 0..c {
                let (column, mean, var) = column(&x, c, j);
                let n = column.len() as f64;
                let q = column.iter().map(|x| (x - column[0]).powi(2)).sum::<f64>() / n;
                let check = |what: &str, at: usize, new: f64, bound: f64| {
                    let old = f64::from(data.params[at]);
                    let want = old + f64::from(momentum) * (new - old);
                    let error = (f64::from(params[at]) - want).abs();
                    let bound = bound + 2.0 * EPS * (old.abs() + new.abs());
                    assert!(
                        error <= bound,
                        "running {what} of {}: off by {error:e}, bound {bound:e}",
                        case.name()
                    );
                };
                // The errors of mean and variance that `reference/batch_norm.rs` derives.
                check("mean", 2 * c + j, mean, EPS * (n + 2.0) * q.sqrt());
                let unbiased = n / (n - 1.0);
                check("variance", 3 * c + j, var * unbiased, EPS * (3.0 * n + 10.0) * q * unbiased);
            }
        }
    }
}

/// A mean of 1000 standard deviations does not drown the variance, as sums of x and x^2 in f32
/// would let it.
#[test]
fn the_variance_survives_a_large_mean() {
    for case in in_training().iter().filter(|case| case.batch > 30) {
        let mut data = case.data();
        data.x.iter_mut().for_each(|x| *x += 1500.0);
        let (x, params) = (f64s(&data.x), f64s(&data.params));
        let bounds = case.reference.bounds(&x, &params, &f64s(&data.dy)).y;
        let y = case.reference.forward(&x, &params);
        for contexts in CONTEXTS.iter() {
            let outcome = run::run(&contexts[0], case, &data, 0);
            within(&case.name(), &outcome.y, &y, |i| bounds[i]);
            let c = case.input.channels();
            for j in 0..c {
                // The variance itself to 0.1 %, far above the bound of the mean's rounding.
                let var = column(&x, c, j).2;
                let saved = f64::from(outcome.saved[c + j]);
                assert!((saved - var).abs() < 1e-3 * var, "{}: {saved}, not {var}", case.name());
            }
        }
    }
}

/// A matrix beyond any level-2 cache that the engine reckons with takes another path than its
/// columns on their own, few at a time, which the references check. A column's results depend on
/// that column alone, to the bit.
#[test]
fn a_column_does_not_depend_on_those_beside_it() {
    const ROWS: usize = 8067;
    const WIDTHS: [usize; 2] = [131, 7];
    for relu in [false, true] {
        let [whole, part] = WIDTHS.map(|channels| {
            let (rows, eps, train) = (ROWS, 1e-5, true);
            let reference = reference::batch_norm::BatchNorm { rows, channels, eps, train, relu };
            let case = Case::new(BatchNorm::default(), reference, ROWS, channels).with_relu(relu);
            Case { scale: 1.5, ..case }
        });
        let data = whole.data();
        let columns_of = |values: &[f32], first: usize| -> Vec<f32> {
            values
                .chunks(WIDTHS[0])
                .flat_map(|row| &row[first..first + WIDTHS[1]])
                .copied()
                .collect()
        };
        for contexts in CONTEXTS.iter() {
            let all = run::run(&contexts[0], &whole, &data, 0);
            assert!(
                run::run(&contexts[1], &whole, &data, 3).bits() == all.bits(),
                "threads change bits"
            );
            for first in [0, 40, WIDTHS[0] - WIDTHS[1]] {
                let of = |values: &[f32]| columns_of(values, first);
                let (x, dy) = (of(&data.x), of(&data.dy));
                let (params, grads) = (of(&data.params), of(&data.grads));
                let few = run::run(&contexts[0], &part, &Data { x, params, dy, grads }, 0);
                let want = [of(&all.y), of(&all.dx), of(&all.grads)];
                let same = few.bits().0 == want.map(|v| crate::support::bits(&v));
                assert!(same, "columns from {first} on, on {}", contexts[0].isa().name());
            }
        }
    }
}

#[test]
fn a_single_row_cannot_be_trained_on() {
    let least = |input: narrows_engine::Shape| {
        BatchNorm::default().plan(&input).unwrap().op.min_train_batch()
    };
    assert_eq!(least(5.into()), 2);
    assert_eq!(least([1, 1, 5].into()), 2);
    assert_eq!(least([2, 1, 5].into()), 1);
}
