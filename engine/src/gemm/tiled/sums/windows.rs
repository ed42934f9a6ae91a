//! The sums of the micro-kernel for windows on AVX2, in assembly.
//!
//! A tile of 6 rows by 2 vectors takes for each step of k:
//!
//! ```text
//! 2 loads of B, 6 broadcasts of A, 12 multiply-adds              20
//! in a group of 4 steps: 1 for A, 1 for B, 2 to loop              1
//! ```
//!
//! A run that ends with 3 steps, as one of 3 or 7 does, takes 10 instructions more: 9 less than
//! with single steps. Runs follow each other within the assembly: a call for each took 7
//! instructions more in a step of runs of 7.

use crate::gemm::matrix::Steps;
use std::arch::asm;
use std::arch::x86_64::__m256;

/// The operands of a tile's sums: windows, and rows of B of NV vectors.
#[derive(Clone, Copy)]
pub struct WindowOperands<const MR: usize> {
    /// The first element of each row of A. Unless its columns are neighbours, its rows are.
    pub rows: [*const f32; MR],
    pub runs: Steps,
    pub columns: Steps,
    /// `(k, NV vectors)`, contiguous.
    pub b: *const f32,
}

/// Steps of k in a group.
const GROUP: usize = 4;

/// The instructions of one step of k.
macro_rules! step {
    (2, $b:literal, $column:literal, $([$i:tt $first:tt $second:tt $row:tt])+) => {
        concat!(
            "vmovups ymm12, [{b} + 2*", $b, "]\n",
            "vmovups ymm13, [{b} + 2*", $b, " + 32]\n",
            $(
                "vbroadcastss ymm14, [", $row, $column, "]\n",
                "vfmadd231ps ", $first, ", ymm14, ymm12\n",
                "vfmadd231ps ", $second, ", ymm14, ymm13\n",
            )+
        )
    };
    (1, $b:literal, $column:literal, $([$i:tt $first:tt $second:tt $row:tt])+) => {
        concat!(
            "vmovups ymm12, [{b} + ", $b, "]\n",
            $(
                "vbroadcastss ymm14, [", $row, $column, "]\n",
                "vfmadd231ps ", $first, ", ymm14, ymm12\n",
            )+
        )
    };
}

/// The loops over runs and columns. `$columns` are the addresses of four columns of A beside those
/// of the rows; `$group`, `$three`, `$one` and `$run` move them on by so many, and by a run.
macro_rules! sum_up {
    (
        $nv:tt, $sums:ident, $o:ident, [$c0:literal $c1:literal $c2:literal $c3:literal],
        [$group:literal $three:literal $one:literal $run:literal],
        [$($addresses:tt)+], [$($strides:tt)*], $($row:tt)+
    ) => {{
        let count = $o.columns.count;
        let run = $o.runs.stride.wrapping_sub(count.wrapping_mul($o.columns.stride));
        // In memory, for want of registers.
        let lengths = [count / GROUP, count % GROUP, size_of::<f32>().wrapping_mul(run)];
        sum_up!(@asm $nv, $sums, $($row)+;
            concat!(
                "3:\n",
                "mov {count}, [{lengths}]\n",
                "test {count}, {count}\n",
                "jz 4f\n",
                "2:\n",
                step!($nv, "0", $c0, $($row)+),
                step!($nv, "32", $c1, $($row)+),
                step!($nv, "64", $c2, $($row)+),
                step!($nv, "96", $c3, $($row)+),
                $group,
                "add {b}, 4*{width}\n",
                "dec {count}\n",
                "jnz 2b\n",
                "4:\n",
                "mov {count}, [{lengths} + 8]\n",
                "cmp {count}, 3\n",
                "jne 7f\n",
                step!($nv, "0", $c0, $($row)+),
                step!($nv, "32", $c1, $($row)+),
                step!($nv, "64", $c2, $($row)+),
                $three,
                "add {b}, 3*{width}\n",
                "jmp 6f\n",
                "7:\n",
                "test {count}, {count}\n",
                "jz 6f\n",
                "5:\n",
                step!($nv, "0", $c0, $($row)+),
                $one,
                "add {b}, {width}\n",
                "dec {count}\n",
                "jnz 5b\n",
                "6:\n",
                $run,
                "dec {runs}\n",
                "jnz 3b\n",
            );
            [$($addresses)+]
            $($strides)*
            b = inout(reg) $o.b => _,
            count = out(reg) _,
            lengths = in(reg) lengths.as_ptr(),
            runs = inout(reg) $o.runs.count => _,
            width = const 32 * $nv,
        )
    }};
    (@asm 2, $sums:ident, $([$i:tt $first:tt $second:tt $row:tt])+;
        $code:expr; [$($addresses:tt)+] $($operands:tt)+) => {
        asm!(
            $code,
            $($addresses)+
            $($operands)+
            $(inout($first) $sums[$i][0], inout($second) $sums[$i][1],)+
            out("ymm12") _, out("ymm13") _, out("ymm14") _,
            options(readonly, nostack),
        )
    };
    (@asm 1, $sums:ident, $([$i:tt $first:tt $second:tt $row:tt])+;
        $code:expr; [$($addresses:tt)+] $($operands:tt)+) => {
        asm!(
            $code,
            $($addresses)+
            $($operands)+
            $(inout($first) $sums[$i][0],)+
            out("ymm12") _, out("ymm14") _,
            options(readonly, nostack),
        )
    };
}

