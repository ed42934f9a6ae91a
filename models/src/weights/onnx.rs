//! ONNX graphs, checked: a plain list of nodes in their order, and the constants that they take.

mod check;
mod message;
mod read;
mod tensor;
mod write;

pub use write::{OnnxModel, PRODUCER};

use super::{Tensor, Weights, read_file};
use crate::error::{Error, ErrorKind};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::ops::RangeInclusive;
use std::path::Path;

/// The versions of ONNX's operators that are known.
pub const OPSETS: RangeInclusive<i64> = 7..=25;
/// No graph has more nodes.
pub const MOST_NODES: usize = 10_000;

/// The graph of an ONNX file: each value is made once, before it is taken.
///
/// `Constant` and `Identity` nodes are folded: the former are among the constants, and the latter's
/// output is replaced by its input wherever it is taken.
#[derive(Clone, Debug)]
pub struct OnnxGraph {
    /// The nodes. None takes a value that is made behind it.
    pub nodes: Vec<OnnxNode>,
    /// The inputs that are no constants.
    pub inputs: Vec<OnnxValue>,
    /// The outputs.
    pub outputs: Vec<OnnxValue>,
    /// The constants of floats, by the names of their values.
    pub initializers: Weights,
    /// The constants of integers, such as shapes and axes, by the names of their values.
    pub integers: HashMap<String, Integers>,
    /// The version of the operators.
    pub opset: i64,
    /// The program that wrote the file, if it says so.
    pub producer: String,
}

/// A node: an operator with its inputs and outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct OnnxNode {
    /// Its name for errors: `the node conv1 (Conv)`.
    pub name: String,
    /// The operator, with its domain in front if that is not ONNX's own: `Conv`,
    /// `com.microsoft.FusedConv`.
    pub operator: String,
    /// The values that it takes; an empty name is an input left out.
    pub inputs: Vec<String>,
    /// The values that it makes; an empty name is an output left out.
    pub outputs: Vec<String>,
    /// The attributes and their names, which are unique.
    pub attributes: Vec<(String, Attribute)>,
}

impl OnnxNode {
    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, attribute)| attribute)
    }
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A float.
    Float(f32),
    /// An integer.
    Int(i64),
    /// A text.
    Text(String),
    /// Floats.
    Floats(Vec<f32>),
    /// Integers.
    Ints(Vec<i64>),
    /// A tensor.
    Constant(Constant),
    /// Something else, such as a list of texts, that no layer takes: its name in ONNX.
    Other(&'static str),
}

/// An input or output of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct OnnxValue {
    /// Its name in the file.
    pub name: String,
    /// The value of the nodes that it is: of that name, unless an `Identity` was folded.
    pub value: String,
    /// The lengths of its dimensions, if the file says so; `None` for one that may vary, such as
    /// the batch.
    pub shape: Option<Vec<Option<usize>>>,
}

/// A constant of a graph.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// One of floats.
    Floats(Tensor),
    /// One of integers.
    Integers(Integers),
}

/// A constant of integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integers {
    /// The length of each dimension; none for a single number.
    pub shape: Vec<usize>,
    /// The values, the last dimension fastest.
    pub values: Vec<i64>,
}

impl OnnxGraph {
    /// Reads a graph and checks it.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged, values are missing, made twice or behind their
    /// use, constants lie in another file, or the version is none of [`OPSETS`]. The message is one
    /// line that names the file, and the node with its operator.
    pub fn open(path: &Path) -> Result<OnnxGraph, Error> {
        let wrong = |problem: String| Error::of_file(ErrorKind::Format, path, &problem);
        read::read(&read_file(path)?).and_then(check::check).map_err(wrong)
    }
}

/// Tells whether a file seems to be an ONNX graph, by its first bytes.
///
/// # Errors
/// If it cannot be read.
pub fn is_onnx(path: &Path) -> Result<bool, Error> {
    let failed = |e: std::io::Error| {
        Error::of_file(ErrorKind::Io, path, &format!("cannot read the weights: {e}"))
    };
    // Opening a named pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Ok(false);
    }
    let mut start = Vec::new();
    File::open(path).map_err(failed)?.take(16).read_to_end(&mut start).map_err(failed)?;
    Ok(starts_onnx(&start))
}

/// An ONNX file starts with its version, and one of a few fields behind it.
pub(super) fn starts_onnx(start: &[u8]) -> bool {
    let field = |tag| matches!(tag, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42 | 0x72);
    matches!(*start, [0x08, 1..0x80, tag, ..] if field(tag)) && start.get(8) != Some(&b'{')
}
