//! The ladder network on a dense classifier: its weights in and out, its statistics, its step.
//!
//! The engine's ladder has an encoder of linear layers, each normalised, with a bias and a ReLU,
//! and a scaled top. A dense classifier with batch norm is the same network without noise: batch
//! norm has a scale besides, which is 1, and its top has no batch norm, which is folded into the
//! weights when they are handed over.

use super::{SemiTraining, in_range};
use crate::architecture::Architecture;
use crate::error::{Error, bail, ensure, error};
use narrows_datasets::{Dataset, Rows};
use narrows_engine::layers::BatchNorm;
use narrows_engine::memory::Slab;
use narrows_engine::params::Role;
use narrows_engine::{
    Context, Ladder, LadderBatch, LadderLoss, LadderMemory, Network, OptimizerState, Params,
};

/// The samples over which the statistics of evaluation are taken, at most.
const STATISTICS: usize = 10_000;

/// The epsilon of the ladder's normalisation; a classifier's batch norm has another.
const EPS: f32 = 1e-6;

/// The weights of the denoising costs.
#[derive(Clone, Debug, PartialEq)]
pub struct LadderCosts(
    /// From the sample on; the last one is that of all layers above.
    pub Vec<f32>,
);

impl LadderCosts {
    /// The paper's for MNIST: 1000 for the sample, 10 for the first layer, 0.1 for all above.
    pub fn full() -> LadderCosts {
        LadderCosts(vec![1000.0, 10.0, 0.1])
    }

    /// The sample alone: nearly as good, for two thirds of the work.
    pub fn bottom() -> LadderCosts {
        LadderCosts(vec![1000.0, 0.0])
    }

    /// # Errors
    /// If there is none, or one is negative or not finite.
    pub fn check(&self) -> Result<(), Error> {
        match self.0.iter().find(|cost| !(**cost >= 0.0 && cost.is_finite())) {
            Some(cost) => {
                bail!("a denoising cost must be finite and not negative, not {cost}")
            }
            None if self.0.is_empty() => {
                bail!("a ladder needs at least one denoising cost")
            }
            None => Ok(()),
        }
    }

    /// One for each of `n` layers, times `weight`.
    fn of_layers(&self, n: usize, weight: f32) -> Vec<f32> {
        let last = self.0.last().copied().unwrap_or(0.0);
        (0..n).map(|l| weight * self.0.get(l).copied().unwrap_or(last)).collect()
    }
}

/// The ladder network (Rasmus et al., NIPS 2015).
#[derive(Clone, Debug, PartialEq)]
pub struct LadderNetwork {
    /// The standard deviation of the noise at the input and at each layer.
    pub noise: f32,
    /// The weights of the denoising costs.
    pub costs: LadderCosts,
}

impl LadderNetwork {
    pub(super) fn check(&self) -> Result<(), Error> {
        in_range("noise", self.noise, 0.0, 1e3)?;
        self.costs.check()
    }

    /// # Errors
    /// If the classifier of that architecture is none of linear layers, batch norms and ReLUs; the
    /// message says why.
    pub(super) fn check_for(architecture: &Architecture) -> Result<(), Error> {
        let Architecture { model, activation, code_activation, dropout, .. } = architecture;
        let (activation, code) = (activation.name(), code_activation.name());
        let (model, dropout) = (model.name(), dropout);
        let unfit = [
            (model != "dense", format!("its model is {model}, not dense")),
            (architecture.variational, "it is variational".to_string()),
            (!architecture.batch_norm, "it has no batch norm".to_string()),
            (*dropout != 0.0, format!("it has a dropout of {dropout}, not 0")),
            (activation != "relu", format!("its activation is {activation}, not relu")),
            (code != "relu", format!("its code's activation is {code}, not relu")),
        ];
        let reasons: Vec<String> =
            unfit.into_iter().filter_map(|(unfit, reason)| unfit.then_some(reason)).collect();
        ensure!(
            reasons.is_empty(),
            Mismatch,
            "the ladder network is for dense models with batch norm and ReLUs, not for this one: \
             {}: choose another model, or another method",
            reasons.join("; ")
        );
        Ok(())
    }
}

