//! Residual blocks: the sum of their branches, forward and backward, each dropout on its own.

use super::images::{BATCH, body, boxed, shortcut};
use super::{bits, normal, params, pass};
use narrows_engine::layers::{
    AvgPool2d, BatchNorm, Conv2d, Dropout, Elu, Linear, Relu, Residual, Tanh,
};
use narrows_engine::{Context, Layer, Network, NetworkBuilder, Params, Pass, PassMemory};

/// A network of the layers in a block alone, with the block's parameters.
fn alone(layers: Vec<Box<dyn Layer>>, of: &Params, prefix: &str) -> (Network, Params) {
    let network =
        layers.into_iter().fold(Network::builder([4, 3, 5]), |network, layer| network.boxed(layer));
    let network = network.build().unwrap();
    let mut params = Params::new(&network, 1);
    for entry in params.entries().to_vec() {
        let theirs =
            of.get(&entry.name.replace("layers", prefix)).expect("a parameter of the block");
        params.get_mut(&entry.name).unwrap().copy_from_slice(theirs);
    }
    (network, params)
}

#[test]
fn a_block_is_the_sum_of_its_branches() {
    let inner = || body().into_iter().filter(|layer| layer.name() != "dropout").collect::<Vec<_>>();
    let block = Residual::new(inner()).with_shortcut(shortcut());
    let block = Network::builder([4, 3, 5]).layer(block).layer(Relu).build().unwrap();
    let mut params = params(&block);
    let (x, dy) = (normal(1, BATCH * 60), normal(2, BATCH * 84));
    let branches =
        [alone(inner(), &params, "layers.0"), alone(shortcut(), &params, "layers.0.shortcut")];
    for kind in [Pass::train(1, 2), Pass::evaluate()] {
        let (y, grads) = pass(&block, &params, &x, &dy, kind);
        let outputs =
            branches.each_ref().map(|(network, params)| pass(network, params, &x, &dy, kind).0);
        let want: Vec<f32> =
            outputs[0].iter().zip(&outputs[1]).map(|(a, b)| (a + b).max(0.0)).collect();
        assert_eq!(bits(&y), bits(&want), "{kind:?}");
        let dz: Vec<f32> =
            y.iter().zip(&dy).map(|(y, dy)| if *y > 0.0 { *dy } else { 0.0 }).collect();
        for ((network, of_branch), prefix) in branches.iter().zip(["layers.0", "layers.0.shortcut"])
        {
            let (_, want) = pass(network, of_branch, &x, &dz, kind);
            for entry in of_branch.entries() {
                let range = params.range(&entry.name.replace("layers", prefix));
                assert_eq!(
                    bits(&grads[range]),
                    bits(&want[entry.range.clone()]),
                    "{} {kind:?}",
                    entry.name
                );
            }
        }
    }
    // The running statistics move as those of the branches.
    let cx = Context::new(1).unwrap();
    let update = |network: &Network, params: &mut Params| {
        let mut memory = PassMemory::new(network, BATCH).unwrap();
        network.forward(&cx, params, &mut memory, &x, Pass::train(1, 2)).unwrap();
        network.update_statistics(params, &memory);
    };
    update(&block, &mut params);
    for ((network, mut of_branch), prefix) in
        branches.into_iter().zip(["layers.0", "layers.0.shortcut"])
    {
        let before = of_branch.clone();
        update(&network, &mut of_branch);
        for entry in of_branch.entries() {
            let ours = params.get(&entry.name.replace("layers", prefix)).unwrap();
            let moved = of_branch.get(&entry.name).unwrap();
            assert_eq!(bits(ours), bits(moved), "{}", entry.name);
            assert_eq!(ours != before.get(&entry.name).unwrap(), entry.name.contains("running"));
        }
    }
}

