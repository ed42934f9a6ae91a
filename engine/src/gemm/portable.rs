//! The path for processors that no SIMD file knows: the `matrixmultiply` crate, which brings
//! kernels of its own. It chooses among them by what it detects, so that bits may differ from one
//! processor to another.

use super::epilogue::{Epilogue, Finish};
use super::matrix::{Blocks, MatMut, MatRef};
use super::{PackedB, Products};
use crate::hardware::parallel::Context;
use crate::hardware::simd::Plain;

/// Rows of C in a task.
const ROWS: usize = 128;

impl Products for Plain {
    fn kernel_name(&self) -> &'static str {
        "matrixmultiply"
    }

    fn product(&self, cx: &Context, a: MatRef, b: MatRef, c: MatMut, finish: Finish) {
        let (m, n) = (c.rows(), c.cols());
        let blocks = Blocks::new(c, m.div_ceil(ROWS), 1, n);
        cx.for_each_part(blocks.count(), blocks, |_, (i, _, mut c)| {
            let a = a.block(i, c.rows(), 0, a.cols());
            multiply(finish.alpha, a, b, finish.beta, &mut c);
            apply(finish.epilogue, &mut c);
        });
    }

    fn packed_len(&self, k: usize, n: usize) -> usize {
        k * n
    }

    /// Row by row: `matrixmultiply` packs for itself.
    fn pack(&self, b: MatRef, out: &mut [f32]) {
        for (i, row) in out.chunks_exact_mut(b.cols().max(1)).enumerate() {
            row.iter_mut().enumerate().for_each(|(j, x)| *x = b.at(i, j));
        }
    }

    fn packed_product(&self, cx: &Context, a: MatRef, b: &PackedB, c: MatMut, finish: Finish) {
        self.product(cx, a, MatRef::new(b.values(), b.rows(), b.cols()), c, finish);
    }
}

fn multiply(alpha: f32, a: MatRef, b: MatRef, beta: f32, c: &mut MatMut) {
    let (m, k, n) = (c.rows(), a.cols(), c.cols());
    assert!(a.rows() == m && b.rows() == k && b.cols() == n);
    // A stride that nothing steps along may be any number: that of a single row, or of empty ones,
    // which are the only ones longer than a slice.
    let stride =
        |size: usize, stride| if size > 1 { isize::try_from(stride).unwrap_or(0) } else { 0 };
    let (rsc, csc) = (stride(m, c.row_stride()), stride(n, c.col_stride()));
    let (rsa, csa) = (stride(m, a.row_stride()), stride(k, a.col_stride()));
    let (rsb, csb) = (stride(k, b.row_stride()), stride(n, b.col_stride()));
    // SAFETY: the shapes agree, as asserted; the views' constructors checked that the elements are
    // in their slices, and that those of C are distinct. C is not read if beta is 0.
    unsafe {
        matrixmultiply::sgemm(
            m,
            k,
            n,
            alpha,
            a.data().as_ptr(),
            rsa,
            csa,
            b.data().as_ptr(),
            rsb,
            csb,
            beta,
            c.as_mut_ptr(),
            rsc,
            csc,
        );
    }
}

fn apply(epilogue: Epilogue, c: &mut MatMut) {
    if epilogue.is_empty() {
        return;
    }
    for i in 0..c.rows() {
        for j in 0..c.cols() {
            let x = c.at(i, j);
            *x = epilogue.apply(*x, j);
        }
    }
}
