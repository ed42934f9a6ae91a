//! The passes over rows that the engine's layers do not have: noise and activation, and the cost of
//! denoising.

use crate::Context;
use crate::hardware::parallel::Chunks;
use crate::hardware::simd::{kernel, map};
use crate::math::column_sums::{add_blocks, block_rows};
use crate::math::random::Random;

/// Gaussian noise of a layer.
#[derive(Clone, Copy)]
pub(crate) struct Noise {
    pub std: f32,
    pub random: Random,
    pub step: u64,
}

/// z += noise: (rows, n), and what it comes to: h: (rows, n). `None` for no noise.
///
/// h = scale (z + bias), or relu(z + bias) without a scale.
pub(crate) fn activate(
    cx: &Context,
    noise: Option<Noise>,
    scale: Option<&[f32]>,
    bias: &[f32],
    z: &mut [f32],
    h: &mut [f32],
) {
    let n = bias.len();
    let rows = block_rows(z.len() / n);
    let block = rows * n;
    let blocks = z.len().div_ceil(block);
    cx.for_each_part(blocks, (Chunks::new(z, block), Chunks::new(h, block)), |i, (z, h)| {
        activate_rows(cx.isa(), noise, i * rows, scale, bias, z, h);
    });
}

/// h = x + noise, both (rows, n).
pub(crate) fn corrupt(cx: &Context, noise: Noise, x: &[f32], n: usize, h: &mut [f32]) {
    let rows = block_rows(h.len() / n);
    cx.chunks(h, rows * n, |range, h| {
        corrupt_rows(cx.isa(), noise, range.start / n, &x[range], n, h);
    });
}

kernel! {
    fn corrupt_rows(s, noise: Noise, first: usize, x: &[f32], n: usize, h: &mut [f32]) {
        let std = s.splat(noise.std);
        for (r, (x, h)) in x.chunks_exact(n).zip(h.chunks_exact_mut(n)).enumerate() {
            noise.random.fill_normal(noise.step, (first + r) as u32, h);
            map!(s, h, [x], s.mul_add(h, std, x));
        }
    }

    fn activate_rows(
        s, noise: Option<Noise>, first: usize, scale: Option<&[f32]>, bias: &[f32],
        z: &mut [f32], h: &mut [f32],
    ) {
        let n = bias.len();
        for (r, (z, h)) in z.chunks_exact_mut(n).zip(h.chunks_exact_mut(n)).enumerate() {
            if let Some(Noise { std, random, step }) = noise {
                random.fill_normal(step, (first + r) as u32, h);
                map!(s, z, [h], s.mul_add(h, s.splat(std), z));
            }
            match scale {
                Some(scale) => map!(s, h, [z, bias, scale], s.mul(s.add(z, bias), scale)),
                None => map!(s, h, [z, bias], s.max(s.splat(0.0), s.add(z, bias))),
            }
        }
    }
}

/// Goes back through [`activate`]: `d` holds the gradient of h, and then that of z: (rows, n).
/// Returns the sums for bias and scale, (2, n), at the start of `scratch`: 2 n values for each
/// block of rows.
pub(crate) fn activate_backward<'s>(
    cx: &Context,
    scale: Option<&[f32]>,
    bias: &[f32],
    z: &[f32],
    d: &mut [f32],
    scratch: &'s mut [f32],
) -> &'s mut [f32] {
    let n = bias.len();
    let block = block_rows(d.len() / n) * n;
    let blocks = d.len().div_ceil(block);
    let scratch = &mut scratch[..blocks * 2 * n];
    let parts = (Chunks::new(d, block), Chunks::new(&mut *scratch, 2 * n));
    cx.for_each_part(blocks, parts, |i, (d, sums)| {
        let z = &z[i * block..][..d.len()];
        activate_backward_rows(cx.isa(), scale, bias, z, d, sums);
    });
    add_blocks(cx, scratch, 2 * n)
}

kernel! {
    fn activate_backward_rows(
        s, scale: Option<&[f32]>, bias: &[f32], z: &[f32], d: &mut [f32], sums: &mut [f32],
    ) {
        let n = bias.len();
        let (for_bias, for_scale) = sums.split_at_mut(n);
        let zero = s.splat(0.0);
        for j in (0..n).step_by(S::LANES) {
            let bias = s.load_at(bias, j);
            let scale = scale.map(|scale| s.load_at(scale, j));
            let (mut a, mut b) = (zero, zero);
            for (z, d) in z.chunks_exact(n).zip(d.chunks_exact_mut(n)) {
                let (sum, dh) = (s.add(s.load_at(z, j), bias), s.load_at(d, j));
                let dz = match scale {
                    Some(scale) => s.mul(dh, scale),
                    None => s.select_gt(sum, zero, dh, zero),
                };
                a = s.add(a, dz);
                b = s.mul_add(dh, sum, b);
                s.store_at(dz, d, j);
            }
            s.store_at(a, for_bias, j);
            s.store_at(b, for_scale, j);
        }
    }
}