/// A ladder in training.
#[derive(Clone, Debug)]
pub(super) struct LadderTrainer {
    ladder: Ladder,
    pub params: Params,
    pub optimizer: OptimizerState,
    memory: LadderMemory,
    grads: Slab,
}

/// A linear layer of the classifier: its weight, and its bias if it has one.
struct LinearNames {
    weight: String,
    bias: Option<String>,
    outputs: usize,
    inputs: usize,
}

impl LadderTrainer {
    /// A ladder around the classifier `network`, from whose `params` its encoder starts.
    ///
    /// # Errors
    /// If the classifier is no chain of linear layers, batch norms and ReLUs.
    pub fn new(
        network: &Network,
        params: &Params,
        settings: &LadderNetwork,
        training: &SemiTraining,
    ) -> Result<LadderTrainer, Error> {
        let LadderNetwork { noise, costs } = settings;
        let (linears, norms) = layers(params)?;
        // A variational encoder gives more than goes on to the head.
        let chain = linears.windows(2).all(|pair| pair[0].outputs == pair[1].inputs);
        ensure!(
            norms.len() + 1 == linears.len() && chain,
            "the ladder network needs a dense classifier with batch norm, and an encoder that is \
             not variational: choose another model, or another method"
        );
        let mut widths = vec![network.input().len()];
        widths.extend(linears.iter().map(|linear| linear.outputs));
        let ladder = Ladder::new(&widths, *noise, &costs.of_layers(widths.len(), training.weight))?;
        let mut own = ladder.params(training.seed)?;
        for (l, linear) in linears.iter().enumerate() {
            let weight = params.get(&linear.weight).unwrap_or_default();
            set(&mut own, &format!("encoder.{}.weight", l + 1), weight);
        }
        Ok(LadderTrainer {
            optimizer: OptimizerState::new(training.optimizer, &own),
            memory: LadderMemory::new(&ladder, &own, training.labelled_batch, training.batch),
            grads: Slab::new(own.values().len()),
            params: own,
            ladder,
        })
    }

    /// Takes a step on x: (labelled + others, sample).
    ///
    /// # Errors
    /// If the batch does not fit, or the loss is not finite: then nothing has moved.
    pub fn step(
        &mut self,
        cx: &Context,
        x: &[f32],
        classes: &[u32],
        seed: u64,
        lr: f32,
    ) -> Result<[f64; 2], Error> {
        let step = self.optimizer.step_count();
        let batch = LadderBatch { x, classes, seed, step };
        let LadderLoss { supervised, denoising, .. } =
            self.ladder.gradients(cx, &self.params, &mut self.memory, batch, &mut self.grads)?;
        let loss = supervised + denoising;
        if !loss.is_finite() {
            let layer = self.memory.first_not_finite();
            let place = layer.map_or("the loss itself".to_string(), |name| format!("layer {name}"));
            let when = format_args!("at step {step}, first in {place}");
            return Err(narrows_engine::Error::diverged("the ladder's loss", loss, when).into());
        }
        self.optimizer.step(cx, &mut self.params, &self.grads, lr)?;
        Ok([supervised, denoising])
    }

