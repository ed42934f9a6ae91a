//! Stochastic gradient descent.

use super::slabs::{Slabs, TINY, flush, tiny_if};
use crate::hardware::simd::{elementwise, kernel};

elementwise! {
    /// `p -= lr (g + decay p)`
    pub(crate) fn plain(s, p, [g], lr: f32, decay: f32) {
        let g = s.mul_add(p, s.splat(decay), g);
        flush(s, s.mul_add(g, s.splat(-lr), p), s.splat(tiny_if(decay != 0.0)))
    }
}

kernel! {
    /// With `g' = g + decay p`: `m = momentum m + g'`, then `p -= lr m`, or `p -= lr (g' + momentum
    /// m)` with Nesterov.
    ///
    /// PyTorch's first step sets `m = g'`: the same, for `m` is 0 before it.
    pub(crate) fn momentum(
        s, slabs: Slabs<'_>, lr: f32, momentum: f32, nesterov: bool, decay: f32,
    ) {
        let Slabs { p, g, m, .. } = slabs;
        let tiny = s.splat(tiny_if(decay != 0.0));
        let (lr, decay, momentum) = (s.splat(-lr), s.splat(decay), s.splat(momentum));
        for i in (0..p.len()).step_by(S::LANES) {
            let p_i = s.load_at(p, i);
            let g_i = s.mul_add(p_i, decay, s.load_at(g, i));
            let m_i = flush(s, s.mul_add(momentum, s.load_at(m, i), g_i), s.splat(TINY));
            let direction = if nesterov { s.mul_add(momentum, m_i, g_i) } else { m_i };
            s.store_at(flush(s, s.mul_add(direction, lr, p_i), tiny), p, i);
            s.store_at(m_i, m, i);
        }
    }
}
