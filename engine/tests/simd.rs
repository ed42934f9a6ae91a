//! Primitives that no other test reaches on their own.

use crate::support;
use narrows_engine::simd::{Isa, Kernel, Simd};

struct Transpose<'a> {
    x: &'a [f32],
    x_stride: usize,
    out: &'a mut [f32],
    out_stride: usize,
}

impl Kernel for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        simd.transpose(self.x, self.x_stride, self.out, self.out_stride);
    }
}

/// The same for the first rows of a block.
struct TransposeHead<'a>(Transpose<'a>, usize);

impl Kernel for TransposeHead<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Transpose { x, x_stride, out, out_stride } = self.0;
        simd.transpose_head(x, x_stride, self.1, out, out_stride);
    }
}

/// What lies between the rows of a block, and behind it.
const GUARD: f32 = -1.0;

#[test]
fn a_block_is_transposed_and_nothing_else_written() {
    for isa in support::isas() {
        let lanes = isa.lanes();
        for x_stride in [0, 1, lanes, lanes + 3] {
            for out_stride in [lanes, lanes + 1, 2 * lanes] {
                let x: Vec<f32> = (0..(lanes - 1) * x_stride + lanes).map(|at| at as f32).collect();
                let len = (lanes - 1) * out_stride + lanes;
                let mut out = vec![GUARD; len + lanes];
                isa.run(Transpose { x: &x, x_stride, out: &mut out, out_stride });
                for (at, got) in out.into_iter().enumerate() {
                    let (r, c) = (at / out_stride, at % out_stride);
                    let want = if r < lanes && c < lanes { x[c * x_stride + r] } else { GUARD };
                    assert_eq!(
                        got,
                        want,
                        "({r}, {c}) on {}, strides {x_stride} and {out_stride}",
                        isa.name()
                    );
                }
            }
        }
    }
}

#[test]
fn the_first_rows_of_a_block_are_transposed_and_no_others_read() {
    for isa in support::isas() {
        let (lanes, stride) = (isa.lanes(), isa.lanes() + 3);
        for rows in 1..=lanes {
            // It ends with the last row.
            let x: Vec<f32> = (0..(rows - 1) * stride + lanes).map(|at| at as f32).collect();
            let mut out = vec![GUARD; lanes * stride];
            let block = Transpose { x: &x, x_stride: stride, out: &mut out, out_stride: stride };
            isa.run(TransposeHead(block, rows));
            for (at, got) in out.into_iter().enumerate() {
                let (r, c) = (at / stride, at % stride);
                let want = if c < rows { x[c * stride + r] } else { GUARD };
                assert!(got == want || (rows..lanes).contains(&c), "({r}, {c}) of {rows} rows");
            }
        }
    }
}

/// So many rows of `NV` vectors.
struct CopyRows<'a, const NV: usize>(Transpose<'a>, usize);

impl<const NV: usize> Kernel for CopyRows<'_, NV> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Transpose { x, x_stride, out, out_stride } = self.0;
        simd.copy_rows::<NV>(x, x_stride, self.1, out, out_stride);
    }
}

#[test]
fn rows_are_copied_one_over_the_end_of_the_other() {
    for isa in support::isas() {
        check_copies::<1>(isa);
        check_copies::<2>(isa);
    }
}

fn check_copies<const NV: usize>(isa: Isa) {
    let width = NV * isa.lanes();
    for (rows, x_stride, out_stride) in [(1, 0, 0), (5, 1, 1), (7, width + 3, 3), (3, 2, 40)] {
        let x: Vec<f32> = (0..(rows - 1) * x_stride + width).map(|at| (at * at) as f32).collect();
        let len = (rows - 1) * out_stride + width;
        let (mut out, mut want) = (vec![GUARD; len + width], vec![GUARD; len + width]);
        for (r, lane) in (0..rows).flat_map(|r| (0..width).map(move |lane| (r, lane))) {
            want[r * out_stride + lane] = x[r * x_stride + lane];
        }
        let copy = Transpose { x: &x, x_stride, out: &mut out[..len], out_stride };
        isa.run(CopyRows::<NV>(copy, rows));
        assert_eq!(out, want, "{rows} rows of {NV} vectors on {}", isa.name());
    }
}

/// Copies the vectors at some places to others.
struct Places<'a>(Transpose<'a>, [usize; 3], [usize; 3]);

impl Kernel for Places<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Places(Transpose { x, x_stride, out, out_stride }, from, to) = self;
        simd.store_places(simd.load_places(x, x_stride, from), out, out_stride, to);
    }
}

