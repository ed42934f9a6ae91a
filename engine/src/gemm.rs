//! General matrix multiplication: `C = relu(alpha A B + beta C + bias)`.
//!
//! The loops are those of BLIS (van Zee and van de Geijn, 2015), named as there; which operand
//! stays in which cache is not. For each task, a block of C that no other task writes
//! (`blocking.rs`):
//!
//! ```text
//! for jc in 0..n by NC                      columns of B and C
//!     for pc in 0..k by KC                  rows of B; beta counts at first, the epilogue at last
//!         pack B[pc.., jc..]                KC x NC, by micro-panels of NR columns: level-2 cache
//!         for ic in 0..m by MC              rows of A and C
//!             pack A[ic.., pc..]            only where its lines would collide in the caches
//!             for ir in ic.. by MR          a micro-panel of A: stays in the level-1 cache
//!                 for jr in jc.. by NR      a micro-panel of B runs past
//!                     C[ir.., jr..] += A[ir.., pc..] B[pc.., jr..]     (the micro-kernel)
//! ```
//!
//! What differs from BLIS, and why:
//!
//! 1. jr is the innermost loop, not ir. A tile is twice as wide as high, and a micro-panel of A
//!    then small enough to stay in the level-1 cache; B, which is read once per micro-panel, comes
//!    in one long run.
//! 2. Hence A is broadcast element by element from rows, in whatever distance they lie, or from
//!    columns, and needs no packing: 3 to 6 % of a product of 512 cubed, a fifth of a narrow one
//!    whose A lies by columns.
//! 3. So the processor sees many short runs of A, and fetches few of them ahead. The micro-kernel
//!    asks for the next strip's while it works, a line in each step of k: a tall A of 288 columns
//!    took twice as long without. The tile of C is asked for before its sums begin.
//! 4. Micro-panels of A have any height up to MR: the rows of C are spread evenly, and none is
//!    padded. Batches of 32 would be padded to 42 otherwise. All strips of one height are one call:
//!    half of the time, where k is 9.
//! 5. With up to 12 MR rows, B is read where it is as well, if it lies by rows: 6 % for a batch of
//!    128, 15 % for one of 32. Neither is done where the rows, a multiple of 4096 bytes apart,
//!    collide in the caches.
//! 6. If A and B both lie along k, one has to be transposed while packing. That is the smaller one,
//!    if need be by computing C transposed: for a batch of 32, the inputs instead of the weights.
//! 7. Tasks pack for themselves. A block of B that one core packs for all is not in the others'
//!    caches. So one thread has one task.
//!
//! What lost: packing all of B beforehand, for all tasks (5 % at 512 cubed, since the packed B is
//! then read from the level-3 cache); packing A by columns wherever it lies so (up to 15 %). Blocks
//! of 256 to 512 rows are within the noise of each other where C is small, and 512 write the large
//! ones half as often; the columns that fill half of the level-2 cache are as good as those that
//! fill all of it.
// The micro-kernel and what is around it need a SIMD file with a tile; `portable` needs neither.
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
mod blocking;
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
#[allow(unsafe_code)]
mod kernel;
#[cfg_attr(not(all(target_arch = "x86_64", not(feature = "portable"))), allow(dead_code))]
#[allow(unsafe_code)]
mod matrix;
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
mod operand;
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
mod pack;
mod packed;
#[allow(unsafe_code)]
mod portable;
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
mod sparse;
#[cfg_attr(not(all(target_arch = "x86_64", not(feature = "portable"))), allow(dead_code, unused))]
mod windows;

pub use matrix::{MatMut, MatRef};
pub use packed::PackedB;
pub(crate) use windows::{Steps, Windows, gemm_windows, takes_windows};

use crate::hardware::parallel::Context;
use crate::hardware::simd::Isa;
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
use kernel::Finish;

/// What happens to an element of C after its products are summed, while it is still in registers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// Added to each row of C: one number per column, length n.
    pub bias: Option<&'a [f32]>,
    /// Replaces what is negative by 0, last of all. A NaN stays one.
    pub relu: bool,
}

impl<'a> Epilogue<'a> {
    /// For `len` columns of C from `first` on.
    pub(crate) fn columns(self, first: usize, len: usize) -> Epilogue<'a> {
        Epilogue { bias: self.bias.map(|bias| &bias[first..first + len]), ..self }
    }
}

