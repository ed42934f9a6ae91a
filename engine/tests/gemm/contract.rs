//! What the documentation promises besides the numbers.

use crate::gemm::case::{Case, Random};
use crate::gemm::{KC, for_each_isa, single, tile};
use crate::support;
use narrows_engine::gemm::{
    Epilogue, MatMut, MatRef, Rectifier, gemm, gemm_fused, gemm_sparse, gemm_sparse_scratch,
};

fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mut random = Random(seed);
    (0..len).map(|_| random.number(true)).collect()
}

fn identity(n: usize) -> Vec<f32> {
    (0..n * n).map(|at| if at / n == at % n { 1.0 } else { 0.0 }).collect()
}

#[test]
fn the_identity_changes_nothing() {
    for_each_isa("the_identity_changes_nothing", |isa| {
        let (cx, (mr, nr)) = (single(isa), tile(isa));
        for (m, n) in [
            (1, 1),
            (mr, nr),
            (mr + 1, nr + 1),
            (3 * mr - 1, 2 * nr - 1),
            (KC + 5, 40),
            (40, KC + 5),
        ] {
            let x = numbers(m * n, 5);
            let mut c = vec![f32::NAN; m * n];
            let (left, right) = (identity(m), identity(n));
            gemm(
                &cx,
                1.0,
                MatRef::new(&x, m, n),
                MatRef::new(&right, n, n),
                0.0,
                MatMut::new(&mut c, m, n),
            );
            assert_eq!(c, x, "{m} x {n} by the identity with {isa:?}");
            c.fill(f32::NAN);
            gemm(
                &cx,
                1.0,
                MatRef::new(&left, m, m),
                MatRef::new(&x, m, n),
                0.0,
                MatMut::new(&mut c, m, n),
            );
            assert_eq!(c, x, "the identity by {m} x {n} with {isa:?}");
        }
    });
}

#[test]
fn the_epilogue_equals_separate_passes() {
    for_each_isa("the_epilogue_equals_separate_passes", |isa| {
        let cx = single(isa);
        for (m, n, k) in [(5, 7, 9), (40, 70, 30), (33, 10, 2 * KC + 3), (64, 200, 300)] {
            for transposed in
                [[false; 3], [false, true, false], [true, false, false], [false, false, true]]
            {
                for (rectifier, most) in [(Rectifier::Relu, f32::MAX), (Rectifier::Relu6, 6.0)] {
                    let plain = Case { real: true, transposed, ..Case::new(m, n, k) };
                    let fused = Case { bias: true, rectifier, ..plain };
                    let bias = fused.bias().expect("a bias");
                    let [_, _, mut c] = plain.operands();
                    c.data = plain.run(&cx);
                    let result = fused.run(&cx);
                    for (index, at) in c.indices().enumerate() {
                        let expected = (c.data[at] + bias[index % n]).clamp(0.0, most);
                        assert_eq!(result[at], expected, "{fused:?} with {isa:?} at {index}");
                    }
                }
            }
        }
    });
}

#[test]
fn what_is_not_finite_spreads_as_in_the_sum() {
    for_each_isa("what_is_not_finite_spreads_as_in_the_sum", |isa| {
        let (cx, (mr, nr)) = (single(isa), tile(isa));
        for (m, n, k) in [(mr + 2, nr + 3, 5), (3, 5, KC + 9), (2 * mr, 2, 20), (1, nr - 1, 3)] {
            let mut a = numbers(m * k, 8);
            let mut b = numbers(k * n, 9);
            a[(m - 1) * k + 2] = f32::INFINITY;
            a[k / 2] = f32::NEG_INFINITY;
            b[2 * n] = 0.0;
            b[(k - 1) * n + n - 1] = f32::NAN;
            let mut c = vec![f32::NAN; m * n];
            let relu = Epilogue { bias: None, rectifier: Rectifier::Relu };
            gemm_fused(
                &cx,
                1.0,
                MatRef::new(&a, m, k),
                MatRef::new(&b, k, n),
                0.0,
                MatMut::new(&mut c, m, n),
                relu,
            );
            for (index, &got) in c.iter().enumerate() {
                let (i, j) = (index / n, index % n);
                let sum = (0..k).map(|p| a[i * k + p] * b[p * n + j]).sum::<f32>();
                if sum.is_finite() {
                    assert!(
                        (got - sum.max(0.0)).abs() < 1e-3,
                        "{isa:?}: {got} instead of {sum} at ({i}, {j})"
                    );
                } else if sum.is_nan() {
                    assert!(got.is_nan(), "{isa:?}: {got} instead of a NaN at ({i}, {j})");
                } else {
                    assert_eq!(got, sum.max(0.0), "{isa:?} at ({i}, {j})");
                }
            }
        }
    });
}

