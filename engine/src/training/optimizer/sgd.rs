//! Stochastic gradient descent.

use super::{Slabs, TINY, flush, tiny_if};
use crate::hardware::simd::{Kernel, Simd};

/// `p -= lr (g + decay p)`
pub struct Plain<'a> {
    pub slabs: Slabs<'a>,
    pub lr: f32,
    pub decay: f32,
}

impl Kernel for Plain<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Slabs { p, g, .. } = self.slabs;
        let (lr, decay) = (s.splat(-self.lr), s.splat(self.decay));
        let tiny = s.splat(tiny_if(self.decay != 0.0));
        let mut i = 0;
        while i < p.len() {
            let p_i = s.load_at(p, i);
            let g_i = s.mul_add(p_i, decay, s.load_at(g, i));
            s.store_at(flush(s, s.mul_add(g_i, lr, p_i), tiny), p, i);
            i += S::LANES;
        }
    }
}

/// With `g' = g + decay p`: `m = momentum m + g'`, then `p -= lr m`, or `p -= lr (g' + momentum m)`
/// with Nesterov.
///
/// PyTorch's first step sets `m = g'`: the same, for `m` is 0 before it.
pub struct Momentum<'a> {
    pub slabs: Slabs<'a>,
    pub lr: f32,
    pub momentum: f32,
    pub nesterov: bool,
    pub decay: f32,
}

impl Kernel for Momentum<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Slabs { p, g, m, .. } = self.slabs;
        let (lr, decay, momentum) =
            (s.splat(-self.lr), s.splat(self.decay), s.splat(self.momentum));
        let tiny = s.splat(tiny_if(self.decay != 0.0));
        let mut i = 0;
        while i < p.len() {
            let p_i = s.load_at(p, i);
            let g_i = s.mul_add(p_i, decay, s.load_at(g, i));
            let m_i = flush(s, s.mul_add(momentum, s.load_at(m, i), g_i), s.splat(TINY));
            let direction = if self.nesterov { s.mul_add(momentum, m_i, g_i) } else { m_i };
            s.store_at(flush(s, s.mul_add(direction, lr, p_i), tiny), p, i);
            s.store_at(m_i, m, i);
            i += S::LANES;
        }
    }
}
