//! What the tests of models share.

#![allow(dead_code)] // each test file uses a part

use narrows_datasets::{Augmentation, Dataset, TrainTest, draw_labels, open};
use narrows_engine::{Loss, Network, Optimizer, Params, Schedule, Trainer, TrainerSettings};
use narrows_models::semi::{Semi, SemiTraining, Vat};
use narrows_models::{Architecture, Error, Goal, Metric, Model, Run, Task, Training};
use std::path::PathBuf;

/// All rows of a data set.
pub fn all(data: &Dataset) -> Vec<u32> {
    (0..data.len() as u32).collect()
}

/// MNIST, from `NARROWS_DATA` or `../shared/datasets` beside the project; `None`, loudly, where it
/// is not.
pub fn mnist() -> Option<TrainTest> {
    let folder = std::env::var_os("NARROWS_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/datasets"),
        PathBuf::from,
    );
    let folder = folder.join("mnist");
    if !folder.exists() {
        eprintln!(
            "SKIPPED: no MNIST in {}: set NARROWS_DATA to the folder that holds it",
            folder.display()
        );
        return None;
    }
    Some(open(&folder).expect("MNIST opens"))
}

/// A small network for the built-in digits, with everything that a large one has.
pub fn architecture() -> Architecture {
    Architecture {
        widths: vec![24, 16],
        latent: 6,
        dropout: 0.1,
        ..Architecture::new(Model::Dense, [8, 8, 1])
    }
}

/// The models that are for images.
pub const IMAGE_MODELS: [Model; 2] = [Model::Conv, Model::Resnet];

/// A small model of images for the built-in digits.
pub fn image_architecture(model: Model) -> Architecture {
    Architecture {
        widths: vec![4, 6],
        latent: 6,
        dropout: 0.1,
        ..Architecture::new(model, [8, 8, 1])
    }
}

/// A short training.
pub fn training(loss: Loss) -> Training {
    Training {
        epochs: 6,
        batch: 20,
        lr: 3e-3,
        schedule: Schedule::one_cycle(),
        optimizer: Optimizer::adamw(),
        loss,
        clip_norm: Some(1.0),
        seed: 5,
        ..Training::default()
    }
}

/// Virtual adversarial training for inputs of some dozen values.
pub fn vat() -> Semi {
    Semi::Vat(Vat { epsilon: 0.8, xi: 0.1, entropy: 0.0, align: 1.0 })
}

/// A short semi-supervised training.
pub fn semi_training(method: Semi) -> SemiTraining {
    SemiTraining {
        method,
        epochs: 3,
        batch: 50,
        labelled_batch: 10,
        class_balance: 0.5,
        lr: 3e-3,
        schedule: Schedule::Cosine { min: 0.0 },
        optimizer: Optimizer::adam(),
        weight: 1.0,
        ramp_up: 0.0,
        ema: 0.9,
        metric: Metric::Accuracy,
        seed: 0,
        augmentation: Augmentation::default(),
        strong: Augmentation::default(),
    }
}

/// All values, as bits.
pub fn bits(params: &Params) -> Vec<u32> {
    params.values().iter().map(|x| x.to_bits()).collect()
}

/// An autoencoder's parameters in which nothing has its initial value, running statistics included.
pub fn pretrained(architecture: &Architecture) -> Params {
    let mut params = Params::new(&architecture.autoencoder().unwrap(), 77);
    params
        .values_mut()
        .iter_mut()
        .enumerate()
        .for_each(|(i, x)| *x += 0.01 + (i % 7) as f32 * 0.001);
    params
}

/// A trainer with the settings of `training`.
pub fn trainer(network: &Network, params: Params, training: &Training) -> Trainer {
    let settings = TrainerSettings {
        optimizer: training.optimizer,
        seed: training.seed,
        clip_norm: training.clip_norm,
        ..TrainerSettings::new(training.loss.clone(), training.batch)
    };
    Trainer::new(network, params, settings).unwrap()
}

/// The digits with 100 labels and 50 to validate, and a classifier of them.
pub struct Setting {
    pub digits: Dataset,
    pub train: Vec<u32>,
    pub validation: Vec<u32>,
    pub network: Network,
}

impl Setting {
    pub fn new() -> Setting {
        let digits = Dataset::digits();
        let draw = draw_labels(digits.labels().unwrap().unwrap(), 10, 100, 50, 1, 0).unwrap();
        let network = architecture().classifier(10).unwrap();
        Setting { digits, train: draw.train, validation: draw.validation, network }
    }

    pub fn task(&self) -> Task<'_> {
        let Setting { digits, train, validation, .. } = self;
        Task {
            data: digits,
            train: train.into(),
            validation: validation.into(),
            goal: Goal::Classify,
        }
    }

    pub fn run(&self, training: &Training) -> Result<Run<'_>, Error> {
        self.run_from(Params::new(&self.network, 2), training)
    }

    pub fn run_from(&self, params: Params, training: &Training) -> Result<Run<'_>, Error> {
        Run::new("test", &self.network, params, self.task(), training)
    }
}
