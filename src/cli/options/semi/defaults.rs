//! The defaults of semi-supervised training, which depend on the method.

use super::SemiName;
use narrows_datasets::Augmentation;
use narrows_models::{Activation, Architecture, Model, SampleShape};

impl SemiName {
    /// The samples without a label that a training sees at most, however many there are.
    pub fn seen(self) -> f64 {
        if self == SemiName::Ladder { 2_400_000.0 } else { 600_000.0 }
    }

    pub fn batch(self) -> usize {
        match self {
            SemiName::Ladder => 100,
            SemiName::PseudoLabels => 256,
            SemiName::Vat | SemiName::MeanTeacher => 128,
        }
    }

    pub fn labelled_batch(self) -> usize {
        if self == SemiName::Ladder { 100 } else { 64 }
    }

    pub fn ramp_up(self) -> f32 {
        if self == SemiName::MeanTeacher { 0.2 } else { 0.0 }
    }

    /// The decay of the moving average of the weights.
    pub fn ema(self) -> f32 {
        if self == SemiName::Ladder { 0.0 } else { 0.999 }
    }

    /// The augmentation of the samples that should meet the targets.
    pub fn strong(self, image: Option<(usize, usize, usize)>) -> Augmentation {
        match (self, image) {
            (SemiName::Vat | SemiName::Ladder, _) => Augmentation::default(),
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

    /// Widths, latent code and its activation of a network that starts from scratch: the plain ones
    /// of the papers.
    pub fn architecture(self, model: Model, input: SampleShape) -> (Vec<usize>, usize, Activation) {
        match (model, self) {
            (Model::Dense, SemiName::Ladder) => (vec![1000, 500, 250, 250], 250, Activation::Relu),
            (Model::Dense, _) => (vec![1200], 1200, Activation::Relu),
            _ => (Architecture::new(model, input).widths, 128, Activation::Relu),
        }
    }
}

/// The augmentation of every sample.
pub fn weak(image: Option<(usize, usize, usize)>) -> Augmentation {
    image.map_or(Augmentation::default(), |(height, width, _)| Augmentation {
        shift: height.min(width) * 2 / 28,
        rotate: 10.0,
        scale: 0.1,
        shear: 5.0,
        ..Augmentation::default()
    })
}

/// The distance in the Euclidean norm that vat moves an input by.
pub fn epsilon(values: usize) -> f32 {
    1.5 * (values as f32 / 784.0).sqrt()
}

/// The distance that it moves an input by to find the direction.
pub fn xi(epsilon: f32) -> f32 {
    0.1 * epsilon
}
