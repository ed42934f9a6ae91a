//! The micro-kernel: a tile of C held in registers while k runs, written once for all ISAs.
//!
//! A tile of `MR` rows by `NV` vectors takes `MR NV` accumulators, `NV` registers for a row of B, and one
//! for the element of A that is broadcast (AVX-512 broadcasts from memory within the multiplication).
//! `MR` comes in every height up to the tallest, so that the rows of C need no padding: rows are
//! spread evenly over as few panels as can hold them.

use super::matrix::{MatMut, MatRef};
use crate::simd::{Kernel, Simd};

/// What happens to a tile after its products are summed: `c = relu(alpha sum + beta c + bias)`.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    pub alpha: f32,
    /// If 0, C is not read.
    pub beta: f32,
    pub bias: Option<Bias<'a>>,
    pub relu: bool,
}

/// What to add to C.
#[derive(Clone, Copy)]
pub(super) enum Bias<'a> {
    /// One number per row of C.
    Rows(&'a [f32]),
    /// One number per column of C.
    Columns(&'a [f32]),
}

impl<'a> Bias<'a> {
    /// For C transposed.
    pub(super) fn transposed(self) -> Bias<'a> {
        match self {
            Bias::Rows(bias) => Bias::Columns(bias),
            Bias::Columns(bias) => Bias::Rows(bias),
        }
    }
}

impl<'a> Finish<'a> {
    /// For the block of C from row `i` and column `j` on.
    #[inline(always)]
    pub(super) fn from(self, i: usize, j: usize) -> Finish<'a> {
        let bias = self.bias.map(|bias| match bias {
            Bias::Rows(bias) => Bias::Rows(&bias[i..]),
            Bias::Columns(bias) => Bias::Columns(&bias[j..]),
        });
        Finish { bias, ..self }
    }
}

/// A block of B as the micro-kernel takes it, by micro-panels: those that are read where they are, and
/// then those that are packed.
#[derive(Clone, Copy)]
pub(super) struct PanelsB<'a> {
    /// `(k, a multiple of NR)`, with contiguous rows.
    pub in_place: MatRef<'a>,
    /// One micro-panel `(k, NR)` after the other; the last may be narrower by whole vectors.
    pub packed: &'a [f32],
}

/// A micro-panel of A times micro-panels of B: one strip of a block of C.
pub(super) struct Strip<'a> {
    /// `(MR, k)`
    pub a: MatRef<'a>,
    /// `(k, n)`
    pub b: PanelsB<'a>,
    /// `(MR, n)`
    pub c: MatMut<'a>,
    pub finish: Finish<'a>,
}

/// The widest tile of all ISAs, in vectors.
const NRV: usize = 2;

/// An ISA with its tile: the loops around the micro-kernel ask it for the shape.
pub(super) trait Tile: Simd {
    /// The tallest tile, in rows.
    const MR: usize;
    /// The widest tile, in columns.
    const NR: usize = NRV * Self::LANES;

    /// Runs the micro-kernel of the strip's height along the strip.
    fn strip(self, strip: Strip);
}

/// Gives an ISA its tile; the heights have to be all those from 1 to the tallest.
macro_rules! tile {
    ($isa:ty, $mr:literal rows, heights $($height:literal)+) => {
        impl Tile for $isa {
            const MR: usize = $mr;

            #[inline(always)]
            fn strip(self, strip: Strip) {
                match strip.c.rows() {
                    $( $height => height::<Self, $height>(self, strip), )+
                    rows => unreachable!("a strip of {rows} rows"),
                }
            }
        }
    };
}

// 14 x 2: 28 accumulators, 2 registers of B: 30 of 32 registers, and 28 multiplications for 16 loads.
tile!(crate::simd::Avx512, 14 rows, heights 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
// 6 x 2: 12 accumulators, 2 registers of B and 1 of A: 15 of 16 registers, and 12 multiplications for 8 loads.
tile!(crate::simd::Avx2, 6 rows, heights 1 2 3 4 5 6);

/// One function per height: together, and inlined, they would be one function of 30,000 instructions.
#[inline(never)]
fn height<S: Tile, const MR: usize>(simd: S, strip: Strip) {
    simd.vectorize(Height::<MR>(strip));
}

/// A strip whose height is known at compile time.
struct Height<'a, const MR: usize>(Strip<'a>);

