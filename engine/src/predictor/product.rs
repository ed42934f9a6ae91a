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
//!     for each part of the inputs                   112 by 8 vectors: 28 KB on AVX2
//!         for each row                              its elements that are not 0 (`gemm/rows.rs`)
//!             sums += x[row] weights[part, strip]
//!     y = relu(sums scale + bias)
//! ```
//!
//! Both add up in the same order, so that a row has the same bits alone and in any batch.

use super::panels::{PanelWeights, Panels, Precision, STEP};
use crate::Context;
use crate::gemm::depth::{KC, k_blocks};
use crate::gemm::nonzeros::sampled_density;
use crate::gemm::rows::{Block, Nonzeros, Place, VECTORS, Weight};
use crate::gemm::{Epilogue, MatMut, MatRef, Rectifier, gemm_packed};
use crate::hardware::simd::{Isa, Kernel, MAX_LANES, Simd, kernel};

/// Rows that read the weights one after the other, and in their own precision.
const FEW: usize = 4;

/// The inputs of a part, at most: 28 KB of weights on AVX2, of a level-1 cache of 32.
const DEPTH: usize = 112;

/// The share of elements that are not 0 up to which rows are multiplied one by one: less if the
/// weights are to be converted for each row.
fn density(precision: Precision) -> f32 {
    match precision {
        Precision::F32 => 0.6,
        Precision::F16 | Precision::Int8 => 0.3,
    }
}

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
        let few = rows <= FEW;
        // The portable products allocate, and may add up otherwise. Weights in f32 are not worth
        // their making for a few rows.
        let by_rows = rows == 1
            || matches!(isa, Isa::Plain(_))
            || few && linear.precision != Precision::F32
            || linear.finite
                && sampled_density(isa, MatRef::new(x, rows, inputs)) < density(linear.precision);
        if by_rows {
            let (sums, scratch) = scratch.split_at_mut(sums_len(rows));
            let depth = if few { KC } else { DEPTH };
            // 0 times an infinity is not 0, and must not be left out.
            let nonzeros = Nonzeros::of(isa, x, inputs, depth, !linear.finite, scratch);
            match linear.precision {
                Precision::F32 => {
                    let weights = linear.values::<f32>();
                    isa.run(Rows { linear, weights, nonzeros, y, sums });
                }
                Precision::F16 => {
                    let weights = linear.values::<u16>();
                    isa.run(Rows { linear, weights, nonzeros, y, sums });
                }
                Precision::Int8 => {
                    let weights = linear.values::<i8>();
                    isa.run(Rows { linear, weights, nonzeros, y, sums });
                }
            }
            return;
        }
        let (a, c) = (MatRef::new(x, rows, inputs), MatMut::new(y, rows, outputs));
        if linear.precision == Precision::F32 {
            let epilogue =
                Epilogue { bias: Some(&linear.bias[..outputs]), rectifier: linear.rectifier };
            gemm_packed(cx, a, linear.packed(isa), 0.0, c, epilogue);
        } else {
            gemm_packed(cx, a, linear.packed(isa), 0.0, c, Epilogue::default());
            scale_rows(isa, linear, y);
        }
    }
}

struct Rows<'a, W> {
    linear: &'a Panels,
    weights: PanelWeights<'a, W>,
    nonzeros: Nonzeros<'a>,
    y: &'a mut [f32],
    sums: &'a mut [f32],
}

impl<W: Weight> Kernel for Rows<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Rows { linear, weights, mut nonzeros, y, sums } = self;
        let (inputs, outputs) = (linear.inputs, linear.outputs);
        let rows = nonzeros.rows();
        let mut j = 0;
        while j < outputs {
            let mut vectors = 0;
            let mut block = 0;
            for (start, len) in k_blocks(inputs) {
                let place;
                (place, vectors) = weights.place(start, j, S::LANES);
                let width = vectors * S::LANES;
                let sums = &mut sums[..rows * width];
                nonzeros.set_stride(place.row);
                let mut part = start;
                while part < start + len {
                    let start_of_part = place.start + (part - start) * place.row;
                    let work = Block {
                        nonzeros: &nonzeros,
                        block,
                        b: weights.values,
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
                let finish = last.then(|| Finish::new(linear, j, width.min(outputs - j)));
                for (y, sums) in y.chunks_exact_mut(outputs).zip(sums.chunks_exact(width)) {
                    let y = &mut y[j..outputs.min(j + width)];
                    for (v, (y, sums)) in
                        y.chunks_mut(S::LANES).zip(sums.chunks_exact(S::LANES)).enumerate()
                    {
                        let mut sum = s.load(sums);
                        if !first {
                            sum = s.add(sum, s.load_at(y, 0));
                        }
                        if let Some(finish) = &finish {
                            sum = finish.apply(s, sum, v * S::LANES);
                        }
                        s.store_at(sum, y, 0);
                    }
                }
            }
            j += vectors * S::LANES;
        }
    }
}

/// The way from the sums of some outputs to their values.
struct Finish<'a> {
    bias: &'a [f32],
    /// `None` if it is 1 for all.
    scale: Option<&'a [f32]>,
    rectifier: Rectifier,
}

impl<'a> Finish<'a> {
    /// For `len` outputs from `first` on, in whole vectors.
    #[inline(always)]
    fn new(linear: &'a Panels, first: usize, len: usize) -> Finish<'a> {
        let range = first..first + len.next_multiple_of(STEP);
        let scaled = linear.precision != Precision::F32;
        Finish {
            bias: &linear.bias[range.clone()],
            scale: scaled.then(|| &linear.scale[range]),
            rectifier: linear.rectifier,
        }
    }

    /// The vector from output `j` on.
    #[inline(always)]
    fn apply<S: Simd>(&self, s: S, sum: S::F, j: usize) -> S::F {
        let bias = s.load(&self.bias[j..]);
        let z = match self.scale {
            None => s.add(sum, bias),
            Some(scale) => s.mul_add(sum, s.load(&scale[j..]), bias),
        };
        self.rectifier.apply(s, z)
    }
}

kernel! {
    /// The outputs y: (rows, outputs), of their sums.
    fn scale_rows(s, linear: &Panels, y: &mut [f32]) {
        let finish = Finish::new(linear, 0, linear.outputs);
        for y in y.chunks_exact_mut(linear.outputs) {
            for (v, y) in y.chunks_mut(S::LANES).enumerate() {
                s.store_at(finish.apply(s, s.load_at(y, 0), v * S::LANES), y, 0);
            }
        }
    }
}
