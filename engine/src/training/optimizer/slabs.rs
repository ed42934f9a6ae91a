//! The slabs of numbers that a step passes over, and numbers too small to keep.

use crate::hardware::simd::Simd;
use std::ops::Range;

/// The values that a task updates: four slabs of it are 256 KiB, and stay in the L2 cache.
pub(crate) const BLOCK: usize = 16 * 1024;

/// Moments of a smaller size become 0: left alone, they would decay into subnormals, which
/// processors compute with a hundred times slower. The root of the second moment is then below
/// 1e-18, nothing beside any usual epsilon.
pub(crate) const TINY: f32 = 1e-36;

/// A part of each slab: parameters, gradients, first and second moments. The moments may be empty.
pub(crate) struct Slabs<'a> {
    pub p: &'a mut [f32],
    pub g: &'a [f32],
    pub m: &'a mut [f32],
    pub v: &'a mut [f32],
}

impl Slabs<'_> {
    pub fn part(&mut self, range: Range<usize>) -> Slabs<'_> {
        Slabs {
            p: cut(self.p, range.clone()),
            g: &self.g[range.clone()],
            m: cut(self.m, range.clone()),
            v: cut(self.v, range),
        }
    }
}

/// A part of a slab that may be empty altogether.
pub(crate) fn cut(slab: &mut [f32], range: Range<usize>) -> &mut [f32] {
    if slab.is_empty() { slab } else { &mut slab[range] }
}

/// 0 where `|x| < limit`; a NaN stays.
#[inline(always)]
pub(crate) fn flush<S: Simd>(s: S, x: S::F, limit: S::F) -> S::F {
    s.select_gt(limit, s.abs(x), s.splat(0.0), x)
}

/// The limit of [`flush`] for a parameter: if it decays, it is flushed like the moments, else it is
/// left alone.
pub(crate) fn tiny_if(decays: bool) -> f32 {
    if decays { TINY } else { 0.0 }
}
