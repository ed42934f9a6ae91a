//! ONNX graphs, made field by field.

use crate::{Table, vector};

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn number(field: u64, number: i64) -> Vec<u8> {
    [varint(field << 3), varint(number.cast_unsigned())].concat()
}

fn bytes(field: u64, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [&varint(field << 3 | 2)[..], &varint(bytes.len() as u64), bytes].concat()
}

/// A node of a graph.
fn node(operator: &str, inputs: &[&str], outputs: &[&str], more: &[u8]) -> Vec<u8> {
    let inputs = inputs.iter().flat_map(|input| bytes(1, input));
    let outputs = outputs.iter().flat_map(|output| bytes(2, output));
    let parts: Vec<u8> = inputs.chain(outputs).chain(bytes(4, operator)).collect();
    bytes(1, [&parts[..], more].concat())
}

/// A constant of a graph.
fn constant(name: &str, kind: i64, dims: &[i64], values: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|&length| number(1, length)).collect();
    bytes(5, [dims, number(2, kind), bytes(8, name), values.to_vec()].concat())
}

fn input(name: &str) -> Vec<u8> {
    bytes(11, bytes(1, name))
}

fn output(name: &str) -> Vec<u8> {
    bytes(12, bytes(1, name))
}

/// A file of a graph.
fn model(graph: &[u8], opset: i64) -> Vec<u8> {
    [number(1, 8), bytes(7, graph), bytes(8, number(2, opset))].concat()
}

/// A graph of these parts, with the input x and the output y.
fn graph(parts: &[&[u8]]) -> Vec<u8> {
    model(&[parts.concat(), input("x"), output("y")].concat(), 17)
}

pub fn add(table: &mut Table) {
    values(table);
    constants(table);
    let relu = node("Relu", &["x"], &["y"], b"");
    let damaged = "is a damaged ONNX file, or none";
    table.graph("an empty file", b"", "has no graph");
    table.graph("a file of PyTorch", &vector("zip.pt"), damaged);
    table.graph("text", b"hello, world", damaged);
    table.graph("no graph", &number(1, 8), "has no graph");
    let body = [relu.clone(), input("x"), output("y")].concat();
    table.graph("no opset", &[number(1, 8), bytes(7, &body)].concat(), "does not say the version");
    for opset in [0, 6, 26, -1, i64::MAX] {
        let says = format!("has operators of version (opset) {opset}, where 7 to 25 are known");
        table.graph("an unknown opset", &model(&body, opset), &says);
    }
    let foreign = bytes(8, [bytes(1, "com.microsoft"), number(2, 1)].concat());
    let foreign = [number(1, 8), bytes(7, &body), foreign].concat();
    table.graph("the opset of others", &foreign, "does not say the version");
    let twice = [bytes(7, &body), model(&body, 17)].concat();
    table.graph("two graphs", &twice, "has two graphs");
    let nodes = node("Relu", &["x"], &["y"], b"").repeat(100_000);
    table.graph("100,000 nodes", &graph(&[&nodes]), "has 100000 nodes, where 10000 are the most");
    let empty = b"\x0a\x00".repeat(1_000_000);
    table.graph("a million empty nodes", &graph(&[&empty]), "has 1000000 nodes");
    let names = bytes(1, b"\x0a\x00".repeat(3_000_000));
    table.graph("three million inputs", &graph(&[&names]), "has more than 200000 parts");
    let names = bytes(1, [b"\x2a\x00".repeat(3_000_000), bytes(4, "A")].concat());
    table.graph("three million attributes", &graph(&[&names]), "has more than 200000 parts");
    let named =
        (0..100_000).flat_map(|n| bytes(5, [bytes(1, format!("a{n}")), number(3, 1)].concat()));
    let named = bytes(1, [named.collect(), bytes(4, "A")].concat());
    table.graph("100,000 attributes", &graph(&[&named]), "has more than 200000 parts");
    let empty = b"\x5a\x00".repeat(3_000_000);
    table.graph("three million graph inputs", &graph(&[&empty]), "has more than 200000 parts");
    let empty = node("", &["x"], &["y"], b"");
    table.graph("no operator", &graph(&[&empty]), "the node 0 () has no operator");
    let mut deep = Vec::new();
    for _ in 0..5000 {
        // A node with an attribute that is a graph.
        deep = bytes(1, [bytes(4, "If"), bytes(5, bytes(6, &deep))].concat());
    }
    table.graph("graphs, 5,000 deep", &graph(&[&deep]), "the node 0 (If) has the attribute");
    let group = [number(1, 8), vec![0x3b]].concat();
    table.graph("a group", &group, "a field has the type 3");
    let endless = [number(1, 8), vec![0xff; 20]].concat();
    table.graph("a number without an end", &endless, "a number is too long");
    table.graph("a graph of no message", &number(7, 1), "the field 7 is of another type");
    let latin = bytes(1, [bytes(4, b"Re\xfflu")].concat());
    table.graph("a text that is not UTF-8", &graph(&[&latin]), "a text is not UTF-8");
    let attribute =
        |parts: &[Vec<u8>]| graph(&[&node("Conv", &["x"], &["y"], &bytes(5, parts.concat()))]);
    let named = bytes(1, "pads");
    table.graph(
        "no value",
        &attribute(std::slice::from_ref(&named)),
        "\"pads\", which has no value",
    );
    let from_function = attribute(&[named.clone(), bytes(21, "other"), number(20, 2)]);
    table.graph("of a function", &from_function, "takes an attribute from a function");
    let many = attribute(&[named.clone(), bytes(8, [0; 5000]), number(20, 7)]);
    table.graph(
        "5,000 integers",
        &many,
        "the node 0 (Conv) has the attribute \"pads\", which has more",
    );
    let one = bytes(5, [named.clone(), number(3, 1), number(20, 2)].concat());
    let twice = graph(&[&node("Conv", &["x"], &["y"], &one.repeat(2))]);
    table.graph("an attribute twice", &twice, "has the attribute \"pads\" twice");
}

