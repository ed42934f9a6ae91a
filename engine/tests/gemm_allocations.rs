//! A product whose shape was run before allocates nothing: packing buffers are kept.

#[path = "support/counting.rs"]
mod counting;
mod support;

use counting::allocations;
use narrows_engine::gemm::{MatMut, MatRef, gemm};
use narrows_engine::parallel::Context;

/// One test alone in its process: others would be counted as well.
#[test]
fn nothing_is_allocated_once_a_shape_was_run() {
    // The plain path is another crate's, which allocates for each product.
    for isa in support::isas().into_iter().filter(|isa| isa.name() != "plain") {
        let cx = Context::with_isa(isa, 1).expect("one thread");
        for (m, n, k) in [(32, 10, 32), (32, 512, 784), (300, 600, 520)] {
            let (a, b, mut c) = (vec![1.0; m * k], vec![1.0; k * n], vec![0.0; m * n]);
            let mut multiply = || {
                // Both operands by rows, A by columns, B by columns.
                let (by_rows, by_columns) =
                    (MatRef::new(&a, m, k), MatRef::new(&a, k, m).transposed());
                let b_by_columns = MatRef::new(&b, n, k).transposed();
                gemm(&cx, 1.0, by_rows, MatRef::new(&b, k, n), 0.0, MatMut::new(&mut c, m, n));
                gemm(&cx, 1.0, by_columns, MatRef::new(&b, k, n), 0.0, MatMut::new(&mut c, m, n));
                gemm(&cx, 1.0, by_rows, b_by_columns, 0.0, MatMut::new(&mut c, m, n));
            };
            multiply();
            let before = allocations();
            multiply();
            let allocations = allocations() - before;
            assert_eq!(allocations, 0, "{m} x {n} x {k} with {isa:?}");
        }
    }
}
