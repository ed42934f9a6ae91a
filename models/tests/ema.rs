//! The moving average of the weights: what it is, and that a run validates, keeps and resumes it.

use crate::support;
use narrows_datasets::Rows;
use narrows_engine::{Context, Loss, Params};
use narrows_models::architecture::ENCODER;
use narrows_models::{Ema, Evaluation, Goal, Run, Task, Training, Transfer};
use support::{Setting, architecture, bits, training};

/// Values that move, values that stay, and one that is 0 from some update on.
#[test]
fn the_average_is_the_recursion_in_f64() {
    let (cx, network) = (Context::new(1).unwrap(), architecture().classifier(10).unwrap());
    for decay in [0.1, 0.9, 0.999] {
        let mut params = Params::new(&network, 1);
        let initial = params.values().to_vec();
        let mut ema = Ema::new(&params, decay);
        let mut exact: Vec<f64> = initial.iter().map(|&x| f64::from(x)).collect();
        for n in 1..=200u32 {
            for (i, (x, start)) in params.values_mut().iter_mut().zip(&initial).enumerate() {
                *x = match i % 3 {
                    0 => *start,
                    1 => start + (n as f32 * 0.1 + i as f32).sin(),
                    _ if n < 20 => 1.0,
                    _ => 0.0,
                };
            }
            ema.update(&cx, &params);
            let keep = f64::from(decay).min((1.0 + f64::from(n)) / (10.0 + f64::from(n)));
            for (exact, &x) in exact.iter_mut().zip(params.values()) {
                *exact = keep * *exact + (1.0 - keep) * f64::from(x);
            }
        }
        assert_eq!(ema.updates(), 200);
        for (i, (got, want)) in ema.params().values().iter().zip(&exact).enumerate() {
            if i % 3 == 0 {
                assert_eq!(got.to_bits(), initial[i].to_bits(), "value {i} never moved");
            }
            assert!(
                (f64::from(*got) - want).abs() < 1e-5,
                "decay {decay}, value {i}: {got}, not {want}"
            );
        }
    }
}

#[test]
fn an_average_of_zeros_leaves_no_subnormals() {
    let (cx, network) = (Context::new(1).unwrap(), architecture().classifier(10).unwrap());
    let mut params = Params::new(&network, 1);
    let mut ema = Ema::new(&params, 0.9);
    params.values_mut().fill(0.0);
    for _ in 0..2000 {
        ema.update(&cx, &params);
        assert!(!ema.params().values().iter().any(|x| x.is_subnormal()));
    }
    assert!(ema.params().values().iter().all(|x| *x == 0.0));
}

/// The network with these parameters, on the samples for validation.
fn validated(setting: &Setting, params: &Params) -> Evaluation {
    let cx = Context::new(1).unwrap();
    let Setting { digits, validation, network, .. } = setting;
    let (loss, rows) = (Loss::cross_entropy(), Rows::Listed(validation));
    Evaluation::of(&cx, network, params, &loss, digits, rows, Goal::Classify).unwrap()
}

/// A run with an average trains the same weights as one without; the average beside it is that of
/// its steps, and it is what is validated and kept.
#[test]
fn a_run_validates_and_keeps_the_average() {
    let (setting, cx) = (Setting::new(), Context::new(1).unwrap());
    let plain = Training { epochs: 5, batch: 100, ..training(Loss::cross_entropy()) };
    let averaged = Training { ema: 0.7, ..plain.clone() };
    let (mut without, mut with) = (setting.run(&plain).unwrap(), setting.run(&averaged).unwrap());
    // One step an epoch, so that the weights behind each are at hand.
    let mut own = Ema::new(&without.trainer.params, 0.7);
    for epoch in 0..5 {
        without.epoch(&cx, &()).unwrap();
        with.epoch(&cx, &()).unwrap();
        own.update(&cx, &without.trainer.params);
        assert_eq!(bits(&with.trainer.params), bits(&without.trainer.params), "epoch {epoch}");
        let average = with.ema.as_ref().unwrap().params();
        assert_eq!(bits(average), bits(own.params()));
        assert_ne!(bits(average), bits(&with.trainer.params));
        let of_average = validated(&setting, average);
        assert_eq!(with.history()[epoch].validation_loss, Some(of_average.loss));
        assert_eq!(with.history()[epoch].validation_accuracy, of_average.accuracy);
        assert_eq!(with.history()[epoch].train_loss, without.history()[epoch].train_loss);
        if with.best_epoch() == epoch + 1 {
            assert_eq!(bits(with.best().unwrap().1), bits(average));
        }
    }
    let best = bits(with.best().unwrap().1);
    with.restore_best();
    assert_eq!(bits(&with.trainer.params), best);
}

#[test]
fn without_validation_the_last_average_is_kept() {
    let (setting, cx) = (Setting::new(), Context::new(1).unwrap());
    let averaged = Training { ema: 0.9, ..training(Loss::cross_entropy()) };
    let task = Task { validation: Rows::Listed(&[]), ..setting.task() };
    let params = Params::new(&setting.network, 2);
    let mut run = Run::new("test", &setting.network, params, task, &averaged).unwrap();
    run.train(&cx, &(), |_, _| {}).unwrap();
    assert_eq!(bits(&run.trainer.params), bits(run.ema.as_ref().unwrap().params()));
}

/// The codes of the frozen encoder are those of the average, too.
#[test]
fn a_frozen_encoder_is_the_same_in_the_average() {
    let (setting, cx) = (Setting::new(), Context::new(1).unwrap());
    let averaged = Training { ema: 0.9, ..training(Loss::cross_entropy()) };
    let pretrained = Params::new(&architecture().autoencoder().unwrap(), 7);
    let mut params = Params::new(&setting.network, 2);
    Transfer::Freeze.prepare(&mut params, &pretrained).unwrap();
    let mut run = Run::new("test", &setting.network, params, setting.task(), &averaged).unwrap();
    run.epoch(&cx, &()).unwrap();
    let average = run.ema.as_ref().unwrap().params();
    let range = average.range(ENCODER);
    assert_eq!(average.values()[range.clone()], pretrained.values()[pretrained.range(ENCODER)]);
    assert_eq!(run.history()[0].validation_loss, Some(validated(&setting, average).loss));
}

#[test]
fn a_decay_that_makes_no_sense_is_refused_by_name() {
    for ema in [-0.1, 1.0, f32::NAN] {
        let bad = Training { ema, ..training(Loss::cross_entropy()) };
        let message = bad.check().unwrap_err().to_string();
        assert!(
            message.contains("decay of the averaged weights") && !message.contains('\n'),
            "{message}"
        );
    }
}
