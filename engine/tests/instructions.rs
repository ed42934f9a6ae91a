//! Instructions of a product, counted by `valgrind --tool=callgrind`. Unlike times, they are the
//! same each time, and they limit AVX2 on a core whose sibling is at work.
//!
//! Valgrind knows no AVX-512. A program of its own, because valgrind reads all of its symbols.

#[path = "support/callgrind.rs"]
mod callgrind;

use narrows_engine::gemm::{MatMut, MatRef, gemm};
use narrows_engine::parallel::Context;
use narrows_engine::simd::Isa;

/// Rows, columns and depth; whether A and B lie by columns; and the most instructions for 12
/// multiply-adds of a vector, which is a tile's step of k. Packing and the way to memory count.
const CASES: [(&str, [usize; 3], [bool; 2], f64); 5] = [
    ("square, by rows", [512, 512, 512], [false, false], 25.5),
    ("square, A by columns", [512, 512, 512], [true, false], 40.0),
    ("square, B by columns", [512, 512, 512], [false, true], 25.5),
    ("32 rows, B where it is", [32, 512, 784], [false, false], 26.0),
    ("64 columns", [512, 64, 784], [false, false], 26.5),
];

#[test]
fn a_step_of_the_avx2_tile_takes_few_instructions() {
    let Some(isa) = Isa::named("avx2") else {
        println!("instructions: AVX2 is not there: NOT RUN");
        return;
    };
    if let Some(case) = callgrind::counted() {
        return multiply(isa, case);
    }
    if !callgrind::is_there() {
        println!("instructions: valgrind is not there: NOT RUN");
        return;
    }
    for (case, &(name, [m, n, k], _, most)) in CASES.iter().enumerate() {
        let steps = (m * n * k) as f64 / (12 * isa.lanes()) as f64;
        let test = "a_step_of_the_avx2_tile_takes_few_instructions";
        let per_step = callgrind::count(test, "counted_product", case) / steps;
        println!("{name}: {per_step:.2} instructions for 12 multiply-adds, {most} allowed");
        assert!(per_step <= most, "{name}: {per_step:.2} instructions, more than {most}");
        assert!(per_step > 12.0, "{name}: {per_step:.2} instructions hold no 12 multiply-adds");
    }
}

fn multiply(isa: Isa, case: usize) {
    let (_, [m, n, k], [a_by_columns, b_by_columns], _) = CASES[case];
    let cx = Context::with_isa(isa, 1).expect("a context");
    let (a, b, mut c) = (vec![1.0; m * k], vec![1.0; k * n], vec![0.0; m * n]);
    let matrix = |x, rows, cols, by_columns| match by_columns {
        true => MatRef::new(x, cols, rows).transposed(),
        false => MatRef::new(x, rows, cols),
    };
    let (a, b) = (|| matrix(&a, m, k, a_by_columns), || matrix(&b, k, n, b_by_columns));
    // The first one allocates.
    gemm(&cx, 1.0, a(), b(), 0.0, MatMut::new(&mut c, m, n));
    counted_product(&cx, a(), b(), MatMut::new(&mut c, m, n));
    assert!(c.iter().all(|&x| x == k as f32));
}

#[inline(never)]
fn counted_product(cx: &Context, a: MatRef, b: MatRef, c: MatMut) {
    gemm(cx, 1.0, a, b, 0.0, c);
}
