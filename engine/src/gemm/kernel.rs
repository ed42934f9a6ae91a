//! The micro-kernel: a tile of C held in registers while k runs, written once for all ISAs.
//!
//! A tile of `MR` rows by `NV` vectors takes `MR NV` accumulators, `NV` registers for a row of B,
//! and one for the element of A that is broadcast (AVX-512 broadcasts from memory within the
//! multiplication). `MR` comes in every height up to the tallest, so that the rows of C need no
//! padding: rows are spread evenly over as few panels as can hold them.

mod finish;
mod windows;

pub(super) use finish::{Bias, Finish};
pub(super) use windows::WindowStrips;

use super::matrix::{MatMut, MatRef};
use crate::hardware::simd::{Kernel, Simd};

/// A block of B as the micro-kernel takes it, by micro-panels: those that are read where they are,
/// and then those that are packed.
#[derive(Clone, Copy)]
pub(super) struct PanelsB<'a> {
    /// `(k, a multiple of NR)`, with contiguous rows.
    pub in_place: MatRef<'a>,
    /// One micro-panel `(k, NR)` after the other; the last may be narrower by whole vectors.
    pub packed: &'a [f32],
}

/// Strips of A of the same height, each a micro-panel, times micro-panels of B.
pub(super) struct Strips<'a> {
    /// Strip s has its element `(i, p)` at `s strip_stride + i row_stride + p col_stride`.
    pub a: &'a [f32],
    pub row_stride: usize,
    pub col_stride: usize,
    pub strip_stride: usize,
    /// The rows of a strip.
    pub height: usize,
    /// `(k, n)`
    pub b: PanelsB<'a>,
    /// `(a multiple of the height, n)`
    pub c: MatMut<'a>,
    pub finish: Finish<'a>,
    pub ahead: Ahead,
}

/// What to fetch into the cache while a strip is multiplied, a cache line for each step of k: where
/// it starts, and how many floats to go on after each step, after each [`LINE`] steps, and after
/// each strip. Addresses are never read: beyond the matrix lies what comes after, or nothing, which
/// does no harm.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    pub start: *const f32,
    pub step: usize,
    pub line: usize,
    pub strip: usize,
}

/// The widest tile of all ISAs, in vectors.
const NRV: usize = 2;

/// An ISA with its tile: the loops around the micro-kernel ask it for the shape.
pub(super) trait Tile: Simd {
    /// The tallest tile, in rows.
    const MR: usize;
    /// The widest tile, in columns.
    const NR: usize = NRV * Self::LANES;

    /// Runs the micro-kernel of the strips' height along the strips.
    fn strips(self, strips: Strips);

    /// The same along strips of windows of that height.
    fn window_strips(self, height: usize, strips: WindowStrips);
}

/// Gives an ISA its tile; the heights have to be all those from 1 to the tallest.
macro_rules! tile {
    ($isa:ty, $mr:literal rows, heights $($height:literal)+) => {
        impl Tile for $isa {
            const MR: usize = $mr;

            #[inline(always)]
            fn strips(self, mut strips: Strips) {
                match strips.height {
                    $( $height => height::<Self, $height>(self, &mut strips), )+
                    rows => unreachable!("strips of {rows} rows"),
                }
            }

            #[inline(always)]
            fn window_strips(self, height: usize, mut strips: WindowStrips) {
                match height {
                    $( $height => windows::height::<Self, $height>(self, &mut strips), )+
                    rows => unreachable!("strips of {rows} rows"),
                }
            }
        }
    };
}

