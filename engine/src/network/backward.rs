//! The backward pass, op by op.

use super::{Activations, Gradients, Network, Step};
use crate::network::layer::Pass;
use crate::{Context, Params};
use std::ops::Range;

/// What a backward pass works on, beside parameters and gradients.
pub(crate) struct BackwardPass<'a> {
    pub cx: &'a Context,
    pub activations: &'a mut Activations,
    /// x: (batch, input), that of the forward pass
    pub x: &'a [f32],
    /// That of the forward pass.
    pub pass: Pass,
}

impl Network {
    /// Adds the parameters' gradients to `grads` (as long as the slab of `params`), given the
    /// gradient of the output that [`Activations::output_and_gradient`] hands out.
    ///
    /// `x` and `pass` must be those of the forward pass. Frozen parameters get no gradient: theirs
    /// is 0 where the rest of their layer trains, and left alone where it does not. Nothing is
    /// computed below the lowest trainable layer.
    pub fn backward(
        &self,
        cx: &Context,
        params: &Params,
        activations: &mut Activations,
        x: &[f32],
        pass: Pass,
        grads: &mut [f32],
    ) {
        self.gradients(BackwardPass { cx, activations, x, pass }, params, grads, true);
    }

    /// As [`Network::backward`], but `grads` is overwritten, whatever it held: where a single pass
    /// makes the gradient, that saves clearing it and reading it.
    pub fn backward_overwriting(
        &self,
        cx: &Context,
        params: &Params,
        activations: &mut Activations,
        x: &[f32],
        pass: Pass,
        grads: &mut [f32],
    ) {
        self.gradients(BackwardPass { cx, activations, x, pass }, params, grads, false);
    }

    /// The gradient of the input alone into `dx`: (batch, input), overwritten, given the gradient
    /// of the output as for [`Network::backward`]. What is frozen changes nothing; parameters get
    /// no gradient.
    ///
    /// # Panics
    /// If `dx` is not as long as the `x` of the forward pass.
    pub fn input_gradient(
        &self,
        cx: &Context,
        params: &Params,
        activations: &mut Activations,
        x: &[f32],
        pass: Pass,
        dx: &mut [f32],
    ) {
        assert_eq!(dx.len(), x.len(), "a gradient for each value of x");
        let Activations { batch, values, slots, gradients, scratch, .. } = activations;
        let batch = *batch;
        let [dy, below] = gradients;
        let lowest = self.first_trainable(params);
        for (i, op) in self.chain.ops.iter().enumerate().rev() {
            let step = Step {
                cx,
                pass: Pass { mode: op.mode(params, i < lowest, pass.mode), ..pass },
                position: op.position,
                batch,
                params: params.values(),
                x,
                below: i.checked_sub(1).map_or(0, |below| slots[below].y),
                own: slots[i],
            };
            let out = if i == 0 { &mut *dx } else { &mut below[..batch * op.input.len()] };
            let of_op = Gradients {
                dy: &dy[..batch * op.output.len()],
                dx: Some(out),
                grads: None,
                accumulate: false,
            };
            self.chain.backward_op(i, step, of_op, values, scratch);
            std::mem::swap(dy, below);
        }
    }

    fn gradients(
        &self,
        mut pass: BackwardPass<'_>,
        params: &Params,
        grads: &mut [f32],
        accumulate: bool,
    ) {
        let lowest = self.first_trainable(params);
        for i in (lowest..self.chain.ops.len()).rev() {
            self.backward_op(
                &mut pass,
                i,
                lowest,
                params,
                &mut grads[self.chain.ops[i].params.clone()],
                accumulate,
            );
        }
    }

    /// Calls `update` with each op's range of the parameters and its gradients, as soon as these
    /// are there: no later op of the pass looks at those parameters, so they may change, and the
    /// gradients are still in the cache.
    ///
    /// All ops share one memory for their gradients, the beginning of `grads`, which is as long as
    /// the longest op needs at least. What it holds afterwards means nothing.
    pub(crate) fn backward_updating(
        &self,
        mut pass: BackwardPass<'_>,
        params: &mut Params,
        grads: &mut [f32],
        mut update: impl FnMut(&mut Params, Range<usize>, &[f32]),
    ) {
        let lowest = self.first_trainable(params);
        for i in (lowest..self.chain.ops.len()).rev() {
            let op = &self.chain.ops[i];
            let grads = &mut grads[..op.params.len()];
            self.backward_op(&mut pass, i, lowest, params, grads, false);
            if !op.params.is_empty() && !op.frozen(params) {
                update(params, op.params.clone(), grads);
            }
        }
    }

    /// Goes through op `i`, given the gradients of its own parameters.
    fn backward_op(
        &self,
        pass: &mut BackwardPass<'_>,
        i: usize,
        lowest: usize,
        params: &Params,
        grads: &mut [f32],
        accumulate: bool,
    ) {
        let op = &self.chain.ops[i];
        let Activations { batch, values, slots, gradients, scratch, .. } = &mut *pass.activations;
        let batch = *batch;
        let [dy, dx] = &mut *gradients;
        let frozen = op.frozen(params);
        let step = Step {
            cx: pass.cx,
            pass: Pass { mode: op.mode(params, false, pass.pass.mode), ..pass.pass },
            position: op.position,
            batch,
            params: params.values(),
            x: pass.x,
            below: i.checked_sub(1).map_or(0, |below| slots[below].y),
            own: slots[i],
        };
        let of_op = Gradients {
            dy: &dy[..batch * op.output.len()],
            dx: (i > lowest).then(|| &mut dx[..batch * op.input.len()]),
            grads: (!frozen).then_some(&mut *grads),
            accumulate,
        };
        self.chain.backward_op(i, step, of_op, values, scratch);
        // The layer knows no parameter apart from the others.
        if !frozen {
            for entry in params.entries()[op.entries.clone()].iter().filter(|e| !e.trainable) {
                grads[entry.range.start - op.params.start..entry.range.end - op.params.start]
                    .fill(0.0);
            }
        }
        // What this op made of it is the next one's dy.
        gradients.swap(0, 1);
    }
}
