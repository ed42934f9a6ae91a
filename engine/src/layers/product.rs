//! A product of samples and a weight, with a bias and the ReLU behind it: linear layers and
//! convolutions.

use super::fused::Fused;
use crate::gemm::{Epilogue, Rectifier};
use crate::math::column_sums;
use crate::network::init::Init;
use crate::network::layer::{Backward, Forward, InferenceMap, Normalise, Op, Planned};
use crate::network::params::{ParamSpec, Role};
use crate::{Context, Shape};
use std::fmt::Debug;

/// A product of x: (batch, input) and a weight. The sizes of a batch follow from its slices.
pub(crate) trait Product: Clone + Debug + Send + Sync + 'static {
    /// True if it is `x W^T`, W: (out, in).
    const IS_LINEAR: bool;

    /// The shape of the weight.
    fn weight_shape(&self) -> Vec<usize>;

    /// The inputs that one output sums over, and the outputs that one input reaches.
    fn fans(&self) -> [usize; 2];

    /// The multiply-adds of a sample.
    fn macs(&self) -> u64;

    /// Scratch values that suffice for each of the three passes.
    fn scratch_len(&self, batch: usize) -> usize;

    /// Multiplies the weights of each channel of the output by its `scale`: (channels).
    fn scale_outputs(&self, weight: &mut [f32], scale: &[f32]);

    /// y: (batch, output), overwritten
    fn forward(&self, work: Work<'_>, x: &[f32], y: &mut [f32], epilogue: Epilogue<'_>);

    /// dx: (batch, input), overwritten
    fn input_gradient(&self, work: Work<'_>, dy: &[f32], dx: &mut [f32]);

    /// dw, of the weight's shape: added to if it is to `accumulate`, else overwritten
    fn weight_gradient(
        &self,
        work: Work<'_>,
        x: &[f32],
        dy: &[f32],
        dw: &mut [f32],
        accumulate: bool,
    );
}

/// The tools of a pass.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    pub cx: &'a Context,
    pub weight: &'a [f32],
    /// [`Product::scratch_len`] values of any content.
    pub scratch: &'a mut [f32],
}

/// The op of a product. Its parameters are the weight and, if there is one, the bias: (channels of
/// the output).
#[derive(Debug)]
pub(super) struct ProductOp<P> {
    product: P,
    output: Shape,
    weight_len: usize,
    bias: bool,
    init: Init,
    fused: Fused,
}

impl<P: Product> ProductOp<P> {
    pub fn planned(product: P, output: Shape, bias: bool, init: Init) -> Planned {
        let shape = product.weight_shape();
        let weight_len = shape.iter().fold(1, |len: usize, n| len.saturating_mul(*n));
        let (fused, of) = (Fused::default(), output.clone());
        Planned::new(of, ProductOp { product, output, weight_len, bias, init, fused })
    }

    /// The weight, and the bias if there is one.
    fn split<'a>(&self, params: &'a [f32]) -> (&'a [f32], Option<&'a [f32]>) {
        let (weight, bias) = params.split_at(self.weight_len);
        (weight, self.bias.then_some(bias))
    }
}

impl<P: Product> Op for ProductOp<P> {
    fn params(&self) -> Vec<ParamSpec> {
        let [fan_in, fan_out] = self.product.fans();
        let spec = |name: &'static str, shape, role, init| ParamSpec {
            name: name.into(),
            shape,
            role,
            init,
            fan_in,
            fan_out,
        };
        let mut specs = vec![spec("weight", self.product.weight_shape(), Role::Weight, self.init)];
        if self.bias {
            let shape = vec![self.output.channels()];
            specs.push(spec("bias", shape, Role::Bias, Init::Constant(0.0)));
        }
        specs
    }

    fn scratch_len(&self, batch: usize) -> usize {
        // The gradient before the ReLU; then, one after the other, the partial sums of the bias
        // gradient and what the product needs.
        let len = batch.saturating_mul(self.output.len());
        let channels = self.output.channels();
        let sums =
            if self.bias { column_sums::scratch_len(len / channels, channels, 1) } else { 0 };
        self.fused.scratch_len(len) + sums.max(self.product.scratch_len(batch))
    }

    fn macs(&self) -> u64 {
        self.product.macs()
    }

    fn take(&mut self, rectifier: Rectifier) -> bool {
        self.fused.take(rectifier)
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        let (weight, bias) = self.split(io.params);
        let epilogue = Epilogue { bias, rectifier: self.fused.rectifier() };
        self.product.forward(Work { cx, weight, scratch: io.scratch }, io.x, io.y, epilogue);
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let (weight, _) = self.split(io.params);
        let (dy, scratch) = self.fused.gradient_before(cx, io.y, io.dy, io.scratch);
        // The input's gradient comes first: an update of the weights may follow, and finds their
        // gradient in the cache.
        if let Some(dx) = io.dx {
            self.product.input_gradient(Work { cx, weight, scratch }, dy, dx);
        }
        if let Some(grads) = io.grads {
            let (dw, db) = grads.split_at_mut(weight.len());
            if self.bias {
                column_sums::bias_gradient(cx, dy, db, io.accumulate, scratch);
            }
            let work = Work { cx, weight, scratch };
            self.product.weight_gradient(work, io.x, dy, dw, io.accumulate);
        }
    }

    fn normalised(&self, params: &[f32], map: Normalise<'_>) -> Option<(Box<dyn Op>, Vec<f32>)> {
        let Normalise { mean, scale, shift } = map;
        if self.fused.is_there() || mean.len() != self.output.channels() {
            return None;
        }
        let (weight, bias) = self.split(params);
        let mut params = weight.to_vec();
        self.product.scale_outputs(&mut params, scale);
        params.extend((0..mean.len()).map(|j| {
            let before = bias.map_or(0.0, |bias| bias[j]);
            let [b, m, s] = [before, mean[j], scale[j]].map(f64::from);
            ((b - m) * s + f64::from(shift[j])) as f32
        }));
        let op = ProductOp {
            product: self.product.clone(),
            output: self.output.clone(),
            bias: true,
            ..*self
        };
        Some((Box::new(op), params))
    }

    fn inference_maps<'a>(&self, params: &'a [f32]) -> Option<Vec<InferenceMap<'a>>> {
        let (weight, bias) = self.split(params);
        P::IS_LINEAR.then(|| self.fused.behind(vec![InferenceMap::Linear { weight, bias }]))
    }
}
