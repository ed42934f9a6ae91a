//! Layers as data: what a file says of a network, and what another program's format is made from.

mod frozen;
mod function;
mod network;

pub use function::Function;
pub use network::NetworkSpec;

use narrows_engine::Layer;
use narrows_engine::init::Init;
use narrows_engine::layers::{
    AvgPool2d, BatchNorm, Conv2d, ConvTranspose2d, Dropout, GlobalAvgPool, LayerNorm, LayerScale,
    Linear, MaxPool2d, Narrow, Normalize, Residual, Sides, SqueezeExcitation, Unflatten, Upsample,
};
use serde::{Deserialize, Serialize};

/// A layer of a network, as data.
///
/// `name` is that of the module in the program that the weights come from (`layer1.0.conv1`), and
/// empty for our own. Sizes are (height, width).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "layer", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum LayerSpec {
    /// A fully connected layer.
    Linear(LinearSpec),
    /// A convolution.
    Conv2d(ConvSpec),
    /// A transposed convolution.
    ConvTranspose2d(ConvTransposeSpec),
    /// Batch normalisation of each channel.
    BatchNorm {
        /// The module's name.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        name: String,
        /// Added to the variance.
        eps: f32,
        /// The part of the new value that a running statistic takes in with each step.
        momentum: f32,
        /// True if the running statistics are constants, in training as well.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        frozen: bool,
    },
    /// Normalisation over the channels of each pixel.
    LayerNorm {
        /// The module's name.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        name: String,
        /// Added to the variance.
        eps: f32,
    },
    /// A trained factor for each channel.
    LayerScale {
        /// The parameter's own name.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        name: String,
    },
    /// `(x - mean) / std` for each channel.
    Normalize {
        /// (channels)
        mean: Vec<f32>,
        /// (channels)
        std: Vec<f32>,
    },
    /// A function of each value.
    Activation {
        /// Which.
        function: Function,
    },
    /// The largest value of each window.
    MaxPool2d(PoolSpec),
    /// The mean of each window.
    AvgPool2d(PoolSpec),
    /// The mean over all pixels.
    GlobalAvgPool,
    /// Each pixel repeated so many times.
    Upsample {
        /// Down and across.
        factors: [usize; 2],
    },
    /// Values become an image.
    Unflatten {
        /// Height, width, channels.
        image: [usize; 3],
    },
    /// Drops values while training.
    Dropout {
        /// The part that is dropped.
        p: f32,
    },
    /// The first values alone.
    Narrow {
        /// So many.
        len: usize,
    },
    /// `body(x) + shortcut(x)`
    Residual {
        /// One after another.
        body: Vec<LayerSpec>,
        /// None: x itself.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shortcut: Vec<LayerSpec>,
    },
    /// `x` times `gate(x)` for each channel.
    SqueezeExcitation {
        /// From the image to a factor for each channel.
        gate: Vec<LayerSpec>,
    },
}

/// A fully connected layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearSpec {
    /// The module's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The values that it makes.
    pub outputs: usize,
    /// True if it adds a bias.
    pub bias: bool,
    /// The image that it takes as one row of values, if it takes one: other programs have its
    /// channels first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<[usize; 3]>,
    /// Its weights at the start. Not kept: who reads it from a file has its weights.
    #[serde(skip, default = "he_normal")]
    pub init: Init,
}

/// A convolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvSpec {
    /// The module's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The channels that it makes.
    pub channels: usize,
    /// The size of its kernel.
    pub kernel: [usize; 2],
    /// The pixels from one position to the next.
    pub stride: [usize; 2],
    /// The zeros around the image.
    pub padding: Padding,
    /// The pixels from one tap to the next.
    pub dilation: [usize; 2],
    /// The groups that the channels are cut into.
    pub groups: usize,
    /// True if it adds a bias.
    pub bias: bool,
    /// Its weights at the start.
    #[serde(skip, default = "he_normal")]
    pub init: Init,
}