impl<const MR: usize> Kernel for Height<'_, MR> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Strip { a, b, mut c, finish } = self.0;
        let (k, n, nr) = (a.cols(), c.cols(), NRV * S::LANES);
        let in_place = b.in_place.cols();
        // Loop jr
        for j in (0..n).step_by(nr) {
            let w = nr.min(n - j);
            let finish = finish.from(0, j);
            let mut c = c.block(0, MR, j, w);
            if j < in_place {
                let b = b.in_place.block(0, k, j, nr);
                tile::<S, MR, NRV>(simd, a, b, &mut c, finish);
            } else {
                let width = w.next_multiple_of(S::LANES);
                let b = &b.packed[(j - in_place) * k..][..k * width];
                let b = MatRef::with_strides(b, k, width, width, 1);
                if width > S::LANES {
                    tile::<S, MR, NRV>(simd, a, b, &mut c, finish);
                } else {
                    tile::<S, MR, 1>(simd, a, b, &mut c, finish);
                }
            }
        }
    }
}

/// The micro-kernel: `c = finish(a b)` for `a: (MR, k)`, `b: (k, NV vectors)` with contiguous rows, and
/// `c: (MR, w)`, where `w` is at most the width of `b`.
#[inline(always)]
fn tile<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    a: MatRef,
    b: MatRef,
    c: &mut MatMut,
    finish: Finish,
) {
    assert!(c.rows() == MR && c.cols() <= NV * S::LANES);
    let sums = products::<S, MR, NV>(simd, a, b);
    if c.col_stride() == 1 && c.cols() == NV * S::LANES {
        finish_full(simd, sums, c, finish);
    } else if c.col_stride() == 1 {
        finish_ragged(simd, sums, c, finish);
    } else {
        finish_scattered(simd, sums, c, finish);
    }
}

/// The sums over k of the products.
#[inline(always)]
fn products<S: Simd, const MR: usize, const NV: usize>(simd: S, a: MatRef, b: MatRef) -> [[S::F; NV]; MR] {
    // Two loops, in each of which one stride of A is 1 at compile time, so that the other alone takes a
    // register: A by rows, packed or in place, and A packed by columns.
    if a.col_stride() == 1 {
        sum_up::<S, MR, NV>(simd, a, a.row_stride(), 1, b)
    } else {
        assert!(a.row_stride() == 1, "an A neither by rows nor by columns has to be packed");
        sum_up::<S, MR, NV>(simd, a, 1, a.col_stride(), b)
    }
}

/// The loop over k, for A with these strides.
#[inline(always)]
fn sum_up<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    a: MatRef,
    row_stride: usize,
    col_stride: usize,
    b: MatRef,
) -> [[S::F; NV]; MR] {
    let (k, width, b_stride) = (a.cols(), NV * S::LANES, b.row_stride());
    assert!(a.rows() == MR && a.row_stride() == row_stride && a.col_stride() == col_stride);
    assert!(b.rows() == k && b.cols() == width && b.col_stride() == 1);
    let (a, b) = (a.data().as_ptr(), b.data().as_ptr());
    let mut sums = [[simd.splat(0.0); NV]; MR];
    for p in 0..k {
        // SAFETY: row `p` of B exists, is contiguous and `width` long, as asserted; a `MatRef` holds its elements.
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
    sums
}

/// Writes a tile of whole vectors. One step of the epilogue after the other, each over all registers: a
/// loop that takes all steps with one register at a time is too long for the compiler to
/// unroll, and then the registers are spilled.
#[inline(always)]
fn finish_full<S: Simd, const MR: usize, const NV: usize>(
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
            // SAFETY: row `i` of C exists, is contiguous and `NV` vectors long, as asserted; a `MatMut` owns
            // its elements.
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
fn finish_ragged<S: Simd, const MR: usize, const NV: usize>(
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
                Some(Bias::Columns(bias)) => x = simd.add(x, simd.load_at(&bias[start..start + len], 0)),
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
fn finish_scattered<S: Simd, const MR: usize, const NV: usize>(
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

#[cfg(test)]
mod tests;
