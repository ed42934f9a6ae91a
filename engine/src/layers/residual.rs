//! The residual block: `y = f(x) + shortcut(x)` (He, Zhang, Ren and Sun, CVPR 2016), alone or with
//! the ReLU behind it.
//!
//! ```text
//! forward:   y = body(x) + shortcut(x), or the ReLU of it
//! backward:  dz = dy where y > 0, or dy
//!            dx = (dx of the body for dz) + (dx of the shortcut for dz)
//! ```
//!
//! Both branches are chains of layers as a network is one (`network/chain.rs`), planned with it.
//! The values of their layers lie in the block's `saved`, gradients on their way down in its
//! `scratch`.

use super::fused::FusedRelu;
use crate::error::ensure;
use crate::hardware::memory::padded;
use crate::hardware::parallel::TASK_LEN;
use crate::hardware::simd::elementwise;
use crate::math::column_sums::add;
use crate::network::layer::{Backward, Forward, Layer, Op, Pass, Planned, named};
use crate::network::params::{ParamEntry, ParamSpec};
use crate::network::{Chain, Downward, Learner, Link, Run};
use crate::{Context, Error, Shape};

/// Adds the output of layers to their input `x`, or to the output of other layers for `x`.
///
/// The parameters are named as in the chain, `0.weight`, and `shortcut.0.weight`. The block is one
/// layer: it is frozen, and evaluates, as a whole. Where some of its parameters are frozen and
/// others train, all of it runs as in training, and running statistics move.
#[derive(Debug)]
pub struct Residual {
    body: Vec<Box<dyn Layer>>,
    shortcut: Vec<Box<dyn Layer>>,
}

impl Residual {
    /// `y = x + f(x)`, with f the layers one after another. Their output must have the shape of
    /// their input.
    pub fn new(body: Vec<Box<dyn Layer>>) -> Residual {
        Residual { body, shortcut: Vec::new() }
    }

    /// Adds the body to the output of these layers for `x` instead: where the body gives another
    /// shape, a convolution of 1x1 with its stride, say.
    #[must_use]
    pub fn with_shortcut(self, shortcut: Vec<Box<dyn Layer>>) -> Residual {
        Residual { shortcut, ..self }
    }

    /// Plans both branches. Names of layers in them begin with `prefix`.
    fn branches(&self, prefix: &str, input: &Shape, fuse: bool) -> Result<ResidualOp, Error> {
        let branch = |layers: &[Box<dyn Layer>], within: &str, first: usize| {
            let mut chain = Chain::new(input.clone(), fuse, false);
            for (i, layer) in layers.iter().enumerate() {
                chain.push(format!("{prefix}{within}{i}"), (first + i) as u64, &**layer, true)?;
            }
            Ok(chain)
        };
        let body = branch(&self.body, "", 0)?;
        let shortcut = branch(&self.shortcut, "shortcut.", self.body.len())?;
        let own = |chain: &Chain| -> Vec<ParamSpec> {
            let spec = |entry: &ParamEntry| {
                let name = entry.name[prefix.len()..].to_string();
                ParamSpec { name: name.into(), ..entry.spec.clone() }
            };
            chain.entries.iter().map(spec).collect()
        };
        let params = [own(&body), own(&shortcut)].concat();
        Ok(ResidualOp { body, shortcut, params, relu: FusedRelu::default() })
    }

    /// Refuses branches that cannot be added.
    fn check(&self, op: ResidualOp) -> Result<Planned, Error> {
        ensure!(!self.body.is_empty(), setting, "needs a layer in its body");
        let (body, shortcut) = (&op.body.output, &op.shortcut.output);
        if body != shortcut {
            let (what, hint) = match self.shortcut.is_empty() {
                true => ("x", ": it needs a shortcut that gives the same"),
                false => ("its shortcut gives", ""),
            };
            return Err(Error::shape(format!("its body gives {body}, {what} {shortcut}{hint}")));
        }
        Ok(Planned::new(body.clone(), op))
    }
}

impl Layer for Residual {
    fn name(&self) -> &'static str {
        "residual"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        self.check(self.branches("", input, true)?)
    }

    fn plan_as(&self, name: &str, input: &Shape, fuse: bool) -> Result<Planned, Error> {
        // A layer in a branch has named itself.
        let op = self.branches(&format!("{name}."), input, fuse)?;
        self.check(op).map_err(|e| named(name, self.name(), e))
    }
}

/// The branches, planned. Neither has an op if its layers do nothing.
#[derive(Debug)]
struct ResidualOp {
    body: Chain,
    shortcut: Chain,
    params: Vec<ParamSpec>,
    relu: FusedRelu,
}

/// The parameters of a branch, and their gradients if the block trains.
struct Branch<'a> {
    params: &'a [f32],
    grads: Option<&'a mut [f32]>,
}

impl Learner for Branch<'_> {
    fn params(&mut self, link: &Link) -> (&[f32], Option<&mut [f32]>) {
        let own = link.params.clone();
        (&self.params[own.clone()], self.grads.as_deref_mut().map(|grads| &mut grads[own]))
    }
}

impl ResidualOp {
    fn chains(&self) -> [&Chain; 2] {
        [&self.body, &self.shortcut]
    }