/// A transposed convolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvTransposeSpec {
    /// The module's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The channels that it makes.
    pub channels: usize,
    /// The size of its kernel.
    pub kernel: [usize; 2],
    /// The pixels of the output from one pixel of the input to the next.
    pub stride: [usize; 2],
    /// The pixels that are cut off on each side.
    pub padding: [usize; 2],
    /// The pixels added at the bottom and on the right.
    pub output_padding: [usize; 2],
    /// True if it adds a bias.
    pub bias: bool,
    /// Its weights at the start.
    #[serde(skip, default = "he_normal")]
    pub init: Init,
}

/// A window that moves over an image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolSpec {
    /// The size of the window.
    pub kernel: [usize; 2],
    /// The pixels from one position to the next.
    pub stride: [usize; 2],
    /// The frame around the image.
    pub padding: Padding,
    /// True if a window that begins within the image may reach beyond the frame.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ceil_mode: bool,
    /// True if the frame counts in a mean.
    #[serde(default = "yes")]
    pub count_include_pad: bool,
}

/// The frame that an image is extended by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Padding {
    /// So many pixels on top, on the left, at the bottom, on the right.
    Sides([usize; 4]),
    /// As much as makes ceil(size / stride) positions, the odd pixel at the bottom and on the
    /// right: TensorFlow's SAME.
    Same,
}

impl Padding {
    /// No frame.
    pub const NONE: Padding = Padding::Sides([0; 4]);

    /// As many pixels on each side.
    pub fn all(pixels: usize) -> Padding {
        Padding::Sides([pixels; 4])
    }
}

fn he_normal() -> Init {
    Init::HeNormal
}

fn yes() -> bool {
    true
}

impl LinearSpec {
    /// A layer with a bias, of values.
    pub fn new(outputs: usize) -> LinearSpec {
        LinearSpec { name: String::new(), outputs, bias: true, image: None, init: he_normal() }
    }
}

impl ConvSpec {
    /// A square kernel that moves by single pixels and keeps the size if it is odd, with a bias.
    pub fn new(channels: usize, kernel: usize) -> ConvSpec {
        ConvSpec {
            name: String::new(),
            channels,
            kernel: [kernel; 2],
            stride: [1; 2],
            padding: Padding::all(kernel / 2),
            dilation: [1; 2],
            groups: 1,
            bias: true,
            init: he_normal(),
        }
    }
}

impl PoolSpec {
    /// A square window that moves by that many pixels.
    pub fn new(kernel: usize, stride: usize) -> PoolSpec {
        PoolSpec {
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: Padding::NONE,
            ceil_mode: false,
            count_include_pad: true,
        }
    }
}

/// The layers of a branch.
fn layers(specs: &[LayerSpec]) -> Vec<Box<dyn Layer>> {
    specs.iter().map(LayerSpec::layer).collect()
}

/// A layer with that frame around its image.
macro_rules! padded {
    ($layer:expr, $padding:expr) => {
        match $padding {
            Padding::Sides([top, left, bottom, right]) => {
                $layer.with_padding(Sides { top, left, bottom, right })
            }
            Padding::Same => $layer.with_same_padding(),
        }
    };
}

/// A pool of that window.
macro_rules! pool {
    ($Pool:ident, $spec:expr) => {{
        let spec: &PoolSpec = $spec;
        padded!($Pool::new(spec.kernel).with_stride(spec.stride), spec.padding)
            .with_ceil_mode(spec.ceil_mode)
    }};
}

impl LayerSpec {
    /// Batch normalisation with PyTorch's settings.
    pub fn batch_norm(name: impl Into<String>) -> LayerSpec {
        LayerSpec::BatchNorm { name: name.into(), eps: 1e-5, momentum: 0.1, frozen: false }
    }

