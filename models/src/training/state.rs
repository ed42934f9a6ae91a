//! The state of a training between two steps, on its way into a checkpoint and back.
//!
//! Everything random follows from the seed and a position (epoch, step, row), so that no state of a
//! generator is among it.

use super::best::{Best, Score};
use super::ema::Ema;
use super::progress::{Progress, Steps};
use crate::checkpoint::{Checkpoint, Tensor};
use crate::error::{Error, error};
use crate::event::EpochRecord;
use narrows_engine::{OptimizerState, Params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The state of a training.
pub(crate) struct State<'s> {
    pub progress: &'s mut Progress,
    pub weights: Weights<'s>,
}

/// What the steps of a training change.
pub(crate) struct Weights<'s> {
    /// The parameters in training, running statistics included.
    pub params: &'s mut Params,
    pub optimizer: &'s mut OptimizerState,
    pub average: Option<&'s mut Ema>,
    /// The weights that were validated last, where these are others than those in training.
    pub validated: Option<&'s mut Params>,
    /// The running mean of a method's outputs, and the steps that are in it.
    pub shares: Option<(&'s mut [f32], &'s mut u32)>,
}

/// All of it that is no array.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    history: Vec<EpochRecord>,
    best_epoch: Option<usize>,
    steps: Steps,
    optimizer_steps: u64,
    updates: Vec<u64>,
    trainable: Vec<bool>,
    lr_factors: Vec<f32>,
    average_updates: Option<u64>,
    shares_steps: Option<u32>,
    window: Option<u64>,
}

/// The beginnings of the arrays' names.
const MODEL: &str = "model";
const MOMENTS: [&str; 2] = ["optimizer.first", "optimizer.second"];
const AVERAGE: &str = "average";
const BEST: &str = "best";
const VALIDATED: &str = "validated";
const SHARES: &str = "shares";

