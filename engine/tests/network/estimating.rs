//! Passes that estimate statistics: what they average, and what they leave alone.

use super::support::bits;
use super::{autoencoder, normal};
use narrows_engine::params::Role;
use narrows_engine::{Context, Params, Pass, PassMemory};

#[test]
fn fractions_of_one_over_n_average_the_statistics_of_the_batches() {
    let (network, cx) = (autoencoder().build().unwrap(), Context::new(1).unwrap());
    let mut params = Params::new(&network, 1);
    let mut memory = PassMemory::new(&network, 9).unwrap();
    let weights = params.get("encoder.0.weight").unwrap().to_vec();
    let bias = params.get("encoder.0.bias").unwrap().to_vec();
    let mut exact = vec![[0.0f64; 2]; 8];
    for n in 1..=4 {
        let x = normal(n, 9 * 12);
        network.forward(&cx, &params, &mut memory, &x, Pass::estimate()).unwrap();
        network.average_statistics(&mut params, &memory, 1.0 / n as f32);
        for (j, exact) in exact.iter_mut().enumerate() {
            let column: Vec<f64> = (0..9)
                .map(|i| {
                    let products =
                        (0..12).map(|k| f64::from(x[i * 12 + k]) * f64::from(weights[j * 12 + k]));
                    f64::from(bias[j]) + products.sum::<f64>()
                })
                .collect();
            let mean = column.iter().sum::<f64>() / 9.0;
            let var = column.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / 8.0;
            exact[0] += mean / 4.0;
            exact[1] += var / 4.0;
        }
    }
    for (which, name) in ["encoder.1.running_mean", "encoder.1.running_var"].into_iter().enumerate()
    {
        for (got, exact) in params.get(name).unwrap().iter().zip(&exact) {
            assert!(
                (f64::from(*got) - exact[which]).abs() < 1e-5,
                "{name}: {got}, not {}",
                exact[which]
            );
        }
    }
}

/// Dropout would drop in training; here two passes are alike, and alike with those of a network
/// without it.
#[test]
fn nothing_is_dropped_and_only_statistics_move() {
    let (network, cx) = (autoencoder().build().unwrap(), Context::new(1).unwrap());
    let params = Params::new(&network, 1);
    let mut memory = PassMemory::new(&network, 9).unwrap();
    let x = normal(1, 9 * 12);
    let mut pass = |pass| bits(network.forward(&cx, &params, &mut memory, &x, pass).unwrap());
    let estimated = pass(Pass::estimate());
    assert_eq!(estimated, pass(Pass::estimate()));
    assert_ne!(estimated, pass(Pass::train(1, 0)), "dropout drops in training");
    assert_ne!(estimated, pass(Pass::evaluate()), "running statistics are others");

    network.forward(&cx, &params, &mut memory, &x, Pass::estimate()).unwrap();
    let mut moved = params.clone();
    network.average_statistics(&mut moved, &memory, 1.0);
    for entry in params.entries() {
        let same = params.get(&entry.name) == moved.get(&entry.name);
        assert_eq!(same, entry.spec.role != Role::Statistic, "{}", entry.name);
    }
    assert!(
        network.forward(&cx, &params, &mut memory, &x[..12], Pass::estimate()).is_err(),
        "one sample"
    );
}
