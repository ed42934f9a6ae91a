//! One training step: forward, loss, backward, update.

use crate::error::{Error, ensure};
use crate::hardware::memory::Slab;
use crate::network::Gradients;
use crate::network::layer::Pass;
use crate::training::optimizer::clip_grad_norm;
use crate::{Context, Loss, Network, Optimizer, OptimizerState, Params, PassMemory, Target};

/// The settings of a [`Trainer`].
#[derive(Clone, Debug, PartialEq)]
pub struct TrainerSettings {
    /// The loss that is minimised.
    pub loss: Loss,
    /// The optimiser, which turns gradients into steps.
    pub optimizer: Optimizer,
    /// The most samples in a batch, at least 1: memory is for so many.
    pub max_batch: usize,
    /// The seed of the network's random numbers, such as those of dropout.
    pub seed: u64,
    /// The norm, above 0, that gradients are scaled down to; `None` leaves them alone.
    pub clip_norm: Option<f32>,
}

impl TrainerSettings {
    /// Adam, seed 0 and no clipping, for batches of up to `max_batch` samples.
    pub fn new(loss: Loss, max_batch: usize) -> TrainerSettings {
        TrainerSettings { loss, optimizer: Optimizer::adam(), max_batch, seed: 0, clip_norm: None }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// If one is out of its range; the message names both.
    pub fn check(&self) -> Result<(), Error> {
        self.loss.check()?;
        self.optimizer.check()?;
        ensure!(self.max_batch > 0, setting, "max_batch must be at least 1 sample, but is 0");
        let norm = self.clip_norm.unwrap_or(f32::INFINITY);
        ensure!(
            norm > 0.0,
            setting,
            "clip_norm must be above 0, but is {norm}: leave it out to clip nothing"
        );
        Ok(())
    }
}

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
/// let mut trainer = Trainer::new(&network, params, TrainerSettings::new(Loss::L2, 4))?;
/// let x = [0., 0., 0., 1., 1., 0., 1., 1.];
/// let exclusive_or = [0., 1., 1., 0.];
/// for _ in 0..1000 {
///     trainer.step(&cx, &x, Target::Values(&exclusive_or), 0.01)?;
/// }
/// assert!(trainer.predict(&cx, &x)?.iter().zip(exclusive_or).all(|(y, t)| (y - t).abs() < 0.1));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Trainer {
    network: Network,
    /// The parameters, free to be frozen, copied and restored between steps.
    pub params: Params,
    /// The optimiser's state.
    pub optimizer: OptimizerState,
    settings: TrainerSettings,
    /// Gradients of all parameters. Without clipping, the beginning serves one layer after another,
    /// and the rest is never touched.
    grads: Slab,
    memory: PassMemory,
}

impl Trainer {
    /// Prepares to train `network`, of which it keeps a clone, from `params` on.
    ///
    /// # Errors
    /// If a setting is out of its range, or `params` are those of another network.
    pub fn new(
        network: &Network,
        params: Params,
        settings: TrainerSettings,
    ) -> Result<Trainer, Error> {
        settings.check()?;
        network.check_params(&params)?;
        Ok(Trainer {
            optimizer: OptimizerState::new(settings.optimizer, &params),
            grads: Slab::new(params.values().len()),
            memory: PassMemory::new(network, settings.max_batch)?,
            network: network.clone(),
            params,
            settings,
        })
    }

    /// The network in training.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The settings that it was made with.
    pub fn settings(&self) -> &TrainerSettings {
        &self.settings
    }

    /// Takes one step on `x`: (batch, input) with learning rate `lr`, and returns the loss before
    /// it, the layers' penalties ([`PassMemory::penalty`]) included.
    ///
    /// # Errors
    /// If the batch does not fit, or the loss is not finite: then the message names the layer and
    /// the step, and parameters, running statistics and moments are those before the step. The same
    /// holds if gradients are clipped and their norm is not finite (squares of more than 1e38 in
    /// f32 are not).
    ///
    /// Without `clip_norm` the gradients are not checked: if they are not finite although the loss
    /// is, the parameters become NaN, and the next step's loss shows it.
    pub fn step(
        &mut self,
        cx: &Context,
        x: &[f32],
        target: Target<'_>,
        lr: f32,
    ) -> Result<f64, Error> {
        let pass = Pass::train(self.settings.seed, self.optimizer.step_count());
        self.network.forward(cx, &self.params, &mut self.memory, x, pass)?;
        self.learn(cx, x, pass, lr, evaluate(cx, target))
    }

