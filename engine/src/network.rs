//! Networks: a chain of layers, planned once.
//!
//! Planning names the parameters, fuses layers and adds the sizes up. After that a step allocates
//! nothing: [`Params`], [`PassMemory`] and the gradients are slabs of fixed size.

mod backward;
mod chain;
mod frozen;
pub mod init;
pub mod layer;
pub mod params;
mod pass_memory;
mod summary;

pub use backward::Gradients;
pub(crate) use chain::{Chain, Downward, Learner, Link, Run};
pub use pass_memory::PassMemory;
pub use summary::{LayerSummary, Summary};

use crate::error::{Error, ensure};
use crate::network::layer::{Layer, Mode, Pass};
use crate::network::params::{ParamEntry, Params, check_same};
use crate::{Context, Shape};
use pass_memory::LastPass;
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
#[must_use = "call build to plan the network"]
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

    /// Like [`NetworkBuilder::layer`], for a layer chosen at run time.
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
    /// If a layer cannot take its input or a setting is out of range, if there is no layer, or if a
    /// section has no name or is in two pieces; the message names it.
    pub fn build(self) -> Result<Network, Error> {
        ensure!(
            !self.layers.is_empty() && self.input.checked_len().is_some_and(|len| len > 0),
            setting,
            "a network needs a layer and an input of at least 1 value, not {} layers and {}",
            self.layers.len(),
            self.input
        );
        let named = self.layers.iter().all(|(section, _)| !section.is_empty());
        ensure!(named, setting, "a section needs a name, not an empty one");
        let mut chain = Chain::new(self.input, self.fuse, true);
        let (mut sections, mut index): (Vec<String>, usize) = (Vec::new(), 0);
        for (position, (section, layer)) in self.layers.into_iter().enumerate() {
            if sections.last() == Some(&section) {
                index += 1;
            } else if sections.contains(&section) {
                return Err(Error::setting(format!(
                    "section '{section}' stands twice: its layers must follow each other"
                )));
            } else {
                index = 0;
                sections.push(section.clone());
            }
            // Nothing fuses across a section's end: its output must exist.
            let in_section =
                |link: &Link| link.name.rsplit_once('.').is_some_and(|(name, _)| name == section);
            let may_join = chain.links.last().is_some_and(in_section);
            chain.push(format!("{section}.{index}"), position as u64, &*layer, may_join)?;
        }
        ensure!(!chain.links.is_empty(), setting, "a network needs a layer that does something");
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

    /// Computes the output for `x`: (batch, input) into `memory`, and returns it: (batch, output).
    ///
    /// Running statistics do not move: [`Network::update_statistics`] does that, after a training
    /// pass that should count.
    ///
    /// # Errors
    /// If `x` is no whole number of samples, more than `memory` was planned for, or a batch too
    /// small to train on, or if `params` or `memory` are those of another network.
    pub fn forward<'a>(
        &self,
        cx: &Context,
        params: &Params,
        memory: &'a mut PassMemory,
        x: &[f32],
        pass: Pass,
    ) -> Result<&'a [f32], Error> {
        let batch = frozen::batch_of(self.input(), x, memory.max_batch())?;
        self.forward_links(cx, params, memory, 0..self.chain.links.len(), batch, x, pass)?;
        Ok(memory.output())
    }

    /// Runs some links forward, from the output of the link below; the first one takes `x`.
    #[allow(clippy::too_many_arguments)] // those of `forward`, and which links
    fn forward_links(
        &self,
        cx: &Context,
        params: &Params,
        memory: &mut PassMemory,
        links: Range<usize>,
        batch: usize,
        x: &[f32],
        pass: Pass,
    ) -> Result<(), Error> {
        let chain = &self.chain;
        self.check_params(params)?;
        memory.check(chain)?;
        let first_trainable = self.first_trainable(params);
        // If the pass fails, statistics must not move.
        memory.last = None;
        memory.modes.fill(Mode::Evaluate);
        for i in links.clone() {
            let link = &chain.links[i];
            let least = link.op.min_train_batch();
            let mode = link.mode(params, i < first_trainable, pass.mode);
            if mode != Mode::Evaluate && batch < least {
                memory.modes.fill(Mode::Evaluate);
                return Err(Error::shape(format!(
                    "layer {} ({}) needs at least {least} samples in a training batch, got {batch}",
                    link.name, link.kind
                )));
            }
            memory.modes[i] = mode;
        }
        // A penalty that no parameter can change does not count.
        let counted = if pass.mode == Mode::Train { first_trainable } else { 0 };
        let PassMemory { modes, values, scratch, .. } = memory;
        let run = Run { cx, pass, modes, block: None, batch, x };
        let (first, top) = (links.start, links.end - 1);
        let penalty = chain.forward(run, links, counted, params.values(), values, scratch);
        let y = chain.y_range(top, batch).start;
        memory.last = Some(LastPass { pass, batch, first, y, penalty, gradient: false });
        Ok(())
    }

    /// Moves the running statistics of all layers that are not frozen, after a training pass.
    ///
    /// If the last pass was an evaluation, or failed, there are no statistics of a batch: nothing
    /// moves.
    pub fn update_statistics(&self, params: &mut Params, memory: &PassMemory) {
        self.move_statistics(params, memory, None);
    }

    /// Like [`Network::update_statistics`], by a fraction `part` of the way in place of each
    /// layer's own momentum. After passes by [`Pass::estimate`] over batches of equal size, 1, 1/2,
    /// 1/3 and so on give their mean.
    pub fn average_statistics(&self, params: &mut Params, memory: &PassMemory, part: f32) {
        self.move_statistics(params, memory, Some(part));
    }

    fn move_statistics(&self, params: &mut Params, memory: &PassMemory, part: Option<f32>) {
        let PassMemory { modes, values, .. } = memory;
        let moves = |i: usize| modes[i] != Mode::Evaluate;
        let params = params.values_mut();
        self.chain.update_statistics(memory.batch(), values, params, part, moves);
    }

    /// The first layer whose output is not finite after a forward pass: there the run went wrong.
    pub fn first_not_finite(&self, memory: &PassMemory) -> Option<&str> {
        let last = memory.last?;
        let mut links = self.chain.links.iter().enumerate();
        let is_finite =
            |i| memory.values[self.chain.y_range(i, last.batch)].iter().all(|y| y.is_finite());
        links.find(|(i, _)| !is_finite(*i)).map(|(_, link)| link.name.as_str())
    }

    /// Refuses the loss of step `step` if it is not finite.
    ///
    /// # Errors
    /// Then; the message names the first layer whose output is not finite.
    pub fn check_loss(&self, memory: &PassMemory, loss: f64, step: u64) -> Result<(), Error> {
        if loss.is_finite() {
            return Ok(());
        }
        let layer = self.first_not_finite(memory);
        let place = layer.map_or("the loss itself".to_string(), |name| format!("layer {name}"));
        Err(Error::diverged("the loss", loss, format_args!("at step {step}, first in {place}")))
    }

    /// The chain in evaluation, and its parameters.
    pub(crate) fn in_evaluation(&self, params: &Params) -> (Chain, Vec<f32>) {
        self.chain.in_evaluation(params.values())
    }

    /// The number of the lowest link that trains; that of all links if none does.
    fn first_trainable(&self, params: &Params) -> usize {
        let trains =
            |link: &Link| params.entries()[link.entries.clone()].iter().any(|e| e.trainable);
        self.chain.links.iter().position(trains).unwrap_or(self.chain.links.len())
    }
}

impl Params {
    /// Fresh parameters for `network`. The same seed gives the same values; each parameter has a
    /// stream of its own, keyed by its name, so that an encoder starts alike under any head.
    pub fn new(network: &Network, seed: u64) -> Params {
        Params::initialised(network.param_entries().to_vec(), seed)
    }

    /// Zeros for `network`, which are to be overwritten by parameters that are there already: by
    /// those of a file, say. Nothing is drawn.
    pub fn zeros(network: &Network) -> Params {
        Params::zeroed(network.param_entries().to_vec())
    }
}

impl Link {
    /// True if it has parameters and none of them trains.
    fn frozen(&self, params: &Params) -> bool {
        !self.entries.is_empty()
            && !params.entries()[self.entries.clone()].iter().any(|e| e.trainable)
    }

    /// The mode of a layer: it evaluates if it is frozen, or below everything that trains. So a
    /// frozen encoder computes one function, and its running statistics stay bit-identical.
    fn mode(&self, params: &Params, below_trainable: bool, mode: Mode) -> Mode {
        if below_trainable || self.frozen(params) { Mode::Evaluate } else { mode }
    }
}
