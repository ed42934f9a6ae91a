//! One product: built, multiplied, and compared with an obvious triple loop.

use narrows_engine::gemm::{Epilogue, MatMut, MatRef, PackedB, Rectifier, gemm_fused, gemm_packed};
use narrows_engine::parallel::Context;

/// Everything that a product depends on but its numbers.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    /// Stored by columns: A, B, C.
    pub transposed: [bool; 3],
    /// Floats between the stored rows (or columns) of each matrix.
    pub gap: usize,
    /// Floats between the elements of a row of each matrix.
    pub spread: usize,
    /// Floats before the first element.
    pub offset: usize,
    pub alpha: f32,
    pub beta: f32,
    pub bias: bool,
    pub rectifier: Rectifier,
    /// Real numbers instead of small integers.
    pub real: bool,
    /// B is packed beforehand, by a `PackedB` that held another one before. Alpha has to be 1.
    pub packed: bool,
}

impl Case {
    pub fn new(m: usize, n: usize, k: usize) -> Case {
        Case {
            m,
            n,
            k,
            transposed: [false; 3],
            gap: 0,
            spread: 0,
            offset: 0,
            alpha: 1.0,
            beta: 0.0,
            bias: false,
            rectifier: Rectifier::None,
            real: false,
            packed: false,
        }
    }

    /// The case with everything but its shape drawn by `seed`.
    pub fn varied(self, seed: u64) -> Case {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut pick = |n: usize| (random.next() >> 33) as usize % n;
        Case {
            transposed: [pick(2) == 1, pick(2) == 1, pick(4) == 1],
            gap: [0, 0, 1, 5][pick(4)],
            spread: [0, 0, 0, 0, 1][pick(5)],
            offset: pick(4),
            alpha: [1.0, 1.0, -1.0, 2.0, 0.5, 0.0][pick(6)],
            beta: [0.0, 0.0, 1.0, -1.0, 0.5][pick(5)],
            bias: pick(2) == 1,
            rectifier: [Rectifier::None, Rectifier::Relu, Rectifier::Relu6][pick(3)],
            ..self
        }
    }

    pub fn operands(&self) -> [Operand; 3] {
        let shapes = [(self.m, self.k), (self.k, self.n), (self.m, self.n)];
        std::array::from_fn(|i| Operand::new(self, i, shapes[i]))
    }

    pub fn bias(&self) -> Option<Vec<f32>> {
        let mut random = Random(77);
        self.bias.then(|| (0..self.n).map(|_| random.number(self.real)).collect())
    }

    /// Runs the product and returns C's storage, guards included.
    pub fn run(&self, cx: &Context) -> Vec<f32> {
        let [a, b, mut c] = self.operands();
        if self.beta == 0.0 {
            c.indices().for_each(|at| c.data[at] = f32::NAN);
        }
        let bias = self.bias();
        let epilogue = Epilogue { bias: bias.as_deref(), rectifier: self.rectifier };
        let (m, n, rs, cs, start) = (c.rows, c.cols, c.row_stride, c.col_stride, c.start);
        let out = MatMut::with_strides(&mut c.data[start..], m, n, rs, cs);
        if self.packed {
            assert_eq!(self.alpha, 1.0);
            let nans = vec![f32::NAN; self.k * n];
            let mut packed = PackedB::new(cx.isa(), MatRef::new(&nans, self.k, n));
            packed.pack(b.view());
            gemm_packed(cx, a.view(), &packed, self.beta, out, epilogue);
        } else {
            gemm_fused(cx, self.alpha, a.view(), b.view(), self.beta, out, epilogue);
        }
        c.data
    }

