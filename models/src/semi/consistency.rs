//! The step of the methods that hold the outputs of a network against each other.

use super::shares::Shares;
use super::{Semi, SemiTraining, pseudo_labels, vat};
use crate::error::Error;
use crate::training::Ema;
use narrows_engine::loss::{self, softmax};
use narrows_engine::memory::Slab;
use narrows_engine::random::Random;
use narrows_engine::{
    Context, Gradients, Loss, Network, OptimizerState, Params, Pass, PassMemory, Target,
};

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
    pub average: Option<Ema>,
    memory: PassMemory,
    grads: Slab,
    /// (batch, classes)
    targets: Slab,
    /// (batch, sample) each: samples that were moved, and the gradient there
    moved: [Slab; 2],
    shares: Shares,
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
    /// The state before the first step of training `network` from `params`, where classes are
    /// expected to have such `shares`.
    pub(super) fn new(
        network: &'n Network,
        params: Params,
        training: &SemiTraining,
        shares: Vec<f32>,
    ) -> Result<Self, Error> {
        let len = network.input().len();
        let largest = training.batch.max(training.labelled_batch);
        let moves = matches!(training.method, Semi::Vat { .. });
        Ok(Consistency {
            network,
            optimizer: OptimizerState::new(training.optimizer, &params),
            average: (training.ema > 0.0).then(|| Ema::new(&params, training.ema)),
            memory: PassMemory::new(network, largest)?,
            grads: Slab::new(params.values().len()),
            targets: Slab::new(training.batch * network.output().len()),
            moved: [(); 2].map(|()| Slab::new(if moves { training.batch * len } else { 0 })),
            shares: Shares::new(shares),
            params,
        })
    }

    /// Takes a step, and returns the two losses before it: of the labelled samples, and of the
    /// others, weighted.
    ///
    /// # Errors
    /// If a batch does not fit, or a loss is not finite: then weights and moments are those before
    /// the step.
    pub(super) fn step(
        &mut self,
        cx: &Context,
        training: &SemiTraining,
        batch: Batch<'_>,
    ) -> Result<[f64; 2], Error> {
        let Consistency {
            network,
            params,
            optimizer,
            average,
            memory,
            grads,
            targets,
            moved,
            shares,
        } = self;
        let (seed, step) = (training.seed, optimizer.step_count());
        let classes = network.output().len();
        let count = batch.weak.len() / network.input().len();
        let pass = Pass::train(seed, step);

        // What is asked of the others, before anything has moved. The pass over samples as they
        // will be met later is the one whose statistics count.
        let targets = &mut targets[..count * classes];
        network.forward(cx, params, memory, batch.weak, pass)?;
        network.update_statistics(params, memory);
        softmax(cx, classes, memory.output(), targets);
        let mut student = Pass::train(seed ^ STUDENT, step);
        let mut extra = None;
        let x = match &training.method {
            Semi::PseudoLabels { threshold } => {
                pseudo_labels::targets(targets, classes, *threshold, batch.weight);
                batch.strong
            }
            Semi::MeanTeacher => {
                let teacher = average.as_ref().map_or(&*params, Ema::params);
                network.forward(cx, teacher, memory, batch.weak, pass)?;
                softmax(cx, classes, memory.output(), targets);
                targets.iter_mut().for_each(|p| *p *= batch.weight);
                batch.strong
            }
            Semi::Vat { epsilon, xi, entropy, align } => {
                if *entropy > 0.0 || *align > 0.0 {
                    let (_, dy) = memory.output_and_gradient();
                    let weight = entropy * batch.weight;
                    let unsure =
                        f64::from(weight) * loss::entropy(cx, classes, targets, weight, dy);
                    extra = Some(unsure + shares.pull(targets, align * batch.weight, dy));
                    network.backward(
                        cx,
                        params,
                        memory,
                        batch.weak,
                        Gradients::overwriting(grads),
                    )?;
                }
                // One mask of dropout for all three passes: what differs is to be the input.
                student = pass;
                let len = network.input().len();
                let [nudged, gradient] = moved;
                let (nudged, gradient) = (&mut nudged[..count * len], &mut gradient[..count * len]);
                let random = Random::new(seed, DIRECTIONS);
                vat::nudge(cx, random, step, len, *xi, batch.strong, nudged);
                network.forward(cx, params, memory, nudged, student)?;
                let (y, dy) = memory.output_and_gradient();
                Loss::cross_entropy().evaluate(
                    cx,
                    count,
                    y,
                    Target::Probabilities(targets),
                    Some(dy),
                )?;
                network.backward(cx, params, memory, nudged, Gradients::of_input(gradient))?;
                vat::push(cx, len, *epsilon, batch.strong, gradient);
                targets.iter_mut().for_each(|p| *p *= batch.weight);
                gradient
            }
            Semi::Ladder { .. } => {
                return Err(Error::new("the ladder network has a step of its own"));
            }
        };
        network.forward(cx, params, memory, x, student)?;
        let (y, dy) = memory.output_and_gradient();
        let consistency = Loss::cross_entropy().evaluate(
            cx,
            count,
            y,
            Target::Probabilities(targets),
            Some(dy),
        )?;
        match extra {
            Some(_) => network.backward(cx, params, memory, x, Gradients::added_to(grads))?,
            None => network.backward(cx, params, memory, x, Gradients::overwriting(grads))?,
        }
        let consistency = consistency + extra.unwrap_or(0.0);

        network.forward(cx, params, memory, batch.labelled, pass)?;
        let (y, dy) = memory.output_and_gradient();
        let samples = batch.classes.len();
        let supervised = Loss::cross_entropy().evaluate(
            cx,
            samples,
            y,
            Target::Classes(batch.classes),
            Some(dy),
        )?;
        if !(supervised + consistency).is_finite() {
            let place = network.first_not_finite(memory).unwrap_or("the loss itself");
            return Err(Error::new(format!(
                "the loss became {} at step {step}, first in {place}: lower the learning rate",
                supervised + consistency
            )));
        }
        network.backward(cx, params, memory, batch.labelled, Gradients::added_to(grads))?;
        optimizer.step(cx, params, grads, batch.lr);
        if let Some(average) = average {
            average.update(params);
        }
        Ok([supervised, consistency])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Architecture, Metric, Model};
    use narrows_datasets::Augmentation;
    use narrows_engine::{Optimizer, Schedule};

    const LEN: usize = 5;
    const SHARES: [f32; 3] = [0.6, 0.3, 0.1];

    /// A smooth network, so that differences tell slopes.
    fn network() -> Network {
        let smooth = Activation::Tanh;
        let architecture = Architecture {
            widths: vec![6],
            latent: 4,
            activation: smooth,
            code_activation: smooth,
            ..Architecture::new(Model::Dense, LEN)
        };
        architecture.classifier(3).unwrap()
    }

    fn training(method: Semi) -> SemiTraining {
        SemiTraining {
            method,
            epochs: 1,
            batch: 8,
            labelled_batch: 6,
            class_balance: 0.5,
            lr: 1.0,
            schedule: Schedule::Constant,
            optimizer: Optimizer::sgd(),
            weight: 0.7,
            ramp_up: 0.0,
            ema: 0.9,
            metric: Metric::Accuracy,
            seed: 3,
            augmentation: Augmentation::default(),
            strong: Augmentation::default(),
        }
    }

    fn samples(n: usize, purpose: u64) -> Vec<f32> {
        let mut x = vec![0.0; n * LEN];
        Random::new(1, purpose).fill_normal(0, 0, &mut x);
        x
    }

    /// What a plain step of length 1 moves is the gradient. It is held against differences of the
    /// loss, its targets and moved samples being those of the step.
    #[test]
    fn each_methods_gradient_is_the_slope_of_its_loss() {
        let (cx, network) = (Context::new(1).unwrap(), network());
        let (labelled, weak, strong) = (samples(6, 1), samples(8, 2), samples(8, 3));
        let classes = [0, 1, 2, 0, 1, 2];
        for method in [
            Semi::PseudoLabels { threshold: 0.4 },
            Semi::MeanTeacher,
            Semi::Vat { epsilon: 0.8, xi: 0.1, entropy: 0.0, align: 0.0 },
            Semi::Vat { epsilon: 0.8, xi: 0.1, entropy: 0.5, align: 0.0 },
            Semi::Vat { epsilon: 0.8, xi: 0.1, entropy: 0.0, align: 0.9 },
            Semi::Vat { epsilon: 0.8, xi: 0.1, entropy: 0.5, align: 0.9 },
        ] {
            let training = training(method.clone());
            let params = Params::new(&network, 4);
            let mut consistency =
                Consistency::new(&network, params.clone(), &training, SHARES.to_vec()).unwrap();
            let batch = Batch {
                labelled: &labelled,
                classes: &classes,
                weak: &weak,
                strong: &strong,
                lr: 1.0,
                weight: 0.7,
            };
            let losses = consistency.step(&cx, &training, batch).unwrap();
            let (entropy, align, x) = match method {
                Semi::Vat { entropy, align, .. } => (entropy, align, &consistency.moved[1][..]),
                _ => (0.0, 0.0, &strong[..]),
            };
            if let Semi::Vat { epsilon, .. } = method {
                for (from, to) in strong.chunks(LEN).zip(x.chunks(LEN)) {
                    let distance =
                        from.iter().zip(to).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
                    assert!(
                        (distance - epsilon).abs() < 1e-5,
                        "moved by {distance} from the strongly augmented"
                    );
                }
            }
            let targets = consistency.targets.to_vec();
            assert!(targets.iter().any(|t| *t > 0.0), "{method:?}");
            let mut memory = PassMemory::new(&network, 8).unwrap();
            let mut loss_at = |params: &Params| -> f64 {
                let pass = Pass::train(3, 0);
                let y = network.forward(&cx, params, &mut memory, x, pass).unwrap();
                let mut loss = Loss::cross_entropy()
                    .evaluate(&cx, 8, y, Target::Probabilities(&targets), None)
                    .unwrap();
                let y = network.forward(&cx, params, &mut memory, &labelled, pass).unwrap();
                loss += Loss::cross_entropy()
                    .evaluate(&cx, 6, y, Target::Classes(&classes), None)
                    .unwrap();
                let y = network.forward(&cx, params, &mut memory, &weak, pass).unwrap();
                let mut mean = [0.0; 3];
                for z in y.chunks(3) {
                    let e: Vec<f64> = z.iter().map(|z| f64::from(*z).exp()).collect();
                    let sum: f64 = e.iter().sum();
                    let of_row: f64 = e.iter().map(|e| -e / sum * (e / sum).ln()).sum();
                    loss += of_row / 8.0 * f64::from(entropy * 0.7);
                    mean.iter_mut().zip(&e).for_each(|(mean, e)| *mean += e / sum / 8.0);
                }
                for (share, mean) in SHARES.iter().zip(mean) {
                    loss += f64::from(align * 0.7 * share) * (f64::from(*share) / mean).ln();
                }
                loss
            };
            assert!(
                (losses[0] + losses[1] - loss_at(&params)).abs() < 1e-5,
                "{method:?}: {losses:?}"
            );
            for entry in params.entries().iter().filter(|entry| entry.trainable) {
                for i in entry.range.clone() {
                    let mut at = |step: f32| {
                        let mut params = params.clone();
                        params.values_mut()[i] += step;
                        loss_at(&params)
                    };
                    let slope = (at(3e-3) - at(-3e-3)) / 6e-3;
                    let moved = f64::from(params.values()[i] - consistency.params.values()[i]);
                    assert!(
                        (slope - moved).abs() < 2e-3,
                        "{method:?}: {} {i}: {moved}, not {slope}",
                        entry.name
                    );
                }
            }
        }
    }

    /// The virtual adversary hurts more than a random direction as long.
    #[test]
    fn the_adversarial_direction_is_a_bad_one() {
        let (cx, network) = (Context::new(1).unwrap(), network());
        let training = training(Semi::Vat { epsilon: 0.3, xi: 0.1, entropy: 0.0, align: 0.0 });
        let params = Params::new(&network, 4);
        let (labelled, weak) = (samples(6, 1), samples(8, 2));
        let mut consistency =
            Consistency::new(&network, params.clone(), &training, SHARES.to_vec()).unwrap();
        let classes = [0; 6];
        let batch = Batch {
            labelled: &labelled,
            classes: &classes,
            weak: &weak,
            strong: &weak,
            lr: 1e-9,
            weight: 1.0,
        };
        consistency.step(&cx, &training, batch).unwrap();
        let mut memory = PassMemory::new(&network, 8).unwrap();
        let targets = consistency.targets.to_vec();
        let mut loss_of = |x: &[f32]| {
            let y = network.forward(&cx, &params, &mut memory, x, Pass::train(3, 0)).unwrap();
            Loss::cross_entropy()
                .evaluate(&cx, 8, y, Target::Probabilities(&targets), None)
                .unwrap()
        };
        let adversarial = loss_of(&consistency.moved[1]);
        for step in 0..20 {
            let mut random = vec![0.0; weak.len()];
            vat::nudge(&cx, Random::new(7, 7), step, LEN, 0.3, &weak, &mut random);
            let random = loss_of(&random);
            assert!(adversarial > random, "{adversarial} against {random}");
        }
    }
}
