//! The sums of the micro-kernel on AVX2, in assembly.
//!
//! An AVX2 core is short of instructions, not of multipliers: Zen 3 issues six a cycle, and three
//! where another program runs on its sibling, but multiplies and adds two vectors a cycle. A tile
//! of 6 rows by 2 vectors takes for each step of k:
//!
//! ```text
//! 2 loads of B, 6 broadcasts of A, 12 multiply-adds                       20
//! in a group of 4 steps: 3 to prefetch, 2 or 1 for A, 1 for B, 2 to loop   2
//! in 4 groups: 4 for the next line to prefetch                             0.25
//! ```
//!
//! Products of 512 cubed take 23 in all, with packing, and took 37 with the compiler's code. That
//! adds up addresses one by one, and keeps some accumulators in memory once the loop is unrolled.

use super::{Operands, Prefetch};
use crate::hardware::memory::FLOATS_PER_LINE;
use crate::hardware::simd::{Avx2, Simd};
use std::arch::asm;
use std::arch::x86_64::{
    __m256, __m256i, _mm256_cmpgt_epi32, _mm256_set1_epi32, _mm256_setr_epi32,
};

/// Floats in a vector.
const LANES: usize = Avx2::LANES;

/// Steps of k in a group.
const GROUP: usize = 4;

/// Groups from one line of a prefetched row to the next.
const GROUPS: usize = FLOATS_PER_LINE / GROUP;

/// Lines to prefetch in a group.
const LINES: usize = 2;

/// The instructions of one step of k, for rows whose accumulators and addresses are given.
macro_rules! step {
    (2, $b:literal, $column:literal, $([$i:tt $first:tt $second:tt $row:tt])+) => {
        concat!(
            "vmovups ymm12, [", $b, "]\n",
            "vmovups ymm13, [", $b, " + 32]\n",
            $(
                "vbroadcastss ymm14, [", $row, $column, "]\n",
                "vfmadd231ps ", $first, ", ymm14, ymm12\n",
                "vfmadd231ps ", $second, ", ymm14, ymm13\n",
            )+
        )
    };
    // The second vector ends where the columns do, and overlaps the first.
    (overlapping, $b:literal, $column:literal, $([$i:tt $first:tt $second:tt $row:tt])+) => {
        concat!(
            "vmovups ymm12, [{b}", $b, "]\n",
            "vmovups ymm13, [{last}", $b, "]\n",
            $(
                "vbroadcastss ymm14, [", $row, $column, "]\n",
                "vfmadd231ps ", $first, ", ymm14, ymm12\n",
                "vfmadd231ps ", $second, ", ymm14, ymm13\n",
            )+
        )
    };
    // As many lanes as there are columns.
    (1, $b:literal, $column:literal, $([$i:tt $first:tt $second:tt $row:tt])+) => {
        concat!(
            "vmaskmovps ymm12, ymm15, [", $b, "]\n",
            $(
                "vbroadcastss ymm14, [", $row, $column, "]\n",
                "vfmadd231ps ", $first, ", ymm14, ymm12\n",
            )+
        )
    };
}

