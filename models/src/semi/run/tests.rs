//! Checkpoints of semi-supervised runs whose numbers make no sense.

use super::*;
use crate::checkpoint::crafted::{checkpoint, others};
use crate::semi::Vat;
use crate::{Architecture, Metric, Model};
use narrows_datasets::{Dataset, Rows};
use narrows_engine::{Optimizer, Schedule};

/// As for a plain run.
#[test]
fn numbers_that_make_no_sense_are_refused_or_do_no_harm() {
    let (cx, digits) = (Context::new(1).unwrap(), Dataset::digits());
    let architecture =
        Architecture { widths: vec![], latent: 2, ..Architecture::new(Model::Dense, 64) };
    let network = architecture.classifier(10).unwrap();
    let rows: Vec<u32> = (0..20).collect();
    let task = SemiTask {
        data: &digits,
        labelled: Rows::Listed(&rows[..6]),
        unlabelled: Rows::Listed(&rows),
        validation: Rows::Listed(&[30, 31]),
    };
    let training = SemiTraining {
        method: Semi::Vat(Vat { epsilon: 0.8, xi: 0.1, entropy: 0.0, align: 1.0 }),
        epochs: 3,
        batch: 10,
        labelled_batch: 4,
        class_balance: 0.5,
        lr: 1e-3,
        schedule: Schedule::Constant,
        optimizer: Optimizer::adam(),
        weight: 1.0,
        ramp_up: 0.0,
        ema: 0.9,
        metric: Metric::Accuracy,
        seed: 1,
        augmentation: Augmentation::default(),
        strong: Augmentation::default(),
    };
    let new = || SemiRun::new("one", &network, Params::new(&network, 1), task, &training).unwrap();
    let mut run = new();
    (0..2).for_each(|_| run.epoch(&cx, &()).unwrap());
    let state = run.state();
    let (numbers, tensors) = state.saved().unwrap();
    let (mut taken, mut refused) = (0, 0);
    for crafted in others(&numbers) {
        let mut resumed = new();
        match resumed.state().restore(&checkpoint(crafted, &tensors)) {
            Ok(()) => {
                resumed.loader.set_window(resumed.progress.window);
                resumed.labelled.seek(resumed.learner.steps());
                while resumed.history().len() < 3 && resumed.epoch(&cx, &()).is_ok() {}
                taken += 1;
            }
            Err(e) => {
                assert!(!e.to_string().contains('\n'), "{e}");
                refused += 1;
            }
        }
    }
    assert!(refused > 300 && taken > 50, "{refused} refused, {taken} taken");
}
