//! Squeeze and excitation (Hu, Shen and Sun, CVPR 2018): a factor for each channel of an image,
//! found by layers that see all of the image.
//!
//! ```text
//! forward:   s = gate(x): (channels);  y[.., c] = s[c] x[.., c]
//! backward:  ds[c] = sum over the pixels of dy[.., c] x[.., c]
//!            dx[.., c] = s[c] dy[.., c] + (dx of the gate for ds)
//! ```

use super::branch::{Branch, Descent, within};
use crate::error::ensure;
use crate::hardware::memory::padded;
use crate::hardware::parallel::TASK_LEN;
use crate::hardware::simd::{kernel, map};
use crate::network::layer::{Backward, Forward, Layer, Op, Planned, named};
use crate::network::params::ParamSpec;
use crate::{Context, Error, Shape};
use std::ops::Range;

/// Multiplies each channel by the factor that layers make of the input.
///
/// The layers get the input itself, and give one value for each of its channels: `GlobalAvgPool`,
/// `Linear`, `Relu`, `Linear` and `Sigmoid`, say. The parameters are named as in the chain,
/// `1.weight`. The block is one layer, as [`Residual`](super::Residual) is.
#[derive(Debug)]
pub struct SqueezeExcitation {
    gate: Vec<Box<dyn Layer>>,
}

impl SqueezeExcitation {
    /// A block whose factors these layers make, one after another.
    pub fn new(gate: Vec<Box<dyn Layer>>) -> SqueezeExcitation {
        SqueezeExcitation { gate }
    }

    /// Plans the layers. Their names in messages begin with `prefix`.
    fn gate(&self, prefix: &str, input: &Shape, fuse: bool) -> Result<Branch, Error> {
        Branch::plan(&self.gate, [prefix, ""], 0, input, fuse)
    }

    /// Refuses layers that do not give a factor for each channel.
    fn check(&self, input: &Shape, gate: Branch) -> Result<Planned, Error> {
        let (channels, output) = (input.channels(), gate.output());
        ensure!(!self.gate.is_empty(), setting, "needs a layer that makes its factors");
        ensure!(
            channels > 0 && output.len() == channels,
            shape,
            "its layers give {output}, where a factor is needed for each of {channels} channels \
             (input {input})"
        );
        let (image, len) = (input.clone(), input.len());
        Ok(Planned::new(image, SqueezeExcitationOp { gate, len, channels }))
    }
}

impl Layer for SqueezeExcitation {
    fn name(&self) -> &'static str {
        "squeeze excitation"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        self.check(input, self.gate("", input, true)?)
    }

    fn plan_as(&self, name: &str, input: &Shape, fuse: bool) -> Result<Planned, Error> {
        // A layer of the gate has named itself.
        let gate = self.gate(&format!("{name}."), input, fuse)?;
        self.check(input, gate).map_err(|e| named(name, self.name(), e))
    }
}

#[derive(Debug)]
struct SqueezeExcitationOp {
    gate: Branch,
    /// The values of an image.
    len: usize,
    channels: usize,
}

impl SqueezeExcitationOp {
    /// Deals out pixels: `f(image, their place, their values in out)`, for pixels of one image.
    fn by_pixels(
        &self,
        cx: &Context,
        out: &mut [f32],
        f: impl Fn(usize, Range<usize>, &mut [f32]) + Sync,
    ) {
        let task = (TASK_LEN / self.channels).max(1) * self.channels;
        cx.chunks(out, task, |range, mut rest| {
            let mut start = range.start;
            while start < range.end {
                let image = start / self.len;
                let end = range.end.min((image + 1) * self.len);
                let part;
                (part, rest) = rest.split_at_mut(end - start);
                f(image, start..end, part);
                start = end;
            }
        });
    }
}

impl Op for SqueezeExcitationOp {
    fn params(&self) -> Vec<ParamSpec> {
        self.gate.params().to_vec()
    }

    fn saved_len(&self, batch: usize) -> usize {
        self.gate.values_len(batch)
    }

    fn scratch_len(&self, batch: usize) -> usize {
        padded(batch * self.channels) + self.gate.scratch_len(batch)
    }

    fn min_train_batch(&self) -> usize {
        self.gate.min_train_batch()
    }

    fn macs(&self) -> u64 {
        self.gate.macs()
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        let run = within(cx, (io.pass, io.position, io.batch), io.x);
        let penalty = self.gate.forward(run, io.params, io.saved, io.scratch);
        let factors = self.gate.output_of(io.batch, io.x, io.saved);
        let c = self.channels;
        self.by_pixels(cx, io.y, |image, range, y| {
            scale(cx.isa(), &io.x[range], &factors[image * c..][..c], y);
        });
        penalty
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let (c, len, accumulate) = (self.channels, self.len, io.accumulate);
        let factors = self.gate.output_of(io.batch, io.x, io.saved);
        let (ds, scratch) = io.scratch.split_at_mut(padded(io.batch * c));
        let ds = &mut ds[..io.batch * c];
        let images = (TASK_LEN / len).max(1);
        cx.chunks(ds, images * c, |range, ds| {
            let range = range.start / c * len..range.end / c * len;
            let images = io.x[range.clone()].chunks_exact(len).zip(io.dy[range].chunks_exact(len));
            for ((x, dy), ds) in images.zip(ds.chunks_exact_mut(c)) {
                sum_products(cx.isa(), x, dy, ds);
            }
        });
        let run = within(cx, (io.pass, io.position, io.batch), io.x);
        let mut dx = io.dx;
        let descent = Descent {
            values: io.saved,
            params: io.params,
            grads: io.grads,
            dy: ds,
            dx: dx.as_deref_mut(),
            scratch,
            accumulate,
        };
        self.gate.backward(run, descent);
        let Some(dx) = dx else { return };
        self.by_pixels(cx, dx, |image, range, dx| {
            add_scaled(cx.isa(), &io.dy[range], &factors[image * c..][..c], dx);
        });
    }

    fn update_statistics(
        &self,
        batch: usize,
        saved: &[f32],
        params: &mut [f32],
        part: Option<f32>,
    ) {
        self.gate.update_statistics(batch, saved, params, part);
    }
}

kernel! {
    /// `y = x factor`, for some pixels: (pixels, channels).
    fn scale(s, x: &[f32], factors: &[f32], y: &mut [f32]) {
        let c = factors.len();
        for (x, y) in x.chunks_exact(c).zip(y.chunks_exact_mut(c)) {
            map!(s, y, [x, factors], s.mul(x, factors));
        }
    }

    /// `dx += dy factor`, for some pixels: (pixels, channels).
    fn add_scaled(s, dy: &[f32], factors: &[f32], dx: &mut [f32]) {
        let c = factors.len();
        for (dy, dx) in dy.chunks_exact(c).zip(dx.chunks_exact_mut(c)) {
            map!(s, dx, [dy, factors], s.mul_add(dy, factors, dx));
        }
    }

    /// The sum of `x dy` over the pixels of an image, for each channel.
    fn sum_products(s, x: &[f32], dy: &[f32], sums: &mut [f32]) {
        let c = sums.len();
        for j in (0..c).step_by(S::LANES) {
            let mut sum = s.splat(0.0);
            for (x, dy) in x.chunks_exact(c).zip(dy.chunks_exact(c)) {
                sum = s.mul_add(s.load_at(x, j), s.load_at(dy, j), sum);
            }
            s.store_at(sum, sums, j);
        }
    }
}
