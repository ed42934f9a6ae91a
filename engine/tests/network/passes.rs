//! Single passes: what they refuse, what they add to, and that one does not disturb another.

use super::{autoencoder, bits, classifier, normal, params, pass};
use narrows_engine::layers::{BatchNorm, Linear, Tanh};
use narrows_engine::random::Random;
use narrows_engine::{Context, Gradients, Loss, Network, Params, Pass, PassMemory, Target};

const BATCH: usize = 20;

#[test]
fn a_wrong_number_of_values_is_an_error() {
    let network = autoencoder().build().unwrap();
    let params = params(&network);
    let cx = Context::new(1).unwrap();
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    assert_eq!(memory.max_batch(), BATCH);
    for len in [0, 1, 11, 13, 12 * BATCH - 1, 12 * (BATCH + 1)] {
        let x = vec![0.0; len];
        let error = network.forward(&cx, &params, &mut memory, &x, Pass::evaluate());
        let error = error.expect_err("no whole number of samples from 1 to 20").to_string();
        assert!(
            error.contains("1 to 20 samples of 12 values")
                && error.contains(&format!("got {len} ")),
            "{error}"
        );
    }
    for batch in [1, 2, BATCH] {
        let x = vec![0.0; 12 * batch];
        let y = network.forward(&cx, &params, &mut memory, &x, Pass::evaluate()).unwrap();
        assert_eq!(y.len(), 12 * batch);
        assert_eq!(memory.output().len(), 12 * batch);
    }
}

#[test]
fn batch_norm_refuses_to_train_on_one_sample_but_evaluates_it() {
    let network = classifier().build().unwrap();
    let params = params(&network);
    let cx = Context::new(1).unwrap();
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    let x = normal(1, BATCH * 12);
    let error = network.forward(&cx, &params, &mut memory, &x[..12], Pass::train(1, 0));
    let error = error.expect_err("one value has no variance").to_string();
    assert!(
        error.contains("encoder.1") && error.contains("batch norm") && error.contains('2'),
        "{error}"
    );
    network.forward(&cx, &params, &mut memory, &x[..24], Pass::train(1, 0)).unwrap();
    let one =
        network.forward(&cx, &params, &mut memory, &x[..12], Pass::evaluate()).unwrap().to_vec();
    let all = network.forward(&cx, &params, &mut memory, &x, Pass::evaluate()).unwrap();
    assert_eq!(one, all[..3]);
}

#[test]
fn statistics_move_after_a_training_pass_alone() {
    let network = autoencoder().build().unwrap();
    let mut params = params(&network);
    let before = bits(params.values());
    let cx = Context::new(1).unwrap();
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    let x = normal(1, BATCH * 12);
    // No pass at all, an evaluation (of one sample, which has no variance, too), a training pass
    // that failed.
    network.update_statistics(&mut params, &memory);
    for batch in [BATCH, 1] {
        network.forward(&cx, &params, &mut memory, &x[..12 * batch], Pass::evaluate()).unwrap();
        network.update_statistics(&mut params, &memory);
    }
    network.forward(&cx, &params, &mut memory, &x, Pass::train(1, 0)).unwrap();
    network
        .forward(&cx, &params, &mut memory, &x[..12], Pass::train(1, 0))
        .expect_err("one sample");
    network.update_statistics(&mut params, &memory);
    assert_eq!(bits(params.values()), before);
    network.forward(&cx, &params, &mut memory, &x, Pass::train(1, 0)).unwrap();
    network.update_statistics(&mut params, &memory);
    assert_ne!(bits(params.values()), before);
}

#[test]
fn backward_adds_to_the_gradients() {
    let network = autoencoder().build().unwrap();
    let params = params(&network);
    let cx = Context::new(1).unwrap();
    let (x, dy) = (normal(1, BATCH * 12), normal(2, BATCH * 12));
    let train = Pass::train(1, 0);
    let (_, once) = pass(&network, &params, &x, &dy, train);
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    let mut grads = vec![0.0; params.values().len()];
    network.forward(&cx, &params, &mut memory, &x, train).unwrap();
    for _ in 0..2 {
        memory.output_and_gradient().1.copy_from_slice(&dy);
        network.backward(&cx, &params, &mut memory, &x, Gradients::added_to(&mut grads)).unwrap();
    }
    // A sum of two equal numbers is exact.
    for (i, (twice, once)) in grads.iter().zip(&*once).enumerate() {
        assert_eq!(*twice, 2.0 * once, "gradient {i}");
    }
    let decoder = params.range("decoder");
    assert!(grads[decoder].iter().any(|g| *g != 0.0));
}

