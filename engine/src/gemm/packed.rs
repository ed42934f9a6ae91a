//! Products whose B is packed once and multiplied many times: weights in a prediction or a step.

use super::epilogue::{Epilogue, Finish};
use super::matrix::{MatMut, MatRef};
use super::{check_sizes, products};
use crate::hardware::memory::Slab;
use crate::hardware::parallel::Context;
use crate::hardware::simd::Isa;

/// B of [`gemm_packed`]: a copy in the order in which the micro-kernel of one ISA reads it.
#[derive(Clone, Debug)]
pub struct PackedB {
    isa: Isa,
    k: usize,
    n: usize,
    values: Slab,
}

impl PackedB {
    /// Packs `b: (k, n)`, in any layout, for products on that ISA.
    pub fn new(isa: Isa, b: MatRef) -> PackedB {
        let (k, n) = (b.rows(), b.cols());
        let values = Slab::new(products(&isa).packed_len(k, n));
        let mut packed = PackedB { isa, k, n, values };
        packed.pack(b);
        packed
    }

    /// Packs another B of the same shape in its place, which allocates nothing.
    ///
    /// # Panics
    /// If the shape is another one.
    pub fn pack(&mut self, b: MatRef) {
        let (k, n) = (self.k, self.n);
        assert!(
            (b.rows(), b.cols()) == (k, n),
            "cannot pack {} x {} in the place of {k} x {n}",
            b.rows(),
            b.cols()
        );
        products(&self.isa).pack(b, &mut self.values);
    }

    /// The ISA that it was packed for.
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

    /// The numbers in their packed order.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }
}

/// `c = relu(a b + beta c + bias)`, for a B that was packed before: [`gemm_fused`] with an alpha of
/// 1, and its bits where beta is 0 or 1. A C by columns takes a slower way to memory.
///
/// [`gemm_fused`]: super::gemm_fused
///
/// # Panics
/// If the shapes do not match, or B was packed for another ISA than that of `cx`.
pub fn gemm_packed(cx: &Context, a: MatRef, b: &PackedB, beta: f32, c: MatMut, epilogue: Epilogue) {
    let (m, n, k) = check_sizes(a, (b.rows(), b.cols()), &c, epilogue);
    assert!(
        b.isa() == cx.isa(),
        "a matrix packed for {} in a product on {}",
        b.isa().name(),
        cx.isa().name()
    );
    let finish = Finish::new(1.0, beta, epilogue);
    if k == 0 {
        finish.of_nothing(c);
    } else if m > 0 && n > 0 {
        products(&cx.isa()).packed_product(cx, a, b, c, finish);
    }
}
