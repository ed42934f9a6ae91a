//! The first values of each sample, as PyTorch's `narrow`.

use crate::error::ensure;
use crate::network::layer::{Backward, Forward, Layer, Op, Planned};
use crate::{Context, Error, Shape};

/// Passes the first `len` values of each sample on and leaves the others out: the means, say, that
/// an encoder gives to a [`GaussianSample`](super::GaussianSample).
#[derive(Clone, Copy, Debug)]
pub struct Narrow {
    /// The values that are kept.
    pub len: usize,
}

/// y: (batch, len), the beginning of each sample of x: (batch, n)
pub(super) fn narrow(x: &[f32], n: usize, y: &mut [f32], len: usize) {
    for (x, y) in x.chunks_exact(n).zip(y.chunks_exact_mut(len)) {
        y.copy_from_slice(&x[..len]);
    }
}

impl Layer for Narrow {
    fn name(&self) -> &'static str {
        "narrow"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        let n = input.len();
        let kept = self.len;
        ensure!(
            (1..=n).contains(&kept),
            setting,
            "needs 1 to {n} values to keep of {input}, not {kept}"
        );
        Ok(Planned::new(kept, NarrowOp { n, kept }))
    }
}

/// The first `kept` of `n` values.
#[derive(Debug)]
struct NarrowOp {
    n: usize,
    kept: usize,
}

impl Op for NarrowOp {
    fn forward(&self, _: &Context, io: Forward<'_>) -> f64 {
        narrow(io.x, self.n, io.y, self.kept);
        0.0
    }

    fn backward(&self, _: &Context, io: Backward<'_>) {
        let Some(dx) = io.dx else { return };
        for (dy, dx) in io.dy.chunks_exact(self.kept).zip(dx.chunks_exact_mut(self.n)) {
            let (kept, left_out) = dx.split_at_mut(self.kept);
            kept.copy_from_slice(dy);
            left_out.fill(0.0);
        }
    }
}
