//! The ReLU behind an op, which the op can take in.

use super::Relu;
use super::pointwise::gradient;
use crate::Context;
use crate::network::layer::InferenceMap;

/// True once an op has taken in the ReLU behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FusedRelu(bool);

impl FusedRelu {
    /// True if there is one.
    pub fn is_there(self) -> bool {
        self.0
    }

    /// Takes a ReLU in. `false` if there is one already.
    pub fn take(&mut self) -> bool {
        !std::mem::replace(&mut self.0, true)
    }

    /// The scratch values that [`FusedRelu::gradient_before_relu`] needs for `len` outputs.
    pub fn scratch_len(self, len: usize) -> usize {
        if self.0 { len } else { 0 }
    }

    /// The gradient in front of the ReLU, from the `y` and `dy` behind it: at the start of
    /// `scratch` if there is one, else `dy` itself; and the rest of the scratch.
    pub fn gradient_before_relu<'a>(
        self,
        cx: &Context,
        y: &[f32],
        dy: &'a [f32],
        scratch: &'a mut [f32],
    ) -> (&'a [f32], &'a mut [f32]) {
        if !self.0 {
            return (dy, scratch);
        }
        let (dz, scratch) = scratch.split_at_mut(dy.len());
        // The gradient of a ReLU follows from its output alone.
        gradient(Relu, cx, y, y, dy, dz);
        (dz, scratch)
    }

    /// The maps of an op, and this one behind them.
    pub fn behind(self, mut maps: Vec<InferenceMap<'_>>) -> Vec<InferenceMap<'_>> {
        maps.extend(self.0.then_some(InferenceMap::Relu));
        maps
    }
}
