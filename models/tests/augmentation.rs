//! Augmentation in training, against a loop that augments each sample by itself; and that nothing
//! else is augmented.

use crate::support;
use narrows_datasets::{
    Augmentation, Augmenter, Dataset, Loader, Rows, SampleKey, TrainTest, draw_labels,
};
use narrows_engine::{Context, Loss, Network, Params, Target};
use narrows_models::curve::Point;
use narrows_models::{
    Comparison, Curve, Error, Evaluation, Goal, Method, Pretraining, Run, Task, Training, Transfer,
};
use support::{all, architecture, bits, trainer, training};

const OFF: Augmentation = Augmentation {
    rotate: 0.0,
    scale: 0.0,
    shear: 0.0,
    crop: 0,
    shift: 0,
    flip: 0.0,
    brightness: 0.0,
    contrast: 0.0,
    gaussian: 0.0,
    mask: 0.0,
    patch: 0,
    salt: 0.0,
    cutout: 0,
};

const TRANSFORM: Augmentation = Augmentation {
    rotate: 15.0,
    crop: 1,
    shift: 1,
    flip: 0.5,
    brightness: 0.2,
    contrast: 0.2,
    ..OFF
};
const CORRUPT: Augmentation = Augmentation { gaussian: 0.1, mask: 0.2, cutout: 3, ..OFF };
const BOTH: Augmentation = Augmentation { gaussian: 0.1, mask: 0.2, cutout: 3, ..TRANSFORM };

/// Each epoch's validation loss, and the parameters after the last, from a plain loop.
fn by_hand(
    network: &Network,
    params: Params,
    task: &Task<'_>,
    settings: &Training,
) -> (Vec<f64>, Vec<u32>) {
    let cx = Context::new(1).unwrap();
    let Training { loss, seed, batch, epochs, augmentation, .. } = settings.clone();
    let mut trainer = trainer(network, params, settings);
    let augmenter = Augmenter::new(augmentation, task.data.image_shape()).unwrap();
    let mut scratch = vec![0.0; augmenter.scratch_len()];
    let mut losses = Vec::new();
    let mut loader = Loader::new(task.data, task.train, batch, seed);
    let total = (loader.steps() * epochs) as u64;
    for epoch in 0..epochs as u64 {
        let mut batches = loader.epoch(epoch);
        while batches.advance().unwrap() {
            let rows = batches.rows();
            let (mut noisy, mut clean) = (Vec::new(), Vec::new());
            for &row in rows {
                let mut x = vec![0.0; task.data.sample_len()];
                task.data.gather(&[row], &mut x).unwrap();
                let key = SampleKey { seed, epoch, row };
                augmenter.transform(key, &mut x, &mut scratch);
                clean.extend_from_slice(&x);
                augmenter.corrupt(key, &mut x);
                noisy.extend(x);
            }
            let mut labels = vec![0; rows.len()];
            task.data.gather_labels(rows, &mut labels).unwrap();
            let target = match task.goal {
                Goal::Reconstruct => Target::Values(&clean),
                Goal::Classify => Target::Classes(&labels),
            };
            let lr = settings.lr * settings.schedule.factor(trainer.optimizer.step_count(), total);
            trainer.step(&cx, &noisy, target, lr).unwrap();
        }
        let found = Evaluation::of(
            &cx,
            network,
            &trainer.params,
            &loss,
            task.data,
            task.validation,
            task.goal,
        );
        losses.push(found.unwrap().loss);
    }
    (losses, bits(&trainer.params))
}

/// Epoch by epoch: the end of `train` would bring the best weights back.
fn by_run(
    threads: usize,
    network: &Network,
    params: Params,
    task: Task<'_>,
    settings: &Training,
) -> (Vec<f64>, Vec<u32>) {
    let cx = Context::new(threads).unwrap();
    let mut run = Run::new("augmented", network, params, task, settings).unwrap();
    (0..settings.epochs).for_each(|_| run.epoch(&cx, &()).unwrap());
    let losses = run.history().iter().map(|epoch| epoch.validation_loss.unwrap());
    (losses.collect(), bits(&run.trainer.params))
}

#[test]
fn training_augments_what_it_trains_on_and_nothing_else_on_any_number_of_threads() {
    let digits = Dataset::digits();
    let draw = draw_labels(digits.labels().unwrap().unwrap(), 10, 100, 100, 1, 0).unwrap();
    let (train, validation) = (&draw.train[..], &draw.validation[..]);
    for (goal, loss) in [
        (Goal::Classify, Loss::cross_entropy()),
        (Goal::Reconstruct, Loss::L2),
        // Which wants targets between 0 and 1.
        (Goal::Reconstruct, Loss::BceWithLogits),
    ] {
        let network = match goal {
            Goal::Classify => architecture().classifier(10).unwrap(),
            Goal::Reconstruct => architecture().autoencoder().unwrap(),
        };
        let task = Task { data: &digits, train: train.into(), validation: validation.into(), goal };
        let mut seen = Vec::new();
        for augmentation in [OFF, TRANSFORM, CORRUPT, BOTH] {
            // 100 samples in batches of 33 and 34: not by eights, as the threads take them.
            let settings =
                Training { epochs: 3, batch: 34, augmentation, ..training(loss.clone()) };
            let params = Params::new(&network, 2);
            let expected = by_hand(&network, params.clone(), &task, &settings);
            for threads in [1, 2, 3] {
                let got = by_run(threads, &network, params.clone(), task, &settings);
                assert!(got == expected, "{goal:?}, {loss:?}, {augmentation:?}, {threads} threads");
            }
            assert!(!seen.contains(&expected), "{augmentation:?} makes a difference");
            seen.push(expected);
        }
    }
}

