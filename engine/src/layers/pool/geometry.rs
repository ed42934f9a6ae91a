//! The window of pooling and up-sampling, which moves over an image channel by channel.

use crate::conv::{Sides, Size, Window, image, image_shape};
use crate::error::ensure;
use crate::hardware::parallel::TASK_LEN;
use crate::{Context, Error, Shape};
use std::ops::Range;

/// A window on the images of one shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolGeometry {
    pub window: Window,
    /// The size of the images that it moves over.
    pub size: Size,
    /// The padding of these images.
    pub padding: Sides,
    /// The numbers of its positions.
    pub positions: Size,
    pub channels: usize,
}

impl PoolGeometry {
    /// A window on images of that shape. With `ceil`, the last one may reach beyond the padding.
    ///
    /// # Errors
    /// If the shape is none of an image, or the window does not fit it: each position must have a
    /// pixel of the image in it.
    pub fn new(window: Window, ceil: bool, large: &Shape) -> Result<PoolGeometry, Error> {
        window.check()?;
        let (size, channels) = image(large)?;
        let (kernel, padding) = (window.kernel, window.sides(size));
        let Sides { top, left, bottom, right } = padding;
        ensure!(
            top.max(bottom) <= kernel.0 / 2 && left.max(right) <= kernel.1 / 2,
            setting,
            "needs a padding of at most half of its kernel, {kernel}, not {padding}"
        );
        let positions = window.all_positions(size, ceil)?;
        Ok(PoolGeometry { window, size, padding, positions, channels })
    }

    /// The shape of an image of positions.
    ///
    /// # Errors
    /// If it is too large for any memory.
    pub fn small_shape(&self) -> Result<Shape, Error> {
        image_shape(self.positions, self.channels)
    }

    /// The values of a row of the large image.
    pub fn large_row(&self) -> usize {
        self.size.1 * self.channels
    }

    /// The values of a large image.
    pub fn large(&self) -> usize {
        self.size.0 * self.large_row()
    }

    /// The values of a row of positions.
    pub fn small_row(&self) -> usize {
        self.positions.1 * self.channels
    }

    /// The values of an image of positions.
    pub fn small(&self) -> usize {
        self.positions.0 * self.small_row()
    }

    /// The rows of the image that are in the window at the position `y` from the top.
    #[inline(always)]
    pub fn rows(&self, y: usize) -> Range<usize> {
        let Window { kernel, stride, .. } = self.window;
        within(y, kernel.0, stride.0, self.padding.top, self.size.0)
    }

    /// The columns of the image that are in the window at the position `x` from the left.
    #[inline(always)]
    pub fn columns(&self, x: usize) -> Range<usize> {
        let Window { kernel, stride, .. } = self.window;
        within(x, kernel.1, stride.1, self.padding.left, self.size.1)
    }

    /// The factor that a window's sum is multiplied by.
    #[inline(always)]
    pub fn factor(&self, divisor: Divisor, y: usize, x: usize) -> f32 {
        let Window { kernel, stride, .. } = self.window;
        let Sides { top, left, bottom, right } = self.padding;
        let pixels = match divisor {
            Divisor::One => return 1.0,
            Divisor::Pixels => self.rows(y).len() * self.columns(x).len(),
            Divisor::Padded => {
                let down = kernel.0.min(top + self.size.0 + bottom - y * stride.0);
                down * kernel.1.min(left + self.size.1 + right - x * stride.1)
            }
        };
        1.0 / pixels as f32
    }

    /// Deals out rows of positions by tasks: `f(number of the first row, counted over all images,
    /// their values)`.
    pub fn by_rows(&self, cx: &Context, small: &mut [f32], f: impl Fn(usize, &mut [f32]) + Sync) {
        let rows = (TASK_LEN / self.small_row()).max(1);
        cx.chunks(small, rows * self.small_row(), |range, part| {
            f(range.start / self.small_row(), part);
        });
    }

    /// Deals out large images by tasks: `f(number of the first image, their values)`. Windows
    /// overlap, so a task that adds to their pixels takes whole images.
    pub fn by_images(&self, cx: &Context, large: &mut [f32], f: impl Fn(usize, &mut [f32]) + Sync) {
        let images = (TASK_LEN / self.large()).max(1);
        cx.chunks(large, images * self.large(), |range, part| {
            f(range.start / self.large(), part);
        });
    }

    /// True if no pixel is in two positions of the window.
    pub fn disjoint(&self) -> bool {
        let Window { kernel, stride, .. } = self.window;
        kernel.0 <= stride.0 && kernel.1 <= stride.1
    }

    /// True if each pixel is in exactly one position.
    pub fn tiled(&self) -> bool {
        let (Window { kernel, stride, .. }, Sides { top, left, .. }) = (self.window, self.padding);
        let covered = Size(self.positions.0 * kernel.0, self.positions.1 * kernel.1);
        kernel == stride && (top, left) == (0, 0) && covered == self.size
    }
}

/// The number that a window's sum is divided by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Divisor {
    One,
    /// The pixels of the image in the window.
    Pixels,
    /// The pixels of the padded image in the window.
    Padded,
}

/// The pixels of `0..size` in a window of that position.
#[inline(always)]
fn within(
    position: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    size: usize,
) -> Range<usize> {
    let start = position * stride;
    start.saturating_sub(padding)..(start + kernel).saturating_sub(padding).min(size)
}
