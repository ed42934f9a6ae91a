//! A prediction allocates nothing: counted, in a process of its own.

#[path = "support/counting.rs"]
mod counting;
mod support;

use counting::allocations;
use narrows_engine::layers::{BatchNorm, Dropout, Gelu, Linear, Relu, Sigmoid};
use narrows_engine::predictor::{Precision, Workspace};
use narrows_engine::{Context, Network, Params, Predictor};

/// One test, so that no other allocates meanwhile.
#[test]
fn a_prediction_allocates_nothing_after_the_first() {
    let network = Network::builder(130)
        .layer(BatchNorm::default())
        .layer(Linear::new(300))
        .layer(BatchNorm::default())
        .layer(Relu)
        .layer(Dropout { p: 0.3 })
        .layer(Linear::new(200))
        .layer(Gelu)
        .layer(Linear::new(10))
        .layer(Sigmoid)
        .build()
        .unwrap();
    let params = Params::new(&network, 1);
    let x = vec![0.5; 500 * 130];
    let mut y = vec![0.0; 500 * 10];
    for isa in support::isas() {
        for threads in [1, 2, 3] {
            let cx = Context::with_isa(isa, threads).unwrap();
            for precision in [Precision::F32, Precision::F16, Precision::Int8] {
                let before = allocations();
                let predictor = Predictor::with_precision(&network, &params, precision).unwrap();
                let mut workspace = Workspace::default();
                predictor.predict(&cx, &mut workspace, &x, &mut y).unwrap();
                assert!(allocations() > before, "nothing is counted");
                let count = cx.install(|| {
                    let mut ten = || {
                        for rows in [500, 1, 2, 3, 17, 100, 499, 64, 1, 500] {
                            let (x, y) = (&x[..rows * 130], &mut y[..rows * 10]);
                            predictor.predict(&cx, &mut workspace, x, y).unwrap();
                        }
                    };
                    // Rayon's own queues grow at first.
                    ten();
                    // Threads of a pool that was dropped may still be ending, and allocate then.
                    let mut of_a_round = || {
                        let before = allocations();
                        ten();
                        allocations() - before
                    };
                    of_a_round().min(of_a_round())
                });
                assert_eq!(count, 0, "{precision} on {} with {threads} threads", isa.name());
                // A single row does not enter the threads, so not from outside either.
                let before = allocations();
                predictor.predict(&cx, &mut workspace, &x[..130], &mut y[..10]).unwrap();
                assert_eq!(allocations(), before, "a row alone");
            }
        }
    }
}
