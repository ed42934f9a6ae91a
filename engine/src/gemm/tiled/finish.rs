//! The way of a tile of C from registers to memory.

use crate::gemm::epilogue::{Finish, Rectifier};
use crate::gemm::matrix::MatMut;
use crate::hardware::simd::{MAX_LANES, Simd};

/// Writes `c = finish(sums)`. C takes all vectors; the last of several ends with its columns, over
/// the end of the one before, and holds the same there.
#[inline(always)]
pub fn write<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    sums: [[S::F; NV]; MR],
    c: &mut MatMut,
    finish: Finish,
) {
    if c.col_stride() == 1 && c.cols() >= S::LANES {
        full(simd, sums, c, finish);
    } else if c.col_stride() == 1 && NV == 1 {
        ragged(simd, sums.map(|row| row[0]), c, finish);
    } else {
        scattered(simd, sums, c, finish);
    }
}

/// The first column of vector `v`, of `NV` for `w` columns.
#[inline(always)]
fn first<S: Simd, const NV: usize>(v: usize, w: usize) -> usize {
    if v + 1 == NV { w.saturating_sub(S::LANES) } else { v * S::LANES }
}

/// The rectifier of a tile.
#[inline(always)]
pub fn rectify<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    rectifier: Rectifier,
    sums: &mut [[S::F; NV]; MR],
) {
    let zero = simd.splat(0.0);
    if rectifier.is_there() {
        for row in &mut *sums {
            for sum in row {
                *sum = simd.max(zero, *sum);
            }
        }
    }
    if rectifier == Rectifier::Relu6 {
        let six = simd.splat(6.0);
        for row in sums {
            for sum in row {
                *sum = simd.min(six, *sum);
            }
        }
    }
}

/// Writes a tile of whole vectors. One step of the epilogue after the other, each over all
/// registers: a loop that takes all steps with one register at a time is too long for the compiler
/// to unroll, and then the registers are spilled.
#[inline(always)]
fn full<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    mut sums: [[S::F; NV]; MR],
    c: &mut MatMut,
    finish: Finish,
) {
    let w = c.cols();
    assert!(c.rows() == MR && c.col_stride() == 1);
    assert!(w <= NV * S::LANES && w >= S::LANES * if NV > 1 { NV - 1 } else { 1 });
    let (start, stride) = (c.as_mut_ptr(), c.row_stride());
    if finish.alpha != 1.0 {
        let alpha = simd.splat(finish.alpha);
        for row in &mut sums {
            for sum in row {
                *sum = simd.mul(alpha, *sum);
            }
        }
    }
    if finish.beta != 0.0 {
        let beta = simd.splat(finish.beta);
        for (i, row) in sums.iter_mut().enumerate() {
            for (v, sum) in row.iter_mut().enumerate() {
                let at = i * stride + first::<S, NV>(v, w);
                // SAFETY: row `i` of C exists and is contiguous, and the vector lies within its `w`
                // columns, as asserted; a `MatMut` owns its elements.
                let old = unsafe { std::slice::from_raw_parts(start.add(at), S::LANES) };
                *sum = simd.mul_add(beta, simd.load(old), *sum);
            }
        }
    }
    match finish.epilogue.bias {
        None => {}
        Some(bias) if finish.transposed => {
            for (row, &bias) in sums.iter_mut().zip(&bias[..MR]) {
                for sum in row {
                    *sum = simd.add(*sum, simd.splat(bias));
                }
            }
        }
        Some(bias) => {
            let bias = &bias[..w];
            for v in 0..NV {
                let bias_v = simd.load(&bias[first::<S, NV>(v, w)..]);
                for row in &mut sums {
                    row[v] = simd.add(row[v], bias_v);
                }
            }
        }
    }
    rectify(simd, finish.epilogue.rectifier, &mut sums);
    for (i, row) in sums.into_iter().enumerate() {
        for (v, sum) in row.into_iter().enumerate() {
            let at = i * stride + first::<S, NV>(v, w);
            // SAFETY: as above.
            let out = unsafe { std::slice::from_raw_parts_mut(start.add(at), S::LANES) };
            simd.store(sum, out);
        }
    }
}

/// Writes a tile narrower than a vector, whose rows are contiguous.
#[inline(always)]
fn ragged<S: Simd, const MR: usize>(simd: S, sums: [S::F; MR], c: &mut MatMut, finish: Finish) {
    let w = c.cols();
    let (alpha, beta) = (simd.splat(finish.alpha), simd.splat(finish.beta));
    for (i, sum) in sums.into_iter().enumerate() {
        let out = c.row(i, 0, w);
        let mut x = simd.mul(alpha, sum);
        if finish.beta != 0.0 {
            x = simd.mul_add(beta, simd.load_head(out), x);
        }
        match finish.epilogue.bias {
            None => {}
            Some(bias) if finish.transposed => x = simd.add(x, simd.splat(bias[i])),
            Some(bias) => x = simd.add(x, simd.load_head(&bias[..w])),
        }
        x = finish.epilogue.rectifier.apply(simd, x);
        simd.store_head(x, out);
    }
}

/// Writes a tile of any strides, by columns, since these are the contiguous ones if any are.
#[inline(always)]
fn scattered<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    sums: [[S::F; NV]; MR],
    c: &mut MatMut,
    finish: Finish,
) {
    let mut lines = [[[0.0f32; MAX_LANES]; NV]; MR];
    let alpha = simd.splat(finish.alpha);
    for i in 0..MR {
        for v in 0..NV {
            simd.store(simd.mul(alpha, sums[i][v]), &mut lines[i][v]);
        }
    }
    let w = c.cols();
    for j in 0..w {
        let v = j / S::LANES;
        let lane = if v + 1 == NV { j - first::<S, NV>(v, w) } else { j % S::LANES };
        for (i, line) in lines.iter().enumerate() {
            let out = c.at(i, j);
            let mut x = line[v][lane];
            if finish.beta != 0.0 {
                x += finish.beta * *out;
            }
            *out = finish.epilogue.apply(x, if finish.transposed { i } else { j });
        }
    }
}
