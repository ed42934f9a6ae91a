//! Networks for other programs: as ONNX graphs, and as tensors with PyTorch's names.
//!
//! | file | what it does |
//! |---|---|
//! | `fold.rs` | takes batch norm, or a cut, into the layer in front of it |
//! | `graph.rs` | the values and nodes of a graph |
//! | `nodes.rs` | the nodes that one layer is |
//! | `names.rs` | names for the layers that have none |

mod fold;
mod graph;
mod names;
mod nodes;

use crate::architecture::SampleShape;
use crate::backbones::tensors;
use crate::error::{Error, error};
use crate::layer_spec::{LayerSpec, NetworkSpec};
use crate::names::named;
use crate::weights::Tensor;
use narrows_engine::{Params, Shape};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use std::collections::{BTreeMap, HashMap};

named! {
    /// The order of an image's dimensions.
    pub enum ImageOrder {
        /// Channels, height, width.
        ChannelsFirst = "nchw",
        /// Height, width, channels.
        ChannelsLast = "nhwc",
    }
}

/// A network with its weights, which other programs can be given.
#[derive(Clone, Debug)]
pub struct Portable {
    /// A sample.
    pub sample: SampleShape,
    /// The layers, one after another. Each that has parameters has a name of its own.
    pub layers: Vec<LayerSpec>,
    /// The parameters as PyTorch has them: `conv1.weight`.
    tensors: BTreeMap<String, Tensor>,
}

impl Portable {
    /// The network `spec` for such samples, with its parameters. A linear layer of whose outputs
    /// only the first are taken, as in a variational encoder, has no others.
    pub fn new(sample: SampleShape, spec: &NetworkSpec, params: &Params) -> Portable {
        let sections = names::named(&spec.sections);
        let borrowed: Vec<_> = sections.iter().map(|(name, specs)| (*name, &specs[..])).collect();
        let mut tensors = tensors(&borrowed, params).into_iter().collect();
        let mut layers = sections.into_iter().flat_map(|(_, layers)| layers).collect();
        fold::narrow(&mut layers, &mut tensors);
        Portable { sample, layers, tensors }
    }

    /// The same, whose output for each sample is an image where the sample is one.
    #[must_use]
    pub fn with_images(mut self) -> Portable {
        let is_image = self.layers.iter().any(|spec| matches!(spec, LayerSpec::Unflatten { .. }));
        if let (SampleShape::Image(image), false) = (self.sample, is_image) {
            self.layers.push(LayerSpec::Unflatten { image });
        }
        self
    }

    /// Takes each batch norm behind a linear layer or a convolution into that layer. Tells how many
    /// these are.
    pub fn fold_batch_norm(&mut self) -> usize {
        fold::fold(&mut self.layers, &mut self.tensors)
    }

    /// The number of parameters.
    pub fn values(&self) -> usize {
        self.tensors.values().map(|tensor| tensor.values.len()).sum()
    }

    /// The bytes of an ONNX file. Its input, `input`, takes a batch of any size; images in that
    /// `order`, in which its output, of that name, gives images too. With a temperature, its
    /// output is probabilities: the softmax of what the layers give, divided by it.
    ///
    /// # Errors
    /// If the layers do not go together.
    pub fn to_onnx(
        &self,
        order: ImageOrder,
        output: &str,
        softmax: Option<f32>,
        metadata: Vec<(String, String)>,
    ) -> Result<Vec<u8>, Error> {
        let mut model = graph::graph(self, order, output, softmax)?;
        model.metadata = metadata;
        Ok(model.to_bytes())
    }

    /// The bytes of a safetensors file. Its metadata hold the layers, as JSON, under `layers`.
    ///
    /// # Errors
    /// If a number cannot be written.
    pub fn to_safetensors(&self, metadata: Vec<(String, String)>) -> Result<Vec<u8>, Error> {
        let wrong = |e: &dyn std::fmt::Display| error!(Format, "the weights: {e}");
        let mut metadata: HashMap<String, String> = metadata.into_iter().collect();
        let layers = serde_json::to_string(&self.layers).map_err(|e| wrong(&e))?;
        metadata.insert("layers".into(), layers);
        let bytes = |tensor: &Tensor| -> Vec<u8> {
            tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect()
        };
        let all: Vec<_> = self.tensors.iter().map(|(name, t)| (name, &t.shape, bytes(t))).collect();
        let views = all.iter().map(|(name, shape, bytes)| {
            Ok((*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes)?))
        });
        let views: Result<Vec<_>, safetensors::SafeTensorError> = views.collect();
        views.and_then(|views| safetensors::serialize(views, Some(metadata))).map_err(|e| wrong(&e))
    }

    /// The shape of the first layer's input.
    fn input(&self) -> Shape {
        match self.sample {
            SampleShape::Flat(values) => values.into(),
            SampleShape::Image(image) => image.into(),
        }
    }
}