/// The loop over k. `$columns` are the addresses of four columns of A beside those of the rows,
/// `$group` and `$one` move them on by four columns and by one.
macro_rules! sum_up {
    // Few columns: nothing is prefetched, which leaves a register for the second vector.
    (
        overlapping, $sums:ident, $o:ident, $stride:expr, $other:expr,
        [$c0:literal $c1:literal $c2:literal $c3:literal], $group:literal, $one:literal,
        $($row:tt)+
    ) => {
        sum_up!(@asm 2, $sums, $o, $($row)+;
            concat!(
                "/* {s} */\n",
                "test {groups}, {groups}\n",
                "jz 4f\n",
                "2:\n",
                step!(overlapping, "", $c0, $($row)+),
                step!(overlapping, " + {bs}", $c1, $($row)+),
                step!(overlapping, " + 2*{bs}", $c2, $($row)+),
                step!(overlapping, " + {bs3}", $c3, $($row)+),
                $group,
                "lea {b}, [{b} + 4*{bs}]\n",
                "lea {last}, [{last} + 4*{bs}]\n",
                "dec {groups}\n",
                "jnz 2b\n",
                "4:\n",
                "test {rest}, {rest}\n",
                "jz 6f\n",
                "5:\n",
                step!(overlapping, "", $c0, $($row)+),
                $one,
                "add {b}, {bs}\n",
                "add {last}, {bs}\n",
                "dec {rest}\n",
                "jnz 5b\n",
                "6:\n",
            );
            a = inout(reg) $o.a => _,
            s = in(reg) size_of::<f32>().wrapping_mul($stride),
            t = inout(reg) $other => _,
            b = inout(reg) $o.b => _,
            last = inout(reg) $o.b.wrapping_add($o.width - LANES) => _,
            bs = in(reg) size_of::<f32>().wrapping_mul($o.b_stride),
            bs3 = in(reg) (3 * size_of::<f32>()).wrapping_mul($o.b_stride),
            groups = inout(reg) $o.k / GROUP => _,
            rest = inout(reg) $o.k % GROUP => _,
        )
    };
    (
        $nv:tt, $sums:ident, $o:ident, $stride:expr, $other:expr,
        [$c0:literal $c1:literal $c2:literal $c3:literal], $group:literal, $one:literal,
        $($row:tt)+
    ) => {{
        let groups = $o.k / GROUP;
        // The first block has the groups that fill no whole line.
        let (blocks, first) = (groups.div_ceil(GROUPS), groups.wrapping_sub(1) % GROUPS + 1);
        let prefetch = $o.prefetch.unwrap_or(Prefetch::nothing($o.a));
        let (step, line) = prefetch.lines(GROUPS * LINES);
        let start = prefetch.start.wrapping_add(step.wrapping_mul(LINES * (GROUPS - first)));
        sum_up!(@asm $nv, $sums, $o, $($row)+;
            concat!(
                // One row alone has no stride.
                "/* {s} */\n",
                "test {blocks}, {blocks}\n",
                "jz 4f\n",
                "2:\n",
                "prefetcht0 [{line}]\n",
                "prefetcht0 [{line} + {step}]\n",
                "lea {line}, [{line} + 2*{step}]\n",
                step!($nv, "{b}", $c0, $($row)+),
                step!($nv, "{b} + {bs}", $c1, $($row)+),
                step!($nv, "{b} + 2*{bs}", $c2, $($row)+),
                step!($nv, "{b} + {bs3}", $c3, $($row)+),
                $group,
                "lea {b}, [{b} + 4*{bs}]\n",
                "dec {groups}\n",
                "jnz 2b\n",
                "add {line}, {wrap}\n",
                "mov {groups}, 4\n",
                "dec {blocks}\n",
                "jnz 2b\n",
                "4:\n",
                "test {rest}, {rest}\n",
                "jz 6f\n",
                "5:\n",
                step!($nv, "{b}", $c0, $($row)+),
                $one,
                "add {b}, {bs}\n",
                "dec {rest}\n",
                "jnz 5b\n",
                "6:\n",
            );
            a = inout(reg) $o.a => _,
            s = in(reg) size_of::<f32>().wrapping_mul($stride),
            t = inout(reg) $other => _,
            b = inout(reg) $o.b => _,
            bs = in(reg) size_of::<f32>().wrapping_mul($o.b_stride),
            bs3 = in(reg) (3 * size_of::<f32>()).wrapping_mul($o.b_stride),
            blocks = inout(reg) blocks => _,
            groups = inout(reg) first => _,
            rest = inout(reg) $o.k % GROUP => _,
            line = inout(reg) start => _,
            step = in(reg) size_of::<f32>().wrapping_mul(step),
            wrap = in(reg) size_of::<f32>()
                .wrapping_mul(line.wrapping_sub(step.wrapping_mul(GROUPS * LINES))),
        )
    }};
    (@asm 2, $sums:ident, $o:ident, $([$i:tt $first:tt $second:tt $row:tt])+;
        $code:expr; $($operands:tt)+) => {
        asm!(
            $code,
            $($operands)+
            $(inout($first) $sums[$i][0], inout($second) $sums[$i][1],)+
            out("ymm12") _, out("ymm13") _, out("ymm14") _,
            options(readonly, nostack),
        )
    };
    (@asm 1, $sums:ident, $o:ident, $([$i:tt $first:tt $second:tt $row:tt])+;
        $code:expr; $($operands:tt)+) => {
        asm!(
            $code,
            $($operands)+
            $(inout($first) $sums[$i][0],)+
            out("ymm12") _, out("ymm14") _, in("ymm15") head_mask($o.width as i32),
            options(readonly, nostack),
        )
    };
}

