//! The residual block: `y = f(x) + shortcut(x)` (He, Zhang, Ren and Sun, CVPR 2016), alone or with
//! the ReLU behind it.
//!
//! ```text
//! forward:   y = body(x) + shortcut(x), or the ReLU of it
//! backward:  dz = dy where y > 0, or dy
//!            dx = (dx of the body for dz) + (dx of the shortcut for dz)
//! ```
//!
//! Both branches are chains of layers (`branch.rs`), whose values lie in the block's `saved` one
//! after the other.

use super::branch::{Branch, Descent, within};
use super::fused::Fused;
use crate::error::ensure;
use crate::gemm::Rectifier;
use crate::hardware::memory::padded;
use crate::hardware::parallel::TASK_LEN;
use crate::hardware::simd::elementwise;
use crate::math::column_sums::add;
use crate::network::layer::{Backward, Forward, Layer, Op, Planned, named};
use crate::network::params::ParamSpec;
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
        let body = Branch::plan(&self.body, [prefix, ""], 0, input, fuse)?;
        let first = self.body.len();
        let shortcut = Branch::plan(&self.shortcut, [prefix, "shortcut."], first, input, fuse)?;
        Ok(ResidualOp { body, shortcut, input: input.len(), relu: Fused::default() })
    }

    /// Refuses branches that cannot be added.
    fn check(&self, op: ResidualOp) -> Result<Planned, Error> {
        ensure!(!self.body.is_empty(), setting, "needs a layer in its body");
        let (body, shortcut) = (op.body.output(), op.shortcut.output());
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

/// The branches, planned.
#[derive(Debug)]
struct ResidualOp {
    body: Branch,
    shortcut: Branch,
    /// The values of a sample of x.
    input: usize,
    relu: Fused,
}

impl ResidualOp {
    fn branches(&self) -> [&Branch; 2] {
        [&self.body, &self.shortcut]
    }

    /// The shortcut's dx, which is added to the body's.
    fn shortcut_dx_len(&self, batch: usize) -> usize {
        if self.shortcut.is_empty() { 0 } else { padded(batch * self.input) }
    }
}

impl Op for ResidualOp {
    fn params(&self) -> Vec<ParamSpec> {
        self.branches().map(Branch::params).concat()
    }

    fn saved_len(&self, batch: usize) -> usize {
        self.branches().map(|branch| branch.values_len(batch)).iter().sum()
    }

    fn scratch_len(&self, batch: usize) -> usize {
        let dz = self.relu.scratch_len(batch * self.body.output().len());
        let [body, shortcut] = self.branches().map(|branch| branch.scratch_len(batch));
        dz + self.shortcut_dx_len(batch) + body.max(shortcut)
    }

    fn min_train_batch(&self) -> usize {
        let [body, shortcut] = self.branches().map(Branch::min_train_batch);
        body.max(shortcut)
    }

    fn macs(&self) -> u64 {
        self.branches().map(Branch::macs).iter().sum()
    }

    fn take(&mut self, rectifier: Rectifier) -> bool {
        self.relu.take_relu(rectifier)
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        let (params, shortcut_params) = io.params.split_at(self.body.params_len());
        let (values, shortcut_values) = io.saved.split_at_mut(self.body.values_len(io.batch));
        let run = within(cx, (io.pass, io.position, io.batch), io.x);
        let penalty = self.body.forward(run, params, values, io.scratch)
            + self.shortcut.forward(run, shortcut_params, shortcut_values, io.scratch);
        let f = self.body.output_of(io.batch, io.x, values);
        let shortcut = self.shortcut.output_of(io.batch, io.x, shortcut_values);
        let relu = self.relu.is_there();
        cx.chunks(io.y, TASK_LEN, |range, y| {
            sum(cx.isa(), y, &f[range.clone()], &shortcut[range], relu);
        });
        penalty
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let accumulate = io.accumulate;
        let (dz, scratch) = self.relu.gradient_before(cx, io.y, io.dy, io.scratch);
        let (shortcut_dx, scratch) = scratch.split_at_mut(self.shortcut_dx_len(io.batch));
        let body_params = self.body.params_len();
        let (params, shortcut_params) = io.params.split_at(body_params);
        let (grads, shortcut_grads) = io.grads.map(|grads| grads.split_at_mut(body_params)).unzip();
        let (values, shortcut_values) = io.saved.split_at(self.body.values_len(io.batch));
        let run = within(cx, (io.pass, io.position, io.batch), io.x);

        let mut dx = io.dx;
        let descent = Descent {
            values,
            params,
            grads,
            dy: dz,
            dx: dx.as_deref_mut(),
            scratch: &mut *scratch,
            accumulate,
        };
        self.body.backward(run, descent);
        let of_shortcut = if self.shortcut.is_empty() {
            dz
        } else {
            let shortcut_dx = &mut shortcut_dx[..io.x.len()];
            let descent = Descent {
                values: shortcut_values,
                params: shortcut_params,
                grads: shortcut_grads,
                dy: dz,
                dx: dx.is_some().then_some(&mut *shortcut_dx),
                scratch,
                accumulate,
            };
            self.shortcut.backward(run, descent);
            &*shortcut_dx
        };
        let Some(dx) = dx else { return };
        cx.chunks(dx, TASK_LEN, |range, dx| add(cx.isa(), dx, &of_shortcut[range]));
    }

    fn in_evaluation(&self, params: &[f32]) -> Option<(Box<dyn Op>, Vec<f32>)> {
        let (params, shortcut_params) = params.split_at(self.body.params_len());
        let (body, values) = self.body.in_evaluation(params);
        let (shortcut, more) = self.shortcut.in_evaluation(shortcut_params);
        let op = ResidualOp { body, shortcut, input: self.input, relu: self.relu };
        Some((Box::new(op), [values, more].concat()))
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
        self.body.update_statistics(batch, values, params, part);
        self.shortcut.update_statistics(batch, shortcut_values, shortcut_params, part);
    }
}

elementwise! {
    /// `y = a + b`, or the ReLU of it.
    fn sum(s, y, [a, b], relu: bool) {
        let z = s.add(a, b);
        if relu { s.max(s.splat(0.0), z) } else { z }
    }
}
