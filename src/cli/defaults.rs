//! Every default of every option, in one place.

pub mod semi;

use crate::cli::options::training::LossName;
use narrows_models::{Activation, Architecture, Model, SampleShape};

/// Of the 1,797 built-in digits, those that a result is measured on.
pub const BUILTIN_TEST_SAMPLES: usize = 500;
/// Decides that split. It is no option: were it one, a model could be tested on what it had learnt
/// from.
pub const BUILTIN_SPLIT_SEED: u64 = 0;

// The data.
pub const CHANNELS: &str = "auto";

// The labels.
pub const LABELS: &str = "100";
pub const VALIDATION: usize = 100;
pub const DRAWS: usize = 10;
pub const DRAW: usize = 0;
/// Of a method in a comparison.
pub const ENSEMBLE: usize = 1;

// The curve over numbers of labels.
pub const CURVE_METHODS: &str = "scratch,full";
pub const CURVE_VALIDATION: &str = "100";
/// Ten epochs of 60,000.
pub const FINETUNE_SAMPLES: usize = 600_000;

// Probes.
pub const PROBES: &str = "linear,knn,propagation";

// The architecture.
pub const MODEL: &str = "dense";
/// What [`latent`] does, for the help.
pub const LATENT_HELP: &str = "The length of the latent code, the bottleneck; auto: 20, but of samples that are no images at most half \
                               of their values";

/// The length of the latent code. A table has few columns, and through a code as long as them
/// everything would pass.
pub fn latent(input: SampleShape) -> usize {
    match input {
        SampleShape::Flat(values) => values.div_ceil(2).clamp(1, 20),
        SampleShape::Image(_) => 20,
    }
}

/// What [`Model::widths`] does, for the help.
pub const WIDTHS_HELP: &str = "The widths of the encoder's hidden layers from the input on, or none; the decoder mirrors \
                               them. Of conv and resnet the channels, each width halving the image. auto: 512,256 for \
                               dense, 16,32 for images of up to 28 pixels, 32,64,128 for larger ones";
pub const DEPTH: usize = 1;
/// What [`output`] does, for the help.
pub const OUTPUT_HELP: &str = "The activation of the reconstruction: relu, sigmoid, none or another of --activation's; auto: sigmoid for \
                               values in [0, 1], as those of images, none for the standardised values of tables";

/// The activation of the reconstruction.
pub fn output(unit_range: bool) -> Activation {
    if unit_range { Activation::Sigmoid } else { Activation::None }
}

pub const CODE_ACTIVATION_HELP: &str = "The activation between the code and a classifier's head, as --activation's; auto: none, but of \
                                        what `semi` trains from scratch relu";
pub const ACTIVATION: &str = "relu";
pub const DROPOUT: f32 = 0.0;

// Pretraining.
/// What [`loss`] does, for the help.
pub const LOSS_HELP: &str = "What is minimised: l2, l1, huber (l2 below 0.1, l1 above), bce (of a sigmoid output); auto: l2, but \
                             bce where the objective is variational and the output a sigmoid";

/// What pretraining minimises. A normal distribution with the variance of 1/2 that l2 stands for
/// leaves pixels in [0, 1] next to nothing to say, against the divergence.
pub fn loss(architecture: &Architecture) -> LossName {
    match architecture.variational && architecture.output == Activation::Sigmoid {
        true => LossName::Bce,
        false => LossName::L2,
    }
}

pub const OBJECTIVE: &str = "plain";
pub const BETA: f32 = 1.0;
pub const BETA_HELP: &str = "Of a variational autoencoder: the factor on the divergence; auto: 1";
pub const KL_WARM_UP: usize = 0;
pub const KL_WARM_UP_HELP: &str = "Of a variational autoencoder: the epochs over which that factor grows to its full size; auto: 0";
pub const SPARSITY: f32 = 0.01;
pub const SPARSITY_HELP: &str =
    "Of a sparse autoencoder: the weight of the codes' L1 norm over their L2 norm; auto: 0.01";
pub const SCHEDULE: &str = "one-cycle";
pub const OPTIMIZER: &str = "adam";
pub const WEIGHT_DECAY: f64 = 0.0;
pub const CLIP_NORM: f32 = 0.0;
pub const PATIENCE: usize = 0;

/// What [`lr`] does, for the help.
pub const LR_HELP: &str = "The learning rate; auto: 0.002 for dense, 0.01 for conv and resnet";

/// The learning rate of pretraining. Batch-normalised convolutions, whose weights are used at many
/// places, bear a larger one.
pub fn lr(architecture: &Architecture) -> f32 {
    if architecture.model == Model::Dense { 2e-3 } else { 1e-2 }
}

