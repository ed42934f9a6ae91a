//! A chain of planned layers: a network is one, and a block of layers within it has two.

use crate::hardware::memory::padded;
use crate::network::layer::{Backward, Forward, Layer, Pass};
use crate::network::params::{ParamEntry, Role};
use crate::shape::MAX_VALUES;
use crate::{Context, Error, Shape};
use std::fmt::Display;
use std::ops::Range;
use std::sync::Arc;

/// Planned layers, each of which takes what the one before it gives.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) input: Shape,
    /// That of the last op, unless a layer that does nothing but give it another shape follows.
    pub(crate) output: Shape,
    pub(crate) ops: Vec<Op>,
    /// The parameters of all ops.
    pub(crate) entries: Vec<ParamEntry>,
    /// Whether layers are fused.
    fuse: bool,
    /// Whether each layer's parameters start on a cache line, or where those of the layer before it
    /// end.
    on_lines: bool,
}

/// A planned layer, possibly the fusion of several.
#[derive(Debug)]
pub(crate) struct Op {
    /// `encoder.0`, the name of its first layer.
    pub(crate) name: String,
    /// Shared with the predictors made from the network.
    pub(crate) layer: Arc<dyn Layer>,
    /// The position of its first layer, which keys its random numbers: fusing changes none of them.
    pub(crate) position: u64,
    pub(crate) input: Shape,
    pub(crate) output: Shape,
    /// Its entries among the chain's.
    pub(crate) entries: Range<usize>,
    /// Its parameters in the slab.
    pub(crate) params: Range<usize>,
}

/// Where an op's values begin in the memory of a pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots {
    pub(crate) y: usize,
    pub(crate) saved: usize,
}

/// What an op works on in either direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) cx: &'a Context,
    pub(crate) pass: Pass,
    /// Keys the random numbers of the op.
    pub(crate) position: u64,
    pub(crate) batch: usize,
    /// The parameters of the chain.
    pub(crate) params: &'a [f32],
    /// x: (batch, input) of the chain
    pub(crate) x: &'a [f32],
    /// Where the y of the op below begins, if there is one.
    pub(crate) below: usize,
    pub(crate) own: Slots,
}

/// The gradients of an op's backward pass, as in [`Backward`].
#[derive(Debug)]
pub(crate) struct Gradients<'a> {
    pub(crate) dy: &'a [f32],
    pub(crate) dx: Option<&'a mut [f32]>,
    /// Those of the op's own parameters.
    pub(crate) grads: Option<&'a mut [f32]>,
    pub(crate) accumulate: bool,
}

impl Chain {
    /// A chain without layers.
    pub(crate) fn new(input: Shape, fuse: bool, on_lines: bool) -> Chain {
        Chain { output: input.clone(), input, ops: Vec::new(), entries: Vec::new(), fuse, on_lines }
    }

    /// Adds a layer. Only if it `may_join` the op before it is it fused with that one.
    ///
    /// # Errors
    /// If the layer cannot take its input or is set up wrongly; the message names it.
    pub(crate) fn push(
        &mut self,
        name: String,
        position: u64,
        layer: Arc<dyn Layer>,
        may_join: bool,
    ) -> Result<(), Error> {
        if self.fuse
            && may_join
            && let Some(last) = self.ops.last_mut()
            && let Some(fused) = last.layer.fuse(&*layer)
        {
            last.layer = fused.into();
            return Ok(());
        }
        let kind = layer.name();
        let error = |e: &dyn Display| Error::new(format!("layer {name} ({kind}): {e}"));
        // A block names the layer in it that is wrong.
        let layer = layer.plan(&name, &self.output, self.fuse)?.map_or(layer, Arc::from);
        let output = layer.output_shape(&self.output).map_err(|e| error(&e))?;
        if output.checked_len().is_none_or(|len| len > MAX_VALUES) {
            let what = format!(
                "the output {output} is too large: a sample has at most {MAX_VALUES} values"
            );
            return Err(error(&what));
        }
        let input = std::mem::replace(&mut self.output, output.clone());
        if layer.is_identity() {
            return Ok(());
        }
        let end = self.params_len();
        let start = if self.on_lines { padded(end) } else { end };
        let (first_entry, mut end) = (self.entries.len(), start);
        for spec in layer.params(&input) {
            let len = spec.shape.iter().try_fold(1usize, |len, &n| len.checked_mul(n));
            let range = match len.and_then(|len| end.checked_add(len)) {
                Some(after) if after <= MAX_VALUES => end..after,
                _ => {
                    return Err(error(&format!(
                        "{} of shape {:?} is too large: a network has at most {MAX_VALUES} \
                         parameters",
                        spec.name, spec.shape
                    )));
                }
            };
            end = range.end;
            let trainable = spec.role != Role::Statistic;
            let name = format!("{name}.{}", spec.name);
            self.entries.push(ParamEntry { name, spec, range, trainable, lr_factor: 1.0 });
        }
        let entries = first_entry..self.entries.len();
        self.ops.push(Op { name, layer, position, input, output, entries, params: start..end });
        Ok(())
    }

