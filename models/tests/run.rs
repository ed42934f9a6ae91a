//! The training loop: resuming, stopping, and the weights that it leaves.

mod support;

use narrows_datasets::{Dataset, draw_labels};
use narrows_engine::{Context, Loss, Network, Params};
use narrows_models::{Error, Evaluation, Event, Goal, Observer, Run, Task, Training};
use std::sync::Mutex;
use support::{architecture, training};

struct Setting {
    digits: Dataset,
    train: Vec<u32>,
    validation: Vec<u32>,
    network: Network,
}

fn setting() -> Setting {
    let digits = Dataset::digits();
    let draw = draw_labels(digits.labels().unwrap(), 10, 100, 50, 1, 0).unwrap();
    let network = architecture().classifier(10).unwrap();
    Setting { digits, train: draw.train, validation: draw.validation, network }
}

impl Setting {
    fn run(&self, training: &Training) -> Result<Run<'_>, Error> {
        let task = Task {
            data: &self.digits,
            train: &self.train,
            validation: &self.validation,
            goal: Goal::Classify,
        };
        Run::new("test", &self.network, Params::new(&self.network, 2), task, training)
    }

    fn accuracy(&self, params: &Params) -> f64 {
        let (cx, loss) = (Context::new(1).unwrap(), Loss::cross_entropy());
        let rows = &self.validation;
        let of = Evaluation::of(&cx, &self.network, params, &loss, &self.digits, rows, Goal::Classify);
        of.unwrap().accuracy.unwrap()
    }
}

/// All that is not a time: the losses and the weights, as bits.
fn bits(run: &Run<'_>) -> (Vec<u64>, Vec<u32>) {
    let losses = run.history.iter().flat_map(|r| [r.train_loss, r.validation_loss.unwrap()]);
    (losses.map(f64::to_bits).collect(), run.trainer.params.values().iter().map(|x| x.to_bits()).collect())
}

#[test]
fn a_run_interrupted_and_continued_gives_the_same_bits() {
    let (setting, cx) = (setting(), Context::new(1).unwrap());
    let training = training(Loss::cross_entropy());
    let mut whole = setting.run(&training).unwrap();
    whole.train(&cx, &(), |_, _| {}).unwrap();
    for interrupted_after in [1, 3, 5] {
        let mut first = setting.run(&training).unwrap();
        (0..interrupted_after).for_each(|_| first.epoch(&cx, &()).unwrap());
        let mut second = first.clone();
        drop(first);
        second.train(&cx, &(), |_, _| {}).unwrap();
        assert_eq!(bits(&second), bits(&whole), "interrupted after {interrupted_after}");
        assert_eq!(second.best_epoch(), whole.best_epoch());
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let setting = setting();
    let runs = [1, 2, 3].map(|threads| {
        let cx = Context::new(threads).unwrap();
        let mut run = setting.run(&training(Loss::cross_entropy())).unwrap();
        run.train(&cx, &(), |_, _| {}).unwrap();
        bits(&run)
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
    let (setting, cx) = (setting(), Context::new(1).unwrap());
    let steps = |seed| {
        let steps = Steps(Mutex::new(Vec::new()));
        let training = Training { epochs: 2, seed, ..training(Loss::cross_entropy()) };
        let mut run = setting.run(&training).unwrap();
        run.train(&cx, &steps, |_, _| {}).unwrap();
        assert!(run.history.iter().all(|record| record.samples == 100));
        steps.0.into_inner().unwrap()
    };
    assert_eq!(steps(1).len(), 2 * 5);
    assert_eq!(steps(1), steps(1));
    assert_ne!(steps(1), steps(2));
}

#[test]
fn the_best_weights_are_restored_and_patience_ends_the_run() {
    let (setting, cx) = (setting(), Context::new(1).unwrap());
    // A rate so high that it gets worse at some point.
    let training = Training {
        epochs: 60,
        lr: 0.05,
        patience: 4,
        schedule: narrows_engine::Schedule::Constant,
        ..training(Loss::cross_entropy())
    };
    let mut run = setting.run(&training).unwrap();
    run.train(&cx, &(), |_, _| {}).unwrap();
    assert!(run.history.len() < 60, "patience must end it");
    assert_eq!(run.history.len(), run.best_epoch() + 4);
    // An independent search for the best epoch: the most accurate, the smallest loss among equals.
    let best = run.history.iter().fold(&run.history[0], |best, record| {
        let better = record.validation_accuracy > best.validation_accuracy
            || record.validation_accuracy == best.validation_accuracy
                && record.validation_loss < best.validation_loss;
        if better { record } else { best }
    });
    assert_eq!(run.best_epoch(), best.epoch);
    assert_eq!(setting.accuracy(&run.trainer.params), best.validation_accuracy.unwrap());
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_leaves_the_last_good_weights() {
    let (setting, cx) = (setting(), Context::new(1).unwrap());
    let training = Training { epochs: 50, clip_norm: None, ..training(Loss::cross_entropy()) };
    let mut run = setting.run(&training).unwrap();
    // The weights go bad in the fourth epoch.
    let mut good = None;
    let result = run.train(&cx, &(), |done, params| {
        if done == 3 {
            good = Some(params.clone());
            params.get_mut("encoder.4.weight").unwrap()[5] = f32::NAN;
        }
    });
    let message = result.unwrap_err().to_string();
    assert!(message.contains("encoder.4") && message.contains("step 15"), "{message}");
    assert_eq!(run.history.len(), 3);
    assert!(run.trainer.params.values().iter().all(|x| x.is_finite()));
    let best = run.history[run.best_epoch() - 1].validation_accuracy.unwrap();
    assert_eq!(setting.accuracy(&run.trainer.params), best);
    assert!(good.is_some());
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let (setting, good) = (setting(), training(Loss::cross_entropy()));
    let bad = [
        (Training { epochs: 0, ..good.clone() }, "--epochs"),
        (Training { batch: 0, ..good.clone() }, "--batch"),
        (Training { lr: 0.0, ..good.clone() }, "--lr"),
        (Training { lr: -1.0, ..good.clone() }, "--lr"),
        (Training { lr: f32::NAN, ..good.clone() }, "--lr"),
        (Training { lr: f32::INFINITY, ..good.clone() }, "--lr"),
        (Training { clip_norm: Some(0.0), ..good.clone() }, "--clip-norm"),
        (Training { clip_norm: Some(f32::NAN), ..good.clone() }, "--clip-norm"),
    ];
    for (training, option) in bad {
        let message = setting.run(&training).unwrap_err().to_string();
        assert!(message.contains(option) && !message.contains('\n'), "{message}");
    }
    assert!(setting.run(&good).is_ok());
}
