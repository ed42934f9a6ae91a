//! A fused network computes what its layers would one by one: the same operations in the same
//! order, so the same bits.

use super::{bits, normal};
use narrows_engine::layers::{BatchNorm, Dropout, Linear, Relu, Sigmoid};
use narrows_engine::{Context, Gradients, Network, NetworkBuilder, Params, Pass, PassMemory};

/// Everything that fuses, dropout behind it, whose masks are keyed by its position, and dropout in
/// between that does nothing.
fn builder() -> NetworkBuilder {
    Network::builder(33)
        .section("encoder")
        .layer(Linear::new(50))
        .layer(Relu)
        .layer(Dropout { p: 0.3 })
        .layer(Linear::new(40).without_bias())
        .layer(BatchNorm::default())
        .layer(Relu)
        .layer(Dropout { p: 0.3 })
        .layer(Linear::new(9))
        .section("decoder")
        .layer(Relu)
        .layer(Relu)
        .layer(Linear::new(30))
        .layer(Dropout { p: 0.0 })
        .layer(Relu)
        .layer(Relu)
        .layer(BatchNorm::default())
        .layer(Sigmoid)
}

#[test]
fn fused_and_unfused_networks_agree_to_the_bit() {
    let fused = builder().build().unwrap();
    let unfused = builder().unfused().build().unwrap();
    // Fusing is seen in the plan: there is less to print.
    assert!(
        format!("{fused:?}").matches("position").count()
            < format!("{unfused:?}").matches("position").count()
    );

    let names = |network: &Network| -> Vec<_> {
        network.param_entries().iter().map(|e| (e.name.clone(), e.range.clone())).collect()
    };
    assert_eq!(names(&fused), names(&unfused));
    assert_eq!(bits(Params::new(&fused, 8).values()), bits(Params::new(&unfused, 8).values()));

    let params = super::params(&fused);
    let (x, dy) = (normal(1, 65 * 33), normal(2, 65 * 30));
    for isa in crate::support::isas() {
        let cx = Context::with_isa(isa, 1).unwrap();
        for pass in [Pass::train(1, 2), Pass::evaluate()] {
            let run = |network: &Network| {
                // The slabs' layouts are the same: these parameters serve both.
                let mut params = params.clone();
                let mut memory = PassMemory::new(network, 65).unwrap();
                let mut grads = vec![0.0; params.values().len()];
                let y = network.forward(&cx, &params, &mut memory, &x, pass).unwrap().to_vec();
                memory.output_and_gradient().1.copy_from_slice(&dy);
                network
                    .backward(&cx, &params, &mut memory, &x, Gradients::added_to(&mut grads))
                    .unwrap();
                network.update_statistics(&mut params, &memory);
                [bits(&y), bits(&grads), bits(params.values())]
            };
            let (fused, unfused) = (run(&fused), run(&unfused));
            for (i, what) in ["output", "gradients", "statistics"].iter().enumerate() {
                assert!(fused[i] == unfused[i], "{what} on {} in {pass:?}", isa.name());
            }
        }
    }
}

/// A section's output exists on its own: a classifier's head reads it.
#[test]
fn nothing_fuses_across_the_end_of_a_section() {
    let split = Network::builder(3)
        .section("a")
        .layer(Linear::new(2))
        .section("b")
        .layer(Relu)
        .build()
        .unwrap();
    let whole = Network::builder(3).section("a").layer(Linear::new(2)).layer(Relu).build().unwrap();
    let ops = |network: &Network| format!("{network:?}").matches("position").count();
    assert_eq!((ops(&split), ops(&whole)), (2, 1));
}
