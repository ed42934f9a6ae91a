//! Products of a few numbers, in all layouts: few enough for an interpreter that checks each access
//! to memory (`tests/reliability/miri`).

use crate::gemm::for_each_isa;
use narrows_engine::Context;
use narrows_engine::gemm::{Epilogue, MatMut, MatRef, Rectifier, gemm, gemm_fused};

/// Whole numbers, whose products and sums are exact in any order.
fn numbers(len: usize, seed: usize) -> Vec<f32> {
    (0..len).map(|at| ((at * 7 + seed * 5) % 11) as f32 - 5.0).collect()
}

/// The strides of a matrix of that shape: by rows, by columns, and with a gap.
fn strides(rows: usize, columns: usize) -> [(usize, usize); 3] {
    [(columns, 1), (1, rows), (2 * columns + 1, 2)]
}

/// A matrix of those strides ends with its last number: what is behind it is not its own.
fn len((rows, columns): (usize, usize), (down, right): (usize, usize)) -> usize {
    match rows * columns {
        0 => 0,
        _ => (rows - 1) * down + (columns - 1) * right + 1,
    }
}

#[test]
fn tiny_products_are_those_of_three_loops() {
    let shapes = [(1, 1, 1), (1, 3, 2), (2, 1, 3), (3, 2, 1), (2, 2, 0), (5, 3, 4), (9, 17, 2)];
    for_each_isa("tiny_products_are_those_of_three_loops", |isa| {
        for (shape, threads) in shapes.into_iter().zip([1, 2].into_iter().cycle()) {
            let (cx, (m, n, k)) = (Context::with_isa(isa, threads).unwrap(), shape);
            for (a_strides, b_strides) in strides(m, k).into_iter().zip(strides(k, n)) {
                let (a, b) =
                    (numbers(len((m, k), a_strides), 1), numbers(len((k, n), b_strides), 2));
                let (old, bias) = (numbers(m * n, 3), numbers(n, 4));
                let at = |x: &[f32], (down, right): (usize, usize), row: usize, column: usize| {
                    x[row * down + column * right]
                };
                let product = |row: usize, column: usize| -> f32 {
                    let terms =
                        (0..k).map(|i| at(&a, a_strides, row, i) * at(&b, b_strides, i, column));
                    terms.sum()
                };
                let a = MatRef::with_strides(&a, m, k, a_strides.0, a_strides.1);
                let b = MatRef::with_strides(&b, k, n, b_strides.0, b_strides.1);
                let mut c = old.clone();
                gemm(&cx, 2.0, a, b, 3.0, MatMut::new(&mut c, m, n));
                let mut fused = vec![f32::NAN; m * n];
                let epilogue = Epilogue { bias: Some(&bias), rectifier: Rectifier::Relu };
                gemm_fused(&cx, 1.0, a, b, 0.0, MatMut::new(&mut fused, m, n), epilogue);
                for (place, (c, fused)) in c.iter().zip(&fused).enumerate() {
                    let product = product(place / n, place % n);
                    assert_eq!(*c, 2.0 * product + 3.0 * old[place], "{shape:?} {isa:?}");
                    let biased = (product + bias[place % n]).max(0.0);
                    assert_eq!(*fused, biased, "{shape:?} {isa:?}");
                }
            }
        }
    });
}
