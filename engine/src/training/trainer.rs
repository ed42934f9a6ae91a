//! One training step: forward, loss, backward, update.

use crate::hardware::memory::Slab;
use crate::layers::Pass;
use crate::network::BackwardPass;
use crate::training::optimizer::clip_grad_norm;
use crate::{
    Activations, Context, Error, Loss, Network, Optimizer, OptimizerState, Params, Target,
};

/// A network in training, with all the memory that a step needs: a step allocates nothing.
///
/// ```
/// # use narrows_engine::*;
/// # use narrows_engine::layers::{Linear, Relu};
/// # fn main() -> Result<(), Error> {
/// let cx = Context::new(1)?;
/// let network =
///     Network::builder(2).layer(Linear::new(8)).layer(Relu).layer(Linear::new(1)).build()?;
/// let params = Params::new(&network, 1);
/// let mut trainer = Trainer::new(&network, params, Loss::L2, Optimizer::adam(), 4, 1);
/// let x = [0., 0., 0., 1., 1., 0., 1., 1.];
/// let exclusive_or = [0., 1., 1., 0.];
/// for _ in 0..1000 {
///     trainer.step(&cx, &x, Target::Values(&exclusive_or), 0.01)?;
/// }
/// assert!(trainer.predict(&cx, &x)?.iter().zip(exclusive_or).all(|(y, t)| (y - t).abs() < 0.1));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Trainer<'n> {
    network: &'n Network,
    /// The parameters, free to be frozen, copied and restored between steps.
    pub params: Params,
    /// The optimiser's state.
    pub optimizer: OptimizerState,
    /// If set, gradients are scaled down to this norm.
    pub clip_norm: Option<f32>,
    loss: Loss,
    /// As long as the parameters. Without clipping, the beginning serves one layer after another,
    /// and the rest is never touched.
    grads: Slab,
    activations: Activations,
    seed: u64,
}

impl<'n> Trainer<'n> {
    /// Prepares to train `network` on batches of up to `max_batch` samples; `seed` is for its
    /// dropout.
    pub fn new(
        network: &'n Network,
        params: Params,
        loss: Loss,
        optimizer: Optimizer,
        max_batch: usize,
        seed: u64,
    ) -> Trainer<'n> {
        Trainer {
            network,
            optimizer: OptimizerState::new(optimizer, &params),
            clip_norm: None,
            loss,
            grads: Slab::new(params.values().len()),
            activations: Activations::new(network, max_batch),
            params,
            seed,
        }
    }

    /// The network in training.
    pub fn network(&self) -> &'n Network {
        self.network
    }

    /// Takes one step on `x`: (batch, input) with learning rate `lr`, and returns the loss before
    /// it, the layers' penalties ([`Network::penalty`]) included.
    ///
    /// # Errors
    /// If the batch does not fit, or the loss is not finite: then the message names the layer and
    /// the step, and parameters, running statistics and moments are those before the step. The same
    /// holds if gradients are clipped and their norm is not finite (squares of more than 1e38 in
    /// f32 are not).
    ///
    /// Without `clip_norm` nobody looks at the gradients: where they are not finite although the
    /// loss is, the parameters become NaN, and the next step's loss tells.
    pub fn step(
        &mut self,
        cx: &Context,
        x: &[f32],
        target: Target<'_>,
        lr: f32,
    ) -> Result<f64, Error> {
        let pass = Pass::train(self.seed, self.optimizer.step_count());
        self.network.forward(cx, &self.params, &mut self.activations, x, pass)?;
        self.learn(cx, x, pass, target, lr)
    }

    /// As [`Trainer::step`] on the samples of which [`Network::forward_frozen`] made `codes`, with
    /// the same bits.
    ///
    /// # Errors
    /// As [`Trainer::step`], or if nothing below a trainable layer is frozen.
    pub fn step_from_frozen(
        &mut self,
        cx: &Context,
        codes: &[f32],
        target: Target<'_>,
        lr: f32,
    ) -> Result<f64, Error> {
        let pass = Pass::train(self.seed, self.optimizer.step_count());
        self.network.forward_from_frozen(cx, &self.params, &mut self.activations, codes, pass)?;
        self.learn(cx, &[], pass, target, lr)
    }

    /// What follows the forward pass. `x` may be empty if the lowest layer does not train.
    fn learn(
        &mut self,
        cx: &Context,
        x: &[f32],
        pass: Pass,
        target: Target<'_>,
        lr: f32,
    ) -> Result<f64, Error> {
        let (step, batch) = (pass.step, self.activations.batch());
        let (y, dy) = self.activations.output_and_gradient();
        let loss = self.loss.evaluate(cx, batch, y, target, Some(dy))?
            + self.network.penalty(cx, &self.params, &self.activations, x, pass);
        if !loss.is_finite() {
            let layer = self.network.first_not_finite(&self.activations);
            let place = layer.map_or("the loss itself".to_string(), |name| format!("layer {name}"));
            return Err(Error::new(format!(
                "the loss became {loss} at step {step}, first in {place}: lower the learning rate \
                 or clip the gradients, and check the data for values that are not finite"
            )));
        }
        self.update(cx, x, pass, lr, loss)?;
        self.network.update_statistics(&mut self.params, &self.activations);
        Ok(loss)
    }

    /// Goes backward and moves the parameters.
    fn update(
        &mut self,
        cx: &Context,
        x: &[f32],
        pass: Pass,
        lr: f32,
        loss: f64,
    ) -> Result<(), Error> {
        let Trainer { network, params, optimizer, activations, grads, .. } = self;
        let Some(max_norm) = self.clip_norm else {
            // Nobody asks for all gradients at once: each layer's is used up while it is in the
            // cache.
            let backward = BackwardPass { cx, activations, x, pass };
            optimizer.begin_step(params);
            network.backward_updating(backward, params, grads, |params, range, grads| {
                optimizer.update(cx, params, range, grads, lr);
            });
            return Ok(());
        };
        network.backward_overwriting(cx, params, activations, x, pass, grads);
        // What froze since the last step still has that step's gradients.
        for frozen in params.entries().iter().filter(|e| !e.trainable) {
            grads[frozen.range.clone()].fill(0.0);
        }
        let norm = clip_grad_norm(cx, grads, max_norm);
        if !norm.is_finite() {
            let step = pass.step;
            return Err(Error::new(format!(
                "the gradients are not finite at step {step}, where the loss is {loss} and their \
                 norm {norm}: lower the learning rate, and check the data for values that are very \
                 large"
            )));
        }
        optimizer.step(cx, params, grads, lr);
        Ok(())
    }

    /// The output for `x`: (batch, input), in evaluation.
    ///
    /// # Errors
    /// If the batch does not fit.
    pub fn predict(&mut self, cx: &Context, x: &[f32]) -> Result<&[f32], Error> {
        self.network.forward(cx, &self.params, &mut self.activations, x, Pass::evaluate())
    }

    /// The loss on `x`: (batch, input), in evaluation, the layers' penalties included.
    ///
    /// # Errors
    /// If the batch or the target does not fit.
    pub fn evaluate(&mut self, cx: &Context, x: &[f32], target: Target<'_>) -> Result<f64, Error> {
        self.predict(cx, x)?;
        let batch = x.len() / self.network.input().len();
        let loss = self.loss.evaluate(cx, batch, self.activations.output(), target, None)?;
        Ok(loss + self.network.penalty(cx, &self.params, &self.activations, x, Pass::evaluate()))
    }
}