#[test]
fn inputs_may_repeat_a_row_or_column() {
    for_each_isa("inputs_may_repeat_a_row_or_column", |isa| {
        let cx = single(isa);
        let (m, n, k) = (20, 40, 30);
        let (row, column) = (numbers(k, 3), numbers(k, 4));
        let a = MatRef::with_strides(&row, m, k, 0, 1);
        let b = MatRef::with_strides(&column, k, n, 1, 0);
        let mut c = vec![f32::NAN; m * n];
        gemm(&cx, 1.0, a, b, 0.0, MatMut::new(&mut c, m, n));
        let expected: f64 =
            row.iter().zip(&column).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        assert!(c.iter().all(|&c| (f64::from(c) - expected).abs() < 1e-5), "{isa:?}");
    });
}

/// Strides that nothing steps along: of a single row or column, and of empty ones.
#[test]
fn a_stride_that_is_not_used_may_be_any_number() {
    for_each_isa("a_stride_that_is_not_used_may_be_any_number", |isa| {
        let cx = single(isa);
        let far = usize::MAX;
        for (m, n, k) in [(1, 40, 30), (40, 1, 30), (20, 40, 1), (1, 1, 1), (1, 1, 300), (3, 4, 0)]
        {
            let (a, b) = (numbers(m * k, 3), numbers(k * n, 4));
            let (mut c, mut expected) = (vec![f32::NAN; m * n], vec![f32::NAN; m * n]);
            // By rows, but for these.
            let row = |rows, cols| if rows <= 1 || cols == 0 { far } else { cols };
            let column = |rows, cols| if cols <= 1 || rows == 0 { far } else { 1 };
            gemm(
                &cx,
                1.0,
                MatRef::with_strides(&a, m, k, row(m, k), column(m, k)),
                MatRef::with_strides(&b, k, n, row(k, n), column(k, n)),
                0.0,
                MatMut::with_strides(&mut c, m, n, row(m, n), column(m, n)),
            );
            let (a, b) = (MatRef::new(&a, m, k), MatRef::new(&b, k, n));
            gemm(&cx, 1.0, a, b, 0.0, MatMut::new(&mut expected, m, n));
            let close = |(x, y): (&f32, &f32)| (x - y).abs() < 1e-4;
            assert!(c.iter().zip(&expected).all(close), "{m} x {n} x {k} with {isa:?}");
        }
    });
}

