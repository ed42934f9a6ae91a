//! Writes ONNX files: the messages that a network's graph needs, with its constants within.

use super::{Attribute, Constant, Integers, OnnxNode, OnnxValue};
use crate::weights::Tensor;

/// The version of the file format that [`OPSET`] came with.
const IR_VERSION: i64 = 8;
/// The version of ONNX's operators that a written graph is of: the first with layer normalisation.
const OPSET: i64 = 17;
/// The name of this program in the files that it writes.
pub const PRODUCER: &str = "narrows";
/// The name of the dimension that may have any length.
const BATCH: &str = "batch";

/// A graph to be written.
#[derive(Clone, Debug, Default)]
pub struct OnnxModel {
    /// The graph's name.
    pub name: String,
    /// The nodes, each behind those that make its inputs. Their operators are ONNX's own.
    pub nodes: Vec<OnnxNode>,
    /// The inputs. A dimension without a length is the batch.
    pub inputs: Vec<OnnxValue>,
    /// The outputs.
    pub outputs: Vec<OnnxValue>,
    /// The constants, by the names of their values.
    pub constants: Vec<(String, Constant)>,
    /// What else the file says: keys and texts.
    pub metadata: Vec<(String, String)>,
}

impl OnnxModel {
    /// The bytes of its file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut graph = Message::default();
        for node in &self.nodes {
            graph.message(1, &write_node(node));
        }
        graph.text(2, &self.name);
        for (name, constant) in &self.constants {
            graph.message(5, &write_constant(name, constant));
        }
        for (number, values) in [(11, &self.inputs), (12, &self.outputs)] {
            for value in values {
                graph.message(number, &write_value(value));
            }
        }
        let mut model = Message::default();
        model.int(1, IR_VERSION);
        model.text(2, PRODUCER);
        model.text(3, env!("CARGO_PKG_VERSION"));
        model.message(7, &graph);
        let mut operators = Message::default();
        operators.text(1, "");
        operators.int(2, OPSET);
        model.message(8, &operators);
        for (key, text) in &self.metadata {
            let mut entry = Message::default();
            entry.text(1, key);
            entry.text(2, text);
            model.message(14, &entry);
        }
        model.0
    }
}

/// A message in the wire format of Protocol Buffers.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn tag(&mut self, number: u64, kind: u64) {
        self.number(number << 3 | kind);
    }

    fn int(&mut self, number: u64, value: i64) {
        self.tag(number, 0);
        self.number(value.cast_unsigned());
    }

    fn float(&mut self, number: u64, value: f32) {
        self.tag(number, 5);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, number: u64, bytes: &[u8]) {
        self.tag(number, 2);
        self.number(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn text(&mut self, number: u64, text: &str) {
        self.bytes(number, text.as_bytes());
    }

    fn message(&mut self, number: u64, message: &Message) {
        self.bytes(number, &message.0);
    }
}

/// `NodeProto`
fn write_node(node: &OnnxNode) -> Message {
    let mut message = Message::default();
    for (number, names) in [(1, &node.inputs), (2, &node.outputs)] {
        for name in names {
            message.text(number, name);
        }
    }
    message.text(3, &node.name);
    message.text(4, &node.operator);
    for (name, attribute) in &node.attributes {
        message.message(5, &write_attribute(name, attribute));
    }
    message
}

/// `AttributeProto`
fn write_attribute(name: &str, attribute: &Attribute) -> Message {
    let mut message = Message::default();
    message.text(1, name);
    let kind = match attribute {
        Attribute::Float(value) => {
            message.float(2, *value);
            1
        }
        Attribute::Int(value) => {
            message.int(3, *value);
            2
        }
        Attribute::Text(text) => {
            message.text(4, text);
            3
        }
        Attribute::Constant(constant) => {
            message.message(5, &write_constant("", constant));
            4
        }
        Attribute::Floats(values) => {
            values.iter().for_each(|value| message.float(7, *value));
            6
        }
        Attribute::Ints(values) => {
            values.iter().for_each(|value| message.int(8, *value));
            7
        }
        // It was read from a file and has no value here: 0 is ONNX's "undefined".
        Attribute::Other(_) => 0,
    };
    message.int(20, kind);
    message
}

/// `TensorProto`
fn write_constant(name: &str, constant: &Constant) -> Message {
    let (shape, kind, bytes) = match constant {
        Constant::Floats(Tensor { shape, values }) => {
            (shape, 1, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
        }
        Constant::Integers(Integers { shape, values }) => {
            (shape, 7, values.iter().flat_map(|value| value.to_le_bytes()).collect())
        }
    };
    let mut message = Message::default();
    shape.iter().for_each(|&length| message.int(1, length as i64));
    message.int(2, kind);
    message.text(8, name);
    message.bytes(9, &bytes);
    message
}

/// `ValueInfoProto`, of floats.
fn write_value(value: &OnnxValue) -> Message {
    let mut tensor = Message::default();
    tensor.int(1, 1);
    if let Some(lengths) = &value.shape {
        let mut shape = Message::default();
        for length in lengths {
            let mut dimension = Message::default();
            match length {
                Some(length) => dimension.int(1, *length as i64),
                None => dimension.text(2, BATCH),
            }
            shape.message(1, &dimension);
        }
        tensor.message(2, &shape);
    }
    let mut kind = Message::default();
    kind.message(1, &tensor);
    let mut message = Message::default();
    message.text(1, &value.value);
    message.message(2, &kind);
    message
}
