//! The right-hand operand: a matrix, of which blocks are packed as they are needed, or one that is
//! packed already.

use super::blocking::{collide, k_blocks};
use super::kernel::{PanelsB, Tile};
use super::matrix::MatRef;
use super::pack::pack_b;
use crate::hardware::simd::{Kernel, Simd};

/// Strips that make up for packing B, if it lies by rows: up to so many, they read it where it is.
const STRIPS: usize = 12;

/// B: (k, n).
#[derive(Clone, Copy)]
pub(super) enum OperandB<'a> {
    /// As it lies in memory.
    Matrix(MatRef<'a>),
    /// Packed by [`pack`]: the columns from `first` on, a multiple of NR, of a matrix `width` wide
    /// in whole vectors.
    Packed { data: &'a [f32], k: usize, width: usize, first: usize, n: usize },
}

impl<'a> OperandB<'a> {
    pub(super) fn cols(self) -> usize {
        match self {
            OperandB::Matrix(b) => b.cols(),
            OperandB::Packed { n, .. } => n,
        }
    }

    /// `len` columns from `j` on.
    pub(super) fn columns(self, j: usize, len: usize) -> OperandB<'a> {
        match self {
            OperandB::Matrix(b) => OperandB::Matrix(b.block(0, b.rows(), j, len)),
            OperandB::Packed { data, k, width, first, n } => {
                assert!(j <= n && len <= n - j, "columns outside their matrix");
                OperandB::Packed { data, k, width, first: first + j, n: len }
            }
        }
    }

    /// Whether the micro-kernel reads B where it is, for `m` rows of C.
    pub(super) fn ready<T: Tile>(self, m: usize) -> bool {
        let OperandB::Matrix(b) = self else { return true };
        let strips = m.div_ceil(T::MR);
        // An eighth of a level-2 cache is at hand for any number of strips.
        let small = b.rows().saturating_mul(b.row_stride()) <= 1 << 15;
        b.col_stride() == 1
            && (strips <= 3 || !collide(b.row_stride()) && (small || strips <= STRIPS))
    }

    /// The micro-panels of `kc` rows from `pc` and `nc` columns from `jc` on, packed into `buffer`
    /// unless `ready`.
    #[inline(always)]
    pub(super) fn panels<'p, T: Tile>(
        self,
        simd: T,
        ready: bool,
        [pc, kc]: [usize; 2],
        [jc, nc]: [usize; 2],
        buffer: &'p mut [f32],
    ) -> PanelsB<'p>
    where
        'a: 'p,
    {
        match self {
            OperandB::Matrix(b) => {
                let b = b.block(pc, kc, jc, nc);
                // The ragged last micro-panel is packed in any case: vectors would reach beyond it.
                let in_place = if ready { nc - nc % T::NR } else { 0 };
                pack_b(simd, b.block(0, kc, in_place, nc - in_place), T::NR, buffer);
                PanelsB { in_place: b.block(0, kc, 0, in_place), packed: buffer }
            }
            OperandB::Packed { data, width, first, .. } => {
                let packed = &data[pc * width + (first + jc) * kc..];
                PanelsB { in_place: MatRef::new(&[], kc, 0), packed }
            }
        }
    }
}

/// Packs all of `b`: (k, n) into `out`: the blocks of k one after the other, each by micro-panels,
/// k times n rounded up to whole vectors.
pub(super) fn pack<T: Tile>(simd: T, b: MatRef, out: &mut [f32]) {
    simd.vectorize(Pack { simd, b, out });
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
        let n = self.b.cols();
        let width = n.next_multiple_of(T::LANES);
        for (pc, kc) in k_blocks(self.b.rows()) {
            pack_b(self.simd, self.b.block(pc, kc, 0, n), T::NR, &mut self.out[pc * width..]);
        }
    }
}
