//! What happens to a tile of C on its way from registers to memory.

use crate::gemm::Epilogue;
use crate::gemm::matrix::MatMut;
use crate::hardware::simd::Simd;

/// What happens to a tile after its products are summed: `c = relu(alpha sum + beta c + bias)`.
#[derive(Clone, Copy)]
pub(in crate::gemm) struct Finish<'a> {
    pub alpha: f32,
    /// If 0, C is not read.
    pub beta: f32,
    pub bias: Option<Bias<'a>>,
    pub relu: bool,
}

/// What to add to C.
#[derive(Clone, Copy)]
pub(in crate::gemm) enum Bias<'a> {
    /// One number per row of C.
    Rows(&'a [f32]),
    /// One number per column of C.
    Columns(&'a [f32]),
}

impl<'a> Bias<'a> {
    /// For C transposed.
    pub(in crate::gemm) fn transposed(self) -> Bias<'a> {
        match self {
            Bias::Rows(bias) => Bias::Columns(bias),
            Bias::Columns(bias) => Bias::Rows(bias),
        }
    }
}

impl<'a> Finish<'a> {
    /// With what comes after the sums of a whole product.
    pub(in crate::gemm) fn new(alpha: f32, beta: f32, epilogue: Epilogue<'a>) -> Finish<'a> {
        Finish { alpha, beta, bias: epilogue.bias.map(Bias::Columns), relu: epilogue.relu }
    }

    /// For the block of C from row `i` and column `j` on.
    #[inline(always)]
    pub(in crate::gemm) fn from(self, i: usize, j: usize) -> Finish<'a> {
        let bias = self.bias.map(|bias| match bias {
            Bias::Rows(bias) => Bias::Rows(&bias[i..]),
            Bias::Columns(bias) => Bias::Columns(&bias[j..]),
        });
        Finish { bias, ..self }
    }
}

/// Writes `c = finish(sums)`, for C no wider than the sums.
#[inline(always)]
pub(super) fn write<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    sums: [[S::F; NV]; MR],
    c: &mut MatMut,
    finish: Finish,
) {
    if c.col_stride() == 1 && c.cols() == NV * S::LANES {
        full(simd, sums, c, finish);
    } else if c.col_stride() == 1 {
        ragged(simd, sums, c, finish);
    } else {
        scattered(simd, sums, c, finish);
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
    assert!(c.rows() == MR && c.cols() == NV * S::LANES && c.col_stride() == 1);
    let (start, stride) = (c.as_mut_ptr(), c.row_stride());
    if finish.alpha != 1.0 {
        let alpha = simd.splat(finish.alpha);
        for sums in &mut sums {
            for sum in sums {
                *sum = simd.mul(alpha, *sum);
            }
        }
    }
    if finish.beta != 0.0 {
        let beta = simd.splat(finish.beta);
        for (i, sums) in sums.iter_mut().enumerate() {
            // SAFETY: row `i` of C exists, is contiguous and `NV` vectors long, as asserted; a
            // `MatMut` owns its elements.
            let c = unsafe { std::slice::from_raw_parts(start.add(i * stride), NV * S::LANES) };
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = simd.mul_add(beta, simd.load(&c[v * S::LANES..]), *sum);
            }
        }
    }
    match finish.bias {
        None => {}
        Some(Bias::Rows(bias)) => {
            for (sums, &bias) in sums.iter_mut().zip(&bias[..MR]) {
                for sum in sums {
                    *sum = simd.add(*sum, simd.splat(bias));
                }
            }
        }
        Some(Bias::Columns(bias)) => {
            let bias = &bias[..NV * S::LANES];
            for v in 0..NV {
                let bias = simd.load(&bias[v * S::LANES..]);
                for sums in &mut sums {
                    sums[v] = simd.add(sums[v], bias);
                }
            }
        }
    }
    if finish.relu {
        let zero = simd.splat(0.0);
        for sums in &mut sums {
            for sum in sums {
                *sum = simd.max(zero, *sum);
            }
        }
    }
    for (i, sums) in sums.into_iter().enumerate() {
        // SAFETY: as above.
        let c = unsafe { std::slice::from_raw_parts_mut(start.add(i * stride), NV * S::LANES) };
        for (v, sum) in sums.into_iter().enumerate() {
            simd.store(sum, &mut c[v * S::LANES..]);
        }
    }
}

/// Writes a tile whose rows are contiguous, but end within a vector.
#[inline(always)]
fn ragged<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    sums: [[S::F; NV]; MR],
    c: &mut MatMut,
    finish: Finish,
) {
    let w = c.cols();
    let (alpha, beta) = (simd.splat(finish.alpha), simd.splat(finish.beta));
    let zero = simd.splat(0.0);
    for (i, sums) in sums.into_iter().enumerate() {
        for (v, sum) in sums.into_iter().enumerate() {
            let start = v * S::LANES;
            let len = S::LANES.min(w - start);
            let out = c.row(i, start, len);
            let mut x = simd.mul(alpha, sum);
            if finish.beta != 0.0 {
                x = simd.mul_add(beta, simd.load_at(out, 0), x);
            }
            match finish.bias {
                None => {}
                Some(Bias::Rows(bias)) => x = simd.add(x, simd.splat(bias[i])),
                Some(Bias::Columns(bias)) => {
                    x = simd.add(x, simd.load_at(&bias[start..start + len], 0))
                }
            }
            if finish.relu {
                x = simd.max(zero, x);
            }
            simd.store_at(x, out, 0);
        }
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
    const WIDEST: usize = 16;
    let mut lines = [[[0.0f32; WIDEST]; NV]; MR];
    let alpha = simd.splat(finish.alpha);
    for i in 0..MR {
        for v in 0..NV {
            simd.store(simd.mul(alpha, sums[i][v]), &mut lines[i][v]);
        }
    }
    for j in 0..c.cols() {
        for (i, line) in lines.iter().enumerate() {
            let out = c.at(i, j);
            let mut x = line[j / S::LANES][j % S::LANES];
            if finish.beta != 0.0 {
                x += finish.beta * *out;
            }
            match finish.bias {
                None => {}
                Some(Bias::Rows(bias)) => x += bias[i],
                Some(Bias::Columns(bias)) => x += bias[j],
            }
            if finish.relu && x <= 0.0 {
                x = 0.0;
            }
            *out = x;
        }
    }
}
