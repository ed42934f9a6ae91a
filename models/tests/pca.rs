//! PCA against what is known of it, and the linear autoencoder against PCA.

use crate::support;
use narrows_datasets::{Dataset, Rows, TrainTest};
use narrows_engine::{Context, Loss, Optimizer, Params, Schedule};
use narrows_models::{Architecture, Evaluation, Goal, Pca, Run, Task, Training};
use support::{all, mnist};

/// The centred PCA floors of MNIST, pixels in [0, 1]: components, training and test error. Computed
/// with another program from the eigenvalues of the full covariance in f64.
const MNIST_FLOORS: [(usize, f64, f64); 2] = [(20, 0.023970, 0.023538), (64, 0.009284, 0.009047)];

/// Points on a line in the plane, and one component: nothing is left over.
#[test]
fn one_component_holds_a_line() {
    let values: Vec<u8> = (0..50).flat_map(|i| [10 + 2 * i, 200 - 3 * i]).collect();
    let line = Dataset::from_values("line", values, &[2], 255, None).unwrap();
    let cx = Context::new(1).unwrap();
    let pca = Pca::fit(&cx, &line, Rows::all(line.len()), 1, &()).unwrap();
    assert!(pca.mse(&cx, &line, Rows::all(line.len()), &()).unwrap() < 1e-12);
}

/// A cross whose long arm is the first component: what is left is the variance of the short arm, by
/// hand.
#[test]
fn what_is_left_is_the_smaller_variance() {
    let values = [[0u8, 100], [200, 100], [100, 90], [100, 110]].concat();
    let cross = Dataset::from_values("cross", values, &[2], 200, None).unwrap();
    let cx = Context::new(1).unwrap();
    let pca = Pca::fit(&cx, &cross, Rows::all(cross.len()), 1, &()).unwrap();
    // Of 8 values, two are off by 10 / 200.
    let expected = 2.0 * 0.05f64.powi(2) / 8.0;
    assert!((pca.mse(&cx, &cross, Rows::all(cross.len()), &()).unwrap() - expected).abs() < 1e-9);
}

/// Long samples along three patterns at right angles, each value in all combinations: what is left
/// is the variance of the patterns left out, by hand.
#[test]
fn the_largest_patterns_of_long_samples_are_found() {
    const LEN: usize = 1200;
    let pattern =
        |period: usize| move |i: usize| if (i / (period / 2)).is_multiple_of(2) { 1 } else { -1 };
    let (large, middle, small) = (pattern(LEN), pattern(2), pattern(4));
    let mut values = Vec::new();
    for a in [-20, -10, 10, 20] {
        for (b, c) in [(-3, -1), (-3, 1), (3, -1), (3, 1)] {
            values.extend(
                (0..LEN).map(|i| (100 + a * large(i) + b * middle(i) + c * small(i)) as u8),
            );
        }
    }
    let data = Dataset::from_values("patterns", values, &[LEN], 200, None).unwrap();
    let cx = Context::new(1).unwrap();
    for (components, left) in [(1, 9.0 + 1.0), (2, 1.0), (3, 0.0)] {
        let pca = Pca::fit(&cx, &data, Rows::all(data.len()), components, &()).unwrap();
        let mse = pca.mse(&cx, &data, Rows::all(data.len()), &()).unwrap();
        let expected = left / 200.0f64.powi(2);
        assert!(
            (mse - expected).abs() < 1e-3 * expected + 1e-9,
            "{components}: {mse}, expected {expected}"
        );
    }
}

#[test]
fn more_components_than_values_are_refused() {
    let line = Dataset::from_values("line", vec![1, 2, 3, 4], &[2], 255, None).unwrap();
    let cx = Context::new(1).unwrap();
    for components in [0, 3] {
        let message = Pca::fit(&cx, &line, Rows::all(2), components, &()).unwrap_err().to_string();
        assert!(message.contains("choose 1 to 2"), "{message}");
    }
}

#[test]
fn mnist_gives_the_known_floors() {
    let Some(TrainTest { train, test }) = mnist() else { return };
    let cx = Context::new(0).unwrap();
    for (components, train_mse, test_mse) in MNIST_FLOORS {
        let pca = Pca::fit(&cx, &train, Rows::all(train.len()), components, &()).unwrap();
        for (data, floor) in [(&train, train_mse), (&test, test_mse)] {
            let mse = pca.mse(&cx, data, Rows::all(data.len()), &()).unwrap();
            assert!((mse - floor).abs() < 1e-6, "{components} components: {mse}, expected {floor}");
        }
    }
}

/// Trains a linear autoencoder on all of `data`, and returns its error and PCA's.
fn linear_against_pca(data: &Dataset, epochs: usize, lr: f32) -> (f64, f64) {
    let cx = Context::new(0).unwrap();
    let rows = all(data);
    let network = Architecture::linear(data.sample_len(), 20).autoencoder().unwrap();
    let training = Training {
        epochs,
        batch: 256,
        lr,
        schedule: Schedule::one_cycle(),
        optimizer: Optimizer::adam(),
        loss: Loss::L2,
        seed: 1,
        ..Training::default()
    };
    let task = Task {
        data,
        train: Rows::Listed(&rows),
        validation: Rows::Listed(&[]),
        goal: Goal::Reconstruct,
    };
    let mut run = Run::new("linear", &network, Params::new(&network, 1), task, &training).unwrap();
    run.train(&cx, &(), |_, _| {}).unwrap();
    let params = &run.trainer.params;
    let linear = Evaluation::of(
        &cx,
        &network,
        params,
        &Loss::L2,
        data,
        Rows::Listed(&rows),
        Goal::Reconstruct,
    )
    .unwrap();
    let pca = Pca::fit(&cx, data, Rows::all(data.len()), 20, &()).unwrap();
    (linear.loss, pca.mse(&cx, data, Rows::all(data.len()), &()).unwrap())
}

/// PCA is the floor of every linear autoencoder: to go below would be a wrong measurement.
#[track_caller]
fn assert_reaches_the_floor((linear, pca): (f64, f64)) {
    // What rounding in f32 can add to or take from the mean of the squares.
    let rounding = 1e-6 * pca;
    assert!(linear >= pca - rounding, "a linear autoencoder at {linear} cannot beat PCA's {pca}");
    assert!(
        linear <= 1.01 * pca,
        "a linear autoencoder at {linear} should reach PCA's {pca} within 1 %"
    );
}

#[test]
fn a_linear_autoencoder_reaches_pca_on_the_digits() {
    assert_reaches_the_floor(linear_against_pca(&Dataset::digits(), 400, 1e-2));
}

#[test]
fn a_linear_autoencoder_reaches_pca_on_mnist() {
    let Some(TrainTest { train, .. }) = mnist() else { return };
    assert_reaches_the_floor(linear_against_pca(&train, 12, 3e-3));
}
