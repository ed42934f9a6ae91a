//! The sums of rows whose zeros are skipped: the innermost loop.
//!
//! An element of A takes 12 instructions for 8 multiply-adds: 8 that load a vector of B and
//! multiply, 2 that load the element and its column, a shift that makes an address of the column,
//! and a quarter of the loop's 4. Bounds checks and a loop that is not unrolled made it 18, which a
//! core whose sibling is at work issues in 6 cycles. The limit is 4.5 cycles then, for a core that
//! loads 2 vectors in each: there are 9.

use super::VECTORS;
use super::compress::Nonzeros;
use crate::hardware::memory::FLOATS_PER_LINE;
use crate::hardware::simd::{Kernel, Simd};

/// Elements of a row in a step of the loop.
const UNROLLED: usize = 4;

/// Rows from the one that is multiplied to the one whose elements are fetched: they are too few for
/// the processor to see where this leads. It is a tenth of the time.
const AHEAD: usize = 2;

/// Some rows of A times one part of B.
pub struct Rows<'a> {
    pub nonzeros: Nonzeros<'a>,
    /// The first row of A, and how many.
    pub first: usize,
    pub group: usize,
    /// The number of the part of k.
    pub part: usize,
    /// `(depth of the part, width)`, the width being whole vectors
    pub b: &'a [f32],
    pub width: usize,
    pub from_zero: bool,
    /// `(group, width)`
    pub sums: &'a mut [f32],
}

impl Rows<'_> {
    /// Adds the products to the sums, or begins from zero.
    #[inline(always)]
    pub fn add_up<S: Simd>(self, simd: S) {
        match self.width / S::LANES {
            1 => add_up::<S, 1>(simd, self),
            2 => add_up::<S, 2>(simd, self),
            3 => add_up::<S, 3>(simd, self),
            4 => add_up::<S, 4>(simd, self),
            5 => add_up::<S, 5>(simd, self),
            6 => add_up::<S, 6>(simd, self),
            7 => add_up::<S, 7>(simd, self),
            _ => add_up::<S, VECTORS>(simd, self),
        }
    }
}

/// One function per width: together they would be one that the compiler can no longer keep in
/// registers.
#[inline(never)]
fn add_up<S: Simd, const NV: usize>(simd: S, rows: Rows) {
    simd.vectorize(Width::<NV>(rows));
}

/// Rows whose width is known at compile time.
struct Width<'a, const NV: usize>(Rows<'a>);

impl<const NV: usize> Kernel for Width<'_, NV> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Rows { nonzeros, first, group, part, b, width, from_zero, sums } = self.0;
        assert!(width == NV * S::LANES && b.len() == nonzeros.depth(part) * width);
        let sums = &mut sums[..group * width];
        for (i, out) in sums.chunks_exact_mut(NV * S::LANES).enumerate() {
            if let Some((columns, values)) = nonzeros.row(first + i + AHEAD, part) {
                for t in (0..columns.len()).step_by(FLOATS_PER_LINE) {
                    simd.prefetch(columns.as_ptr().wrapping_add(t).cast());
                    simd.prefetch(values.as_ptr().wrapping_add(t));
                }
            }
            let (columns, values) = nonzeros.row(first + i, part).expect("rows of A");
            let mut sums = [simd.splat(0.0); NV];
            if !from_zero {
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = simd.load(&out[v * S::LANES..]);
                }
            }
            // Pointers that advance, so that no address needs an index beside the column's.
            let (mut column, mut value) = (columns.as_ptr(), values.as_ptr());
            let mut element = || {
                // SAFETY: this runs once for each element of the row, whose columns are below the
                // depth of the part, as `Nonzeros` says: so many rows B has, as asserted.
                let (a, b) = unsafe {
                    let row = b.as_ptr().add(*column as usize * (NV * S::LANES));
                    let a = *value;
                    (column, value) = (column.add(1), value.add(1));
                    (a, std::slice::from_raw_parts(row, NV * S::LANES))
                };
                let a = simd.splat(a);
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = simd.mul_add(a, simd.load(&b[v * S::LANES..]), *sum);
                }
            };
            for _ in 0..columns.len() / UNROLLED {
                for _ in 0..UNROLLED {
                    element();
                }
            }
            for _ in 0..columns.len() % UNROLLED {
                element();
            }
            for (v, sum) in sums.iter().enumerate() {
                simd.store(*sum, &mut out[v * S::LANES..]);
            }
        }
    }
}
