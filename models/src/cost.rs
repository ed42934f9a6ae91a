//! The time of training, counted and not measured: it is the same on every machine and each time.
//!
//! ```text
//! a sample costs    its passes through the network
//!                   + its part of a step's update of the parameters
//!                   + the values between layers, which those without products read and write
//!                   + its augmentation
//! ```
//!
//! A usual core takes 85 billion multiply-adds a second. Others are up to twice as fast or as slow.

use narrows_engine::Network;

/// The multiply-adds of a second on one core of a usual machine.
const RATE: f64 = 8.5e10;
/// The update of a parameter by one step of an optimiser and a moving average, as multiply-adds:
/// it reads and writes memory.
const UPDATE: f64 = 60.0;
/// A value between layers in one pass, as multiply-adds: layers without products read and write it.
const ACTIVATION: f64 = 32.0;
/// A value of a sample's augmentation.
const VALUE: f64 = 400.0;
/// A forward and a backward pass, in forward passes.
pub const TRAINING: f64 = 3.0;

/// The seconds of one sample of a training with such batches, on one core of a usual machine.
/// `passes` counts forward passes; a pass backward is two.
pub fn seconds_per_sample(network: &Network, passes: f64, batch: usize) -> f64 {
    let summary = network.summary(1);
    let updates = UPDATE * summary.parameters as f64 / batch.max(1) as f64;
    let values = VALUE * network.input().len() as f64;
    let between = ACTIVATION * (summary.activation_bytes / size_of::<f32>()) as f64;
    (passes * (summary.macs as f64 + between) + updates + values) / RATE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, Model};

    /// 784-1200-1200-10, nine passes and a half: 3,230 samples a second were measured with AVX2
    /// and 5,230 with AVX-512 (README.md).
    #[test]
    fn the_count_is_within_a_factor_of_two_of_what_was_measured() {
        let architecture = Architecture {
            widths: vec![1200],
            latent: 1200,
            ..Architecture::new(Model::Dense, 784)
        };
        let network = architecture.classifier(10).unwrap();
        let rate = 1.0 / seconds_per_sample(&network, 9.5, 128);
        assert!((3_230.0 / 2.0..5_230.0).contains(&rate), "{rate}");
    }
}
