//! Networks as data.

use super::LayerSpec;
use narrows_engine::{Network, NetworkBuilder, Shape};

/// A network, as data: what it takes, and the layers of its sections.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSpec {
    /// A sample.
    pub input: Shape,
    /// The sections, by their names, and the layers of each.
    pub sections: Vec<(&'static str, Vec<LayerSpec>)>,
}

impl NetworkSpec {
    /// A network that does nothing to its input.
    pub fn new(input: impl Into<Shape>) -> NetworkSpec {
        NetworkSpec { input: input.into(), sections: Vec::new() }
    }

    /// The same with one more section at the end.
    #[must_use]
    pub fn with_section(mut self, name: &'static str, layers: Vec<LayerSpec>) -> NetworkSpec {
        self.sections.push((name, layers));
        self
    }

    /// Starts a network of these layers.
    pub fn builder(&self) -> NetworkBuilder {
        let mut builder = Network::builder(self.input.clone());
        for (name, layers) in &self.sections {
            builder = builder.section(name);
            for spec in layers {
                builder = builder.boxed(spec.layer());
            }
        }
        builder
    }
}
