//! Mixup in a run: the losses and weights of steps that are mixed by an obvious loop.

use crate::support;
use narrows_datasets::{Dataset, Loader, Rows, draw_labels};
use narrows_engine::random::Random;
use narrows_engine::{Context, Loss, Network, Optimizer, Params, Target, Trainer, TrainerSettings};
use narrows_models::{Goal, Run, Task, Training, Transfer};
use support::{architecture, training};

struct Setting {
    digits: Dataset,
    train: Vec<u32>,
    network: Network,
}

impl Setting {
    fn new() -> Setting {
        let digits = Dataset::digits();
        let draw = draw_labels(digits.labels().unwrap().unwrap(), 10, 70, 0, 1, 0).unwrap();
        Setting { digits, train: draw.train, network: architecture().classifier(10).unwrap() }
    }

    fn task(&self) -> Task<'_> {
        let (train, validation) = (Rows::Listed(&self.train), Rows::Listed(&[]));
        Task { data: &self.digits, train, validation, goal: Goal::Classify }
    }

    fn run(&self, training: &Training) -> Run<'_> {
        Run::new("test", &self.network, Params::new(&self.network, 2), self.task(), training)
            .unwrap()
    }
}

/// With Beta(1, 1), which is uniform, the part is `1/2 + 1/2 cos / sqrt(1 / (1/u - 1) + cos^2)`, u
/// and the cosine's angle being uniform.
fn part_of(seed: u64, epoch: u64, row: u32) -> f64 {
    let words = Random::new(seed, u64::from_be_bytes(*b"mixup   ")).words(epoch, row, 0);
    let u = (f64::from(words[0]) + 1.0) / 4_294_967_296.0;
    let cos = (f64::from(words[1]) / 4_294_967_296.0 * std::f64::consts::TAU).cos();
    0.5 + 0.5 * cos / (1.0 / (1.0 / u - 1.0) + cos * cos).sqrt()
}

/// The loss towards a mixed label is the same mixture of the losses towards the two labels: each
/// step's loss is computed as that, in f64, by a trainer of the same weights.
#[test]
fn a_step_learns_from_pairs_and_their_labels() {
    let (setting, cx) = (Setting::new(), Context::new(1).unwrap());
    for smoothing in [0.0, 0.2] {
        let loss = Loss::CrossEntropy { smoothing, class_weights: None };
        // Adam would make whole steps of gradients that are but rounding.
        let optimizer = Optimizer::sgd();
        let settings =
            Training { mixup: 1.0, epochs: 2, optimizer, lr: 0.1, ..training(loss.clone()) };
        let Training { batch, seed, clip_norm, lr, ref schedule, .. } = settings;
        let mut run = setting.run(&settings);
        let params = Params::new(&setting.network, 2);
        let mut by_hand = Trainer::new(
            &setting.network,
            params,
            TrainerSettings { optimizer, seed, clip_norm, ..TrainerSettings::new(loss, batch) },
        )
        .unwrap();
        let mut loader = Loader::new(&setting.digits, Rows::Listed(&setting.train), batch, seed);
        let steps = loader.steps() as u64;
        for epoch in 0..2u64 {
            run.epoch(&cx, &()).unwrap();
            let mut batches = loader.epoch(epoch);
            let mut sum = 0.0;
            while batches.advance().unwrap() {
                let rows = batches.rows().to_vec();
                let (mut x, mut labels) = (vec![0.0; rows.len() * 64], vec![0; rows.len()]);
                batches.gather(&mut x).unwrap();
                setting.digits.gather_labels(&rows, &mut labels).unwrap();
                let (mut mixed, mut targets) = (x.clone(), vec![0.0f32; rows.len() * 10]);
                for i in 0..rows.len() {
                    let (j, part) = ((i + 1) % rows.len(), part_of(seed, epoch, rows[i]) as f32);
                    for k in 0..64 {
                        mixed[i * 64 + k] = part * x[i * 64 + k] + (1.0 - part) * x[j * 64 + k];
                    }
                    for class in 0..10 {
                        let one_hot = |label: u32| f32::from(u8::from(label == class));
                        let label = part * one_hot(labels[i]) + (1.0 - part) * one_hot(labels[j]);
                        targets[i * 10 + class as usize] =
                            (1.0 - smoothing) * label + smoothing / 10.0;
                    }
                }
                let step = by_hand.optimizer.step_count();
                let lr = lr * schedule.factor(step, 2 * steps);
                let loss = by_hand.step(&cx, &mixed, Target::Probabilities(&targets), lr).unwrap();
                sum += loss * rows.len() as f64;
            }
            let (got, want) =
                (run.history()[epoch as usize].train_loss, sum / setting.train.len() as f64);
            assert!(
                (got - want).abs() < 1e-5 * want,
                "epoch {epoch}, smoothing {smoothing}: {got}, not {want}"
            );
        }
        for (i, (got, want)) in
            run.trainer.params.values().iter().zip(by_hand.params.values()).enumerate()
        {
            assert!(
                (got - want).abs() < 1e-5,
                "smoothing {smoothing}, value {i}: {got}, not {want}"
            );
        }
    }
}

