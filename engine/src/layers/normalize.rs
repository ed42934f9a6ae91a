//! Normalisation by constants: the preparation of images that a network was trained with.
//!
//! ```text
//! forward:   y[.., c] = (x[.., c] - mean[c]) / std[c]
//! backward:  dx[.., c] = dy[.., c] / std[c]
//! ```
//!
//! These are the passes of batch norm with statistics that stay as they are.

use super::batch_norm::{Columns, passes};
use super::fused::Fused;
use crate::error::ensure;
use crate::gemm::Rectifier;
use crate::network::layer::{Backward, Forward, InferenceMap, Layer, Op, Planned};
use crate::{Context, Error, Shape};

/// Subtracts a mean from each channel and divides by a standard deviation, torchvision's
/// `Normalize`. It has no parameters, and nothing in it is trained.
#[derive(Clone, Debug)]
pub struct Normalize {
    /// The mean of each channel.
    pub mean: Vec<f32>,
    /// The standard deviation of each channel.
    pub std: Vec<f32>,
}

impl Layer for Normalize {
    fn name(&self) -> &'static str {
        "normalize"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        let (Normalize { mean, std }, channels) = (self, input.channels());
        ensure!(
            channels > 0 && mean.len() == channels && std.len() == channels,
            setting,
            "needs a mean and a deviation for each of {channels} channels (input {input}), not {} \
             and {}",
            mean.len(),
            std.len()
        );
        for mean in mean {
            ensure!(mean.is_finite(), setting, "needs finite means, not {mean}");
        }
        for std in std {
            let inverse = 1.0 / std;
            let fits = *std > 0.0 && std.is_finite() && inverse.is_finite();
            ensure!(fits, setting, "needs positive deviations, not {std}");
        }
        let op = NormalizeOp {
            ones: vec![1.0; channels],
            zeros: vec![0.0; channels],
            mean: mean.clone(),
            inv_std: std.iter().map(|std| 1.0 / std).collect(),
            relu: Fused::default(),
        };
        Ok(Planned::new(input.clone(), op))
    }
}

#[derive(Debug)]
struct NormalizeOp {
    ones: Vec<f32>,
    zeros: Vec<f32>,
    mean: Vec<f32>,
    inv_std: Vec<f32>,
    relu: Fused,
}

impl NormalizeOp {
    fn columns(&self) -> Columns<'_> {
        let NormalizeOp { ones, zeros, mean, inv_std, .. } = self;
        Columns { gamma: ones, beta: zeros, mean, inv_std }
    }
}

impl Op for NormalizeOp {
    fn take(&mut self, rectifier: Rectifier) -> bool {
        self.relu.take_relu(rectifier)
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        passes::normalise(cx, self.relu.is_there(), self.columns(), io.x, io.y);
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let Some(dx) = io.dx else { return };
        let relu = self.relu.is_there();
        passes::input_gradient(cx, relu, self.columns(), None, (io.x, io.dy), dx);
    }

    fn inference_maps<'a>(&self, _: &'a [f32]) -> Option<Vec<InferenceMap<'a>>> {
        let [mean, scale, shift] =
            [&self.mean, &self.inv_std, &self.zeros].map(|values| values.clone().into());
        Some(self.relu.behind(vec![InferenceMap::Normalise { mean, scale, shift }]))
    }
}
