//! One vector type per instruction set (ISA), and the dispatch to it.
//!
//! An algorithm is written once, as a [`Kernel`] generic over [`Simd`]; the files below this one
//! hold only primitives. A token such as `Avx2` can be built by detection alone, so holding one
//! proves that the processor has the instructions: it is the licence for the unsafe intrinsics
//! behind the methods.
//!
//! Dispatch happens once per kernel call, in [`Isa::run`]. Rayon's closures do not inherit the
//! target features of their caller, so threads go outside: each task dispatches anew.
//!
//! To add an ISA, write its file and add one line to the list in `isas!`.

#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
#[allow(unsafe_code)]
mod avx2;
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
#[allow(unsafe_code)]
mod avx512;
mod plain;
mod rows;
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
mod x86;

pub(crate) use rows::{elementwise, kernel, map};

use std::fmt;

/// The floats of the widest vector of all ISAs.
pub const MAX_LANES: usize = 16;

/// The vector primitives of one ISA. Every method is a handful of instructions.
///
/// Loads and stores take slices, so that algorithms stay safe; on slices of a known length the
/// bounds checks fold away.
pub trait Simd: Copy + fmt::Debug + Send + Sync + 'static {
    /// A vector of `LANES` floats.
    type F: Copy;
    /// The number of floats in a vector.
    const LANES: usize;
    /// The name used on the command line and in reports.
    const NAME: &'static str;

    /// Runs `kernel` with this ISA's instructions enabled.
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output;

    /// `x` in every lane.
    fn splat(self, x: f32) -> Self::F;
    /// Copies `rows` rows of `NV` vectors, one after the other: `x_stride` floats apart in `x`, and
    /// `out_stride` in `out`, where a later one may overwrite the end of an earlier one. Panics if
    /// either slice is too short.
    fn copy_rows<const NV: usize>(
        self,
        x: &[f32],
        x_stride: usize,
        rows: usize,
        out: &mut [f32],
        out_stride: usize,
    );
    /// The first `LANES` values of `x`. Panics if `x` is shorter.
    fn load(self, x: &[f32]) -> Self::F;
    /// The `x.len() < LANES` values of `x`, then zeros.
    fn load_head(self, x: &[f32]) -> Self::F;
    /// Writes `LANES` values. Panics if `out` is shorter.
    fn store(self, v: Self::F, out: &mut [f32]);
    /// Writes the first `out.len() < LANES` values.
    fn store_head(self, v: Self::F, out: &mut [f32]);

    /// The vectors at these places, `stride` floats apart, in `x`. One check covers all of them,
    /// which shows where a value takes few instructions. Panics if `x` is too short.
    fn load_places<const N: usize>(
        self,
        x: &[f32],
        stride: usize,
        places: [usize; N],
    ) -> [Self::F; N];
    /// Writes vectors to such places of `out`. Panics if it is too short.
    fn store_places<const N: usize>(
        self,
        values: [Self::F; N],
        out: &mut [f32],
        stride: usize,
        places: [usize; N],
    );

    /// Asks for the cache line at `x`, any address at all: a hint, which never faults.
    fn prefetch(self, x: *const f32);
    /// The first `LANES` half-precision values of `x` (IEEE 754 binary16, as bits), which is exact.
    /// Panics if `x` is shorter.
    fn load_f16(self, x: &[u16]) -> Self::F;
    /// The first `LANES` integers of `x`. Panics if `x` is shorter.
    fn load_i8(self, x: &[i8]) -> Self::F;

    /// `a + b`
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a b`
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a b + c`, rounded once where the ISA can.
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The smaller; `b` if either is NaN. So `min(limit, x)` keeps a NaN in `x`.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// The larger; `b` if either is NaN. So `max(limit, x)` keeps a NaN in `x`.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The square root.
    fn sqrt(self, a: Self::F) -> Self::F;
    /// The absolute value.
    fn abs(self, a: Self::F) -> Self::F;
    /// `|magnitude|` with the sign of `sign`.
    fn copysign(self, magnitude: Self::F, sign: Self::F) -> Self::F;
    /// The nearest integer, ties to even.
    fn round(self, a: Self::F) -> Self::F;
    /// `yes` where `a > b`, else `no` (also where either is NaN).
    fn select_gt(self, a: Self::F, b: Self::F, yes: Self::F, no: Self::F) -> Self::F;
    /// `2^n` for integral `n` in -126..=127.
    fn exp2_int(self, n: Self::F) -> Self::F;
    /// `k` such that `a` is `2^k` times a number in `[1, 2)`, for positive normal `a`.
    fn exponent(self, a: Self::F) -> Self::F;
    /// The number in `[1, 2)` that [`exponent`](Simd::exponent) leaves.
    fn mantissa(self, a: Self::F) -> Self::F;
    /// The sum of the lanes, always added in the same order.
    fn sum(self, a: Self::F) -> f32;
    /// The largest lane; unspecified if a lane is NaN.
    fn max_lane(self, a: Self::F) -> f32;
    /// Transposes a block of `LANES` x `LANES`: `out[r * out_stride + c] = x[c * x_stride + r]`.
    /// Panics if either slice is shorter than its block.
    #[inline(always)]
    fn transpose(self, x: &[f32], x_stride: usize, out: &mut [f32], out_stride: usize) {
        self.transpose_head(x, x_stride, Self::LANES, out, out_stride);
    }
    /// The same for a block of `rows` rows, at least one: the columns of `out` beyond them hold any
    /// of `x`.
    fn transpose_head(
        self,
        x: &[f32],
        x_stride: usize,
        rows: usize,
        out: &mut [f32],
        out_stride: usize,
    );
    /// Writes the lanes of `v` that are not 0 (a NaN is not) to the front of `values`, in order,
    /// and `first` plus their numbers to the front of `places`; returns how many they are. Behind
    /// them `LANES` values are filled up with anything. Panics if either slice is shorter than
    /// that.
    fn compress(self, v: Self::F, first: u32, values: &mut [f32], places: &mut [u32]) -> usize;

    /// The vector of `x` at `at`, filled up with zeros where `x` ends.
    #[inline(always)]
    fn load_at(self, x: &[f32], at: usize) -> Self::F {
        let x = &x[at..];
        if x.len() >= Self::LANES { self.load(x) } else { self.load_head(x) }
    }

    /// Writes `v` to `out` from `at` on, as far as `out` goes.
    #[inline(always)]
    fn store_at(self, v: Self::F, out: &mut [f32], at: usize) {
        let out = &mut out[at..];
        if out.len() >= Self::LANES { self.store(v, out) } else { self.store_head(v, out) }
    }
}

