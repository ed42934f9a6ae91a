//! Parameters between other programs' layout and ours.

use super::{Backbone, Naming};
use crate::error::{Error, bail, ensure};
use crate::layer_spec::{LayerSpec, NetworkSpec};
use crate::sections::ENCODER;
use crate::weights::{Tensor, Weights};
use narrows_engine::params::ParamEntry;
use narrows_engine::{Network, Params};

/// The names that a message lists at most.
const NAMED: usize = 3;

/// The section of the classifier that a backbone was trained with.
const CLASSIFIER: &str = "classifier";

/// A backbone with its weights.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The layers.
    pub backbone: Backbone,
    /// The network from images to features: the section [`ENCODER`]; behind it, if the file has
    /// weights for it and it was asked for, its classifier.
    pub network: Network,
    /// Its weights.
    pub params: Params,
    /// The tensors of the file that nothing took.
    pub unused: Vec<String>,
}

impl Imported {
    /// The unused tensors that are not the classifier's either.
    pub fn beside_classifier(&self) -> Vec<&String> {
        let classifier = LayerSpec::with_parameters("", &self.backbone.classifier);
        let of_classifier = |name: &&String| {
            classifier.iter().any(|(_, spec)| {
                name.strip_prefix(spec.source()).is_some_and(|rest| rest.starts_with('.'))
            })
        };
        self.unused.iter().filter(|name| !of_classifier(name)).collect()
    }
}

impl Backbone {
    /// The known network `name` with the weights of a file, for images of that size: whoever named
    /// the modules. With `classifier` it ends in the classes that it was trained for.
    ///
    /// # Errors
    /// If there is no such network, or a tensor is missing or of another shape; the message names
    /// it and both shapes.
    pub fn import(
        name: &str,
        weights: &Weights,
        size: [usize; 2],
        classifier: bool,
    ) -> Result<Imported, Error> {
        let found = |backbone: Option<&Backbone>| {
            let features = backbone.map_or(&[][..], |backbone| &backbone.features);
            let specs = LayerSpec::with_parameters(ENCODER, features);
            specs.iter().filter(|(_, spec)| weights.get(&spec.tensor("weight")).is_some()).count()
        };
        let [mut best, others @ ..] = Naming::ALL.map(|naming| Backbone::of(name, naming));
        for other in others {
            if found(other.as_ref().ok()) > found(best.as_ref().ok()) {
                best = other;
            }
        }
        best?.with_weights(weights, size, classifier)
    }

    /// The network for images of that size.
    ///
    /// # Errors
    /// If the images are too small for it.
    pub fn network(&self, [height, width]: [usize; 2], classifier: bool) -> Result<Network, Error> {
        let image = [height, width, self.channels()];
        let mut spec = NetworkSpec::new(image).with_section(ENCODER, self.features.clone());
        if classifier {
            spec = spec.with_section(CLASSIFIER, self.classifier.clone());
        }
        spec.builder().build().map_err(|e| {
            Error::from(e).during(&format!("{} for images of {height}x{width}", self.name))
        })
    }

    /// The channels of its images.
    pub fn channels(&self) -> usize {
        match self.features.first() {
            Some(LayerSpec::Normalize { mean, .. }) => mean.len(),
            _ => 3,
        }
    }

    /// The same with the weights of a file.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape; the message names it and both shapes.
    pub fn with_weights(
        self,
        weights: &Weights,
        size: [usize; 2],
        classifier: bool,
    ) -> Result<Imported, Error> {
        let backbone = Backbone { size, ..self };
        let network = backbone.network(size, classifier)?;
        let mut params = Params::zeros(&network);
        let mut sources = LayerSpec::with_parameters(ENCODER, &backbone.features);
        if classifier {
            sources.extend(LayerSpec::with_parameters(CLASSIFIER, &backbone.classifier));
        }
        let (mut taken, mut missing) = (Vec::new(), Vec::new());
        for entry in network.param_entries() {
            let (spec, parameter) = source_of(&sources, entry);
            let name = spec.tensor(parameter);
            let into = params.get_mut(&entry.name).expect("a parameter of this network");
            match weights.get(&name) {
                Some(tensor) => spec.take(&name, &entry.spec.shape, tensor, into)?,
                None => missing.push(name.clone()),
            }
            taken.push(name);
        }
        if !missing.is_empty() {
            let more = match missing.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            missing.truncate(NAMED);
            bail!(
                Mismatch,
                "the weights are not those of {}: {}{more} are missing",
                backbone.name,
                missing.join(", ")
            );
        }
        taken.sort_unstable();
        let counts = |name: &&str| !name.ends_with("num_batches_tracked");
        let unused = weights.names().filter(counts).map(str::to_owned);
        let unused = unused.filter(|name| taken.binary_search(name).is_err()).collect();
        Ok(Imported { backbone, network, params, unused })
    }
}

