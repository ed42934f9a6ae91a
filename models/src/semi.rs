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
//! | mean teacher, in `consistency.rs` | the probabilities that the average of past weights gives |
//! | `vat.rs` | that its probabilities stay where the input moves the way that changes them most |
//! | `ladder.rs` | that each layer can be restored from noise |
//!
//! The first three train any classifier, scratch or transferred, through [`Consistency`]; the
//! ladder network trains a dense one by a step of its own. To add a method: write its file, add a
//! variant to [`Semi`], and its case to `tests/semi.rs`.

mod consistency;
mod labelled;
mod ladder;
mod pseudo_labels;
mod run;
mod shares;
mod vat;

pub use consistency::Consistency;
pub use ladder::LadderCosts;
pub use run::SemiRun;

use crate::architecture::{Activation, Architecture, Model};
use crate::error::Error;
use crate::evaluation::Metric;
use crate::training::{Ema, check_course};
use narrows_datasets::{Augmentation, Dataset, Rows};
use narrows_engine::{Optimizer, Schedule};

/// What is learnt from.
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

/// A method, with its own settings.
#[derive(Clone, Debug, PartialEq)]
pub enum Semi {
    /// Pseudo-labels (Lee, ICML workshop 2013), between a sample as it is and strongly augmented
    /// (Sohn et al., FixMatch, NeurIPS 2020).
    PseudoLabels {
        /// The least probability of the likeliest class for a sample to count.
        threshold: f32,
    },
    /// The mean teacher (Tarvainen and Valpola, NIPS 2017), with cross-entropy in place of the
    /// squared difference.
    MeanTeacher,
    /// Virtual adversarial training (Miyato et al., TPAMI 2018, arXiv:1704.03976) with one power
    /// iteration.
    Vat {
        /// How far inputs are moved, in the Euclidean norm.
        epsilon: f32,
        /// How far they are moved to find out where to.
        xi: f32,
        /// The weight of the entropy of the probabilities, which is to be small (Grandvalet and
        /// Bengio, NIPS 2004; the paper's VAT + EntMin); 0 for none.
        entropy: f32,
        /// The weight of how unlike the classes' shares in the mean of the probabilities are to
        /// those of the labelled samples in their batches; 0 for none.
        align: f32,
    },
    /// The ladder network (Rasmus et al., NIPS 2015).
    Ladder {
        /// The standard deviation of the noise at the input and at each layer.
        noise: f32,
        /// The weights of the denoising costs.
        costs: LadderCosts,
    },
}

/// How to train.
#[derive(Clone, Debug)]
pub struct SemiTraining {
    /// What is made of the samples without a label.
    pub method: Semi,
    /// How often all samples are seen.
    pub epochs: usize,
    /// The samples without a label of a step.
    pub batch: usize,
    /// The labelled samples of a step.
    pub labelled_batch: usize,
    /// How much more often labelled samples of small classes come than they are: 0 not at all, 1 so
    /// that all classes come alike, 0.5 the square root of that.
    pub class_balance: f32,
    /// The base learning rate.
    pub lr: f32,
    /// How it changes over the steps.
    pub schedule: Schedule,
    /// What turns gradients into steps.
    pub optimizer: Optimizer,
    /// The weight of what is asked of samples without a label; of the ladder's costs all together.
    pub weight: f32,
    /// The part of the epochs over which that weight grows from almost nothing (Laine and Aila,
    /// ICLR 2017: as `exp(-5 (1 - t)^2)`); 0 to begin with all of it.
    pub ramp_up: f32,
    /// The weights that are validated and kept are a moving average with this decay; 0 for the
    /// weights themselves. The ladder has none.
    pub ema: f32,
    /// What tells the best epoch.
    pub metric: Metric,
    /// Decides all that is random.
    pub seed: u64,
    /// How samples are augmented, labelled ones and those that targets are computed from.
    pub augmentation: Augmentation,
    /// How the samples are augmented that should meet the targets, in virtual adversarial training
    /// before they are moved; as the others if it changes nothing. The ladder has no use for it.
    pub strong: Augmentation,
}

