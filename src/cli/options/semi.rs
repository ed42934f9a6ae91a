//! Options of a classifier that learns from few labels and all other samples at once.

mod defaults;

use super::augmentation::Items;
use super::training::{OptimizerName, ScheduleName};
use super::values::{
    Auto, List, auto, count, filled, fraction, list, name, not_negative, positive, zero_to_one,
};
use crate::error::{Error, ensure};
use clap::{Args, ValueEnum};
use narrows_datasets::Dataset;
use narrows_models::Metric;
use narrows_models::semi::{
    LadderCosts, LadderNetwork, MeanTeacher, PseudoLabels, Semi, SemiTraining, Vat,
};
use serde::Serialize;

/// A method by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SemiName {
    PseudoLabels,
    MeanTeacher,
    Vat,
    Ladder,
}

impl SemiName {
    /// True if the option of that id is one of this method; some are not for all.
    pub fn takes(self, id: &str) -> bool {
        match id {
            "threshold" => self == SemiName::PseudoLabels,
            "strong_augment" => self != SemiName::Ladder,
            "epsilon" | "entropy" | "align" => self == SemiName::Vat,
            "noise" | "costs" => self == SemiName::Ladder,
            "ema" | "ramp_up" => self != SemiName::Ladder,
            _ => true,
        }
    }
}

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Semi-supervised training")]
pub struct SemiOptions {
    /// Use of samples without a label: vat (the output must not change when the input moves in the
    /// direction that changes it most), pseudo-labels (the strongly augmented sample gets the class
    /// predicted for the plain one, where that is sure), mean-teacher (the output must match that
    /// of the average of past weights), ladder (a decoder removes noise from each layer; dense
    /// models only)
    #[arg(long, value_name = "NAME", default_value = "vat")]
    pub method: SemiName,
    /// Epochs: passes over all samples; auto: 600,000 / samples, for the ladder 2,400,000 /
    /// samples, within 5 to 200
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(1, 1_000_000)))]
    pub epochs: Auto,
    /// Samples without a label per step; auto: 100 for the ladder, 256 for pseudo-labels, otherwise
    /// 128
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(2, 1_000_000)))]
    pub batch: Auto,
    /// Labelled samples per step, or all of them if they are fewer; auto: 100 for the ladder,
    /// otherwise 64
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(2, 1_000_000)))]
    pub labelled_batch: Auto,
    /// Balance of classes among the labelled samples drawn: 0 keeps their shares, 1 makes all
    /// classes equal, 0.5 is the square root between the two
    #[arg(long, value_name = "X", default_value_t = 0.5, value_parser = zero_to_one::<f32>)]
    pub class_balance: f32,
    /// Learning rate; auto: 0.002
    #[arg(long, value_name = "RATE", default_value = "auto", value_parser = auto(positive))]
    pub lr: Auto<f32>,
    /// Course of the learning rate: constant, step (a tenth after each third of the steps), cosine,
    /// warm-up (over the first twentieth, then cosine), one-cycle (up for three tenths, then down)
    #[arg(long, value_name = "NAME", default_value = "cosine", hide_possible_values = true)]
    pub schedule: ScheduleName,
    /// Optimiser: sgd (with momentum 0.9), nesterov, adam, adamw
    #[arg(long, value_name = "NAME", default_value = "adam", hide_possible_values = true)]
    pub optimizer: OptimizerName,
    /// Weight decay
    #[arg(long, value_name = "X", default_value_t = 0.0, value_parser = not_negative::<f64>)]
    pub weight_decay: f64,
    /// Weight of the loss of samples without a label, beside that of the labels
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = not_negative::<f32>)]
    pub weight: f32,
    /// Fraction of the training over which that weight grows to its full size; not for the ladder;
    /// auto: 0.2 for mean-teacher, otherwise 0
    #[arg(long, value_name = "P", default_value = "auto", value_parser = auto(zero_to_one::<f32>))]
    pub ramp_up: Auto<f32>,
    /// Decay of the moving average of the weights, which is validated and kept; 0: the weights
    /// themselves; not for the ladder
    #[arg(long, value_name = "DECAY", default_value_t = 0.999, value_parser = fraction)]
    pub ema: f32,
    /// Pseudo-labels: least probability of a class that becomes a label
    #[arg(long, value_name = "P", default_value_t = 0.95, value_parser = zero_to_one::<f32>)]
    pub threshold: f32,
    /// VAT: distance that the input moves, in the Euclidean norm; auto: 1.5 for 784 values, in
    /// proportion to the root of their number
    #[arg(long, value_name = "X", default_value = "auto", value_parser = auto(positive))]
    pub epsilon: Auto<f32>,
    /// VAT: weight of the outputs' entropy, which is minimised; 0: none
    #[arg(long, value_name = "X", default_value_t = 0.5, value_parser = not_negative::<f32>)]
    pub entropy: f32,
    /// VAT: strength of the pull of the class shares among samples without a label to those of the
    /// labels, as --class-balance makes them; 0: none
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = not_negative::<f32>)]
    pub align: f32,
    /// Ladder: standard deviation of the noise at the input and at each layer
    #[arg(long, value_name = "X", default_value_t = 0.3, value_parser = not_negative::<f32>)]
    pub noise: f32,
    /// Ladder: weights of the denoising costs from the input on, the last one for all layers above.
    /// 1000,10,0.1 is the paper's for MNIST, 1000,0 the input alone, 0,0,0,0,0,0,1 (for six layers)
    /// its Gamma model
    #[arg(long, value_name = "LIST", default_value = "1000,10,0.1",
          value_parser = filled(list(not_negative::<f32>)))]
    pub costs: List<f32>,
    /// Augmentation of each sample, anew in each epoch, as --augment of pretrain; auto:
    /// shift=2,rotate=10,scale=0.1,shear=5 for images of 28 pixels, in proportion for others;
    /// nothing for tables
    #[arg(long, value_name = "LIST", default_value = "auto",
          value_parser = auto(super::augmentation::augmentation))]
    pub augment: Auto<Items>,
    /// Augmentation of the samples that should match the targets, for vat before they are moved;
    /// auto: nothing for vat; for other methods and images
    /// shift=3,rotate=20,scale=0.2,shear=15,contrast=0.3,cutout=10 for 28 pixels, in proportion for
    /// others; for tables mask=0.2,gaussian=0.2
    #[arg(long, value_name = "LIST", default_value = "auto",
          value_parser = auto(super::augmentation::augmentation))]
    pub strong_augment: Auto<Items>,
    /// Measure by which validation labels choose: accuracy, or balanced (mean of the classes'
    /// accuracies)
    #[arg(long, value_name = "NAME", default_value = "accuracy", value_parser = name(Metric::ALL))]
    pub metric: Metric,
}

