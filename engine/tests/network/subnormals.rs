//! Numbers too small for a float's full precision, which some processors are slow with.

use super::params;
use crate::support::{isas, normal, single};
use narrows_engine::layers::{
    BatchNorm, Conv2d, ConvTranspose2d, Linear, Relu, Sigmoid, Unflatten,
};
use narrows_engine::{Loss, Network, Target, Trainer, TrainerSettings};
use std::time::Instant;

const BATCH: usize = 64;
/// A step may take longer by this factor.
const MOST: f64 = 1.5;

fn dense() -> Network {
    let network = Network::builder(784).layer(Linear::new(256)).layer(Relu);
    let network = network.layer(Linear::new(32)).layer(Relu).layer(Linear::new(256)).layer(Relu);
    network.layer(Linear::new(784)).layer(Sigmoid).build().unwrap()
}

fn convolutional() -> Network {
    let conv = |channels| Conv2d::new(channels, 3).with_padding(1).with_stride(2);
    let back = |channels| {
        ConvTranspose2d::new(channels, 3).with_stride(2).with_padding(1).with_output_padding(1)
    };
    let network = Network::builder([28, 28, 1]).layer(conv(16)).layer(Relu);
    let network = network.layer(conv(32)).layer(BatchNorm::default()).layer(Relu);
    let network = network.layer(Linear::new(32)).layer(Linear::new(7 * 7 * 32)).layer(Relu);
    let network = network.layer(Unflatten::new([7, 7, 32])).layer(back(16)).layer(Relu);
    network.layer(back(1)).layer(Sigmoid).build().unwrap()
}

/// The shortest of some steps, in seconds.
fn shortest(trainer: &mut Trainer, x: &[f32], target: &[f32], cx: &narrows_engine::Context) -> f64 {
    let seconds = (0..4).map(|_| {
        let start = Instant::now();
        // The parameters stay as they are.
        trainer.step(cx, x, Target::Values(target), 1e-42).unwrap();
        start.elapsed().as_secs_f64()
    });
    seconds.fold(f64::INFINITY, f64::min)
}

/// Samples, weights and products of both below 1.2e-38, beside ordinary ones.
#[test]
#[ignore = "measures time: on an idle machine, by cargo test subnormals -- --ignored --nocapture"]
fn subnormal_numbers_do_not_slow_a_step() {
    for (name, network) in [("dense", dense()), ("convolutional", convolutional())] {
        let target: Vec<f32> = normal(2, BATCH * 784).iter().map(|x| x.abs().min(1.0)).collect();
        let trainer = |scale: f32| {
            let mut params = params(&network);
            params.values_mut().iter_mut().for_each(|w| *w *= scale);
            Trainer::new(&network, params, TrainerSettings::new(Loss::L2, BATCH)).unwrap()
        };
        let samples =
            |scale: f32| normal(1, BATCH * 784).iter().map(|x| x * scale).collect::<Vec<_>>();
        for isa in isas() {
            let cx = single(isa);
            let cases = [
                ("samples", 1e-39, 1.0),
                ("weights", 1.0, 1e-39),
                ("products", 1e-20, 1e-20),
                ("small products", 1e-18, 1e-12),
            ];
            for (what, of_samples, of_weights) in cases {
                let mut plain = trainer(1.0);
                let mut small = trainer(of_weights);
                let (x, tiny) = (samples(1.0), samples(of_samples));
                let (mut usual, mut slow) = (f64::INFINITY, f64::INFINITY);
                for round in 0..60 {
                    // Other work may halve the speed of either for a while.
                    if round >= 5 && slow <= MOST * usual {
                        break;
                    }
                    usual = usual.min(shortest(&mut plain, &x, &target, &cx));
                    slow = slow.min(shortest(&mut small, &tiny, &target, &cx));
                }
                // Still: the steps have not moved them to ordinary sizes.
                let weights = small.params.values().iter().filter(|w| w.is_subnormal()).count();
                assert!(of_weights != 1e-39 || weights * 2 > small.params.values().len());
                let factor = slow / usual;
                println!("{name} {isa:?} {what}: {factor:.2} of {:.2} ms", usual * 1e3);
                assert!(factor <= MOST, "{name}, {isa:?}, {what}: {factor:.2} times as long");
            }
        }
    }
}
