//! Batch normalisation, alone or with the ReLU behind it (Ioffe and Szegedy, ICML 2015).
//!
//! ```text
//! train:     mean, var = over the batch          evaluate: the running ones
//! forward:   x_hat = (x - mean) / sqrt(var + eps);  z = gamma x_hat + beta;  y = relu(z) or z
//! backward:  dz = dy where y > 0, or dy
//!            dbeta = sum dz;  dgamma = sum dz x_hat
//!            dx = gamma / sqrt(var + eps) (dz - (dbeta + x_hat dgamma) / n)     in training
//! ```
//!
//! 1. Mean and variance take one pass, as sums of `x - x[0]` and of its square: shifting by a
//!    sample avoids the cancellation of the textbook formula (Chan, Golub, LeVeque 1983, section
//!    2).
//! 2. The ReLU costs no pass of its own, in forward or in backward, and the backward pass does not
//!    read y.
//! 3. The backward pass's two sums take one pass over `x` and `dy`; `x_hat` is computed again, not
//!    kept.

mod kernels;
pub(crate) mod passes;

pub(crate) use self::kernels::Columns;
use super::fused::Fused;
use crate::error::ensure;
use crate::gemm::Rectifier;
use crate::math::column_sums::add;
use crate::network::init::Init;
use crate::network::layer::{Backward, Forward, InferenceMap, Layer, Mode, Op, Planned};
use crate::network::params::{ParamSpec, Role};
use crate::{Context, Error, Shape};

/// Normalises each feature, or each channel of an image, over the batch.
///
/// Training normalises with the biased variance, and the running variance takes in the unbiased
/// one, like PyTorch's.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm {
    /// Added to the variance.
    pub eps: f32,
    /// The fraction of the new value that a running statistic takes in with each step.
    pub momentum: f32,
    /// True if the running statistics are constants, by which training normalises as well. So it is
    /// in a network that others trained on many samples, where batches of the few new ones would
    /// give other statistics. `weight` and `bias` learn.
    pub frozen_statistics: bool,
}

impl Default for BatchNorm {
    fn default() -> Self {
        BatchNorm { eps: 1e-5, momentum: 0.1, frozen_statistics: false }
    }
}

impl BatchNorm {
    /// A batch norm with these settings in place of the usual 1e-5 and 0.1.
    pub fn new(eps: f32, momentum: f32) -> BatchNorm {
        BatchNorm { eps, momentum, ..BatchNorm::default() }
    }

    /// The same with running statistics that are constants, in training as well.
    pub fn with_frozen_statistics(self) -> BatchNorm {
        BatchNorm { frozen_statistics: true, ..self }
    }
}

/// The parameters: gamma, beta, running mean, running variance, each (channels).
fn split4(params: &[f32]) -> [&[f32]; 4] {
    let mut parts = params.chunks_exact((params.len() / 4).max(1));
    std::array::from_fn(|_| parts.next().expect("four parameters"))
}

/// The saved values: the mean, the biased variance and `1 / sqrt(var + eps)`, each (channels).
fn split3(saved: &[f32]) -> [&[f32]; 3] {
    let mut parts = saved.chunks_exact((saved.len() / 3).max(1));
    std::array::from_fn(|_| parts.next().expect("three statistics"))
}

fn columns_of<'a>(params: &'a [f32], saved: &'a [f32]) -> Columns<'a> {
    let [gamma, beta, _, _] = split4(params);
    let [mean, _, inv_std] = split3(saved);
    Columns { gamma, beta, mean, inv_std }
}

impl Layer for BatchNorm {
    fn name(&self) -> &'static str {
        "batch norm"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        let BatchNorm { eps, momentum, .. } = *self;
        ensure!(eps > 0.0 && eps.is_finite(), setting, "needs a positive eps, not {eps}");
        ensure!(
            (0.0..=1.0).contains(&momentum),
            setting,
            "needs a momentum in [0, 1], not {momentum}"
        );
        let relu = Fused::default();
        let shape = input.clone();
        Ok(Planned::new(shape.clone(), BatchNormOp { settings: *self, shape, relu }))
    }
}

/// Batch norm of samples of one shape.
#[derive(Debug)]
struct BatchNormOp {
    settings: BatchNorm,
    shape: Shape,
    relu: Fused,
}

