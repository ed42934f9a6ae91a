//! Images, the windows that a convolution or a pool moves over them, and the two sides of a
//! convolution.

use crate::error::ensure;
use crate::shape::MAX_VALUES;
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

/// Zeros around an image, a number for each side: ONNX's `pads` in its order. A number stands for
/// all sides, two of them for height and width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Sides {
    pub top: usize,
    pub left: usize,
    pub bottom: usize,
    pub right: usize,
}

impl<T: Into<Size>> From<T> for Sides {
    fn from(both: T) -> Sides {
        let Size(down, across) = both.into();
        Sides { top: down, left: across, bottom: down, right: across }
    }
}

impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sides { top, left, bottom, right } = *self;
        if *self == Sides::from([top, left]) {
            return Size(top, left).fmt(f);
        }
        write!(f, "{top} at the top, {left} left, {bottom} at the bottom, {right} right")
    }
}

/// The choice of the zeros around an image.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Padding {
    Sides(Sides),
    /// As many as make `size / stride` positions, rounded up; the odd one at the bottom or on the
    /// right: TensorFlow's SAME, ONNX's SAME_UPPER.
    Same,
}

/// The pixels of a setting of a window, at most: further than any image reaches, few enough that
/// products of two of them, or of one and an image's side, cannot overflow.
const MAX_PIXELS: usize = 1 << if usize::BITS < 64 { 14 } else { 20 };

const _: () = assert!(MAX_PIXELS.checked_mul(2 * MAX_PIXELS).is_some());

/// A window, in pixels of the image that it moves over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// The pixels that it takes in.
    pub kernel: Size,
    /// From one position to the next.
    pub stride: Size,
    /// The pixels that the image is extended by.
    pub padding: Padding,
    /// From one pixel of the window to the next.
    pub dilation: Size,
}

impl Window {
    /// A window that moves by single pixels, within the image.
    pub fn new(kernel: Size) -> Window {
        let padding = Padding::Sides(Sides::default());
        Window { kernel, stride: Size(1, 1), padding, dilation: Size(1, 1) }
    }

    /// Refuses a window without pixels, one that stands still, and sizes that would overflow.
    ///
    /// # Errors
    /// A message that names the setting.
    pub fn check(&self) -> Result<(), Error> {
        let settings =
            [("kernel", self.kernel), ("stride", self.stride), ("dilation", self.dilation)];
        for (name, size) in settings {
            let Size(height, width) = size;
            ensure!(height.min(width) >= 1, setting, "needs a {name} of at least 1x1, not {size}");
            ensure!(
                height.max(width) <= MAX_PIXELS,
                setting,
                "needs a {name} of at most {MAX_PIXELS}x{MAX_PIXELS}, not {size}"
            );
        }
        match self.padding {
            Padding::Sides(sides) => within_limit(sides),
            Padding::Same => Ok(()),
        }
    }

    /// The padding of an image of that size, by a window that has been checked.
    pub fn sides(&self, image: Size) -> Sides {
        let Window { kernel, stride, padding, dilation } = *self;
        let along = |size: usize, kernel: usize, stride: usize, dilation: usize| {
            let last = (size.div_ceil(stride) - 1) * stride;
            let all = (last + (kernel - 1) * dilation + 1).saturating_sub(size);
            (all / 2, all - all / 2)
        };
        match padding {
            Padding::Sides(sides) => sides,
            Padding::Same => {
                let (top, bottom) = along(image.0, kernel.0, stride.0, dilation.0);
                let (left, right) = along(image.1, kernel.1, stride.1, dilation.1);
                Sides { top, left, bottom, right }
            }
        }
    }

    /// The positions of the window over an image of that height and width.
    ///
    /// # Errors
    /// If the settings make no sense, or the window is larger than the padded image.
    pub fn positions(&self, image: Size) -> Result<Size, Error> {
        self.all_positions(image, false)
    }

    /// The same, where a last window may reach beyond the padded image if it starts in the image or
    /// the padding before it: PyTorch's `ceil_mode`.
    pub fn all_positions(&self, image: Size, ceil: bool) -> Result<Size, Error> {
        self.check()?;
        let Window { kernel, stride, dilation, .. } = self;
        let padding = self.sides(image);
        within_limit(padding)?;
        let along = |size: usize, [kernel, stride, dilation, before, after]: [usize; 5]| {
            let beyond = if ceil { stride - 1 } else { 0 };
            let reach = size.checked_add(before + after + beyond)?;
            let extent = (kernel - 1).checked_mul(dilation)?.checked_add(1)?;
            let last = reach.checked_sub(extent)? / stride;
            let outside = ceil && last * stride >= size + before;
            Some(last + usize::from(!outside))
        };
        let Sides { top, left, bottom, right } = padding;
        let positions = along(image.0, [kernel.0, stride.0, dilation.0, top, bottom])
            .zip(along(image.1, [kernel.1, stride.1, dilation.1, left, right]));
        positions.map(|(height, width)| Size(height, width)).ok_or_else(|| {
            Error::shape(format!(
                "a kernel of {kernel} (dilation {dilation}) does not fit into an image of {image} \
                 padded by {padding}"
            ))
        })
    }
}

