//! A chain of layers within a block, planned with it: the part that all blocks share.
//!
//! A branch is a chain as a network is one (`network/chain.rs`). The values of its layers lie in
//! the block's `saved`, gradients on their way down in its `scratch`.

use crate::hardware::memory::padded;
use crate::network::layer::{Layer, Pass};
use crate::network::params::{ParamEntry, ParamSpec};
use crate::network::{Chain, Downward, Learner, Link, Run};
use crate::{Context, Error, Shape};

/// The layers, planned. It has no op if they do nothing.
#[derive(Debug)]
pub(super) struct Branch {
    chain: Chain,
    params: Vec<ParamSpec>,
}

/// The slices of a branch's backward pass.
pub(super) struct Descent<'a> {
    /// The values that the forward pass left.
    pub values: &'a [f32],
    pub params: &'a [f32],
    /// `None` where the block is frozen.
    pub grads: Option<&'a mut [f32]>,
    /// dy: (batch, output)
    pub dy: &'a [f32],
    /// dx: (batch, input), to be overwritten; `None` where nobody needs it
    pub dx: Option<&'a mut [f32]>,
    /// [`Branch::scratch_len`] values.
    pub scratch: &'a mut [f32],
    pub accumulate: bool,
}

/// A pass over a branch of the block at that position.
pub(super) fn within<'a>(
    cx: &'a Context,
    (pass, block, batch): (Pass, u64, usize),
    x: &'a [f32],
) -> Run<'a> {
    Run { cx, pass, modes: &[], block: Some(block), batch, x }
}

impl Branch {
    /// Plans layers. The names of layers in messages begin with `prefix` and `within`, those of
    /// parameters with `within`; `first` is the number of the first layer among all of the block.
    pub fn plan(
        layers: &[Box<dyn Layer>],
        [prefix, within]: [&str; 2],
        first: usize,
        input: &Shape,
        fuse: bool,
    ) -> Result<Branch, Error> {
        let mut chain = Chain::new(input.clone(), fuse, false);
        for (i, layer) in layers.iter().enumerate() {
            chain.push(format!("{prefix}{within}{i}"), (first + i) as u64, &**layer, true)?;
        }
        let spec = |entry: &ParamEntry| {
            let name = entry.name[prefix.len()..].to_string();
            ParamSpec { name: name.into(), ..entry.spec.clone() }
        };
        let params = chain.entries.iter().map(spec).collect();
        Ok(Branch { chain, params })
    }

    /// The same in evaluation, and its parameters, which have no names.
    pub fn in_evaluation(&self, params: &[f32]) -> (Branch, Vec<f32>) {
        let (chain, values) = self.chain.in_evaluation(params);
        (Branch { chain, params: Vec::new() }, values)
    }

    /// True if its output is its input.
    pub fn is_empty(&self) -> bool {
        self.chain.links.is_empty()
    }

    /// The shape of a sample of its output.
    pub fn output(&self) -> &Shape {
        &self.chain.output
    }

    pub fn params(&self) -> &[ParamSpec] {
        &self.params
    }

    pub fn params_len(&self) -> usize {
        self.chain.params_len()
    }

    /// The values to keep from forward to backward.
    pub fn values_len(&self, batch: usize) -> usize {
        self.chain.values_len(batch)
    }

    /// Each of the gradients on their way down. That of the lowest layer is the branch's dx.
    fn gradient_len(&self, batch: usize) -> usize {
        let lens = self.chain.links.iter().skip(1).map(|link| link.input.len());
        padded(batch * lens.max().unwrap_or(0))
    }

    /// Two of these gradients, and what the layers need.
    pub fn scratch_len(&self, batch: usize) -> usize {
        2 * self.gradient_len(batch) + self.chain.scratch_len(batch)
    }

    pub fn min_train_batch(&self) -> usize {
        self.chain.links.iter().map(|link| link.op.min_train_batch()).max().unwrap_or(1)
    }

    pub fn macs(&self) -> u64 {
        self.chain.links.iter().map(|link| link.op.macs()).sum()
    }

    /// Runs all layers, and returns their penalties.
    pub fn forward(
        &self,
        run: Run<'_>,
        params: &[f32],
        values: &mut [f32],
        scratch: &mut [f32],
    ) -> f64 {
        self.chain.forward(run, 0..self.chain.links.len(), 0, params, values, scratch)
    }

    /// The output of a pass over `x` that left `values`.
    pub fn output_of<'a>(&self, batch: usize, x: &'a [f32], values: &'a [f32]) -> &'a [f32] {
        self.chain.output_of(batch, x, values)
    }

    pub fn backward(&self, run: Run<'_>, descent: Descent<'_>) {
        let Descent { values, params, grads, dy, dx, scratch, accumulate } = descent;
        if self.is_empty() {
            dx.into_iter().for_each(|dx| dx.copy_from_slice(dy));
            return;
        }
        let len = self.gradient_len(run.batch);
        let (a, scratch) = scratch.split_at_mut(len);
        let (b, scratch) = scratch.split_at_mut(len);
        let (links, dy, buffers) = (0..self.chain.links.len(), Some(dy), [a, b]);
        let down = Downward { links, values, dy, dx, buffers, scratch, accumulate };
        self.chain.backward(run, down, &mut Owned { params, grads });
    }

    /// Moves the running statistics of all layers.
    pub fn update_statistics(
        &self,
        batch: usize,
        values: &[f32],
        params: &mut [f32],
        part: Option<f32>,
    ) {
        self.chain.update_statistics(batch, values, params, part, |_| true);
    }
}

/// The parameters of a branch, and their gradients if the block trains.
struct Owned<'a> {
    params: &'a [f32],
    grads: Option<&'a mut [f32]>,
}

impl Learner for Owned<'_> {
    fn params(&mut self, link: &Link) -> (&[f32], Option<&mut [f32]>) {
        let own = link.params.clone();
        (&self.params[own.clone()], self.grads.as_deref_mut().map(|grads| &mut grads[own]))
    }
}
