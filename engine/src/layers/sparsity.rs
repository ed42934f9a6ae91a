//! A penalty on codes that are not sparse: the L1 norm over the L2 norm (Hoyer, Non-negative Matrix
//! Factorization with Sparseness Constraints, JMLR 2004; compared with others by Hurley and
//! Rickard, IEEE Transactions on Information Theory 2009).
//!
//! ```text
//! forward:   y = x: (batch, n)
//! penalty:   w / batch * sum over the samples of r,   r = |x|_1 / (sqrt(n) |x|_2)
//! backward:  dx = dy + w / batch (sign(x) / sqrt(n) - r x / |x|_2) / |x|_2
//! ```
//!
//! The plain L1 norm falls as well when all values shrink. That costs nothing before a batch norm
//! or before weights that are free to grow, so the norm goes down and nothing becomes sparse. The
//! same holds for the mean activation of Ng's (2011) penalty. The ratio does not depend on the
//! scale.

use super::identity::Identity;
use crate::error::ensure;
use crate::hardware::parallel::TASK_LEN;
use crate::hardware::simd::{elementwise, kernel};
use crate::network::layer::{Backward, Forward, InferenceMap, Layer, Op, Planned};
use crate::{Context, Error, Shape};

/// Passes each sample on, and adds a [penalty](crate::PassMemory::penalty) that is small where few
/// of its values are far from 0: the mean over the samples of their L1 norm over their L2 norm and
/// the root of their length, which is 1 for values of one size, and one over that root for a single
/// value that is not 0. A sample of zeros counts as 0.
#[derive(Clone, Copy, Debug)]
pub struct Sparsity {
    /// Weight of the penalty (>= 0).
    pub weight: f32,
}

/// The least L2 norm to divide by: a smaller one is as good as 0.
const LEAST_NORM: f32 = 1e-12;

impl Layer for Sparsity {
    fn name(&self) -> &'static str {
        "sparsity"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        let weight = self.weight;
        ensure!(
            weight >= 0.0 && weight.is_finite(),
            setting,
            "needs a finite weight of at least 0, not {weight}"
        );
        match weight {
            0.0 => Ok(Planned::new(input.clone(), Identity)),
            weight => Ok(Planned::new(input.clone(), SparsityOp { weight, n: input.len() })),
        }
    }
}

/// The penalty on samples of one shape.
#[derive(Debug)]
struct SparsityOp {
    weight: f32,
    n: usize,
}

impl SparsityOp {
    fn penalty(&self, cx: &Context, x: &[f32]) -> f64 {
        let n = self.n;
        let batch = x.len() / n;
        let sum = cx.sum_rows(batch, TASK_LEN / n, &mut [], |rows, _| {
            let x = &x[rows.start * n..rows.end * n];
            let ratio = |x| {
                let Norms { l1, l2 } = norms(cx.isa(), x);
                f64::from(l1) / f64::from(l2)
            };
            x.chunks_exact(n).map(ratio).sum()
        });
        f64::from(self.weight) * sum / (batch as f64 * (n as f64).sqrt())
    }
}

impl Op for SparsityOp {
    fn inference_maps<'a>(&self, _: &'a [f32]) -> Option<Vec<InferenceMap<'a>>> {
        Some(Vec::new())
    }

    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        io.y.copy_from_slice(io.x);
        self.penalty(cx, io.x)
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let Some(dx) = io.dx else { return };
        let n = self.n;
        let weight = f64::from(self.weight) / (io.batch as f64 * (n as f64).sqrt());
        cx.rows(dx, n, |row, dx| {
            let (x, dy) = (&io.x[row * n..][..n], &io.dy[row * n..][..n]);
            let Norms { l1, l2 } = norms(cx.isa(), x);
            let [l1, l2] = [l1, l2].map(f64::from);
            let (of_sign, of_x) = ((weight / l2) as f32, (-weight * l1 / l2.powi(3)) as f32);
            // At zeros there is no slope to go down.
            let of_sign = if l1 == 0.0 { 0.0 } else { of_sign };
            gradient(cx.isa(), dx, x, dy, of_sign, of_x);
        });
    }
}

/// The sum of absolute values, and the root of the sum of squares, but [`LEAST_NORM`] at least.
struct Norms {
    l1: f32,
    l2: f32,
}

kernel! {
    fn norms(s, x: &[f32]) -> Norms {
        let (mut sizes, mut squares) = (s.splat(0.0), s.splat(0.0));
        for i in (0..x.len()).step_by(S::LANES) {
            let x = s.load_at(x, i);
            sizes = s.add(sizes, s.abs(x));
            squares = s.mul_add(x, x, squares);
        }
        Norms { l1: s.sum(sizes), l2: LEAST_NORM.max(s.sum(squares).sqrt()) }
    }
}

elementwise! {
    /// dx = dy + of_sign sign(x) + of_x x, for one sample.
    fn gradient(s, dx, [x, dy], of_sign: f32, of_x: f32) {
        let zero = s.splat(0.0);
        let below = s.select_gt(zero, x, s.splat(-of_sign), zero);
        let of_sign = s.select_gt(x, zero, s.splat(of_sign), below);
        s.add(dy, s.mul_add(s.splat(of_x), x, of_sign))
    }
}
