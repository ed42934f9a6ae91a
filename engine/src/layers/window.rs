//! The window that a convolution or a pool moves over an image.

use crate::{Error, Shape};
use std::fmt;

/// Height and width. A single number stands for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub usize, pub usize);

impl From<usize> for Size {
    fn from(side: usize) -> Size {
        Size(side, side)
    }
}

impl From<[usize; 2]> for Size {
    fn from([height, width]: [usize; 2]) -> Size {
        Size(height, width)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.0, self.1)
    }
}

/// The values of a sample or parameters of a layer, at most: more than any memory holds, few enough
/// that sizes in bytes, and sums of a few of them, cannot overflow.
pub(crate) const MAX_VALUES: usize = 1 << 40;

/// The pixels of a setting of a window, at most: further than any image reaches, few enough that
/// products of two of them, or of one and an image's side, cannot overflow.
const MAX_PIXELS: usize = 1 << 20;

/// A window, in pixels of the image that it moves over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// The pixels that it takes in.
    pub kernel: Size,
    /// From one position to the next.
    pub stride: Size,
    /// What the image is extended by on each side.
    pub padding: Size,
    /// From one pixel of the window to the next.
    pub dilation: Size,
}

impl Window {
    /// A window that moves by single pixels, within the image.
    pub fn new(kernel: Size) -> Window {
        Window { kernel, stride: Size(1, 1), padding: Size(0, 0), dilation: Size(1, 1) }
    }

    /// Refuses a window without pixels, one that stands still, and sizes that would overflow.
    ///
    /// # Errors
    /// A message that names the setting.
    pub fn check(&self) -> Result<(), Error> {
        let settings = [
            ("kernel", self.kernel, 1),
            ("stride", self.stride, 1),
            ("dilation", self.dilation, 1),
            ("padding", self.padding, 0),
        ];
        for (name, size, least) in settings {
            if size.0.min(size.1) < least {
                return Err(Error::new(format!(
                    "needs a {name} of at least {least}x{least}, not {size}"
                )));
            }
            if size.0.max(size.1) > MAX_PIXELS {
                return Err(Error::new(format!(
                    "needs a {name} of at most {MAX_PIXELS}x{MAX_PIXELS}, not {size}"
                )));
            }
        }
        Ok(())
    }

    /// The positions of the window over an image of that height and width.
    ///
    /// # Errors
    /// If the settings make no sense, or the window is larger than the padded image.
    pub fn positions(&self, Size(height, width): Size) -> Result<Size, Error> {
        self.check()?;
        let along = |size: usize, kernel: usize, stride: usize, padding: usize, dilation: usize| {
            let padded = padding.checked_mul(2)?.checked_add(size)?;
            let extent = (kernel - 1).checked_mul(dilation)?.checked_add(1)?;
            Some(padded.checked_sub(extent)? / stride + 1)
        };
        let Window { kernel, stride, padding, dilation } = self;
        let positions = along(height, kernel.0, stride.0, padding.0, dilation.0)
            .zip(along(width, kernel.1, stride.1, padding.1, dilation.1));
        positions.map(|(height, width)| Size(height, width)).ok_or_else(|| {
            Error::new(format!(
                "a kernel of {kernel} (dilation {dilation}) does not fit into an image of \
                 {height}x{width} padded by {padding}"
            ))
        })
    }
}

/// The height, width and channels of an image.
///
/// # Errors
/// If the shape is none, or the image is empty.
pub(crate) fn image(shape: &Shape) -> Result<(Size, usize), Error> {
    match *shape.dims() {
        [height, width, channels] if height > 0 && width > 0 && channels > 0 => {
            Ok((Size(height, width), channels))
        }
        _ => Err(Error::new(format!("needs an image (height x width x channels), got {shape}"))),
    }
}

/// The shape of an image.
///
/// # Errors
/// If it is too large for any memory.
pub(crate) fn image_shape(Size(height, width): Size, channels: usize) -> Result<Shape, Error> {
    match height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels)) {
        Some(..=MAX_VALUES) => Ok([height, width, channels].into()),
        _ => Err(Error::new(format!(
            "an output of {height}x{width}x{channels} is too large: a sample has at most \
             {MAX_VALUES} values"
        ))),
    }
}
