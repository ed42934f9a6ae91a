//! General matrix multiplication: `C = relu(alpha A B + beta C + bias)`.
//!
//! The loops are those of BLIS (van Zee and van de Geijn, 2015), named as there; which operand
//! stays in which cache is not. For each task, a block of C that no other task writes
//! (`tiled/loops.rs`):
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
//! Differences from BLIS, with their reasons:
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
//! 5. With up to 12 MR rows, B is read where it is as well, if it lies by rows and stays in a
//!    cache: 6 % for a batch of 128, 15 % for one of 32. Neither is done where the rows, a multiple
//!    of 4096 bytes apart, collide in the caches. Where B has to be packed for so few rows, the
//!    next block is fetched while the tiles of this one are computed: packing then waits for no
//!    memory.
//! 6. If A and B both lie along k, one has to be transposed while packing. This is the smaller one,
//!    if need be by computing C transposed: for a batch of 32, the inputs instead of the weights.
//! 7. Tasks pack for themselves. A block of B that one core packs for all is not in the others'
//!    caches. So one thread has one task.
//!
//! Slower variants: packing all of B in each product, for all tasks (5 % at 512 cubed, since the
//! packed B is then read from the level-3 cache); packing A by columns wherever it lies so (up to
//! 15 %).
//! Blocks of 256 to 512 rows are within the noise of each other where C is small, and 512 write the
//! large ones half as often; the columns that fill half of the level-2 cache are as good as those
//! that fill all of it.

pub(crate) mod depth;
// Some methods are for `tiled` alone.
#[allow(dead_code)]
mod epilogue;
#[allow(dead_code, unsafe_code)]
mod matrix;
pub(crate) mod nonzeros;
mod packed;
#[allow(unsafe_code)]
mod portable;
#[allow(unsafe_code)]
pub(crate) mod rows;
// It needs a SIMD file with a tile.
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
mod tiled;

pub use epilogue::{Epilogue, Rectifier};
pub use matrix::{MatMut, MatRef};
pub(crate) use matrix::{Steps, Windows};
pub use packed::{PackedB, gemm_packed};

use crate::hardware::parallel::Context;
use crate::hardware::simd::Isa;
use epilogue::Finish;

/// The products of an ISA.
trait Products {
    /// Operation, ISA and tile.
    fn kernel_name(&self) -> &'static str;

    /// `c = finish(a b)`, for a C and a k that are not empty.
    fn product(&self, cx: &Context, a: MatRef, b: MatRef, c: MatMut, finish: Finish);

    /// The length of what [`Products::pack`] writes for a B of that shape.
    fn packed_len(&self, k: usize, n: usize) -> usize;

    /// Copies B to `out`, in the order in which [`Products::packed_product`] reads it.
    fn pack(&self, b: MatRef, out: &mut [f32]);

    /// `c = finish(a b)`, for a C and a k that are not empty.
    fn packed_product(&self, cx: &Context, a: MatRef, b: &PackedB, c: MatMut, finish: Finish);

    /// The length of the scratch of [`Products::sparse_product`].
    fn sparse_scratch(&self, _m: usize, _k: usize) -> usize {
        0
    }

    /// `c = finish(a b)` without the zeros of A, unless that takes longer: then it returns false.
    fn sparse_product(
        &self,
        _cx: &Context,
        _a: MatRef,
        _b: MatRef,
        _c: &mut MatMut,
        _finish: Finish,
        _scratch: &mut [f32],
    ) -> bool {
        false
    }

    /// True if there is [`Products::windows_product`].
    fn has_windows(&self) -> bool {
        false
    }

    /// See [`gemm_windows`].
    fn windows_product(
        &self,
        _a: Windows,
        _b: MatRef,
        _c: MatMut,
        _steps: [usize; 2],
        _finish: Finish,
    ) {
        panic!("{} has no kernel for windows", self.kernel_name());
    }
}

/// Our own products on an ISA that has a tile, and another crate's on the plain one.
fn products(isa: &Isa) -> &dyn Products {
    match isa {
        Isa::Plain(simd) => simd,
        #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
        isa => tiled::products(isa),
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

/// `c = rectifier(alpha a b + beta c + bias)`: [`gemm`], then the epilogue.
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
    let (m, n, k) = check_shapes(a, b, &c, epilogue);
    let finish = Finish::new(alpha, beta, epilogue);
    if k == 0 {
        finish.of_nothing(c);
    } else if m > 0 && n > 0 {
        products(&cx.isa()).product(cx, a, b, c, finish);
    }
}

/// Panics unless `a`: (m, k), `b`: (k, n) and the bias fit `c`: (m, n). Returns m, n and k.
fn check_shapes(a: MatRef, b: MatRef, c: &MatMut, epilogue: Epilogue) -> (usize, usize, usize) {
    check_sizes(a, (b.rows(), b.cols()), c, epilogue)
}

/// The same for a B of that many rows and columns.
fn check_sizes(
    a: MatRef,
    (rows, cols): (usize, usize),
    c: &MatMut,
    epilogue: Epilogue,
) -> (usize, usize, usize) {
    let (m, n, k) = (c.rows(), c.cols(), a.cols());
    assert!(
        a.rows() == m && rows == k && cols == n,
        "cannot multiply {} x {k} by {rows} x {cols} into {m} x {n}",
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
/// In the cases of [`gemm_fused`], and if the scratch is too short.
pub fn gemm_sparse(
    cx: &Context,
    a: MatRef,
    b: MatRef,
    beta: f32,
    mut c: MatMut,
    epilogue: Epilogue,
    scratch: &mut [f32],
) {
    check_shapes(a, b, &c, epilogue);
    let finish = Finish::new(1.0, beta, epilogue);
    if products(&cx.isa()).sparse_product(cx, a, b, &mut c, finish, scratch) {
        return;
    }
    if c.row_stride() == 1 && c.col_stride() != 1 && epilogue.bias.is_none() {
        // The same by rows.
        return gemm_fused(cx, 1.0, b.transposed(), a.transposed(), beta, c.transposed(), epilogue);
    }
    gemm_fused(cx, 1.0, a, b, beta, c, epilogue);
}

/// The length of the scratch of [`gemm_sparse`] for an A of at most `m` rows and just `k` columns,
/// on any ISA of this processor. Little of it is touched where little is left of A.
pub fn gemm_sparse_scratch(m: usize, k: usize) -> usize {
    let lengths = Isa::detected().map(|isa| products(&isa).sparse_scratch(m, k));
    lengths.max().unwrap_or(0)
}

/// True if there is a kernel for [`gemm_windows`].
pub(crate) fn has_windows(isa: Isa) -> bool {
    products(&isa).has_windows()
}

/// `c = relu(a b + beta c + bias)` on this thread, as [`gemm_fused`], for a C with contiguous rows,
/// in which images of A and their lines begin each `steps` rows: those between the lines are left
/// alone. The sums over k are not cut into blocks, so this is for a B that stays in a level-2
/// cache. It is packed each time.
///
/// # Panics
/// If the shapes do not match, lines overlap, or the ISA is none that [`has_windows`].
pub(crate) fn gemm_windows(
    cx: &Context,
    a: Windows<'_>,
    b: MatRef<'_>,
    beta: f32,
    c: MatMut<'_>,
    steps: [usize; 2],
    epilogue: Epilogue<'_>,
) {
    products(&cx.isa()).windows_product(a, b, c, steps, Finish::new(1.0, beta, epilogue));
}

/// The micro-kernel that products run on: operation, ISA and tile.
pub fn kernel_name(isa: Isa) -> &'static str {
    products(&isa).kernel_name()
}
