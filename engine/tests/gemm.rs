//! Matrix multiplication against a triple loop.
use narrows_engine::gemm::{Epilogue, MatMut, MatRef, gemm_fused};
use narrows_engine::parallel::Context;
use narrows_engine::simd::Isa;

#[test]
fn smoke() {
    for isa in Isa::available() {
        for threads in [1, 2] {
            let cx = Context::with_isa(isa, threads).unwrap();
            for (m, n, k) in
                [(1, 1, 1), (3, 5, 7), (33, 47, 65), (100, 130, 801), (300, 300, 300), (500, 70, 520), (2, 10, 0)]
            {
                for t in 0..8 {
                    let a: Vec<f32> = (0..m * k).map(|i| (i * 7 % 13) as f32 - 6.0).collect();
                    let b: Vec<f32> = (0..k * n).map(|i| (i * 5 % 11) as f32 - 5.0).collect();
                    let bias: Vec<f32> = (0..n).map(|i| (i * 3 % 17) as f32 - 8.0).collect();
                    let mut c = vec![f32::NAN; m * n];
                    let av =
                        if t & 1 == 0 { MatRef::new(&a, m, k) } else { MatRef::new(&a, k, m).transposed() };
                    let bv =
                        if t & 2 == 0 { MatRef::new(&b, k, n) } else { MatRef::new(&b, n, k).transposed() };
                    let cv = if t & 4 == 0 {
                        MatMut::new(&mut c, m, n)
                    } else {
                        MatMut::new(&mut c, n, m).transposed()
                    };
                    gemm_fused(&cx, 1.0, av, bv, 0.0, cv, Epilogue { bias: Some(&bias), relu: true });
                    for i in 0..m {
                        for j in 0..n {
                            let mut sum = bias[j];
                            for p in 0..k {
                                let x = if t & 1 == 0 { a[i * k + p] } else { a[p * m + i] };
                                let y = if t & 2 == 0 { b[p * n + j] } else { b[j * k + p] };
                                sum += x * y;
                            }
                            let got = if t & 4 == 0 { c[i * n + j] } else { c[j * m + i] };
                            assert_eq!(got, sum.max(0.0), "{isa:?} {m} {n} {k} t={t} at {i} {j}");
                        }
                    }
                }
            }
        }
    }
}
