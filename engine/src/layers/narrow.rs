//! The first values of each sample, as PyTorch's `narrow`.

use crate::network::layer::{Backward, Forward, Layer};
use crate::{Context, Error, Shape};

/// Passes the first `len` values of each sample on and leaves the others out: the means, say, of
/// what an encoder gives for a [`GaussianSample`](super::GaussianSample).
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

    fn output_shape(&self, input: &Shape) -> Result<Shape, Error> {
        match self.len {
            len if (1..=input.len()).contains(&len) => Ok(len.into()),
            len => Err(Error::new(format!(
                "needs 1 to {} values to keep of {input}, not {len}",
                input.len()
            ))),
        }
    }

    fn forward(&self, _: &Context, io: Forward<'_>) {
        narrow(io.x, io.input.len(), io.y, self.len);
    }

    fn backward(&self, _: &Context, io: Backward<'_>) {
        let Some(dx) = io.dx else { return };
        for (dy, dx) in io.dy.chunks_exact(self.len).zip(dx.chunks_exact_mut(io.input.len())) {
            let (kept, left_out) = dx.split_at_mut(self.len);
            kept.copy_from_slice(dy);
            left_out.fill(0.0);
        }
    }
}