fn values(table: &mut Table) {
    let relu = node("Relu", &["x"], &["y"], b"");
    let missing = graph(&[&node("Conv", &["x", "w"], &["y"], &bytes(3, "stem"))]);
    let says = "the node stem (Conv) takes the value \"w\", which no node makes";
    table.graph("a missing constant", &missing, says);
    let a = node("Add", &["x", "b"], &["a"], b"");
    let b = node("Relu", &["a"], &["b"], b"");
    let says =
        "the node 0 (Add) takes the value \"b\" before a node makes it: the graph has a loop";
    table.graph("a loop", &graph(&[&a, &b, &relu]), says);
    let own = node("Add", &["x", "y"], &["y"], b"");
    table.graph("a node that takes itself", &graph(&[&own]), "the graph has a loop");
    let first = node("Relu", &["a"], &["y"], b"");
    let second = node("Relu", &["x"], &["a"], b"");
    table.graph("no order", &graph(&[&first, &second]), "are not in their order");
    table.graph("a value twice", &graph(&[&relu, &relu]), "makes the value \"y\", which there is");
    let input = node("Relu", &["x"], &["x"], b"");
    table.graph("an input made", &graph(&[&input]), "makes the value \"x\", which there is");
    let zero = constant("y", 1, &[], &bytes(9, [0; 4]));
    table.graph(
        "a constant made",
        &graph(&[&relu, &zero]),
        "makes the value \"y\", which there is",
    );
    let says = "a constant makes the value \"y\"";
    table.graph("a constant twice", &graph(&[&zero, &zero]), says);
    let other = node("Relu", &["x"], &["z"], b"");
    let says = "the graph's output takes the value \"y\", which no node makes";
    table.graph("an output of nothing", &graph(&[&other]), says);
    let identity = node("Identity", &["b"], &["a"], b"");
    let back = node("Identity", &["a"], &["b"], b"");
    table.graph("identities in a loop", &graph(&[&identity, &back, &relu]), "has a loop");
    let no_input = model(&[&zero[..], &output("y")].concat(), 17);
    table.graph("no input", &no_input, "has no input");
    let no_output = model(&[relu, crate::graphs::input("x")].concat(), 17);
    table.graph("no output", &no_output, "has no output");
    let constant = node("Constant", &[], &["y"], b"");
    table.graph(
        "a constant of nothing",
        &graph(&[&constant]),
        "the node 0 (Constant) has no value",
    );
    let texts = bytes(5, [bytes(1, "value_string"), bytes(4, "a")].concat());
    let constant = node("Constant", &[], &["y"], &texts);
    table.graph("a constant of text", &graph(&[&constant]), "of a kind that no layer takes");
    let long = "w\n".repeat(50_000);
    let missing = graph(&[&node("Conv", &["x", &long], &["y"], &bytes(3, &long))]);
    table.graph("long names with line breaks", &missing, "takes the value");
}

