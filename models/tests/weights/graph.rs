//! Graphs of ONNX files, written by `vectors/weights/make_onnx.py`, and a real one.

use super::real::backbone;
use super::vectors;
use narrows_models::weights::Weights;
use narrows_models::weights::onnx::{Attribute, OnnxGraph, is_onnx};

fn operators(graph: &OnnxGraph) -> Vec<&str> {
    graph.nodes.iter().map(|node| &*node.operator).collect()
}

#[test]
fn constants_and_identities_are_folded() {
    let graph = OnnxGraph::open(&vectors().join("graph.onnx")).unwrap();
    let expected = "Conv Clip Reshape Gemm Cast Cast Cast Cast Sum Reshape";
    assert_eq!(operators(&graph).join(" "), expected);
    assert_eq!(graph.opset, 17);
    let conv = &graph.nodes[0];
    assert_eq!((&*conv.inputs, &*conv.outputs), (&["x".into(), "w".into()][..], &["y".into()][..]));
    assert_eq!(conv.name, "the node conv (Conv)");
    assert_eq!(conv.attribute("strides"), Some(&Attribute::Ints(vec![2, 2])));
    assert_eq!(conv.attribute("auto_pad"), Some(&Attribute::Text("SAME_UPPER".into())));
    assert_eq!(conv.attribute("group"), None);
    assert_eq!(graph.nodes[1].name, "the node 4 (Clip)");
    let gemm = &graph.nodes[3];
    assert_eq!(gemm.attribute("alpha"), Some(&Attribute::Float(0.5)));
    assert_eq!(gemm.attribute("transB"), Some(&Attribute::Int(1)));
    assert_eq!(gemm.inputs, ["r", "g", ""]);
    assert_eq!(graph.nodes[2].inputs, ["z", "flat"]);
    assert_eq!((&*graph.inputs[0].name, &*graph.inputs[0].value), ("x", "x"));
    let shape = vec![None, Some(2), Some(4), Some(4)];
    assert_eq!((graph.inputs.len(), graph.inputs[0].shape.as_ref()), (1, Some(&shape)));
    let outputs: Vec<_> = graph.outputs.iter().map(|out| (&*out.name, &*out.value)).collect();
    assert_eq!(outputs, [("logits", "s"), ("rest", "reshaped")]);
}

#[test]
fn constants_of_each_type_are_read() {
    let graph = OnnxGraph::open(&vectors().join("graph.onnx")).unwrap();
    let floats = |name| {
        let tensor = graph.initializers.get(name).unwrap();
        (&*tensor.shape, &*tensor.values)
    };
    let steps = |count: u32, divisor: f32, less: f32| -> Vec<f32> {
        (0..count).map(|n| n as f32 / divisor - less).collect()
    };
    assert_eq!(floats("w"), (&[3, 2, 2, 2][..], &*steps(24, 8.0, 1.0)));
    assert_eq!(floats("g"), (&[5, 12][..], &*steps(60, 4.0, 0.0)));
    for name in ["half", "half_raw", "bfloat", "double"] {
        assert_eq!(floats(name), (&[2][..], &[1.5, -2.0][..]), "{name}");
    }
    assert_eq!(floats("six"), (&[][..], &[6.0][..]));
    assert_eq!(floats("zero"), (&[][..], &[0.0][..]));
    assert_eq!(graph.integers["shape"].values, [2, 1]);
    assert_eq!(graph.integers["flat"].values, [0, -1]);
    assert_eq!(graph.integers["flat"].shape, [2]);
}

#[test]
fn constants_among_the_inputs_are_none() {
    let path = vectors().join("inputs.onnx");
    let graph = OnnxGraph::open(&path).unwrap();
    assert_eq!(operators(&graph), ["Mul", "Softmax"]);
    assert_eq!((graph.inputs.len(), &*graph.inputs[0].name, graph.opset), (1, "x", 9));
    assert!(is_onnx(&path).unwrap() && !is_onnx(&vectors().join("zip.pt")).unwrap());
    let message = Weights::open(&path).unwrap_err().to_string();
    assert!(message.contains("inputs.onnx: is an ONNX graph"), "{message}");
}

#[test]
fn the_published_weights_are_the_constants_of_their_graph() {
    let (Some(weights), Some(graph)) =
        (backbone("efficientnet-lite0-57934424.pth"), backbone("efficientnet-lite0.onnx"))
    else {
        return;
    };
    assert!(is_onnx(&graph).unwrap() && !is_onnx(&weights).unwrap());
    let weights = Weights::open(&weights).unwrap();
    let graph = OnnxGraph::open(&graph).unwrap();
    assert_eq!((graph.nodes.len(), graph.opset, graph.initializers.len()), (143, 17, 249));
    for (name, tensor) in weights.iter() {
        assert_eq!(graph.initializers.get(name), Some(tensor), "{name}");
    }
    let outputs: Vec<_> = graph.outputs.iter().map(|output| &*output.name).collect();
    assert_eq!(outputs, ["logits", "features"]);
}
