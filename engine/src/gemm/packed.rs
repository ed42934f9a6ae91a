//! A matrix packed once, for products that take it again and again.

use super::matrix::MatRef;
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
use super::operand::{self, OperandB};
use crate::hardware::memory::Slab;
use crate::hardware::simd::Isa;

/// A right-hand matrix B: (k, n), as the micro-kernel of one ISA reads it: the blocks of k one
/// after the other, each by micro-panels. [`gemm_packed`](super::gemm_packed) multiplies by it.
///
/// For the plain ISA it is a copy by rows.
#[derive(Clone, Debug)]
pub struct PackedB {
    isa: Isa,
    k: usize,
    n: usize,
    data: Slab,
}

impl PackedB {
    /// Packs `b` for products on `isa`.
    pub fn new(isa: Isa, b: MatRef) -> PackedB {
        let (k, n) = (b.rows(), b.cols());
        let mut data = Slab::new(k * n.next_multiple_of(isa.lanes()));
        match isa {
            #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
            Isa::Avx512(simd) => operand::pack(simd, b, &mut data),
            #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
            Isa::Avx2(simd) => operand::pack(simd, b, &mut data),
            Isa::Plain(_) => (0..k * n).for_each(|at| data[at] = b.at(at / n, at % n)),
        }
        PackedB { isa, k, n, data }
    }

    /// The ISA whose products can take it.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// The number of rows, k.
    pub fn rows(&self) -> usize {
        self.k
    }

    /// The number of columns, n.
    pub fn cols(&self) -> usize {
        self.n
    }

    /// The micro-panels, for an ISA that has some.
    #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
    pub(super) fn panels(&self) -> OperandB<'_> {
        let width = self.n.next_multiple_of(self.isa.lanes());
        OperandB::Packed { data: &self.data, k: self.k, width, first: 0, n: self.n }
    }

    /// The rows, as the plain ISA has them.
    pub(super) fn by_rows(&self) -> MatRef<'_> {
        MatRef::new(&self.data[..self.k * self.n], self.k, self.n)
    }
}
