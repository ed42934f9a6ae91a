//! The layer that one operator is.

mod images;
mod weighted;

use super::Step;
use super::walk::{Order, Place, Walk};
use crate::layer_spec::{Function, LayerSpec};
use crate::weights::Tensor;
use crate::weights::onnx::{Attribute, OnnxNode};

impl OnnxNode {
    fn int(&self, name: &str, usual: i64) -> i64 {
        match self.attribute(name) {
            Some(Attribute::Int(value)) => *value,
            _ => usual,
        }
    }

    fn float(&self, name: &str, usual: f32) -> f32 {
        match self.attribute(name) {
            Some(Attribute::Float(value)) => *value,
            _ => usual,
        }
    }

    fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attribute(name) {
            Some(Attribute::Ints(values)) => Some(values),
            _ => None,
        }
    }

    fn text(&self, name: &str) -> &str {
        match self.attribute(name) {
            Some(Attribute::Text(text)) => text,
            _ => "",
        }
    }

    fn input(&self, i: usize) -> &str {
        self.inputs.get(i).map_or("", |name| name)
    }
}

impl<'g> Walk<'g> {
    /// Adds what a node does to the value `at` to `steps`, and goes on to its output.
    pub(super) fn node(
        &mut self,
        node: &'g OnnxNode,
        at: &mut Place,
        steps: &mut Vec<Step>,
    ) -> Result<(), String> {
        let output = self.output(node)?;
        if at.flattened.is_some() && !matches!(&node.operator[..], "Gemm" | "MatMul" | "Dropout") {
            return Err(self.wrong(
                node,
                "follows an image that became a row of values: only a linear layer can",
            ));
        }
        let function = |function: Function| Some(LayerSpec::from(function));
        let layer = match &node.operator[..] {
            "Conv" => Some(self.conv(node, at)?),
            "Gemm" => Some(self.gemm(node, at)?),
            "MatMul" => Some(self.matmul(node, at)?),
            "BatchNormalization" => Some(self.batch_norm(node, at)?),
            "LayerNormalization" => Some(self.layer_norm(node, at)?),
            "Relu" => function(Function::Relu),
            "LeakyRelu" => function(Function::LeakyRelu(node.float("alpha", 0.01))),
            "Elu" => function(Function::Elu(node.float("alpha", 1.0))),
            "Tanh" => function(Function::Tanh),
            "Sigmoid" => function(Function::Sigmoid),
            "HardSwish" => function(Function::HardSwish),
            "HardSigmoid" => {
                let (alpha, beta) = (node.float("alpha", 0.2), node.float("beta", 0.5));
                if (6.0 * alpha - 1.0).abs() > 1e-3 || beta != 0.5 {
                    let problem = format!("has the slope {alpha}: narrows has that of 1/6");
                    return Err(self.wrong(node, &problem));
                }
                function(Function::HardSigmoid)
            }
            "Gelu" if node.text("approximate") != "tanh" => function(Function::Gelu),
            "Clip" => Some(self.clip(node)?),
            "MaxPool" => Some(LayerSpec::MaxPool2d(self.pool(node, at)?)),
            "AveragePool" => Some(LayerSpec::AvgPool2d(self.pool(node, at)?)),
            "GlobalAveragePool" => Some(LayerSpec::GlobalAvgPool),
            "ReduceMean" => Some(self.mean(node, at)?),
            "Add" | "Sub" | "Mul" | "Div" => {
                self.arithmetic(node, at, steps)?;
                None
            }
            "Erf" => {
                steps.push(Step::Erf);
                None
            }
            "Pad" => {
                self.pad(node, at)?;
                None
            }
            "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" => {
                self.reshape(node, at)?;
                None
            }
            "Transpose" => {
                self.transpose(node, at)?;
                None
            }
            // Behind training, it does nothing.
            "Dropout" => None,
            // No class changes its place.
            "Softmax" | "LogSoftmax" if self.is_last(output) => None,
            _ => {
                let problem = "is no layer that narrows has: export the network up to it, or \
                               without it";
                return Err(self.wrong(node, problem));
            }
        };
        if let Some(layer) = layer {
            let planned =
                layer.layer().plan(&at.shape).map_err(|e| self.wrong(node, &e.to_string()))?;
            at.shape = planned.output;
            at.flattened = None;
            if at.shape.dims().len() == 1 && matches!(layer, LayerSpec::Linear(_)) {
                at.order = Order::Flat;
            }
            steps.push(Step::Layer(layer));
        }
        at.value = output.to_owned();
        Ok(())
    }

