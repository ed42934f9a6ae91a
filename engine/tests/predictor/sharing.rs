//! Threads: inside a prediction, and around it.

use super::support::{bits, isas};
use super::{chains, normal, params, predict};
use narrows_engine::predictor::{Precision, Workspace};
use narrows_engine::{Context, Predictor};

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for isa in isas() {
        for (name, builder) in chains(100, 64, 33) {
            let network = builder.build().unwrap();
            let params = params(&network);
            for precision in [Precision::F32, Precision::F16, Precision::Int8] {
                let predictor = Predictor::with_precision(&network, &params, precision).unwrap();
                for batch in [1, 13, 333, 1700] {
                    let x = normal(5, batch * 100);
                    let of = |threads| {
                        predict(&Context::with_isa(isa, threads).unwrap(), &predictor, &x)
                    };
                    let one = bits(&of(1));
                    for threads in [2, 3] {
                        let what = format!(
                            "{name}, {precision}, {batch} rows, {threads} on {}",
                            isa.name()
                        );
                        assert!(bits(&of(threads)) == one, "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn threads_share_a_predictor() {
    fn shared<T: Send + Sync>(_: &T) {}
    let (_, builder) = chains(100, 64, 33).swap_remove(4);
    let network = builder.build().unwrap();
    let predictor = Predictor::new(&network, &params(&network)).unwrap();
    shared(&predictor);
    let cx = Context::new(1).unwrap();
    let x = normal(6, 64 * 100);
    let want = predict(&cx, &predictor, &x);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (cx, predictor, x, want) = (&cx, &predictor, &x, &want);
            scope.spawn(move || {
                let mut workspace = Workspace::default();
                for row in (0..64).map(|i| (i * 7 + thread * 11) % 64) {
                    let mut y = [0.0; 33];
                    predictor.predict(cx, &mut workspace, &x[row * 100..][..100], &mut y).unwrap();
                    assert_eq!(bits(&y), bits(&want[row * 33..][..33]));
                }
            });
        }
    });
}

/// What one predictor and batch leave behind is nothing to the next.
#[test]
fn a_workspace_serves_any_predictor() {
    let cx = Context::new(2).unwrap();
    let mut workspace = Workspace::default();
    for [inputs, hidden, outputs] in [[100, 64, 33], [10, 17, 1], [33, 130, 64]] {
        for (name, builder) in chains(inputs, hidden, outputs) {
            let network = builder.build().unwrap();
            let predictor = Predictor::new(&network, &params(&network)).unwrap();
            for batch in [200, 1, 30] {
                let x = normal(7, batch * inputs);
                let mut y = vec![f32::NAN; batch * network.output().len()];
                predictor.predict(&cx, &mut workspace, &x, &mut y).unwrap();
                assert_eq!(bits(&y), bits(&predict(&cx, &predictor, &x)), "{name}");
            }
        }
    }
}
