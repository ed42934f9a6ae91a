//! An optimiser at work: counts, moments, and the step that moves parameters.

use super::Optimizer;
use super::pull_to_pretrained::PullToPretrained;
use super::slabs::{BLOCK, Slabs, cut};
use crate::Context;
use crate::error::{Error, ensure};
use crate::hardware::memory::Slab;
use crate::hardware::parallel::Chunks;
use crate::network::params::{Params, Role};
use std::ops::Range;

/// An optimiser at work: its settings, moments and counts. These are all its state; a
/// [pull](Self::pull_to_pretrained) is a setting.
#[derive(Clone, Debug)]
pub struct OptimizerState {
    optimizer: Optimizer,
    steps: u64,
    /// The updates of each parameter: fewer than the steps if it was frozen for a while. Adam's
    /// correction of the moments needs them: by the steps, the first updates of a parameter that is
    /// freed would be three times too long.
    updates: Vec<u64>,
    /// The momentum's buffer, or Adam's mean of gradients; as long as the parameters or empty.
    first: Slab,
    /// Adam's mean of squared gradients.
    second: Slab,
    pull: Option<PullToPretrained>,
    /// The values in the slab of parameters.
    len: usize,
}

impl OptimizerState {
    /// The state before the first step. The settings must be in order: see [`Optimizer::check`].
    pub fn new(optimizer: Optimizer, params: &Params) -> OptimizerState {
        let slab = |used: bool| Slab::new(if used { params.values().len() } else { 0 });
        OptimizerState {
            optimizer,
            steps: 0,
            updates: vec![0; params.entries().len()],
            first: slab(optimizer.moments() > 0),
            second: slab(optimizer.moments() > 1),
            pull: None,
            len: params.values().len(),
        }
    }

    /// The settings.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// From now on pulls the weights below `prefix` towards those in `pretrained`, in place of
    /// their decay towards 0: a step first moves each the `lr strength`th part of the way, `lr`
    /// being the parameter's own rate. Li, Grandvalet and Davoine (ICML 2018) add `strength / 2`
    /// times the squared distance to the loss; here the pull stays apart from the gradient, as the
    /// decay of AdamW does, and under SGD without momentum it is the same.
    ///
    /// Biases, normalisations and frozen parameters are left alone.
    ///
    /// # Errors
    /// If `pretrained` are the parameters of another network or hold nothing below `prefix`, or
    /// `strength` is negative or NaN.
    pub fn pull_to_pretrained(
        &mut self,
        pretrained: &Params,
        prefix: &str,
        strength: f64,
    ) -> Result<(), Error> {
        self.check(pretrained)?;
        ensure!(
            strength >= 0.0,
            setting,
            "the strength of the pull must be 0 or more, but is {strength}"
        );
        self.pull = Some(PullToPretrained::new(pretrained, prefix, strength)?);
        Ok(())
    }

    /// True if weights are [pulled](Self::pull_to_pretrained).
    pub fn pulls_to_pretrained(&self) -> bool {
        self.pull.is_some()
    }

    /// The number of steps taken.
    pub fn step_count(&self) -> u64 {
        self.steps
    }

    /// The number of updates of each parameter, in the order of [`Params::entries`]: those steps at
    /// which it was trainable.
    pub fn updates(&self) -> &[u64] {
        &self.updates
    }

    /// The first and the second moments, laid out as [`Params::values`]; empty where the optimiser
    /// has none.
    pub fn moments(&self) -> [&[f32]; 2] {
        [&self.first, &self.second]
    }

    /// Puts back the values of [`step_count`](Self::step_count), [`updates`](Self::updates) and
    /// [`moments`](Self::moments), so that the next step is the one that would have followed them.
    ///
    /// # Errors
    /// If they come from another network or kind of optimiser, by their lengths; nothing is changed
    /// then.
    pub fn restore(
        &mut self,
        steps: u64,
        updates: &[u64],
        moments: [&[f32]; 2],
    ) -> Result<(), Error> {
        let expected = [self.updates.len(), self.first.len(), self.second.len()];
        let found = [updates.len(), moments[0].len(), moments[1].len()];
        ensure!(
            found == expected,
            mismatch,
            "the optimiser's state does not fit: expected {expected:?} counts, first and second \
             moments, found {found:?}"
        );
        self.steps = steps;
        self.updates.copy_from_slice(updates);
        self.first.copy_from_slice(moments[0]);
        self.second.copy_from_slice(moments[1]);
        Ok(())
    }

