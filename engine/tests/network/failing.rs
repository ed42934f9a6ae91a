//! Steps that fail: errors that say where, and leave everything as it was.

use super::training::{BATCH, CLASSES, settings, state, step, trainer, with};
use crate::network::{autoencoder, classifier, normal, params};
use narrows_engine::layers::{BatchNorm, Linear, Relu};
use narrows_engine::{Context, Loss, Network, Optimizer, Params, Target, TrainerSettings};

#[test]
fn a_loss_that_is_not_finite_stops_the_step_and_names_layer_and_step() {
    let network = autoencoder().build().unwrap();
    let params = params(&network);
    let cx = Context::new(1).unwrap();
    for bad in [f32::NAN, f32::INFINITY, -f32::INFINITY, f32::MAX] {
        let mut trainer = with(&network, &params, TrainerSettings { loss: Loss::L2, ..settings() });
        let good = normal(1, BATCH * 12);
        for _ in 0..3 {
            trainer.step(&cx, &good, Target::Values(&good), 0.01).unwrap();
        }
        let before = state(&trainer);
        let mut x = good.clone();
        x[100] = bad;
        let error =
            trainer.step(&cx, &x, Target::Values(&good), 0.01).expect_err("not finite").to_string();
        assert!(error.contains("step 3") && error.contains("encoder."), "{error}");
        assert_eq!(state(&trainer), before, "after {bad}");
        // A target that is not finite is no layer's fault.
        let mut target = good.clone();
        target[5] = f32::NAN;
        let error = trainer
            .step(&cx, &good, Target::Values(&target), 0.01)
            .expect_err("not finite")
            .to_string();
        assert!(error.contains("step 3") && error.contains("loss itself"), "{error}");
        assert_eq!(state(&trainer), before, "after a target of NaN");

        // And the next step is as if nothing had happened.
        let mut other = with(&network, &params, TrainerSettings { loss: Loss::L2, ..settings() });
        for _ in 0..4 {
            other.step(&cx, &good, Target::Values(&good), 0.01).unwrap();
        }
        trainer.step(&cx, &good, Target::Values(&good), 0.01).unwrap();
        assert_eq!(state(&trainer), state(&other));
    }
}

#[test]
fn a_huge_learning_rate_ends_in_an_error_with_the_parameters_of_the_last_step() {
    let network = Network::builder(12)
        .layer(Linear::new(8))
        .layer(Relu)
        .layer(Linear::new(12))
        .build()
        .unwrap();
    let cx = Context::new(1).unwrap();
    let x = normal(1, BATCH * 12);
    let params = Params::new(&network, 1);
    let (loss, optimizer) = (Loss::L2, Optimizer::sgd());
    let mut trainer = with(&network, &params, TrainerSettings { loss, optimizer, ..settings() });
    for step in 0..100 {
        let before = state(&trainer);
        if let Err(error) = trainer.step(&cx, &x, Target::Values(&x), 1e10) {
            let error = error.to_string();
            assert!(error.contains(&format!("step {step}")), "{error}");
            assert!(error.contains("layers.") || error.contains("loss itself"), "{error}");
            assert!(step > 0, "the first loss is finite");
            assert_eq!(state(&trainer), before);
            return;
        }
    }
    panic!("100 steps with a learning rate of 1e10 went well");
}

#[test]
fn what_does_not_fit_is_an_error_that_changes_nothing() {
    let network = classifier().build().unwrap();
    let cx = Context::new(1).unwrap();
    let mut trainer = trainer(&network, &params(&network), Optimizer::adam());
    step(&mut trainer, 0, 0.01);
    let before = state(&trainer);
    let x = normal(1, (BATCH + 1) * 12);
    let wrong: [(&[f32], Target<'_>); 7] = [
        (&x[..], Target::Classes(&CLASSES)),
        (&x[..13], Target::Classes(&CLASSES[..1])),
        (&[], Target::Classes(&[])),
        (&x[..12], Target::Classes(&CLASSES[..1])), // one sample, and batch norm
        (&x[..24], Target::Classes(&CLASSES[..3])),
        (&x[..24], Target::Classes(&[0, 3])),
        (&x[..24], Target::Values(&x[..6])),
    ];
    for (i, (x, target)) in wrong.into_iter().enumerate() {
        assert!(trainer.step(&cx, x, target, 0.01).is_err(), "case {i}");
        assert_eq!(state(&trainer), before, "case {i}");
    }
    assert!(trainer.predict(&cx, &x[..13]).is_err());
    assert_eq!(trainer.predict(&cx, &x[..12]).unwrap().len(), 3);
}

/// A gamma of 1e30 makes logits and gradients of that size: the loss is finite, the gradients'
/// squares are not.
#[test]
fn gradients_that_are_not_finite_are_an_error_that_changes_nothing() {
    let network =
        Network::builder(12).layer(BatchNorm::default()).layer(Linear::new(3)).build().unwrap();
    let cx = Context::new(1).unwrap();
    let x = normal(1, BATCH * 12);
    for optimizer in [Optimizer::sgd(), Optimizer::adam()] {
        let params = Params::new(&network, 1);
        let gamma = params.range("layers.0.weight");
        let clipped = TrainerSettings { optimizer, clip_norm: Some(1.0), ..settings() };
        let mut trainer = with(&network, &params, clipped.clone());
        let target = Target::Classes(&CLASSES);
        trainer.step(&cx, &x, target, 1e-3).unwrap();
        let usual = trainer.params.values()[gamma.clone()].to_vec();
        trainer.params.values_mut()[gamma.clone()].fill(1e30);
        let before = state(&trainer);
        let error =
            trainer.step(&cx, &x, target, 1e-3).expect_err("a norm that is not finite").to_string();
        assert!(error.contains("gradients are not finite at step 1"), "{error}");
        assert_eq!(state(&trainer), before, "{optimizer:?}");

        // And the next step is as if nothing had happened: no gradient was left.
        trainer.params.values_mut()[gamma.clone()].copy_from_slice(&usual);
        let mut fresh = with(&network, &trainer.params, clipped);
        fresh.optimizer = trainer.optimizer.clone();
        trainer.step(&cx, &x, target, 1e-3).unwrap();
        fresh.step(&cx, &x, target, 1e-3).unwrap();
        assert_eq!(state(&trainer), state(&fresh), "{optimizer:?}");
    }
}