#[test]
fn gradients_can_overwrite_what_was_there() {
    let network = autoencoder().build().unwrap();
    let mut params = params(&network);
    let cx = Context::new(1).unwrap();
    let (x, dy) = (normal(1, BATCH * 12), normal(2, BATCH * 12));
    let train = Pass::train(1, 0);
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    for frozen in ["", "encoder.0.weight", "encoder.4", "encoder"] {
        params.set_trainable("encoder", true).unwrap();
        if !frozen.is_empty() {
            params.set_trainable(frozen, false).unwrap();
        }
        let (_, want) = pass(&network, &params, &x, &dy, train);
        let mut grads = vec![f32::NAN; params.values().len()];
        network.forward(&cx, &params, &mut memory, &x, train).unwrap();
        memory.output_and_gradient().1.copy_from_slice(&dy);
        network
            .backward(&cx, &params, &mut memory, &x, Gradients::overwriting(&mut grads))
            .unwrap();
        for entry in params.entries() {
            let (got, want) = (&grads[entry.range.clone()], &want[entry.range.clone()]);
            // Of a layer that is frozen altogether nothing is computed.
            let untouched = frozen == "encoder.4" || frozen == "encoder";
            if untouched && entry.name.starts_with(frozen) {
                assert!(got.iter().all(|g| g.is_nan()), "{} with {frozen} frozen", entry.name);
            } else {
                assert_eq!(got, want, "{} with {frozen} frozen", entry.name);
            }
        }
    }
}

#[test]
fn two_activations_of_one_set_of_parameters_do_not_disturb_each_other() {
    let network = autoencoder().build().unwrap();
    let params = params(&network);
    let cx = Context::new(1).unwrap();
    let (clean, noisy) = (normal(1, BATCH * 12), normal(2, 7 * 12));
    let (dy_clean, dy_noisy) = (normal(3, BATCH * 12), normal(4, 7 * 12));
    let (pass_clean, pass_noisy) = (Pass::train(1, 0), Pass::train(1, 1));
    let want_clean = pass(&network, &params, &clean, &dy_clean, pass_clean);
    let want_noisy = pass(&network, &params, &noisy, &dy_noisy, pass_noisy);

    let mut a = PassMemory::new(&network, BATCH).unwrap();
    let mut b = PassMemory::new(&network, BATCH).unwrap();
    let mut grads = [vec![0.0; params.values().len()], vec![0.0; params.values().len()]];
    network.forward(&cx, &params, &mut a, &clean, pass_clean).unwrap();
    a.output_and_gradient().1.copy_from_slice(&dy_clean);
    network.forward(&cx, &params, &mut b, &noisy, pass_noisy).unwrap();
    b.output_and_gradient().1.copy_from_slice(&dy_noisy);
    network.backward(&cx, &params, &mut a, &clean, Gradients::added_to(&mut grads[0])).unwrap();
    assert_eq!(bits(b.output()), bits(&want_noisy.0));
    network.backward(&cx, &params, &mut b, &noisy, Gradients::added_to(&mut grads[1])).unwrap();
    assert_eq!(bits(a.output()), bits(&want_clean.0));
    assert_eq!(bits(&grads[0]), bits(&want_clean.1));
    assert_eq!(bits(&grads[1]), bits(&want_noisy.1));
}

