//! The steps of semi-supervised training allocate nothing: counted, in a process of its own.

#[path = "../../engine/tests/support/counting.rs"]
mod counting;
mod support;

use counting::allocations;
use narrows_datasets::{Augmentation, Dataset, Rows};
use narrows_engine::{Context, Isa, Optimizer, Params, Schedule};
use narrows_models::semi::{
    LadderCosts, LadderNetwork, MeanTeacher, PseudoLabels, Semi, SemiRun, SemiTask, SemiTraining,
    Vat,
};
use narrows_models::{Architecture, Metric, Model};
use support::all;

/// One test, so that no other allocates meanwhile. An epoch has 179 steps, the labelled samples
/// come round in 25.
#[test]
fn the_steps_of_an_epoch_allocate_nothing() {
    let digits = Dataset::digits();
    let rows = all(&digits);
    let cx = Context::new(1).unwrap();
    let network =
        Architecture { widths: vec![24], latent: 12, ..Architecture::new(Model::Dense, [8, 8, 1]) };
    let network = network.classifier(10).unwrap();
    let task = SemiTask {
        data: &digits,
        labelled: Rows::Listed(&rows[..250]),
        unlabelled: Rows::all(digits.len()),
        validation: Rows::Listed(&[]),
    };
    let augmentation = Augmentation { shift: 1, rotate: 10.0, ..Augmentation::default() };
    let strong = Augmentation { cutout: 3, ..augmentation };
    let of_second_epoch = |method: &Semi, augmented: bool| {
        let none = Augmentation::default;
        let training = SemiTraining {
            method: method.clone(),
            epochs: 2,
            batch: 10,
            labelled_batch: 10,
            class_balance: 0.5,
            lr: 1e-3,
            schedule: Schedule::Constant,
            optimizer: Optimizer::adam(),
            weight: 1.0,
            ramp_up: 0.0,
            ema: 0.9,
            metric: Metric::Accuracy,
            seed: 1,
            augmentation: if augmented { augmentation } else { none() },
            strong: if augmented { strong } else { none() },
        };
        let mut run =
            SemiRun::new("counted", &network, Params::new(&network, 1), task, &training).unwrap();
        run.epoch(&cx, &()).unwrap();
        let before = allocations();
        run.epoch(&cx, &()).unwrap();
        allocations() - before
    };
    for method in [
        Semi::PseudoLabels(PseudoLabels { threshold: 0.5 }),
        Semi::MeanTeacher(MeanTeacher),
        Semi::Vat(Vat { epsilon: 1.0, xi: 1e-3, entropy: 0.5, align: 1.0 }),
        Semi::Ladder(LadderNetwork { noise: 0.3, costs: LadderCosts::full() }),
    ] {
        for augmented in [false, true] {
            // The first run makes the memory in which a thread packs products.
            of_second_epoch(&method, augmented);
            let counted = of_second_epoch(&method, augmented);
            // matrixmultiply, which the plain instruction set takes, allocates in each product.
            assert!(
                counted < 179 || matches!(cx.isa(), Isa::Plain(_)),
                "{method:?}, {augmented}: {counted}"
            );
        }
    }
}