    /// The length of the slab of parameters.
    pub(crate) fn params_len(&self) -> usize {
        self.entries.last().map_or(0, |e| e.range.end)
    }

    /// Where the values of each op begin in a pass over so many samples.
    pub(crate) fn slots(&self, batch: usize) -> impl Iterator<Item = Slots> {
        let mut end = 0;
        self.ops.iter().map(move |op| {
            let y = end;
            let saved = y + padded(batch * op.output.len());
            end = saved + padded(op.layer.saved_len(batch, &op.input));
            Slots { y, saved }
        })
    }

    /// The values of a pass: what each op gives and saves.
    pub(crate) fn values_len(&self, batch: usize) -> usize {
        let len = |op: &Op| {
            padded(batch * op.output.len()) + padded(op.layer.saved_len(batch, &op.input))
        };
        self.ops.iter().map(len).sum()
    }

    /// The scratch values that suffice for each op.
    pub(crate) fn scratch_len(&self, batch: usize) -> usize {
        self.ops.iter().map(|op| op.layer.scratch_len(batch, &op.input)).max().unwrap_or(0)
    }

    /// Runs op `i` forward.
    pub(crate) fn forward_op(
        &self,
        i: usize,
        step: Step<'_>,
        values: &mut [f32],
        scratch: &mut [f32],
    ) {
        let (op, Step { batch, own, .. }) = (&self.ops[i], step);
        let (before, after) = values.split_at_mut(own.y);
        let (y, saved) = after.split_at_mut(own.saved - own.y);
        op.layer.forward(
            step.cx,
            Forward {
                pass: step.pass,
                position: step.position,
                batch,
                input: &op.input,
                x: if i == 0 { step.x } else { &before[step.below..][..batch * op.input.len()] },
                y: &mut y[..batch * op.output.len()],
                params: &step.params[op.params.clone()],
                saved: &mut saved[..op.layer.saved_len(batch, &op.input)],
                scratch,
            },
        );
    }

    /// Runs op `i` backward, after a forward pass that left `values`.
    pub(crate) fn backward_op(
        &self,
        i: usize,
        step: Step<'_>,
        gradients: Gradients<'_>,
        values: &[f32],
        scratch: &mut [f32],
    ) {
        let (op, Step { batch, own, .. }) = (&self.ops[i], step);
        op.layer.backward(
            step.cx,
            Backward {
                pass: step.pass,
                position: step.position,
                batch,
                input: &op.input,
                x: if i == 0 { step.x } else { &values[step.below..][..batch * op.input.len()] },
                y: &values[own.y..][..batch * op.output.len()],
                dy: gradients.dy,
                dx: gradients.dx,
                params: &step.params[op.params.clone()],
                grads: gradients.grads,
                accumulate: gradients.accumulate,
                saved: &values[own.saved..][..op.layer.saved_len(batch, &op.input)],
                scratch,
            },
        );
    }
}