    /// The result of the triple loop, and the sum of the magnitudes that went into it, by rows.
    pub fn expected(&self) -> Vec<(f64, f64)> {
        let [a, b, c] = self.operands();
        let bias = self.bias();
        let mut results = Vec::with_capacity(self.m * self.n);
        for i in 0..self.m {
            for j in 0..self.n {
                let (mut sum, mut magnitude) = (0.0, 0.0);
                for p in 0..self.k {
                    let product = f64::from(a.at(i, p)) * f64::from(b.at(p, j));
                    sum += product;
                    magnitude += product.abs();
                }
                sum *= if self.k == 0 { 0.0 } else { f64::from(self.alpha) };
                magnitude *= f64::from(self.alpha.abs());
                if self.beta != 0.0 {
                    let old = f64::from(self.beta) * f64::from(c.at(i, j));
                    sum += old;
                    magnitude += old.abs();
                }
                if let Some(bias) = &bias {
                    sum += f64::from(bias[j]);
                    magnitude += f64::from(bias[j].abs());
                }
                // Unlike `max`, this keeps a NaN.
                if self.rectifier != Rectifier::None && sum < 0.0 {
                    sum = 0.0;
                }
                if self.rectifier == Rectifier::Relu6 && sum > 6.0 {
                    sum = 6.0;
                }
                results.push((sum, magnitude));
            }
        }
        results
    }

    /// Compares the product with the triple loop: small integers have to be equal, real numbers as
    /// close as rounding can leave them. What is stored around and between the elements must not
    /// change.
    pub fn check(&self, cx: &Context) {
        let [_, _, before] = self.operands();
        let mut after = before.clone();
        after.data = self.run(cx);
        for (index, (expected, magnitude)) in self.expected().into_iter().enumerate() {
            let (i, j) = (index / self.n, index % self.n);
            let got = f64::from(after.at(i, j));
            let bound = if self.real {
                (self.k + 8) as f64 * f64::from(f32::EPSILON) * magnitude
            } else {
                0.0
            };
            assert!(
                (got - expected).abs() <= bound
                    || got == expected
                    || got.is_nan() && expected.is_nan(),
                "{self:?} with {:?} and {} threads at ({i}, {j}): {got} instead of {expected}",
                cx.isa(),
                cx.threads(),
            );
        }
        let mut untouched = vec![true; before.data.len()];
        before.indices().for_each(|at| untouched[at] = false);
        for (at, _) in untouched.iter().enumerate().filter(|(_, untouched)| **untouched) {
            assert_eq!(
                after.data[at],
                before.data[at],
                "{self:?} with {:?} wrote outside C at {at}",
                cx.isa()
            );
        }
    }
}

/// A matrix and its storage, with guards around.
#[derive(Clone)]
pub struct Operand {
    pub data: Vec<f32>,
    pub rows: usize,
    pub cols: usize,
    pub row_stride: usize,
    pub col_stride: usize,
    pub start: usize,
}

const GUARD: usize = 20;

impl Operand {
    fn new(case: &Case, which: usize, (rows, cols): (usize, usize)) -> Operand {
        let step = case.spread + 1;
        let (row_stride, col_stride) = if case.transposed[which] {
            (step, rows.max(1) * step + case.gap)
        } else {
            (cols.max(1) * step + case.gap, step)
        };
        let start = GUARD + case.offset;
        let mut random = Random(1 + which as u64);
        let len = start
            + rows * row_stride.max(1)
            + cols * col_stride.max(1)
            + rows * cols * step
            + GUARD;
        let data = (0..len).map(|_| random.number(case.real)).collect();
        Operand { data, rows, cols, row_stride, col_stride, start }
    }

    pub fn view(&self) -> MatRef<'_> {
        let data = &self.data[self.start..];
        MatRef::with_strides(data, self.rows, self.cols, self.row_stride, self.col_stride)
    }

    pub fn at(&self, i: usize, j: usize) -> f32 {
        self.data[self.start + i * self.row_stride + j * self.col_stride]
    }

    pub fn indices(&self) -> impl Iterator<Item = usize> + use<> {
        let (cols, rs, cs, start) = (self.cols, self.row_stride, self.col_stride, self.start);
        (0..self.rows * cols).map(move |index| start + index / cols * rs + index % cols * cs)
    }
}

/// Marsaglia's xorshift: good enough to tell elements apart.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A real number from -1 to 1, or an integer from -4 to 4.
    pub fn number(&mut self, real: bool) -> f32 {
        let bits = (self.next() >> 40) as f32;
        if real { bits / (1 << 23) as f32 - 1.0 } else { bits % 9.0 - 4.0 }
    }
}