    /// Writes the clean encoder to the classifier's `params`, with the statistics of some thousand
    /// of `rows`, taken anew.
    ///
    /// # Errors
    /// If the samples cannot be read.
    pub fn export(
        &mut self,
        cx: &Context,
        data: &Dataset,
        rows: Rows<'_>,
        params: &mut Params,
    ) -> Result<(), Error> {
        let statistics = self.statistics(cx, data, rows)?;
        let (linears, norms) = layers(params)?;
        let top = linears.len();
        for (l, linear) in linears.iter().enumerate() {
            let weight = self.own(&format!("encoder.{}.weight", l + 1));
            set(params, &linear.weight, weight);
            if let Some(bias) = &linear.bias {
                params.get_mut(bias).unwrap_or_default().fill(0.0);
            }
        }
        for (l, norm) in norms.iter().enumerate() {
            let bias = self.own(&format!("encoder.{}.bias", l + 1));
            let [mean, var] = &statistics[l];
            for (part, values) in [("bias", bias), ("running_mean", mean), ("running_var", var)] {
                set(params, &format!("{norm}.{part}"), values);
            }
            // Makes up for the other epsilon.
            let scale = params.get_mut(&format!("{norm}.weight")).unwrap_or_default();
            for (scale, var) in scale.iter_mut().zip(var) {
                *scale = ((var + BatchNorm::default().eps) / (var + EPS)).sqrt();
            }
        }
        // The top: scale ((W h - mean) / std + bias).
        let (scale, shift) =
            (self.own(&format!("encoder.{top}.scale")), self.own(&format!("encoder.{top}.bias")));
        let ([mean, var], last) = (&statistics[top - 1], &linears[top - 1]);
        let factor: Vec<f32> =
            scale.iter().zip(var).map(|(scale, var)| scale / (var + EPS).sqrt()).collect();
        let weight = params.get_mut(&last.weight).unwrap_or_default();
        for (row, factor) in weight.chunks_exact_mut(last.inputs).zip(&factor) {
            row.iter_mut().for_each(|w| *w *= factor);
        }
        let bias = last.bias.as_ref().and_then(|bias| params.get_mut(bias));
        let bias = bias.ok_or_else(|| {
            error!(Mismatch, "the classifier's last layer has no bias to take the ladder's")
        })?;
        for (c, bias) in bias.iter_mut().enumerate() {
            *bias = scale[c] * shift[c] - factor[c] * mean[c];
        }
        Ok(())
    }

    fn own(&self, name: &str) -> &[f32] {
        self.params.get(name).unwrap_or_default()
    }

    /// The mean and variance of what each layer normalises, over some thousand samples spread
    /// evenly over `rows`: batches are normalised by themselves, as in training, and their
    /// statistics put together.
    fn statistics(
        &mut self,
        cx: &Context,
        data: &Dataset,
        rows: Rows<'_>,
    ) -> Result<Vec<[Vec<f32>; 2]>, Error> {
        let widths = self.ladder.widths()[1..].to_vec();
        let size = self.memory.max_unlabelled().min(rows.len());
        let batches = (rows.len() / size).clamp(1, STATISTICS.div_ceil(size));
        let mut sums: Vec<[Vec<f64>; 2]> =
            widths.iter().map(|&n| [vec![0.0; n], vec![0.0; n]]).collect();
        let (mut x, mut batch) = (vec![0.0; size * data.sample_len()], vec![0; size]);
        for b in 0..batches {
            for (i, row) in batch.iter_mut().enumerate() {
                *row = rows.get((i * batches + b) * rows.len() / (size * batches));
            }
            data.gather(&batch, &mut x)?;
            self.ladder.clean(cx, &self.params, &mut self.memory, &x)?;
            for (l, [means, squares]) in sums.iter_mut().enumerate() {
                let (mean, var) = self.memory.clean_statistics(l + 1);
                for (j, (mean, var)) in mean.iter().zip(var).enumerate() {
                    let (mean, var) = (f64::from(*mean), f64::from(*var));
                    means[j] += mean;
                    squares[j] += var + mean * mean;
                }
            }
        }
        let n = batches as f64;
        let of = |[means, squares]: [Vec<f64>; 2]| {
            let mean: Vec<f32> = means.iter().map(|mean| (mean / n) as f32).collect();
            let variance =
                |(square, mean): (&f64, &f64)| (square / n - (mean / n).powi(2)).max(0.0) as f32;
            let var = squares.iter().zip(&means).map(variance).collect();
            [mean, var]
        };
        Ok(sums.into_iter().map(of).collect())
    }
}

fn set(params: &mut Params, name: &str, values: &[f32]) {
    params.get_mut(name).unwrap_or_default().copy_from_slice(values);
}

