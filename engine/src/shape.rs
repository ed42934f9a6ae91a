//! The shape of one sample.

use std::fmt;

/// Most values of a sample or parameters of a network: more than any memory holds, few enough that
/// sizes in bytes, and sums of a few of them, cannot overflow.
pub(crate) const MAX_VALUES: usize = 1 << if usize::BITS < 64 { 27 } else { 40 };

const _: () = assert!(MAX_VALUES.checked_mul(4 * size_of::<f32>()).is_some());

/// The dimensions of one sample, the batch left out: `[features]` or `[height, width, channels]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// The number of values in a sample.
    #[allow(clippy::len_without_is_empty)] // a network refuses empty shapes
    pub fn len(&self) -> usize {
        self.0.iter().product()
    }

    /// Like [`Shape::len`]; `None` if the product overflows.
    pub(crate) fn checked_len(&self) -> Option<usize> {
        self.0.iter().try_fold(1usize, |len, &n| len.checked_mul(n))
    }

    /// The last dimension: the features, or an image's channels.
    pub fn channels(&self) -> usize {
        self.0.last().copied().unwrap_or(0)
    }

    /// All dimensions.
    pub fn dims(&self) -> &[usize] {
        &self.0
    }
}

impl From<usize> for Shape {
    fn from(features: usize) -> Shape {
        Shape(vec![features])
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Shape {
        Shape(dims.to_vec())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.0.iter().map(usize::to_string).collect();
        write!(f, "{}", dims.join("x"))
    }
}
