//! The fully connected layer: `y = x W^T + b`.

use super::Relu;
use crate::gemm::{Epilogue, MatMut, MatRef, gemm, gemm_sparse, gemm_sparse_scratch};
use crate::math::column_sums;
use crate::network::init::Init;
use crate::network::layer::{Backward, Forward, InferenceMap, Layer};
use crate::network::params::{ParamSpec, Role};
use crate::{Context, Error, Shape};
use std::any::Any;

/// A fully connected layer. The weight is stored as PyTorch does, (out, in).
#[derive(Clone, Debug)]
pub struct Linear {
    outputs: usize,
    bias: bool,
    init: Init,
    relu: bool,
}

impl Linear {
    /// A layer with `outputs` outputs, a bias that starts at 0, and He's normal initialisation.
    pub fn new(outputs: usize) -> Linear {
        Linear { outputs, bias: true, init: Init::HeNormal, relu: false }
    }

    /// Leaves the bias out, as before a batch norm, which would remove it.
    pub fn without_bias(self) -> Linear {
        Linear { bias: false, ..self }
    }

    /// Another initialisation of the weight.
    pub fn with_init(self, init: Init) -> Linear {
        Linear { init, ..self }
    }

    /// Splits the slab into weight: (out, in) and bias: (out) or empty.
    fn split<'a>(&self, params: &'a [f32], inputs: usize) -> (&'a [f32], &'a [f32]) {
        params.split_at(self.outputs * inputs)
    }
}

impl Layer for Linear {
    fn name(&self) -> &'static str {
        if self.relu { "linear + relu" } else { "linear" }
    }

    fn output_shape(&self, _: &Shape) -> Result<Shape, Error> {
        if self.outputs == 0 {
            return Err(Error::new("needs at least 1 output, not 0"));
        }
        Ok(self.outputs.into())
    }

    fn params(&self, input: &Shape) -> Vec<ParamSpec> {
        let (fan_in, fan_out) = (input.len(), self.outputs);
        let weight = ParamSpec {
            name: "weight".into(),
            shape: vec![fan_out, fan_in],
            role: Role::Weight,
            init: self.init,
            fan_in,
            fan_out,
        };
        let bias = ParamSpec {
            name: "bias".into(),
            shape: vec![fan_out],
            role: Role::Bias,
            init: Init::Constant(0.0),
            fan_in,
            fan_out,
        };
        if self.bias { vec![weight, bias] } else { vec![weight] }
    }

    fn scratch_len(&self, batch: usize, input: &Shape) -> usize {
        // dy behind the ReLU, and one after the other: the partial sums of the bias gradient, what
        // is left of x without its zeros, by rows and by columns
        let dy = if self.relu { batch * self.outputs } else { 0 };
        let sums = if self.bias { column_sums::scratch_len(batch, self.outputs, 1) } else { 0 };
        let inputs = input.len();
        dy + sums.max(gemm_sparse_scratch(batch, inputs)).max(gemm_sparse_scratch(inputs, batch))
    }

    fn macs(&self, input: &Shape) -> u64 {
        input.len() as u64 * self.outputs as u64
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) {
        let (inputs, outputs) = (io.input.len(), self.outputs);
        let (weight, bias) = self.split(io.params, inputs);
        let x = MatRef::new(io.x, io.batch, inputs);
        let weight = MatRef::new(weight, outputs, inputs);
        let y = MatMut::new(io.y, io.batch, outputs);
        let epilogue = Epilogue { bias: self.bias.then_some(bias), relu: self.relu };
        // Pixels are mostly zeros, and so is what a ReLU leaves, dropped out.
        gemm_sparse(cx, x, weight.transposed(), 0.0, y, epilogue, io.scratch);
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let (inputs, outputs) = (io.input.len(), self.outputs);
        let (weight, _) = self.split(io.params, inputs);
        let (dy, scratch) = Relu.behind(self.relu, cx, io.y, io.dy, io.scratch);
        let dy_matrix = MatRef::new(dy, io.batch, outputs);
        // dx first: what may follow is the update of the weights by their gradient, which is in the
        // cache then.
        if let Some(dx) = io.dx {
            // dx (batch, in) = dy W
            let weight = MatRef::new(weight, outputs, inputs);
            gemm(cx, 1.0, dy_matrix, weight, 0.0, MatMut::new(dx, io.batch, inputs));
        }
        if let Some(grads) = io.grads {
            let (dw, db) = grads.split_at_mut(outputs * inputs);
            if self.bias {
                column_sums::bias_gradient(cx, dy, db, io.accumulate, &mut *scratch);
            }
            // dW (out, in) = or += dy^T x, as dW^T = x^T dy: x is the one that may be sparse
            let x = MatRef::new(io.x, io.batch, inputs);
            let beta = if io.accumulate { 1.0 } else { 0.0 };
            let dw = MatMut::new(dw, outputs, inputs).transposed();
            gemm_sparse(cx, x.transposed(), dy_matrix, beta, dw, Epilogue::default(), scratch);
        }
    }

    fn inference_maps<'a>(
        &self,
        input: &Shape,
        params: &'a [f32],
    ) -> Option<Vec<InferenceMap<'a>>> {
        let (weight, bias) = self.split(params, input.len());
        let mut maps = vec![InferenceMap::Linear { weight, bias: self.bias.then_some(bias) }];
        maps.extend(self.relu.then_some(InferenceMap::Relu));
        Some(maps)
    }

    fn fuse(&self, next: &dyn Layer) -> Option<Box<dyn Layer>> {
        let relu = (next as &dyn Any).is::<Relu>() && !self.relu;
        relu.then(|| Box::new(Linear { relu: true, ..self.clone() }) as Box<dyn Layer>)
    }
}