/// In f32 the differences are right to about 1e-3: enough to notice any term that is missing.
#[test]
fn gradients_of_a_block_are_those_of_central_differences() {
    let inner = vec![
        boxed(Dropout { p: 0.2 }),
        boxed(Conv2d::new(6, 3).with_padding(1).without_bias()),
        boxed(BatchNorm::default()),
        boxed(Elu::default()),
        boxed(Residual::new(vec![
            boxed(Tanh),
            boxed(Dropout { p: 0.3 }),
            boxed(Conv2d::new(6, 1)),
        ])),
        boxed(Conv2d::new(7, 3).with_padding(1)),
    ];
    let network = Network::builder([4, 3, 5])
        .layer(Conv2d::new(4, 1))
        .layer(Residual::new(inner).with_shortcut(shortcut()))
        .layer(AvgPool2d::new(2).with_stride(1))
        .build()
        .unwrap();
    let params = params(&network);
    let (x, dy) = (normal(1, BATCH * 60), normal(2, BATCH * network.output().len()));
    let train = Pass::train(3, 4);
    let (_, grads) = pass(&network, &params, &x, &dy, train);
    let value = |params: &Params| -> f64 {
        let (y, _) = pass(&network, params, &x, &dy, train);
        y.iter().zip(&dy).map(|(y, dy)| f64::from(*y) * f64::from(*dy)).sum()
    };
    for (i, entry) in params.entries().iter().enumerate().filter(|(_, entry)| entry.trainable) {
        let direction = normal(100 + i as u64, entry.range.len());
        let nudged = |h: f32| {
            let mut params = params.clone();
            let values = &mut params.values_mut()[entry.range.clone()];
            values.iter_mut().zip(&direction).for_each(|(value, d)| *value += h * d);
            value(&params)
        };
        let h = 4e-3;
        let differences = (nudged(h) - nudged(-h)) / (2.0 * f64::from(h));
        let own = &grads[entry.range.clone()];
        let analytic: f64 =
            own.iter().zip(&direction).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
        let size = own.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        let error = (analytic - differences).abs();
        assert!(
            error < 5e-3 * size.max(1.0),
            "{}: {analytic}, by differences {differences}",
            entry.name
        );
    }
}

/// Blocks of ones, whose masks can be read off what comes out.
#[test]
fn each_dropout_in_a_block_has_a_stream_of_its_own() {
    const N: usize = 200;
    let dropout = || boxed(Dropout { p: 0.5 });
    // A linear layer that gives ones, as below the first layer that trains nothing is random.
    let start = || Network::builder(N).layer(Linear::new(N));
    let mask = |network: NetworkBuilder, step| -> Vec<bool> {
        let network = network.build().unwrap();
        let mut params = Params::new(&network, 1);
        for entry in network.param_entries() {
            let value = if entry.name.ends_with("weight") { 0.0 } else { 1.0 };
            params.get_mut(&entry.name).unwrap().fill(value);
        }
        let (y, _) = pass(&network, &params, &[1.0; N], &[1.0; N], Pass::train(1, step));
        assert!(y.iter().all(|y| [0.0, 1.0, 2.0, 3.0].contains(y) || *y > 2.5), "{y:?}");
        y.iter().map(|y| *y > 1.5).collect()
    };
    // The shortcut's 1, and 0 or 2 of the body.
    let first = mask(start().layer(Residual::new(vec![dropout()])), 0);
    let after_tanh = mask(start().layer(Residual::new(vec![boxed(Tanh), dropout()])), 0);
    let plain = mask(start().layer(Dropout { p: 0.5 }), 0);
    let nothing = || boxed(Dropout { p: 0.0 });
    let in_shortcut = Residual::new(vec![nothing(), nothing()]).with_shortcut(vec![dropout()]);
    let in_shortcut = mask(start().layer(in_shortcut), 0);
    let further_up =
        mask(start().layer(Dropout { p: 0.0 }).layer(Residual::new(vec![dropout()])), 0);
    let other_step = mask(start().layer(Residual::new(vec![dropout()])), 1);
    let all = [first, after_tanh, plain, in_shortcut, further_up, other_step];
    for (i, a) in all.iter().enumerate() {
        for b in &all[..i] {
            // Independent masks agree in half of the values, give or take five standard errors.
            let agree = a.iter().zip(b).filter(|(a, b)| a == b).count() as f64;
            assert!((agree - 100.0).abs() < 5.0 * 50f64.sqrt(), "mask {i}: {agree} of {N} agree");
        }
    }
    // Fusing does not change them: here the linear layer and the ReLU in front of it.
    let chain = || {
        let layers = vec![boxed(Linear::new(N)), boxed(Relu), dropout()];
        start().layer(Residual::new(layers))
    };
    assert_eq!(mask(chain(), 0), mask(chain().unfused(), 0));
}
