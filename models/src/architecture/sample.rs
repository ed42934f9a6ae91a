//! The shape of the samples that a model is for.

use narrows_datasets::Dataset;
use narrows_engine::Shape;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The shape of a sample. In files a number, or a list of three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SampleShape {
    /// So many values of which nothing more is known.
    Flat(usize),
    /// An image: height, width, channels.
    Image([usize; 3]),
}

impl SampleShape {
    /// That of the samples of `data`.
    pub fn of(data: &Dataset) -> SampleShape {
        match data.image_shape() {
            Some((height, width, channels)) => SampleShape::Image([height, width, channels]),
            None => SampleShape::Flat(data.sample_len()),
        }
    }

    /// The values of a sample; `None` if they are too many to be counted.
    pub fn checked_len(self) -> Option<usize> {
        match self {
            SampleShape::Flat(n) => Some(n),
            SampleShape::Image(sizes) => {
                sizes.iter().try_fold(1usize, |len, &n| len.checked_mul(n))
            }
        }
    }

    /// True if a model for this shape can take samples of the shape `other`: images have to be of
    /// the same size; a model that knows no more than the number of values takes any that have so
    /// many.
    pub fn takes(self, other: SampleShape) -> bool {
        match self {
            SampleShape::Flat(n) => other.checked_len() == Some(n),
            SampleShape::Image(_) => self == other,
        }
    }
}

/// That of its samples.
impl From<&Dataset> for SampleShape {
    fn from(data: &Dataset) -> SampleShape {
        SampleShape::of(data)
    }
}

impl From<usize> for SampleShape {
    fn from(values: usize) -> SampleShape {
        SampleShape::Flat(values)
    }
}

impl From<[usize; 3]> for SampleShape {
    fn from(image: [usize; 3]) -> SampleShape {
        SampleShape::Image(image)
    }
}

/// `784 values`, or `28x28x1`.
impl fmt::Display for SampleShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            SampleShape::Flat(n) => write!(f, "{n} values"),
            SampleShape::Image(sizes) => Shape::from(sizes).fmt(f),
        }
    }
}
