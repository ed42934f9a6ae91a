//! Freezing: what is frozen neither changes nor randomises, and what trains does not notice how it
//! was computed.

use super::{
    assert_frozen, assert_frozen_middle_evaluates, autoencoder, bits, classifier, normal, params,
    pass,
};
use narrows_engine::layers::{BatchNorm, Linear};
use narrows_engine::{Context, Network, Params, Pass, PassMemory};

const BATCH: usize = 20;

#[test]
fn a_frozen_encoder_keeps_its_running_statistics_to_the_bit() {
    let network = classifier().build().unwrap();
    let mut params = params(&network);
    params.set_trainable("encoder", false).unwrap();
    let before = bits(params.values());
    let cx = Context::new(1).unwrap();
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    for step in 0..5 {
        let x = normal(step, BATCH * 12);
        network.forward(&cx, &params, &mut memory, &x, Pass::train(1, step)).unwrap();
        network.update_statistics(&mut params, &memory);
    }
    assert_eq!(bits(params.values()), before);
    // The same steps move the statistics of an encoder that trains, and nothing else.
    params.set_trainable("encoder", true).unwrap();
    network.forward(&cx, &params, &mut memory, &normal(0, BATCH * 12), Pass::train(1, 0)).unwrap();
    network.update_statistics(&mut params, &memory);
    let after = bits(params.values());
    let statistics =
        params.range("encoder.1.running_mean").start..params.range("encoder.1.running_var").end;
    for i in 0..after.len() {
        assert_eq!(before[i] != after[i], statistics.contains(&i), "value {i}");
    }
}

#[test]
fn a_frozen_encoder_is_one_function_of_each_sample() {
    let network = classifier().build().unwrap();
    let mut params = params(&network);
    params.set_trainable("encoder", false).unwrap();
    let (x, dy) = (normal(1, BATCH * 12), vec![0.0; BATCH * 3]);
    let (y, _) = pass(&network, &params, &x, &dy, Pass::train(1, 0));
    let (other_step, _) = pass(&network, &params, &x, &dy, Pass::train(2, 9));
    let (alone, _) = pass(&network, &params, &x[..12], &dy[..3], Pass::train(1, 0));
    let (evaluated, _) = pass(&network, &params, &x, &dy, Pass::evaluate());
    assert_eq!(
        (&y, &alone[..]),
        (&other_step, &y[..3]),
        "dropout, or the batch's statistics, had a say"
    );
    assert_eq!(y, evaluated);
}

/// Frozen in training, the encoder evaluates; so the full backward to compare with is one in
/// evaluation.
#[test]
fn a_frozen_encoder_costs_the_head_none_of_its_gradient() {
    let network = classifier().build().unwrap();
    let mut params = params(&network);
    let (x, dy) = (normal(1, BATCH * 12), normal(2, BATCH * 3));
    let (_, full) = pass(&network, &params, &x, &dy, Pass::evaluate());
    params.set_trainable("encoder", false).unwrap();
    let (_, head_only) = pass(&network, &params, &x, &dy, Pass::train(1, 0));
    let head = params.range("head");
    assert_eq!(bits(&head_only[head.clone()]), bits(&full[head.clone()]));
    assert!(full[head].iter().any(|g| *g != 0.0));
    assert!(full[params.range("encoder")].iter().any(|g| *g != 0.0));
    assert!(head_only[params.range("encoder")].iter().all(|g| *g == 0.0));
}

#[test]
fn a_frozen_layer_passes_the_gradient_on() {
    let network = classifier().build().unwrap();
    let mut params = params(&network);
    let (x, dy) = (normal(1, BATCH * 12), normal(2, BATCH * 3));
    let (_, full) = pass(&network, &params, &x, &dy, Pass::train(1, 0));
    for prefix in ["head", "head.0", "encoder.4"] {
        params.set_trainable(prefix, false).unwrap();
        let (_, part) = pass(&network, &params, &x, &dy, Pass::train(1, 0));
        assert_frozen(&params, &part, &full, |name| name.starts_with(prefix));
        params.set_trainable(prefix, true).unwrap();
    }
}

/// A frozen batch norm between trained layers normalises with its running statistics, which are
/// constants in the backward pass too.
#[test]
fn a_frozen_batch_norm_above_a_trained_layer_evaluates() {
    let network =
        Network::builder(6).layer(Linear::new(5)).layer(BatchNorm::default()).layer(Linear::new(2));
    let network = network.build().unwrap();
    let mut params = params(&network);
    let (x, dy) = (normal(1, BATCH * 6), normal(2, BATCH * 2));
    assert_frozen_middle_evaluates(&network, &mut params, BATCH);
    // One sample can be trained on then.
    pass(&network, &params, &x[..6], &dy[..2], Pass::train(1, 0));
}

#[test]
fn a_batch_norm_with_one_trained_parameter_still_trains() {
    let network = autoencoder().build().unwrap();
    let mut params = params(&network);
    params.set_trainable("encoder", false).unwrap();
    params.set_trainable("encoder.1.bias", true).unwrap();
    let cx = Context::new(1).unwrap();
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    let mean = params.get("encoder.1.running_mean").unwrap().to_vec();
    let x = normal(1, BATCH * 12);
    network.forward(&cx, &params, &mut memory, &x, Pass::train(1, 0)).unwrap();
    network.update_statistics(&mut params, &memory);
    assert_ne!(params.get("encoder.1.running_mean").unwrap(), mean);
}

#[test]
fn a_frozen_parameter_of_a_trained_layer_has_no_gradient() {
    let network = classifier().build().unwrap();
    let mut params = params(&network);
    let (x, dy) = (normal(1, BATCH * 12), normal(2, BATCH * 3));
    let (_, full) = pass(&network, &params, &x, &dy, Pass::train(1, 0));
    for name in ["encoder.0.weight", "encoder.1.weight", "head.0.bias", "head.2.weight"] {
        params.set_trainable(name, false).unwrap();
        let (_, part) = pass(&network, &params, &x, &dy, Pass::train(1, 0));
        assert_frozen(&params, &part, &full, |entry| entry == name);
        params.set_trainable(name, true).unwrap();
    }
}

#[test]
fn statistics_never_become_trainable() {
    let network = autoencoder().build().unwrap();
    let mut params = Params::new(&network, 1);
    let trainable =
        |params: &Params| -> Vec<bool> { params.entries().iter().map(|e| e.trainable).collect() };
    let before = trainable(&params);
    params.set_trainable("encoder", false).unwrap();
    assert!(params.entries().iter().all(|e| e.trainable == e.name.starts_with("decoder")));
    params.set_trainable("encoder", true).unwrap();
    params.set_trainable("encoder.1.running_var", true).unwrap();
    assert_eq!(trainable(&params), before);
}

#[test]
fn a_network_frozen_throughout_has_no_gradient() {
    let network = classifier().build().unwrap();
    let mut params = params(&network);
    params.set_trainable("encoder", false).unwrap();
    params.set_trainable("head", false).unwrap();
    assert_eq!(params.trainable_len(), 0);
    let (_, grads) = pass(&network, &params, &normal(1, 12), &normal(2, 3), Pass::train(1, 0));
    assert!(grads.iter().all(|g| *g == 0.0));
}