/// `c = alpha a b + beta c`, for `a: (m, k)`, `b: (k, n)` and `c: (m, n)`.
///
/// If beta is 0, C is not read, and may hold anything; if k is 0, the product is 0. NaNs and
/// infinities in A and B act as in the sum of products written out, also if alpha is 0. Each
/// element is summed in the same order whatever the number of threads, which so changes no bit.
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
pub fn gemm_fused(
    cx: &Context,
    alpha: f32,
    a: MatRef,
    b: MatRef,
    beta: f32,
    c: MatMut,
    epilogue: Epilogue,
) {
    let (m, n, k) = check_shapes(a, [b.rows(), b.cols()], &c, epilogue);
    if m == 0 || n == 0 {
        return;
    }
    // An empty sum is 0 whatever it is multiplied by.
    let alpha = if k == 0 { 0.0 } else { alpha };
    match cx.isa() {
        #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
        Isa::Avx512(simd) => {
            blocking::product(simd, cx, a, b, c, Finish::new(alpha, beta, epilogue))
        }
        #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
        Isa::Avx2(simd) => blocking::product(simd, cx, a, b, c, Finish::new(alpha, beta, epilogue)),
        Isa::Plain(_) => portable::product(cx, alpha, a, b, beta, c, epilogue),
    }
}

/// `c = relu(a b + bias)` for a packed B: [`gemm_fused`] with alpha 1 and beta 0, to the bit.
///
/// # Panics
/// If the shapes do not match, if there is a bias whose length is not n, or if B was packed for
/// another ISA.
pub fn gemm_packed(cx: &Context, a: MatRef, b: &PackedB, c: MatMut, epilogue: Epilogue) {
    assert!(
        cx.isa() == b.isa(),
        "a matrix packed for {} in a product on {}",
        b.isa().name(),
        cx.isa().name()
    );
    let (m, n, k) = check_shapes(a, [b.rows(), b.cols()], &c, epilogue);
    if m == 0 || n == 0 {
        return;
    }
    // As in `gemm_fused`: an empty sum is 0.
    let alpha = if k == 0 { 0.0 } else { 1.0 };
    match cx.isa() {
        #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
        Isa::Avx512(simd) => {
            blocking::run(simd, cx, a, b.panels(), c, Finish::new(alpha, 0.0, epilogue))
        }
        #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
        Isa::Avx2(simd) => {
            blocking::run(simd, cx, a, b.panels(), c, Finish::new(alpha, 0.0, epilogue))
        }
        Isa::Plain(_) => portable::product(cx, alpha, a, b.by_rows(), 0.0, c, epilogue),
    }
}

/// Panics unless `a`: (m, k), `b`: (k, n) and the bias fit `c`: (m, n). Returns m, n and k.
fn check_shapes(a: MatRef, b: [usize; 2], c: &MatMut, epilogue: Epilogue) -> (usize, usize, usize) {
    let (m, n, k) = (c.rows(), c.cols(), a.cols());
    let [b_rows, b_cols] = b;
    assert!(
        a.rows() == m && b_rows == k && b_cols == n,
        "cannot multiply {} x {k} by {b_rows} x {b_cols} into {m} x {n}",
        a.rows(),
    );
    if let Some(bias) = epilogue.bias {
        assert!(bias.len() == n, "a bias of length {} for {n} columns", bias.len());
    }
    (m, n, k)
}

/// `c = relu(a b + beta c + bias)`, as [`gemm_fused`], for an A that may be mostly zeros: a look at
/// some of its rows or columns, whichever are contiguous, decides whether its zeros are skipped.
///
/// It changes no bit where B is finite, but for the sign of a zero where all products are too small
/// for an `f32`. Where B holds an infinity or a NaN, 0 times that is a NaN if zeros are not
/// skipped, and may be 0 if they are.
///
/// `scratch` is for what is left of A: [`gemm_sparse_scratch`] values of any content.
///
/// # Panics
/// As [`gemm_fused`]; and if the scratch is too short.
pub fn gemm_sparse(
    cx: &Context,
    a: MatRef,
    b: MatRef,
    beta: f32,
    c: MatMut,
    epilogue: Epilogue,
    scratch: &mut [f32],
) {
    #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
    // Not with the plain ISA: its products are another crate's, and sum in an order of their own.
    if !matches!(cx.isa(), Isa::Plain(_)) && sparse::fits(a, b, &c, epilogue) {
        if sparse::pays(cx, a) {
            return sparse::product(cx, a, b, beta, c, epilogue, scratch);
        }
        // So that a step that is the first with a sparse A allocates no more than others.
        sparse::reserve(cx, a.cols());
    }
    let _ = scratch;
    if c.row_stride() == 1 && c.col_stride() != 1 && epilogue.bias.is_none() {
        // The same by rows.
        return gemm_fused(cx, 1.0, b.transposed(), a.transposed(), beta, c.transposed(), epilogue);
    }
    gemm_fused(cx, 1.0, a, b, beta, c, epilogue);
}

/// The length of the scratch of [`gemm_sparse`] for an A of at most `m` rows and just `k` columns.
/// Little of it is touched where little is left of A.
pub fn gemm_sparse_scratch(m: usize, k: usize) -> usize {
    #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
    return sparse::scratch_len(m, k);
    #[cfg(not(all(target_arch = "x86_64", not(feature = "portable"))))]
    return {
        let _ = (m, k);
        0
    };
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
