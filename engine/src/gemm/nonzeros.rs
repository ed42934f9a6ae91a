//! What is not 0 in a row, and how much of a matrix that is: for all products that skip zeros.

use super::matrix::MatRef;
use crate::hardware::simd::{Isa, Simd, kernel};

/// Writes the elements of a row that are not 0 and their columns, each with room for a vector more
/// than the row has elements; returns how many there are. Both 0.0 and -0.0 are left out, NaNs are
/// not.
#[inline(always)]
pub(crate) fn compress_row<S: Simd>(
    s: S,
    row: &[f32],
    values: &mut [f32],
    columns: &mut [u32],
) -> usize {
    let (whole, mut count) = (row.len() - row.len() % S::LANES, 0);
    for p in (0..whole).step_by(S::LANES) {
        let (values, columns) = (&mut values[count..], &mut columns[count..]);
        count += s.compress(s.load(&row[p..]), p as u32, values, columns);
    }
    if whole < row.len() {
        let (values, columns) = (&mut values[count..], &mut columns[count..]);
        count += s.compress(s.load_head(&row[whole..]), whole as u32, values, columns);
    }
    count
}

/// The share of elements that are not 0 in some rows (or columns, whichever lie contiguous) of A:
/// one of sixteen, but four at least. It takes a hundredth of the time that compressing takes.
pub(crate) fn sampled_density(isa: Isa, a: MatRef) -> f32 {
    let a = if a.col_stride() == 1 { a } else { a.transposed() };
    assert!(a.col_stride() == 1, "neither rows nor columns are contiguous");
    let step = (a.rows() / 4).clamp(1, 16);
    let sampled = a.rows().div_ceil(step) * a.cols();
    count_nonzeros(isa, a, step) as f32 / sampled.max(1) as f32
}

kernel! {
    /// Counts the elements that are not 0 in every `step`th row, which is contiguous.
    fn count_nonzeros(_s, a: MatRef<'_>, step: usize) -> usize {
        let (mut count, k) = (0, a.cols());
        for i in (0..a.rows()).step_by(step) {
            // The compiler makes vectors of it.
            let mut in_row = 0u32;
            for &x in &a.data()[i * a.row_stride()..][..k] {
                in_row += u32::from(x != 0.0);
            }
            count += in_row as usize;
        }
        count
    }
}