/// The codes of a frozen encoder would be those of the samples as they are, or as they were in the
/// first epoch.
#[test]
fn a_frozen_encoder_runs_on_what_was_augmented() {
    let digits = Dataset::digits();
    let draw = draw_labels(digits.labels().unwrap().unwrap(), 10, 100, 100, 1, 0).unwrap();
    let network = architecture().classifier(10).unwrap();
    let mut params = Params::new(&network, 3);
    Transfer::Freeze
        .prepare(&mut params, &Params::new(&architecture().autoencoder().unwrap(), 77))
        .unwrap();
    let task = Task {
        data: &digits,
        train: Rows::Listed(&draw.train),
        validation: Rows::Listed(&draw.validation),
        goal: Goal::Classify,
    };
    let mut seen = Vec::new();
    for augmentation in [OFF, TRANSFORM, CORRUPT] {
        let settings = Training { epochs: 3, augmentation, ..training(Loss::cross_entropy()) };
        let expected = by_hand(&network, params.clone(), &task, &settings);
        assert!(
            by_run(1, &network, params.clone(), task, &settings) == expected,
            "{augmentation:?}"
        );
        assert!(!seen.contains(&expected));
        seen.push(expected);
    }
}

/// Samples without height and width, which noise makes sense for.
#[test]
fn flat_samples_take_noise() {
    let values = (0..60 * 9).map(|i| (i * 37 % 100) as u8).collect();
    let labels = (0..60).map(|i| (i % 3) as u16).collect();
    let flat = Dataset::from_values("flat", values, &[9], 99, Some(labels)).unwrap();
    let network =
        narrows_models::Architecture { input: 9.into(), ..architecture() }.autoencoder().unwrap();
    let rows = all(&flat);
    let task = Task {
        data: &flat,
        train: Rows::Listed(&rows[..40]),
        validation: Rows::Listed(&rows[40..]),
        goal: Goal::Reconstruct,
    };
    let augmentation = Augmentation { gaussian: 0.2, mask: 0.1, contrast: 0.3, ..OFF };
    let settings = Training { augmentation, ..training(Loss::L2) };
    let params = Params::new(&network, 3);
    let expected = by_hand(&network, params.clone(), &task, &settings);
    assert!(by_run(2, &network, params, task, &settings) == expected);
}

fn refused<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => panic!("it has to be refused"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn what_does_not_suit_the_samples_is_refused_before_anything_is_trained() {
    let half = |n: usize| {
        let labels = (0..n).map(|i| (i % 10) as u16).collect();
        Dataset::from_values("flat", vec![5; n * 64], &[64], 16, Some(labels)).unwrap()
    };
    let data = TrainTest { train: half(100), test: half(20) };
    let (good, rows) = (training(Loss::L2), all(&data.train));
    let network = architecture().autoencoder().unwrap();
    for (augmentation, expected) in [
        (Augmentation { shift: 1, ..OFF }, "shift: it is for images"),
        (Augmentation { mask: 1.0, ..OFF }, "mask: it must be a number from 0 up and below 1"),
    ] {
        let bad = Training { augmentation, ..good.clone() };
        let task = Task {
            data: &data.train,
            train: Rows::Listed(&rows),
            validation: Rows::Listed(&[]),
            goal: Goal::Reconstruct,
        };
        let message = refused(Run::new("run", &network, Params::new(&network, 1), task, &bad));
        assert!(message.contains(expected), "{message}");
        let architecture = architecture();
        let pretraining = Pretraining {
            data: &data,
            architecture: &architecture,
            training: &bad,
            held_out: 0,
            seed: 1,
        };
        let message = refused(pretraining.check());
        assert!(message.contains(expected), "{message}");
        let finetuning = Training { loss: Loss::cross_entropy(), ..bad.clone() };
        let curve = Curve {
            data: &data,
            architecture: architecture.clone(),
            learning_rates: vec![1e-3],
            methods: vec![Method::Transfer(Transfer::Scratch)],
            points: vec![Point { labels: 20, validation: 20, finetuning }],
            draws: 1,
            ensemble: 1,
            seed: 1,
        };
        let comparison = Comparison {
            pretraining: Pretraining { training: &good, ..pretraining },
            curve,
            selection: None,
        };
        let message = refused(comparison.check());
        assert!(message.contains(expected), "{message}");
    }
}