impl State<'_> {
    /// The steps so far.
    pub fn step(&self) -> u64 {
        self.weights.optimizer.step_count()
    }

    /// The state as numbers and arrays.
    ///
    /// # Errors
    /// If a number is not finite.
    pub fn saved(&self) -> Result<(Value, Vec<Tensor<'_>>), Error> {
        let Progress { history, best, steps, window, .. } = &*self.progress;
        let Weights { params, optimizer, average, validated, shares } = &self.weights;
        let entries = params.entries();
        let numbers = Numbers {
            history: history.clone(),
            best_epoch: best.as_ref().map(|best| best.epoch),
            steps: steps.up_to_now(),
            optimizer_steps: optimizer.step_count(),
            updates: optimizer.updates().to_vec(),
            trainable: entries.iter().map(|entry| entry.trainable).collect(),
            lr_factors: entries.iter().map(|entry| entry.lr_factor).collect(),
            average_updates: average.as_ref().map(|average| average.updates()),
            shares_steps: shares.as_ref().map(|(_, steps)| **steps),
            window: *window,
        };
        let mut tensors = Vec::new();
        put(&mut tensors, MODEL, params, params.values());
        for (name, moments) in MOMENTS.iter().zip(optimizer.moments()) {
            if !moments.is_empty() {
                put(&mut tensors, name, params, moments);
            }
        }
        if let Some(average) = average {
            put(&mut tensors, AVERAGE, average.params(), average.params().values());
        }
        if let Some(best) = best {
            put(&mut tensors, BEST, &best.params, best.params.values());
        }
        if let Some(validated) = validated {
            put(&mut tensors, VALIDATED, validated, validated.values());
        }
        if let Some((shares, _)) = shares {
            let (name, shape) = (SHARES.to_string(), vec![shares.len()]);
            tensors.push(Tensor { name, shape, values: shares });
        }
        let numbers = serde_json::to_value(&numbers);
        Ok((numbers.map_err(|e| error!(Format, "the state cannot be written: {e}"))?, tensors))
    }

    /// Puts the state of a checkpoint back.
    ///
    /// # Errors
    /// If it is not that of such a training. Then this one is not to be used.
    pub fn restore(self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let unfit = |problem: &str| checkpoint.unfit(problem);
        let numbers: Numbers = serde_json::from_value(checkpoint.manifest().state.clone())
            .map_err(|e| unfit(&format!("its state cannot be read ({e})")))?;
        let State { progress, weights } = self;
        let [steps_of_epoch, epochs] = progress.course;
        let (done, steps) = (numbers.history.len(), &numbers.steps);
        let ascends = numbers.history.iter().enumerate().all(|(i, record)| record.epoch == i + 1);
        let taken = done.checked_mul(steps_of_epoch).and_then(|n| n.checked_add(steps.done));
        if !ascends
            || done > epochs
            || steps.done > steps_of_epoch
            || !steps.are_sound()
            || taken.map(|n| n as u64) != Some(numbers.optimizer_steps)
        {
            return Err(unfit("its steps are not those of its epochs"));
        }
        let counts = numbers.updates.iter().chain(&numbers.average_updates);
        if counts.into_iter().any(|count| *count > numbers.optimizer_steps) {
            return Err(unfit("it counts more updates than steps"));
        }
        let Weights { params, optimizer, average, validated, shares } = weights;
        if [numbers.trainable.len(), numbers.lr_factors.len()] != [params.entries().len(); 2]
            || average.is_some() != numbers.average_updates.is_some()
            || shares.is_some() != numbers.shares_steps.is_some()
        {
            return Err(unfit("it lacks a part of the state"));
        }

        take(checkpoint, MODEL, params)?;
        let names: Vec<String> = params.entries().iter().map(|e| e.name.clone()).collect();
        for ((name, trainable), factor) in
            names.iter().zip(&numbers.trainable).zip(&numbers.lr_factors)
        {
            params.set_trainable(name, *trainable)?;
            params.set_lr_factor(name, *factor)?;
        }
        let mut moments = Vec::new();
        for (name, now) in MOMENTS.iter().zip(optimizer.moments()) {
            let mut moment = params.clone();
            if !now.is_empty() {
                take(checkpoint, name, &mut moment)?;
            }
            moments.push((moment, now.len()));
        }
        let [first, second] = [0, 1].map(|i| &moments[i].0.values()[..moments[i].1]);
        optimizer.restore(numbers.optimizer_steps, &numbers.updates, [first, second])?;
        if let (Some(average), Some(n)) = (average, numbers.average_updates) {
            let (updates, params) = average.state_mut();
            *updates = n;
            take(checkpoint, AVERAGE, params)?;
        }
        let mut kept = validated.as_deref().unwrap_or(params).clone();
        progress.best = None;
        if let Some(epoch) = numbers.best_epoch {
            let record = numbers.history.iter().find(|record| record.epoch == epoch);
            let score = record.and_then(Score::of);
            let score = score.ok_or_else(|| unfit("its best epoch was not validated"))?;
            take(checkpoint, BEST, &mut kept)?;
            progress.best = Some(Best { score, epoch, params: kept });
        }
        if let Some(validated) = validated {
            take(checkpoint, VALIDATED, validated)?;
        }
        if let (Some((shares, steps)), Some(n)) = (shares, numbers.shares_steps) {
            checkpoint.copy(SHARES, shares)?;
            *steps = n;
        }
        progress.history = numbers.history;
        progress.steps = numbers.steps;
        progress.window = numbers.window;
        Ok(())
    }
}

/// Adds `values`, which are laid out as those of `params`, by the names of these.
fn put<'s>(tensors: &mut Vec<Tensor<'s>>, prefix: &str, params: &'s Params, values: &'s [f32]) {
    tensors.extend(params.entries().iter().map(|entry| Tensor {
        name: format!("{prefix}.{}", entry.name),
        shape: entry.spec.shape.clone(),
        values: &values[entry.range.clone()],
    }));
}

/// Takes the values of `params` by their names.
fn take(checkpoint: &Checkpoint, prefix: &str, params: &mut Params) -> Result<(), Error> {
    let places: Vec<_> =
        params.entries().iter().map(|entry| (entry.name.clone(), entry.range.clone())).collect();
    for (name, range) in places {
        checkpoint.copy(&format!("{prefix}.{name}"), &mut params.values_mut()[range])?;
    }
    Ok(())
}
