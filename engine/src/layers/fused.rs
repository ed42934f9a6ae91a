//! The rectifier behind an op, which the op can take in.

use super::pointwise::gradient;
use super::{Relu, Relu6};
use crate::Context;
use crate::gemm::Rectifier;
use crate::network::layer::InferenceMap;

/// The rectifier that an op has taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fused(Rectifier);

impl Fused {
    /// True if there is one.
    pub fn is_there(self) -> bool {
        self.0.is_there()
    }

    /// The one that was taken in, or none.
    pub fn rectifier(self) -> Rectifier {
        self.0
    }

    /// Takes it in. `false` if there is one already.
    pub fn take(&mut self, rectifier: Rectifier) -> bool {
        let free = !self.is_there();
        if free {
            self.0 = rectifier;
        }
        free
    }

    /// The same by an op that can take in a ReLU alone.
    pub fn take_relu(&mut self, rectifier: Rectifier) -> bool {
        rectifier == Rectifier::Relu && self.take(rectifier)
    }

    /// The scratch values that [`Fused::gradient_before`] needs for `len` outputs.
    pub fn scratch_len(self, len: usize) -> usize {
        if self.is_there() { len } else { 0 }
    }

    /// The gradient in front of the rectifier, from the `y` and `dy` behind it: at the start of
    /// `scratch` if there is one, else `dy` itself; and the rest of the scratch.
    pub fn gradient_before<'a>(
        self,
        cx: &Context,
        y: &[f32],
        dy: &'a [f32],
        scratch: &'a mut [f32],
    ) -> (&'a [f32], &'a mut [f32]) {
        if !self.is_there() {
            return (dy, scratch);
        }
        let (dz, scratch) = scratch.split_at_mut(dy.len());
        // Its gradient follows from its output alone.
        match self.0 {
            Rectifier::Relu6 => gradient(Relu6, cx, y, y, dy, dz),
            _ => gradient(Relu, cx, y, y, dy, dz),
        }
        (dz, scratch)
    }

    /// The maps of an op, and this one behind them.
    pub fn behind(self, mut maps: Vec<InferenceMap<'_>>) -> Vec<InferenceMap<'_>> {
        maps.extend(self.is_there().then_some(InferenceMap::Rectify(self.0)));
        maps
    }
}