/// Columns side by side: a pointer for each row, and one index for all.
macro_rules! by_rows {
    ($nv:tt, $sums:ident, $o:ident, $([$i:tt $first:tt $second:tt $row:tt])+) => {
        sum_up!(
            $nv, $sums, $o, ["" " + 4" " + 8" " + 12"],
            ["add {p}, 16\n" "add {p}, 12\n" "add {p}, 4\n" "add {p}, [{lengths} + 16]\n"],
            [$(in(reg) $o.rows[$i],)+ p = inout(reg) 0usize => _,], [],
            $([$i $first $second $row])+
        )
    };
}

/// Rows side by side: one pointer.
macro_rules! by_columns {
    ($nv:tt, $sums:ident, $o:ident, $($row:tt)+) => {
        sum_up!(
            $nv, $sums, $o, ["" " + {s}" " + 2*{s}" " + {t}"],
            ["lea {a}, [{a} + 4*{s}]\n" "add {a}, {t}\n" "add {a}, {s}\n"
             "add {a}, [{lengths} + 16]\n"],
            [a = inout(reg) $o.rows[0] => _,],
            [s = in(reg) size_of::<f32>().wrapping_mul($o.columns.stride),
             t = in(reg) (3 * size_of::<f32>()).wrapping_mul($o.columns.stride),],
            $($row)+
        )
    };
}

/// Adds the products of a tile to `sums`.
///
/// # Safety
/// `o` holds what it says, with at least one run and one column.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub unsafe fn add_up<const MR: usize, const NV: usize>(
    mut sums: [[__m256; NV]; MR],
    o: WindowOperands<MR>,
) -> [[__m256; NV]; MR] {
    macro_rules! tile {
        ($nv:tt) => {
            // SAFETY: the caller's. Reads are those of the elements of A and B: as many steps as
            // there are columns in all runs, each of which reads a column of A and a row of B.
            unsafe {
                if o.columns.stride == 1 {
                    at_height!(MR, by_rows, $nv, sums, o,
                        [0 "ymm0" "ymm1" "{0} + {p}"]
                        [1 "ymm2" "ymm3" "{1} + {p}"]
                        [2 "ymm4" "ymm5" "{2} + {p}"]
                        [3 "ymm6" "ymm7" "{3} + {p}"]
                        [4 "ymm8" "ymm9" "{4} + {p}"]
                        [5 "ymm10" "ymm11" "{5} + {p}"])
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
    } else {
        tile!(2)
    }
    sums
}
