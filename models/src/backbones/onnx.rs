//! ONNX graphs as networks: a chain of layers in which branches start at one value and meet in one
//! node, as residual blocks and squeeze-and-excitation do.
//!
//! | file | what it does |
//! |---|---|
//! | `walk.rs` | follows the values from the input to the end |
//! | `node.rs`, `node/` | the layer that one operator is |
//! | `patterns.rs` | the layers that several operators are together |

mod node;
mod patterns;
mod walk;

use super::{Backbone, IMAGENET, Imported, Pixels, normalize};
use crate::error::{Error, ErrorKind};
use crate::layer_spec::LayerSpec;
use crate::weights::Weights;
use crate::weights::onnx::{OnnxGraph, PRODUCER};
use std::path::Path;
use walk::Walk;

/// Pixels as they are.
const IN_UNIT_RANGE: Pixels = Pixels { mean: [0.0; 3], std: [1.0; 3] };

/// A step between two values of a graph.
#[derive(Clone, Debug)]
enum Step {
    /// A layer of ours.
    Layer(LayerSpec),
    /// `x + c`
    Add(f32),
    /// `c x`
    Scale(f32),
    /// The error function of each value.
    Erf,
    /// A product of two branches, x itself and a gate.
    Gate(Vec<Step>),
    /// A sum of two branches.
    Sum(Vec<Step>, Vec<Step>),
}

impl Backbone {
    /// The network that an ONNX file holds, with its weights, for images of that height and width
    /// (none: of those that the file names). Its pixels are normalised by `pixels` first (none: as
    /// ImageNet's, or in a file of ours, whose layers begin with that, not at all). What lies
    /// behind its last linear layer, and that layer, is its classifier, unless its output is called
    /// features.
    ///
    /// # Errors
    /// If the file cannot be read, or holds an operator that no layer of ours is; the message names
    /// the node, the operator and what is missing.
    pub fn import_onnx(
        path: &Path,
        size: Option<[usize; 2]>,
        pixels: Option<Pixels>,
        classifier: bool,
    ) -> Result<Imported, Error> {
        let graph = OnnxGraph::open(path)?;
        let at = |problem: String| Error::of_file(ErrorKind::Format, path, &problem);
        let Some(size) = size.or_else(|| named_size(&graph)) else {
            return Err(at("does not say the height and width of its images: give them by \
                           --image-size"
                .into()));
        };
        let mut walk = Walk::new(&graph, size).map_err(at)?;
        let steps = walk.network().map_err(at)?;
        let usual = if graph.producer == PRODUCER { IN_UNIT_RANGE } else { IMAGENET };
        let mut features = vec![normalize(pixels.unwrap_or(usual))];
        features.extend(patterns::layers(steps).map_err(at)?);
        let last = features.iter().rposition(|spec| matches!(spec, LayerSpec::Linear(_)));
        let classifying = match last {
            Some(last) if last > 1 && !gives_features(&graph) => features.split_off(last),
            _ => Vec::new(),
        };
        let name = path.file_stem().map_or("onnx".into(), |name| name.to_string_lossy().into());
        let backbone = Backbone { name, size, features, classifier: classifying };
        let weights = Weights::from_tensors(walk.tensors)?;
        let with = classifier && !backbone.classifier.is_empty();
        backbone.with_weights(&weights, size, with)
    }
}

/// True for the graph of an encoder without a classifier.
fn gives_features(graph: &OnnxGraph) -> bool {
    matches!(&graph.outputs[..], [output] if output.name == "features")
}

/// The height and width of the images that a graph is for.
fn named_size(graph: &OnnxGraph) -> Option<[usize; 2]> {
    let sides = match graph.inputs.first()?.shape.as_deref()? {
        &[_, Some(3), height, width] | &[_, height, width, Some(3)] => [height, width],
        _ => return None,
    };
    Some([sides[0]?, sides[1]?])
}
