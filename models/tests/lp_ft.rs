//! The head first, then everything at a small rate.

use crate::support;
use narrows_datasets::{Dataset, LabelDraw, Rows, draw_labels};
use narrows_engine::{Context, Loss, Network, Params, Schedule};
use narrows_models::architecture::ENCODER;
use narrows_models::training::FINE_TUNING_FACTOR;
use narrows_models::{Goal, Run, Task, Training, Transfer};
use support::{architecture, training};

struct Setting {
    digits: Dataset,
    draw: LabelDraw,
    network: Network,
    pretrained: Params,
}

impl Setting {
    fn new() -> Setting {
        let digits = Dataset::digits();
        let draw = draw_labels(digits.labels().unwrap().unwrap(), 10, 60, 20, 1, 0).unwrap();
        let mut pretrained = Params::new(&architecture().autoencoder().unwrap(), 77);
        pretrained
            .values_mut()
            .iter_mut()
            .enumerate()
            .for_each(|(i, x)| *x += (i % 7) as f32 * 0.001);
        Setting { digits, draw, network: architecture().classifier(10).unwrap(), pretrained }
    }

    fn run(&self, method: Transfer, training: &Training) -> Run<'_> {
        let mut params = Params::new(&self.network, 3);
        method.prepare(&mut params, &self.pretrained).unwrap();
        let LabelDraw { train, validation } = &self.draw;
        let (train, validation) = (Rows::Listed(train), Rows::Listed(validation));
        let task = Task { data: &self.digits, train, validation, goal: Goal::Classify };
        Run::new(method.name(), &self.network, params, task, training).unwrap()
    }
}

/// Trains the first `epochs` epochs as [`Transfer::train`] does.
fn train(run: &mut Run<'_>, method: Transfer, epochs: usize) {
    let cx = Context::new(1).unwrap();
    // A run of no more epochs than were asked for would have another schedule.
    let mut all = run.clone();
    method.train(&mut all, &cx, &()).unwrap();
    run.restart = all.restart;
    for done in 0..epochs {
        method.before_epoch(done, run.epochs(), &mut run.trainer.params);
        run.epoch(&cx, &()).unwrap();
    }
}

/// The first half is a run of its own: what freezing does in so many epochs, bit by bit.
#[test]
fn the_first_half_trains_the_head_alone() {
    let setting = Setting::new();
    for (epochs, half) in [(1, 1), (2, 1), (7, 4), (8, 4)] {
        let whole = Training { epochs, ..training(Loss::cross_entropy()) };
        let first = Training { epochs: half, ..whole.clone() };
        let mut frozen = setting.run(Transfer::Freeze, &first);
        train(&mut frozen, Transfer::Freeze, half);
        let mut run = setting.run(Transfer::LpFt, &whole);
        train(&mut run, Transfer::LpFt, half);
        assert_eq!(run.trainer.params.values(), frozen.trainer.params.values(), "{epochs} epochs");
        for (a, b) in run.history().iter().zip(frozen.history()) {
            assert_eq!(
                (a.lr, a.train_loss, a.validation_loss),
                (b.lr, b.train_loss, b.validation_loss)
            );
        }
        let encoder = run.trainer.params.range(ENCODER);
        let before = setting.pretrained.range(ENCODER);
        assert_eq!(run.trainer.params.values()[encoder], setting.pretrained.values()[before]);
    }
}

#[test]
fn the_second_half_trains_everything_by_the_same_schedule_at_a_small_rate() {
    let setting = Setting::new();
    // 60 samples in batches of 20.
    let thirds = Schedule::Step { every: 10, gamma: 0.1 };
    for schedule in
        [Schedule::Constant, Schedule::one_cycle(), Schedule::Cosine { min: 0.0 }, thirds.clone()]
    {
        let falls = schedule == thirds;
        let whole = Training { epochs: 10, lr: 0.02, schedule, ..training(Loss::cross_entropy()) };
        let mut run = setting.run(Transfer::LpFt, &whole);
        Transfer::LpFt.train(&mut run, &Context::new(1).unwrap(), &()).unwrap();
        let (first, second) = run.history().split_at(5);
        assert!(
            !falls || (first[4].lr - 0.0002).abs() < 1e-8,
            "two thirds of a half are behind: {}",
            first[4].lr
        );
        for (first, second) in first.iter().zip(second) {
            let expected = first.lr * FINE_TUNING_FACTOR;
            assert!(
                (second.lr - expected).abs() < 1e-6 * expected,
                "{} after {}",
                second.lr,
                first.lr
            );
        }
        let mut run = setting.run(Transfer::LpFt, &whole);
        train(&mut run, Transfer::LpFt, 10);
        let now = &run.trainer.params;
        let start = setting.run(Transfer::LpFt, &whole).trainer.params;
        for entry in now.entries() {
            assert_ne!(now.get(&entry.name), start.get(&entry.name), "{}", entry.name);
        }
    }
}

#[test]
fn an_exact_probe_comes_before_the_first_epoch() {
    let setting = Setting::new();
    let exact = Training {
        epochs: 4,
        lr: 0.02,
        exact_probe: true,
        schedule: Schedule::Constant,
        ..training(Loss::cross_entropy())
    };
    let cx = Context::new(1).unwrap();
    let mut run = setting.run(Transfer::LpFt, &exact);
    Transfer::LpFt.train(&mut run, &cx, &()).unwrap();
    // All epochs are of the second half: at its rate, and the encoder learns in each.
    assert_eq!(run.history().len(), 4);
    let rate = run.history()[0].lr;
    assert!((rate - 0.02 * FINE_TUNING_FACTOR).abs() < 1e-8, "{rate}");
    let start = setting.run(Transfer::LpFt, &exact).trainer.params;
    for entry in start.entries() {
        assert_ne!(run.trainer.params.get(&entry.name), start.get(&entry.name), "{}", entry.name);
    }
    // The first epoch begins where a logistic regression ends: steps alone begin far above it.
    let mut linear = setting.run(Transfer::Linear, &exact);
    Transfer::Linear.train(&mut linear, &cx, &()).unwrap();
    let fitted = linear.history()[linear.best_epoch() - 1].train_loss;
    let mut steps = setting.run(Transfer::LpFt, &Training { exact_probe: false, ..exact });
    Transfer::LpFt.train(&mut steps, &cx, &()).unwrap();
    let [exact, steps] = [&run, &steps].map(|run| run.history()[0].train_loss);
    assert!((exact - fitted).abs() < 0.5 * (steps - fitted), "{fitted}, {exact}, {steps}");
}
