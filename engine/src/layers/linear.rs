//! The fully connected layer: `y = x W^T + b`.

use super::product::{Product, ProductOp, Work};
use super::setters::setters;
use crate::error::ensure;
use crate::gemm::{Epilogue, MatMut, MatRef, gemm, gemm_sparse, gemm_sparse_scratch};
use crate::network::init::Init;
use crate::network::layer::{Layer, Planned};
use crate::{Error, Shape};

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
}

setters!(Linear:
    /// Leaves the bias out, as before a batch norm, which would remove it.
    without_bias() => bias = false;
    /// Another initialisation of the weight.
    with_init(init: Init) => init = init;
);

impl Layer for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        let Linear { outputs, bias, init } = *self;
        ensure!(outputs > 0, setting, "needs at least 1 output, not 0");
        let product = LinearProduct { inputs: input.len(), outputs };
        Ok(ProductOp::planned(product, outputs.into(), bias, init))
    }
}

/// `y = x W^T` and its gradients, W: (outputs, inputs).
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinearProduct {
    pub inputs: usize,
    pub outputs: usize,
}

impl Product for LinearProduct {
    const IS_LINEAR: bool = true;

    fn weight_shape(&self) -> Vec<usize> {
        vec![self.outputs, self.inputs]
    }

    fn fans(&self) -> [usize; 2] {
        [self.inputs, self.outputs]
    }

    fn macs(&self) -> u64 {
        self.inputs as u64 * self.outputs as u64
    }

    /// Room for x without its zeros, by rows and by columns.
    fn scratch_len(&self, batch: usize) -> usize {
        let inputs = self.inputs;
        gemm_sparse_scratch(batch, inputs).max(gemm_sparse_scratch(inputs, batch))
    }

    fn scale_outputs(&self, weight: &mut [f32], scale: &[f32]) {
        for (row, scale) in weight.chunks_exact_mut(self.inputs).zip(scale) {
            row.iter_mut().for_each(|w| *w *= scale);
        }
    }

    fn forward(&self, work: Work<'_>, x: &[f32], y: &mut [f32], epilogue: Epilogue<'_>) {
        let Work { cx, weight, scratch } = work;
        let batch = x.len() / self.inputs;
        let x = MatRef::new(x, batch, self.inputs);
        let weight = MatRef::new(weight, self.outputs, self.inputs);
        let y = MatMut::new(y, batch, self.outputs);
        // Pixels are mostly zeros, and so is the output of a ReLU or of dropout.
        gemm_sparse(cx, x, weight.transposed(), 0.0, y, epilogue, scratch);
    }

    /// dx = dy W
    fn input_gradient(&self, Work { cx, weight, .. }: Work<'_>, dy: &[f32], dx: &mut [f32]) {
        let batch = dy.len() / self.outputs;
        let dy = MatRef::new(dy, batch, self.outputs);
        let weight = MatRef::new(weight, self.outputs, self.inputs);
        gemm(cx, 1.0, dy, weight, 0.0, MatMut::new(dx, batch, self.inputs));
    }

    /// dW = dy^T x, as dW^T = x^T dy: x is the one that may be sparse
    fn weight_gradient(
        &self,
        Work { cx, scratch, .. }: Work<'_>,
        x: &[f32],
        dy: &[f32],
        dw: &mut [f32],
        accumulate: bool,
    ) {
        let batch = dy.len() / self.outputs;
        let x = MatRef::new(x, batch, self.inputs).transposed();
        let dy = MatRef::new(dy, batch, self.outputs);
        let beta = if accumulate { 1.0 } else { 0.0 };
        let dw = MatMut::new(dw, self.outputs, self.inputs).transposed();
        gemm_sparse(cx, x, dy, beta, dw, Epilogue::default(), scratch);
    }
}
