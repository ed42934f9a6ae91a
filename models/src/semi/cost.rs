//! The length of a semi-supervised training for a time: counted, not measured, so that it is the
//! same on every machine and each time.
//!
//! ```text
//! a sample without a label costs    its passes                        by the method
//!                                   + its part of a step's labelled samples
//!                                   + its part of the update of the parameters
//!                                   + its augmentation
//! ```
//!
//! A usual core takes [`RATE`] multiply-adds a second. Others are up to twice as fast or as slow.

use super::{Semi, SemiTraining};
use narrows_engine::Network;

/// The multiply-adds of a second on one core of a usual machine.
const RATE: f64 = 5e10;
/// The updates of a parameter by one step of an optimiser and a moving average, as multiply-adds:
/// they read and write memory.
const UPDATE: f64 = 60.0;
/// The way of a value through augmentation and the layers without products, as multiply-adds.
const VALUE: f64 = 400.0;
/// A forward and a backward pass.
const BOTH: f64 = 3.0;

impl SemiTraining {
    /// The seconds of one sample without a label in the training of `network`, on one core of a
    /// usual machine.
    pub fn seconds_per_sample(&self, network: &Network) -> f64 {
        let summary = network.summary(1);
        let passes = match &self.method {
            // Forward; forward and backward of the strongly augmented.
            Semi::PseudoLabels(_) => 1.0 + BOTH,
            // And forward of the average.
            Semi::MeanTeacher(_) => 2.0 + BOTH,
            // Forward, backward for the entropy; forward and the way back to the input; forward and
            // backward of what was moved.
            Semi::Vat(vat) => {
                let beside = if vat.entropy > 0.0 || vat.align > 0.0 { 2.0 } else { 0.0 };
                1.0 + beside + 2.0 + BOTH
            }
            // Both encoders and the decoder, forward and backward.
            Semi::Ladder(_) => 3.0 * BOTH,
        };
        let labelled = BOTH * self.labelled_batch as f64 / self.batch as f64;
        let updates = UPDATE * summary.parameters as f64 / self.batch as f64;
        let values = VALUE * network.input().len() as f64;
        ((passes + labelled) * summary.macs as f64 + updates + values) / RATE
    }
}
