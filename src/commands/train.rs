//! `narrows train`: a classifier from the labels there are, and by some methods from all other
//! samples as well.

mod classifier;
mod finetuning;
mod semi;

use super::refuse;
use crate::cli::options::classifier::ClassifierTraining;
use crate::cli::options::finetuning::FinetuningOptions;
use crate::cli::options::methods::MethodName;
use crate::cli::options::semi::{SemiMethodOptions, SemiName, SemiOptions};
use crate::cli::options::train::Train;
use crate::cli::options::values::ids;
use crate::error::{Error, bail};
use classifier::Source;
use narrows_models::Transfer;
use std::time::Instant;

const NAME: &str = "train";

pub fn run(mut options: Train, explicit: &[String]) -> Result<String, Error> {
    let began = Instant::now();
    let source = Source::open(&mut options, explicit)?;
    let auto = match (&options.encoder, source.is_of_images()) {
        (Some(_), _) => MethodName::Transfer(Transfer::LpFt),
        (None, true) => MethodName::Semi(SemiName::Vat),
        (None, false) => MethodName::Transfer(Transfer::Scratch),
    };
    let method = options.method.settle(auto);
    let reason = format!("the method {} has no use for it", method.name());
    match method {
        MethodName::Transfer(transfer) => {
            refuse(explicit, &ids::<SemiOptions>(), &reason)?;
            refuse(explicit, &ids::<SemiMethodOptions>(), &reason)?;
            refuse(explicit, &["budget"], &reason)?;
            check_encoder(&options, transfer, explicit)?;
            finetuning::run(options, source, transfer, explicit, began)
        }
        MethodName::Reference(reference) => {
            bail!("--method {}: a reference leaves no classifier", reference.name())
        }
        MethodName::Semi(semi) => {
            refuse(explicit, &ids::<FinetuningOptions>(), &reason)?;
            let foreign: Vec<&String> = explicit.iter().filter(|id| !semi.takes(id)).collect();
            refuse(explicit, &foreign, &reason)?;
            semi::run(options, source, semi, began)
        }
    }
}

/// An encoder is there for a method that starts from one, and no option for it that has no effect.
fn check_encoder(options: &Train, method: Transfer, explicit: &[String]) -> Result<(), Error> {
    match (&options.encoder, method) {
        (_, Transfer::Scratch) => {
            refuse(explicit, &["lr_decay", "l2_sp"], "scratch starts without a pretrained encoder")
        }
        (None, _) => bail!(
            "--method {} needs a pretrained encoder: give --encoder RUN, a run of narrows \
             pretrain, or choose scratch or vat",
            method.name()
        ),
        (_, Transfer::Freeze) => {
            refuse(explicit, &["lr_decay", "l2_sp"], "freeze leaves the encoder as it is")
        }
        (_, Transfer::Linear) => {
            let reason = "linear fits its head to the end, in no steps";
            refuse(explicit, &ids::<ClassifierTraining>(), reason)?;
            refuse(explicit, &ids::<FinetuningOptions>(), reason)?;
            refuse(explicit, &["lr"], reason)
        }
        _ => Ok(()),
    }
}
