//! General matrix multiplication: `C = relu(alpha A B + beta C + bias)`.
mod blocking;
#[allow(unsafe_code)]
mod kernel;
#[allow(unsafe_code)]
mod matrix;
mod pack;
#[allow(unsafe_code)]
mod portable;
#[allow(unsafe_code)]
mod transpose;

pub use matrix::{MatMut, MatRef};

use crate::parallel::Context;
use crate::simd::Isa;
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
use kernel::{Bias, Finish};

/// What happens to an element of C after its products are summed, while it is still in registers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// Added to each row of C: one number per column, length n.
    pub bias: Option<&'a [f32]>,
    /// Replaces what is negative by 0, last of all. A NaN stays one.
    pub relu: bool,
}

/// `c = alpha a b + beta c`, for `a: (m, k)`, `b: (k, n)` and `c: (m, n)`.
///
/// If beta is 0, C is not read, and may hold anything; if k is 0, the product is 0. NaNs and infinities
/// in A and B act as in the sum of products written out, also if alpha is 0. Each element is
/// summed in the same order whatever the number of threads, which so changes no bit.
///
/// # Panics
/// If the shapes do not match.
pub fn gemm(cx: &Context, alpha: f32, a: MatRef, b: MatRef, beta: f32, c: MatMut) {
    gemm_fused(cx, alpha, a, b, beta, c, Epilogue::default());
}

/// `c = relu(alpha a b + beta c + bias)`: [`gemm`], then the epilogue.
///
/// # Panics
/// If the shapes do not match, or if there is a bias whose length is not n.
pub fn gemm_fused(cx: &Context, alpha: f32, a: MatRef, b: MatRef, beta: f32, c: MatMut, epilogue: Epilogue) {
    let (m, n, k) = (c.rows(), c.cols(), a.cols());
    assert!(
        a.rows() == m && b.rows() == k && b.cols() == n,
        "cannot multiply {} x {} by {} x {} into {m} x {n}",
        a.rows(),
        a.cols(),
        b.rows(),
        b.cols()
    );
    if let Some(bias) = epilogue.bias {
        assert!(bias.len() == n, "a bias of length {} for {n} columns", bias.len());
    }
    if m == 0 || n == 0 {
        return;
    }
    // An empty sum is 0 whatever it is multiplied by.
    let alpha = if k == 0 { 0.0 } else { alpha };
    match cx.isa() {
        #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
        Isa::Avx512(simd) => blocking::product(
            simd,
            cx,
            a,
            b,
            c,
            Finish { alpha, beta, bias: epilogue.bias.map(Bias::Columns), relu: epilogue.relu },
        ),
        #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
        Isa::Avx2(simd) => blocking::product(
            simd,
            cx,
            a,
            b,
            c,
            Finish { alpha, beta, bias: epilogue.bias.map(Bias::Columns), relu: epilogue.relu },
        ),
        Isa::Plain(_) => portable::product(cx, alpha, a, b, beta, c, epilogue),
    }
}

/// The micro-kernel that products run on: operation, ISA and tile.
pub fn kernel_name(isa: Isa) -> &'static str {
    match isa {
        #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
        Isa::Avx512(_) => "sgemm_avx512_14x32",
        #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
        Isa::Avx2(_) => "sgemm_avx2_6x16",
        Isa::Plain(_) => "matrixmultiply",
    }
}
