//! Semi-supervised training: a classifier from the labelled samples and all others at once.

mod defaults;

pub use defaults::weak;

use super::augmentation::{self, Items, augmentation};
use super::classifier::ClassifierTraining;
use super::prefixed::Named;
use super::training::OptimizerName;
use super::values::{
    Auto, List, WIDEST, auto, count, filled, list, not_negative, positive, zero_to_one,
};
use crate::error::{Error, ensure};
use clap::{Args, ValueEnum};
use narrows_datasets::Dataset;
use narrows_engine::{Network, Schedule};
use narrows_models::Metric;
use narrows_models::semi::{
    LadderCosts, LadderNetwork, MeanTeacher, PseudoLabels, Semi, SemiTraining, Vat,
};
use serde::Serialize;

/// Fewer steps teach nothing, and more passes nothing new.
const LEAST_STEPS: usize = 20;
const MOST_EPOCHS: usize = 200;

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
            "strong_augment" => self != SemiName::Ladder,
            "ema" | "ramp_up" => self != SemiName::Ladder,
            id if id.starts_with("pseudo_labels_") => self == SemiName::PseudoLabels,
            id if id.starts_with("vat_") => self == SemiName::Vat,
            id if id.starts_with("ladder_") => self == SemiName::Ladder,
            _ => true,
        }
    }
}

/// The options of all semi-supervised methods.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Semi-supervised training")]
pub struct SemiOptions {
    /// Labelled samples per step, at most as many as there are. auto: 100 for ladder, otherwise 64
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(2, 1_000_000)))]
    pub labelled_batch: Auto,
    /// Balance of the classes among the labelled samples of the steps: 0 keeps their shares, 1
    /// makes them equal, 0.5 takes the square roots of their shares
    #[arg(long, value_name = "X", default_value_t = 0.5, value_parser = zero_to_one::<f32>)]
    pub class_balance: f32,
    /// Weight of the loss of samples without a label; that of labelled samples is 1
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = not_negative::<f32>)]
    pub unlabelled_weight: f32,
    /// Part of the training in which the weight of samples without a label grows from 0; not for
    /// ladder. auto: 0.2 for mean-teacher, otherwise 0
    #[arg(long, value_name = "P", default_value = "auto", value_parser = auto(zero_to_one::<f32>))]
    pub ramp_up: Auto<f32>,
    /// Strong augmentation, not for ladder: of the samples whose predictions should match the
    /// targets; for vat, of the samples before it moves them. auto: none for vat. Other methods
    /// change images of 28 pixels by shift=3,rotate=20,scale=0.2,shear=15,contrast=0.3,cutout=10,
    /// other images in proportion, and tables by mask=0.2,gaussian=0.2
    #[arg(long, value_name = "LIST", default_value = "auto", value_parser = auto(augmentation))]
    pub strong_augment: Auto<Items>,
}

/// The options of one semi-supervised method each.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Semi-supervised methods")]
pub struct SemiMethodOptions {
    /// Least probability at which a predicted class becomes a pseudo-label
    #[arg(long, value_name = "P", default_value_t = 0.95, value_parser = zero_to_one::<f32>)]
    pub pseudo_labels_threshold: f32,
    /// Distance by which vat moves an input, in the Euclidean norm. auto: 1.5 for 784 values, in
    /// proportion to the square root of their number
    #[arg(long, value_name = "X", default_value = "auto", value_parser = auto(positive))]
    pub vat_epsilon: Auto<f32>,
    /// Weight of the entropy of the outputs in the loss of vat, which makes predictions confident;
    /// 0: none
    #[arg(long, value_name = "X", default_value_t = 0.5, value_parser = not_negative::<f32>)]
    pub vat_entropy: f32,
    /// Strength with which vat pulls the shares of the classes in its predictions towards those of
    /// the labelled samples in the steps; 0: none
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = not_negative::<f32>)]
    pub vat_align: f32,
    /// Standard deviation of the noise that the ladder adds to the input and to each layer
    #[arg(long, value_name = "X", default_value_t = 0.3, value_parser = not_negative::<f32>)]
    pub ladder_noise: f32,
    /// Weights of the ladder's denoising losses, layer by layer from the input on; the last weight
    /// is for all layers above. 1000,10,0.1: as published for MNIST. 1000,0: the input alone.
    /// 0,0,0,0,0,0,1 with six layers: the top alone (the Gamma model)
    #[arg(long, value_name = "LIST", default_value = "1000,10,0.1",
          value_parser = filled(list(not_negative::<f32>)))]
    pub ladder_costs: List<f32>,
}

