//! The same bits as the dense product, at every density and shape, and what double precision finds.

use super::*;
use crate::gemm::{Epilogue, Rectifier, gemm_fused};
use crate::hardware::simd::{Avx2, Avx512, Isa};
use crate::math::random::Random;

fn normal(purpose: u64, len: usize) -> Vec<f32> {
    let mut v = vec![0.0; len];
    Random::new(5, purpose).fill_normal(len as u64, 0, &mut v);
    v
}

/// `(m, k)` of about that density, of which some rows and columns are all zeros, and zeros have
/// either sign.
fn sparse(m: usize, k: usize, density: f32) -> Vec<f32> {
    let (mut a, dice) = (normal(1, m * k), normal(2, m * k));
    for (at, a) in a.iter_mut().enumerate() {
        let (i, p) = (at / k, at % k);
        // The share of a normal distribution that is that close to its middle.
        let kept = match density {
            1.0 => f32::INFINITY,
            0.5 => 0.674,
            0.2 => 0.253,
            _ => 0.0,
        };
        let empty = density < 1.0 && (i % 7 == 3 || p % 5 == 2);
        if empty || dice[at].abs() >= kept {
            *a = if at % 2 == 0 { 0.0 } else { -0.0 };
        }
    }
    a
}

fn transposed(x: &[f32], rows: usize, cols: usize) -> Vec<f32> {
    (0..rows * cols).map(|at| x[at % rows * cols + at / rows]).collect()
}

/// A by rows with a C by rows and an epilogue, and A by columns with a C by columns.
fn check(cx: &Context, (m, n, k): (usize, usize, usize), density: f32, beta: f32) {
    let name = format!("{m} x {n} x {k}, density {density}, beta {beta}, {}", cx.isa().name());
    let (a, b, old, bias) =
        (sparse(m, k, density), normal(3, k * n), normal(4, m * n), normal(5, n));
    let (a_columns, b_columns) = (transposed(&a, m, k), transposed(&b, k, n));
    let mut scratch = vec![f32::NAN; scratch_len(m, k) + 3];
    let before = if beta == 0.0 { vec![f32::NAN; m * n] } else { old.clone() };
    for by_rows in [true, false] {
        let (a, b) = if by_rows {
            (MatRef::new(&a, m, k), MatRef::new(&b_columns, n, k).transposed())
        } else {
            (MatRef::new(&a_columns, k, m).transposed(), MatRef::new(&b, k, n))
        };
        let (mut dense, mut got) = (before.clone(), before.clone());
        let view = |c| {
            if by_rows { MatMut::new(c, m, n) } else { MatMut::new(c, n, m).transposed() }
        };
        let epilogue = Epilogue {
            bias: by_rows.then_some(&bias[..]),
            rectifier: if by_rows { Rectifier::Relu6 } else { Rectifier::None },
        };
        gemm_fused(cx, 1.0, a, b, beta, view(&mut dense), epilogue);
        scratch.fill(f32::NAN);
        let finish = Finish::new(1.0, beta, epilogue);
        product(cx, a, b, &mut view(&mut got), finish, &mut scratch);
        assert!(
            scratch[scratch.len() - 3..].iter().all(|x| x.is_nan()),
            "{name}: written outside the scratch"
        );
        let bits = |c: &[f32]| c.iter().map(|x| x.to_bits()).collect::<Vec<u32>>();
        assert!(bits(&dense) == bits(&got), "{name}, by rows: {by_rows}");
        for (i, j) in [(0, 0), (m / 2, n / 2), (m - 1, n - 1), (3 % m, 0)] {
            let (mut sum, mut magnitude) = (0.0, 0.0);
            for p in 0..k {
                let product = f64::from(a.at(i, p)) * f64::from(b.at(p, j));
                (sum, magnitude) = (sum + product, magnitude + product.abs());
            }
            let at = if by_rows { i * n + j } else { j * m + i };
            if beta != 0.0 {
                let old = f64::from(beta) * f64::from(old[at]);
                (sum, magnitude) = (sum + old, magnitude + old.abs());
            }
            if by_rows {
                sum = (sum + f64::from(bias[j])).clamp(0.0, 6.0);
                magnitude += f64::from(bias[j].abs());
            }
            let bound = (k + 4) as f64 * f64::from(f32::EPSILON) * magnitude;
            let error = (f64::from(got[at]) - sum).abs();
            assert!(error <= bound, "{name} at ({i}, {j}): {} instead of {sum}", got[at]);
        }
    }
}

/// Every ISA whose dense product is ours.
fn contexts(threads: usize) -> Vec<Context> {
    let ours = Isa::available().into_iter().filter(|isa| !matches!(isa, Isa::Plain(_)));
    ours.map(|isa| Context::with_isa(isa, threads).expect("threads")).collect()
}

#[test]
fn skipping_zeros_changes_no_bit() {
    for cx in contexts(1) {
        for m in [1, 2, 15, 16, 17, 33] {
            for n in [1, 7, 8, 9, 16, 31, 64, 65, 129] {
                for k in [1, 8, 15, 17, 96, 97, 130] {
                    let density = [0.0, 0.2, 0.5, 1.0][(m + n + k) % 4];
                    check(&cx, (m, n, k), density, [0.0, 1.0, -0.5][(m + k) % 3]);
                }
            }
        }
    }
}

#[test]
fn skipping_zeros_changes_no_bit_in_large_products() {
    for cx in contexts(1).into_iter().chain(contexts(3)) {
        for density in [0.0, 0.2, 0.5, 1.0] {
            for (m, n, k) in
                [(300, 130, 784), (257, 200, 1030), (64, 300, 511), (64, 300, 513), (784, 96, 64)]
            {
                check(&cx, (m, n, k), density, if m > 256 { 1.0 } else { 0.0 });
            }
        }
    }
}

#[test]
fn a_nan_in_a_is_not_zero() {
    for cx in contexts(1) {
        let mut a = vec![0.0; 40 * 50];
        a[17 * 50 + 49] = f32::NAN;
        let (b, mut c) = (normal(3, 50 * 33), vec![1.0; 40 * 33]);
        let (a, b) = (MatRef::new(&a, 40, 50), MatRef::new(&b, 50, 33));
        let mut scratch = vec![0.0; scratch_len(40, 50)];
        let finish = Finish::new(1.0, 0.0, Epilogue::default());
        product(&cx, a, b, &mut MatMut::new(&mut c, 40, 33), finish, &mut scratch);
        for (at, c) in c.iter().enumerate() {
            assert!(if at / 33 == 17 { c.is_nan() } else { *c == 0.0 }, "{at}: {c}");
        }
    }
}

/// Sampled rows decide; both layouts of one matrix are judged alike.
#[test]
fn density_decides() {
    for cx in contexts(1) {
        for (density, expected) in [(0.0, true), (0.2, true), (1.0, false)] {
            let a = sparse(64, 96, density);
            let a = MatRef::new(&a, 64, 96);
            let found = match cx.isa() {
                Isa::Avx512(_) => is_sparse::<Avx512>(&cx, a),
                _ => is_sparse::<Avx2>(&cx, a),
            };
            assert_eq!(found, expected, "{density}");
            let by_columns = sampled_density(cx.isa(), a.transposed());
            assert_eq!(sampled_density(cx.isa(), a), by_columns);
            assert!((by_columns - density).abs() < 0.12, "{by_columns} instead of {density}");
        }
    }
}
