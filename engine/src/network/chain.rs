//! A chain of planned layers: a network is one, and a block of layers within it has two.
//!
//! The loops over ops stand here, forward and backward, for networks and blocks alike. The memory
//! of a pass holds one link after another: its y, then the values that its op saves, each from a
//! cache line on.

use crate::hardware::memory::padded;
use crate::network::layer::{
    Backward, Forward, InferenceMap, Layer, Mode, Normalise, Op, Pass, Planned, named,
};
use crate::network::params::ParamEntry;
use crate::shape::MAX_VALUES;
use crate::{Context, Error, Shape};
use std::ops::Range;
use std::sync::Arc;

/// Planned layers, each of which takes the output of the one before.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) input: Shape,
    /// The output of the last op, or its shape after a layer that does nothing but reshape.
    pub(crate) output: Shape,
    pub(crate) links: Vec<Link>,
    /// The parameters of all ops.
    pub(crate) entries: Vec<ParamEntry>,
    /// True if layers are fused.
    fuse: bool,
    /// True if each layer's parameters start on a cache line, not at the end of the layer before.
    on_lines: bool,
}

/// A planned layer in its place, possibly the fusion of several.
#[derive(Debug)]
pub(crate) struct Link {
    /// `encoder.0`, the name of its first layer.
    pub(crate) name: String,
    /// `linear + relu`
    pub(crate) kind: String,
    /// Shared with the predictors made from the network.
    pub(crate) op: Arc<dyn Op>,
    /// The position of its first layer, which keys its random numbers: fusing changes none of them.
    pub(crate) position: u64,
    pub(crate) input: Shape,
    pub(crate) output: Shape,
    /// Its entries among the chain's.
    pub(crate) entries: Range<usize>,
    /// Its parameters in the slab.
    pub(crate) params: Range<usize>,
}

/// A pass over a chain, in either direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    pub(crate) cx: &'a Context,
    pub(crate) pass: Pass,
    /// The mode of each link; empty where all have that of the pass.
    pub(crate) modes: &'a [Mode],
    /// The position of the block whose chain this is.
    pub(crate) block: Option<u64>,
    pub(crate) batch: usize,
    /// x: (batch, input) of the chain
    pub(crate) x: &'a [f32],
}

/// The slices of a pass down a chain.
#[derive(Debug)]
pub(crate) struct Downward<'a> {
    /// The links that it goes through, from the highest to the lowest.
    pub(crate) links: Range<usize>,
    /// The values that the forward pass left.
    pub(crate) values: &'a [f32],
    /// dy: (batch, output) of the chain; `None` if it is the beginning of the first buffer.
    pub(crate) dy: Option<&'a [f32]>,
    /// dx of the lowest link; `None` if nobody needs it.
    pub(crate) dx: Option<&'a mut [f32]>,
    /// Gradients on their way down, in turns.
    pub(crate) buffers: [&'a mut [f32]; 2],
    pub(crate) scratch: &'a mut [f32],
    /// True if the parameters' gradients are added to the values that are there.
    pub(crate) accumulate: bool,
}

/// The owner of the parameters in a backward pass.
pub(crate) trait Learner {
    /// The parameters of a link, and the place of their gradients: `None` if it is frozen.
    fn params(&mut self, link: &Link) -> (&[f32], Option<&mut [f32]>);

    /// Takes the gradients of a link, whose parameters the pass does not read again.
    fn learn(&mut self, link: &Link) {
        let _ = link;
    }
}

impl Run<'_> {
    /// The pass of link `i`, and the key of its random numbers.
    fn of(&self, i: usize, link: &Link) -> (Pass, u64) {
        let mode = self.modes.get(i).copied().unwrap_or(self.pass.mode);
        let position = self.block.map_or(link.position, |block| inner(block, link.position));
        (Pass { mode, ..self.pass }, position)
    }
}

/// The purpose of the random numbers of a layer in the block at `position`. With fewer than 65,000
/// layers in a network and in each block, it is no other layer's, in two levels of blocks.
fn inner(position: u64, index: u64) -> u64 {
    (position.wrapping_add(1) << 16).wrapping_add(index).wrapping_add(1)
}

impl Link {
    /// The space of y, and of what the op saves.
    fn space(&self, batch: usize) -> (usize, usize) {
        (padded(batch * self.output.len()), padded(self.op.saved_len(batch)))
    }
}

