//! The operations on the sums of products on their way into C.

use super::matrix::MatMut;
use crate::hardware::simd::Simd;

/// The operations on an element of C after its products are summed, while it is in registers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// Added to each row of C: one number per column, length n.
    pub bias: Option<&'a [f32]>,
    /// Last of all.
    pub rectifier: Rectifier,
}

/// The piecewise linear activations that products take in. A NaN stays one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rectifier {
    /// `x`
    #[default]
    None,
    /// `max(x, 0)`
    Relu,
    /// `min(max(x, 0), 6)` (Howard et al., arXiv:1704.04861)
    Relu6,
}

impl Rectifier {
    /// True if it may change a value.
    pub fn is_there(self) -> bool {
        self != Rectifier::None
    }

    /// The name of its layer; empty where there is none.
    pub fn name(self) -> &'static str {
        match self {
            Rectifier::None => "",
            Rectifier::Relu => "relu",
            Rectifier::Relu6 => "relu6",
        }
    }

    /// Its value at x.
    #[inline(always)]
    pub(crate) fn apply<S: Simd>(self, s: S, x: S::F) -> S::F {
        match self {
            Rectifier::None => x,
            Rectifier::Relu => s.max(s.splat(0.0), x),
            Rectifier::Relu6 => s.min(s.splat(6.0), s.max(s.splat(0.0), x)),
        }
    }

    /// The same for a single number.
    #[inline(always)]
    fn of(self, x: f32) -> f32 {
        match self {
            Rectifier::None => x,
            _ if x <= 0.0 => 0.0,
            Rectifier::Relu6 if x > 6.0 => 6.0,
            _ => x,
        }
    }
}

impl<'a> Epilogue<'a> {
    /// For `len` columns of C from `first` on.
    pub(crate) fn columns(self, first: usize, len: usize) -> Epilogue<'a> {
        Epilogue { bias: self.bias.map(|bias| &bias[first..first + len]), ..self }
    }

    /// True if there is nothing to do.
    pub(super) fn is_empty(self) -> bool {
        self.bias.is_none() && !self.rectifier.is_there()
    }

    /// The result for a single number, with bias `j`.
    #[inline(always)]
    pub(super) fn apply(self, x: f32, j: usize) -> f32 {
        self.rectifier.of(self.bias.map_or(x, |bias| x + bias[j]))
    }
}

/// All of it: `c = rectifier(alpha sum + beta c + bias)`.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    pub alpha: f32,
    /// If 0, C is not read.
    pub beta: f32,
    pub epilogue: Epilogue<'a>,
    /// C is transposed: the bias has one number per row.
    pub transposed: bool,
}

impl<'a> Finish<'a> {
    pub fn new(alpha: f32, beta: f32, epilogue: Epilogue<'a>) -> Finish<'a> {
        Finish { alpha, beta, epilogue, transposed: false }
    }

    /// For the block of C from row `i` and column `j` on.
    #[inline(always)]
    pub fn from(self, i: usize, j: usize) -> Finish<'a> {
        let first = if self.transposed { i } else { j };
        let bias = self.epilogue.bias.map(|bias| &bias[first..]);
        Finish { epilogue: Epilogue { bias, ..self.epilogue }, ..self }
    }

    /// For a block of k: beta counts in the first one alone, the epilogue in the last one.
    #[inline(always)]
    pub fn of_block(self, first: bool, last: bool) -> Finish<'a> {
        let beta = if first { self.beta } else { 1.0 };
        let epilogue = if last { self.epilogue } else { Epilogue::default() };
        Finish { beta, epilogue, ..self }
    }

    /// Writes the result of empty sums, which are 0.
    pub fn of_nothing(self, mut c: MatMut) {
        for i in 0..c.rows() {
            for j in 0..c.cols() {
                let x = c.at(i, j);
                let old = if self.beta == 0.0 { 0.0 } else { self.beta * *x };
                *x = self.epilogue.apply(old, j);
            }
        }
    }
}
