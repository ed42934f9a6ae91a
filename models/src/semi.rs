//! Semi-supervised training: few labels, and all other samples beside them in every step.
//!
//! ```text
//! each step:  a batch of labelled samples      -> cross-entropy
//!             a batch of all samples           -> what the method makes of them, without labels
//! ```
//!
//! An epoch goes through all samples once; the labelled ones come round as often as they are
//! needed. The methods:
//!
//! | file | what it asks of samples without a label |
//! |---|---|
//! | `pseudo_labels.rs` | the class of the plain sample for the strongly augmented one, if sure |
//! | `mean_teacher.rs` | the probabilities that the average of past weights gives |
//! | `vat.rs` | that its probabilities stay where the input moves the way that changes them most |
//! | `ladder.rs` | that each layer can be restored from noise |
//!
//! The first three train any classifier, scratch or transferred, through [`Consistency`]; the
//! ladder network trains a dense one by a step of its own. To add a method: write its file, add it
//! to the list below, and its case to `tests/semi.rs`.

mod consistency;
mod labelled;
mod ladder;
mod mean_teacher;
mod pseudo_labels;
mod run;
mod shares;
mod vat;

pub use consistency::Consistency;
pub use ladder::{LadderCosts, LadderNetwork};
pub use mean_teacher::MeanTeacher;
pub use pseudo_labels::PseudoLabels;
pub use run::SemiRun;
pub use vat::Vat;

use consistency::ConsistencyMethod;

use crate::architecture::Architecture;
use crate::cost::{TRAINING, seconds_per_sample};
use crate::error::{Error, ensure};
use crate::evaluation::Metric;
use crate::training::{Ema, check_course};
use narrows_datasets::{Augmentation, Dataset, Rows};
use narrows_engine::{Network, Optimizer, Schedule};

/// The samples to learn from.
#[derive(Clone, Copy, Debug)]
pub struct SemiTask<'a> {
    /// The samples.
    pub data: &'a Dataset,
    /// The rows whose labels are known.
    pub labelled: Rows<'a>,
    /// The rows of which no label is looked at; those labelled may be among them.
    pub unlabelled: Rows<'a>,
    /// The labelled rows that choose the epoch; none to keep the last.
    pub validation: Rows<'a>,
}

/// Makes the enum of the methods from the list of those that train through [`Consistency`]; the
/// ladder has a step of its own.
macro_rules! methods {
    ($($method:ident),+) => {
        /// A method with its settings.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Semi {
            $(
                #[doc = concat!("[`", stringify!($method), "`].")]
                $method($method),
            )+
            /// [`LadderNetwork`].
            Ladder(LadderNetwork),
        }

        impl Semi {
            fn consistency(&self) -> Option<&dyn ConsistencyMethod> {
                match self {
                    $(Semi::$method(method) => Some(method),)+
                    Semi::Ladder(_) => None,
                }
            }
        }
    };
}

methods!(PseudoLabels, MeanTeacher, Vat);

/// The settings of a semi-supervised training.
#[derive(Clone, Debug)]
pub struct SemiTraining {
    /// The method, which uses the samples without a label.
    pub method: Semi,
    /// The number of passes over all samples.
    pub epochs: usize,
    /// The samples without a label of a step.
    pub batch: usize,
    /// The labelled samples of a step.
    pub labelled_batch: usize,
    /// The balance of the classes in labelled batches: 0 for samples alike, 1 for classes alike,
    /// 0.5 for the square root of that.
    pub class_balance: f32,
    /// The base learning rate.
    pub lr: f32,
    /// The course of the learning rate over the steps.
    pub schedule: Schedule,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// The weight of what is asked of samples without a label; of the ladder's costs all together.
    pub weight: f32,
    /// The part of the epochs over which that weight grows from almost nothing (Laine and Aila,
    /// ICLR 2017: as `exp(-5 (1 - t)^2)`); 0 to begin with all of it.
    pub ramp_up: f32,
    /// The weights that are validated and kept are a moving average with this decay; 0 for the
    /// weights themselves. The ladder has none.
    pub ema: f32,
    /// The measure that chooses the best epoch.
    pub metric: Metric,
    /// Decides all that is random.
    pub seed: u64,
    /// The augmentation of labelled samples, and of those that targets are computed from.
    pub augmentation: Augmentation,
    /// The augmentation of the samples that should meet the targets, in virtual adversarial
    /// training before they are moved; as the others if it changes nothing. The ladder has no use
    /// for it.
    pub strong: Augmentation,
}

impl SemiTraining {
    /// # Errors
    /// If a setting makes no sense; the message names it.
    pub fn check(&self) -> Result<(), Error> {
        check_course(self.epochs, self.lr)?;
        ensure!(
            self.batch >= 2 && self.labelled_batch >= 2,
            "batches need at least 2 samples, not {} without and {} with labels",
            self.batch,
            self.labelled_batch
        );
        in_range("weight of samples without a label", self.weight, 0.0, 1e6)?;
        in_range("class balance", self.class_balance, 0.0, 1.0)?;
        in_range("ramp-up", self.ramp_up, 0.0, 1.0)?;
        Ema::check(self.ema)?;
        match (&self.method, self.method.consistency()) {
            (_, Some(method)) => method.check(self)?,
            (Semi::Ladder(ladder), _) => ladder.check()?,
            _ => {}
        }
        self.schedule.check()?;
        self.optimizer.check()?;
        self.augmentation.check()?;
        self.strong.check()?;
        Ok(())
    }

    /// Checks as [`SemiTraining::check`], and that the method is for classifiers of such an
    /// architecture.
    ///
    /// # Errors
    /// The errors of [`SemiTraining::check`], or if it is not; the message says which it is for.
    pub fn check_for(&self, architecture: &Architecture) -> Result<(), Error> {
        self.check()?;
        match &self.method {
            Semi::Ladder(_) => LadderNetwork::check_for(architecture),
            _ => Ok(()),
        }
    }

    /// The seconds of one sample without a label in the training of `network`, on one core of a
    /// usual machine.
    pub fn seconds_per_sample(&self, network: &Network) -> f64 {
        let passes = match &self.method {
            // Forward; forward and backward of the strongly augmented.
            Semi::PseudoLabels(_) => 1.0 + TRAINING,
            // And forward of the average.
            Semi::MeanTeacher(_) => 2.0 + TRAINING,
            // Forward, backward for the entropy; forward and the way back to the input; forward and
            // backward of what was moved.
            Semi::Vat(vat) => {
                let beside = if vat.entropy > 0.0 || vat.align > 0.0 { 2.0 } else { 0.0 };
                1.0 + beside + 2.0 + TRAINING
            }
            // Both encoders and the decoder, forward and backward.
            Semi::Ladder(_) => 3.0 * TRAINING,
        };
        let labelled = TRAINING * self.labelled_batch as f64 / self.batch as f64;
        seconds_per_sample(network, passes + labelled, self.batch)
    }

    /// The weight at step `step` of `total`.
    fn weight_at(&self, step: u64, total: u64) -> f32 {
        let ramp = f64::from(self.ramp_up) * total as f64;
        let t = if ramp > 0.0 { (step as f64 / ramp).min(1.0) } else { 1.0 };
        (f64::from(self.weight) * (-5.0 * (1.0 - t).powi(2)).exp()) as f32
    }
}

/// # Errors
/// If `x` lies outside `low..=high`.
fn in_range(name: &str, x: f32, low: f32, high: f32) -> Result<(), Error> {
    ensure!((low..=high).contains(&x), "the {name} must be from {low} to {high}, not {x}");
    Ok(())
}