/// The op of `last` with a batch norm in it, `link`, with a rectifier or none, and its parameters.
fn joined(
    last: &Link,
    values: &[f32],
    link: &Link,
    params: &[f32],
) -> Option<(Box<dyn Op>, Vec<f32>)> {
    let maps = link.op.inference_maps(params)?;
    let [InferenceMap::Normalise { mean, scale, shift }, rest @ ..] = &maps[..] else {
        return None;
    };
    let (mut op, values) = last.op.normalised(values, Normalise { mean, scale, shift })?;
    match rest {
        [] => Some((op, values)),
        [InferenceMap::Rectify(rectifier)] if op.take(*rectifier) => Some((op, values)),
        _ => None,
    }
}

impl Chain {
    /// A chain without layers.
    pub(crate) fn new(input: Shape, fuse: bool, on_lines: bool) -> Chain {
        let (output, links, entries) = (input.clone(), Vec::new(), Vec::new());
        Chain { input, output, links, entries, fuse, on_lines }
    }

    /// Adds a layer. Only if it `may_join` the op before it is it fused with that one.
    ///
    /// # Errors
    /// If the layer cannot take its input or is set up wrongly; the message names it.
    pub(crate) fn push(
        &mut self,
        name: String,
        position: u64,
        layer: &dyn Layer,
        may_join: bool,
    ) -> Result<(), Error> {
        if self.fuse
            && may_join
            && layer.rectifier().is_there()
            && let Some(last) = self.links.last_mut()
            && Arc::get_mut(&mut last.op).is_some_and(|op| op.take(layer.rectifier()))
        {
            last.kind.push_str(" + ");
            last.kind.push_str(layer.rectifier().name());
            return Ok(());
        }
        let Planned { output, op } = layer.plan_as(&name, &self.output, self.fuse)?;
        let kind = layer.name().to_string();
        if output.checked_len().is_none_or(|len| len > MAX_VALUES) {
            let message = format!(
                "the output {output} is too large: a sample has at most {MAX_VALUES} values"
            );
            return Err(named(&name, &kind, Error::shape(message)));
        }
        let input = std::mem::replace(&mut self.output, output.clone());
        if op.is_identity() {
            return Ok(());
        }
        let end = self.params_len();
        let start = if self.on_lines { padded(end) } else { end };
        let (first_entry, mut params) = (self.entries.len(), start..start);
        for spec in op.params() {
            let entry = ParamEntry::at(params.end, format!("{name}.{}", spec.name), spec)
                .map_err(|e| named(&name, &kind, e))?;
            params.end = entry.range.end;
            self.entries.push(entry);
        }
        let (op, entries) = (op.into(), first_entry..self.entries.len());
        self.links.push(Link { name, kind, op, position, input, output, entries, params });
        Ok(())
    }

    /// The same in evaluation, and its parameters, without names: batch norm has gone into the
    /// products in front of it, in blocks as well.
    pub(crate) fn in_evaluation(&self, params: &[f32]) -> (Chain, Vec<f32>) {
        let (input, output, entries) = (self.input.clone(), self.output.clone(), Vec::new());
        let (mut links, mut values): (Vec<Link>, Vec<f32>) = (Vec::new(), Vec::new());
        for link in &self.links {
            let own = &params[link.params.clone()];
            if let Some(last) = links.last_mut()
                && let Some((op, with)) = joined(last, &values[last.params.clone()], link, own)
            {
                values.truncate(last.params.start);
                values.extend(with);
                last.params.end = values.len();
                (last.op, last.output) = (op.into(), link.output.clone());
                continue;
            }
            // Only an op that has just been made is taken apart: others are shared.
            if let Some(&[InferenceMap::Rectify(rectifier)]) =
                link.op.inference_maps(own).as_deref()
                && let Some(last) = links.last_mut()
                && Arc::get_mut(&mut last.op).is_some_and(|op| op.take(rectifier))
            {
                continue;
            }
            let (op, own) = match link.op.in_evaluation(own) {
                Some((op, own)) => (op.into(), own),
                None => (Arc::clone(&link.op), own.to_vec()),
            };
            let start = values.len();
            values.extend(own);
            links.push(Link {
                name: link.name.clone(),
                kind: link.kind.clone(),
                op,
                position: link.position,
                input: link.input.clone(),
                output: link.output.clone(),
                entries: 0..0,
                params: start..values.len(),
            });
        }
        let (fuse, on_lines) = (self.fuse, false);
        (Chain { input, output, links, entries, fuse, on_lines }, values)
    }

    /// The length of the slab of parameters.
    pub(crate) fn params_len(&self) -> usize {
        let with_params = self.links.iter().rfind(|link| !link.params.is_empty());
        with_params.map_or(0, |link| link.params.end)
    }

    /// The number of values of a pass: each op's output, and the values it saves.
    pub(crate) fn values_len(&self, batch: usize) -> usize {
        self.start(self.links.len(), batch)
    }

