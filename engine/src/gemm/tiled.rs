//! Products on ISAs that have a tile: the loops of [`gemm`](super), written once for all of them.
//!
//! | file | what it holds |
//! |---|---|
//! | `tile` | each ISA's tile |
//! | `blocks` | the sizes of blocks and strips, and what is packed |
//! | `pack` | copies of blocks in the order in which they are read |
//! | `packed` | all of B, packed once |
//! | `sums` | the sums over k of a tile, in assembly for AVX2 |
//! | `kernel` | the micro-kernel, and the loops ir and jr around it |
//! | `finish` | the way of a tile to memory |
//! | `loops` | tasks, and the loops jc, pc and ic |
//! | `strided` | the micro-kernel for overlapping windows |
//! | `sparse` | products that skip the zeros of A |

mod blocks;
#[allow(unsafe_code)]
mod finish;
#[allow(unsafe_code)]
mod kernel;
mod loops;
mod pack;
mod packed;
mod sparse;
#[allow(unsafe_code)]
mod strided;
#[allow(unsafe_code)]
mod sums;
#[allow(unsafe_code)]
mod tile;

pub(super) use tile::products;

use super::epilogue::Finish;
use super::matrix::{MatMut, MatRef, Windows};
use super::{PackedB, Products};
use crate::hardware::parallel::Context;
use tile::Tile;

impl<T: Tile> Products for T {
    fn kernel_name(&self) -> &'static str {
        T::KERNEL
    }

    fn product(&self, cx: &Context, a: MatRef, b: MatRef, c: MatMut, finish: Finish) {
        loops::product(*self, cx, a, b, c, finish);
    }

    fn packed_len(&self, k: usize, n: usize) -> usize {
        packed::len::<T>(k, n)
    }

    fn pack(&self, b: MatRef, out: &mut [f32]) {
        packed::pack(*self, b, out);
    }

    fn packed_product(&self, cx: &Context, a: MatRef, b: &PackedB, c: MatMut, finish: Finish) {
        let b = packed::Panels::new::<T>(b.values(), b.cols());
        loops::packed_product(*self, cx, a, b, c, finish);
    }

    fn sparse_scratch(&self, m: usize, k: usize) -> usize {
        sparse::scratch_len(m, k)
    }

    fn sparse_product(
        &self,
        cx: &Context,
        a: MatRef,
        b: MatRef,
        c: &mut MatMut,
        finish: Finish,
        scratch: &mut [f32],
    ) -> bool {
        if !sparse::suits(a, b, c, finish) {
            return false;
        }
        let suits = sparse::is_sparse::<T>(cx, a);
        if suits {
            sparse::product(cx, a, b, c, finish, scratch);
        } else {
            // So that a step that is the first with a sparse A allocates no more than others.
            sparse::reserve(cx, a.cols());
        }
        suits
    }

    fn has_windows(&self) -> bool {
        true
    }

    fn windows_product(&self, a: Windows, b: MatRef, c: MatMut, steps: [usize; 2], finish: Finish) {
        strided::product(*self, a, b, c, steps, finish);
    }
}
