//! The backward pass of a network.

use super::{Downward, Learner, Link, Network, PassMemory, Run};
use crate::error::ensure;
use crate::{Context, Error, Params};
use std::ops::Range;

/// The gradients that a backward pass is asked for.
#[derive(Debug, Default)]
#[must_use = "give them to Network::backward"]
pub struct Gradients<'a> {
    /// The gradients of the parameters, as long as [`Params::values`]. A frozen parameter gets
    /// none: its gradient is 0 where the rest of its layer trains, and left alone where it does
    /// not.
    pub params: Option<&'a mut [f32]>,
    /// True if these are added to the values that are there; else they overwrite them.
    pub accumulate: bool,
    /// The gradient of the input: (batch, input), overwritten. Frozen layers change nothing in it.
    pub input: Option<&'a mut [f32]>,
}

impl<'a> Gradients<'a> {
    /// Gradients of the parameters that overwrite `grads`.
    pub fn overwriting(grads: &'a mut [f32]) -> Gradients<'a> {
        Gradients { params: Some(grads), ..Gradients::default() }
    }

    /// Gradients of the parameters that are added to `grads`.
    pub fn added_to(grads: &'a mut [f32]) -> Gradients<'a> {
        Gradients { params: Some(grads), accumulate: true, input: None }
    }

    /// The gradient of the input alone, which overwrites `dx`.
    pub fn of_input(dx: &'a mut [f32]) -> Gradients<'a> {
        Gradients { input: Some(dx), ..Gradients::default() }
    }
}

impl Network {
    /// Computes gradients after the forward pass of `x`, given the gradient of the output in
    /// [`PassMemory::output_and_gradient`]. It is used up: a second backward pass needs it anew.
    ///
    /// Nothing is computed below the lowest trainable layer, but for the gradient of the input.
    ///
    /// # Errors
    /// If there is no gradient of the output for the last forward pass, if a slice has the wrong
    /// length, if the gradient of the input is asked for after
    /// [`Network::forward_from_frozen`], or if `params` or `memory` are those of another network.
    pub fn backward(
        &self,
        cx: &Context,
        params: &Params,
        memory: &mut PassMemory,
        x: &[f32],
        gradients: Gradients<'_>,
    ) -> Result<(), Error> {
        let Gradients { params: grads, accumulate, input } = gradients;
        self.check_params(params)?;
        let most = params.values().len();
        let len = grads.as_ref().map_or(most, |grads| grads.len());
        ensure!(
            len == most,
            shape,
            "expected {most} gradients, one for each value of the parameters, got {len}"
        );
        let lowest = self.first_trainable(params);
        self.descend(cx, memory, x, (lowest, input, accumulate), &mut Whole { params, grads })
    }

    /// Calls `update` with each layer's range of the parameters and its gradients, as soon as these
    /// are there: the pass looks at those parameters no more, so they may change, and the gradients
    /// are still in the cache.
    ///
    /// All layers share one memory for their gradients, the beginning of `grads`, which has at
    /// least the length of the longest layer. Its content afterwards means nothing.
    pub(crate) fn backward_updating(
        &self,
        cx: &Context,
        params: &mut Params,
        memory: &mut PassMemory,
        x: &[f32],
        grads: &mut [f32],
        update: impl FnMut(&mut Params, Range<usize>, &[f32]),
    ) -> Result<(), Error> {
        let lowest = self.first_trainable(params);
        self.descend(cx, memory, x, (lowest, None, false), &mut AtOnce { params, grads, update })
    }

    /// Goes down to the `lowest` link that trains, or to the input if its gradient is asked for.
    fn descend(
        &self,
        cx: &Context,
        memory: &mut PassMemory,
        x: &[f32],
        (lowest, dx, accumulate): (usize, Option<&mut [f32]>, bool),
        learner: &mut impl Learner,
    ) -> Result<(), Error> {
        memory.check(&self.chain)?;
        let Some(last) = memory.last.as_mut().filter(|last| last.gradient) else {
            return Err(Error::state(
                "a backward pass needs the gradient of the output: write it where \
                 `output_and_gradient` says, after each forward pass and for each backward pass",
            ));
        };
        let lowest = if dx.is_some() { 0 } else { lowest };
        ensure!(
            lowest >= last.first,
            state,
            "the forward pass began at layer {}, so no backward pass can reach layer {}",
            self.chain.links[last.first].name,
            self.chain.links[lowest].name
        );
        let (batch, len) = (last.batch, last.batch * self.input().len());
        let dx_len = dx.as_ref().map_or(len, |dx| dx.len());
        for (what, got) in [("x", x.len()), ("the gradient of x", dx_len)] {
            ensure!(
                lowest > 0 || got == len,
                shape,
                "the forward pass was of {batch} samples of {} values, {len} in all: expected as \
                 many in {what}, got {got}",
                self.input().len()
            );
        }
        last.gradient = false;
        let run = Run { cx, pass: last.pass, modes: &memory.modes, block: None, batch, x };
        let [dy, other] = &mut memory.gradients;
        let down = Downward {
            links: lowest..self.chain.links.len(),
            values: &memory.values,
            dy: None,
            dx,
            buffers: [dy, other],
            scratch: &mut memory.scratch,
            accumulate,
        };
        self.chain.backward(run, down, learner);
        Ok(())
    }
}

/// All gradients at once, if any are asked for.
struct Whole<'a> {
    params: &'a Params,
    grads: Option<&'a mut [f32]>,
}

impl Learner for Whole<'_> {
    fn params(&mut self, link: &Link) -> (&[f32], Option<&mut [f32]>) {
        let own = link.params.clone();
        let grads = self.grads.as_deref_mut().filter(|_| !link.frozen(self.params));
        (&self.params.values()[own.clone()], grads.map(|grads| &mut grads[own]))
    }

    fn learn(&mut self, link: &Link) {
        if let Some(grads) = self.grads.as_deref_mut() {
            clear_frozen(self.params, link, &mut grads[link.params.clone()]);
        }
    }
}

/// Each layer's gradients are used up before the next one's are computed.
struct AtOnce<'a, F> {
    params: &'a mut Params,
    grads: &'a mut [f32],
    update: F,
}

impl<F: FnMut(&mut Params, Range<usize>, &[f32])> Learner for AtOnce<'_, F> {
    fn params(&mut self, link: &Link) -> (&[f32], Option<&mut [f32]>) {
        let own = &self.params.values()[link.params.clone()];
        let trains = !link.frozen(self.params);
        (own, trains.then_some(&mut self.grads[..link.params.len()]))
    }

    fn learn(&mut self, link: &Link) {
        if !link.params.is_empty() && !link.frozen(self.params) {
            let grads = &mut self.grads[..link.params.len()];
            clear_frozen(self.params, link, grads);
            (self.update)(self.params, link.params.clone(), grads);
        }
    }
}

/// Sets the gradients of frozen parameters to 0 where others of their layer train: the layer knows
/// no parameter apart from the others.
fn clear_frozen(params: &Params, link: &Link, grads: &mut [f32]) {
    if link.frozen(params) {
        return;
    }
    for entry in params.entries()[link.entries.clone()].iter().filter(|e| !e.trainable) {
        grads[entry.range.start - link.params.start..entry.range.end - link.params.start].fill(0.0);
    }
}