    /// Moves every trainable parameter by its gradient, with learning rate `lr` times the
    /// parameter's own factor. Where `trainable` is false, parameters and moments keep their bits,
    /// and the gradient is not looked at.
    ///
    /// `grads` is laid out as [`Params::values`].
    ///
    /// # Errors
    /// If `grads` or `params` is not as long as the parameters that this state was made for;
    /// nothing is changed then.
    pub fn step(
        &mut self,
        cx: &Context,
        params: &mut Params,
        grads: &[f32],
        lr: f32,
    ) -> Result<(), Error> {
        let (given, len) = (grads.len(), self.len);
        ensure!(given == len, mismatch, "{given} gradients for a slab of {len} parameters");
        self.begin_step(params)?;
        self.update(cx, params, 0..grads.len(), grads, lr);
        Ok(())
    }

    /// Counts a step, and an update of each parameter that is trainable now.
    /// [`update`](Self::update) does them.
    pub(crate) fn begin_step(&mut self, params: &Params) -> Result<(), Error> {
        self.check(params)?;
        self.steps += 1;
        for (updates, entry) in self.updates.iter_mut().zip(params.entries()) {
            *updates += u64::from(entry.trainable);
        }
        Ok(())
    }

    /// Refuses parameters of another number than those that this state was made for.
    fn check(&self, params: &Params) -> Result<(), Error> {
        let (entries, len) = (params.entries().len(), params.values().len());
        ensure!(
            (entries, len) == (self.updates.len(), self.len),
            mismatch,
            "the optimiser is for {} parameters in a slab of {}, not for {entries} in {len}",
            self.updates.len(),
            self.len
        );
        Ok(())
    }

    /// The part of a step that concerns `range` of the parameters, given its gradients. A step in
    /// many parts has the bits of a step in one.
    pub(crate) fn update(
        &mut self,
        cx: &Context,
        params: &mut Params,
        range: Range<usize>,
        grads: &[f32],
        lr: f32,
    ) {
        let (entries, values) = params.split_mut();
        assert_eq!(grads.len(), range.len(), "gradients for these parameters");
        let OptimizerState {
            optimizer, ref updates, ref mut first, ref mut second, ref pull, ..
        } = *self;
        let isa = cx.isa();
        let chunks = |slab| Chunks::new(cut(slab, range.clone()), BLOCK);
        let slabs = (chunks(values), chunks(first), chunks(second));
        cx.for_each_part(range.len().div_ceil(BLOCK), slabs, |i, (values, first, second)| {
            let grads = &grads[i * BLOCK..][..values.len()];
            let mut slabs = Slabs { p: values, g: grads, m: first, v: second };
            let start = range.start + i * BLOCK;
            let end = start + grads.len();
            let touched = entries.partition_point(|e| e.range.end <= start);
            for (entry, &updates) in entries[touched..].iter().zip(&updates[touched..]) {
                if entry.range.start >= end {
                    break;
                }
                if entry.trainable {
                    let part = entry.range.start.max(start)..entry.range.end.min(end);
                    let slabs = slabs.part(part.start - start..part.end - start);
                    let lr = f64::from(lr) * f64::from(entry.lr_factor);
                    let decay = match pull.as_ref().filter(|pull| pull.pulls(entry)) {
                        Some(pull) => {
                            pull.pull(isa, part, slabs.p, lr);
                            0.0
                        }
                        None if entry.spec.role == Role::Weight => optimizer.weight_decay(),
                        None => 0.0,
                    };
                    optimizer.update(isa, decay, updates, lr, slabs);
                }
            }
        });
    }
}