    /// A constant of floats.
    fn constant(&self, node: &OnnxNode, i: usize) -> Result<&'g Tensor, String> {
        self.graph.initializers.get(node.input(i)).ok_or_else(|| {
            self.wrong(node, &format!("takes {:?}, which is no constant of floats", node.input(i)))
        })
    }

    /// The name of the layer whose weight is that value, which no other has.
    fn layer_name(&self, weight: &str) -> String {
        let name = weight.strip_suffix(".weight").unwrap_or(weight);
        let is_new = |name: &str| {
            let weight = format!("{name}.weight");
            !self.tensors.iter().any(|(other, _)| *other == weight)
        };
        let numbered = (1..).map(|n| format!("{name}.{n}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        names.find(|name| is_new(name)).expect("there is always another number")
    }

    fn keep(&mut self, layer: &str, parameter: &str, tensor: Tensor) {
        self.tensors.push((format!("{layer}.{parameter}"), tensor));
    }

    fn clip(&self, node: &'g OnnxNode) -> Result<LayerSpec, String> {
        // Bounds are attributes up to opset 10, and inputs from 11 on.
        let bound = |i: usize, name: &str, usual: f32| match node.input(i) {
            "" => Ok(node.float(name, usual)),
            _ => {
                let bound = self.constant(node, i)?;
                match bound.values[..] {
                    [bound] => Ok(bound),
                    _ => Err(self.wrong(node, "has bounds that are not single numbers")),
                }
            }
        };
        match (bound(1, "min", f32::MIN)?, bound(2, "max", f32::MAX)?) {
            (0.0, 6.0) => Ok(Function::Relu6.into()),
            (0.0, f32::MAX..) => Ok(Function::Relu.into()),
            (low, high) => {
                let problem = format!("keeps values in {low} to {high}: narrows has 0 to 6");
                Err(self.wrong(node, &problem))
            }
        }
    }

    /// A sum, difference, product or quotient of a value and a constant.
    fn arithmetic(
        &mut self,
        node: &'g OnnxNode,
        at: &Place,
        steps: &mut Vec<Step>,
    ) -> Result<(), String> {
        let place = if self.is_computed(node.input(0)) { 1 } else { 0 };
        let constant = self.constant(node, place)?;
        let operator = &node.operator[..];
        if place == 0 && matches!(operator, "Sub" | "Div") {
            return Err(self.wrong(node, "has its constant in front"));
        }
        let channels = *at.shape.dims().last().expect("a shape has a dimension");
        let len = constant.values.len();
        // The first layer with weights has not come yet.
        let before = self.tensors.is_empty()
            && steps.iter().all(|step| matches!(step, Step::Layer(LayerSpec::Normalize { .. })));
        let along = match at.order {
            Order::ChannelsFirst => constant.shape.ends_with(&[channels, 1, 1]),
            _ => constant.shape.ends_with(&[channels]),
        };
        match len {
            1 if !before => {
                let c = constant.values[0];
                steps.push(match operator {
                    "Add" => Step::Add(c),
                    "Sub" => Step::Add(-c),
                    "Mul" => Step::Scale(c),
                    _ => Step::Scale(1.0 / c),
                });
            }
            _ if before && (len == 1 || (along && len == channels)) => {
                let all: Vec<f32> = (0..channels).map(|i| constant.values[i % len]).collect();
                let (ones, zeros) = (vec![1.0; channels], vec![0.0; channels]);
                let inverse =
                    |all: &[f32], of: fn(f32) -> f32| all.iter().map(|&c| of(c)).collect();
                let (mean, std) = match operator {
                    "Add" => (inverse(&all, |c| -c), ones),
                    "Sub" => (all, ones),
                    "Mul" => (zeros, inverse(&all, |c| 1.0 / c)),
                    _ => (zeros, all),
                };
                steps.push(Step::Layer(LayerSpec::Normalize { mean, std }));
            }
            _ if along && len == channels && operator == "Add" => {
                let bias = Tensor { shape: vec![len], values: constant.values.clone() };
                let layer = match steps.last_mut() {
                    Some(Step::Layer(layer)) => layer,
                    _ => return Err(self.wrong(node, "adds a bias to no layer")),
                };
                let name = match layer {
                    LayerSpec::Linear(spec) if !spec.bias => {
                        spec.bias = true;
                        spec.name.clone()
                    }
                    LayerSpec::Conv2d(spec) if !spec.bias => {
                        spec.bias = true;
                        spec.name.clone()
                    }
                    _ => return Err(self.wrong(node, "adds a bias to a layer that has none")),
                };
                self.keep(&name, "bias", bias);
            }
            _ if along && len == channels && operator == "Mul" => {
                let name = self.layer_name(node.input(place));
                let tensor = Tensor { shape: vec![len], values: constant.values.clone() };
                self.tensors.push((name.clone(), tensor));
                steps.push(Step::Layer(LayerSpec::LayerScale { name }));
            }
            _ => {
                let problem =
                    format!("has a constant of {:?} for {} values", constant.shape, at.shape);
                return Err(self.wrong(node, &problem));
            }
        }
        Ok(())
    }

    /// True if no node takes that value.
    fn is_last(&self, value: &str) -> bool {
        !self.graph.nodes.iter().any(|node| node.inputs.iter().any(|input| input == value))
    }
}
