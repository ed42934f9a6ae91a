//! The nodes that a layer is.

use super::ImageOrder::{ChannelsFirst, ChannelsLast};
use super::graph::{Graph, Place, float, int, ints, text};
use crate::error::Error;
use crate::layer_spec::{Function, LayerSpec, Padding, PoolSpec};
use crate::weights::onnx::Attribute;

type Attributes = Vec<(String, Attribute)>;

impl Graph<'_> {
    /// Adds layers one behind the other.
    pub fn chain(&mut self, layers: &[LayerSpec], start: Place) -> Result<Place, Error> {
        layers.iter().try_fold(start, |at, spec| self.layer(spec, at))
    }

    fn layer(&mut self, spec: &LayerSpec, mut at: Place) -> Result<Place, Error> {
        let shape = spec.layer().plan(&at.shape)?.output;
        match spec {
            LayerSpec::Linear(linear) => {
                let order = if linear.image.is_some() { ChannelsFirst } else { ChannelsLast };
                self.flatten(&mut at, order);
                self.weighted("Gemm", spec, &mut at, vec![int("transB", 1)]);
            }
            LayerSpec::Conv2d(conv) => {
                self.turn(&mut at, ChannelsFirst);
                let mut attributes = vec![
                    ints("kernel_shape", &conv.kernel),
                    ints("strides", &conv.stride),
                    ints("dilations", &conv.dilation),
                    int("group", conv.groups as i64),
                ];
                attributes.push(padding(conv.padding));
                self.weighted("Conv", spec, &mut at, attributes);
            }
            LayerSpec::ConvTranspose2d(conv) => {
                self.turn(&mut at, ChannelsFirst);
                let [top, left] = conv.padding;
                let attributes = vec![
                    ints("kernel_shape", &conv.kernel),
                    ints("strides", &conv.stride),
                    ints("pads", &[top, left, top, left]),
                    ints("output_padding", &conv.output_padding),
                ];
                self.weighted("ConvTranspose", spec, &mut at, attributes);
            }
            LayerSpec::BatchNorm { eps, .. } => {
                if at.is_image() {
                    self.turn(&mut at, ChannelsFirst);
                }
                self.weighted("BatchNormalization", spec, &mut at, vec![float("epsilon", *eps)]);
            }
            LayerSpec::LayerNorm { eps, .. } => {
                if at.is_image() {
                    self.turn(&mut at, ChannelsLast);
                }
                let attributes = vec![int("axis", -1), float("epsilon", *eps)];
                self.weighted("LayerNormalization", spec, &mut at, attributes);
            }
            LayerSpec::LayerScale { name } => {
                let values = self.tensors.get(name).map_or(Vec::new(), |t| t.values.clone());
                let scale = self.along_channels(name, values, &at);
                self.apply("Mul", &mut at, vec![scale], vec![]);
            }
            LayerSpec::Normalize { mean, std } => {
                let mean = self.along_channels("mean", mean.clone(), &at);
                self.apply("Sub", &mut at, vec![mean], vec![]);
                let std = self.along_channels("std", std.clone(), &at);
                self.apply("Div", &mut at, vec![std], vec![]);
            }
            LayerSpec::Activation { function } => self.function(*function, &mut at),
            LayerSpec::MaxPool2d(pool) => self.pool("MaxPool", pool, &mut at, vec![]),
            LayerSpec::AvgPool2d(pool) => {
                let counts = int("count_include_pad", pool.count_include_pad.into());
                self.pool("AveragePool", pool, &mut at, vec![counts]);
            }
            LayerSpec::GlobalAvgPool => {
                self.turn(&mut at, ChannelsFirst);
                self.apply("GlobalAveragePool", &mut at, vec![], vec![]);
                self.flatten(&mut at, ChannelsFirst);
            }
            LayerSpec::Upsample { factors: [height, width] } => {
                self.turn(&mut at, ChannelsFirst);
                let scales = vec![1.0, 1.0, *height as f32, *width as f32];
                let scales = self.floats("scales", &[4], scales);
                let attributes = vec![
                    text("mode", "nearest"),
                    text("nearest_mode", "floor"),
                    text("coordinate_transformation_mode", "asymmetric"),
                ];
                self.apply("Resize", &mut at, vec![String::new(), scales], attributes);
            }
            LayerSpec::Unflatten { image } => {
                self.flatten(&mut at, ChannelsLast);
                at.value = self.reshape(at.value, image);
                at.order = ChannelsLast;
            }
            LayerSpec::Dropout { .. } => {}
            LayerSpec::Narrow { len } => {
                self.flatten(&mut at, ChannelsLast);
                let bounds = [("starts", 0), ("ends", *len as i64), ("axes", 1)];
                let bounds = bounds.map(|(name, bound)| self.integers(name, vec![bound]));
                self.apply("Slice", &mut at, bounds.to_vec(), vec![]);
            }
            LayerSpec::Residual { body, shortcut } => {
                let mut one = self.chain(body, at.clone())?;
                let mut other = self.chain(shortcut, at)?;
                if one.is_image() {
                    self.turn(&mut one, ChannelsFirst);
                    self.turn(&mut other, ChannelsFirst);
                }
                one.value = self.node("Add", "", vec![one.value, other.value], vec![]);
                at = one;
            }
            LayerSpec::SqueezeExcitation { gate } => {
                self.turn(&mut at, ChannelsFirst);
                let mut gate = self.chain(gate, at.clone())?;
                self.flatten(&mut gate, ChannelsFirst);
                let factors = self.reshape(gate.value, &[gate.shape.len(), 1, 1]);
                self.apply("Mul", &mut at, vec![factors], vec![]);
            }
        }
        Ok(Place { shape, ..at })
    }
    /// Adds a node of the value and more inputs, whose output is the value from then on.
    fn apply(&mut self, operator: &str, at: &mut Place, more: Vec<String>, with: Attributes) {
        let inputs = std::iter::once(std::mem::take(&mut at.value)).chain(more).collect();
        at.value = self.node(operator, "", inputs, with);
    }

    /// Adds the node of a layer with parameters.
    fn weighted(&mut self, operator: &str, spec: &LayerSpec, at: &mut Place, with: Attributes) {
        let mut inputs = vec![std::mem::take(&mut at.value)];
        for parameter in ["weight", "bias", "running_mean", "running_var"] {
            inputs.extend(self.parameter(spec.tensor(parameter)));
        }
        at.value = self.node(operator, spec.source(), inputs, with);
    }

    /// Adds a constant of a number for each channel: its name.
    fn along_channels(&mut self, name: &str, values: Vec<f32>, at: &Place) -> String {
        let channels = values.len();
        match at.is_image() && at.order == ChannelsFirst {
            true => self.floats(name, &[channels, 1, 1], values),
            false => self.floats(name, &[channels], values),
        }
    }

    fn pool(&mut self, operator: &str, pool: &PoolSpec, at: &mut Place, mut with: Attributes) {
        self.turn(at, ChannelsFirst);
        with.extend([
            ints("kernel_shape", &pool.kernel),
            ints("strides", &pool.stride),
            int("ceil_mode", pool.ceil_mode.into()),
            padding(pool.padding),
        ]);
        self.apply(operator, at, vec![], with);
    }

    fn function(&mut self, function: Function, at: &mut Place) {
        let (operator, attributes) = match function {
            Function::Relu => ("Relu", vec![]),
            Function::Relu6 => {
                let bounds = [("low", 0.0), ("high", 6.0)];
                let bounds = bounds.map(|(name, bound)| self.floats(name, &[], vec![bound]));
                return self.apply("Clip", at, bounds.to_vec(), vec![]);
            }
            Function::LeakyRelu(slope) => ("LeakyRelu", vec![float("alpha", slope)]),
            Function::Elu(alpha) => ("Elu", vec![float("alpha", alpha)]),
            Function::Gelu => return self.gelu(at),
            Function::Tanh => ("Tanh", vec![]),
            Function::Sigmoid => ("Sigmoid", vec![]),
            Function::Silu => {
                let gate = self.node("Sigmoid", "", vec![at.value.clone()], vec![]);
                return self.apply("Mul", at, vec![gate], vec![]);
            }
            Function::HardSwish => ("HardSwish", vec![]),
            Function::HardSigmoid => {
                ("HardSigmoid", vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)])
            }
        };
        self.apply(operator, at, vec![], attributes);
    }

    /// `x (1 + erf(x / sqrt(2))) / 2`; the operator of that name came later.
    fn gelu(&mut self, at: &mut Place) {
        let mut gate = at.clone();
        let [root, one, half] =
            [("inverse_root", std::f32::consts::FRAC_1_SQRT_2), ("one", 1.0), ("half", 0.5)]
                .map(|(name, number)| self.floats(name, &[], vec![number]));
        self.apply("Mul", &mut gate, vec![root], vec![]);
        self.apply("Erf", &mut gate, vec![], vec![]);
        self.apply("Add", &mut gate, vec![one], vec![]);
        self.apply("Mul", at, vec![gate.value], vec![]);
        self.apply("Mul", at, vec![half], vec![]);
    }
}

/// The frame around an image.
fn padding(padding: Padding) -> (String, Attribute) {
    match padding {
        Padding::Sides(sides) => ints("pads", &sides),
        Padding::Same => text("auto_pad", "SAME_UPPER"),
    }
}
