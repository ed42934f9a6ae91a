//! Primitives that no other test reaches on their own.

mod support;

use narrows_engine::simd::{Kernel, Simd};

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
            assert!(refused.is_err(), "{x_len} by {x_stride} to {out_len} by {out_stride} on {}", isa.name());
        }
    }
}
