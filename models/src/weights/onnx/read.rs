//! The parts of an ONNX file that a graph is made of, as they are in the file.

use super::message::Fields;
use super::tensor;
use super::{Attribute, Constant, MOST_NODES, OPSETS, OnnxNode, OnnxValue};
use crate::weights::element::Element;
use crate::weights::{MOST_DIMENSIONS, shown};
use std::collections::HashSet;

/// No graph has more parts: names and numbers, which take up to 24 bytes of memory, and may take
/// two of the file.
const MOST_PARTS: usize = 200_000;
/// So many names or numbers take the memory of a constant, an attribute, an input or an output.
const PARTS_OF_ONE: usize = 8;
/// No attribute has more numbers.
const MOST_NUMBERS: usize = 1 << 12;

/// A graph that was read, but not checked.
#[derive(Default)]
pub(super) struct Read {
    pub(super) nodes: Vec<OnnxNode>,
    pub(super) inputs: Vec<OnnxValue>,
    pub(super) outputs: Vec<OnnxValue>,
    pub(super) constants: Vec<(String, Constant)>,
    pub(super) opset: i64,
    pub(super) producer: String,
}

/// Counts parts.
struct Parts(usize);

impl Parts {
    fn add(&mut self, parts: usize) -> Result<(), String> {
        self.0 += parts;
        if self.0 > MOST_PARTS {
            return Err(format!(
                "has more than {MOST_PARTS} parts: no network's graph has so many"
            ));
        }
        Ok(())
    }

    /// Counts integers, which take up to eight times the memory that they take in the file.
    fn add_constant(&mut self, constant: &Constant) -> Result<(), String> {
        match constant {
            Constant::Integers(integers) => self.add(integers.values.len()),
            Constant::Floats(_) => Ok(()),
        }
    }
}

/// Reads a file (`ModelProto`).
pub(super) fn read(bytes: &[u8]) -> Result<Read, String> {
    let (mut graph, mut opset, mut producer) = (None, None, "");
    for field in Fields(bytes) {
        let field = field?;
        match field.number {
            2 => producer = field.text()?,
            7 if graph.replace(field.message()?).is_some() => {
                return Err("is a damaged ONNX file: it has two graphs".into());
            }
            8 => {
                let (mut domain, mut version) = ("", 0);
                for field in field.message()? {
                    let field = field?;
                    match field.number {
                        1 => domain = field.text()?,
                        2 => version = field.int()?,
                        _ => {}
                    }
                }
                if is_own(domain) {
                    opset = Some(version);
                }
            }
            _ => {}
        }
    }
    let graph = graph.ok_or("has no graph: it is no ONNX file, or a damaged one")?;
    let opset = opset.ok_or("does not say the version of its operators (opset): save it anew")?;
    if !OPSETS.contains(&opset) {
        let (from, to) = (OPSETS.start(), OPSETS.end());
        return Err(format!(
            "has operators of version (opset) {opset}, where {from} to {to} are known: convert it \
             with onnx.version_converter"
        ));
    }
    let nodes = Fields(graph.0).filter(|field| field.as_ref().is_ok_and(|f| f.number == 1)).count();
    if nodes > MOST_NODES {
        return Err(format!("has {nodes} nodes, where {MOST_NODES} are the most"));
    }
    let mut read = Read { opset, producer: producer.into(), ..Read::default() };
    let mut parts = Parts(0);
    for field in graph {
        let field = field?;
        parts.add(PARTS_OF_ONE)?;
        match field.number {
            1 => {
                let node = read_node(field.message()?, read.nodes.len(), &mut parts)?;
                read.nodes.push(node);
            }
            5 => {
                let (name, constant) = tensor::read(field.message()?)?;
                parts.add_constant(&constant)?;
                read.constants.push((name, constant));
            }
            15 => return Err("has a sparse constant: save it as a dense one".into()),
            11 => read.inputs.push(read_value(field.message()?)?),
            12 => read.outputs.push(read_value(field.message()?)?),
            _ => {}
        }
    }
    Ok(read)
}