#[test]
fn vectors_at_places_are_copied_and_nothing_else_written() {
    for isa in support::isas() {
        let (lanes, x_stride) = (isa.lanes(), 5);
        let out_stride = lanes + 3;
        let (from, to) = ([4, 0, 2], [1, 3, 0]);
        // They end with the last vector.
        let x: Vec<f32> = (0..4 * x_stride + lanes).map(|at| at as f32).collect();
        let (mut out, mut want) = (vec![GUARD; 4 * out_stride], vec![GUARD; 4 * out_stride]);
        for (place, at) in from.into_iter().zip(to) {
            for lane in 0..lanes {
                want[at * out_stride + lane] = x[place * x_stride + lane];
            }
        }
        let len = 3 * out_stride + lanes;
        let copy = Transpose { x: &x, x_stride, out: &mut out[..len], out_stride };
        isa.run(Places(copy, from, to));
        assert_eq!(out, want, "on {}", isa.name());
    }
}

#[test]
fn places_beyond_a_slice_are_refused() {
    for isa in support::isas() {
        let (lanes, stride) = (isa.lanes(), 5);
        let len = 2 * stride + lanes;
        for (x_len, out_len, last, stride) in [
            (len - 1, len, 2, stride),
            (len, len - 1, 2, stride),
            (len, len, 3, stride),
            (0, 0, 2, stride),
            // These would come out as a small number.
            (len, len, 2, usize::MAX / 2 + 1),
            (len, len, usize::MAX, 1),
        ] {
            let refused = std::panic::catch_unwind(|| {
                let (x, mut out) = (vec![0.0; x_len], vec![0.0; out_len]);
                let copy = Transpose { x: &x, x_stride: stride, out: &mut out, out_stride: stride };
                isa.run(Places(copy, [0, last, 1], [last, 0, 1]));
            });
            assert!(refused.is_err(), "{last} by {stride} of {x_len} on {}", isa.name());
        }
    }
}

#[test]
fn a_block_that_does_not_fit_is_refused() {
    for isa in support::isas() {
        let lanes = isa.lanes();
        let len = lanes * lanes;
        for (x_len, x_stride, out_len, out_stride) in [
            (len - 1, lanes, len, lanes),
            (len, lanes, len - 1, lanes),
            (len, lanes + 1, len, lanes),
            (0, 0, len, lanes),
            // These would come out as a small number.
            (len, usize::MAX / (lanes - 1) + 1, len, lanes),
            (len, lanes, len, usize::MAX / (lanes - 1)),
        ] {
            let refused = std::panic::catch_unwind(|| {
                let (x, mut out) = (vec![0.0; x_len], vec![0.0; out_len]);
                isa.run(Transpose { x: &x, x_stride, out: &mut out, out_stride });
            });
            assert!(
                refused.is_err(),
                "{x_len} by {x_stride} to {out_len} by {out_stride} on {}",
                isa.name()
            );
        }
    }
}

struct Load<'a> {
    halves: &'a [u16],
    bytes: &'a [i8],
    out: [&'a mut [f32]; 2],
}

impl Kernel for Load<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let [halves, bytes] = self.out;
        for i in (0..halves.len()).step_by(S::LANES) {
            simd.store(simd.load_f16(&self.halves[i..]), &mut halves[i..]);
        }
        for i in (0..bytes.len()).step_by(S::LANES) {
            simd.store(simd.load_i8(&self.bytes[i..]), &mut bytes[i..]);
        }
    }
}

/// The value of a half by its definition (IEEE 754-2008, 3.4), in f64.
fn half(x: u16) -> f64 {
    let (exponent, fraction) = (i32::from(x >> 10 & 31), f64::from(x & 1023) / 1024.0);
    let sign = if x >> 15 == 1 { -1.0 } else { 1.0 };
    sign * match exponent {
        31 if fraction > 0.0 => f64::NAN,
        31 => f64::INFINITY,
        0 => fraction * 2f64.powi(-14),
        _ => (1.0 + fraction) * 2f64.powi(exponent - 15),
    }
}

#[test]
fn every_half_and_every_byte_is_loaded_exactly() {
    let halves: Vec<u16> = (0..=u16::MAX).collect();
    let bytes: Vec<i8> = (i8::MIN..=i8::MAX).collect();
    for isa in support::isas() {
        let (mut from_halves, mut from_bytes) = (vec![0.0; halves.len()], vec![0.0; bytes.len()]);
        isa.run(Load { halves: &halves, bytes: &bytes, out: [&mut from_halves, &mut from_bytes] });
        for (x, got) in halves.iter().zip(from_halves) {
            let (got, want) = (f64::from(got), half(*x));
            assert!(
                got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan(),
                "{x:#06x} on {}: {got:e}, not {want:e}",
                isa.name()
            );
        }
        for (x, got) in bytes.iter().zip(from_bytes) {
            assert_eq!(got, f32::from(*x), "on {}", isa.name());
        }
    }
}
