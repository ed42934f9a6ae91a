//! A product whose shape was run before allocates nothing: packing buffers are kept.

mod support;

use narrows_engine::gemm::{MatMut, MatRef, gemm};
use narrows_engine::parallel::Context;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: passes everything on to the system's allocator.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, data: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(data, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

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
                let (by_rows, by_columns) = (MatRef::new(&a, m, k), MatRef::new(&a, k, m).transposed());
                let b_by_columns = MatRef::new(&b, n, k).transposed();
                gemm(&cx, 1.0, by_rows, MatRef::new(&b, k, n), 0.0, MatMut::new(&mut c, m, n));
                gemm(&cx, 1.0, by_columns, MatRef::new(&b, k, n), 0.0, MatMut::new(&mut c, m, n));
                gemm(&cx, 1.0, by_rows, b_by_columns, 0.0, MatMut::new(&mut c, m, n));
            };
            multiply();
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            multiply();
            let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
            assert_eq!(allocations, 0, "{m} x {n} x {k} with {isa:?}");
        }
    }
}