    /// The layer itself.
    pub fn layer(&self) -> Box<dyn Layer> {
        match self {
            LayerSpec::Linear(spec) => {
                let layer = Linear::new(spec.outputs).with_init(spec.init);
                Box::new(if spec.bias { layer } else { layer.without_bias() })
            }
            LayerSpec::Conv2d(spec) => {
                let layer = Conv2d::new(spec.channels, spec.kernel)
                    .with_stride(spec.stride)
                    .with_dilation(spec.dilation)
                    .with_groups(spec.groups)
                    .with_init(spec.init);
                let layer = padded!(layer, spec.padding);
                Box::new(if spec.bias { layer } else { layer.without_bias() })
            }
            LayerSpec::ConvTranspose2d(spec) => {
                let layer = ConvTranspose2d::new(spec.channels, spec.kernel)
                    .with_stride(spec.stride)
                    .with_padding(spec.padding)
                    .with_output_padding(spec.output_padding)
                    .with_init(spec.init);
                Box::new(if spec.bias { layer } else { layer.without_bias() })
            }
            LayerSpec::BatchNorm { eps, momentum, frozen, .. } => Box::new(BatchNorm {
                frozen_statistics: *frozen,
                ..BatchNorm::new(*eps, *momentum)
            }),
            LayerSpec::LayerNorm { eps, .. } => Box::new(LayerNorm { eps: *eps }),
            LayerSpec::LayerScale { .. } => Box::new(LayerScale { init: 1e-6 }),
            LayerSpec::Normalize { mean, std } => {
                Box::new(Normalize { mean: mean.clone(), std: std.clone() })
            }
            LayerSpec::Activation { function } => function.layer(),
            LayerSpec::MaxPool2d(spec) => Box::new(pool!(MaxPool2d, spec)),
            LayerSpec::AvgPool2d(spec) => {
                Box::new(pool!(AvgPool2d, spec).with_count_include_pad(spec.count_include_pad))
            }
            LayerSpec::GlobalAvgPool => Box::new(GlobalAvgPool),
            LayerSpec::Upsample { factors } => Box::new(Upsample::new(*factors)),
            LayerSpec::Unflatten { image } => Box::new(Unflatten::new(*image)),
            LayerSpec::Dropout { p } => Box::new(Dropout { p: *p }),
            LayerSpec::Narrow { len } => Box::new(Narrow { len: *len }),
            LayerSpec::Residual { body, shortcut } => {
                Box::new(Residual::new(layers(body)).with_shortcut(layers(shortcut)))
            }
            LayerSpec::SqueezeExcitation { gate } => Box::new(SqueezeExcitation::new(layers(gate))),
        }
    }

    /// The layers of a section and of the blocks in it that have parameters, each by its name in
    /// the network: `encoder.3.shortcut.0`.
    pub fn with_parameters<'a>(
        section: &str,
        specs: &'a [LayerSpec],
    ) -> Vec<(String, &'a LayerSpec)> {
        let mut found = Vec::new();
        for (i, spec) in specs.iter().enumerate() {
            let name = format!("{section}.{i}");
            match spec {
                LayerSpec::Residual { body, shortcut } => {
                    found.extend(LayerSpec::with_parameters(&name, body));
                    found.extend(LayerSpec::with_parameters(&format!("{name}.shortcut"), shortcut));
                }
                LayerSpec::SqueezeExcitation { gate } => {
                    found.extend(LayerSpec::with_parameters(&name, gate));
                }
                LayerSpec::Linear(_)
                | LayerSpec::Conv2d(_)
                | LayerSpec::ConvTranspose2d(_)
                | LayerSpec::BatchNorm { .. }
                | LayerSpec::LayerNorm { .. }
                | LayerSpec::LayerScale { .. } => found.push((name, spec)),
                _ => {}
            }
        }
        found
    }

    /// The module's name in the program that the weights come from.
    pub fn source(&self) -> &str {
        match self {
            LayerSpec::Linear(spec) => &spec.name,
            LayerSpec::Conv2d(spec) => &spec.name,
            LayerSpec::ConvTranspose2d(spec) => &spec.name,
            LayerSpec::BatchNorm { name, .. }
            | LayerSpec::LayerNorm { name, .. }
            | LayerSpec::LayerScale { name } => name,
            _ => "",
        }
    }
}
