//! The frozen lowest part of a network, apart from the rest: what it makes of a sample is the same
//! in every pass, so it can be computed once and kept.

use super::{Activations, Network};
use crate::network::layer::{Mode, Pass};
use crate::{Context, Error, Params, Shape};
use std::ops::Range;

impl Network {
    /// The shape of what the layers below the lowest trainable one hand on to it; `None` if that is
    /// the first layer, or nothing trains.
    ///
    /// Those layers evaluate in every pass: dropout does nothing, batch norm uses its running
    /// statistics. So what they make of a sample depends on that sample and their parameters alone.
    pub fn frozen_output(&self, params: &Params) -> Option<&Shape> {
        self.frozen_ops(params).ok().map(|ops| &self.chain.ops[ops.end].input)
    }

    /// The parameters of those layers in the slab; empty if there are none.
    pub fn frozen_params(&self, params: &Params) -> Range<usize> {
        self.frozen_ops(params).map_or(0..0, |ops| 0..self.chain.ops[ops.end - 1].params.end)
    }

    /// What those layers make of `x`: (batch, input). It has the same bits in any batch.
    ///
    /// # Errors
    /// If there are no such layers, or if `x` is no whole number of samples or more than
    /// `activations` was planned for.
    pub fn forward_frozen<'a>(
        &self,
        cx: &Context,
        params: &Params,
        activations: &'a mut Activations,
        x: &[f32],
    ) -> Result<&'a [f32], Error> {
        let ops = self.frozen_ops(params)?;
        let top = ops.end - 1;
        activations.batch = batch_of(self.input(), x, activations.max_batch)?;
        activations.mode = Mode::Evaluate;
        self.forward_ops(cx, params, activations, ops, x, Pass::evaluate())?;
        Ok(&activations.values[activations.slots[top].y..]
            [..activations.batch * self.chain.ops[top].output.len()])
    }

    /// As [`Network::forward`] on the samples of which [`Network::forward_frozen`] made `codes`,
    /// with the same bits. A backward pass may follow; it looks at no `x`.
    ///
    /// # Errors
    /// As [`Network::forward_frozen`], or if the batch is too small to train on.
    pub fn forward_from_frozen<'a>(
        &self,
        cx: &Context,
        params: &Params,
        activations: &'a mut Activations,
        codes: &[f32],
        pass: Pass,
    ) -> Result<&'a [f32], Error> {
        let frozen = self.frozen_ops(params)?;
        let top = frozen.end - 1;
        activations.batch = batch_of(&self.chain.ops[top].output, codes, activations.max_batch)?;
        activations.mode = Mode::Evaluate;
        activations.values[activations.slots[top].y..][..codes.len()].copy_from_slice(codes);
        self.forward_ops(cx, params, activations, frozen.end..self.chain.ops.len(), &[], pass)?;
        activations.mode = pass.mode;
        Ok(activations.output())
    }

    /// The ops below the lowest trainable one.
    fn frozen_ops(&self, params: &Params) -> Result<Range<usize>, Error> {
        match self.first_trainable(params) {
            end if end > 0 && end < self.chain.ops.len() => Ok(0..end),
            _ => Err(Error::new("the network has no frozen layers below one that trains")),
        }
    }
}

/// The number of samples of that shape in `x`.
pub(super) fn batch_of(shape: &Shape, x: &[f32], max_batch: usize) -> Result<usize, Error> {
    let batch = x.len() / shape.len();
    if x.len() != batch * shape.len() || batch == 0 || batch > max_batch {
        return Err(Error::new(format!(
            "expected 1 to {max_batch} samples of {} values ({shape}), got {} values",
            shape.len(),
            x.len()
        )));
    }
    Ok(batch)
}
