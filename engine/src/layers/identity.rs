//! A layer that does nothing, for its settings or by its nature.

use crate::Context;
use crate::network::layer::{Backward, Forward, InferenceMap, Op};

/// Passes its input on, in another shape of as many values or in the same one.
#[derive(Debug)]
pub(super) struct Identity;

impl Op for Identity {
    fn is_identity(&self) -> bool {
        true
    }

    fn forward(&self, _: &Context, io: Forward<'_>) -> f64 {
        io.y.copy_from_slice(io.x);
        0.0
    }

    fn backward(&self, _: &Context, io: Backward<'_>) {
        if let Some(dx) = io.dx {
            dx.copy_from_slice(io.dy);
        }
    }

    fn inference_maps<'a>(&self, _: &'a [f32]) -> Option<Vec<InferenceMap<'a>>> {
        Some(Vec::new())
    }
}