/// True for the domain of ONNX's own operators.
fn is_own(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// Reads a node (`NodeProto`), of that number.
fn read_node(fields: Fields<'_>, number: usize, parts: &mut Parts) -> Result<OnnxNode, String> {
    let (mut own, mut operator, mut domain) = ("", "", "");
    let (mut inputs, mut outputs, mut attributes) = (Vec::new(), Vec::new(), Vec::new());
    for field in fields {
        let field = field?;
        parts.add(if field.number == 5 { PARTS_OF_ONE } else { 1 })?;
        match field.number {
            1 => inputs.push(field.text()?.to_owned()),
            2 => outputs.push(field.text()?.to_owned()),
            3 => own = field.text()?,
            4 => operator = field.text()?,
            5 => attributes.push(field.message()?),
            7 => domain = field.text()?,
            _ => {}
        }
    }
    let operator = match is_own(domain) {
        true => operator.to_owned(),
        false => format!("{domain}.{operator}"),
    };
    let name = match own {
        "" => format!("the node {number} ({})", short(&operator)),
        own => format!("the node {} ({})", short(own), short(&operator)),
    };
    let wrong = |problem: String| format!("{name} {problem}");
    if operator.is_empty() {
        return Err(wrong("has no operator: the file is damaged; download it again".into()));
    }
    let mut names = HashSet::new();
    let mut read = Vec::with_capacity(attributes.len());
    for fields in attributes {
        let (name, attribute) = read_attribute(fields, parts).map_err(wrong)?;
        if !names.insert(name) {
            return Err(wrong(format!("has the attribute {} twice: save it anew", shown(name))));
        }
        read.push((name.to_owned(), attribute));
    }
    Ok(OnnxNode { name, operator, inputs, outputs, attributes: read })
}

/// Reads an attribute (`AttributeProto`) and its name.
fn read_attribute<'a>(
    fields: Fields<'a>,
    parts: &mut Parts,
) -> Result<(&'a str, Attribute), String> {
    let (mut name, mut kind) = ("", None);
    for field in fields {
        let field = field?;
        match field.number {
            1 => name = field.text()?,
            20 => kind = Some(field.int()?),
            21 => return Err("takes an attribute from a function around it: save it anew".into()),
            _ => {}
        }
    }
    let wrong = |problem: String| format!("has the attribute {}, which {problem}", shown(name));
    let (mut ints, mut floats) = (Vec::new(), Vec::new());
    let mut single = None;
    for field in fields {
        let field = field?;
        match field.number {
            2 => single = Some(Attribute::Float(field.float()?)),
            3 => single = Some(Attribute::Int(field.int()?)),
            4 => {
                let text = String::from_utf8_lossy(field.bytes()?).into_owned();
                single = Some(Attribute::Text(text));
            }
            5 => {
                let (_, constant) = tensor::read(field.message()?).map_err(wrong)?;
                parts.add_constant(&constant)?;
                single = Some(Attribute::Constant(constant));
            }
            6 | 11 => return Err(wrong("is a graph: no layer has one".into())),
            7 => field.floats(&mut floats)?,
            8 => field.ints(MOST_NUMBERS, &mut ints).map_err(wrong)?,
            9 => single = Some(Attribute::Other("a list of texts")),
            10 => single = Some(Attribute::Other("a list of tensors")),
            14 | 15 | 22 | 23 => single = Some(Attribute::Other("a type or a sparse tensor")),
            _ => {}
        }
    }
    parts.add(ints.len() + floats.len() / 4)?;
    // The type that is said tells an empty list from one that is missing, and a 0 as well.
    let attribute = match (kind, single) {
        (Some(6), _) => Attribute::Floats(Element::F32.read(&floats)),
        (Some(7), _) => Attribute::Ints(ints),
        (_, Some(single)) => single,
        (None, None) if !floats.is_empty() => Attribute::Floats(Element::F32.read(&floats)),
        (None, None) if !ints.is_empty() => Attribute::Ints(ints),
        (Some(1), None) => Attribute::Float(0.0),
        (Some(2), None) => Attribute::Int(0),
        (Some(3), None) => Attribute::Text(String::new()),
        _ => return Err(wrong("has no value: the file is damaged; download it again".into())),
    };
    Ok((name, attribute))
}

/// Reads an input or output (`ValueInfoProto`).
fn read_value(fields: Fields<'_>) -> Result<OnnxValue, String> {
    let (mut name, mut shape) = (String::new(), None);
    for field in fields {
        let field = field?;
        match field.number {
            1 => field.text()?.clone_into(&mut name),
            2 => shape = read_shape(field.message()?)?,
            _ => {}
        }
    }
    Ok(OnnxValue { value: name.clone(), name, shape })
}

/// The shape that a `TypeProto` of a tensor has, if it has one.
fn read_shape(fields: Fields<'_>) -> Result<Option<Vec<Option<usize>>>, String> {
    let mut shape = None;
    for tensor in within(fields, 1) {
        for dimensions in within(tensor?, 2) {
            let mut lengths = Vec::new();
            for dimension in within(dimensions?, 1) {
                if lengths.len() == MOST_DIMENSIONS {
                    let most = MOST_DIMENSIONS;
                    return Err(format!("has an input or output of more than {most} dimensions"));
                }
                let mut length = None;
                for field in dimension? {
                    let field = field?;
                    if field.number == 1 {
                        // 0 and less are no lengths, but say that it may vary.
                        length = usize::try_from(field.int()?).ok().filter(|&length| length > 0);
                    }
                }
                lengths.push(length);
            }
            shape = Some(lengths);
        }
    }
    Ok(shape)
}

/// The messages in the fields of that number.
fn within(fields: Fields<'_>, number: u64) -> impl Iterator<Item = Result<Fields<'_>, String>> {
    fields.filter_map(move |field| match field {
        Ok(field) if field.number == number => Some(field.message()),
        Ok(_) => None,
        Err(problem) => Some(Err(problem)),
    })
}

/// A name from a file without quotes, for an error.
fn short(name: &str) -> String {
    shown(name).trim_matches('"').to_owned()
}
