//! The combinator: what the decoder makes of a noisy value z and of what it expects from above, u.
//!
//! ```text
//! s = (z - mu) v + mu
//! mu = a1 sigmoid(a2 u + a3) + a4 u + a5
//! v = a6 sigmoid(a7 u + a8) + a9 u + a10
//! ```
//!
//! with ten parameters for each unit, (10, n) in memory (Rasmus et al. 2015, equations 1 and 2). If
//! z were normal around a mean and with a variance that depend on u, this is the estimate of the
//! least squared error.

use crate::hardware::parallel::Chunks;
use crate::hardware::simd::{Simd, kernel};
use crate::math::column_sums::{add_blocks, block_rows};
use crate::{Context, math};

/// The authors' start: mu = v = 0, with sigmoids of u itself.
pub(crate) fn initialise(a: &mut [f32]) {
    let n = a.len() / 10;
    a.fill(0.0);
    for slope in [1, 6] {
        a[slope * n..(slope + 1) * n].fill(1.0);
    }
}

/// s: (rows, n) of z and u: (rows, n), for a: (10, n).
pub(crate) fn forward(cx: &Context, a: &[f32], z: &[f32], u: &[f32], s: &mut [f32]) {
    let n = a.len() / 10;
    let block = block_rows(s.len() / n) * n;
    cx.chunks(s, block, |range, out| {
        combine(cx.isa(), a, &z[range.clone()], &u[range], out);
    });
}

/// The gradients, given that of s in `ds`: (rows, n): of u in its place, of z into `dz`, of a into
/// `da`, all overwritten. `scratch`: 10 n values for each block of rows.
pub(crate) fn backward(
    cx: &Context,
    a: &[f32],
    [z, u]: [&[f32]; 2],
    ds: &mut [f32],
    dz: &mut [f32],
    da: &mut [f32],
    scratch: &mut [f32],
) {
    let n = a.len() / 10;
    let block = block_rows(ds.len() / n) * n;
    let blocks = ds.len().div_ceil(block);
    let scratch = &mut scratch[..blocks * 10 * n];
    let parts =
        (Chunks::new(ds, block), Chunks::new(dz, block), Chunks::new(&mut *scratch, 10 * n));
    cx.for_each_part(blocks, parts, |i, (ds, dz, sums)| {
        let part = i * block..i * block + ds.len();
        let (z, u) = (&z[part.clone()], &u[part]);
        backward_rows(cx.isa(), a, z, u, ds, dz, sums);
    });
    da.copy_from_slice(add_blocks(cx, scratch, 10 * n));
}

/// The parameters of one vector of units.
struct Unit<S: Simd>([S::F; 10]);

impl<S: Simd> Unit<S> {
    #[inline(always)]
    fn at(s: S, a: &[f32], n: usize, j: usize) -> Self {
        let mut unit = [s.splat(0.0); 10];
        // A plain loop: what a library function calls would be compiled without the ISA.
        for (k, unit) in unit.iter_mut().enumerate() {
            *unit = s.load_at(&a[k * n..(k + 1) * n], j);
        }
        Unit(unit)
    }

    /// Both sigmoids, mu and v.
    #[inline(always)]
    fn of(&self, s: S, u: S::F) -> [S::F; 4] {
        let [a1, a2, a3, a4, a5, a6, a7, a8, a9, a10] = self.0;
        let (first, second) =
            (math::sigmoid(s, s.mul_add(a2, u, a3)), math::sigmoid(s, s.mul_add(a7, u, a8)));
        let mu = s.mul_add(a1, first, s.mul_add(a4, u, a5));
        let v = s.mul_add(a6, second, s.mul_add(a9, u, a10));
        [first, second, mu, v]
    }
}

kernel! {
    fn combine(s, a: &[f32], z: &[f32], u: &[f32], out: &mut [f32]) {
        let n = a.len() / 10;
        for j in (0..n).step_by(S::LANES) {
            let unit = Unit::at(s, a, n, j);
            for row in (0..out.len()).step_by(n) {
                let (z, u) = (s.load_at(&z[row..row + n], j), s.load_at(&u[row..row + n], j));
                let [_, _, mu, v] = unit.of(s, u);
                s.store_at(s.mul_add(s.sub(z, mu), v, mu), &mut out[row..row + n], j);
            }
        }
    }

    /// `ds` becomes du; `sums`: (10, n), overwritten.
    fn backward_rows(
        s, a: &[f32], z: &[f32], u: &[f32], ds: &mut [f32], dz: &mut [f32], sums: &mut [f32],
    ) {
        let n = a.len() / 10;
        let one = s.splat(1.0);
        for j in (0..n).step_by(S::LANES) {
            let unit = Unit::at(s, a, n, j);
            let [a1, a2, _, a4, _, a6, a7, _, a9, _] = unit.0;
            let mut da = [s.splat(0.0); 10];
            for row in (0..ds.len()).step_by(n) {
                let (z, u) = (s.load_at(&z[row..row + n], j), s.load_at(&u[row..row + n], j));
                let slope = s.load_at(&ds[row..row + n], j);
                let [first, second, mu, v] = unit.of(s, u);
                let dmu = s.mul(slope, s.sub(one, v));
                let dv = s.mul(slope, s.sub(z, mu));
                // The gradients of the arguments of the sigmoids.
                let inner_mu = s.mul(s.mul(dmu, a1), s.mul(first, s.sub(one, first)));
                let inner_v = s.mul(s.mul(dv, a6), s.mul(second, s.sub(one, second)));
                let terms = [
                    s.mul(dmu, first),
                    s.mul(inner_mu, u),
                    inner_mu,
                    s.mul(dmu, u),
                    dmu,
                    s.mul(dv, second),
                    s.mul(inner_v, u),
                    inner_v,
                    s.mul(dv, u),
                    dv,
                ];
                for (da, term) in da.iter_mut().zip(terms) {
                    *da = s.add(*da, term);
                }
                let du = s.mul_add(
                    dmu,
                    a4,
                    s.mul_add(inner_mu, a2, s.mul_add(dv, a9, s.mul(inner_v, a7))),
                );
                s.store_at(s.mul(slope, v), &mut dz[row..row + n], j);
                s.store_at(du, &mut ds[row..row + n], j);
            }
            for (k, da) in da.into_iter().enumerate() {
                s.store_at(da, &mut sums[k * n..(k + 1) * n], j);
            }
        }
    }
}
