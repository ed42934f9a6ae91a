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

use self::kernels::{BackwardInput, BackwardSums, Columns, Moments, Normalise, is_far};
use super::Relu;
use crate::hardware::parallel::TASK_LEN;
use crate::math::column_sums::{self, Add};
use crate::network::init::Init;
use crate::network::layer::{Backward, Forward, InferenceMap, Layer, Mode};
use crate::network::params::{ParamSpec, Role};
use crate::{Context, Error, Shape};
use std::any::Any;

/// Normalises each feature, or each channel of an image, over the batch.
///
/// As in PyTorch, training normalises with the biased variance, and the running variance takes in
/// the unbiased one.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm {
    /// Added to the variance.
    pub eps: f32,
    /// The fraction of the new value that a running statistic takes in with each step.
    pub momentum: f32,
    relu: bool,
}

impl Default for BatchNorm {
    fn default() -> Self {
        BatchNorm { eps: 1e-5, momentum: 0.1, relu: false }
    }
}

impl BatchNorm {
    /// A batch norm with these settings in place of the usual 1e-5 and 0.1.
    pub fn new(eps: f32, momentum: f32) -> BatchNorm {
        BatchNorm { eps, momentum, relu: false }
    }
}

/// The parameters: gamma, beta, running mean, running variance, each (channels).
fn split4(params: &[f32]) -> [&[f32]; 4] {
    let mut parts = params.chunks_exact((params.len() / 4).max(1));
    std::array::from_fn(|_| parts.next().expect("four parameters"))
}

/// What is saved: the mean, the biased variance and `1 / sqrt(var + eps)` used, each (channels).
fn split3(saved: &[f32]) -> [&[f32]; 3] {
    let mut parts = saved.chunks_exact((saved.len() / 3).max(1));
    std::array::from_fn(|_| parts.next().expect("three statistics"))
}

fn columns_of<'a>(params: &'a [f32], saved: &'a [f32]) -> Columns<'a> {
    let [gamma, beta, _, _] = split4(params);
    let [mean, _, inv_std] = split3(saved);
    Columns { gamma, beta, mean, inv_std }
}

/// The values of a task: whole rows.
fn task_len(channels: usize) -> usize {
    (TASK_LEN / channels).max(1) * channels
}

impl BatchNorm {
    /// Writes the statistics to use to `saved`: the batch's, or the running ones.
    fn statistics(&self, cx: &Context, io: &mut Forward<'_>) {
        let c = io.input.channels();
        let [_, _, running_mean, running_var] = split4(io.params);
        let (mean, rest) = io.saved.split_at_mut(c);
        let (var, inv_std) = rest.split_at_mut(c);
        if io.pass.mode != Mode::Evaluate {
            let rows = io.x.len() / c;
            let sums = column_sums::sum_blocks(cx, rows, c, 2, io.scratch, |rows, out| {
                let (sum, squares) = out.split_at_mut(c);
                cx.isa().run(Moments {
                    far: is_far(io.x.len()),
                    x: &io.x[rows.start * c..rows.end * c],
                    shift: &io.x[..c],
                    sum,
                    squares,
                });
            });
            let n = rows as f32;
            for j in 0..c {
                let shifted_mean = sums[j] / n;
                mean[j] = io.x[j] + shifted_mean;
                // Rounding can leave a tiny negative number where all values are alike. NaN must
                // stay.
                let biased = sums[c + j] / n - shifted_mean * shifted_mean;
                var[j] = if biased < 0.0 { 0.0 } else { biased };
            }
        } else {
            mean.copy_from_slice(running_mean);
            var.copy_from_slice(running_var);
        }
        for (inv_std, var) in inv_std.iter_mut().zip(&*var) {
            *inv_std = 1.0 / (var + self.eps).sqrt();
        }
    }
}

