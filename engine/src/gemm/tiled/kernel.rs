//! The micro-kernel: a tile of C held in registers while k runs; and the loops ir and jr around it.

#[allow(unsafe_code)]
pub mod avx2;

use super::finish;
use super::tile::{Heights, NRV, Tile};
use crate::gemm::epilogue::Finish;
use crate::gemm::matrix::{MatMut, MatRef};
use crate::hardware::memory::FLOATS_PER_LINE;
use crate::hardware::simd::Simd;

/// A block of B as the micro-kernel takes it, by micro-panels: those that are read where they are,
/// and then those that are packed.
#[derive(Clone, Copy)]
pub struct PanelsB<'a> {
    /// `(k, a multiple of NR)`, with contiguous rows.
    pub in_place: MatRef<'a>,
    /// One micro-panel `(k, NR)` after the other; the last may be narrower by whole vectors.
    pub packed: &'a [f32],
}

/// Strips of A of the same height, each a micro-panel, times micro-panels of B.
pub struct Strips<'a> {
    /// Strip s has its element `(i, p)` at `s strip_stride + i row_stride + p col_stride`.
    pub a: &'a [f32],
    pub row_stride: usize,
    pub col_stride: usize,
    pub strip_stride: usize,
    /// `(k, n)`
    pub b: PanelsB<'a>,
    /// `(a multiple of the height, n)`
    pub c: MatMut<'a>,
    pub finish: Finish<'a>,
    pub prefetch: Prefetch,
}

/// The addresses to prefetch while a strip is multiplied: a cache line for each step of k.
///
/// An address may lie outside the matrix: a prefetch never faults.
#[derive(Clone, Copy)]
pub struct Prefetch {
    start: *const f32,
    /// The floats to go on after each step, and after a line's steps.
    step: usize,
    line: usize,
    /// From a strip's start to the next one's.
    strip: usize,
}

impl Prefetch {
    /// A line each `stride` floats.
    #[inline(always)]
    pub fn along(start: *const f32, stride: usize) -> Prefetch {
        Prefetch { start, step: stride, line: stride.wrapping_mul(FLOATS_PER_LINE), strip: 0 }
    }

    /// A line of each of so many rows as a line has floats, then the next line of each.
    #[inline(always)]
    pub fn rows(start: *const f32, row_stride: usize) -> Prefetch {
        Prefetch { start, step: row_stride, line: FLOATS_PER_LINE, strip: 0 }
    }

    /// An address that is in the cache already. It costs nothing, while a second loop without
    /// prefetching would.
    #[inline(always)]
    pub fn nothing(near: *const f32) -> Prefetch {
        Prefetch::along(near, 0)
    }

    /// The floats from line to line, and after `count` lines, if so few are fetched in as many steps
    /// as a line has floats: only so many rows, or lines further apart.
    #[inline(always)]
    fn lines(self, count: usize) -> (usize, usize) {
        let along = self.line == self.step.wrapping_mul(FLOATS_PER_LINE);
        let apart = if along { FLOATS_PER_LINE / count } else { 1 };
        (self.step.wrapping_mul(apart), self.line)
    }

    /// With strips so many floats apart.
    #[inline(always)]
    pub fn with_strips(self, strip: usize) -> Prefetch {
        Prefetch { strip, ..self }
    }

    /// For strip number `i`.
    #[inline(always)]
    fn of_strip(self, i: usize) -> Prefetch {
        Prefetch { start: self.start.wrapping_add(i * self.strip), ..self }
    }
}

impl Heights for Strips<'_> {
    #[inline(always)]
    fn run<T: Tile, const MR: usize>(&mut self, simd: T) {
        let Strips {
            a, row_stride, col_stride, strip_stride, b, ref mut c, finish, prefetch, ..
        } = *self;
        let (k, n, nr) = (b.in_place.rows(), c.cols(), T::NR);
        let in_place = b.in_place.cols();
        // Loop ir
        for strip in 0..c.rows() / MR {
            let i = strip * MR;
            let a = MatRef::with_strides(&a[strip * strip_stride..], MR, k, row_stride, col_stride);
            let next_strip = prefetch.of_strip(strip);
            // Loop jr
            for j in (0..n).step_by(nr) {
                let w = nr.min(n - j);
                let finish = finish.from(i, j);
                let mut c = c.block(i, MR, j, w);
                let last = j + nr >= n;
                if j < in_place {
                    // The rows of the next panel lie too far apart for the processor to see where
                    // this leads.
                    let stride = b.in_place.row_stride();
                    let b = b.in_place.block(0, k, j, nr);
                    let next_panel = Prefetch::along(b.data().as_ptr().wrapping_add(nr), stride);
                    let prefetch = if last { next_strip } else { next_panel };
                    tile::<T, MR, NRV>(simd, a, b, &mut c, finish, prefetch);
                } else {
                    let width = w.next_multiple_of(T::LANES);
                    let b = &b.packed[(j - in_place) * k..][..k * width];
                    let b = MatRef::with_strides(b, k, width, width, 1);
                    // The next strip during the last tile: earlier, it would be in the way.
                    let nothing = Prefetch::nothing(a.data().as_ptr());
                    let prefetch = if last { next_strip } else { nothing };
                    if width > T::LANES {
                        tile::<T, MR, NRV>(simd, a, b, &mut c, finish, prefetch);
                    } else {
                        tile::<T, MR, 1>(simd, a, b, &mut c, finish, prefetch);
                    }
                }
            }
        }
    }
}

