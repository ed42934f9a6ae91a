//! Inverted dropout (Srivastava et al., JMLR 2014), scaled while training so that evaluation does
//! nothing.

use super::identity::Identity;
use crate::error::ensure;
use crate::math::random::Random;
use crate::network::layer::{Backward, Forward, InferenceMap, Layer, Mode, Op, Pass, Planned};
use crate::{Context, Error, Shape};

/// Sets each value to 0 with probability `p` while training, and scales the others by `1 / (1 -
/// p)`.
///
/// The mask depends on (seed, position, step, row, column) alone. So the backward pass draws it
/// again, and nothing is kept.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// The probability of a value to be dropped.
    pub p: f32,
}

impl Layer for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        ensure!(
            (0.0..1.0).contains(&self.p),
            setting,
            "needs a probability in [0, 1), not {}",
            self.p
        );
        match self.p {
            0.0 => Ok(Planned::new(input.clone(), Identity)),
            p => Ok(Planned::new(input.clone(), DropoutOp { p, n: input.len() })),
        }
    }
}

/// Dropout of samples of one shape.
#[derive(Debug)]
struct DropoutOp {
    p: f32,
    n: usize,
}

impl DropoutOp {
    /// y = x * mask / (1 - p), both (batch, n); each row has its own stream.
    fn apply(&self, cx: &Context, pass: Pass, position: u64, x: &[f32], y: &mut [f32]) {
        if pass.mode != Mode::Train {
            y.copy_from_slice(x);
            return;
        }
        let n = self.n;
        let random = Random::new(pass.seed, position);
        let scale = 1.0 / (1.0 - self.p);
        // A word below the threshold drops: exact to 2^-32.
        let threshold = (f64::from(self.p) * 2f64.powi(32)) as u32;
        cx.rows(y, n, |row, y| {
            let x = &x[row * n..][..n];
            for (block, (y, x)) in y.chunks_mut(4).zip(x.chunks(4)).enumerate() {
                let words = random.words(pass.step, row as u32, block as u32);
                for ((y, x), word) in y.iter_mut().zip(x).zip(words) {
                    *y = if word < threshold { 0.0 } else { x * scale };
                }
            }
        });
    }
}

impl Op for DropoutOp {
    fn inference_maps<'a>(&self, _: &'a [f32]) -> Option<Vec<InferenceMap<'a>>> {
        Some(Vec::new())
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        self.apply(cx, io.pass, io.position, io.x, io.y);
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        if let Some(dx) = io.dx {
            self.apply(cx, io.pass, io.position, io.dy, dx);
        }
    }
}