/// What [`epochs`] does, for the help.
pub const EPOCHS_HELP: &str = "How often each sample is seen; auto: 1,200,000 / samples, but 20 to 100; for conv and \
                               resnet also no more than 1,200,000,000 / values of all samples, but at least 5 (7 for \
                               50,000 colour images of 32x32)";

/// The epochs of pretraining for so many samples: about as many steps, however many samples there
/// are. What convolutions cost grows with the pixels, and minutes should be enough.
pub fn epochs(samples: usize, architecture: &Architecture) -> usize {
    let epochs = (1_200_000 / samples.max(1)).clamp(20, 100);
    match (architecture.model, architecture.input) {
        (Model::Dense, _) | (_, SampleShape::Flat(_)) => epochs,
        (_, SampleShape::Image(sizes)) => {
            let values =
                sizes.iter().fold(samples.max(1), |values, size| values.saturating_mul(*size));
            epochs.min((1_200_000_000 / values.max(1)).max(5))
        }
    }
}

/// What [`batch`] does, for the help.
pub const BATCH_HELP: &str =
    "The samples of a step; auto: samples / 16, but 32 to 256, for conv and resnet 32 to 128";

/// The batch size of pretraining: large for speed, but so that an epoch has more than a handful of
/// steps. A convolution is as fast on few samples, each of which has many pixels.
pub fn batch(samples: usize, architecture: &Architecture) -> usize {
    let most = if architecture.model == Model::Dense { 256 } else { 128 };
    (samples / 16).clamp(32, most)
}

/// What [`held_out`] does, for the help.
pub const HELD_OUT_HELP: &str = "The training samples that are held out to choose the best epoch; auto: one in 20, at most 1,000";

/// The training samples held out to choose pretraining's epoch.
pub fn held_out(samples: usize) -> usize {
    (samples / 20).min(1000)
}

/// Of pretraining and of fine-tuning.
pub const AUGMENT: &str = "none";

// Fine-tuning.
pub const METHOD: &str = "lp-ft";
pub const FINETUNE_EPOCHS: usize = 50;
pub const FINETUNE_BATCH: usize = 25;
pub const FINETUNE_LRS: &str = "3e-3,1e-2,3e-2,1e-1";
pub const FINETUNE_LR: f32 = 1e-2;
pub const FINETUNE_SCHEDULE: &str = "cosine";
pub const FINETUNE_OPTIMIZER: &str = "adamw";
pub const FINETUNE_WEIGHT_DECAY: f64 = 0.01;
pub const FINETUNE_CLIP_NORM: f32 = 0.0;
pub const FINETUNE_PATIENCE: usize = 0;
pub const LABEL_SMOOTHING: f32 = 0.0;
pub const LR_DECAY: f32 = 1.0;
pub const L2_SP: f32 = 0.0;
pub const MIXUP: f32 = 0.0;
pub const EMA: f32 = 0.0;
pub const METRIC: &str = "accuracy";

// The recipe.
pub const BUDGET: &str = "10m";
pub const RECIPE: [&str; 5] = ["lp-ft", "pseudo-labels", "mean-teacher", "vat", "ladder"];

// Semi-supervised training.
pub const SEMI_METHOD: &str = "vat";
pub const SEMI_SCHEDULE: &str = "cosine";
pub const SEMI_OPTIMIZER: &str = "adam";
pub const SEMI_WEIGHT_DECAY: f64 = 0.0;
pub const SEMI_CLASS_BALANCE: f32 = 0.5;
pub const SEMI_WEIGHT: f32 = 1.0;
pub const SEMI_EMA: f32 = 0.999;
pub const SEMI_THRESHOLD: f32 = 0.95;
pub const SEMI_ENTROPY: f32 = 0.5;
pub const SEMI_ALIGN: f32 = 1.0;
pub const SEMI_NOISE: f32 = 0.3;
pub const SEMI_COSTS: &str = "1000,10,0.1";

// The summary of a model.
pub const SUMMARY_BATCH: usize = 128;

// The measurement of the machine.
pub const BENCH_SECONDS: f32 = 8.0;

// The run.
pub const SEED: u64 = 1;
pub const THREADS: usize = 0;
pub const ISA: &str = "auto";
/// Runs without `--out` get a folder in this one.
pub const RUNS: &str = "runs";
/// The shares of `narrows data split`.
pub const SPLIT_TRAIN: f64 = 0.7;
pub const SPLIT_VALIDATION: f64 = 0.1;
pub const SPLIT_TEST: f64 = 0.2;
