//! The checks of a graph, and the folding of constants and identities.

use super::read::Read;
use super::{Attribute, Constant, Integers, OnnxGraph, OnnxNode};
use crate::weights::{Tensor, shown};
use std::collections::{HashMap, HashSet};

/// The value, by the values that are there so far.
struct Values {
    /// Each value by its name in the file, and what it is called after folding.
    names: HashMap<String, String>,
}

impl Values {
    fn add(&mut self, name: &str, is: &str, who: &str) -> Result<(), String> {
        if name.is_empty() {
            return Err(format!("{who} makes a value without a name: save it anew"));
        }
        if self.names.insert(name.to_owned(), is.to_owned()).is_some() {
            let name = shown(name);
            return Err(format!(
                "{who} makes the value {name}, which there is already: save it anew"
            ));
        }
        Ok(())
    }
}

/// Checks that each value is made once, and before it is taken.
pub(super) fn check(read: Read) -> Result<OnnxGraph, String> {
    let mut graph = OnnxGraph {
        nodes: Vec::with_capacity(read.nodes.len()),
        inputs: Vec::new(),
        outputs: Vec::new(),
        initializers: Default::default(),
        integers: HashMap::new(),
        opset: read.opset,
        producer: read.producer,
    };
    let mut values = Values { names: HashMap::new() };
    for (name, constant) in read.constants {
        values.add(&name, &name, "a constant")?;
        keep(&mut graph, name, constant)?;
    }
    let constants: HashSet<String> = values.names.keys().cloned().collect();
    for input in read.inputs {
        // Older files have all constants among the inputs.
        if !constants.contains(&input.name) {
            values.add(&input.name, &input.name, "an input")?;
            graph.inputs.push(input);
        }
    }
    let behind: HashSet<String> =
        read.nodes.iter().flat_map(|node| node.outputs.iter().cloned()).collect();
    for mut node in read.nodes {
        for input in node.inputs.iter_mut().filter(|input| !input.is_empty()) {
            let Some(is) = values.names.get(input) else {
                return Err(missing(&node.name, input, &behind));
            };
            input.clone_from(is);
        }
        match (&*node.operator, &*node.inputs, &*node.outputs) {
            ("Identity", [input], [output]) if !input.is_empty() => {
                values.add(output, input, &node.name)?;
            }
            ("Constant", [], [output]) => {
                let constant = constant(&node)?;
                values.add(output, output, &node.name)?;
                let output = output.clone();
                keep(&mut graph, output, constant)?;
            }
            _ => {
                for output in node.outputs.iter().filter(|output| !output.is_empty()) {
                    values.add(output, output, &node.name)?;
                }
                graph.nodes.push(node);
            }
        }
    }
    for mut output in read.outputs {
        let Some(is) = values.names.get(&output.name) else {
            return Err(missing("the graph's output", &output.name, &behind));
        };
        output.value.clone_from(is);
        graph.outputs.push(output);
    }
    match (graph.inputs.is_empty(), graph.outputs.is_empty()) {
        (true, _) => Err("has no input: it is no network, or damaged".into()),
        (_, true) => Err("has no output: it is no network, or damaged".into()),
        _ => Ok(graph),
    }
}

/// The problem of a value that is taken before it is made.
fn missing(who: &str, value: &str, behind: &HashSet<String>) -> String {
    let shown = shown(value);
    match behind.contains(value) {
        true => format!(
            "{who} takes the value {shown} before a node makes it: the graph has a loop, or its \
             nodes are not in their order"
        ),
        false => format!(
            "{who} takes the value {shown}, which no node makes and which is neither an input nor \
             a constant (initializer)"
        ),
    }
}

fn keep(graph: &mut OnnxGraph, name: String, constant: Constant) -> Result<(), String> {
    match constant {
        Constant::Floats(tensor) => graph.initializers.push(name, tensor)?,
        Constant::Integers(integers) => drop(graph.integers.insert(name, integers)),
    }
    Ok(())
}

/// The constant of a `Constant` node.
fn constant(node: &OnnxNode) -> Result<Constant, String> {
    let floats = |shape, values| Ok(Constant::Floats(Tensor { shape, values }));
    let integers = |shape, values| Ok(Constant::Integers(Integers { shape, values }));
    match node.attributes.first().map(|(name, attribute)| (&**name, attribute)) {
        Some(("value", Attribute::Constant(constant))) => Ok(constant.clone()),
        Some(("value_float", Attribute::Float(value))) => floats(vec![], vec![*value]),
        Some(("value_floats", Attribute::Floats(values))) => {
            floats(vec![values.len()], values.clone())
        }
        Some(("value_int", Attribute::Int(value))) => integers(vec![], vec![*value]),
        Some(("value_ints", Attribute::Ints(values))) => {
            integers(vec![values.len()], values.clone())
        }
        Some((name, _)) => Err(format!(
            "{} has a value of a kind that no layer takes: its attribute is {}",
            node.name,
            shown(name)
        )),
        None => Err(format!("{} has no value: the file is damaged", node.name)),
    }
}