/// The linear layers and the batch norms of a classifier, from the input on; the latter by their
/// names.
fn layers(params: &Params) -> Result<(Vec<LinearNames>, Vec<String>), Error> {
    let (mut linears, mut norms): (Vec<LinearNames>, Vec<String>) = (Vec::new(), Vec::new());
    let layer_of =
        |name: &str| name.rsplit_once('.').map_or(String::new(), |(layer, _)| layer.to_string());
    for entry in params.entries() {
        let layer = layer_of(&entry.name);
        match (entry.spec.role, &entry.spec.shape[..]) {
            (Role::Weight, &[outputs, inputs]) => {
                linears.push(LinearNames {
                    weight: entry.name.clone(),
                    bias: None,
                    outputs,
                    inputs,
                });
            }
            (Role::Weight, shape) => {
                bail!(
                    "the ladder network is for dense classifiers, but {} is of shape {shape:?}",
                    entry.name
                );
            }
            (Role::Bias, _) => {
                match linears.last_mut().filter(|linear| layer_of(&linear.weight) == layer) {
                    Some(linear) => linear.bias = Some(entry.name.clone()),
                    None if norms.last() != Some(&layer) => norms.push(layer),
                    None => {}
                }
            }
            (Role::Statistic, _) => {}
        }
    }
    Ok((linears, norms))
}

#[cfg(test)]
mod tests {
    use super::super::Semi;
    use super::*;
    use crate::{Activation, Architecture, Metric, Model};
    use narrows_datasets::Augmentation;
    use narrows_engine::{Optimizer, Pass, PassMemory, Schedule};

    /// Statistics over one batch are that batch's, so the classifier in evaluation gives what the
    /// clean ladder gives for it.
    #[test]
    fn the_classifier_is_the_clean_ladder() {
        let (cx, digits) = (Context::new(1).unwrap(), Dataset::digits());
        let architecture = Architecture {
            widths: vec![20, 15],
            latent: 12,
            code_activation: Activation::Relu,
            ..Architecture::new(Model::Dense, [8, 8, 1])
        };
        let network = architecture.classifier(10).unwrap();
        let mut params = Params::new(&network, 1);
        let settings = LadderNetwork { noise: 0.3, costs: LadderCosts(vec![10.0, 1.0, 0.1]) };
        let training = SemiTraining {
            method: Semi::Ladder(settings.clone()),
            epochs: 1,
            batch: 50,
            labelled_batch: 20,
            class_balance: 0.5,
            lr: 1e-2,
            schedule: Schedule::Constant,
            optimizer: Optimizer::adam(),
            weight: 1.0,
            ramp_up: 0.0,
            ema: 0.0,
            metric: Metric::Accuracy,
            seed: 1,
            augmentation: Augmentation::default(),
            strong: Augmentation::default(),
        };
        let mut ladder = LadderTrainer::new(&network, &params, &settings, &training).unwrap();
        let rows: Vec<u32> = (0..70).collect();
        let (mut x, mut classes) = (vec![0.0; 70 * 64], vec![0; 20]);
        digits.gather(&rows, &mut x).unwrap();
        digits.gather_labels(&rows[..20], &mut classes).unwrap();
        let first = ladder.step(&cx, &x, &classes, 1, 1e-2).unwrap();
        for _ in 0..150 {
            ladder.step(&cx, &x, &classes, 1, 1e-2).unwrap();
        }
        let last = ladder.step(&cx, &x, &classes, 1, 1e-2).unwrap();
        assert!(last[0] < 0.5 * first[0] && last[1] < 0.5 * first[1], "{first:?} {last:?}");

        // One unit of tiny variance, where the epsilons count.
        let weights = ladder.params.get_mut("encoder.1.weight").unwrap();
        weights[..64].iter_mut().for_each(|w| *w *= 1e-3);
        ladder.export(&cx, &digits, Rows::Listed(&rows[20..]), &mut params).unwrap();
        let unlabelled = &x[20 * 64..];
        let clean =
            ladder.ladder.clean(&cx, &ladder.params, &mut ladder.memory, unlabelled).unwrap();
        let mut memory = PassMemory::new(&network, 50).unwrap();
        let y = network.forward(&cx, &params, &mut memory, unlabelled, Pass::evaluate()).unwrap();
        let largest = clean.iter().fold(0.0f32, |a, z| a.max(z.abs()));
        assert!(largest > 1.0, "{largest}");
        for (a, b) in clean.iter().zip(y) {
            assert!((a - b).abs() < 2e-5 * largest, "{a} {b}");
        }
    }
}
