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
    /// What samples without a label are used for: pseudo-labels (the class of a sample as it is,
    /// where that is sure, for the same sample strongly augmented), mean-teacher (the probabilities
    /// by past weights' average), vat (the output is to stay as the input moves the worst way),
    /// ladder (each layer is restored from noise; dense models alone)
    #[arg(long, value_name = "NAME", default_value = "vat")]
    pub method: SemiName,
    /// How often all samples are seen; auto: 600,000 / samples, of the ladder 2,400,000 / samples,
    /// but 5 to 200
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(1, 1_000_000)))]
    pub epochs: Auto,
    /// The samples without a label of a step; auto: 100 for the ladder, 256 for pseudo-labels, 128
    /// else
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(2, 1_000_000)))]
    pub batch: Auto,
    /// The labelled samples of a step, or all of them if they are fewer; auto: 100 for the ladder,
    /// 64 else
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(2, 1_000_000)))]
    pub labelled_batch: Auto,
    /// How much more often labelled samples of small classes come than they are: 0 not at all, 1 so
    /// that all classes come alike, 0.5 the square root of that
    #[arg(long, value_name = "X", default_value_t = 0.5, value_parser = zero_to_one::<f32>)]
    pub class_balance: f32,
    /// The learning rate; auto: 0.002
    #[arg(long, value_name = "RATE", default_value = "auto", value_parser = auto(positive))]
    pub lr: Auto<f32>,
    /// How the learning rate changes: constant, step (a tenth after each third of the steps),
    /// cosine, warm-up (over the first twentieth, then cosine), one-cycle (up for three tenths,
    /// then down)
    #[arg(long, value_name = "NAME", default_value = "cosine", hide_possible_values = true)]
    pub schedule: ScheduleName,
    /// What turns gradients into steps: sgd (with momentum 0.9), nesterov, adam, adamw
    #[arg(long, value_name = "NAME", default_value = "adam", hide_possible_values = true)]
    pub optimizer: OptimizerName,
    /// How strongly weights are pulled towards 0
    #[arg(long, value_name = "X", default_value_t = 0.0, value_parser = not_negative::<f64>)]
    pub weight_decay: f64,
    /// The weight of what is asked of samples without a label, beside that of the labels
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = not_negative::<f32>)]
    pub weight: f32,
    /// The part of the training over which that weight grows to all of it; the ladder has none;
    /// auto: 0.2 for mean-teacher, 0 else
    #[arg(long, value_name = "P", default_value = "auto", value_parser = auto(zero_to_one::<f32>))]
    pub ramp_up: Auto<f32>,
    /// The decay of the moving average of the weights, which is what is validated and kept; 0: the
    /// weights themselves. The ladder has none
    #[arg(long, value_name = "DECAY", default_value_t = 0.999, value_parser = fraction)]
    pub ema: f32,
    /// Of pseudo-labels: how sure a class has to be, as a probability
    #[arg(long, value_name = "P", default_value_t = 0.95, value_parser = zero_to_one::<f32>)]
    pub threshold: f32,
    /// Of vat: how far the input is moved, in the Euclidean norm; auto: 1.5 for 784 values, in
    /// proportion to the root of their number
    #[arg(long, value_name = "X", default_value = "auto", value_parser = auto(positive))]
    pub epsilon: Auto<f32>,
    /// Of vat: the weight of the entropy of the outputs, which is to be small; 0: none
    #[arg(long, value_name = "X", default_value_t = 0.5, value_parser = not_negative::<f32>)]
    pub entropy: f32,
    /// Of vat: how strongly the classes' shares among the samples without a label are drawn to
    /// those of the labels, as --class-balance makes them; 0: not at all
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = not_negative::<f32>)]
    pub align: f32,
    /// Of the ladder: the standard deviation of the noise at the input and at each layer
    #[arg(long, value_name = "X", default_value_t = 0.3, value_parser = not_negative::<f32>)]
    pub noise: f32,
    /// Of the ladder: the weights of the denoising costs from the input on, the last one for all
    /// layers above. 1000,10,0.1 is the paper's for MNIST, 1000,0 the input alone, 0,0,0,0,0,0,1
    /// (for six layers) its Gamma model
    #[arg(long, value_name = "LIST", default_value = "1000,10,0.1",
          value_parser = filled(list(not_negative::<f32>)))]
    pub costs: List<f32>,
    /// What is done to each sample, in each epoch anew, as --augment of pretrain; auto: of images
    /// shift=2,rotate=10,scale=0.1,shear=5, as of 28 pixels, in proportion, of tables nothing
    #[arg(long, value_name = "LIST", default_value = "auto",
          value_parser = auto(super::augmentation::augmentation))]
    pub augment: Auto<Items>,
    /// What is done to the samples that should meet the targets, of vat before they are moved;
    /// auto: of vat nothing, else of images
    /// shift=3,rotate=20,scale=0.2,shear=15,contrast=0.3,cutout=10, as of 28 pixels, in proportion,
    /// and of tables mask=0.2,gaussian=0.2
    #[arg(long, value_name = "LIST", default_value = "auto",
          value_parser = auto(super::augmentation::augmentation))]
    pub strong_augment: Auto<Items>,
    /// What validation labels choose by: accuracy, or balanced, the mean of the accuracies of the
    /// classes
    #[arg(long, value_name = "NAME", default_value = "accuracy", value_parser = name(Metric::ALL))]
    pub metric: Metric,
}

impl SemiOptions {
    /// The training on `data`; what it settles takes the place of `auto`.
    pub fn resolve(&mut self, data: &Dataset, seed: u64) -> SemiTraining {
        let method = self.method;
        let epochs = self.epochs.settle(method.epochs(data.len()));
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
            schedule: self.schedule.schedule((epochs * data.len().div_ceil(batch)) as u64),
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
