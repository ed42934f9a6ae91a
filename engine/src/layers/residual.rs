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
//! What their layers give and save lies in the block's `saved`, gradients on their way down in its
//! `scratch`.

use super::Relu;
use crate::hardware::memory::padded;
use crate::hardware::parallel::{Chunks, TASK_LEN};
use crate::hardware::simd::{Kernel, Simd};
use crate::math::column_sums::Add;
use crate::network::layer::{Backward, Forward, Layer};
use crate::network::params::ParamSpec;
use crate::network::{Chain, Gradients, Slots, Step};
use crate::{Context, Error, Shape};
use std::any::Any;
use std::sync::Arc;

/// Adds what layers make of `x` to `x` itself, or to what other layers make of it.
///
/// The parameters are named as in the chain, `0.weight`, and `shortcut.0.weight`. The block is one
/// layer: it is frozen, and evaluates, as a whole. Where some of its parameters are frozen and
/// others train, all of it runs as in training, and running statistics move.
#[derive(Clone, Debug)]
pub struct Residual {
    body: Vec<Arc<dyn Layer>>,
    shortcut: Vec<Arc<dyn Layer>>,
    relu: bool,
    /// For samples of one shape, once that is known.
    plan: Option<Arc<Plan>>,
}

/// The branches, planned. Neither has an op if its layers do nothing.
#[derive(Debug)]
struct Plan {
    body: Chain,
    shortcut: Chain,
    params: Vec<ParamSpec>,
}

impl Residual {
    /// `y = x + f(x)`, with f the layers one after another. They must give what they take.
    pub fn new(body: Vec<Box<dyn Layer>>) -> Residual {
        let body = body.into_iter().map(Arc::from).collect();
        Residual { body, shortcut: Vec::new(), relu: false, plan: None }
    }

    /// Adds to what these layers make of `x` instead, such as a convolution of 1x1 with the stride
    /// of the body, where the body gives another shape.
    pub fn with_shortcut(self, shortcut: Vec<Box<dyn Layer>>) -> Residual {
        Residual { shortcut: shortcut.into_iter().map(Arc::from).collect(), plan: None, ..self }
    }

    fn make_plan(&self, name: &str, input: &Shape, fuse: bool) -> Result<Plan, Error> {
        let prefix = if name.is_empty() { String::new() } else { format!("{name}.") };
        let mut params: Vec<ParamSpec> = Vec::new();
        let mut branch = |layers: &[Arc<dyn Layer>], within: &str, first: usize| {
            let mut chain = Chain::new(input.clone(), fuse, false);
            for (i, layer) in layers.iter().enumerate() {
                let name = format!("{prefix}{within}{i}");
                chain.push(name, (first + i) as u64, layer.clone(), true)?;
            }
            params.extend(chain.entries.iter().map(|entry| {
                let name = entry.name[prefix.len()..].to_string();
                ParamSpec { name: name.into(), ..entry.spec.clone() }
            }));
            Ok(chain)
        };
        let body = branch(&self.body, "", 0)?;
        let shortcut = branch(&self.shortcut, "shortcut.", self.body.len())?;
        Ok(Plan { body, shortcut, params })
    }

    /// The plan for samples of that shape. Only where the network has not planned the block is it
    /// made anew.
    ///
    /// # Panics
    /// If there is none: [`Layer::output_shape`] says why.
    fn planned(&self, input: &Shape) -> Arc<Plan> {
        match &self.plan {
            Some(plan) if plan.body.input == *input => plan.clone(),
            _ => Arc::new(
                self.make_plan("", input, true).expect("a residual block that fits its input"),
            ),
        }
    }
}

/// The purpose of the random numbers of a layer in the block at `position`. With fewer than 65,000
/// layers in a network and in each block, it is no other layer's, in two levels of blocks.
fn inner_position(position: u64, index: u64) -> u64 {
    (position.wrapping_add(1) << 16).wrapping_add(index).wrapping_add(1)
}

impl Plan {
    /// Each of the two gradients on their way down a branch.
    fn gradient_len(&self, batch: usize) -> usize {
        let ops = self.body.ops.iter().chain(&self.shortcut.ops);
        padded(batch * ops.map(|op| op.input.len()).max().unwrap_or(0))
    }
}

/// What both branches run on. The places in memory are still to be filled in.
fn step<'a>(
    cx: &'a Context,
    io: (crate::Pass, u64, usize),
    x: &'a [f32],
    params: &'a [f32],
) -> Step<'a> {
    let (pass, position, batch) = io;
    Step { cx, pass, position, batch, params, x, below: 0, own: Slots { y: 0, saved: 0 } }
}

