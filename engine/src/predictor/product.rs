//! The product of a block of rows and a layer's weights, with its bias and ReLU.
//!
//! Two kernels share the work, and a look at x decides:
//!
//! 1. **Dense rows** go through the micro-kernel of the matrix products, on weights that were
//!    packed for it once.
//! 2. **Single rows, and rows that are mostly zeros**, go row by row, each without its zeros. The
//!    weights that meet none are not even read. A few rows take a whole block of weights each, many
//!    rows take turns in a part of it that stays in the level-1 cache:
//!
//! ```text
//! for each strip of 8 vectors of outputs
//!     for each part of the inputs                   96 by 8 vectors: 24 KB on AVX2
//!         for each row                              its elements that are not 0 (`gemm/rows.rs`)
//!             sums += x[row] weights[part, strip]
//!     y = relu(sums scale + bias)
//! ```
//!
//! Both add up in the same order, so that a row has the same bits alone and in any batch.

use super::panels::{Panels, Precision, PanelWeights};
use crate::Context;
use crate::gemm::depth::{KC, k_blocks};
use crate::gemm::rows::{self, Block, Nonzeros, Place, RUN, VECTORS, Weight};
use crate::gemm::{Epilogue, MatMut, MatRef, PackedB, gemm_packed};
use crate::hardware::simd::{Isa, Kernel, MAX_LANES, Simd, kernel};

/// Rows that read the weights one after the other, and in their own precision.
const FEW: usize = 4;

/// The inputs of a part.
const DEPTH: usize = 96;

/// The share of elements that are not 0 up to which rows are multiplied one by one.
const DENSITY: f32 = 0.6;

/// The length of [`Product::scratch`].
pub(crate) fn scratch_len(rows: usize, inputs: usize) -> usize {
    sums_len(rows) + Nonzeros::scratch_len(rows, inputs, DEPTH)
}

fn sums_len(rows: usize) -> usize {
    rows * VECTORS * MAX_LANES
}

/// y = relu(x W^T + b) for a block of rows.
pub(crate) struct Product<'a> {
    pub linear: &'a Panels,
    /// (rows, inputs)
    pub x: &'a [f32],
    /// (rows, outputs), overwritten
    pub y: &'a mut [f32],
    /// `scratch_len` numbers of any content
    pub scratch: &'a mut [f32],
}

impl Product<'_> {
    /// Computes y on this thread.
    pub fn run(self, cx: &Context) {
        let Product { linear, x, y, scratch } = self;
        let (isa, inputs, outputs) = (cx.isa(), linear.inputs, linear.outputs);
        let rows = x.len() / inputs;
        // The portable products allocate, and may add up otherwise.
        let plain = matches!(isa, Isa::Plain(_));
        let small = linear.precision != Precision::F32 && (rows <= FEW || plain);
        let by_rows = rows == 1
            || small
            || plain
            || linear.finite && rows::sampled_density(isa, x, inputs) < DENSITY;
        if by_rows {
            let (sums, scratch) = scratch.split_at_mut(sums_len(rows));
            let depth = if rows <= FEW { KC } else { DEPTH };
            // 0 times an infinity is not 0, and must not be left out.
            let nonzeros = Nonzeros::of(isa, x, inputs, depth, !linear.finite, scratch);
            match linear.precision {
                Precision::F16 if small => {
                    isa.run(Rows { linear, b: linear.values::<u16>(), nonzeros, y, sums });
                }
                Precision::Int8 if small => {
                    isa.run(Rows { linear, b: linear.values::<i8>(), nonzeros, y, sums });
                }
                _ => isa.run(Rows { linear, b: linear.packed(isa), nonzeros, y, sums }),
            }
            return;
        }
        let (a, c) = (MatRef::new(x, rows, inputs), MatMut::new(y, rows, outputs));
        if linear.precision == Precision::F32 {
            let epilogue = Epilogue { bias: Some(&linear.bias[..outputs]), relu: linear.relu };
            gemm_packed(cx, a, linear.packed(isa), 0.0, c, epilogue);
        } else {
            gemm_packed(cx, a, linear.packed(isa), 0.0, c, Epilogue::default());
            scale_rows(isa, linear, y);
        }
    }
}

