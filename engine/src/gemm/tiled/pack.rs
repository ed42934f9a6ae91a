//! Packing: copies of blocks of A and B in the order in which the micro-kernel reads them.

use crate::gemm::matrix::MatRef;
use crate::hardware::simd::{MAX_LANES, Simd, map};

/// The rows of B, or columns of A, that are packed at a time.
const BAND: usize = 16;

/// True for a B that is likely to lie beyond the level-2 cache. One that fits into the caches is
/// not prefetched: that would take a sixth of its packing time.
pub fn lies_far(b: MatRef) -> bool {
    b.rows() * b.cols() > 1 << 16
}

/// Copies `b: (k, n)`, a block of B, to `out` by micro-panels `nr` wide: each `(k, nr)`, the last
/// one `(k, n mod nr)`, filled up with anything to whole vectors. That meets only those columns of
/// a tile that are not stored. If B lies `far`, what comes next is fetched.
#[inline(always)]
pub fn pack_b<S: Simd>(simd: S, b: MatRef, nr: usize, far: bool, out: &mut [f32]) {
    // Rows are copied 16 at a time across all panels, so that the processor's prefetchers see long
    // runs: 5 % of a product of 512 cubed. For columns it made no difference.
    let (k, n) = (b.rows(), b.cols());
    let band = if b.col_stride() == 1 { BAND } else { k.max(1) };
    for p in (0..k).step_by(band) {
        let rows = band.min(k - p);
        for j in (0..n).step_by(nr) {
            let w = nr.min(n - j);
            let width = w.next_multiple_of(S::LANES);
            let out = &mut out[j * k + p * width..][..rows * width];
            let b = b.block(p, rows, j, w);
            if b.col_stride() == 1 {
                copy_rows(simd, b, width, far, out);
            } else {
                copy_columns(simd, b, width, far, out);
            }
        }
    }
}

/// Copies `b: (k, w)`, whose rows are contiguous, to `out: (k, width)`.
#[inline(always)]
fn copy_rows<S: Simd>(simd: S, b: MatRef, width: usize, far: bool, out: &mut [f32]) {
    let w = b.cols();
    if w == 2 * S::LANES && !far {
        return simd.copy_rows::<2>(b.data(), b.row_stride(), b.rows(), out, width);
    }
    for (p, out) in out.chunks_exact_mut(width).enumerate() {
        let row = &b.data()[p * b.row_stride()..][..w];
        // The rows of the next band, which are too many streams for the processor to follow.
        let ahead = row.as_ptr().wrapping_add(BAND.wrapping_mul(b.row_stride()));
        for (v, out) in out.chunks_exact_mut(S::LANES).enumerate() {
            if far {
                simd.prefetch(ahead.wrapping_add(v * S::LANES));
            }
            simd.store(simd.load_at(row, v * S::LANES), out);
        }
    }
}

/// Copies `b: (k, w)` of any strides to `out: (k, width)`, by blocks that are transposed in
/// registers.
#[inline(always)]
fn copy_columns<S: Simd>(simd: S, b: MatRef, width: usize, far: bool, out: &mut [f32]) {
    let (k, w) = (b.rows(), b.cols());
    if b.row_stride() != 1 || k < S::LANES {
        for j in 0..w {
            for p in 0..k {
                out[p * width + j] = b.at(p, j);
            }
        }
        return;
    }
    for p in (0..k).step_by(S::LANES) {
        // The last block of a column or of a row overlaps the one before.
        let p = p.min(k - S::LANES);
        for j in (0..w).step_by(S::LANES) {
            let j = j.min(w.saturating_sub(S::LANES));
            let columns = S::LANES.min(w);
            let x = &b.data()[p + j * b.col_stride()..];
            // The columns of the next panel.
            if far {
                let ahead = x.as_ptr().wrapping_add(width.wrapping_mul(b.col_stride()));
                for c in 0..S::LANES {
                    simd.prefetch(ahead.wrapping_add(c.wrapping_mul(b.col_stride())));
                }
            }
            let out = &mut out[p * width + j..];
            if columns == S::LANES {
                simd.transpose(x, b.col_stride(), out, width);
            } else {
                simd.transpose_head(x, b.col_stride(), columns, out, width);
            }
        }
    }
}

/// Copies `a: (m, k)`, a block of A whose columns are contiguous, to `out` by strips of `height`
/// rows: strip `s` is `(k, height)`, and starts at `s` times [`packed_strip`].
#[inline(always)]
pub fn pack_a_columns<S: Simd>(simd: S, a: MatRef, height: usize, out: &mut [f32]) {
    // Some columns at a time across all strips, to read in long runs as for B.
    let (m, k) = (a.rows(), a.cols());
    for p in (0..k).step_by(BAND) {
        let columns = BAND.min(k - p);
        for strip in 0..m / height.max(1) {
            let a = a.block(strip * height, height, p, columns);
            let out = &mut out[strip * packed_strip(height, k) + p * height..];
            copy_strip(simd, a, out);
        }
    }
}

/// Copies `a: (height, k)`, whose columns are contiguous, column by column.
#[inline(always)]
fn copy_strip<S: Simd>(simd: S, a: MatRef, out: &mut [f32]) {
    let (height, stride, from) = (a.rows(), a.col_stride(), a.data());
    // A whole vector where it leaves neither: what is copied too much, the next column overwrites,
    // or it lands in the gap between the strips. The last columns of A may have none.
    let whole = match from.len().checked_sub(S::LANES) {
        Some(last) if height <= S::LANES && last >= (a.cols() - 1) * stride => a.cols(),
        Some(last) if height <= S::LANES => (last / stride + 1).min(a.cols()),
        _ => 0,
    };
    if whole > 0 {
        simd.copy_rows::<1>(from, stride, whole, out, height);
    }
    for p in whole..a.cols() {
        out[p * height..][..height].copy_from_slice(&from[p * stride..][..height]);
    }
}

/// The gap between strips packed by columns: no strip is taller than the widest vector.
pub const OVERRUN: usize = MAX_LANES;

/// The floats from a strip packed by [`pack_a_columns`] to the next.
#[inline(always)]
pub fn packed_strip(height: usize, k: usize) -> usize {
    height * k + OVERRUN
}

/// Copies `a: (rows, k)`, a strip of A, to rows of `stride` floats.
#[inline(always)]
pub fn pack_a_rows<S: Simd>(simd: S, a: MatRef, stride: usize, out: &mut [f32]) {
    let k = a.cols();
    for (i, out) in out.chunks_exact_mut(stride).enumerate().take(a.rows()) {
        let out = &mut out[..k];
        if a.col_stride() == 1 && k > 0 {
            let row = &a.data()[i * a.row_stride()..][..k];
            map!(simd, out, [row], row);
        } else {
            out.iter_mut().enumerate().for_each(|(p, out)| *out = a.at(i, p));
        }
    }
}
