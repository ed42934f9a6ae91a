//! The frozen lowest part of a network, apart from the rest: its output for a sample is the same in
//! every pass, so it can be computed once and kept.

use super::{Network, PassMemory};
use crate::error::ensure;
use crate::network::layer::Pass;
use crate::{Context, Error, Params, Shape};
use std::ops::Range;

impl Network {
    /// The shape of a sample below the lowest trainable layer; `None` if that is the first layer,
    /// or nothing trains.
    ///
    /// The layers below it evaluate in every pass: dropout does nothing, batch norm uses its
    /// running statistics. So their output depends on the sample and their parameters alone.
    pub fn frozen_output(&self, params: &Params) -> Option<&Shape> {
        self.frozen_links(params).ok().map(|links| &self.chain.links[links.end].input)
    }

    /// The place of these layers' parameters in the slab; empty if there are none.
    pub fn frozen_params(&self, params: &Params) -> Range<usize> {
        self.frozen_links(params)
            .map_or(0..0, |links| 0..self.chain.links[links.end - 1].params.end)
    }

    /// The output of these layers for `x`: (batch, input). It has the same bits in any batch.
    ///
    /// # Errors
    /// If there are no such layers, or as in [`Network::forward`].
    pub fn forward_frozen<'a>(
        &self,
        cx: &Context,
        params: &Params,
        memory: &'a mut PassMemory,
        x: &[f32],
    ) -> Result<&'a [f32], Error> {
        let links = self.frozen_links(params)?;
        let top = links.end - 1;
        let batch = batch_of(self.input(), x, memory.max_batch())?;
        self.forward_links(cx, params, memory, links, batch, x, Pass::evaluate())?;
        // The network has no output.
        memory.last = None;
        Ok(&memory.values[self.chain.y_range(top, batch)])
    }

    /// Like [`Network::forward`], from the `codes` that [`Network::forward_frozen`] made of the
    /// samples, with the same bits. A backward pass may follow; it looks at no `x`.
    ///
    /// # Errors
    /// Like [`Network::forward_frozen`].
    pub fn forward_from_frozen<'a>(
        &self,
        cx: &Context,
        params: &Params,
        memory: &'a mut PassMemory,
        codes: &[f32],
        pass: Pass,
    ) -> Result<&'a [f32], Error> {
        let frozen = self.frozen_links(params)?;
        let (top, end) = (frozen.end - 1, self.chain.links.len());
        memory.check(&self.chain)?;
        let batch = batch_of(&self.chain.links[top].output, codes, memory.max_batch())?;
        memory.values[self.chain.y_range(top, batch)].copy_from_slice(codes);
        self.forward_links(cx, params, memory, frozen.end..end, batch, &[], pass)?;
        Ok(memory.output())
    }

    /// The links below the lowest trainable one.
    fn frozen_links(&self, params: &Params) -> Result<Range<usize>, Error> {
        match self.first_trainable(params) {
            end if end > 0 && end < self.chain.links.len() => Ok(0..end),
            _ => Err(Error::state("the network has no frozen layers below one that trains")),
        }
    }
}

/// The number of samples of that shape in `x`.
pub(super) fn batch_of(shape: &Shape, x: &[f32], max_batch: usize) -> Result<usize, Error> {
    let batch = x.len() / shape.len();
    ensure!(
        x.len() == batch * shape.len() && (1..=max_batch).contains(&batch),
        shape,
        "expected 1 to {max_batch} samples of {} values ({shape}), got {} values",
        shape.len(),
        x.len()
    );
    Ok(batch)
}
