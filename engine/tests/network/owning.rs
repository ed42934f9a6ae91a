//! Trainers: they own their share of the network, and check their settings.

use crate::network::{classifier, params};
use narrows_engine::layers::Linear;
use narrows_engine::{
    Context, ErrorKind, Loss, Network, Optimizer, Params, Target, Trainer, TrainerSettings,
};

/// What a program keeps: the network beside its trainer.
struct Model {
    network: Network,
    trainer: Trainer,
}

fn model() -> Model {
    let network = Network::builder(2).layer(Linear::new(1)).build().unwrap();
    let params = Params::new(&network, 1);
    let trainer = Trainer::new(&network, params, TrainerSettings::new(Loss::L2, 2)).unwrap();
    Model { network, trainer }
}

#[test]
fn a_trainer_lives_beside_its_network_and_outlives_it() {
    let Model { network, mut trainer } = model();
    assert_eq!(trainer.network().param_entries().len(), network.param_entries().len());
    drop(network);
    let cx = Context::new(1).unwrap();
    let loss = trainer.step(&cx, &[1.0, 2.0], Target::Values(&[3.0]), 0.1).unwrap();
    assert!(trainer.evaluate(&cx, &[1.0, 2.0], Target::Values(&[3.0])).unwrap() < loss);
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name_and_range() {
    let network = classifier().build().unwrap();
    let good = TrainerSettings::new(Loss::cross_entropy(), 8);
    let smoothing = |smoothing| Loss::CrossEntropy { smoothing, class_weights: None };
    let beta2 = Optimizer::Adam { beta1: 0.9, beta2: 2.0, eps: 1e-8, weight_decay: 0.0 };
    let decay = Optimizer::AdamW { beta1: 0.9, beta2: 0.9, eps: 1e-8, weight_decay: f64::NAN };
    let cases = [
        (TrainerSettings { loss: smoothing(2.0), ..good.clone() }, ["smoothing", "less than 1"]),
        (
            TrainerSettings { loss: Loss::Huber { delta: 0.0 }, ..good.clone() },
            ["delta", "positive"],
        ),
        (TrainerSettings { optimizer: beta2, ..good.clone() }, ["beta2", "less than 1"]),
        (TrainerSettings { optimizer: decay, ..good.clone() }, ["weight decay", "not negative"]),
        (TrainerSettings { max_batch: 0, ..good.clone() }, ["max_batch", "at least 1"]),
        (TrainerSettings { clip_norm: Some(0.0), ..good.clone() }, ["clip_norm", "above 0"]),
        (TrainerSettings { clip_norm: Some(f32::NAN), ..good.clone() }, ["clip_norm", "above 0"]),
    ];
    for (settings, words) in cases {
        let error = Trainer::new(&network, params(&network), settings).unwrap_err();
        let message = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Setting, "{message}");
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    }
}

#[test]
fn parameters_of_another_network_are_refused_with_both_sides() {
    let network = classifier().build().unwrap();
    let other = Network::builder(12).section("encoder").layer(Linear::new(3)).build().unwrap();
    let settings = TrainerSettings::new(Loss::cross_entropy(), 8);
    let error = Trainer::new(&network, Params::new(&other, 1), settings).unwrap_err();
    let message = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    let first = &network.param_entries()[0];
    assert!(
        message.contains(&format!("expected {} {:?}", first.name, first.spec.shape)),
        "{message}"
    );
    assert!(message.contains("found encoder.0.weight [3, 12]"), "{message}");
}
