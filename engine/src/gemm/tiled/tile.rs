//! The tile of each ISA: how much of C the micro-kernel holds in registers.
//!
//! A tile of `MR` rows by `NRV` vectors takes `MR NRV` accumulators, `NRV` registers for a row of
//! B, and one for the element of A that is broadcast (AVX-512 broadcasts from memory within the
//! multiplication). `MR` comes in every height up to the tallest, so that the rows of C need no
//! padding: rows are spread evenly over as few strips as can hold them.

use super::sums::windows::WindowOperands;
use super::sums::{self, Operands};
use crate::gemm::Products;
use crate::hardware::simd::{self, Isa, Kernel, Simd};

/// The widest tile of all ISAs, in vectors.
pub const NRV: usize = 2;

/// An ISA with its tile.
pub trait Tile: Simd {
    /// Operation, ISA and tile.
    const KERNEL: &'static str;
    /// The tallest tile, in rows.
    const MR: usize;
    /// The widest tile, in columns.
    const NR: usize = NRV * Self::LANES;
    /// The density of A below which a product that skips its zeros is faster: the bench
    /// `sparse_products` measures it.
    const SPARSE: f32;

    /// Adds the products of a tile to `sums`, in the order of k.
    ///
    /// # Safety
    /// `operands` holds what it says.
    #[inline(always)]
    unsafe fn add_up<const MR: usize, const NV: usize>(
        self,
        sums: [[Self::F; NV]; MR],
        operands: Operands,
    ) -> [[Self::F; NV]; MR] {
        // SAFETY: the caller's.
        unsafe { sums::add_up(self, sums, operands) }
    }

    /// True if there is [`Tile::add_up_windows`].
    const HAS_WINDOWS: bool = false;

    /// Adds the products of a tile of windows to `sums`, in the order of k.
    ///
    /// # Safety
    /// `operands` holds what it says.
    #[inline(always)]
    unsafe fn add_up_windows<const MR: usize, const NV: usize>(
        self,
        _sums: [[Self::F; NV]; MR],
        _operands: WindowOperands<MR>,
    ) -> [[Self::F; NV]; MR] {
        unreachable!("{} has no kernel for windows of its own", Self::KERNEL)
    }

    /// Runs what is compiled for that height.
    fn at_height<H: Heights>(self, height: usize, heights: H);
}

/// Code that is compiled for each height of a tile by itself. In one function, all heights inlined
/// would be 30,000 instructions.
pub trait Heights {
    /// To be marked `#[inline(always)]`.
    fn run<T: Tile, const MR: usize>(&mut self, simd: T);
}

#[inline(never)]
fn compiled<T: Tile, H: Heights, const MR: usize>(simd: T, mut heights: H) {
    simd.vectorize(Height::<T, H, MR>(simd, &mut heights));
}

/// A height that is known at compile time.
struct Height<'a, T, H, const MR: usize>(T, &'a mut H);

impl<T: Tile, H: Heights, const MR: usize> Kernel for Height<'_, T, H, MR> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        self.1.run::<T, MR>(self.0);
    }
}

/// Gives ISAs their tiles; the heights have to be all those from 1 to the tallest.
macro_rules! tiles {
    ($(
        $(#[$comment:meta])*
        $isa:ident: $kernel:literal, sparse below $sparse:literal,
        heights $($height:literal)+ $(, $add_up:path, $windows:path)?
    );+ $(;)?) => {
        $(
            $(#[$comment])*
            impl Tile for simd::$isa {
                const KERNEL: &'static str = $kernel;
                const MR: usize = [$($height),+].len();
                const SPARSE: f32 = $sparse;

                $(
                    #[inline(always)]
                    unsafe fn add_up<const MR: usize, const NV: usize>(
                        self,
                        sums: [[Self::F; NV]; MR],
                        operands: Operands,
                    ) -> [[Self::F; NV]; MR] {
                        // SAFETY: the caller's; the token proves that the instructions are there.
                        unsafe { $add_up(sums, operands) }
                    }

                    const HAS_WINDOWS: bool = true;

                    #[inline(always)]
                    unsafe fn add_up_windows<const MR: usize, const NV: usize>(
                        self,
                        sums: [[Self::F; NV]; MR],
                        operands: WindowOperands<MR>,
                    ) -> [[Self::F; NV]; MR] {
                        // SAFETY: the caller's; the token proves that the instructions are there.
                        unsafe { $windows(sums, operands) }
                    }
                )?

                #[inline(always)]
                fn at_height<H: Heights>(self, height: usize, heights: H) {
                    match height {
                        $( $height => compiled::<Self, H, $height>(self, heights), )+
                        rows => unreachable!("strips of {rows} rows"),
                    }
                }
            }
        )+

        /// The products of an ISA that has a tile.
        pub fn products(isa: &Isa) -> &dyn Products {
            match isa {
                $( Isa::$isa(simd) => simd, )+
                Isa::Plain(_) => unreachable!("the plain ISA has no tile"),
            }
        }
    };
}

tiles! {
    /// 28 accumulators, 2 registers of B: 30 of 32 registers, and 28 multiplications for 16 loads.
    Avx512: "sgemm_avx512_14x32", sparse below 0.5,
    heights 1 2 3 4 5 6 7 8 9 10 11 12 13 14;
    /// 12 accumulators, 2 registers of B and 1 of A: 15 of 16 registers, and 12 multiplications for
    /// 8 loads.
    Avx2: "sgemm_avx2_6x16", sparse below 0.6,
    heights 1 2 3 4 5 6, sums::avx2::add_up, sums::windows::add_up;
}
