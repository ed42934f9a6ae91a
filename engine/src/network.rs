//! Networks: a chain of layers, planned once.
//!
//! Planning names the parameters, merges what can be fused and adds the sizes up. After that a step
//! allocates nothing: [`Params`], [`Activations`] and the gradients are slabs of fixed size.

mod activations;
mod backward;
mod chain;
mod frozen;
pub mod init;
pub mod layer;
pub mod params;
mod summary;

pub use activations::Activations;
pub(crate) use backward::BackwardPass;
pub(crate) use chain::{Chain, Gradients, Slots, Step};
pub use summary::{LayerSummary, Summary};

use crate::network::layer::{Layer, Mode, Pass};
use crate::network::params::{ParamEntry, Params, check_same};
use crate::{Context, Error, Shape};
use chain::Op;
use std::ops::Range;
use std::sync::Arc;

/// A chain of layers in named sections, such as `encoder` and `decoder`. It owns no numbers.
/// Cheap to clone; clones share their plan.
#[derive(Clone, Debug)]
pub struct Network {
    chain: Arc<Chain>,
}

/// Collects the layers of a [`Network`].
#[derive(Debug)]
pub struct NetworkBuilder {
    input: Shape,
    section: String,
    layers: Vec<(String, Box<dyn Layer>)>,
    fuse: bool,
}

impl NetworkBuilder {
    /// Starts a section: its layers are named `name.0`, `name.1` and so on, as in PyTorch's
    /// `Sequential`.
    pub fn section(mut self, name: &str) -> Self {
        self.section = name.to_string();
        self
    }

    /// Adds a layer to the current section.
    pub fn layer(self, layer: impl Layer) -> Self {
        self.boxed(Box::new(layer))
    }

    /// As [`NetworkBuilder::layer`], for a layer chosen at run time.
    pub fn boxed(mut self, layer: Box<dyn Layer>) -> Self {
        self.layers.push((self.section.clone(), layer));
        self
    }

    /// Runs each layer on its own: the reference that the fused network is tested and measured
    /// against.
    pub fn unfused(mut self) -> Self {
        self.fuse = false;
        self
    }

    /// Plans the network.
    ///
    /// # Errors
    /// If a layer cannot take its input or is set up wrongly, if there is none, or if a section is
    /// in two pieces; the message names it.
    pub fn build(self) -> Result<Network, Error> {
        let some_input = self.input.checked_len().is_some_and(|len| len > 0);
        if self.layers.is_empty() || !some_input {
            return Err(Error::new(format!(
                "a network needs a layer and an input of at least 1 value, not {} layers and {}",
                self.layers.len(),
                self.input
            )));
        }
        let mut chain = Chain::new(self.input, self.fuse, true);
        let (mut sections, mut index): (Vec<String>, usize) = (Vec::new(), 0);
        for (position, (section, layer)) in self.layers.into_iter().enumerate() {
            if sections.last() == Some(&section) {
                index += 1;
            } else if sections.contains(&section) {
                return Err(Error::new(format!(
                    "section '{section}' is taken up again: it must be one piece"
                )));
            } else {
                index = 0;
                sections.push(section.clone());
            }
            // Nothing fuses across a section's end: its output must exist.
            let in_section =
                |op: &Op| op.name.rsplit_once('.').is_some_and(|(name, _)| name == section);
            let may_join = chain.ops.last().is_some_and(in_section);
            chain.push(format!("{section}.{index}"), position as u64, layer.into(), may_join)?;
        }
        if chain.ops.is_empty() {
            return Err(Error::new("a network needs a layer that does something"));
        }
        Ok(Network { chain: chain.into() })
    }
}

impl Network {
    /// Starts a network whose samples have that shape.
    pub fn builder(input: impl Into<Shape>) -> NetworkBuilder {
        NetworkBuilder {
            input: input.into(),
            section: "layers".into(),
            layers: Vec::new(),
            fuse: true,
        }
    }

    /// The shape of a sample.
    pub fn input(&self) -> &Shape {
        &self.chain.input
    }

    /// The shape of a sample's output.
    pub fn output(&self) -> &Shape {
        &self.chain.output
    }

    /// The parameters that the layers declare, as [`Params::new`] lays them out.
    pub fn param_entries(&self) -> &[ParamEntry] {
        &self.chain.entries
    }

    /// Refuses the parameters of another network.
    ///
    /// # Errors
    /// If `params` are others than this network's; the message names the first that differs.
    pub fn check_params(&self, params: &Params) -> Result<(), Error> {
        check_same(
            "the parameters are those of another network",
            self.param_entries(),
            params.entries(),
        )
    }