impl SemiOptions {
    /// The training on `data`; what it settles takes the place of `auto`.
    pub fn resolve(&mut self, data: &Dataset, seed: u64) -> SemiTraining {
        let method = self.method;
        let epochs = self.epochs.settle(method.epochs(data.learnt()));
        let batch = self.batch.settle(method.batch());
        let epsilon = self.epsilon.settle(defaults::epsilon(data.sample_len()));
        let image = data.image_shape();
        SemiTraining {
            method: match method {
                SemiName::PseudoLabels => {
                    Semi::PseudoLabels(PseudoLabels { threshold: self.threshold })
                }
                SemiName::MeanTeacher => Semi::MeanTeacher(MeanTeacher),
                SemiName::Vat => {
                    let (xi, entropy, align) = (defaults::xi(epsilon), self.entropy, self.align);
                    Semi::Vat(Vat { epsilon, xi, entropy, align })
                }
                SemiName::Ladder => Semi::Ladder(LadderNetwork {
                    noise: self.noise,
                    costs: LadderCosts(self.costs.0.clone()),
                }),
            },
            epochs,
            batch,
            labelled_batch: self.labelled_batch.settle(method.labelled_batch()),
            class_balance: self.class_balance,
            lr: self.lr.settle(2e-3),
            schedule: self.schedule.schedule((epochs * data.learnt().div_ceil(batch)) as u64),
            optimizer: self.optimizer.optimizer(self.weight_decay),
            weight: self.weight,
            ramp_up: self.ramp_up.settle(method.ramp_up()),
            ema: self.ema,
            metric: self.metric,
            seed,
            augmentation: self.augment.settle(Items(defaults::weak(image))).0,
            strong: self.strong_augment.settle(Items(method.strong(image))).0,
        }
    }

    /// Refuses what the method or `data` cannot take, by the name of the option.
    pub fn check(&self, data: &Dataset) -> Result<(), Error> {
        ensure!(
            self.method != SemiName::MeanTeacher || self.ema != 0.0,
            "--ema 0 leaves mean-teacher without a teacher, which is the moving average of the \
                 weights: set it above 0"
        );
        for (option, augment) in
            [("--augment", self.augment), ("--strong-augment", self.strong_augment)]
        {
            if let Auto::Given(augment) = augment {
                super::augmentation::check(option, augment, data)?;
            }
        }
        Ok(())
    }
}
