//! The training loop: resuming, stopping, and the weights that it leaves.

use crate::support;
use narrows_engine::{Context, Loss, Optimizer, Params, Schedule};
use narrows_models::{Event, Observer, Run, Task, Training};
use std::sync::Mutex;
use support::{Setting, bits, training};

/// All that is not a time: the losses and the weights, as bits.
fn outcome(run: &Run<'_>) -> (Vec<u64>, Vec<u32>) {
    let losses = run.history().iter().flat_map(|r| [r.train_loss, r.validation_loss.unwrap()]);
    (losses.map(f64::to_bits).collect(), bits(&run.trainer.params))
}

/// At a rate so high that it gets worse at some point, and then stops.
fn impatient() -> Training {
    Training {
        epochs: 60,
        lr: 0.05,
        patience: 4,
        schedule: Schedule::Constant,
        ..training(Loss::cross_entropy())
    }
}

#[test]
fn a_copy_of_a_run_continues_with_the_same_bits() {
    let (setting, cx) = (Setting::new(), Context::new(1).unwrap());
    let training = training(Loss::cross_entropy());
    let mut whole = setting.run(&training).unwrap();
    whole.train(&cx, &(), |_, _| {}).unwrap();
    for interrupted_after in [1, 3, 5] {
        let mut first = setting.run(&training).unwrap();
        (0..interrupted_after).for_each(|_| first.epoch(&cx, &()).unwrap());
        let mut second = first.clone();
        drop(first);
        second.train(&cx, &(), |_, _| {}).unwrap();
        assert_eq!(outcome(&second), outcome(&whole), "interrupted after {interrupted_after}");
        assert_eq!(second.best_epoch(), whole.best_epoch());
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let setting = Setting::new();
    let runs = [1, 2, 3].map(|threads| {
        let cx = Context::new(threads).unwrap();
        let mut run = setting.run(&training(Loss::cross_entropy())).unwrap();
        run.train(&cx, &(), |_, _| {}).unwrap();
        outcome(&run)
    });
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0], runs[2]);
}

#[test]
fn each_epoch_sees_each_sample_once_and_the_seed_decides_the_order() {
    struct Steps(Mutex<Vec<f64>>);
    impl Observer for Steps {
        fn notice(&self, event: &Event<'_>) {
            if let Event::Step { loss, .. } = event {
                self.0.lock().unwrap().push(*loss);
            }
        }
    }
    let (setting, cx) = (Setting::new(), Context::new(1).unwrap());
    let steps = |seed| {
        let steps = Steps(Mutex::new(Vec::new()));
        let training = Training { epochs: 2, seed, ..training(Loss::cross_entropy()) };
        let mut run = setting.run(&training).unwrap();
        run.train(&cx, &steps, |_, _| {}).unwrap();
        assert!(run.history().iter().all(|record| record.samples == 100));
        steps.0.into_inner().unwrap()
    };
    assert_eq!(steps(1).len(), 2 * 5);
    assert_eq!(steps(1), steps(1));
    assert_ne!(steps(1), steps(2));
}

#[test]
fn the_best_weights_are_restored_and_patience_ends_the_run() {
    let (setting, cx) = (Setting::new(), Context::new(1).unwrap());
    let mut run = setting.run(&impatient()).unwrap();
    // The weights before epoch i are those that i epochs led to.
    let mut after = Vec::new();
    run.train(&cx, &(), |_, params| after.push(bits(params))).unwrap();
    assert!(run.history().len() < 60, "patience must end it");
    assert_eq!(run.history().len(), run.best_epoch() + 4);
    // An independent search for the best epoch: the most accurate, the smallest loss among equals.
    let best = run.history().iter().fold(&run.history()[0], |best, record| {
        let better = record.validation_accuracy > best.validation_accuracy
            || record.validation_accuracy == best.validation_accuracy
                && record.validation_loss < best.validation_loss;
        if better { record } else { best }
    });
    assert_eq!(run.best_epoch(), best.epoch);
    assert_eq!(bits(&run.trainer.params), after[best.epoch]);
    assert!(
        after.iter().filter(|other| **other == after[best.epoch]).count() == 1,
        "no other epoch's"
    );
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_leaves_the_last_good_weights() {
    let (setting, cx) = (Setting::new(), Context::new(1).unwrap());
    let training = Training { epochs: 50, clip_norm: None, ..training(Loss::cross_entropy()) };
    let mut run = setting.run(&training).unwrap();
    // The weights go bad in the fourth epoch.
    let mut after = Vec::new();
    let result = run.train(&cx, &(), |done, params| {
        after.push(bits(params));
        if done == 3 {
            params.get_mut("encoder.4.weight").unwrap()[5] = f32::NAN;
        }
    });
    let message = result.unwrap_err().to_string();
    assert!(message.contains("encoder.4") && message.contains("step 15"), "{message}");
    assert_eq!(run.history().len(), 3);
    assert!(run.trainer.params.values().iter().all(|x| x.is_finite()));
    assert_eq!(bits(&run.trainer.params), after[run.best_epoch()]);
}

/// No loss is computed after the last step: its weights have to be looked at.
#[test]
fn weights_that_explode_in_the_last_step_are_no_success() {
    let (setting, cx) = (Setting::new(), Context::new(1).unwrap());
    let one_step = Training {
        epochs: 1,
        batch: 100,
        schedule: Schedule::Constant,
        clip_norm: None,
        ..training(Loss::cross_entropy())
    };
    // To infinity; and to where they are finite still, but no loss is.
    let decaying = Optimizer::Sgd { momentum: 0.0, nesterov: false, weight_decay: 1e30 };
    let infinite = Training { lr: 1e30, optimizer: decaying, ..one_step.clone() };
    let huge = Training { lr: 1e30, optimizer: Optimizer::adam(), ..one_step };
    let no_rows: &[u32] = &[];
    for (training, validation, expected) in [
        (&infinite, no_rows, "encoder.0.weight"),
        (&infinite, &setting.validation, "encoder.0.weight"),
        (&huge, &setting.validation, "the validation loss became"),
    ] {
        let params = Params::new(&setting.network, 2);
        let task = Task { validation: validation.into(), ..setting.task() };
        let mut run = Run::new("test", &setting.network, params, task, training).unwrap();
        let message = run.train(&cx, &(), |_, _| {}).unwrap_err().to_string();
        assert!(
            message.contains(expected) && message.contains("by step 1, in epoch 1"),
            "{message}"
        );
        assert!(message.contains("lower the learning rate"), "{message}");
        assert!(run.history().is_empty() && run.best().is_none() && run.best_epoch() == 0);
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let (setting, good) = (Setting::new(), training(Loss::cross_entropy()));
    let bad = [
        (Training { epochs: 0, ..good.clone() }, "1 epoch"),
        (Training { batch: 0, ..good.clone() }, "batch"),
        (
            Training { lr: 0.0, ..good.clone() },
            "the learning rate must be positive and finite, not 0",
        ),
        (Training { lr: -1.0, ..good.clone() }, "not -1"),
        (Training { lr: f32::NAN, ..good.clone() }, "not NaN"),
        (Training { lr: f32::INFINITY, ..good.clone() }, "not inf"),
        (Training { clip_norm: Some(0.0), ..good.clone() }, "gradient norm"),
        (Training { clip_norm: Some(f32::NAN), ..good.clone() }, "gradient norm"),
    ];
    for (training, option) in bad {
        let message = setting.run(&training).unwrap_err().to_string();
        assert!(message.contains(option) && !message.contains('\n'), "{message}");
    }
    assert!(setting.run(&good).is_ok());
}