/// An empty sum is 0 whatever the layout of its operands, which have no elements; what comes after
/// the sum still counts.
#[test]
fn a_product_of_nothing_is_zero() {
    for_each_isa("a_product_of_nothing_is_zero", |isa| {
        let (cx, (mr, nr)) = (single(isa), tile(isa));
        for (m, n) in [(1, 1), (mr, nr), (2 * mr + 1, 2 * nr + 1), (40, 70), (7 * mr, 3)] {
            let (bias, old) = (numbers(n, 3), numbers(m * n, 4));
            let mut scratch = vec![f32::NAN; gemm_sparse_scratch(m, 0)];
            let strides = [(0, 0), (0, 1), (1, 0), (1, 1), (1, m), (n, 1), (3, 5)];
            for (a_strides, b_strides) in strides.iter().flat_map(|a| strides.map(|b| (*a, b))) {
                let a = MatRef::with_strides(&[], m, 0, a_strides.0, a_strides.1);
                let b = MatRef::with_strides(&[], 0, n, b_strides.0, b_strides.1);
                for (beta, biased, transposed) in
                    [(0.0, false, false), (0.0, false, true), (0.5, true, false), (2.0, true, true)]
                {
                    let epilogue = Epilogue {
                        bias: biased.then_some(&bias),
                        rectifier: if biased { Rectifier::Relu } else { Rectifier::None },
                    };
                    let (row_stride, col_stride) = if transposed { (1, m) } else { (n, 1) };
                    let mut c = if beta == 0.0 { vec![f32::NAN; m * n] } else { old.clone() };
                    let before = c.clone();
                    let mut check = |product: &mut dyn FnMut(MatMut), bias: Option<&[f32]>| {
                        c.copy_from_slice(&before);
                        product(MatMut::with_strides(&mut c, m, n, row_stride, col_stride));
                        for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
                            let at = i * row_stride + j * col_stride;
                            let sum = if beta == 0.0 { 0.0 } else { beta * before[at] };
                            let expected = bias.map_or(sum, |bias| (sum + bias[j]).max(0.0));
                            assert_eq!(c[at], expected, "{m} x {n}, A {a:?}, B {b:?}, {isa:?}");
                        }
                    };
                    let bias = epilogue.bias;
                    check(&mut |c| gemm(&cx, 1.0, a, b, beta, c), None);
                    check(&mut |c| gemm_fused(&cx, f32::NAN, a, b, beta, c, epilogue), bias);
                    check(&mut |c| gemm_sparse(&cx, a, b, beta, c, epilogue, &mut scratch), bias);
                }
            }
        }
    });
}

/// The message of the panic that `f` ends in.
fn panic_of(f: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = std::panic::catch_unwind(f).expect_err("this has to panic");
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string()))
        .unwrap()
}

#[test]
fn bad_shapes_are_refused() {
    let data = [0.0f32; 12];
    assert!(panic_of(|| _ = MatRef::new(&[0.0; 12], 3, 5)).contains("3 x 5"));
    assert!(
        panic_of(|| _ = MatRef::with_strides(&[0.0; 12], 3, 5, 5, 1))
            .contains("number 14, outside its 12 floats")
    );
    assert!(
        panic_of(|| _ = MatRef::with_strides(&[0.0; 12], 2, 2, usize::MAX - 1, 1))
            .contains("outside its 12 floats")
    );
    assert!(
        panic_of(|| _ = MatRef::with_strides(&[0.0; 12], 3, 3, usize::MAX, 1)).contains("overflow")
    );
    // Rows that repeat, rows that overlap, a column that repeats.
    for (rows, cols, row_stride, col_stride) in
        [(2, 3, 0, 1), (3, 3, 2, 1), (2, 2, 1, 1), (2, 2, 4, 0)]
    {
        let message = panic_of(|| {
            _ = MatMut::with_strides(&mut [0.0; 12], rows, cols, row_stride, col_stride)
        });
        assert!(message.contains("may coincide"), "{message}");
    }
    // One row, or one column, has no neighbour to coincide with.
    MatMut::with_strides(&mut [0.0; 12], 1, 12, 0, 1);
    MatMut::with_strides(&mut [0.0; 12], 12, 1, 1, 0);
    MatMut::with_strides(&mut [], 0, 12, 0, 0);
    for isa in support::isas() {
        let multiply = |k: usize, n: usize, bias: usize| {
            let (cx, mut c) = (single(isa), vec![0.0; 2 * n]);
            let bias = vec![0.0; bias];
            let epilogue = Epilogue { bias: Some(&bias), rectifier: Rectifier::None };
            let (a, b) = (MatRef::new(&data[..2 * k], 2, k), MatRef::new(&data[..3 * 4], 3, 4));
            gemm_fused(&cx, 1.0, a, b, 0.0, MatMut::new(&mut c, 2, n), epilogue);
        };
        multiply(3, 4, 4);
        assert!(
            panic_of(|| multiply(2, 4, 4)).contains("cannot multiply 2 x 2 by 3 x 4 into 2 x 4")
        );
        assert!(panic_of(|| multiply(3, 5, 5)).contains("into 2 x 5"));
        assert!(panic_of(|| multiply(3, 4, 5)).contains("bias of length 5 for 4 columns"));
    }
}