/// A denoising cost: `weight mean((s - mean) inv_std - target)^2` over s: (rows, n).
#[derive(Clone, Copy)]
pub(crate) struct Cost<'a> {
    pub weight: f32,
    /// (n), as `inv_std`
    pub mean: &'a [f32],
    pub inv_std: &'a [f32],
    /// (rows, n)
    pub target: &'a [f32],
}

/// The value of a cost, and its gradients. That of s is added to `ds`: (rows, n), or is all of it,
/// that of the target is written to `dtarget`: (rows, n) unless it is empty. Those of mean and
/// standard deviation, (2, n), are at the start of `scratch`: 2 n values for each block of rows.
pub(crate) fn cost(
    cx: &Context,
    cost: Cost<'_>,
    s: &[f32],
    add: bool,
    ds: &mut [f32],
    dtarget: &mut [f32],
    scratch: &mut [f32],
) -> f64 {
    let n = cost.mean.len();
    let block = block_rows(s.len() / n) * n;
    let blocks = s.len().div_ceil(block);
    let scratch = &mut scratch[..blocks * 2 * n];
    let slope = 2.0 * cost.weight / s.len() as f32;
    let of_targets = if dtarget.is_empty() { 0 } else { block };
    let parts = (
        (Chunks::new(ds, block), Chunks::new(dtarget, of_targets)),
        Chunks::new(&mut *scratch, 2 * n),
    );
    let sum = cx.sum_parts(blocks, parts, |i, ((ds, dtarget), sums)| {
        let part = i * block..i * block + ds.len();
        let whole = Cost { target: &cost.target[part.clone()], ..cost };
        let s = &s[part];
        cost_of_rows(cx.isa(), whole, slope, s, add, [ds, dtarget], sums)
    });
    add_blocks(cx, scratch, 2 * n);
    sum * f64::from(cost.weight) / s.len() as f64
}

kernel! {
    fn cost_of_rows(
        s, cost: Cost<'_>, slope: f32, x: &[f32], add: bool, gradients: [&mut [f32]; 2],
        sums: &mut [f32],
    ) -> f64 {
        let [ds, dtarget] = gradients;
        let n = cost.mean.len();
        let (for_mean, for_std) = sums.split_at_mut(n);
        let (zero, slope) = (s.splat(0.0), s.splat(slope));
        let mut total = 0.0;
        for j in (0..n).step_by(S::LANES) {
            let (mean, inv_std) = (s.load_at(cost.mean, j), s.load_at(cost.inv_std, j));
            let (mut squares, mut a, mut b) = (zero, zero, zero);
            let rows = x.chunks_exact(n).zip(cost.target.chunks_exact(n));
            for (r, ((x, target), ds)) in rows.zip(ds.chunks_exact_mut(n)).enumerate() {
                let normalised = s.mul(s.sub(s.load_at(x, j), mean), inv_std);
                let error = s.sub(normalised, s.load_at(target, j));
                squares = s.mul_add(error, error, squares);
                let pull = s.mul(error, slope);
                let own = s.mul(pull, inv_std);
                a = s.sub(a, own);
                b = s.sub(b, s.mul(own, normalised));
                let before = if add { s.load_at(ds, j) } else { zero };
                s.store_at(s.add(before, own), ds, j);
                if !dtarget.is_empty() {
                    s.store_at(s.sub(zero, pull), &mut dtarget[r * n..][..n], j);
                }
            }
            total += f64::from(s.sum(squares));
            s.store_at(a, for_mean, j);
            s.store_at(b, for_std, j);
        }
        total
    }
}

/// d += (a + b z) / rows, for a and b: (n) in `sums` and z: (rows, n): what the gradients of mean
/// and standard deviation are for each value.
pub(crate) fn add_statistics(cx: &Context, sums: &[f32], z: &[f32], d: &mut [f32]) {
    let n = sums.len() / 2;
    let scale = n as f32 / z.len() as f32;
    let block = block_rows(d.len() / n) * n;
    cx.chunks(d, block, |range, d| {
        add_statistics_rows(cx.isa(), sums, scale, &z[range], d);
    });
}

kernel! {
    fn add_statistics_rows(s, sums: &[f32], scale: f32, z: &[f32], d: &mut [f32]) {
        let n = sums.len() / 2;
        let (a, b) = sums.split_at(n);
        let scale = s.splat(scale);
        for (z, d) in z.chunks_exact(n).zip(d.chunks_exact_mut(n)) {
            map!(s, d, [z, a, b], s.mul_add(s.mul_add(b, z, a), scale, d));
        }
    }
}
