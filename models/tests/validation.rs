//! Samples that the data set off for validation: nothing learns from them.

use crate::support;
use narrows_datasets::{Dataset, TrainTest, builtin};
use narrows_engine::{Context, Loss, Optimizer, Schedule};
use narrows_models::methods::{Given, SemiMethod};
use narrows_models::semi::{MeanTeacher, Semi, SemiTraining};
use narrows_models::{Method, Metric, Pretraining, Training, Transfer};
use support::{architecture, bits, training};

const LEARNT: usize = 300;
const HELD: usize = 40;

/// Digits, behind which others are for validation: those from `from` on.
fn data(from: usize) -> TrainTest {
    let TrainTest { train, test } = builtin(500, 0);
    let rows: Vec<u32> = (0..LEARNT).chain(from..from + HELD).map(|row| row as u32).collect();
    TrainTest { train: train.subset(&rows).unwrap().with_validation(HELD), test }
}

fn one_epoch(loss: Loss) -> Training {
    Training { epochs: 1, patience: 0, reestimate_bn: true, ..training(loss) }
}

#[test]
fn pretraining_learns_from_the_other_samples_alone() {
    let cx = Context::new(1).unwrap();
    let run = |from| {
        let (data, architecture, training) = (data(from), architecture(), one_epoch(Loss::L2));
        let pretraining =
            Pretraining { held_out: 17, ..Pretraining::new(&data, &architecture, &training) };
        pretraining.check().unwrap().run(&cx, &()).unwrap()
    };
    let (one, other) = (run(400), run(600));
    assert_eq!(one.unlabelled, LEARNT);
    assert_eq!(bits(&one.params), bits(&other.params));
    assert_eq!(one.pca.train_mse, other.pca.train_mse);
    let loss = |run: &narrows_models::pretraining::Pretrained| run.history[0].validation_loss;
    assert_ne!(loss(&one), loss(&other), "they validate");
}

#[test]
fn classifiers_learn_from_the_other_samples_alone() {
    let cx = Context::new(1).unwrap();
    let semi = SemiTraining {
        method: Semi::MeanTeacher(MeanTeacher),
        epochs: 1,
        batch: 50,
        labelled_batch: 20,
        class_balance: 0.0,
        lr: 1e-2,
        schedule: Schedule::Constant,
        optimizer: Optimizer::adam(),
        weight: 1.0,
        ramp_up: 0.0,
        ema: 0.5,
        metric: Metric::Accuracy,
        seed: 0,
        augmentation: Default::default(),
        strong: Default::default(),
    };
    let semi = SemiMethod {
        name: "semi".to_string(),
        architecture: architecture(),
        from_encoder: false,
        training: semi,
        samples: None,
    };
    for method in [Method::Transfer(Transfer::Scratch), Method::Semi(Box::new(semi))] {
        let run = |train: &Dataset| {
            let draw = train.draw_labels(60, 10, 1, 0).unwrap();
            assert_eq!(draw.validation, train.validation().collect::<Vec<_>>());
            assert!(draw.train.iter().all(|&row| row < LEARNT as u32));
            let given = Given {
                data: train,
                architecture: &architecture(),
                pretrained: None,
                finetuning: &one_epoch(Loss::cross_entropy()),
                learning_rates: &[1e-2],
                ensemble: 1,
            };
            method.train_one(&cx, &given, &draw, 7, "run", &()).unwrap()
        };
        let (one, other) = (run(&data(400).train), run(&data(600).train));
        assert_eq!(bits(&one.params), bits(&other.params), "{}", method.name());
        let loss =
            |run: &narrows_models::methods::TrainedClassifier| run.history[0].validation_loss;
        assert_ne!(loss(&one), loss(&other), "they validate");
    }
}
