//! The sums over k of a tile: the innermost loop of a product, and what it fetches meanwhile.

use crate::hardware::memory::FLOATS_PER_LINE;
use crate::hardware::simd::Simd;
use std::arch::asm;
use std::array::from_fn;

/// Calls `$layout` with as many rows as the tile has.
macro_rules! at_height {
    ($mr:ident, $layout:ident, $nv:tt, $sums:ident, $o:ident, $($row:tt)+) => {
        at_height!(@ $mr, $layout, $nv, $sums, $o, [], $($row)+)
    };
    (
        @ $mr:ident, $layout:ident, $nv:tt, $sums:ident, $o:ident,
        [$($row:tt)*], $next:tt $($more:tt)*
    ) => {
        if $mr == at_height!(@count $next) {
            $layout!($nv, $sums, $o, $($row)* $next)
        } else {
            at_height!(@ $mr, $layout, $nv, $sums, $o, [$($row)* $next], $($more)*)
        }
    };
    (@ $mr:ident, $layout:ident, $nv:tt, $sums:ident, $o:ident, [$($row:tt)*],) => {
        unreachable!("a tile of {} rows", $mr)
    };
    (@count [$i:tt $($rest:tt)+]) => { $i + 1 };
}

// Behind the macro that both use.
pub mod avx2;
pub mod windows;

/// The addresses to prefetch while a strip is multiplied: a cache line for each step of k.
///
/// An address may lie outside the matrix: a prefetch never faults.
#[derive(Clone, Copy)]
pub struct Prefetch {
    pub start: *const f32,
    /// The floats to go on after each step, and after a line's steps.
    step: usize,
    line: usize,
    /// From a strip's start to the next one's.
    strip: usize,
}

impl Prefetch {
    /// A line each `stride` floats.
    #[inline(always)]
    pub fn along(start: *const f32, stride: usize) -> Prefetch {
        Prefetch { start, step: stride, line: stride.wrapping_mul(FLOATS_PER_LINE), strip: 0 }
    }

    /// A line of each of so many rows as a line has floats, then the next line of each.
    #[inline(always)]
    pub fn rows(start: *const f32, row_stride: usize) -> Prefetch {
        Prefetch { start, step: row_stride, line: FLOATS_PER_LINE, strip: 0 }
    }

    /// Half number `half` of the lines of a block of B, `nr` columns wide and as deep as the tile:
    /// half of its columns if they are contiguous, else of a row's lines, or of the rows if that is
    /// one line.
    #[inline(always)]
    pub fn half_panel(b: *const f32, [row, col]: [usize; 2], nr: usize, half: usize) -> Prefetch {
        let panel = b.wrapping_add((half / 2 * nr).wrapping_mul(col));
        let second = half % 2;
        if col != 1 {
            return Prefetch::rows(panel.wrapping_add((second * nr / 2).wrapping_mul(col)), col);
        }
        let apart = if nr > FLOATS_PER_LINE { FLOATS_PER_LINE } else { row };
        Prefetch::along(panel.wrapping_add(second * apart), row)
    }

    /// An address that is in the cache already. It costs nothing, while a second loop without
    /// prefetching would.
    #[inline(always)]
    pub fn nothing(near: *const f32) -> Prefetch {
        Prefetch::along(near, 0)
    }

    /// The floats from line to line, and after `count` lines, for a loop that fetches only so many
    /// in the steps of a line: fewer rows, or lines further apart.
    #[inline(always)]
    pub fn lines(self, count: usize) -> (usize, usize) {
        let along = self.line == self.step.wrapping_mul(FLOATS_PER_LINE);
        let apart = if along { FLOATS_PER_LINE / count } else { 1 };
        (self.step.wrapping_mul(apart), self.line)
    }

    /// With strips so many floats apart.
    #[inline(always)]
    pub fn with_strips(self, strip: usize) -> Prefetch {
        Prefetch { strip, ..self }
    }

    /// For strip number `i`.
    #[inline(always)]
    pub fn of_strip(self, i: usize) -> Prefetch {
        Prefetch { start: self.start.wrapping_add(i * self.strip), ..self }
    }
}

/// The operands of a tile's sums: MR rows of A, and rows of B of NV vectors.
#[derive(Clone, Copy)]
pub struct Operands {
    /// `(MR, k)`, by rows or by columns: one of its strides is 1.
    pub a: *const f32,
    pub row_stride: usize,
    pub col_stride: usize,
    /// `(k, width)`, with contiguous rows.
    pub b: *const f32,
    pub b_stride: usize,
    /// The columns of B, which fill all vectors but the last: a single one reads no further, and
    /// the last of several ends with them, over the end of the one before.
    pub width: usize,
    pub k: usize,
    pub prefetch: Option<Prefetch>,
}