/// Refuses a padding whose sums would overflow.
fn within_limit(sides: Sides) -> Result<(), Error> {
    let Sides { top, left, bottom, right } = sides;
    ensure!(
        top.max(left).max(bottom).max(right) <= MAX_PIXELS,
        setting,
        "needs a padding of at most {MAX_PIXELS}x{MAX_PIXELS}, not {sides}"
    );
    Ok(())
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
        _ => Err(Error::shape(format!("needs an image (height x width x channels), got {shape}"))),
    }
}

/// The shape of an image.
///
/// # Errors
/// If it is too large for any memory.
pub(crate) fn image_shape(Size(height, width): Size, channels: usize) -> Result<Shape, Error> {
    match height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels)) {
        Some(..=MAX_VALUES) => Ok([height, width, channels].into()),
        _ => Err(Error::shape(format!(
            "an output of {height}x{width}x{channels} is too large: a sample has at most \
             {MAX_VALUES} values"
        ))),
    }
}

/// The three passes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the image to the map.
    Forward,
    /// From the map to the image; also the forward pass of a transposed convolution.
    InputGradient,
    /// From both to the weight.
    WeightGradient,
}

impl Direction {
    pub const ALL: [Direction; 3] =
        [Direction::Forward, Direction::InputGradient, Direction::WeightGradient];
}

/// The two sides of a convolution: the image that the windows move over, and the map of what they
/// make of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conv {
    pub window: Window,
    /// Height and width.
    pub image: Size,
    pub image_channels: usize,
    /// Height and width.
    pub map: Size,
    pub map_channels: usize,
    /// Channels are cut into so many groups, each of which sees its own alone.
    pub groups: usize,
}

impl Conv {
    /// The convolution of an image of that shape.
    ///
    /// # Errors
    /// If the shape is no image's, or does not fit the settings.
    pub fn over(
        window: Window,
        input: &Shape,
        map_channels: usize,
        groups: usize,
    ) -> Result<Conv, Error> {
        let (image, image_channels) = image(input)?;
        let map = window.positions(image)?;
        let conv = Conv { window, image, image_channels, map, map_channels, groups };
        conv.check(input)?;
        Ok(conv)
    }

    /// Refuses channels that the groups do not divide.
    pub fn check(&self, input: &Shape) -> Result<(), Error> {
        let Conv { image_channels, map_channels, groups, .. } = *self;
        let divides = |channels: usize| channels > 0 && channels.is_multiple_of(groups);
        ensure!(
            groups > 0 && divides(image_channels) && divides(map_channels),
            setting,
            "{groups} groups do not divide {image_channels} and {map_channels} channels (input \
             {input}): both need a multiple of the groups, and at least 1"
        );
        Ok(())
    }

    pub fn image_shape(&self) -> Result<Shape, Error> {
        image_shape(self.image, self.image_channels)
    }

    pub fn map_shape(&self) -> Result<Shape, Error> {
        image_shape(self.map, self.map_channels)
    }

    /// The channels of the image and the map that belong to a group.
    pub fn group_channels(&self) -> (usize, usize) {
        (self.image_channels / self.groups, self.map_channels / self.groups)
    }

    /// The zeros around an image.
    pub fn padding(&self) -> Sides {
        self.window.sides(self.image)
    }

    /// The taps of a window.
    pub fn taps(&self) -> usize {
        self.window.kernel.0 * self.window.kernel.1
    }

    /// The positions of a window, in one image.
    pub fn positions(&self) -> usize {
        self.map.0 * self.map.1
    }

    /// The pixels of an image.
    pub fn pixels(&self) -> usize {
        self.image.0 * self.image.1
    }

    /// The values of an image.
    pub fn image_len(&self) -> usize {
        self.pixels() * self.image_channels
    }

    /// The values of a map.
    pub fn map_len(&self) -> usize {
        self.positions() * self.map_channels
    }

    /// The values of the weight: (kernel height, kernel width, image channels of a group, map
    /// channels).
    pub fn weight_len(&self) -> usize {
        self.taps() * self.image_channels / self.groups * self.map_channels
    }

    /// The multiply-adds of an image, padding included.
    pub fn macs(&self) -> u64 {
        self.positions() as u64 * self.weight_len() as u64
    }
}
