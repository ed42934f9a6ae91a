//! The defaults of semi-supervised training, which depend on the method.

use crate::cli::options::semi::SemiMethod;
use narrows_datasets::Augmentation;
use narrows_models::{Activation, Architecture, Model, SampleShape};

/// What [`epochs`] does, for the help.
pub const EPOCHS_HELP: &str = "How often all samples are seen; auto: 600,000 / samples, of the ladder 2,400,000 / samples, but 5 to 200";

/// About as many samples in all, however many there are: minutes should be enough.
pub fn epochs(method: SemiMethod, samples: usize) -> usize {
    let seen = if method == SemiMethod::Ladder { 2_400_000 } else { 600_000 };
    (seen / samples.max(1)).clamp(5, 200)
}

/// What [`batch`] does, for the help.
pub const BATCH_HELP: &str = "The samples without a label of a step; auto: 100 for the ladder, 256 for pseudo-labels, 128 else";

pub fn batch(method: SemiMethod) -> usize {
    match method {
        SemiMethod::Ladder => 100,
        SemiMethod::PseudoLabels => 256,
        SemiMethod::Vat | SemiMethod::MeanTeacher => 128,
    }
}

/// What [`labelled_batch`] does, for the help.
pub const LABELLED_BATCH_HELP: &str = "The labelled samples of a step, or all of them if they are fewer; auto: 100 for the ladder, 64 else";

pub fn labelled_batch(method: SemiMethod) -> usize {
    if method == SemiMethod::Ladder { 100 } else { 64 }
}

/// What [`lr`] does, for the help.
pub const LR_HELP: &str = "The learning rate; auto: 0.002";

pub fn lr(_: SemiMethod) -> f32 {
    2e-3
}

/// What [`ramp_up`] does, for the help.
pub const RAMP_UP_HELP: &str = "The part of the training over which that weight grows to all of it; the ladder has none; auto: 0.2 for mean-teacher, 0 else";

pub fn ramp_up(method: SemiMethod) -> f32 {
    if method == SemiMethod::MeanTeacher { 0.2 } else { 0.0 }
}

/// What [`epsilon`] does, for the help.
pub const EPSILON_HELP: &str = "Of vat: how far the input is moved, in the Euclidean norm; auto: 1.5 for 784 values, in proportion to the root of their number";

pub fn epsilon(values: usize) -> f32 {
    1.5 * (values as f32 / 784.0).sqrt()
}

/// How far the input is moved to find the direction.
pub fn xi(epsilon: f32) -> f32 {
    0.1 * epsilon
}

/// What [`weak`] does, for the help.
pub const AUGMENT_HELP: &str = "What is done to each sample, in each epoch anew, as --augment of pretrain; auto: of images \
                                shift=2,rotate=10,scale=0.1,shear=5, as of 28 pixels, in proportion, of tables nothing";

pub fn weak(image: Option<(usize, usize, usize)>) -> Augmentation {
    image.map_or(Augmentation::default(), |(height, width, _)| Augmentation {
        shift: height.min(width) * 2 / 28,
        rotate: 10.0,
        scale: 0.1,
        shear: 5.0,
        ..Augmentation::default()
    })
}

/// What [`strong`] does, for the help.
pub const STRONG_HELP: &str = "What is done to the samples that should meet the targets, of vat before they are moved; auto: \
                               of vat nothing, else of images shift=3,rotate=20,scale=0.2,shear=15,contrast=0.3,cutout=10, as of 28 \
                               pixels, in proportion, and of tables mask=0.2,gaussian=0.2";

pub fn strong(method: SemiMethod, image: Option<(usize, usize, usize)>) -> Augmentation {
    match (method, image) {
        (SemiMethod::Vat | SemiMethod::Ladder, _) => Augmentation::default(),
        (_, Some((height, width, _))) => Augmentation {
            shift: height.min(width) * 3 / 28,
            rotate: 20.0,
            scale: 0.2,
            shear: 15.0,
            contrast: 0.3,
            cutout: height.min(width) * 10 / 28,
            ..Augmentation::default()
        },
        (_, None) => Augmentation { mask: 0.2, gaussian: 0.2, ..Augmentation::default() },
    }
}

/// The network of a method that starts from scratch, unless widths are asked for: the plain ones of
/// the papers.
pub fn architecture(
    method: SemiMethod,
    model: Model,
    input: SampleShape,
) -> (Vec<usize>, usize, Activation) {
    match (model, method) {
        (Model::Dense, SemiMethod::Ladder) => (vec![1000, 500, 250, 250], 250, Activation::Relu),
        (Model::Dense, _) => (vec![1200], 1200, Activation::Relu),
        _ => (Architecture::new(model, input).widths, 128, Activation::Relu),
    }
}
