//! Convolutions as implicit matrix products.
//!
//! A convolution reads an image by windows and writes a map of their positions. With the patches of
//! the image that the windows take in as the rows of P: (positions, taps channels), all three
//! passes are products:
//!
//! ```text
//! forward:          map = P W     W: (kernel height, kernel width, image channels, map channels)
//! weight gradient:  dW = P' dmap
//! input gradient:   dimage = a convolution of dmap again, one for each phase of the stride
//! ```
//!
//! A transposed convolution is the same with image and map exchanged: its forward pass is the input
//! gradient, its input gradient the forward pass. So both layers, [`Conv2d`](crate::layers::Conv2d)
//! and [`ConvTranspose2d`](crate::layers::ConvTranspose2d), are these three functions.
//!
//! P is never there as a whole. Each task gathers some of its rows, as many as stay in its level-2
//! cache, and multiplies them. Channels come last, so that a window's row of pixels is one
//! contiguous run, and gathering copies long vectors.

mod depthwise;
mod few_channels;
mod forward;
mod in_place;
mod input_gradient;
mod one_by_one;
mod patches;
mod weight_gradient;
mod winograd;

pub(crate) use forward::{forward, forward_scratch};
pub(crate) use input_gradient::{input_gradient, input_gradient_scratch};
pub(crate) use weight_gradient::{weight_gradient, weight_gradient_scratch};

use crate::hardware::memory::Slab;
use crate::layers::window::{Size, Window, image, image_shape};
use crate::network::params::{ParamSpec, Role};
use crate::{Error, Shape, init::Init};
use patches::{Axis, Patches};
use std::cell::Cell;

/// The floats of the patches that a task gathers at a time: 128 KB, which leaves room in a level-2
/// cache for what they are multiplied by and make.
const BLOCK: usize = 1 << 15;

thread_local! {
    /// What a task of this thread has gathered, and what it has made of that before it goes where
    /// it belongs. They only grow, so that what was run before allocates nothing.
    static GATHERED: Cell<Slab> = Cell::default();
    static PRODUCTS: Cell<Slab> = Cell::default();
    /// An image in its frame.
    static FRAMES: Cell<Slab> = Cell::default();
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
        if groups == 0 || !divides(image_channels) || !divides(map_channels) {
            return Err(Error::new(format!(
                "{groups} groups do not divide {image_channels} and {map_channels} channels (input \
                 {input}): both need a multiple of the groups, and at least 1"
            )));
        }
        Ok(())
    }

    pub fn image_shape(&self) -> Result<Shape, Error> {
        image_shape(self.image, self.image_channels)
    }

    pub fn map_shape(&self) -> Result<Shape, Error> {
        image_shape(self.map, self.map_channels)
    }

    /// The channels of the image and the map that belong to a group.
    fn group_channels(&self) -> (usize, usize) {
        (self.image_channels / self.groups, self.map_channels / self.groups)
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

    /// The values of the weight: (kernel height, kernel width, image channels of a group, map
    /// channels).
    pub fn weight_len(&self) -> usize {
        self.taps() * self.image_channels / self.groups * self.map_channels
    }

    /// The multiply-adds of an image, padding included.
    pub fn macs(&self) -> u64 {
        self.positions() as u64 * self.weight_len() as u64
    }

    /// The weight and, for an output of so many channels, the bias. `fan_in` is what one output
    /// sums over.
    pub fn params(
        &self,
        outputs: usize,
        bias: bool,
        init: Init,
        fans: [usize; 2],
    ) -> Vec<ParamSpec> {
        let Size(height, width) = self.window.kernel;
        let [fan_in, fan_out] = fans;
        let weight = ParamSpec {
            name: "weight".into(),
            shape: vec![height, width, self.image_channels / self.groups, self.map_channels],
            role: Role::Weight,
            init,
            fan_in,
            fan_out,
        };
        let constant = Init::Constant(0.0);
        let shape = vec![outputs];
        let bias = bias.then_some(ParamSpec {
            name: "bias".into(),
            shape,
            role: Role::Bias,
            init: constant,
            fan_in,
            fan_out,
        });
        [Some(weight), bias].into_iter().flatten().collect()
    }

    /// How the window lies along the image: vertically and horizontally.
    fn axes(&self) -> (Axis, Axis) {
        let Window { kernel, stride, padding, dilation } = self.window;
        let axis = |size, positions, taps, stride, padding: usize, dilation| Axis {
            size,
            positions,
            stride,
            first: -(padding as isize),
            step: dilation,
            taps,
        };
        (
            axis(self.image.0, self.map.0, kernel.0, stride.0, padding.0, dilation.0),
            axis(self.image.1, self.map.1, kernel.1, stride.1, padding.1, dilation.1),
        )
    }

    /// The patches of `images`, of the channels that belong to `group`.
    fn patches<'a>(&self, images: &'a [f32], group: usize) -> Patches<'a> {
        let (rows, columns) = self.axes();
        let (channels, _) = self.group_channels();
        let (pixel, first) = (self.image_channels, group * channels);
        Patches { data: images, rows, columns, pixel, first, channels }
    }
}
