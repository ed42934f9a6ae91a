//! The values and nodes of a graph.

use super::names::unique;
use super::{ImageOrder, Portable};
use crate::error::Error;
use crate::weights::Tensor;
use crate::weights::onnx::{Attribute, Constant, Integers, OnnxModel, OnnxNode, OnnxValue};
use narrows_engine::Shape;
use std::collections::{BTreeMap, HashSet};

/// The name of the input.
const INPUT: &str = "input";

/// A value on its way through the layers: its name, its shape as ours, and the order that the graph
/// has it in, if it is an image.
#[derive(Clone, Debug)]
pub struct Place {
    pub value: String,
    pub shape: Shape,
    pub order: ImageOrder,
}

impl Place {
    pub fn is_image(&self) -> bool {
        self.shape.dims().len() == 3
    }
}

/// A graph that grows.
pub struct Graph<'p> {
    pub tensors: &'p BTreeMap<String, Tensor>,
    model: OnnxModel,
    /// The names of nodes and values.
    taken: HashSet<String>,
}

/// The graph of a network, with its output called `output`.
///
/// # Errors
/// If the layers do not go together.
pub fn graph(
    network: &Portable,
    order: ImageOrder,
    output: &str,
    softmax: Option<f32>,
) -> Result<OnnxModel, Error> {
    let taken = network.tensors.keys().cloned().chain([INPUT.into(), output.to_owned()]);
    let mut graph = Graph {
        tensors: &network.tensors,
        model: OnnxModel { name: "network".into(), ..OnnxModel::default() },
        taken: taken.collect(),
    };
    let start = Place { value: INPUT.into(), shape: network.input(), order };
    graph.model.inputs.push(described(&start));
    let mut at = graph.chain(&network.layers, start)?;
    if at.is_image() {
        graph.turn(&mut at, order);
    }
    if let Some(temperature) = softmax {
        if temperature != 1.0 {
            let by = graph.floats("temperature", &[], vec![temperature]);
            at.value = graph.node("Div", "", vec![at.value, by], vec![]);
        }
        at.value = graph.node("Softmax", "", vec![at.value], vec![int("axis", 1)]);
    }
    match graph.model.nodes.iter_mut().find(|node| node.outputs[0] == at.value) {
        Some(last) => last.outputs[0] = output.to_owned(),
        // Without layers.
        None => graph.model.nodes.push(OnnxNode {
            name: "Identity".into(),
            operator: "Identity".into(),
            inputs: vec![at.value],
            outputs: vec![output.to_owned()],
            attributes: Vec::new(),
        }),
    }
    at.value = output.to_owned();
    graph.model.outputs.push(described(&at));
    Ok(graph.model)
}

/// A value of a batch of any size.
fn described(at: &Place) -> OnnxValue {
    let dims = match (at.shape.dims(), at.order) {
        (&[height, width, channels], ImageOrder::ChannelsFirst) => vec![channels, height, width],
        (dims, _) => dims.to_vec(),
    };
    let shape = std::iter::once(None).chain(dims.into_iter().map(Some)).collect();
    OnnxValue { name: at.value.clone(), value: at.value.clone(), shape: Some(shape) }
}

pub fn int(name: &str, value: i64) -> (String, Attribute) {
    (name.to_owned(), Attribute::Int(value))
}

pub fn ints(name: &str, values: &[usize]) -> (String, Attribute) {
    (name.to_owned(), Attribute::Ints(values.iter().map(|&n| n as i64).collect()))
}

pub fn float(name: &str, value: f32) -> (String, Attribute) {
    (name.to_owned(), Attribute::Float(value))
}

pub fn text(name: &str, text: &str) -> (String, Attribute) {
    (name.to_owned(), Attribute::Text(text.to_owned()))
}

impl Graph<'_> {
    /// Adds a node, called like the layer that it is if that has a name: the name of its output.
    pub fn node(
        &mut self,
        operator: &str,
        layer: &str,
        inputs: Vec<String>,
        attributes: Vec<(String, Attribute)>,
    ) -> String {
        let wanted = if layer.is_empty() { operator } else { layer };
        let name = unique(wanted.to_owned(), &mut self.taken);
        let output = unique(format!("{name}.output"), &mut self.taken);
        self.model.nodes.push(OnnxNode {
            name,
            operator: operator.to_owned(),
            inputs,
            outputs: vec![output.clone()],
            attributes,
        });
        output
    }

    /// Adds a constant of floats: its name.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: Vec<f32>) -> String {
        let constant = Constant::Floats(Tensor { shape: shape.to_vec(), values });
        let name = unique(name.to_owned(), &mut self.taken);
        self.model.constants.push((name.clone(), constant));
        name
    }

    /// Adds a list of integers: its name.
    pub fn integers(&mut self, name: &str, values: Vec<i64>) -> String {
        let shape = vec![values.len()];
        let name = unique(name.to_owned(), &mut self.taken);
        self.model.constants.push((name.clone(), Constant::Integers(Integers { shape, values })));
        name
    }

    /// Adds a parameter under its own name; without one of that name, nothing.
    pub fn parameter(&mut self, name: String) -> Option<String> {
        let tensor = self.tensors.get(&name)?.clone();
        self.model.constants.push((name.clone(), Constant::Floats(tensor)));
        Some(name)
    }

    /// Brings an image into that order.
    pub fn turn(&mut self, at: &mut Place, order: ImageOrder) {
        if at.order == order {
            return;
        }
        let turned = match order {
            ImageOrder::ChannelsLast => [0, 2, 3, 1],
            ImageOrder::ChannelsFirst => [0, 3, 1, 2],
        };
        let value = std::mem::take(&mut at.value);
        at.value = self.node("Transpose", "", vec![value], vec![ints("perm", &turned)]);
        at.order = order;
    }

    /// Makes one row of values of an image, in that order.
    pub fn flatten(&mut self, at: &mut Place, order: ImageOrder) {
        if at.is_image() {
            self.turn(at, order);
            let value = std::mem::take(&mut at.value);
            at.value = self.node("Flatten", "", vec![value], vec![int("axis", 1)]);
            at.shape = at.shape.len().into();
        }
    }

    /// Reshapes all but the batch.
    pub fn reshape(&mut self, value: String, dims: &[usize]) -> String {
        // 0: as it was.
        let shape = std::iter::once(0).chain(dims.iter().map(|&n| n as i64)).collect();
        let shape = self.integers("shape", shape);
        self.node("Reshape", "", vec![value, shape], vec![])
    }
}
