//! No instruction set assumed: eight lanes as an array, which compilers turn into whatever the
//! target has.

use super::{Kernel, Simd, check_block};
use crate::hardware::half;

/// The portable vectors, the only ones on processors that no other file knows.
///
/// Products of matrices do not use them: see `gemm/portable.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain(());

impl Plain {
    /// Always there.
    pub fn detect() -> Option<Plain> {
        Some(Plain(()))
    }
}

const LANES: usize = 8;

/// Declares methods lane by lane, each by its expression: `add(a, b) = a + b;`.
macro_rules! lanes {
    ($($name:ident($($v:ident),+) = $value:expr;)+) => {$(
        #[inline(always)]
        fn $name(self, $($v: Self::F),+) -> Self::F {
            std::array::from_fn(|i| {
                $(let $v = $v[i];)+
                $value
            })
        }
    )+};
}

impl Simd for Plain {
    type F = [f32; LANES];
    const LANES: usize = LANES;
    const NAME: &'static str = "plain";

    #[inline]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self::F {
        [x; LANES]
    }
    #[inline(always)]
    fn load(self, x: &[f32]) -> Self::F {
        x[..LANES].try_into().expect("LANES values")
    }
    #[inline(always)]
    fn load_places<const N: usize>(
        self,
        x: &[f32],
        stride: usize,
        places: [usize; N],
    ) -> [Self::F; N] {
        places.map(|place| self.load(&x[place * stride..]))
    }
    #[inline(always)]
    fn store_places<const N: usize>(
        self,
        values: [Self::F; N],
        out: &mut [f32],
        stride: usize,
        places: [usize; N],
    ) {
        for (v, place) in values.into_iter().zip(places) {
            self.store(v, &mut out[place * stride..]);
        }
    }
    #[inline(always)]
    fn load_head(self, x: &[f32]) -> Self::F {
        let mut v = [0.0; LANES];
        v[..x.len()].copy_from_slice(x);
        v
    }
    #[inline(always)]
    fn store(self, v: Self::F, out: &mut [f32]) {
        out[..LANES].copy_from_slice(&v);
    }
    #[inline(always)]
    fn store_head(self, v: Self::F, out: &mut [f32]) {
        out.copy_from_slice(&v[..out.len()]);
    }
    #[inline(always)]
    fn prefetch(self, _: *const f32) {}

    #[inline(always)]
    fn load_f16(self, x: &[u16]) -> Self::F {
        let x = &x[..LANES];
        std::array::from_fn(|i| half::to_f32(x[i]))
    }
    #[inline(always)]
    fn load_i8(self, x: &[i8]) -> Self::F {
        let x = &x[..LANES];
        std::array::from_fn(|i| f32::from(x[i]))
    }

    lanes! {
        add(a, b) = a + b;
        sub(a, b) = a - b;
        mul(a, b) = a * b;
        div(a, b) = a / b;
        // Two roundings: `f32::mul_add` is a slow library call where the target has no such
        // instruction.
        mul_add(a, b, c) = a * b + c;
        min(a, b) = if a < b { a } else { b };
        max(a, b) = if a > b { a } else { b };
        sqrt(a) = a.sqrt();
        abs(a) = a.abs();
        copysign(magnitude, sign) = magnitude.copysign(sign);
        round(a) = a.round_ties_even();
        select_gt(a, b, yes, no) = if a > b { yes } else { no };
        exp2_int(n) = f32::from_bits(((n as i32 + 127) as u32) << 23);
        exponent(a) = ((a.to_bits() >> 23) as i32 - 127) as f32;
        mantissa(a) = f32::from_bits(a.to_bits() & 0x007f_ffff | 0x3f80_0000);
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        // The order of a vector unit: halves, then quarters.
        let b: [f32; 4] = std::array::from_fn(|i| a[i] + a[i + 4]);
        (b[0] + b[2]) + (b[1] + b[3])
    }
    #[inline(always)]
    fn max_lane(self, a: Self::F) -> f32 {
        a.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
    #[inline(always)]
    fn compress(self, v: Self::F, first: u32, values: &mut [f32], places: &mut [u32]) -> usize {
        let (values, places) = (&mut values[..LANES], &mut places[..LANES]);
        let mut count = 0;
        for (lane, v) in v.into_iter().enumerate() {
            (values[count], places[count]) = (v, first + lane as u32);
            count += usize::from(v != 0.0);
        }
        count
    }
    #[inline(always)]
    fn copy_rows<const NV: usize>(
        self,
        x: &[f32],
        x_stride: usize,
        rows: usize,
        out: &mut [f32],
        out_stride: usize,
    ) {
        for r in 0..rows {
            let row = &x[r * x_stride..][..NV * LANES];
            out[r * out_stride..][..NV * LANES].copy_from_slice(row);
        }
    }
    #[inline(always)]
    fn transpose_head(
        self,
        x: &[f32],
        x_stride: usize,
        rows: usize,
        out: &mut [f32],
        out_stride: usize,
    ) {
        check_block(x.len(), x_stride, rows, LANES);
        check_block(out.len(), out_stride, LANES, LANES);
        for r in 0..LANES {
            for c in 0..LANES {
                out[r * out_stride + c] = x[c.min(rows - 1) * x_stride + r];
            }
        }
    }
}
