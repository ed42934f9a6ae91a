//! Layers with weights.

use super::super::walk::{Order, Place, Walk};
use super::images::pair;
use crate::layer_spec::{ConvSpec, LayerSpec, LinearSpec};
use crate::weights::Tensor;
use crate::weights::onnx::OnnxNode;

impl<'g> Walk<'g> {
    pub(super) fn conv(&mut self, node: &'g OnnxNode, at: &mut Place) -> Result<LayerSpec, String> {
        let weight = self.constant(node, 1)?;
        let &[channels, _, height, width] = &weight.shape[..] else {
            return Err(self.wrong(node, "is no convolution of images"));
        };
        if at.order != Order::ChannelsFirst {
            return Err(self.wrong(node, "takes an image whose channels are not first"));
        }
        let name = self.layer_name(node.input(1));
        let bias = self.bias(node, &name, channels)?;
        let pointwise = [height, width] == [1, 1] && at.shape.dims().len() == 1;
        let spec = if pointwise {
            // Of an image's mean.
            let image = None;
            LayerSpec::Linear(LinearSpec {
                name: name.clone(),
                bias,
                image,
                ..LinearSpec::new(channels)
            })
        } else {
            let sizes = || Some((pair(node.ints("strides"), 1)?, pair(node.ints("dilations"), 1)?));
            let Some((stride, dilation)) = sizes() else {
                return Err(self.wrong(node, "is no convolution of images"));
            };
            let groups = usize::try_from(node.int("group", 1)).unwrap_or(0);
            let padding = self.padding(node, at)?;
            LayerSpec::Conv2d(ConvSpec {
                name: name.clone(),
                kernel: [height, width],
                stride,
                padding,
                dilation,
                groups,
                bias,
                ..ConvSpec::new(channels, 1)
            })
        };
        self.keep(&name, "weight", weight.clone());
        Ok(spec)
    }

    /// Keeps the third input, a number for each of the outputs, if there is one.
    fn bias(&mut self, node: &'g OnnxNode, name: &str, outputs: usize) -> Result<bool, String> {
        if node.input(2).is_empty() {
            return Ok(false);
        }
        let bias = self.constant(node, 2)?;
        if bias.values.len() != outputs {
            let problem = format!("has {} numbers as bias of {outputs} outputs", bias.values.len());
            return Err(self.wrong(node, &problem));
        }
        let tensor = Tensor { shape: vec![outputs], values: bias.values.clone() };
        self.keep(name, "bias", tensor);
        Ok(true)
    }

    /// The weight (out, in) of a linear layer.
    fn matrix(&self, node: &'g OnnxNode, transposed: bool) -> Result<Tensor, String> {
        let weight = self.constant(node, 1)?;
        let &[rows, columns] = &weight.shape[..] else {
            return Err(self.wrong(node, "multiplies by something that is no matrix"));
        };
        if !transposed {
            return Ok(weight.clone());
        }
        let values =
            (0..columns * rows).map(|i| weight.values[i % rows * columns + i / rows]).collect();
        Ok(Tensor { shape: vec![columns, rows], values })
    }

    pub(super) fn gemm(&mut self, node: &'g OnnxNode, at: &mut Place) -> Result<LayerSpec, String> {
        if node.int("transA", 0) != 0
            || node.float("alpha", 1.0) != 1.0
            || (node.float("beta", 1.0) != 1.0 && !node.input(2).is_empty())
        {
            return Err(self.wrong(node, "is no linear layer: transA, alpha or beta is set"));
        }
        let weight = self.matrix(node, node.int("transB", 0) == 0)?;
        self.linear(node, at, weight)
    }

    fn linear(
        &mut self,
        node: &'g OnnxNode,
        at: &mut Place,
        weight: Tensor,
    ) -> Result<LayerSpec, String> {
        let name = self.layer_name(node.input(1));
        let outputs = weight.shape[0];
        let bias = self.bias(node, &name, outputs)?;
        self.keep(&name, "weight", weight);
        let image = at.flattened;
        Ok(LayerSpec::Linear(LinearSpec { name, bias, image, ..LinearSpec::new(outputs) }))
    }

    pub(super) fn matmul(
        &mut self,
        node: &'g OnnxNode,
        at: &mut Place,
    ) -> Result<LayerSpec, String> {
        if self.is_computed(node.input(1)) {
            return Err(self.wrong(node, "multiplies by a value on its right: only a constant can"));
        }
        let weight = self.matrix(node, true)?;
        match (at.order, at.shape.dims().len()) {
            (Order::Flat, _) | (Order::ChannelsLast, 1) => self.linear(node, at, weight),
            // Each pixel by itself.
            (Order::ChannelsLast, _) => {
                let name = self.layer_name(node.input(1));
                let channels = weight.shape[0];
                self.keep(&name, "weight", weight);
                let spec = ConvSpec { name, bias: false, ..ConvSpec::new(channels, 1) };
                Ok(LayerSpec::Conv2d(spec))
            }
            _ => Err(self.wrong(node, "multiplies an image whose channels are first")),
        }
    }

    pub(super) fn batch_norm(
        &mut self,
        node: &'g OnnxNode,
        at: &Place,
    ) -> Result<LayerSpec, String> {
        if node.int("training_mode", 0) != 0 {
            return Err(self.wrong(node, "is in training mode: export the network in evaluation"));
        }
        if at.order == Order::ChannelsLast {
            return Err(self.wrong(node, "takes an image whose channels are not first"));
        }
        let name = self.layer_name(node.input(1));
        for (i, parameter) in ["weight", "bias", "running_mean", "running_var"].iter().enumerate() {
            let tensor = self.constant(node, i + 1)?.clone();
            self.keep(&name, parameter, tensor);
        }
        let (eps, momentum) = (node.float("epsilon", 1e-5), 1.0 - node.float("momentum", 0.9));
        Ok(LayerSpec::BatchNorm { name, eps, momentum, frozen: false })
    }

    pub(super) fn layer_norm(
        &mut self,
        node: &'g OnnxNode,
        at: &Place,
    ) -> Result<LayerSpec, String> {
        let axis = node.int("axis", -1);
        let of_channels = match at.order {
            Order::ChannelsLast => axis == -1 || axis == 3,
            Order::Flat => axis == -1 || axis == 1,
            Order::ChannelsFirst => false,
        };
        if !of_channels {
            return Err(self.wrong(node, "normalises more than the channels of each pixel"));
        }
        let name = self.layer_name(node.input(1));
        let scale = self.constant(node, 1)?.clone();
        self.bias(node, &name, scale.values.len())?;
        if node.input(2).is_empty() {
            let values = vec![0.0; scale.values.len()];
            self.keep(&name, "bias", Tensor { shape: scale.shape.clone(), values });
        }
        self.keep(&name, "weight", scale);
        Ok(LayerSpec::LayerNorm { name, eps: node.float("epsilon", 1e-5) })
    }
}