/// Panics unless `len` floats hold a block of at least one row of `lanes` floats, `stride` apart.
#[inline(always)]
fn check_block(len: usize, stride: usize, rows: usize, lanes: usize) {
    let last = rows.checked_sub(1).and_then(|last| stride.checked_mul(last));
    let end = last.and_then(|last| last.checked_add(lanes));
    assert!(
        end.is_some_and(|end| end <= len),
        "{len} floats are too short for a block of {rows} rows"
    );
}

/// Panics unless `len` floats hold vectors of `lanes` floats at the places, `stride` floats apart.
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
#[inline(always)]
fn check_places<const N: usize>(len: usize, stride: usize, places: [usize; N], lanes: usize) {
    // A loop, so that places known at compile time leave one number.
    let mut last = 0;
    for place in places {
        last = last.max(place);
    }
    check_block(len, stride, last.saturating_add(1), lanes);
}

/// A computation written once for all ISAs. Mark `run` as `#[inline(always)]`: it must be compiled
/// inside [`Simd::vectorize`], where the instructions are enabled.
pub trait Kernel {
    /// The result of the computation.
    type Output;
    /// The computation.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Declares the ISAs, best first.
macro_rules! isas {
    ($( $(#[$cfg:meta])* $name:ident in $module:ident ),+ $(,)?) => {
        /// An instruction set that this processor has: only detection can build one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Isa {
            $(
                $(#[$cfg])*
                #[doc = concat!("See `simd/", stringify!($module), ".rs`.")]
                $name($module::$name)
            ),+
        }

        $(
            $(#[$cfg])* pub use $module::$name;
            $(#[$cfg])* const _: () = assert!(<$module::$name as Simd>::LANES <= MAX_LANES);
        )+

        impl Isa {
            /// All ISAs that this processor has, best first. Never empty: the plain one runs
            /// anywhere.
            pub fn available() -> Vec<Isa> {
                Isa::detected().collect()
            }

            /// The same ISAs as [`Isa::available`], without an allocation.
            pub(crate) fn detected() -> impl Iterator<Item = Isa> {
                let all = [ $( $(#[$cfg])* $module::$name::detect().map(Isa::$name) ),+ ];
                all.into_iter().flatten()
            }

            /// The names of all ISAs compiled in, best first, whether or not this processor has
            /// them.
            pub fn names() -> &'static [&'static str] {
                &[ $( $(#[$cfg])* <$module::$name as Simd>::NAME ),+ ]
            }

            /// The name, as [`Isa::named`] takes it.
            pub fn name(self) -> &'static str {
                match self { $( $(#[$cfg])* Isa::$name(_) => <$module::$name as Simd>::NAME ),+ }
            }

            /// The number of floats in a vector.
            pub fn lanes(self) -> usize {
                match self { $( $(#[$cfg])* Isa::$name(_) => <$module::$name as Simd>::LANES ),+ }
            }

            /// Runs `kernel` with this ISA's instructions.
            #[inline]
            pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
                match self { $( $(#[$cfg])* Isa::$name(simd) => simd.vectorize(kernel) ),+ }
            }
        }
    };
}

isas! {
    #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
    Avx512 in avx512,
    #[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
    Avx2 in avx2,
    Plain in plain,
}

impl Isa {
    /// The best ISA of this processor.
    pub fn best() -> Isa {
        Isa::available()[0]
    }

    /// The ISA of that name, if this build and this processor have it.
    pub fn named(name: &str) -> Option<Isa> {
        Isa::available().into_iter().find(|isa| isa.name() == name)
    }
}
