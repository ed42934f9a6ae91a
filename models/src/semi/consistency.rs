//! The step of the methods that hold the outputs of a network against each other.

use super::{Semi, SemiTraining, mean_teacher, pseudo_labels, vat};
use crate::Error;
use narrows_engine::loss::{self, softmax};
use narrows_engine::memory::Slab;
use narrows_engine::random::Random;
use narrows_engine::{Activations, Context, Loss, Network, OptimizerState, Params, Pass, Target};

/// The purposes of random numbers, away from those of layers.
const STUDENT: u64 = 0x5eed_0001;
const DIRECTIONS: u64 = 0x5eed_0002;

/// A network between labelled samples and others, and all the memory of a step.
#[derive(Clone, Debug)]
pub struct Consistency<'n> {
    network: &'n Network,
    /// The parameters in training.
    pub params: Params,
    /// The optimiser's state.
    pub optimizer: OptimizerState,
    /// The moving average of the parameters, if one is asked for.
    pub average: Option<Params>,
    activations: Activations,
    grads: Slab,
    /// (batch, classes)
    targets: Slab,
    /// (batch, sample) each: samples that were moved, and the gradient there
    moved: [Slab; 2],
}

/// What a step is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch<'a> {
    /// (labelled, sample)
    pub labelled: &'a [f32],
    /// (labelled)
    pub classes: &'a [u32],
    /// (others, sample), to compute targets from
    pub weak: &'a [f32],
    /// (others, sample), to meet them
    pub strong: &'a [f32],
    pub lr: f32,
    /// Of what is asked of the others.
    pub weight: f32,
}

impl<'n> Consistency<'n> {
    /// The state before the first step of training `network` from `params`, on batches of samples of `len` values.
    pub(super) fn new(network: &'n Network, params: Params, training: &SemiTraining, len: usize) -> Self {
        let largest = training.batch.max(training.labelled_batch);
        let moves = matches!(training.method, Semi::Vat { .. });
        Consistency {
            network,
            optimizer: OptimizerState::new(training.optimizer, &params),
            average: (training.ema > 0.0).then(|| params.clone()),
            activations: Activations::new(network, largest),
            grads: Slab::new(params.values().len()),
            targets: Slab::new(training.batch * network.output().len()),
            moved: [(); 2].map(|()| Slab::new(if moves { training.batch * len } else { 0 })),
            params,
        }
    }

    /// Takes a step, and returns the two losses before it: of the labelled samples, and of the others, weighted.
    ///
    /// # Errors
    /// If a batch does not fit, or a loss is not finite: then weights and moments are those before the step.
    pub(super) fn step(
        &mut self,
        cx: &Context,
        training: &SemiTraining,
        batch: Batch<'_>,
    ) -> Result<[f64; 2], Error> {
        let Consistency { network, params, optimizer, average, activations, grads, targets, moved } = self;
        let (seed, step) = (training.seed, optimizer.step_count());
        let classes = network.output().len();
        let count = batch.weak.len() / network.input().len();
        let pass = Pass::train(seed, step);

        // What is asked of the others, before anything has moved. The pass over samples as they will be met later is the one
        // whose statistics count.
        let targets = &mut targets[..count * classes];
        network.forward(cx, params, activations, batch.weak, pass)?;
        network.update_statistics(params, activations);
        softmax(cx, classes, activations.output(), targets);
        let mut student = Pass::train(seed ^ STUDENT, step);
        let mut extra = 0.0;
        let x = match &training.method {
            Semi::PseudoLabels { threshold } => {
                pseudo_labels::targets(targets, classes, *threshold, batch.weight);
                batch.strong
            }
            Semi::MeanTeacher => {
                let teacher = average.as_ref().unwrap_or(params);
                network.forward(cx, teacher, activations, batch.weak, pass)?;
                softmax(cx, classes, activations.output(), targets);
                targets.iter_mut().for_each(|p| *p *= batch.weight);
                batch.strong
            }
            Semi::Vat { epsilon, xi, entropy } => {
                if *entropy > 0.0 {
                    let (_, dy) = activations.output_and_gradient();
                    extra = loss::entropy(cx, classes, targets, entropy * batch.weight, dy);
                    extra *= f64::from(entropy * batch.weight);
                    network.backward_overwriting(cx, params, activations, batch.weak, pass, grads);
                }
                // One mask of dropout for all three passes: what differs is to be the input.
                student = pass;
                let len = network.input().len();
                let [nudged, gradient] = moved;
                let (nudged, gradient) = (&mut nudged[..count * len], &mut gradient[..count * len]);
                let random = Random::new(seed, DIRECTIONS);
                vat::nudge(cx, random, step, len, *xi, batch.weak, nudged);
                network.forward(cx, params, activations, nudged, student)?;
                let (y, dy) = activations.output_and_gradient();
                Loss::cross_entropy().evaluate(cx, count, y, Target::Probabilities(targets), Some(dy))?;
                network.input_gradient(cx, params, activations, nudged, student, gradient);
                vat::push(cx, len, *epsilon, batch.weak, gradient);
                targets.iter_mut().for_each(|p| *p *= batch.weight);
                gradient
            }
            Semi::Ladder { .. } => return Err(Error::new("the ladder network has a step of its own")),
        };
        network.forward(cx, params, activations, x, student)?;
        let (y, dy) = activations.output_and_gradient();
        let consistency =
            Loss::cross_entropy().evaluate(cx, count, y, Target::Probabilities(targets), Some(dy))?;
        match extra > 0.0 {
            true => network.backward(cx, params, activations, x, student, grads),
            false => network.backward_overwriting(cx, params, activations, x, student, grads),
        }
        let consistency = consistency + extra;

        network.forward(cx, params, activations, batch.labelled, pass)?;
        let (y, dy) = activations.output_and_gradient();
        let samples = batch.classes.len();
        let supervised =
            Loss::cross_entropy().evaluate(cx, samples, y, Target::Classes(batch.classes), Some(dy))?;
        if !(supervised + consistency).is_finite() {
            let place = network.first_not_finite(activations).unwrap_or("the loss itself");
            return Err(Error::new(format!(
                "the loss became {} at step {step}, first in {place}: lower the learning rate",
                supervised + consistency
            )));
        }
        network.backward(cx, params, activations, batch.labelled, pass, grads);
        optimizer.step(cx, params, grads, batch.lr);
        if let Some(average) = average {
            mean_teacher::follow(average, params, training.ema, step);
        }
        Ok([supervised, consistency])
    }
}
