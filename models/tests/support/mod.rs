//! What the tests of models share.

#![allow(dead_code)] // each test file uses a part

use narrows_datasets::{Dataset, TrainTest, open};
use narrows_engine::{Loss, Optimizer, Schedule};
use narrows_models::{Architecture, Model, Training};
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
