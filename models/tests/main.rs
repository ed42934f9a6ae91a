//! The tests of the crate, in one program: it links once. Tests that count allocations, or change
//! what a process shares, are alone in theirs.

mod augmentation;
mod backbones;
mod candidates;
mod checkpoint_files;
mod checkpointed_experiments;
mod checkpoints;
mod codes;
mod detector;
mod ema;
mod encoder_rates;
mod ensemble;
mod evaluation;
mod images;
mod inference;
mod journal;
mod limits;
mod linear_head;
mod lp_ft;
mod mixup;
mod model_file;
mod novelty;
mod objective;
mod pca;
mod probe;
mod reestimation;
mod references;
mod run;
mod semi;
mod stops;
mod support;
mod transfer;
mod transfer_images;
mod validation;
mod weights;