    /// Like [`Trainer::step`], with a loss of one's own: `loss` gets y: (batch, output), writes its
    /// gradient to dy, which is (batch, output) and all zeros, and returns the loss. The loss of
    /// the settings is not used.
    ///
    /// ```
    /// # use narrows_engine::*;
    /// # fn main() -> Result<(), Error> {
    /// # let network = Network::builder(1).layer(layers::Linear::new(1)).build()?;
    /// # let params = Params::new(&network, 1);
    /// # let mut trainer = Trainer::new(&network, params, TrainerSettings::new(Loss::L2, 1))?;
    /// # let cx = Context::new(1)?;
    /// // Pulls the output towards 3.
    /// let loss = trainer.step_with(&cx, &[1.0], 0.1, |y, dy| {
    ///     dy[0] = 2.0 * (y[0] - 3.0);
    ///     f64::from(y[0] - 3.0).powi(2)
    /// })?;
    /// # assert!(loss.is_finite());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Like [`Trainer::step`].
    pub fn step_with(
        &mut self,
        cx: &Context,
        x: &[f32],
        lr: f32,
        loss: impl FnOnce(&[f32], &mut [f32]) -> f64,
    ) -> Result<f64, Error> {
        let pass = Pass::train(self.settings.seed, self.optimizer.step_count());
        self.network.forward(cx, &self.params, &mut self.memory, x, pass)?;
        self.learn(cx, x, pass, lr, |_, _, y, dy| {
            dy.fill(0.0);
            Ok(loss(y, dy))
        })
    }

    /// Like [`Trainer::step`] on the samples of which [`Network::forward_frozen`] made `codes`,
    /// with the same bits.
    ///
    /// # Errors
    /// Like [`Trainer::step`], or if nothing below a trainable layer is frozen.
    pub fn step_from_frozen(
        &mut self,
        cx: &Context,
        codes: &[f32],
        target: Target<'_>,
        lr: f32,
    ) -> Result<f64, Error> {
        let pass = Pass::train(self.settings.seed, self.optimizer.step_count());
        self.network.forward_from_frozen(cx, &self.params, &mut self.memory, codes, pass)?;
        self.learn(cx, &[], pass, lr, evaluate(cx, target))
    }

    /// The part of a step behind the forward pass. `x` may be empty if the lowest layer does not
    /// train. `loss` gets the loss of the settings, the batch, y and dy.
    fn learn(
        &mut self,
        cx: &Context,
        x: &[f32],
        pass: Pass,
        lr: f32,
        loss: impl FnOnce(&Loss, usize, &[f32], &mut [f32]) -> Result<f64, Error>,
    ) -> Result<f64, Error> {
        let (step, batch) = (pass.step, self.memory.batch());
        let penalty = self.memory.penalty();
        let (y, dy) = self.memory.output_and_gradient();
        let loss = loss(&self.settings.loss, batch, y, dy)? + penalty;
        self.network.check_loss(&self.memory, loss, step)?;
        self.update(cx, x, pass, lr, loss)?;
        self.network.update_statistics(&mut self.params, &self.memory);
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
        let Trainer { network, params, optimizer, memory, grads, .. } = self;
        let Some(max_norm) = self.settings.clip_norm else {
            // All gradients at once are not needed: each layer's is used up while it is in the
            // cache.
            optimizer.begin_step(params)?;
            return network.backward_updating(
                cx,
                params,
                memory,
                x,
                grads,
                |params, range, grads| {
                    optimizer.update(cx, params, range, grads, lr);
                },
            );
        };
        network.backward(cx, params, memory, x, Gradients::overwriting(grads))?;
        // Parameters that froze since the last step still have that step's gradients.
        for frozen in params.entries().iter().filter(|e| !e.trainable) {
            grads[frozen.range.clone()].fill(0.0);
        }
        let norm = clip_grad_norm(cx, grads, max_norm);
        ensure!(
            norm.is_finite(),
            not_finite,
            "the gradients are not finite at step {}, where the loss is {loss} and their norm \
             {norm}: lower the learning rate, and check the data for values that are very large",
            pass.step
        );
        optimizer.step(cx, params, grads, lr)
    }

    /// The output for `x`: (batch, input), in evaluation.
    ///
    /// # Errors
    /// If the batch does not fit.
    pub fn predict(&mut self, cx: &Context, x: &[f32]) -> Result<&[f32], Error> {
        self.network.forward(cx, &self.params, &mut self.memory, x, Pass::evaluate())
    }

    /// The loss on `x`: (batch, input), in evaluation, the layers' penalties included.
    ///
    /// # Errors
    /// If the batch or the target does not fit.
    pub fn evaluate(&mut self, cx: &Context, x: &[f32], target: Target<'_>) -> Result<f64, Error> {
        self.predict(cx, x)?;
        let batch = x.len() / self.network.input().len();
        let loss = self.settings.loss.evaluate(cx, batch, self.memory.output(), target, None)?;
        Ok(loss + self.memory.penalty())
    }
}

/// The loss of the settings towards `target`.
fn evaluate<'a>(
    cx: &'a Context,
    target: Target<'a>,
) -> impl FnOnce(&Loss, usize, &[f32], &mut [f32]) -> Result<f64, Error> + 'a {
    move |loss, batch, y, dy| loss.evaluate(cx, batch, y, target, Some(dy))
}