/// Weights, and where they lie.
trait Source: Copy {
    type Weight: Weight;
    fn values(&self) -> &[Self::Weight];
    /// Where the outputs from `j` on lie, in the block `(start, length)` of inputs, and how many
    /// lie there in order.
    fn place(&self, block: (usize, usize), j: usize, lanes: usize) -> (Place, usize);
}

impl Source for &PackedB {
    type Weight = f32;
    fn values(&self) -> &[f32] {
        PackedB::values(self)
    }
    fn place(&self, block: (usize, usize), j: usize, _: usize) -> (Place, usize) {
        (PackedB::place(self, block, j), self.padded_cols() - j)
    }
}

impl<W: Weight> Source for PanelWeights<'_, W> {
    type Weight = W;
    fn values(&self) -> &[W] {
        self.values
    }
    fn place(&self, (first, _): (usize, usize), j: usize, lanes: usize) -> (Place, usize) {
        let (start, width) = self.panel(j);
        let place = Place {
            start: start * self.inputs + first * width + (j - start),
            run: RUN * lanes,
            row: width,
        };
        (place, start + width - j)
    }
}

struct Rows<'a, B> {
    linear: &'a Panels,
    b: B,
    nonzeros: Nonzeros<'a>,
    y: &'a mut [f32],
    sums: &'a mut [f32],
}

impl<B: Source> Kernel for Rows<'_, B> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Rows { linear, b, mut nonzeros, y, sums } = self;
        let (inputs, outputs) = (linear.inputs, linear.outputs);
        let rows = nonzeros.rows();
        let mut j = 0;
        while j < outputs {
            let mut vectors = 0;
            let mut block = 0;
            for (start, len) in k_blocks(inputs) {
                let (place, columns) = b.place((start, len), j, S::LANES);
                // A power of two, so that there are few kernels.
                vectors = 1 << (columns / S::LANES).min(VECTORS).ilog2();
                let width = vectors * S::LANES;
                let sums = &mut sums[..rows * width];
                nonzeros.set_stride(place.row);
                let mut part = start;
                while part < start + len {
                    let start_of_part = place.start + (part - start) * place.row;
                    let work = Block {
                        nonzeros: &nonzeros,
                        block,
                        b: b.values(),
                        place: Place { start: start_of_part, ..place },
                        vectors,
                        from_zero: part == start,
                        prefetch: rows == 1,
                        sums,
                    };
                    work.add_up(s);
                    part += nonzeros.block_len(block);
                    block += 1;
                }
                let (first, last) = (start == 0, start + len == inputs);
                for (y, sums) in y.chunks_exact_mut(outputs).zip(sums.chunks_exact(width)) {
                    for v in (0..width).step_by(S::LANES).take_while(|v| j + v < outputs) {
                        let mut sum = s.load(&sums[v..]);
                        if !first {
                            sum = s.add(sum, s.load_at(y, j + v));
                        }
                        if last {
                            sum = finish(s, linear, sum, j + v);
                        }
                        s.store_at(sum, y, j + v);
                    }
                }
            }
            j += vectors * S::LANES;
        }
    }
}

/// The outputs from `j` on, of their sums.
#[inline(always)]
fn finish<S: Simd>(s: S, linear: &Panels, sum: S::F, j: usize) -> S::F {
    let bias = s.load(&linear.bias[j..]);
    let z = match linear.precision {
        Precision::F32 => s.add(sum, bias),
        _ => s.mul_add(sum, s.load(&linear.scale[j..]), bias),
    };
    if linear.relu { s.max(s.splat(0.0), z) } else { z }
}

kernel! {
    /// The outputs y: (rows, outputs), of their sums.
    fn scale_rows(s, linear: &Panels, y: &mut [f32]) {
        for y in y.chunks_exact_mut(linear.outputs) {
            for j in (0..linear.outputs).step_by(S::LANES) {
                s.store_at(finish(s, linear, s.load_at(y, j), j), y, j);
            }
        }
    }
}