/// Parts that are all but 0 or 1: each step sees whole samples, with their labels. So the training
/// loss falls as it does without.
#[test]
fn a_tiny_alpha_mixes_nothing_and_a_large_one_does() {
    let (setting, cx) = (Setting::new(), Context::new(1).unwrap());
    let loss_after = |mixup| {
        let settings = Training { mixup, epochs: 40, ..training(Loss::cross_entropy()) };
        let mut run = setting.run(&settings);
        run.train(&cx, &(), |_, _| {}).unwrap();
        run.history().last().unwrap().train_loss
    };
    let [none, tiny, large] = [0.0, 1e-4, 10.0].map(loss_after);
    assert!(tiny < 2.0 * none, "{tiny} and {none}");
    // Half of each of two labels: at least their entropy, where the two differ.
    assert!(large > 0.5 * 2f64.ln(), "{large}");
}

#[test]
fn any_number_of_threads_and_a_copy_give_the_same_bits() {
    let setting = Setting::new();
    let settings = Training { mixup: 0.4, ..training(Loss::cross_entropy()) };
    let runs = [1, 2, 3].map(|threads| {
        let cx = Context::new(threads).unwrap();
        let mut first = setting.run(&settings);
        (0..threads).for_each(|_| first.epoch(&cx, &()).unwrap());
        let mut second = first.clone();
        drop(first);
        second.train(&cx, &(), |_, _| {}).unwrap();
        second.trainer.params
    });
    assert_eq!(runs[0].values(), runs[1].values());
    assert_eq!(runs[0].values(), runs[2].values());
}

/// Codes of samples are no codes of their mixtures.
#[test]
fn a_frozen_encoder_sees_the_mixtures() {
    let (setting, cx) = (Setting::new(), Context::new(1).unwrap());
    let pretrained = Params::new(&architecture().autoencoder().unwrap(), 7);
    let losses = [0.0, 10.0].map(|mixup| {
        let settings = Training { mixup, epochs: 30, lr: 0.03, ..training(Loss::cross_entropy()) };
        let mut params = Params::new(&setting.network, 2);
        Transfer::Freeze.prepare(&mut params, &pretrained).unwrap();
        let mut run =
            Run::new("test", &setting.network, params, setting.task(), &settings).unwrap();
        run.train(&cx, &(), |_, _| {}).unwrap();
        run.history().last().unwrap().train_loss
    });
    assert!(losses[1] > losses[0] + 0.1, "{losses:?}");
}

#[test]
fn what_cannot_be_mixed_is_refused_by_name() {
    let setting = Setting::new();
    let good = training(Loss::cross_entropy());
    let weighted = Loss::CrossEntropy { smoothing: 0.0, class_weights: Some(vec![1.0; 10]) };
    for (bad, expected) in [
        (
            Training { mixup: -1.0, ..good.clone() },
            "mixup's alpha must be finite and not negative, not -1",
        ),
        (Training { mixup: f32::NAN, ..good.clone() }, "not NaN"),
        (Training { mixup: 1.0, loss: weighted, ..good.clone() }, "without class weights"),
        (Training { mixup: 1.0, loss: Loss::L2, ..good.clone() }, "needs cross-entropy"),
    ] {
        let message = bad.check().unwrap_err().to_string();
        assert!(message.contains(expected) && !message.contains('\n'), "{message}");
    }
    let network = architecture().autoencoder().unwrap();
    let task = Task { goal: Goal::Reconstruct, ..setting.task() };
    let mixing = Training { mixup: 1.0, ..good };
    let message = Run::new("test", &network, Params::new(&network, 1), task, &mixing)
        .unwrap_err()
        .to_string();
    assert!(message.contains("mixup is for classifiers"), "{message}");
}
