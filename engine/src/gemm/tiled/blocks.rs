//! The sizes of blocks and strips, and what of A and B is packed.

use super::tile::Tile;
use crate::gemm::depth::KC;
use crate::gemm::matrix::MatRef;
use crate::hardware::caches;
use crate::hardware::memory::FLOATS_PER_LINE;

/// The columns in a block of `k` rows, of B's `n`: a block takes at most one of so many `shares` of
/// a level-2 cache. All blocks are about equal.
pub fn block_columns(n: usize, k: usize, nr: usize, shares: usize) -> usize {
    let floats = caches::level2() / (shares * size_of::<f32>());
    if n.saturating_mul(k) <= floats {
        return n.next_multiple_of(nr);
    }
    let most = (floats / k.max(1) / nr).max(1) * nr;
    n.div_ceil(n.div_ceil(most)).next_multiple_of(nr)
}

/// Strips of A in a block, where A is packed by columns: 8 x 14 x 512 floats or 224 KB, a quarter
/// of a level-2 cache of 1 MB.
pub const MC: usize = 8;

/// Floats between the rows of a packed micro-panel of A: a cache line more than a block is long, so
/// that the rows fall into different sets of the level-1 cache.
pub const A_STRIDE: usize = KC + FLOATS_PER_LINE;

/// The strips of `m` rows: as few as can be, of two heights that differ by 1. For each of them the
/// height, the first row, and the rows of all such strips.
pub fn even_strips(m: usize, tallest: usize) -> [(usize, usize, usize); 2] {
    let count = m.div_ceil(tallest).max(1);
    let (low, taller) = (m / count, m % count);
    let rows = taller * (low + 1);
    [(low + 1, 0, rows), (low, rows, m - rows)]
}

/// True if rows at this distance fall into the same few sets of a cache, which repeat every
/// 4096 bytes in a level-1 cache and at a multiple of that in others.
pub fn collide(stride: usize) -> bool {
    const PERIOD: usize = 1024;
    let shift = stride % PERIOD;
    stride >= 32 && shift.min(PERIOD - shift) < 32
}

/// The way in which the micro-kernel reads A.
#[derive(Clone, Copy, PartialEq)]
pub enum LayoutA {
    /// By rows, where they are.
    Rows,
    /// By rows, packed strip by strip.
    PackedRows,
    /// By columns, where they are.
    Columns,
    /// By columns, packed block by block.
    PackedColumns,
}

impl LayoutA {
    /// A is read where it is, unless the lines that a strip takes fall into the same few sets of a
    /// cache, and those are too many for it: 7 rows for a level-1 cache, 64 columns for a level-2
    /// cache. Or if a strip takes less than half of each line of a column: AVX2's of 6 rows would
    /// read a line three times. Columns that are read a few times need not be packed for that.
    pub fn of<S: Tile>(a: MatRef, n: usize) -> LayoutA {
        match (a.col_stride(), a.row_stride()) {
            (1, stride) if !collide(stride) || a.rows() <= S::MR / 2 => LayoutA::Rows,
            (1, _) => LayoutA::PackedRows,
            (stride, 1)
                if !collide(stride) && 2 * S::MR >= FLOATS_PER_LINE
                    || a.cols() <= 64
                    || n <= 64 =>
            {
                LayoutA::Columns
            }
            (_, 1) => LayoutA::PackedColumns,
            _ => LayoutA::PackedRows,
        }
    }

    /// True if A is read where it is.
    pub fn in_place(self) -> bool {
        matches!(self, LayoutA::Rows | LayoutA::Columns)
    }

    /// The number of strips to multiply at once, of `strips` in total.
    pub fn strips_at_once(self, strips: usize) -> usize {
        match self {
            LayoutA::Rows | LayoutA::Columns => strips,
            LayoutA::PackedRows => 1,
            LayoutA::PackedColumns => MC,
        }
    }
}

/// True if a block of `k` rows of B, read where they are, `stride` floats apart, stays in a level-2
/// cache from strip to strip. Short strips return to it sooner: then half of the room has to do, as
/// for a packed block.
///
/// A power of two that divides the distance leaves only some sets of the cache to a block that is
/// narrower than that. So 392 rows of 128 floats of 512 share 128 KB of 512 KB, which they exceed.
/// There (Zen 3, AVX2) 32 rows of A took half as long again as with a packed B; with 128 floats of
/// 256, 64 rows took a third longer. On Zen 5, which has 1 MB, packing takes 3 % of the time of 32
/// rows on AVX2, and would take 7 % of that of 128 on AVX-512.
fn stays_in_cache<T: Tile>(k: usize, stride: usize) -> bool {
    let share = if T::MR < 8 { 2 } else { 1 };
    let block = k.div_ceil(k.div_ceil(KC).max(1));
    let bytes = size_of::<f32>() * (1 << stride.trailing_zeros().min(16)).max(T::NR);
    share * block <= caches::level2() / bytes
}

/// Strips of A that are few: to pack B takes a share of their time that shows.
const FEW: usize = 12;

/// The way in which the micro-kernel reads B.
///
/// | strips of A | B by rows | B by columns |
/// |---|---|---|
/// | up to 3 | in place | packed ahead |
/// | up to 12 | in place where it stays in a cache, else packed ahead | packed ahead |
/// | more | in place where it is small and its rows are short, else packed | packed |
///
/// Where rows collide, they are packed, and not ahead: what is fetched does not stay. The bench
/// `packing` measures from which number of rows on packing pays.
#[derive(Clone, Copy, PartialEq)]
pub enum LayoutB {
    /// By rows, where they are.
    InPlace,
    /// Packed by blocks of half a level-2 cache, through which the micro-panels of A and C pass as
    /// well. Packing one asks for the lines some rows ahead.
    Packed,
    /// Packed by blocks of a quarter of a level-2 cache, while the next one is fetched into
    /// another: 4 to 14 % for 32 to 64 rows on AVX2, up to 5 % for 64 and 128 on AVX-512.
    PackedAhead,
}

impl LayoutB {
    /// For `m` rows of C.
    pub fn of<T: Tile>(b: MatRef, m: usize) -> LayoutB {
        let (k, stride) = (b.rows(), b.row_stride());
        let (by_rows, strips) = (b.col_stride() == 1, m.div_ceil(T::MR));
        let few = strips <= FEW;
        // An eighth of a level-2 cache is at hand for any number of strips. But of rows 1024 bytes
        // apart, a page holds 4: too few for the processor to see where they lead, and too many
        // pages. A product of 784 rows that is 32 or 64 deep then takes 7 % longer than with a
        // packed B.
        let small = k.saturating_mul(stride) <= 1 << 15 && (few || stride < 256);
        let stays = small || few && stays_in_cache::<T>(k, stride);
        match (by_rows, by_rows && collide(stride)) {
            (true, _) if strips <= 3 => LayoutB::InPlace,
            (_, true) => LayoutB::Packed,
            (true, _) if stays => LayoutB::InPlace,
            _ if few => LayoutB::PackedAhead,
            _ => LayoutB::Packed,
        }
    }

    /// The shares of a level-2 cache of which a block takes one.
    pub fn shares(self) -> usize {
        if self == LayoutB::PackedAhead { 4 } else { 2 }
    }
}