/// Memory that held a larger batch before gives the same bits as fresh memory.
#[test]
fn a_smaller_batch_after_a_larger_one_leaves_no_trace() {
    let network = autoencoder().build().unwrap();
    let params = params(&network);
    let cx = Context::new(1).unwrap();
    let (large, small, dy) = (normal(1, BATCH * 12), normal(2, 7 * 12), normal(3, 7 * 12));
    let train = Pass::train(1, 0);
    let fresh = pass(&network, &params, &small, &dy, train);
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    let mut grads = vec![0.0; params.values().len()];
    network.forward(&cx, &params, &mut memory, &large, train).unwrap();
    memory.output_and_gradient().1.fill(f32::NAN);
    let y = network.forward(&cx, &params, &mut memory, &small, train).unwrap().to_vec();
    memory.output_and_gradient().1.copy_from_slice(&dy);
    network.backward(&cx, &params, &mut memory, &small, Gradients::added_to(&mut grads)).unwrap();
    assert_eq!((bits(&y), bits(&grads)), (bits(&fresh.0), bits(&fresh.1)));
}

#[test]
fn the_first_layer_that_is_not_finite_is_named() {
    let network = autoencoder().build().unwrap();
    let mut params = params(&network);
    let cx = Context::new(1).unwrap();
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    let x = normal(1, BATCH * 12);
    network.forward(&cx, &params, &mut memory, &x, Pass::train(1, 0)).unwrap();
    assert_eq!(network.first_not_finite(&memory), None);
    params.get_mut("decoder.0.bias").unwrap()[3] = f32::INFINITY;
    network.forward(&cx, &params, &mut memory, &x, Pass::train(1, 0)).unwrap();
    assert_eq!(network.first_not_finite(&memory), Some("decoder.0"));
    params.get_mut("encoder.1.bias").unwrap()[0] = f32::NAN;
    network.forward(&cx, &params, &mut memory, &x, Pass::train(1, 0)).unwrap();
    assert_eq!(network.first_not_finite(&memory), Some("encoder.1"));
}

/// The gradient of the input against central differences, whatever is frozen, and without a trace
/// in a step that follows.
#[test]
fn the_gradient_of_the_input_is_its_slope() {
    let cx = Context::new(1).unwrap();
    let network = Network::builder(9)
        .section("encoder")
        .layer(Linear::new(4).without_bias())
        .layer(BatchNorm::default())
        .layer(Tanh)
        .section("head")
        .layer(Linear::new(3))
        .build()
        .unwrap();
    for (frozen, pass) in
        [(false, Pass::train(1, 2)), (false, Pass::evaluate()), (true, Pass::train(1, 2))]
    {
        let mut params = Params::new(&network, 1);
        params.set_trainable("encoder", !frozen).unwrap();
        let mut memory = PassMemory::new(&network, 6).unwrap();
        let (mut x, mut dx) = (vec![0.0; 5 * 9], vec![f32::NAN; 5 * 9]);
        Random::new(1, 1).fill_normal(0, 0, &mut x);
        let classes = [0, 2, 1, 1, 0];
        let mut loss = |x: &[f32], dx: Option<&mut [f32]>| {
            network.forward(&cx, &params, &mut memory, x, pass).unwrap();
            let (y, dy) = memory.output_and_gradient();
            let loss = Loss::cross_entropy();
            let value = loss.evaluate(&cx, 5, y, Target::Classes(&classes), Some(dy)).unwrap();
            if let Some(dx) = dx {
                network.backward(&cx, &params, &mut memory, x, Gradients::of_input(dx)).unwrap();
            }
            value
        };
        loss(&x, Some(&mut dx));
        for i in 0..x.len() {
            let mut at = |step: f32| {
                let mut x = x.clone();
                x[i] += step;
                loss(&x, None)
            };
            let slope = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!(
                (slope - f64::from(dx[i])).abs() < 3e-4,
                "{frozen} {pass:?}: {} is {slope}",
                dx[i]
            );
        }
        assert!(dx.iter().any(|dx| dx.abs() > 1e-2));
    }
}

#[test]
fn the_memory_of_a_pass_fits_in_so_many_bytes() {
    let network = autoencoder().build().unwrap();
    let most = |bytes| PassMemory::within(&network, 100, bytes).unwrap().max_batch();
    assert_eq!(most(usize::MAX), 100);
    // Each half of the batch that it had, up to the first that fits.
    let bytes = |batch| {
        let summary = network.summary(batch);
        summary.activation_bytes + summary.work_bytes
    };
    assert_eq!((most(bytes(100)), most(bytes(100) - 1), most(bytes(26))), (100, 50, 25));
    assert_eq!(most(0), 1);
}
