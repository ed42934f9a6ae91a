//! LayerScale: a factor for each channel, which is trained (Touvron et al., ICCV 2021; ConvNeXt).
//!
//! ```text
//! forward:   y[.., c] = gamma[c] x[.., c]
//! backward:  dx[.., c] = gamma[c] dy[.., c];  dgamma[c] = sum of x[.., c] dy[.., c]
//! ```
//!
//! These are the passes of batch norm with a mean of 0, a deviation of 1 and no beta.

use super::batch_norm::{Columns, passes};
use super::fused::Fused;
use crate::error::ensure;
use crate::gemm::Rectifier;
use crate::math::column_sums::add;
use crate::network::init::Init;
use crate::network::layer::{Backward, Forward, InferenceMap, Layer, Op, Planned};
use crate::network::params::{ParamSpec, Role};
use crate::{Context, Error, Shape};

/// Multiplies each channel by a factor of its own, the parameter `weight`.
#[derive(Clone, Copy, Debug)]
pub struct LayerScale {
    /// The factors at the start: small ones let a deep network begin near the identity.
    pub init: f32,
}

impl Layer for LayerScale {
    fn name(&self) -> &'static str {
        "layer scale"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        let (init, channels) = (self.init, input.channels());
        ensure!(init.is_finite(), setting, "needs a finite initial factor, not {init}");
        let (zeros, ones) = (vec![0.0; channels], vec![1.0; channels]);
        let rows = input.len() / channels.max(1);
        let op = LayerScaleOp { init, rows, zeros, ones, relu: Fused::default() };
        Ok(Planned::new(input.clone(), op))
    }
}

#[derive(Debug)]
struct LayerScaleOp {
    init: f32,
    /// The rows of a sample.
    rows: usize,
    zeros: Vec<f32>,
    ones: Vec<f32>,
    relu: Fused,
}

impl LayerScaleOp {
    fn columns<'a>(&'a self, params: &'a [f32]) -> Columns<'a> {
        Columns { gamma: params, beta: &self.zeros, mean: &self.zeros, inv_std: &self.ones }
    }
}

impl Op for LayerScaleOp {
    fn params(&self) -> Vec<ParamSpec> {
        let c = self.ones.len();
        vec![ParamSpec {
            name: "weight".into(),
            shape: vec![c],
            role: Role::Bias,
            init: Init::Constant(self.init),
            fan_in: c,
            fan_out: c,
        }]
    }

    fn scratch_len(&self, batch: usize) -> usize {
        passes::scratch_len(batch * self.rows, self.ones.len())
    }

    fn take(&mut self, rectifier: Rectifier) -> bool {
        self.relu.take_relu(rectifier)
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        passes::normalise(cx, self.relu.is_there(), self.columns(io.params), io.x, io.y);
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let (columns, relu) = (self.columns(io.params), self.relu.is_there());
        if let Some(grads) = io.grads {
            let sums = passes::parameter_gradients(cx, relu, columns, io.x, io.dy, io.scratch);
            if !io.accumulate {
                grads.fill(0.0);
            }
            add(cx.isa(), grads, &sums[grads.len()..]);
        }
        let Some(dx) = io.dx else { return };
        passes::input_gradient(cx, relu, columns, None, (io.x, io.dy), dx);
    }

    fn inference_maps<'a>(&self, params: &'a [f32]) -> Option<Vec<InferenceMap<'a>>> {
        let [mean, shift] = [(); 2].map(|()| self.zeros.clone().into());
        let map = InferenceMap::Normalise { mean, scale: params.into(), shift };
        Some(self.relu.behind(vec![map]))
    }
}
