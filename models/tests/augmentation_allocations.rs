//! Augmenting allocates nothing: counted, in a process of its own.

#[path = "../../engine/tests/support/counting.rs"]
mod counting;
mod support;

use counting::allocations;
use narrows_datasets::{Augmentation, Dataset, Rows};
use narrows_engine::{Context, Isa, Loss, Params};
use narrows_models::{Goal, Run, Task, Training};
use support::{all, architecture, training};

/// One test, so that no other allocates meanwhile. An epoch allocates a few times, for its record
/// and where a thread's memory for products grows, but not in its 90 steps.
#[test]
fn the_steps_of_an_augmented_epoch_allocate_nothing() {
    let digits = Dataset::digits();
    let (rows, cx) = (all(&digits), Context::new(1).unwrap());
    let augmentation = Augmentation {
        rotate: 15.0,
        scale: 0.1,
        shear: 5.0,
        crop: 1,
        shift: 1,
        flip: 0.5,
        brightness: 0.2,
        contrast: 0.2,
        gaussian: 0.1,
        mask: 0.2,
        patch: 4,
        salt: 0.1,
        cutout: 3,
    };
    for goal in [Goal::Reconstruct, Goal::Classify] {
        let (network, loss) = match goal {
            Goal::Reconstruct => (architecture().autoencoder().unwrap(), Loss::L2),
            Goal::Classify => (architecture().classifier(10).unwrap(), Loss::cross_entropy()),
        };
        let task =
            Task { data: &digits, train: Rows::Listed(&rows), validation: Rows::Listed(&[]), goal };
        let of_second_epoch = |augmentation| {
            let settings = Training { augmentation, ..training(loss.clone()) };
            let mut run =
                Run::new("counted", &network, Params::new(&network, 1), task, &settings).unwrap();
            run.epoch(&cx, &()).unwrap();
            let before = allocations();
            run.epoch(&cx, &()).unwrap();
            allocations() - before
        };
        // The first runs make the memory in which a thread packs products.
        of_second_epoch(Augmentation::default());
        of_second_epoch(augmentation);
        let plain = of_second_epoch(Augmentation::default());
        let augmented = of_second_epoch(augmentation);
        // matrixmultiply, which the plain instruction set takes, allocates in each product.
        assert!(
            plain < 10 || matches!(cx.isa(), Isa::Plain(_)),
            "{goal:?} without augmentation: {plain}"
        );
        assert!(augmented < plain + 10, "{goal:?}: {augmented}, and {plain} without augmentation");
    }
}