/// Adds the products of a tile to `sums`, as the compiler writes it.
///
/// # Safety
/// `operands` holds what it says.
#[inline(always)]
pub unsafe fn add_up<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    sums: [[S::F; NV]; MR],
    operands: Operands,
) -> [[S::F; NV]; MR] {
    // Two loops, in each of which one stride of A is 1 at compile time, so that the other alone
    // takes a register.
    let by_rows = Operands { col_stride: 1, ..operands };
    let by_columns = Operands { row_stride: 1, ..operands };
    let whole = NV > 1 && operands.width == NV * S::LANES;
    // Else the compiler makes each row's address of that of the row before, in each step: a chain
    // of additions as long as the tile is high, with which tiles of 8 to 11 rows ran at two thirds.
    let apart = starts(by_rows).map(hidden);
    let beside = starts(by_columns);
    // SAFETY: the caller's; one of the strides is 1.
    unsafe {
        match (operands.col_stride == 1, whole) {
            (true, true) => steps::<S, MR, NV, true>(simd, sums, by_rows, apart),
            (true, false) => steps::<S, MR, NV, false>(simd, sums, by_rows, apart),
            (false, true) => steps::<S, MR, NV, true>(simd, sums, by_columns, beside),
            (false, false) => steps::<S, MR, NV, false>(simd, sums, by_columns, beside),
        }
    }
}

/// Rows of A whose addresses are made of that of the first of them: by index and scale.
const TOGETHER: usize = 4;

/// The first of so many rows each, for the tallest tile.
type Starts = [*const f32; 4];

#[inline(always)]
fn starts(Operands { a, row_stride, .. }: Operands) -> Starts {
    from_fn(|i| a.wrapping_add((TOGETHER * i).wrapping_mul(row_stride)))
}

/// The same pointer, of which the compiler does not know where it comes from.
#[inline(always)]
// Nothing is read or written through it.
#[allow(clippy::pointers_in_nomem_asm_block)]
fn hidden(mut pointer: *const f32) -> *const f32 {
    // SAFETY: these are no instructions.
    unsafe {
        asm!("/* {0} */", inout(reg) pointer, options(pure, nomem, nostack, preserves_flags));
    }
    pointer
}

/// The loop over k, for several vectors that are `WHOLE`, or any.
///
/// # Safety
/// `operands` holds what it says, and `rows` are the starts of its rows of A.
#[inline(always)]
unsafe fn steps<S: Simd, const MR: usize, const NV: usize, const WHOLE: bool>(
    simd: S,
    mut sums: [[S::F; NV]; MR],
    operands: Operands,
    rows: Starts,
) -> [[S::F; NV]; MR] {
    let k = operands.k;
    let Some(prefetch) = operands.prefetch else {
        for p in 0..k {
            // SAFETY: the caller's.
            unsafe { step::<S, MR, NV, WHOLE>(simd, &mut sums, &operands, &rows, p) };
        }
        return sums;
    };
    let mut line = prefetch.start;
    for first in (0..k).step_by(FLOATS_PER_LINE) {
        let mut next = line;
        for p in first..k.min(first + FLOATS_PER_LINE) {
            simd.prefetch(next);
            next = next.wrapping_add(prefetch.step);
            // SAFETY: the caller's.
            unsafe { step::<S, MR, NV, WHOLE>(simd, &mut sums, &operands, &rows, p) };
        }
        line = line.wrapping_add(prefetch.line);
    }
    sums
}

/// Step `p` of the loop over k.
///
/// # Safety
/// `operands` and `rows` hold what they say, and `p` is below k.
#[inline(always)]
unsafe fn step<S: Simd, const MR: usize, const NV: usize, const WHOLE: bool>(
    simd: S,
    sums: &mut [[S::F; NV]; MR],
    operands: &Operands,
    rows: &Starts,
    p: usize,
) {
    let &Operands { row_stride, col_stride, b, b_stride, width, .. } = operands;
    let mut row = [simd.splat(0.0); NV];
    for (v, b_v) in row.iter_mut().enumerate() {
        let last = v == NV - 1 && !WHOLE;
        let (start, len) = match (last, NV) {
            (false, _) => (v * S::LANES, S::LANES),
            (true, 1) => (0, width),
            (true, _) => (width - S::LANES, S::LANES),
        };
        // SAFETY: row `p` of B exists, is contiguous and has `width` columns, within which this is.
        let b = unsafe { std::slice::from_raw_parts(b.add(p * b_stride + start), len) };
        *b_v = if last && NV == 1 { simd.load_head(b) } else { simd.load(b) };
    }
    for (i, sums_i) in sums.iter_mut().enumerate() {
        let offset = i % TOGETHER * row_stride + p * col_stride;
        // SAFETY: `(i, p)` is an element of A.
        let a = simd.splat(unsafe { *rows[i / TOGETHER].add(offset) });
        for (sum, b_v) in sums_i.iter_mut().zip(row) {
            *sum = simd.mul_add(a, b_v, *sum);
        }
    }
}