    fn links(&self) -> impl Iterator<Item = &Link> {
        self.body.links.iter().chain(&self.shortcut.links)
    }

    /// Each of the gradients on their way down.
    fn gradient_len(&self, batch: usize) -> usize {
        padded(batch * self.links().map(|link| link.input.len()).max().unwrap_or(0))
    }
}

impl Op for ResidualOp {
    fn params(&self) -> Vec<ParamSpec> {
        self.params.clone()
    }

    fn saved_len(&self, batch: usize) -> usize {
        self.chains().map(|chain| chain.values_len(batch)).iter().sum()
    }

    fn scratch_len(&self, batch: usize) -> usize {
        // dz before the ReLU, the gradients, and what the layers need
        let dz = self.relu.scratch_len(batch * self.body.output.len());
        let [body, shortcut] = self.chains().map(|chain| chain.scratch_len(batch));
        dz + 3 * self.gradient_len(batch) + body.max(shortcut)
    }

    fn min_train_batch(&self) -> usize {
        self.links().map(|link| link.op.min_train_batch()).max().unwrap_or(1)
    }

    fn macs(&self) -> u64 {
        self.links().map(|link| link.op.macs()).sum()
    }

    fn take_relu(&mut self) -> bool {
        self.relu.take()
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        let (params, shortcut_params) = io.params.split_at(self.body.params_len());
        let (values, shortcut_values) = io.saved.split_at_mut(self.body.values_len(io.batch));
        let run = within(cx, (io.pass, io.position, io.batch), io.x);
        let mut forward = |chain: &Chain, params: &[f32], values: &mut [f32]| {
            chain.forward(run, 0..chain.links.len(), 0, params, values, io.scratch)
        };
        let penalty = forward(&self.body, params, values)
            + forward(&self.shortcut, shortcut_params, shortcut_values);
        let f = self.body.output_of(io.batch, io.x, values);
        let shortcut = self.shortcut.output_of(io.batch, io.x, shortcut_values);
        let relu = self.relu.is_there();
        cx.chunks(io.y, TASK_LEN, |range, y| {
            sum(cx.isa(), y, &f[range.clone()], &shortcut[range], relu);
        });
        penalty
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let (dz, scratch) = self.relu.gradient_before_relu(cx, io.y, io.dy, io.scratch);
        let len = self.gradient_len(io.batch);
        let (a, scratch) = scratch.split_at_mut(len);
        let (b, scratch) = scratch.split_at_mut(len);
        let (shortcut_dx, scratch) = scratch.split_at_mut(len);
        let body_params = self.body.params_len();
        let (params, shortcut_params) = io.params.split_at(body_params);
        let (grads, shortcut_grads) = io.grads.map(|grads| grads.split_at_mut(body_params)).unzip();
        let (values, shortcut_values) = io.saved.split_at(self.body.values_len(io.batch));
        let run = within(cx, (io.pass, io.position, io.batch), io.x);
        let mut backward =
            |chain: &Chain, values, mut branch: Branch<'_>, dx: Option<&mut [f32]>| {
                if chain.links.is_empty() {
                    dx.into_iter().for_each(|dx| dx.copy_from_slice(dz));
                    return;
                }
                let down = Downward {
                    links: 0..chain.links.len(),
                    values,
                    dy: Some(dz),
                    dx,
                    buffers: [&mut *a, &mut *b],
                    scratch: &mut *scratch,
                    accumulate: io.accumulate,
                };
                chain.backward(run, down, &mut branch);
            };

        let mut dx = io.dx;
        backward(&self.body, values, Branch { params, grads }, dx.as_deref_mut());
        let branch = Branch { params: shortcut_params, grads: shortcut_grads };
        let of_shortcut = if self.shortcut.links.is_empty() {
            dz
        } else {
            let shortcut_dx = &mut shortcut_dx[..io.x.len()];
            let into = dx.is_some().then_some(&mut *shortcut_dx);
            backward(&self.shortcut, shortcut_values, branch, into);
            &*shortcut_dx
        };
        let Some(dx) = dx else { return };
        cx.chunks(dx, TASK_LEN, |range, dx| add(cx.isa(), dx, &of_shortcut[range]));
    }

    fn update_statistics(
        &self,
        batch: usize,
        saved: &[f32],
        params: &mut [f32],
        part: Option<f32>,
    ) {
        let (values, shortcut_values) = saved.split_at(self.body.values_len(batch));
        let (params, shortcut_params) = params.split_at_mut(self.body.params_len());
        self.body.update_statistics(batch, values, params, part, |_| true);
        self.shortcut.update_statistics(batch, shortcut_values, shortcut_params, part, |_| true);
    }
}

/// A pass over a branch of the block at that position.
fn within<'a>(cx: &'a Context, (pass, block, batch): (Pass, u64, usize), x: &'a [f32]) -> Run<'a> {
    Run { cx, pass, modes: &[], block: Some(block), batch, x }
}

elementwise! {
    /// `y = a + b`, or the ReLU of it.
    fn sum(s, y, [a, b], relu: bool) {
        let z = s.add(a, b);
        if relu { s.max(s.splat(0.0), z) } else { z }
    }
}