impl SemiTraining {
    /// # Errors
    /// If a setting makes no sense; the message names it.
    pub fn check(&self) -> Result<(), Error> {
        check_course(self.epochs, self.lr)?;
        if self.batch < 2 || self.labelled_batch < 2 {
            return Err(Error::new(format!(
                "batches need at least 2 samples, not {} without and {} with labels",
                self.batch, self.labelled_batch
            )));
        }
        let in_range = |name: &str, x: f32, low: f32, high: f32| match (low..=high).contains(&x) {
            true => Ok(()),
            false => Err(Error::new(format!("the {name} must be from {low} to {high}, not {x}"))),
        };
        in_range("weight of samples without a label", self.weight, 0.0, 1e6)?;
        in_range("class balance", self.class_balance, 0.0, 1.0)?;
        in_range("ramp-up", self.ramp_up, 0.0, 1.0)?;
        Ema::check(self.ema)?;
        match &self.method {
            Semi::PseudoLabels { threshold } => in_range("threshold", *threshold, 0.0, 1.0)?,
            Semi::MeanTeacher if self.ema == 0.0 => {
                return Err(Error::new(
                    "a mean teacher needs a moving average of the weights: set its decay",
                ));
            }
            Semi::MeanTeacher => {}
            Semi::Vat { epsilon, xi, entropy, align } => {
                in_range("weight of the entropy", *entropy, 0.0, 1e6)?;
                in_range("weight of the classes' shares", *align, 0.0, 1e6)?;
                in_range("epsilon", *epsilon, f32::MIN_POSITIVE, 1e6)?;
                in_range("xi", *xi, f32::MIN_POSITIVE, 1e6)?;
            }
            Semi::Ladder { noise, costs } => {
                in_range("noise", *noise, 0.0, 1e3)?;
                costs.check()?;
            }
        }
        self.schedule.check()?;
        self.optimizer.check()?;
        self.augmentation.check()?;
        self.strong.check()?;
        Ok(())
    }

    /// As [`SemiTraining::check`], and whether the method is for classifiers of such an
    /// architecture.
    ///
    /// # Errors
    /// As there, or if it is not; the message says which it is for.
    pub fn check_for(&self, architecture: &Architecture) -> Result<(), Error> {
        self.check()?;
        let Architecture {
            model,
            variational,
            activation,
            code_activation,
            batch_norm,
            dropout,
            ..
        } = architecture;
        if !matches!(self.method, Semi::Ladder { .. }) {
            return Ok(());
        }
        let foreign = |activation: &Activation| *activation != Activation::Relu;
        let named = |of: &Activation| {
            let found = Activation::ALL.iter().find(|(_, activation)| activation == of);
            found.map_or("unknown", |(name, _)| name)
        };
        let unfit = [
            (*model != Model::Dense, format!("it is of the kind {} (--model dense)", model.name())),
            (*variational, "it is variational".to_string()),
            (!*batch_norm, "it has no batch norm (--no-batch-norm=false)".to_string()),
            (*dropout != 0.0, format!("it has a dropout of {dropout} (--dropout 0)")),
            (
                foreign(activation),
                format!("its activation is {} (--activation relu)", named(activation)),
            ),
            (
                foreign(code_activation),
                format!(
                    "its code's activation is {} (--code-activation relu)",
                    named(code_activation)
                ),
            ),
        ];
        let reasons: Vec<String> =
            unfit.into_iter().filter_map(|(unfit, reason)| unfit.then_some(reason)).collect();
        match reasons.is_empty() {
            true => Ok(()),
            false => Err(Error::new(format!(
                "the ladder network is for dense models with batch norm and ReLUs, not for this \
                 one: {}: choose another model, or another method",
                reasons.join("; ")
            ))),
        }
    }

    /// The weight at step `step` of `total`.
    fn weight_at(&self, step: u64, total: u64) -> f32 {
        let ramp = f64::from(self.ramp_up) * total as f64;
        let t = if ramp > 0.0 { (step as f64 / ramp).min(1.0) } else { 1.0 };
        (f64::from(self.weight) * (-5.0 * (1.0 - t).powi(2)).exp()) as f32
    }
}
