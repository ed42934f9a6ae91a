//! The way of the values through a graph.

use super::Step;
use crate::weights::Tensor;
use crate::weights::onnx::{OnnxGraph, OnnxNode};
use narrows_engine::Shape;
use std::collections::HashMap;

/// Branches within branches, at most.
const DEEPEST: usize = 32;
/// The channels of an image.
const CHANNELS: usize = 3;

/// The order of an image's dimensions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// Channels, height, width: ONNX's.
    ChannelsFirst,
    /// Height, width, channels: ours, and TensorFlow's.
    ChannelsLast,
    /// One row of values.
    Flat,
}

/// A value of the graph on its way: its name, its shape as ours, and the order that the graph has
/// it in.
#[derive(Clone, Debug)]
pub struct Place {
    pub value: String,
    pub shape: Shape,
    pub order: Order,
    /// Zeros around the image that no convolution has taken in yet: top, left, bottom, right.
    pub padding: [usize; 4],
    /// The image that a row of values was, with its channels first.
    pub flattened: Option<[usize; 3]>,
}

/// A walk from the input of a graph to its end.
pub struct Walk<'g> {
    pub graph: &'g OnnxGraph,
    /// The nodes that take each value.
    takers: HashMap<&'g str, Vec<&'g OnnxNode>>,
    /// The tensors of the layers found so far, as PyTorch has them.
    pub tensors: Vec<(String, Tensor)>,
    start: Place,
    depth: usize,
}

impl<'g> Walk<'g> {
    pub fn new(graph: &'g OnnxGraph, [height, width]: [usize; 2]) -> Result<Walk<'g>, String> {
        let [input] = &graph.inputs[..] else {
            return Err(format!(
                "has {} inputs: narrows takes networks of one",
                graph.inputs.len()
            ));
        };
        let order = match input.shape.as_deref() {
            Some([_, Some(CHANNELS), _, _]) => Order::ChannelsFirst,
            Some([_, _, _, Some(CHANNELS)]) => Order::ChannelsLast,
            _ => {
                return Err(format!(
                    "the input {} is no batch of images of {CHANNELS} channels: save it with the \
                     shape of its input",
                    input.name
                ));
            }
        };
        let mut takers: HashMap<&str, Vec<&OnnxNode>> = HashMap::new();
        for node in &graph.nodes {
            for input in &node.inputs {
                takers.entry(input).or_default().push(node);
            }
        }
        let start = Place {
            value: input.value.clone(),
            shape: [height, width, CHANNELS].into(),
            order,
            padding: [0; 4],
            flattened: None,
        };
        Ok(Walk { graph, takers, tensors: Vec::new(), start, depth: 0 })
    }

    /// The steps from the input to where nothing takes the value.
    pub fn network(&mut self) -> Result<Vec<Step>, String> {
        let start = self.start.clone();
        let (steps, end, join) = self.follow(start, None)?;
        match join {
            None => Ok(steps),
            Some(node) => {
                Err(self.wrong(node, &format!("joins {} with no other branch", end.value)))
            }
        }
    }

    /// An error about a node.
    pub fn wrong(&self, node: &OnnxNode, problem: &str) -> String {
        format!("the node {} ({}) {problem}", node.name, node.operator)
    }

    /// True if the graph computes that value from its input.
    pub fn is_computed(&self, value: &str) -> bool {
        !value.is_empty()
            && self.graph.initializers.get(value).is_none()
            && !self.graph.integers.contains_key(value)
    }

    /// Follows a value, from the node `first` on if it is taken by several, up to a node that joins
    /// it with another branch, or to the end.
    fn follow(
        &mut self,
        mut at: Place,
        first: Option<&'g OnnxNode>,
    ) -> Result<(Vec<Step>, Place, Option<&'g OnnxNode>), String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("holds branches within branches, too deep for a network".into());
        }
        let mut steps = Vec::new();
        let mut next = first;
        let join = loop {
            let node = match next.take() {
                Some(node) => node,
                None => match self.takers.get(&at.value[..]).map_or(&[][..], |takers| takers) {
                    [] => break None,
                    &[one] => one,
                    &[a, b] => {
                        let (step, end) = self.branches(&at, a, b)?;
                        steps.push(step);
                        at = end;
                        continue;
                    }
                    takers => {
                        let node = takers[0];
                        let problem = format!("is one of {} that take {}", takers.len(), at.value);
                        return Err(self.wrong(node, &problem));
                    }
                },
            };
            if node.inputs.iter().filter(|input| self.is_computed(input)).count() > 1 {
                break Some(node);
            }
            self.node(node, &mut at, &mut steps)?;
        };
        self.depth -= 1;
        Ok((steps, at, join))
    }

    /// Two branches that start at one value, up to where they meet.
    fn branches(
        &mut self,
        from: &Place,
        a: &'g OnnxNode,
        b: &'g OnnxNode,
    ) -> Result<(Step, Place), String> {
        let (first, end, one) = self.follow(from.clone(), Some(a))?;
        let (second, other_end, other) = self.follow(from.clone(), Some(b))?;
        let join = match (one, other) {
            (Some(one), Some(other)) if std::ptr::eq(one, other) => one,
            _ => {
                let problem = format!(
                    "and {} take {}, and their branches do not meet in one node",
                    b.name, from.value
                );
                return Err(self.wrong(a, &problem));
            }
        };
        let end = if first.len() >= second.len() { end } else { other_end };
        let step = match &join.operator[..] {
            "Add" => Step::Sum(first, second),
            "Mul" => match (first.is_empty(), second.is_empty()) {
                (true, false) => Step::Gate(second),
                (false, true) => Step::Gate(first),
                _ => {
                    let problem = "multiplies two branches: one has to be the input itself";
                    return Err(self.wrong(join, problem));
                }
            },
            _ => {
                let problem = "joins two branches: narrows has blocks that add them, or multiply \
                               the input by a factor for each channel";
                return Err(self.wrong(join, problem));
            }
        };
        // A gate's factors have no height and width.
        let mut end = if matches!(step, Step::Gate(_)) { from.clone() } else { end };
        end.value = self.output(join)?.to_owned();
        Ok((step, end))
    }

    /// The one output of a node.
    pub fn output(&self, node: &'g OnnxNode) -> Result<&'g str, String> {
        let mut outputs = node.outputs.iter().filter(|name| self.takers.contains_key(&name[..]));
        match (outputs.next(), outputs.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => node
                .outputs
                .first()
                .map(|name| &name[..])
                .ok_or_else(|| self.wrong(node, "has no output")),
            _ => Err(self.wrong(node, "has several outputs that are used")),
        }
    }
}