impl BatchNormOp {
    /// True if it normalises by the running statistics.
    fn is_constant(&self, mode: Mode) -> bool {
        self.settings.frozen_statistics || mode == Mode::Evaluate
    }

    /// The rows that so many samples have.
    fn rows(&self, batch: usize) -> usize {
        batch * self.shape.len() / self.shape.channels()
    }
}

impl Op for BatchNormOp {
    fn params(&self) -> Vec<ParamSpec> {
        let c = self.shape.channels();
        [
            ("weight", Role::Bias, 1.0),
            ("bias", Role::Bias, 0.0),
            ("running_mean", Role::Statistic, 0.0),
            ("running_var", Role::Statistic, 1.0),
        ]
        .map(|(name, role, value)| ParamSpec {
            name: name.into(),
            shape: vec![c],
            role,
            init: Init::Constant(value),
            fan_in: c,
            fan_out: c,
        })
        .to_vec()
    }

    fn saved_len(&self, _: usize) -> usize {
        3 * self.shape.channels()
    }

    fn scratch_len(&self, batch: usize) -> usize {
        passes::scratch_len(self.rows(batch), self.shape.channels())
    }

    fn min_train_batch(&self) -> usize {
        // One value has no variance.
        if self.rows(1) == 1 && !self.settings.frozen_statistics { 2 } else { 1 }
    }

    fn take(&mut self, rectifier: Rectifier) -> bool {
        self.relu.take_relu(rectifier)
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        let (c, eps) = (self.shape.channels(), self.settings.eps);
        if self.is_constant(io.pass.mode) {
            let (statistics, inv_std) = io.saved.split_at_mut(2 * c);
            statistics.copy_from_slice(&io.params[2 * c..]);
            passes::inverse_deviations(eps, &statistics[c..], inv_std);
        } else {
            passes::batch_statistics(cx, eps, io.x, io.saved, io.scratch);
        }
        let columns = columns_of(io.params, io.saved);
        passes::normalise(cx, self.relu.is_there(), columns, io.x, io.y);
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let (c, relu) = (self.shape.channels(), self.relu.is_there());
        let columns = columns_of(io.params, io.saved);
        let through_statistics = !self.is_constant(io.pass.mode);
        let sums = (through_statistics || io.grads.is_some())
            .then(|| passes::parameter_gradients(cx, relu, columns, io.x, io.dy, io.scratch));
        if let (Some(grads), Some(sums)) = (io.grads, &sums) {
            if !io.accumulate {
                grads.fill(0.0);
            }
            let (dgamma, rest) = grads.split_at_mut(c);
            add(cx.isa(), dgamma, &sums[c..2 * c]);
            add(cx.isa(), &mut rest[..c], &sums[..c]);
        }
        let Some(dx) = io.dx else { return };
        let sums = sums.filter(|_| through_statistics);
        passes::input_gradient(cx, relu, columns, sums, (io.x, io.dy), dx);
    }

    fn update_statistics(
        &self,
        batch: usize,
        saved: &[f32],
        params: &mut [f32],
        part: Option<f32>,
    ) {
        if self.settings.frozen_statistics {
            return;
        }
        let part = part.unwrap_or(self.settings.momentum);
        let c = self.shape.channels();
        let n = self.rows(batch) as f32;
        let unbiased = n / (n - 1.0);
        let [mean, var, _] = split3(saved);
        let (running_mean, running_var) = params[2 * c..].split_at_mut(c);
        for j in 0..c {
            running_mean[j] += part * (mean[j] - running_mean[j]);
            running_var[j] += part * (var[j] * unbiased - running_var[j]);
        }
    }

    fn inference_maps<'a>(&self, params: &'a [f32]) -> Option<Vec<InferenceMap<'a>>> {
        let [gamma, beta, mean, var] = split4(params);
        let inv_std = |var: &f32| 1.0 / (var + self.settings.eps).sqrt();
        let scale = gamma.iter().zip(var).map(|(gamma, var)| gamma * inv_std(var)).collect();
        let map = InferenceMap::Normalise { mean: mean.into(), scale, shift: beta.into() };
        Some(self.relu.behind(vec![map]))
    }
}
