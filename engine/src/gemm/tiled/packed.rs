//! All of B, packed once.
//!
//! ```text
//! for pc in 0..k by KC                  as the loops cut k
//!     for jr in 0..n by NR
//!         B[pc.., jr..]                 a micro-panel (KC, NR), the last narrower by whole vectors
//! ```

use super::kernel::PanelsB;
use super::pack::{lies_far, pack_b};
use super::tile::Tile;
use crate::gemm::depth::k_blocks;
use crate::gemm::matrix::MatRef;
use crate::hardware::simd::{Kernel, Simd};

/// The floats of a packed B: (k, n).
pub fn len<T: Tile>(k: usize, n: usize) -> usize {
    k * n.next_multiple_of(T::LANES)
}

/// Packs B.
pub fn pack<T: Tile>(simd: T, b: MatRef, out: &mut [f32]) {
    simd.vectorize(Pack::<T> { simd, b, out });
}

struct Pack<'a, T> {
    simd: T,
    b: MatRef<'a>,
    out: &'a mut [f32],
}

impl<T: Tile> Kernel for Pack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Pack { simd, b, out } = self;
        let (k, n) = (b.rows(), b.cols());
        if n == 0 {
            return;
        }
        for (pc, kc) in k_blocks(k) {
            let out = &mut out[len::<T>(pc, n)..][..len::<T>(kc, n)];
            let b = b.block(pc, kc, 0, n);
            pack_b(simd, b, T::NR, lies_far(b), out);
        }
    }
}

/// The packed columns of B from one on.
#[derive(Clone, Copy)]
pub struct Panels<'a> {
    values: &'a [f32],
    /// The columns of all of B, in whole vectors.
    width: usize,
    first: usize,
}

impl<'a> Panels<'a> {
    /// All of a B of `n` columns.
    pub fn new<T: Tile>(values: &'a [f32], n: usize) -> Panels<'a> {
        Panels { values, width: n.next_multiple_of(T::LANES), first: 0 }
    }

    /// Those from column `j` on, a multiple of the tile's width.
    pub fn from(self, j: usize) -> Panels<'a> {
        Panels { first: self.first + j, ..self }
    }

    /// The micro-panels of the block of k from `pc` on, from column `j` on.
    #[inline(always)]
    pub fn block(self, pc: usize, kc: usize, j: usize) -> PanelsB<'a> {
        PanelsB::Packed(&self.values[pc * self.width + kc * (self.first + j)..], None)
    }
}