    /// The scratch values that suffice for each op.
    pub(crate) fn scratch_len(&self, batch: usize) -> usize {
        self.links.iter().map(|link| link.op.scratch_len(batch)).max().unwrap_or(0)
    }

    /// The start of link `i` among the values of a pass; for the number of links, their end.
    fn start(&self, i: usize, batch: usize) -> usize {
        self.links[..i].iter().map(|link| link.space(batch)).map(|(y, saved)| y + saved).sum()
    }

    /// The place of the y of link `i` among the values of a pass.
    pub(crate) fn y_range(&self, i: usize, batch: usize) -> Range<usize> {
        let start = self.start(i, batch);
        start..start + batch * self.links[i].output.len()
    }

    /// The output of the chain after a pass over `x`.
    pub(crate) fn output_of<'a>(&self, batch: usize, x: &'a [f32], values: &'a [f32]) -> &'a [f32] {
        match self.links.len().checked_sub(1) {
            Some(last) => &values[self.y_range(last, batch)],
            None => x,
        }
    }

    /// Runs some links forward, given the output of the one below them. Returns their penalties,
    /// without those of links below `counted`.
    pub(crate) fn forward(
        &self,
        run: Run<'_>,
        links: Range<usize>,
        counted: usize,
        params: &[f32],
        values: &mut [f32],
        scratch: &mut [f32],
    ) -> f64 {
        let Run { cx, batch, .. } = run;
        let mut below = links.start.checked_sub(1).map(|below| self.y_range(below, batch));
        let mut start = self.start(links.start, batch);
        let mut penalty = 0.0;
        for i in links {
            let link = &self.links[i];
            let ((pass, position), (y_space, saved_space)) = (run.of(i, link), link.space(batch));
            let (before, own) = values.split_at_mut(start);
            let (y, saved) = own.split_at_mut(y_space);
            let own_range = start..start + batch * link.output.len();
            let of_link = link.op.forward(
                cx,
                Forward {
                    pass,
                    position,
                    batch,
                    x: below.map_or(run.x, |below| &before[below]),
                    y: &mut y[..own_range.len()],
                    params: &params[link.params.clone()],
                    saved: &mut saved[..link.op.saved_len(batch)],
                    scratch: &mut scratch[..link.op.scratch_len(batch)],
                },
            );
            if i >= counted {
                penalty += of_link;
            }
            start += y_space + saved_space;
            below = Some(own_range);
        }
        penalty
    }

    /// Runs some links backward, after a forward pass.
    pub(crate) fn backward(&self, run: Run<'_>, down: Downward<'_>, learner: &mut impl Learner) {
        let Downward { links, values, mut dy, mut dx, buffers, scratch, accumulate } = down;
        let Run { cx, batch, .. } = run;
        let [mut above, mut below] = buffers;
        let lowest = links.start;
        let mut end = self.start(links.end, batch);
        for i in links.rev() {
            let link = &self.links[i];
            let ((pass, position), (y_space, saved_space)) = (run.of(i, link), link.space(batch));
            let saved = end - saved_space;
            end = saved - y_space;
            let x_len = batch * link.input.len();
            let x = match i.checked_sub(1) {
                None => run.x,
                Some(below) => {
                    let (y, saved) = self.links[below].space(batch);
                    &values[end - saved - y..][..x_len]
                }
            };
            let (params, grads) = learner.params(link);
            link.op.backward(
                cx,
                Backward {
                    pass,
                    position,
                    batch,
                    x,
                    y: &values[end..][..batch * link.output.len()],
                    dy: dy.take().unwrap_or_else(|| &above[..batch * link.output.len()]),
                    dx: if i == lowest { dx.take() } else { Some(&mut below[..x_len]) },
                    params,
                    grads,
                    accumulate,
                    saved: &values[saved..][..link.op.saved_len(batch)],
                    scratch: &mut scratch[..link.op.scratch_len(batch)],
                },
            );
            learner.learn(link);
            // This op's dx is the next one's dy.
            std::mem::swap(&mut above, &mut below);
        }
    }

    /// Moves the running statistics of the links that `move_those` names, after a pass that left
    /// `values`.
    pub(crate) fn update_statistics(
        &self,
        batch: usize,
        values: &[f32],
        params: &mut [f32],
        part: Option<f32>,
        move_those: impl Fn(usize) -> bool,
    ) {
        let mut start = 0;
        for (i, link) in self.links.iter().enumerate() {
            let (y, saved) = link.space(batch);
            if move_those(i) {
                let own = &values[start + y..][..link.op.saved_len(batch)];
                link.op.update_statistics(batch, own, &mut params[link.params.clone()], part);
            }
            start += y + saved;
        }
    }
}
