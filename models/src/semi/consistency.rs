//! The step of the methods that hold the outputs of a network against each other.

use super::SemiTraining;
use super::shares::Shares;
use crate::error::{Error, error};
use crate::training::Ema;
use narrows_engine::math::softmax;
use narrows_engine::memory::Slab;
use narrows_engine::{
    Context, Gradients, Loss, Network, OptimizerState, Params, Pass, PassMemory, Target,
};

/// The purpose of random numbers of the pass that is to meet targets, away from those of layers.
const STUDENT: u64 = 0x5eed_0001;

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
    pub(super) shares: Shares,
}

/// The samples of a step.
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
    /// The weight of the demand on the others.
    pub weight: f32,
}

/// A method that sets samples without a label targets: probabilities that the network itself, or an
/// average of it, gives another version of them.
pub(super) trait ConsistencyMethod {
    /// # Errors
    /// If a setting makes no sense; the message names it.
    fn check(&self, training: &SemiTraining) -> Result<(), Error>;

    /// True if it uses [`Step::moved`].
    fn moves_samples(&self) -> bool {
        false
    }

    /// Turns `step.targets` into targets times the weight, and says which samples are to meet them.
    ///
    /// # Errors
    /// If a pass fails.
    fn demand<'x>(&self, step: Step<'_, 'x>) -> Result<Demand<'x>, Error>;
}

/// A step before anything has moved.
pub(super) struct Step<'s, 'x> {
    pub cx: &'s Context,
    pub network: &'s Network,
    pub params: &'s Params,
    pub average: Option<&'s Ema>,
    /// The memory after a pass over the weak samples.
    pub memory: &'s mut PassMemory,
    pub grads: &'s mut [f32],
    /// (others, classes): the probabilities of the weak samples
    pub targets: &'s mut [f32],
    /// (others, sample) each: memory for a method that moves samples
    pub moved: [&'x mut [f32]; 2],
    pub shares: &'s mut Shares,
    pub batch: Batch<'x>,
    pub pass: Pass,
    pub seed: u64,
    pub number: u64,
}

/// The samples that are to meet the targets.
pub(super) struct Demand<'x> {
    /// (others, sample)
    pub x: &'x [f32],
    pub pass: Pass,
    /// A loss beside, if there is one; its gradient is in `grads`.
    pub beside: Option<f64>,
}

impl<'x> Demand<'x> {
    /// The strongly augmented samples, in a pass of its own.
    pub fn of_strong(step: &Step<'_, 'x>) -> Demand<'x> {
        let pass = Pass::train(step.seed ^ STUDENT, step.number);
        Demand { x: step.batch.strong, pass, beside: None }
    }
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
        let method = training.method.consistency().ok_or_else(no_step)?;
        let moved = if method.moves_samples() { training.batch * len } else { 0 };
        Ok(Consistency {
            network,
            optimizer: OptimizerState::new(training.optimizer, &params),
            average: (training.ema > 0.0).then(|| Ema::new(&params, training.ema)),
            memory: PassMemory::new(network, largest)?,
            grads: Slab::new(params.values().len()),
            targets: Slab::new(training.batch * network.output().len()),
            moved: [(); 2].map(|()| Slab::new(moved)),
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

        // The demand on the others comes first, before anything has moved. Statistics count in the
        // pass over samples as they come later.
        let targets = &mut targets[..count * classes];
        network.forward(cx, params, memory, batch.weak, pass)?;
        network.update_statistics(params, memory);
        softmax(cx, classes, memory.output(), targets);
        let len = if moved[0].is_empty() { 0 } else { batch.weak.len() };
        let [nudged, gradient] = moved;
        let method = training.method.consistency().ok_or_else(no_step)?;
        let Demand { x, pass: student, beside } = method.demand(Step {
            cx,
            network,
            params,
            average: average.as_ref(),
            memory,
            grads,
            targets,
            moved: [&mut nudged[..len], &mut gradient[..len]],
            shares,
            batch,
            pass,
            seed,
            number: step,
        })?;
        network.forward(cx, params, memory, x, student)?;
        let (y, dy) = memory.output_and_gradient();
        let loss = Loss::cross_entropy();
        let target = Target::Probabilities(targets);
        let mut consistency = loss.evaluate(cx, count, y, target, Some(dy))?;
        let gradients = match beside {
            Some(_) => Gradients::added_to(grads),
            None => Gradients::overwriting(grads),
        };
        network.backward(cx, params, memory, x, gradients)?;
        consistency += beside.unwrap_or(0.0);

        network.forward(cx, params, memory, batch.labelled, pass)?;
        let (y, dy) = memory.output_and_gradient();
        let target = Target::Classes(batch.classes);
        let supervised = loss.evaluate(cx, batch.classes.len(), y, target, Some(dy))?;
        network.check_loss(memory, supervised + consistency, step)?;
        network.backward(cx, params, memory, batch.labelled, Gradients::added_to(grads))?;
        optimizer.step(cx, params, grads, batch.lr)?;
        if let Some(average) = average {
            average.update(cx, params);
        }
        Ok([supervised, consistency])
    }
}

fn no_step() -> Error {
    error!("the ladder network has a step of its own")
}

#[cfg(test)]
mod tests {
    use super::super::vat::nudge;
    use super::super::{MeanTeacher, PseudoLabels, Semi, Vat};
    use super::*;
    use crate::{Activation, Architecture, Metric, Model};
    use narrows_datasets::Augmentation;
    use narrows_engine::random::Random;
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

    /// The move of a plain step of length 1 is the gradient. It is held against differences of the
    /// loss, its targets and moved samples being those of the step.
    #[test]
    fn each_methods_gradient_is_the_slope_of_its_loss() {
        let (cx, network) = (Context::new(1).unwrap(), network());
        let (labelled, weak, strong) = (samples(6, 1), samples(8, 2), samples(8, 3));
        let classes = [0, 1, 2, 0, 1, 2];
        for method in [
            Semi::PseudoLabels(PseudoLabels { threshold: 0.4 }),
            Semi::MeanTeacher(MeanTeacher),
            Semi::Vat(Vat { epsilon: 0.8, xi: 0.1, entropy: 0.0, align: 0.0 }),
            Semi::Vat(Vat { epsilon: 0.8, xi: 0.1, entropy: 0.5, align: 0.0 }),
            Semi::Vat(Vat { epsilon: 0.8, xi: 0.1, entropy: 0.0, align: 0.9 }),
            Semi::Vat(Vat { epsilon: 0.8, xi: 0.1, entropy: 0.5, align: 0.9 }),
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
                Semi::Vat(Vat { entropy, align, .. }) => {
                    (entropy, align, &consistency.moved[1][..])
                }
                _ => (0.0, 0.0, &strong[..]),
            };
            if let Semi::Vat(Vat { epsilon, .. }) = method {
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
        let training = training(Semi::Vat(Vat { epsilon: 0.3, xi: 0.1, entropy: 0.0, align: 0.0 }));
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
            nudge(&cx, Random::new(7, 7), step, LEN, 0.3, &weak, &mut random);
            let random = loss_of(&random);
            assert!(adversarial > random, "{adversarial} against {random}");
        }
    }
}
