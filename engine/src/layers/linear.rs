//! The fully connected layer: `y = x W^T + b`.

use super::fused::FusedRelu;
use super::weight_and_bias::weight_and_bias;
use crate::gemm::{Epilogue, MatMut, MatRef, gemm, gemm_sparse, gemm_sparse_scratch};
use crate::math::column_sums;
use crate::network::init::Init;
use crate::network::layer::{Backward, Forward, InferenceMap, Layer, Op};
use crate::network::params::ParamSpec;
use crate::{Context, Error, Shape};

/// A fully connected layer. The weight is stored as PyTorch does, (out, in).
#[derive(Clone, Debug)]
pub struct Linear {
    outputs: usize,
    bias: bool,
    init: Init,
}

impl Linear {
    /// A layer with `outputs` outputs, a bias that starts at 0, and He's normal initialisation.
    pub fn new(outputs: usize) -> Linear {
        Linear { outputs, bias: true, init: Init::HeNormal }
    }

    /// Leaves the bias out, as before a batch norm, which would remove it.
    pub fn without_bias(self) -> Linear {
        Linear { bias: false, ..self }
    }

    /// Another initialisation of the weight.
    pub fn with_init(self, init: Init) -> Linear {
        Linear { init, ..self }
    }
}

impl Layer for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn plan(&self, input: &Shape) -> Result<Box<dyn Op>, Error> {
        if self.outputs == 0 {
            return Err(Error::new("needs at least 1 output, not 0"));
        }
        let Linear { outputs, bias, init } = *self;
        let (product, relu) = (Product { inputs: input.len(), outputs }, FusedRelu::default());
        Ok(Box::new(LinearOp { product, bias, init, relu }))
    }
}

/// `y = x W^T` and its gradients, W: (outputs, inputs).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    pub inputs: usize,
    pub outputs: usize,
}

impl Product {
    /// What is left of x without its zeros, by rows and by columns.
    pub fn scratch_len(&self, batch: usize) -> usize {
        let inputs = self.inputs;
        gemm_sparse_scratch(batch, inputs).max(gemm_sparse_scratch(inputs, batch))
    }

    /// y: (batch, outputs) from x: (batch, inputs)
    pub fn forward(
        &self,
        cx: &Context,
        x: &[f32],
        weight: &[f32],
        y: &mut [f32],
        epilogue: Epilogue<'_>,
        scratch: &mut [f32],
    ) {
        let batch = x.len() / self.inputs;
        let x = MatRef::new(x, batch, self.inputs);
        let weight = MatRef::new(weight, self.outputs, self.inputs);
        let y = MatMut::new(y, batch, self.outputs);
        // Pixels are mostly zeros, and so is what a ReLU leaves, dropped out.
        gemm_sparse(cx, x, weight.transposed(), 0.0, y, epilogue, scratch);
    }

    /// dx: (batch, inputs) = dy W
    pub fn input_gradient(&self, cx: &Context, dy: &[f32], weight: &[f32], dx: &mut [f32]) {
        let batch = dy.len() / self.outputs;
        let dy = MatRef::new(dy, batch, self.outputs);
        let weight = MatRef::new(weight, self.outputs, self.inputs);
        gemm(cx, 1.0, dy, weight, 0.0, MatMut::new(dx, batch, self.inputs));
    }

    /// dW: (outputs, inputs) = or += dy^T x, as dW^T = x^T dy: x is the one that may be sparse
    pub fn weight_gradient(
        &self,
        cx: &Context,
        x: &[f32],
        dy: &[f32],
        dw: &mut [f32],
        accumulate: bool,
        scratch: &mut [f32],
    ) {
        let batch = dy.len() / self.outputs;
        let x = MatRef::new(x, batch, self.inputs).transposed();
        let dy = MatRef::new(dy, batch, self.outputs);
        let beta = if accumulate { 1.0 } else { 0.0 };
        let dw = MatMut::new(dw, self.outputs, self.inputs).transposed();
        gemm_sparse(cx, x, dy, beta, dw, Epilogue::default(), scratch);
    }
}

/// A linear layer for samples of so many values.
#[derive(Debug)]
struct LinearOp {
    product: Product,
    bias: bool,
    init: Init,
    relu: FusedRelu,
}

impl LinearOp {
    /// Splits the slab into weight: (out, in) and bias: (out), if there is one.
    fn split<'a>(&self, params: &'a [f32]) -> (&'a [f32], Option<&'a [f32]>) {
        let (weight, bias) = params.split_at(self.product.outputs * self.product.inputs);
        (weight, self.bias.then_some(bias))
    }
}

impl Op for LinearOp {
    fn output(&self) -> Shape {
        self.product.outputs.into()
    }

    fn params(&self) -> Vec<ParamSpec> {
        let Product { inputs, outputs } = self.product;
        let shape = vec![outputs, inputs];
        weight_and_bias(shape, outputs, self.bias, self.init, [inputs, outputs])
    }

    fn scratch_len(&self, batch: usize) -> usize {
        // dy before the ReLU, and one after the other: the partial sums of the bias gradient, and
        // what products need
        let outputs = self.product.outputs;
        let sums = if self.bias { column_sums::scratch_len(batch, outputs, 1) } else { 0 };
        self.relu.scratch_len(batch * outputs) + sums.max(self.product.scratch_len(batch))
    }

    fn macs(&self) -> u64 {
        self.product.inputs as u64 * self.product.outputs as u64
    }

    fn take_relu(&mut self) -> bool {
        self.relu.take()
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        let (weight, bias) = self.split(io.params);
        let epilogue = Epilogue { bias, relu: self.relu.is_there() };
        self.product.forward(cx, io.x, weight, io.y, epilogue, io.scratch);
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let (weight, _) = self.split(io.params);
        let (dy, scratch) = self.relu.gradient_before_relu(cx, io.y, io.dy, io.scratch);
        // dx first: what may follow is the update of the weights by their gradient, which is in the
        // cache then.
        if let Some(dx) = io.dx {
            self.product.input_gradient(cx, dy, weight, dx);
        }
        if let Some(grads) = io.grads {
            let (dw, db) = grads.split_at_mut(weight.len());
            if self.bias {
                column_sums::bias_gradient(cx, dy, db, io.accumulate, &mut *scratch);
            }
            self.product.weight_gradient(cx, io.x, dy, dw, io.accumulate, scratch);
        }
    }

    fn inference_maps<'a>(&self, params: &'a [f32]) -> Option<Vec<InferenceMap<'a>>> {
        let (weight, bias) = self.split(params);
        Some(self.relu.behind(vec![InferenceMap::Linear { weight, bias }]))
    }
}
