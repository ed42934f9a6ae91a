//! W6: virtual adversarial training with the entropy's cost and a moving average of the weights, as
//! by default, but without augmentation and the pull of the classes' shares.

use super::{CLASSES, NAME, VERSION};
use narrows_datasets::{Augmentation, Dataset, Rows};
use narrows_engine::{Context, Optimizer, Params, Schedule};
use narrows_models::semi::{Semi, SemiRun, SemiTask, SemiTraining, Vat};
use narrows_models::{Activation, Architecture, Metric, Model};
use protocol::{Job, LR, W6_BATCH, W6_LABELLED, W6_SAMPLES};

pub fn train(job: &Job, cx: &Context, images: &Dataset) {
    let data = labelled(images);
    let (model, widths, latent) = match job.workload.as_str() {
        "W6" => (Model::Dense, vec![1200], 1200),
        _ => (Model::Conv, vec![16, 32], 128),
    };
    let code_activation = Activation::Relu;
    let architecture =
        Architecture { widths, latent, code_activation, ..Architecture::new(model, &data) };
    let network = architecture.classifier(CLASSES).expect("a network");
    let rows: Vec<u32> = (0..W6_SAMPLES as u32).collect();
    let task = SemiTask {
        data: &data,
        labelled: Rows::Listed(&rows[..W6_LABELLED]),
        unlabelled: Rows::Listed(&rows),
        validation: Rows::Listed(&[]),
    };
    let training = SemiTraining {
        method: Semi::Vat(Vat { epsilon: 1.5, xi: 0.15, entropy: 0.5, align: 0.0 }),
        epochs: 1_000_000,
        batch: W6_BATCH,
        labelled_batch: W6_LABELLED,
        class_balance: 0.0,
        lr: LR as f32,
        schedule: Schedule::Constant,
        optimizer: Optimizer::adam(),
        weight: 1.0,
        ramp_up: 0.0,
        ema: 0.999,
        metric: Metric::Accuracy,
        seed: 1,
        augmentation: Augmentation::default(),
        strong: Augmentation::default(),
    };
    let params = Params::new(&network, 1);
    let mut run = SemiRun::new("vat", &network, params, task, &training).expect("a run");
    job.training(NAME, VERSION, || run.epoch(cx, &()).expect("an epoch"));
}

/// The first images, with labels that mean nothing.
fn labelled(images: &Dataset) -> Dataset {
    let rows: Vec<u32> = (0..W6_SAMPLES as u32).collect();
    let mut pixels = vec![0.0; W6_SAMPLES * images.sample_len()];
    images.gather(&rows, &mut pixels).expect("the images");
    let bytes = pixels.iter().map(|pixel| (255.0 * pixel).round() as u8).collect();
    let labels = rows.iter().map(|row| (row % CLASSES as u32) as u16).collect();
    Dataset::from_values("images", bytes, &[28, 28], 255, Some(labels)).expect("a data set")
}