/// Runs a branch forward and returns what it makes of x.
fn forward<'a>(
    chain: &Chain,
    step: Step<'a>,
    values: &'a mut [f32],
    scratch: &mut [f32],
) -> &'a [f32] {
    let mut below = None;
    for (i, own) in chain.slots(step.batch).enumerate() {
        let position = inner_position(step.position, chain.ops[i].position);
        let step = Step { position, below: below.unwrap_or(0), own, ..step };
        chain.forward_op(i, step, values, scratch);
        below = Some(own.y);
    }
    match below {
        Some(y) => &values[y..][..step.batch * chain.output.len()],
        None => step.x,
    }
}

/// Runs a branch backward, given its `gradients` and what the forward pass left.
fn backward(
    chain: &Chain,
    step: Step<'_>,
    gradients: Gradients<'_>,
    values: &[f32],
    buffers: &mut [f32],
    scratch: &mut [f32],
) {
    let Gradients { dy, mut dx, mut grads, accumulate } = gradients;
    let batch = step.batch;
    if let (true, Some(dx)) = (chain.ops.is_empty(), &mut dx) {
        dx.copy_from_slice(dy);
    }
    let (mut above, mut free) = buffers.split_at_mut(buffers.len() / 2);
    for (i, op) in chain.ops.iter().enumerate().rev() {
        let mut slots = chain.slots(batch).skip(i.saturating_sub(1));
        let first = slots.next().expect("a slot for each op");
        let (below, own) =
            (first.y, if i == 0 { first } else { slots.next().expect("a slot for each op") });
        let position = inner_position(step.position, op.position);
        let of_op = Gradients {
            dy: if i + 1 == chain.ops.len() { dy } else { &above[..batch * op.output.len()] },
            dx: if i == 0 { dx.take() } else { Some(&mut free[..batch * op.input.len()]) },
            grads: grads.as_mut().map(|grads| &mut grads[op.params.clone()]),
            accumulate,
        };
        chain.backward_op(i, Step { position, below, own, ..step }, of_op, values, scratch);
        std::mem::swap(&mut above, &mut free);
    }
}