    /// Computes the output for `x`: (batch, input) into `activations`, and returns it: (batch,
    /// output).
    ///
    /// Running statistics do not move: [`Network::update_statistics`] does that, after a training
    /// pass that should count.
    ///
    /// # Errors
    /// If `x` is no whole number of samples, more than `activations` was planned for, or a batch
    /// too small to train on.
    pub fn forward<'a>(
        &self,
        cx: &Context,
        params: &Params,
        activations: &'a mut Activations,
        x: &[f32],
        pass: Pass,
    ) -> Result<&'a [f32], Error> {
        activations.batch = frozen::batch_of(self.input(), x, activations.max_batch)?;
        // Until all of it is done, this is no training pass.
        activations.mode = Mode::Evaluate;
        self.forward_ops(cx, params, activations, 0..self.chain.ops.len(), x, pass)?;
        activations.mode = pass.mode;
        Ok(activations.output())
    }

    /// Runs some ops forward, given the output of the one below; the first takes `x`.
    fn forward_ops(
        &self,
        cx: &Context,
        params: &Params,
        activations: &mut Activations,
        ops: Range<usize>,
        x: &[f32],
        pass: Pass,
    ) -> Result<(), Error> {
        let batch = activations.batch;
        let first_trainable = self.first_trainable(params);
        for i in ops {
            let op = &self.chain.ops[i];
            let pass = Pass { mode: op.mode(params, i < first_trainable, pass.mode), ..pass };
            let least = op.layer.min_train_batch(&op.input);
            if pass.mode != Mode::Evaluate && batch < least {
                return Err(Error::new(format!(
                    "layer {} ({}) needs at least {least} samples in a training batch, got {batch}",
                    op.name,
                    op.layer.name()
                )));
            }
            let step = Step {
                cx,
                pass,
                position: op.position,
                batch,
                params: params.values(),
                x,
                below: i.checked_sub(1).map_or(0, |below| activations.slots[below].y),
                own: activations.slots[i],
            };
            self.chain.forward_op(i, step, &mut activations.values, &mut activations.scratch);
        }
        Ok(())
    }

    /// What the layers add to the loss ([`Layer::penalty`]), after a forward pass of `x`: (batch,
    /// input), which is not looked at where a layer below the lowest trainable one would have been
    /// given it. What those layers add in training is no part of it: nothing can change it.
    ///
    /// `x` and `pass` must be those of the forward pass.
    pub fn penalty(
        &self,
        cx: &Context,
        params: &Params,
        activations: &Activations,
        x: &[f32],
        pass: Pass,
    ) -> f64 {
        let first_trainable = self.first_trainable(params);
        let counts = if pass.mode == Mode::Train { first_trainable } else { 0 };
        let ops = self.chain.ops.iter().enumerate().skip(counts);
        ops.map(|(i, op)| {
            let pass = Pass { mode: op.mode(params, i < first_trainable, pass.mode), ..pass };
            let x = match i.checked_sub(1) {
                None => x,
                Some(below) => {
                    &activations.values[activations.slots[below].y..]
                        [..activations.batch * op.input.len()]
                }
            };
            op.layer.penalty(cx, pass, &op.input, x)
        })
        .sum()
    }

    /// Moves the running statistics of all layers that are not frozen, after a training pass.
    ///
    /// If the last pass was an evaluation, or failed, there are no statistics of a batch: nothing
    /// moves.
    pub fn update_statistics(&self, params: &mut Params, activations: &Activations) {
        self.move_statistics(params, activations, None);
    }

    /// As [`Network::update_statistics`], each by a fraction `part` of the way to the last pass's,
    /// whatever the layers' own momentum is. After passes by [`Pass::estimate`] over batches of
    /// equal size, 1, 1/2, 1/3 and so on give their mean.
    pub fn average_statistics(&self, params: &mut Params, activations: &Activations, part: f32) {
        self.move_statistics(params, activations, Some(part));
    }

    fn move_statistics(&self, params: &mut Params, activations: &Activations, part: Option<f32>) {
        if activations.mode == Mode::Evaluate {
            return;
        }
        let lowest = self.first_trainable(params);
        for (i, op) in self.chain.ops.iter().enumerate().skip(lowest) {
            if !op.frozen(params) {
                let batch = activations.batch;
                let start = activations.slots[i].saved;
                let saved = &activations.values[start..][..op.layer.saved_len(batch, &op.input)];
                let range = op.params.clone();
                op.layer.update_statistics(
                    batch,
                    &op.input,
                    saved,
                    &mut params.values_mut()[range],
                    part,
                );
            }
        }
    }

    /// The first layer whose output is not finite, after a forward pass: where a run went wrong.
    pub fn first_not_finite(&self, activations: &Activations) -> Option<&str> {
        let output_of = |i: usize, op: &Op| {
            &activations.values[activations.slots[i].y..][..activations.batch * op.output.len()]
        };
        let mut ops = self.chain.ops.iter().enumerate();
        ops.find(|(i, op)| output_of(*i, op).iter().any(|y| !y.is_finite()))
            .map(|(_, op)| op.name.as_str())
    }

    /// The planned layers.
    pub(crate) fn ops(&self) -> &[Op] {
        &self.chain.ops
    }

    /// The position of the lowest op that trains; the number of ops if none does.
    fn first_trainable(&self, params: &Params) -> usize {
        let trains = |op: &Op| params.entries()[op.entries.clone()].iter().any(|e| e.trainable);
        self.chain.ops.iter().position(trains).unwrap_or(self.chain.ops.len())
    }
}

impl Params {
    /// Fresh parameters for `network`. The same seed gives the same values; each parameter has a
    /// stream of its own, keyed by its name, so that an encoder starts alike under any head.
    pub fn new(network: &Network, seed: u64) -> Params {
        Params::initialised(network.param_entries().to_vec(), seed)
    }
}

impl Op {
    /// Whether it has parameters and none of them trains.
    fn frozen(&self, params: &Params) -> bool {
        !self.entries.is_empty()
            && !params.entries()[self.entries.clone()].iter().any(|e| e.trainable)
    }

    /// The mode of a layer: what is frozen, or lies below everything that trains, evaluates. So a
    /// frozen encoder computes one function, and its running statistics stay bit-identical.
    fn mode(&self, params: &Params, below_trainable: bool, mode: Mode) -> Mode {
        if below_trainable || self.frozen(params) { Mode::Evaluate } else { mode }
    }
}