/// A by rows: two pointers, three rows apart, reach six rows.
macro_rules! by_rows {
    ($nv:tt, $sums:ident, $o:ident, $($row:tt)+) => {
        sum_up!(
            $nv, $sums, $o, $o.row_stride, $o.a.wrapping_add($o.row_stride.wrapping_mul(3)),
            ["" " + 4" " + 8" " + 12"], "add {a}, 16\nadd {t}, 16\n", "add {a}, 4\nadd {t}, 4\n",
            $($row)+
        )
    };
}

/// A by columns: the rows lie side by side.
macro_rules! by_columns {
    ($nv:tt, $sums:ident, $o:ident, $($row:tt)+) => {
        sum_up!(
            $nv, $sums, $o, $o.col_stride,
            (3 * size_of::<f32>()).wrapping_mul($o.col_stride),
            ["" " + {s}" " + 2*{s}" " + {t}"], "lea {a}, [{a} + 4*{s}]\n", "add {a}, {s}\n",
            $($row)+
        )
    };
}

/// Enables the first `n` lanes.
#[target_feature(enable = "avx2")]
#[inline]
fn head_mask(n: i32) -> __m256i {
    _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
}

/// Adds the products of a tile to `sums`.
///
/// # Safety
/// `operands` holds what it says, and A lies by rows or by columns.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub unsafe fn add_up<const MR: usize, const NV: usize>(
    mut sums: [[__m256; NV]; MR],
    o: Operands,
) -> [[__m256; NV]; MR] {
    macro_rules! tile {
        ($nv:tt) => {
            // SAFETY: the caller's. Reads are those of the elements of A and B: `k` steps, each of
            // which reads a column of A and a row of B. A prefetch never faults.
            unsafe {
                if o.col_stride == 1 {
                    at_height!(MR, by_rows, $nv, sums, o,
                        [0 "ymm0" "ymm1" "{a}"]
                        [1 "ymm2" "ymm3" "{a} + {s}"]
                        [2 "ymm4" "ymm5" "{a} + 2*{s}"]
                        [3 "ymm6" "ymm7" "{t}"]
                        [4 "ymm8" "ymm9" "{t} + {s}"]
                        [5 "ymm10" "ymm11" "{t} + 2*{s}"])
                } else {
                    at_height!(MR, by_columns, $nv, sums, o,
                        [0 "ymm0" "ymm1" "{a}"]
                        [1 "ymm2" "ymm3" "{a} + 4"]
                        [2 "ymm4" "ymm5" "{a} + 8"]
                        [3 "ymm6" "ymm7" "{a} + 12"]
                        [4 "ymm8" "ymm9" "{a} + 16"]
                        [5 "ymm10" "ymm11" "{a} + 20"])
                }
            }
        };
    }
    if NV == 1 {
        tile!(1)
    } else if o.width < 2 * LANES {
        tile!(overlapping)
    } else {
        tile!(2)
    }
    sums
}
