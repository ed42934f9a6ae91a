//! Products of a matrix whose rows and columns are windows into memory that overlap: the patches of
//! an image that are not copied, because the image has too few channels for that to pay. The
//! micro-kernel has one more loop in k.

mod tiles;

use super::blocks::even_strips;
use super::finish;
use super::pack::{lies_far, pack_b};
use super::sums::Operands;
use super::tile::{Heights, NRV, Tile};
use crate::gemm::epilogue::Finish;
use crate::gemm::matrix::{MatMut, MatRef, Windows};
use crate::hardware::memory::{self, Slab};
use crate::hardware::simd::{Kernel, Simd};
use std::cell::Cell;
use tiles::Tiles;

thread_local! {
    /// The packed B of this thread. It only grows.
    static PACKED: Cell<Slab> = Cell::default();
}

/// `c = finish(a b)`, for a C in which images of A and their lines begin each `steps` rows.
pub fn product<T: Tile>(
    simd: T,
    a: Windows,
    b: MatRef,
    c: MatMut,
    steps: [usize; 2],
    finish: Finish,
) {
    simd.vectorize(Product { simd, a, b, c, steps, finish });
}

struct Product<'a, T> {
    simd: T,
    a: Windows<'a>,
    b: MatRef<'a>,
    c: MatMut<'a>,
    steps: [usize; 2],
    finish: Finish<'a>,
}

impl<T: Tile> Kernel for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Product { simd, a, b, mut c, steps: [image, line], finish } = self;
        let (_, [images, lines, rows], [_, _, columns]) = a.parts();
        let (k, n) = (a.cols(), c.cols());
        let reached = (lines.count - 1) * line + rows.count;
        assert!(
            b.rows() == k && b.cols() == n && rows.count <= line,
            "cannot multiply windows of {k} by {} x {} into {} x {n}",
            b.rows(),
            b.cols(),
            c.rows()
        );
        let apart = images.count == 1 || reached <= image;
        let last = (images.count - 1).checked_mul(image).and_then(|last| last.checked_add(reached));
        assert!(
            apart && last.is_some_and(|last| last <= c.rows()),
            "images outside their {} rows",
            c.rows()
        );
        // A single micro-panel of whole vectors is what B is as it stands, if its rows lie side by
        // side.
        let panel =
            n <= T::NR && n.is_multiple_of(T::LANES) && b.row_stride() == n && b.col_stride() == 1;
        let mut memory;
        let packed = if panel {
            b.data()
        } else {
            memory = memory::borrow(&PACKED, k * n.next_multiple_of(T::NR));
            pack_b(simd, b, T::NR, lies_far(b), &mut memory);
            &*memory
        };
        if T::HAS_WINDOWS && n.is_multiple_of(T::LANES) {
            let lines = images.count * lines.count;
            // Unless columns are neighbours, rows have to be: those of one line.
            let (parts, rows) =
                if columns.stride == 1 { (1, lines * rows.count) } else { (lines, rows.count) };
            for (height, first, count) in even_strips(rows, T::MR) {
                if count > 0 {
                    let c = c.block(0, c.rows(), 0, n);
                    let (steps, strips) = ([image, line], count / height);
                    let tiles = Tiles { parts, rows, first, strips, a, packed, c, steps, finish };
                    simd.at_height(height, tiles);
                }
            }
            return;
        }
        for (height, first, rows) in even_strips(rows.count, T::MR) {
            if rows > 0 {
                let c = c.block(0, c.rows(), 0, n);
                let (steps, strips) = ([image, line], rows / height);
                simd.at_height(height, Strips { first, strips, a, packed, c, steps, finish });
            }
        }
    }
}

/// Strips of one height, in each line of A from row `first` on, times all of B.
struct Strips<'a> {
    first: usize,
    strips: usize,
    a: Windows<'a>,
    /// Micro-panels (k, NR), the last of which may be narrower by whole vectors.
    packed: &'a [f32],
    /// (rows, n), with contiguous rows, in which images of A and their lines begin each `steps`.
    c: MatMut<'a>,
    steps: [usize; 2],
    finish: Finish<'a>,
}

impl Heights for Strips<'_> {
    #[inline(always)]
    fn run<T: Tile, const MR: usize>(&mut self, simd: T) {
        let Strips { first, strips, a, packed, ref mut c, steps, finish } = *self;
        let (_, [images, lines, _], _) = a.parts();
        let (k, n, nr) = (a.cols(), c.cols(), T::NR);
        for line in 0..images.count * lines.count {
            let (image, line) = (line / lines.count, line % lines.count);
            let (start, row) =
                (image * images.stride + line * lines.stride, image * steps[0] + line * steps[1]);
            for strip in 0..strips {
                let i = first + strip * MR;
                for j in (0..n).step_by(nr) {
                    let w = nr.min(n - j);
                    let width = w.next_multiple_of(T::LANES);
                    let b = &packed[j * k..][..k * width];
                    let mut c = c.block(row + i, MR, j, w);
                    let finish = finish.from(row + i, j);
                    if width > T::LANES {
                        let sums = sums::<T, MR, NRV>(simd, a, start, i, b, w);
                        finish::write(simd, sums, &mut c, finish);
                    } else {
                        let sums = sums::<T, MR, 1>(simd, a, start, i, b, w);
                        finish::write(simd, sums, &mut c, finish);
                    }
                }
            }
        }
    }
}

/// The sums over k of the products for `MR` rows from row `i` of the line at `start` on. B has `w`
/// columns, in rows of whole vectors.
#[inline(always)]
fn sums<T: Tile, const MR: usize, const NV: usize>(
    simd: T,
    a: Windows,
    start: usize,
    i: usize,
    b: &[f32],
    w: usize,
) -> [[T::F; NV]; MR] {
    let (data, [images, lines, rows], [column_images, runs, columns]) = a.parts();
    let width = NV * T::LANES;
    let last = (images.count - 1) * images.stride + (lines.count - 1) * lines.stride;
    assert!(start <= last && i + MR <= rows.count);
    assert!(rows.stride == 1 || columns.stride == 1);
    assert!(b.len() >= a.cols() * width && w.div_ceil(T::LANES) == NV);
    let start = start + i * rows.stride;
    let mut sums = [[simd.splat(0.0); NV]; MR];
    for run in 0..column_images.count * runs.count {
        let (image, line) = (run / runs.count, run % runs.count);
        let operands = Operands {
            a: data[start + image * column_images.stride + line * runs.stride..].as_ptr(),
            row_stride: rows.stride,
            col_stride: columns.stride,
            b: b[run * columns.count * width..].as_ptr(),
            b_stride: width,
            width: w,
            k: columns.count,
            prefetch: None,
        };
        // SAFETY: A's elements are those of rows from `i` on, which are rows of a line no further
        // than the last, as asserted, and of a run that there is; `Windows` has seen that all
        // elements lie in its memory. B has as many rows as all runs have columns.
        sums = unsafe { simd.add_up(sums, operands) };
    }
    sums
}