impl Layer for Residual {
    fn name(&self) -> &'static str {
        if self.relu { "residual + relu" } else { "residual" }
    }

    fn plan(&self, name: &str, input: &Shape, fuse: bool) -> Result<Option<Box<dyn Layer>>, Error> {
        let plan = Some(Arc::new(self.make_plan(name, input, fuse)?));
        Ok(Some(Box::new(Residual { plan, ..self.clone() })))
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape, Error> {
        if self.body.is_empty() {
            return Err(Error::new("needs a layer in its body"));
        }
        let made;
        let plan = match &self.plan {
            Some(plan) if plan.body.input == *input => plan,
            _ => {
                made = self.make_plan("", input, true)?;
                &made
            }
        };
        let (body, shortcut) = (&plan.body.output, &plan.shortcut.output);
        if body != shortcut {
            let (what, hint) = match self.shortcut.is_empty() {
                true => ("x", ": it needs a shortcut that gives the same"),
                false => ("its shortcut gives", ""),
            };
            return Err(Error::new(format!("its body gives {body}, {what} {shortcut}{hint}")));
        }
        Ok(body.clone())
    }

    fn params(&self, input: &Shape) -> Vec<ParamSpec> {
        self.planned(input).params.clone()
    }

    fn saved_len(&self, batch: usize, input: &Shape) -> usize {
        let plan = self.planned(input);
        plan.body.values_len(batch) + plan.shortcut.values_len(batch)
    }

    fn scratch_len(&self, batch: usize, input: &Shape) -> usize {
        let plan = self.planned(input);
        // dz behind the ReLU, the gradients, and what the layers need
        let dz = if self.relu { batch * plan.body.output.len() } else { 0 };
        let layers = plan.body.scratch_len(batch).max(plan.shortcut.scratch_len(batch));
        dz + 3 * plan.gradient_len(batch) + layers
    }

    fn min_train_batch(&self, input: &Shape) -> usize {
        let plan = self.planned(input);
        let ops = plan.body.ops.iter().chain(&plan.shortcut.ops);
        ops.map(|op| op.layer.min_train_batch(&op.input)).max().unwrap_or(1)
    }

    fn macs(&self, input: &Shape) -> u64 {
        let plan = self.planned(input);
        plan.body.ops.iter().chain(&plan.shortcut.ops).map(|op| op.layer.macs(&op.input)).sum()
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) {
        let plan = self.planned(io.input);
        let (params, shortcut_params) = io.params.split_at(plan.body.params_len());
        let (values, shortcut_values) = io.saved.split_at_mut(plan.body.values_len(io.batch));
        let keys = (io.pass, io.position, io.batch);
        let f = forward(&plan.body, step(cx, keys, io.x, params), values, io.scratch);
        let step = step(cx, keys, io.x, shortcut_params);
        let shortcut = forward(&plan.shortcut, step, shortcut_values, io.scratch);
        let relu = self.relu;
        cx.for_each_part(io.y.len().div_ceil(TASK_LEN), Chunks::new(io.y, TASK_LEN), |i, y| {
            let part = i * TASK_LEN..i * TASK_LEN + y.data.len();
            cx.isa().run(Sum { relu, a: &f[part.clone()], b: &shortcut[part], y: y.data });
        });
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let plan = self.planned(io.input);
        let (dz, scratch) = Relu.behind(self.relu, cx, io.y, io.dy, io.scratch);
        let len = plan.gradient_len(io.batch);
        let (buffers, scratch) = scratch.split_at_mut(2 * len);
        let (shortcut_dx, scratch) = scratch.split_at_mut(len);
        let body_params = plan.body.params_len();
        let (params, shortcut_params) = io.params.split_at(body_params);
        let (grads, shortcut_grads) = io.grads.map(|grads| grads.split_at_mut(body_params)).unzip();
        let (values, shortcut_values) = io.saved.split_at(plan.body.values_len(io.batch));
        let (keys, accumulate) = ((io.pass, io.position, io.batch), io.accumulate);

        let mut dx = io.dx;
        let body_dx = dx.as_deref_mut();
        let gradients = Gradients { dy: dz, dx: body_dx, grads, accumulate };
        backward(&plan.body, step(cx, keys, io.x, params), gradients, values, buffers, scratch);
        let of_shortcut = if plan.shortcut.ops.is_empty() {
            dz
        } else {
            let shortcut_dx = &mut shortcut_dx[..io.x.len()];
            let into = dx.is_some().then_some(&mut *shortcut_dx);
            let gradients = Gradients { dy: dz, dx: into, grads: shortcut_grads, accumulate };
            let step = step(cx, keys, io.x, shortcut_params);
            backward(&plan.shortcut, step, gradients, shortcut_values, buffers, scratch);
            &*shortcut_dx
        };
        let Some(dx) = dx else { return };
        cx.for_each_part(dx.len().div_ceil(TASK_LEN), Chunks::new(dx, TASK_LEN), |i, dx| {
            let x = &of_shortcut[i * TASK_LEN..][..dx.data.len()];
            cx.isa().run(Add { x, y: dx.data });
        });
    }

    fn update_statistics(
        &self,
        batch: usize,
        input: &Shape,
        saved: &[f32],
        params: &mut [f32],
        part: Option<f32>,
    ) {
        let plan = self.planned(input);
        let (body, shortcut) = saved.split_at(plan.body.values_len(batch));
        let (params, shortcut_params) = params.split_at_mut(plan.body.params_len());
        for (chain, values, params) in
            [(&plan.body, body, params), (&plan.shortcut, shortcut, shortcut_params)]
        {
            for (op, slots) in chain.ops.iter().zip(chain.slots(batch)) {
                let saved = &values[slots.saved..][..op.layer.saved_len(batch, &op.input)];
                op.layer.update_statistics(
                    batch,
                    &op.input,
                    saved,
                    &mut params[op.params.clone()],
                    part,
                );
            }
        }
    }

    fn fuse(&self, next: &dyn Layer) -> Option<Box<dyn Layer>> {
        let relu = (next as &dyn Any).is::<Relu>() && !self.relu;
        relu.then(|| Box::new(Residual { relu: true, ..self.clone() }) as Box<dyn Layer>)
    }
}

/// `y = a + b`, or the ReLU of it.
struct Sum<'a> {
    relu: bool,
    a: &'a [f32],
    b: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Sum<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Sum { relu, a, b, y } = self;
        s.for_each(
            a,
            #[inline(always)]
            |i, a| {
                let z = s.add(a, s.load_at(b, i));
                s.store_at(if relu { s.max(s.splat(0.0), z) } else { z }, y, i);
            },
        );
    }
}
