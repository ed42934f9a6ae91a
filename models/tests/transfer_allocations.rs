//! Averages, mixtures and a pull allocate nothing in a step: counted, in a process of its own.

#[path = "../../engine/tests/support/counting.rs"]
mod counting;
mod support;

use counting::allocations;
use narrows_datasets::{Dataset, Rows};
use narrows_engine::{Context, Isa, Loss, Params};
use narrows_models::{Goal, Run, Task, Training, Transfer};
use support::{all, architecture, training};

/// One test, so that no other allocates meanwhile. An epoch has 90 steps.
#[test]
fn the_steps_of_an_epoch_allocate_nothing() {
    let digits = Dataset::digits();
    let (rows, cx) = (all(&digits), Context::new(1).unwrap());
    let network = architecture().classifier(10).unwrap();
    let pretrained = Params::new(&architecture().autoencoder().unwrap(), 1);
    let (train, validation) = (Rows::Listed(&rows[..]), Rows::Listed(&[]));
    let task = Task { data: &digits, train, validation, goal: Goal::Classify };
    let of_second_epoch = |settings: &Training| {
        let mut run =
            Run::new("counted", &network, Params::new(&network, 1), task, settings).unwrap();
        Transfer::Full.pull_to_pretrained(&mut run, &pretrained).unwrap();
        run.epoch(&cx, &()).unwrap();
        let before = allocations();
        run.epoch(&cx, &()).unwrap();
        allocations() - before
    };
    let plain = training(Loss::cross_entropy());
    let all = Training { ema: 0.9, mixup: 0.4, l2_sp: 1.0, ..plain.clone() };
    // The first runs make the memory in which a thread packs products.
    of_second_epoch(&plain);
    of_second_epoch(&all);
    let (without, with) = (of_second_epoch(&plain), of_second_epoch(&all));
    // matrixmultiply, which the plain instruction set takes, allocates in each product.
    assert!(without < 10 || matches!(cx.isa(), Isa::Plain(_)), "without: {without}");
    assert!(with < without + 10, "{with}, and {without} without");
}