/// The network of semi-supervised methods in a comparison, where it is not the encoder's.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SemiNetworkOptions {
    /// Start semi-supervised methods from the pretrained encoder, instead of a network of their own
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub pretrained: bool,
    /// Widths of the semi-supervised methods' own network, a list as in --widths. auto: 1200 for
    /// dense, 1000,500,250,250 for the ladder; for images as --widths
    #[arg(long, value_name = "LIST", default_value = "auto",
          value_parser = auto(list(count(1, WIDEST))))]
    pub widths: Auto<List<usize>>,
    /// Length of the latent code of the semi-supervised methods' own network. auto: 1200 for dense,
    /// 250 for the ladder, 128 for conv and resnet
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(1, WIDEST)))]
    pub latent: Auto,
}

/// The length of a training whose epochs are `auto`.
pub struct Length<'n> {
    pub network: &'n Network,
    /// The time of one training, on one core of a usual machine.
    pub seconds: f64,
    /// True if the time was asked for: then all of it is used, however many samples that makes.
    pub given: bool,
}

impl Length<'_> {
    /// The epochs on so many samples; and the samples of an epoch, where the time is not enough to
    /// see each sample once.
    fn of(
        &self,
        training: &SemiTraining,
        method: SemiName,
        samples: usize,
    ) -> (usize, Option<usize>) {
        let fits = self.seconds / training.seconds_per_sample(self.network);
        let seen = if self.given { fits } else { fits.min(method.seen()) };
        let least = (LEAST_STEPS * training.batch) as f64;
        match (seen / samples as f64) as usize {
            0 if least < samples as f64 => (1, Some(seen.max(least) as usize)),
            epochs => (epochs.clamp(1, MOST_EPOCHS), None),
        }
    }
}

impl ClassifierTraining {
    /// Training by `method` on `data`, and the samples of an epoch if they are not all; what it
    /// settles takes the place of `auto`.
    pub fn semi(
        &mut self,
        method: SemiName,
        (options, of_method): (&mut SemiOptions, &mut SemiMethodOptions),
        (lr, metric, seed): (f32, Metric, u64),
        data: &Dataset,
        length: &Length<'_>,
    ) -> (SemiTraining, Option<usize>) {
        let batch = self.batch.settle(method.batch());
        let epsilon = of_method.vat_epsilon.settle(defaults::epsilon(data.sample_len()));
        let image = data.image_shape();
        let optimizer = self.optimizer.settle(OptimizerName::Adam);
        let mut training = SemiTraining {
            method: match method {
                SemiName::PseudoLabels => Semi::PseudoLabels(PseudoLabels {
                    threshold: of_method.pseudo_labels_threshold,
                }),
                SemiName::MeanTeacher => Semi::MeanTeacher(MeanTeacher),
                SemiName::Vat => Semi::Vat(Vat {
                    epsilon,
                    xi: defaults::xi(epsilon),
                    entropy: of_method.vat_entropy,
                    align: of_method.vat_align,
                }),
                SemiName::Ladder => Semi::Ladder(LadderNetwork {
                    noise: of_method.ladder_noise,
                    costs: LadderCosts(of_method.ladder_costs.0.clone()),
                }),
            },
            epochs: 1,
            batch,
            labelled_batch: options.labelled_batch.settle(method.labelled_batch()),
            class_balance: options.class_balance,
            lr,
            schedule: Schedule::Constant,
            optimizer: optimizer.optimizer(self.weight_decay.settle(0.0)),
            weight: options.unlabelled_weight,
            ramp_up: options.ramp_up.settle(method.ramp_up()),
            ema: self.ema.settle(method.ema()),
            metric,
            seed,
            augmentation: self.augment.settle(Items(defaults::weak(image))).0,
            strong: options.strong_augment.settle(Items(method.strong(image))).0,
        };
        let samples = match self.epochs {
            Auto::Given(epochs) => {
                training.epochs = epochs;
                None
            }
            Auto::Auto => {
                let (epochs, samples) = length.of(&training, method, data.learnt());
                training.epochs = epochs;
                self.epochs = Auto::Given(epochs);
                samples
            }
        };
        let steps = samples.unwrap_or(data.learnt()).div_ceil(batch) * training.epochs;
        training.schedule = self.schedule.schedule(steps as u64);
        (training, samples)
    }
}

/// Refuses what `method` or `data` cannot take, by the names that the options have in `T` and `S`.
pub fn check<T: Named<ClassifierTraining>, S: Named<SemiOptions>>(
    method: SemiName,
    training: &ClassifierTraining,
    options: &SemiOptions,
    data: &Dataset,
) -> Result<(), Error> {
    let (ema, batch) = (T::name("ema"), T::name("batch"));
    ensure!(
        method != SemiName::MeanTeacher || training.ema != Auto::Given(0.0),
        "{ema} 0 leaves mean-teacher without a teacher, which is the moving average of the \
         weights: set it above 0"
    );
    ensure!(
        training.batch != Auto::Given(1),
        "{batch} 1 is too small for semi-supervised training: set it to 2 or more"
    );
    training.check::<T>(data)?;
    match options.strong_augment {
        Auto::Given(items) => augmentation::check(&S::name("strong-augment"), items, data),
        Auto::Auto => Ok(()),
    }
}