/// The layer that declared a parameter, and the parameter's name within it.
fn source_of<'a, 'e>(
    sources: &[(String, &'a LayerSpec)],
    entry: &'e ParamEntry,
) -> (&'a LayerSpec, &'e str) {
    let (layer, parameter) = entry.name.rsplit_once('.').expect("a layer's parameter");
    let found = sources.iter().find(|(name, _)| name == layer);
    (found.expect("a layer with parameters").1, parameter)
}

/// The parameters of a network as PyTorch has them: names, shapes and order of the values. Layers
/// without a name of their own keep that of the network.
pub fn tensors(sections: &[(&str, &[LayerSpec])], params: &Params) -> Vec<(String, Tensor)> {
    let mut sources = Vec::new();
    for (section, specs) in sections {
        sources.extend(LayerSpec::with_parameters(section, specs));
    }
    let of_entry = |entry: &ParamEntry| {
        let (spec, parameter) = source_of(&sources, entry);
        let name = match spec.source() {
            "" => entry.name.clone(),
            _ => spec.tensor(parameter),
        };
        (name, spec.give(&entry.spec.shape, &params.values()[entry.range.clone()]))
    };
    params.entries().iter().map(of_entry).collect()
}

/// Another program's order of the values of a tensor.
enum Layout {
    /// As ours.
    Same,
    /// (out, in, height, width), where ours is (height, width, in, out).
    Conv,
    /// (out, channels x height x width), where ours is (out, height x width x channels).
    Flattened([usize; 3]),
}

impl LayerSpec {
    /// The tensor of one of its parameters.
    pub(crate) fn tensor(&self, parameter: &str) -> String {
        match self {
            LayerSpec::LayerScale { name } => name.clone(),
            _ => format!("{}.{parameter}", self.source()),
        }
    }

    fn layout(&self, shape: &[usize]) -> Layout {
        match self {
            LayerSpec::Conv2d(_) | LayerSpec::ConvTranspose2d(_) if shape.len() == 4 => {
                Layout::Conv
            }
            LayerSpec::Linear(spec) if shape.len() == 2 => {
                spec.image.map_or(Layout::Same, Layout::Flattened)
            }
            _ => Layout::Same,
        }
    }

    /// Copies a tensor of the file into the parameter of that shape.
    fn take(
        &self,
        name: &str,
        shape: &[usize],
        tensor: &Tensor,
        into: &mut [f32],
    ) -> Result<(), Error> {
        let layout = self.layout(shape);
        let theirs = match (&layout, shape) {
            (Layout::Conv, &[h, w, i, o]) => vec![o, i, h, w],
            _ => shape.to_vec(),
        };
        // A pointwise convolution is a linear layer, and a scale of (channels, 1, 1) one of
        // (channels).
        let trimmed = |shape: &[usize]| {
            let len = shape.iter().rposition(|&n| n != 1).map_or(0, |last| last + 1);
            shape[..len].to_vec()
        };
        ensure!(
            trimmed(&tensor.shape) == trimmed(&theirs) && tensor.values.len() == into.len(),
            Mismatch,
            "the tensor {name} is {:?}, expected {theirs:?}: the weights are those of another \
             network",
            tensor.shape
        );
        layout.each(shape, |ours, theirs| into[ours] = tensor.values[theirs]);
        Ok(())
    }

    /// The parameter of that shape as another program has it.
    fn give(&self, shape: &[usize], values: &[f32]) -> Tensor {
        let layout = self.layout(shape);
        let theirs = match (&layout, shape) {
            (Layout::Conv, &[h, w, i, o]) => vec![o, i, h, w],
            _ => shape.to_vec(),
        };
        let mut out = vec![0.0; values.len()];
        layout.each(shape, |ours, theirs| out[theirs] = values[ours]);
        Tensor { shape: theirs, values: out }
    }
}

impl Layout {
    /// Calls `pair` with each value's place in a tensor of ours and in theirs.
    fn each(&self, shape: &[usize], mut pair: impl FnMut(usize, usize)) {
        let len: usize = shape.iter().product();
        match (self, shape) {
            (Layout::Conv, &[h, w, i, o]) => {
                for place in 0..len {
                    let (rest, out) = (place / o, place % o);
                    let (tap, channel) = (rest / i, rest % i);
                    pair(place, (out * i + channel) * h * w + tap);
                }
            }
            (&Layout::Flattened([height, width, channels]), &[_, inputs]) => {
                for place in 0..len {
                    let (out, within) = (place / inputs, place % inputs);
                    let (pixel, channel) = (within / channels, within % channels);
                    pair(place, out * inputs + channel * height * width + pixel);
                }
            }
            _ => (0..len).for_each(|place| pair(place, place)),
        }
    }
}