// 14 x 2: 28 accumulators, 2 registers of B: 30 of 32 registers, and 28 multiplications for 16
// loads.
tile!(crate::hardware::simd::Avx512, 14 rows, heights 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
// 6 x 2: 12 accumulators, 2 registers of B and 1 of A: 15 of 16 registers, and 12 multiplications
// for 8 loads.
tile!(crate::hardware::simd::Avx2, 6 rows, heights 1 2 3 4 5 6);

/// One function per height: together, and inlined, they would be one function of 30,000
/// instructions.
#[inline(never)]
fn height<S: Tile, const MR: usize>(simd: S, strips: &mut Strips) {
    simd.vectorize(Height::<MR>(strips));
}

/// Strips whose height is known at compile time.
struct Height<'a, 'b, const MR: usize>(&'a mut Strips<'b>);

impl<const MR: usize> Kernel for Height<'_, '_, MR> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Strips { a, row_stride, col_stride, strip_stride, b, ref mut c, finish, ahead, .. } =
            *self.0;
        let (k, n, nr) = (b.in_place.rows(), c.cols(), NRV * S::LANES);
        let in_place = b.in_place.cols();
        // Loop ir
        for strip in 0..c.rows() / MR {
            let i = strip * MR;
            let a = MatRef::with_strides(&a[strip * strip_stride..], MR, k, row_stride, col_stride);
            let ahead = Ahead { start: ahead.start.wrapping_add(strip * ahead.strip), ..ahead };
            // Loop jr
            for j in (0..n).step_by(nr) {
                let w = nr.min(n - j);
                let finish = finish.from(i, j);
                let mut c = c.block(i, MR, j, w);
                if j < in_place {
                    // The rows of the next panel lie too far apart for the processor to see where
                    // this leads.
                    let stride = b.in_place.row_stride();
                    let b = b.in_place.block(0, k, j, nr);
                    let start = b.data().as_ptr().wrapping_add(nr);
                    let next =
                        Ahead { start, step: stride, line: LINE.wrapping_mul(stride), strip: 0 };
                    let ahead = if j + nr >= n { ahead } else { next };
                    tile::<S, MR, NRV>(simd, a, b, &mut c, finish, ahead);
                } else {
                    let width = w.next_multiple_of(S::LANES);
                    let b = &b.packed[(j - in_place) * k..][..k * width];
                    let b = MatRef::with_strides(b, k, width, width, 1);
                    // During the last tile: earlier, it would be in the way. To fetch what is in
                    // the cache already costs nothing, but a second loop that does not would.
                    let here = Ahead { start: a.data().as_ptr(), step: 0, line: 0, strip: 0 };
                    let ahead = if j + nr >= n { ahead } else { here };
                    if width > S::LANES {
                        tile::<S, MR, NRV>(simd, a, b, &mut c, finish, ahead);
                    } else {
                        tile::<S, MR, 1>(simd, a, b, &mut c, finish, ahead);
                    }
                }
            }
        }
    }
}

/// The micro-kernel: `c = finish(a b)` for `a: (MR, k)`, `b: (k, NV vectors)` with contiguous rows,
/// and `c: (MR, w)`, where `w` is at most the width of `b`.
#[inline(always)]
fn tile<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    a: MatRef,
    b: MatRef,
    c: &mut MatMut,
    finish: Finish,
    ahead: Ahead,
) {
    assert!(c.rows() == MR && c.cols() <= NV * S::LANES);
    if c.col_stride() == 1 {
        let (start, stride) = (c.as_mut_ptr(), c.row_stride());
        for i in 0..MR {
            for v in 0..NV {
                simd.prefetch(start.wrapping_add(i * stride + v * S::LANES));
            }
        }
    }
    let sums = products::<S, MR, NV>(simd, a, b, ahead);
    finish::write(simd, sums, c, finish);
}

/// The sums over k of the products.
#[inline(always)]
fn products<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    a: MatRef,
    b: MatRef,
    ahead: Ahead,
) -> [[S::F; NV]; MR] {
    // Two loops, in each of which one stride of A is 1 at compile time, so that the other alone
    // takes a register: A by rows, packed or in place, and A packed by columns.
    if a.col_stride() == 1 {
        sum_up::<S, MR, NV>(simd, a, a.row_stride(), 1, b, ahead)
    } else {
        assert!(a.row_stride() == 1, "an A neither by rows nor by columns has to be packed");
        sum_up::<S, MR, NV>(simd, a, 1, a.col_stride(), b, ahead)
    }
}

/// The floats of a cache line.
pub(super) const LINE: usize = 16;

/// The loop over k, for A with these strides.
#[inline(always)]
fn sum_up<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    a: MatRef,
    row_stride: usize,
    col_stride: usize,
    b: MatRef,
    ahead: Ahead,
) -> [[S::F; NV]; MR] {
    let (k, width, b_stride) = (a.cols(), NV * S::LANES, b.row_stride());
    assert!(a.rows() == MR && a.row_stride() == row_stride && a.col_stride() == col_stride);
    assert!(b.rows() == k && b.cols() == width && b.col_stride() == 1);
    let (a, b) = (a.data().as_ptr(), b.data().as_ptr());
    let mut sums = [[simd.splat(0.0); NV]; MR];
    let mut line = ahead.start;
    for first in (0..k).step_by(LINE) {
        let mut next = line;
        for p in first..k.min(first + LINE) {
            simd.prefetch(next);
            next = next.wrapping_add(ahead.step);
            // SAFETY: row `p` of B exists, is contiguous and `width` long, as asserted; a `MatRef`
            // holds its elements.
            let b = unsafe { std::slice::from_raw_parts(b.add(p * b_stride), width) };
            let mut row = [simd.splat(0.0); NV];
            for (v, row) in row.iter_mut().enumerate() {
                *row = simd.load(&b[v * S::LANES..]);
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                // SAFETY: `(i, p)` is an element of A, as asserted; a `MatRef` holds its elements.
                let a = simd.splat(unsafe { *a.add(i * row_stride + p * col_stride) });
                for (sum, b) in sums.iter_mut().zip(row) {
                    *sum = simd.mul_add(a, b, *sum);
                }
            }
        }
        line = line.wrapping_add(ahead.line);
    }
    sums
}

#[cfg(test)]
mod tests;