/// The micro-kernel: `c = finish(a b)` for `a: (MR, k)`, `b: (k, NV vectors)` with contiguous rows,
/// and `c: (MR, w)`, where `w` is at most the width of `b`.
#[inline(always)]
fn tile<T: Tile, const MR: usize, const NV: usize>(
    simd: T,
    a: MatRef,
    b: MatRef,
    c: &mut MatMut,
    finish: Finish,
    prefetch: Prefetch,
) {
    assert!(c.rows() == MR && c.cols() <= NV * T::LANES);
    if c.col_stride() == 1 {
        let (start, stride) = (c.as_mut_ptr(), c.row_stride());
        for i in 0..MR {
            for v in 0..NV {
                simd.prefetch(start.wrapping_add(i * stride + v * T::LANES));
            }
        }
    }
    let by = (a.row_stride(), a.col_stride());
    assert!(by.0 == 1 || by.1 == 1, "an A neither by rows nor by columns has to be packed");
    assert!(a.rows() == MR && b.rows() == a.cols());
    assert!(b.cols() == NV * T::LANES && b.col_stride() == 1);
    let operands = Operands {
        a: a.data().as_ptr(),
        row_stride: by.0,
        col_stride: by.1,
        b: b.data().as_ptr(),
        b_stride: b.row_stride(),
        k: a.cols(),
        prefetch: Some(prefetch),
    };
    let zero = [[simd.splat(0.0); NV]; MR];
    // SAFETY: the sizes are as asserted, and a `MatRef` holds its elements.
    let sums = unsafe { simd.add_up::<MR, NV>(zero, operands) };
    finish::write(simd, sums, c, finish);
}

/// What a tile adds up over k: the products of MR rows of A with rows of B of NV vectors.
#[derive(Clone, Copy)]
pub struct Operands {
    /// `(MR, k)`, by rows or by columns: one of its strides is 1.
    pub a: *const f32,
    pub row_stride: usize,
    pub col_stride: usize,
    /// `(k, NV vectors)`, with contiguous rows.
    pub b: *const f32,
    pub b_stride: usize,
    pub k: usize,
    pub prefetch: Option<Prefetch>,
}

/// Adds the products of a tile to `sums`, as the compiler writes it.
///
/// # Safety
/// `operands` holds what it says.
#[inline(always)]
pub unsafe fn add_up<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    sums: [[S::F; NV]; MR],
    operands: Operands,
) -> [[S::F; NV]; MR] {
    // Two loops, in each of which one stride of A is 1 at compile time, so that the other alone
    // takes a register.
    let by_rows = Operands { col_stride: 1, ..operands };
    let by_columns = Operands { row_stride: 1, ..operands };
    // SAFETY: the caller's; one of the strides is 1.
    unsafe {
        if operands.col_stride == 1 {
            steps(simd, sums, by_rows)
        } else {
            steps(simd, sums, by_columns)
        }
    }
}

/// The loop over k.
///
/// # Safety
/// `operands` holds what it says.
#[inline(always)]
unsafe fn steps<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    mut sums: [[S::F; NV]; MR],
    operands: Operands,
) -> [[S::F; NV]; MR] {
    let k = operands.k;
    let Some(prefetch) = operands.prefetch else {
        for p in 0..k {
            // SAFETY: the caller's.
            unsafe { step(simd, &mut sums, &operands, p) };
        }
        return sums;
    };
    let mut line = prefetch.start;
    for first in (0..k).step_by(FLOATS_PER_LINE) {
        let mut next = line;
        for p in first..k.min(first + FLOATS_PER_LINE) {
            simd.prefetch(next);
            next = next.wrapping_add(prefetch.step);
            // SAFETY: the caller's.
            unsafe { step(simd, &mut sums, &operands, p) };
        }
        line = line.wrapping_add(prefetch.line);
    }
    sums
}

/// Step `p` of the loop over k.
///
/// # Safety
/// `operands` holds what it says, and `p` is below its k.
#[inline(always)]
unsafe fn step<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    sums: &mut [[S::F; NV]; MR],
    operands: &Operands,
    p: usize,
) {
    let &Operands { a, row_stride, col_stride, b, b_stride, .. } = operands;
    // SAFETY: row `p` of B exists, is contiguous and NV vectors long.
    let b = unsafe { std::slice::from_raw_parts(b.add(p * b_stride), NV * S::LANES) };
    let mut row = [simd.splat(0.0); NV];
    for (v, b_v) in row.iter_mut().enumerate() {
        *b_v = simd.load(&b[v * S::LANES..]);
    }
    for (i, sums_i) in sums.iter_mut().enumerate() {
        // SAFETY: `(i, p)` is an element of A.
        let a = simd.splat(unsafe { *a.add(i * row_stride + p * col_stride) });
        for (sum, b_v) in sums_i.iter_mut().zip(row) {
            *sum = simd.mul_add(a, b_v, *sum);
        }
    }
}

#[cfg(test)]
mod tests;
