//! The pull of weights towards pretrained ones (L2-SP: Li, Grandvalet and Davoine, ICML
//! 2018), apart from the gradient as AdamW's decay is.

use super::slabs::{TINY, flush};
use crate::error::Error;
use crate::hardware::memory::Slab;
use crate::hardware::simd::{Isa, elementwise};
use crate::network::params::{ParamEntry, Params, Role};
use std::ops::Range;

/// The values that the weights of a range of the slab are pulled towards.
#[derive(Clone, Debug)]
pub(crate) struct PullToPretrained {
    range: Range<usize>,
    values: Slab,
    strength: f64,
}

impl PullToPretrained {
    /// A pull towards the values of `params` below `prefix`.
    ///
    /// # Errors
    /// If nothing is below it.
    pub fn new(params: &Params, prefix: &str, strength: f64) -> Result<PullToPretrained, Error> {
        let range = params.range_below(prefix)?;
        let mut values = Slab::new(range.len());
        values.copy_from_slice(&params.values()[range.clone()]);
        Ok(PullToPretrained { range, values, strength })
    }

    /// True if it pulls that parameter: like weight decay, it leaves biases and normalisations
    /// alone.
    pub fn pulls(&self, entry: &ParamEntry) -> bool {
        entry.spec.role == Role::Weight
            && self.range.start <= entry.range.start
            && entry.range.end <= self.range.end
    }

    /// Moves `p`, the values `part` of the slab, the `lr strength`th part of the way, but not
    /// beyond its end.
    pub fn pull(&self, isa: Isa, part: Range<usize>, p: &mut [f32], lr: f64) {
        let pretrained = &self.values[part.start - self.range.start..part.end - self.range.start];
        pull(isa, p, pretrained, (lr * self.strength).min(1.0) as f32);
    }
}

elementwise! {
    /// `p += part (pretrained - p)`
    fn pull(s, p, [pretrained], part: f32) {
        let moved = s.mul_add(s.sub(pretrained, p), s.splat(part), p);
        flush(s, moved, s.splat(TINY))
    }
}