fn constants(table: &mut Table) {
    let relu = node("Relu", &["x"], &["y"], b"");
    let mut one = |case: &str, constant: Vec<u8>, says: &str| {
        table.graph(case, &graph(&[&constant, &relu]), says);
    };
    let raw = |length: usize| bytes(9, vec![0; length]);
    let count = "has 4 bytes of values for the shape [2]: the file is damaged";
    one("too few values", constant("w", 1, &[2], &raw(4)), count);
    one("too many values", constant("w", 1, &[2], &raw(12)), "has 12 bytes of values");
    one("no values", constant("w", 1, &[2], b""), "the constant \"w\" has 0 bytes of values");
    one("a shape that overflows", constant("w", 1, &[1 << 62, 1 << 62], &raw(4)), "has the shape");
    one("a huge shape", constant("w", 1, &[1 << 60], &raw(4)), "has 4 bytes of values");
    one("a negative length", constant("w", 1, &[-2], &raw(8)), "has the shape [-2]");
    one("nine dimensions", constant("w", 1, &[1; 9], &raw(4)), "has more integers than it may");
    one("no type", constant("w", 0, &[1], &raw(4)), "is of nothing");
    one(
        "bytes",
        constant("w", 2, &[4], &raw(4)),
        "\"w\" is of uint8, where floats, int32 or int64",
    );
    one("texts", constant("w", 8, &[1], &bytes(6, "a")), "is of texts");
    one("complex", constant("w", 14, &[1], &raw(8)), "is of complex64");
    one("an unknown type", constant("w", 99, &[1], &raw(4)), "is of type 99");
    one("another type of values", constant("w", 1, &[2], &bytes(7, [1, 2])), "another type");
    let twice = [raw(4), bytes(4, [0; 4])].concat();
    one("values twice", constant("w", 1, &[1], &twice), "has its values twice");
    let external = [number(14, 1), bytes(13, bytes(1, "location"))].concat();
    one("elsewhere", constant("w", 1, &[1], &external), "\"w\" lies in another file");
    let path = bytes(13, [bytes(1, "location"), bytes(2, "/etc/passwd")].concat());
    one("a path", constant("w", 1, &[1], &path), "\"w\" lies in another file");
    one("segments", constant("w", 1, &[1], &[bytes(3, b""), raw(4)].concat()), "another type");
    one("5,000 integers", constant("w", 7, &[5000], &raw(40_000)), "has 5000 integers");
    let few = constant("w", 7, &[2], &bytes(7, vec![0; 100_000]));
    one("more integers than its shape", few, "has more integers than it may have");
    one("NaN", constant("w", 1, &[1], &bytes(9, f32::NAN.to_le_bytes())), "are NaN");
    one("sparse", bytes(15, b""), "has a sparse constant");
    let many: Vec<u8> = (0..300_000).flat_map(|_| bytes(5, b"")).collect();
    let small: Vec<u8> =
        (0..100_000).flat_map(|n| constant(&format!("w{n}"), 1, &[0], b"")).collect();
    table.graph("100,000 constants", &graph(&[&small]), "has more than 200000 parts");
    table.graph("300,000 empty constants", &graph(&[&many]), "is of nothing");
    let many: Vec<u8> = (0..60)
        .flat_map(|n| constant(&format!("w{n}"), 7, &[4000], &bytes(7, [0; 4000])))
        .collect();
    table.graph("240,000 integers", &graph(&[&many]), "has more than 200000 parts");
}
