//! A fused network computes what its layers would one by one: the same operations in the same
//! order, so the same bits.

use super::{assert_fusing_keeps_bits, bits, operations};
use narrows_engine::layers::{BatchNorm, Dropout, Linear, Relu, Sigmoid};
use narrows_engine::{Network, NetworkBuilder, Params};

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
    assert!(operations(&fused) < operations(&unfused));
    let names = |network: &Network| -> Vec<_> {
        network.param_entries().iter().map(|e| (e.name.clone(), e.range.clone())).collect()
    };
    assert_eq!(names(&fused), names(&unfused));
    assert_eq!(bits(Params::new(&fused, 8).values()), bits(Params::new(&unfused, 8).values()));

    assert_fusing_keeps_bits(builder, 65, 65, &[1]);
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