impl Layer for BatchNorm {
    fn name(&self) -> &'static str {
        if self.relu { "batch norm + relu" } else { "batch norm" }
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape, Error> {
        if !(self.eps > 0.0 && self.eps.is_finite()) {
            return Err(Error::new(format!("needs a positive eps, not {}", self.eps)));
        }
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(Error::new(format!("needs a momentum in [0, 1], not {}", self.momentum)));
        }
        Ok(input.clone())
    }

    fn params(&self, input: &Shape) -> Vec<ParamSpec> {
        let c = input.channels();
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

    fn saved_len(&self, _: usize, input: &Shape) -> usize {
        3 * input.channels()
    }

    fn scratch_len(&self, batch: usize, input: &Shape) -> usize {
        let c = input.channels();
        column_sums::scratch_len(batch * input.len() / c, c, 2)
    }

    fn min_train_batch(&self, input: &Shape) -> usize {
        // One value has no variance.
        if input.len() == input.channels() { 2 } else { 1 }
    }

    fn forward(&self, cx: &Context, mut io: Forward<'_>) {
        self.statistics(cx, &mut io);
        let c = io.input.channels();
        let (columns, far) = (columns_of(io.params, io.saved), is_far(io.x.len()));
        cx.chunks(io.y, task_len(c), |range, y| {
            let x = &io.x[range];
            match self.relu {
                true => cx.isa().run(Normalise::<true> { far, x, y, columns }),
                false => cx.isa().run(Normalise::<false> { far, x, y, columns }),
            }
        });
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let c = io.input.channels();
        let rows = io.x.len() / c;
        let (columns, far) = (columns_of(io.params, io.saved), is_far(io.x.len()));
        let in_train = io.pass.mode == Mode::Train;
        let mut sums: &mut [f32] = &mut [];
        if in_train || io.grads.is_some() {
            sums = column_sums::sum_blocks(cx, rows, c, 2, io.scratch, |rows, out| {
                let (dbeta, dgamma) = out.split_at_mut(c);
                let part = rows.start * c..rows.end * c;
                let (x, dy) = (&io.x[part.clone()], &io.dy[part]);
                match self.relu {
                    true => {
                        cx.isa().run(BackwardSums::<true> { far, x, dy, columns, dbeta, dgamma })
                    }
                    false => {
                        cx.isa().run(BackwardSums::<false> { far, x, dy, columns, dbeta, dgamma })
                    }
                }
            });
        }
        if let Some(grads) = io.grads {
            if !io.accumulate {
                grads.fill(0.0);
            }
            let (dgamma, rest) = grads.split_at_mut(c);
            cx.isa().run(Add { x: &sums[c..], y: dgamma });
            cx.isa().run(Add { x: &sums[..c], y: &mut rest[..c] });
        }
        let Some(dx) = io.dx else { return };
        // In evaluation the statistics are constants, and the two means vanish.
        let means = in_train.then(|| {
            sums.iter_mut().for_each(|sum| *sum /= rows as f32);
            sums.split_at(c)
        });
        cx.chunks(dx, task_len(c), |range, dx| {
            let (x, dy) = (&io.x[range.clone()], &io.dy[range]);
            match self.relu {
                true => cx.isa().run(BackwardInput::<true> { far, x, dy, dx, columns, means }),
                false => cx.isa().run(BackwardInput::<false> { far, x, dy, dx, columns, means }),
            }
        });
    }

    fn update_statistics(
        &self,
        batch: usize,
        input: &Shape,
        saved: &[f32],
        params: &mut [f32],
        part: Option<f32>,
    ) {
        let part = part.unwrap_or(self.momentum);
        let c = input.channels();
        let n = (batch * input.len() / c) as f32;
        let unbiased = n / (n - 1.0);
        let [mean, var, _] = split3(saved);
        let (running_mean, running_var) = params[2 * c..].split_at_mut(c);
        for j in 0..c {
            running_mean[j] += part * (mean[j] - running_mean[j]);
            running_var[j] += part * (var[j] * unbiased - running_var[j]);
        }
    }

    fn inference_maps<'a>(&self, _: &Shape, params: &'a [f32]) -> Option<Vec<InferenceMap<'a>>> {
        let [gamma, beta, mean, var] = split4(params);
        let scale = gamma
            .iter()
            .zip(var)
            .map(|(gamma, var)| gamma * (1.0 / (var + self.eps).sqrt()))
            .collect();
        let mut maps =
            vec![InferenceMap::Normalise { mean: mean.into(), scale, shift: beta.into() }];
        maps.extend(self.relu.then_some(InferenceMap::Relu));
        Some(maps)
    }

    fn fuse(&self, next: &dyn Layer) -> Option<Box<dyn Layer>> {
        let relu = (next as &dyn Any).is::<Relu>() && !self.relu;
        relu.then(|| Box::new(BatchNorm { relu: true, ..*self }) as Box<dyn Layer>)
    }
}
