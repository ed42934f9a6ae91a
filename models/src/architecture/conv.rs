//! Convolutions of stride 2, for images of any size and number of channels.
//!
//! ```text
//! encoder: each width: 3x3 convolution of stride 2, batch norm, activation, dropout
//!                      and `depth` - 1 times the same of stride 1; then the code
//! decoder: linear to the last feature map, activation, dropout; then each width, last to first:
//!                      `depth` - 1 times a 3x3 convolution, batch norm, activation, dropout
//!                      and a transposed 3x3 convolution of stride 2 likewise, but for the last
//! ```
//!
//! A convolution of stride 2 makes (n + 1) / 2 rows of n, rounded down. Back from m it is 2 m - 1,
//! or one more by output padding: that gives back each size, odd or even.

use super::{Architecture, Family, SampleShape};
use crate::error::{Error, bail, ensure};
use crate::layer_spec::{ConvSpec, ConvTransposeSpec, LayerSpec, LinearSpec};
use narrows_engine::Shape;

/// Rows and columns of every kernel, and the zeros around the image that keep its size.
const KERNEL: usize = 3;
const PADDING: usize = 1;

pub(super) struct Conv;

impl Family for Conv {
    fn widths(&self, input: SampleShape) -> Vec<usize> {
        widths(input)
    }

    fn input(&self, of: &Architecture) -> Result<Shape, Error> {
        Ok(feature_maps(of)?[0].into())
    }

    fn encoder(&self, of: &Architecture) -> Result<Vec<LayerSpec>, Error> {
        feature_maps(of)?;
        let mut layers = Vec::new();
        for &width in &of.widths {
            layers.push(LayerSpec::Conv2d(ConvSpec { stride: [2; 2], ..conv(of, width) }));
            of.finish(&mut layers);
            same_size(of, &mut layers, width);
        }
        Ok(layers)
    }

    fn last_map(&self, of: &Architecture) -> Result<Option<[usize; 3]>, Error> {
        Ok(feature_maps(of)?.pop())
    }

    fn decoder(&self, of: &Architecture) -> Result<Vec<LayerSpec>, Error> {
        decoder(of)
    }
}

/// Few where images are small and have few details. The last map has about as many values as half
/// of the image.
pub(super) fn widths(input: SampleShape) -> Vec<usize> {
    match input {
        SampleShape::Image([height, width, _]) if height.max(width) > 28 => vec![32, 64, 128],
        _ => vec![16, 32],
    }
}

/// The shapes of the image, and of what each width makes of the one before: half as high and wide,
/// rounded up.
///
/// # Errors
/// If the samples are no images, there is no width, an image is a single pixel before the last
/// width, or a map has more values than a layer may have.
pub(super) fn feature_maps(of: &Architecture) -> Result<Vec<[usize; 3]>, Error> {
    let (name, widths) = (of.model.name(), &of.widths);
    of.input_len()?;
    let SampleShape::Image(image) = of.input else {
        bail!(
            "the model {name} is for images, but the samples are {} without height and width: \
             choose the model dense",
            of.input
        );
    };
    ensure!(!widths.is_empty(), "the model {name} needs at least 1 width");
    let mut maps = vec![image];
    for (done, &channels) in widths.iter().enumerate() {
        let [height, width, _] = maps[done];
        ensure!(
            height != 1 || width != 1 || done != 0,
            "images of {} are too small for the model {name}: choose the model dense",
            of.input
        );
        if height == 1 && width == 1 {
            bail!(
                "images of {} are too small for the widths {widths:?}: each halves them, and \
                 {done} leave a single pixel: give {done} widths at most",
                of.input
            );
        }
        let map = [height.div_ceil(2), width.div_ceil(2), channels];
        // The stem of a residual model has this many channels at the full size.
        let largest = [height, width, channels];
        ensure!(
            SampleShape::Image(largest).checked_len().is_some_and(|n| n <= super::MAX_VALUES),
            "the widths {widths:?} make {height}x{width}x{channels} values of an image of {}, \
                 more than {}: choose smaller widths",
            of.input,
            super::MAX_VALUES
        );
        maps.push(map);
    }
    Ok(maps)
}

/// A convolution that keeps the size, its stride aside. Batch norm would remove a bias.
pub(super) fn conv(of: &Architecture, channels: usize) -> ConvSpec {
    let bias = !of.batch_norm;
    ConvSpec { bias, init: of.activation.init(), ..ConvSpec::new(channels, KERNEL) }
}

/// The blocks of a width beyond the first.
fn same_size(of: &Architecture, layers: &mut Vec<LayerSpec>, width: usize) {
    for _ in 1..of.depth {
        layers.push(LayerSpec::Conv2d(conv(of, width)));
        of.finish(layers);
    }
}

/// From the code to the image.
pub(super) fn decoder(of: &Architecture) -> Result<Vec<LayerSpec>, Error> {
    let maps = feature_maps(of)?;
    let last = maps[maps.len() - 1];
    let values = last.iter().product();
    let linear = LinearSpec { init: of.activation.init(), ..LinearSpec::new(values) };
    let mut layers = vec![LayerSpec::Linear(linear)];
    of.activate(&mut layers);
    layers.push(LayerSpec::Unflatten { image: last });
    for i in (0..of.widths.len()).rev() {
        same_size(of, &mut layers, of.widths[i]);
        let [height, width, channels] = maps[i];
        layers.push(LayerSpec::ConvTranspose2d(ConvTransposeSpec {
            name: String::new(),
            channels,
            kernel: [KERNEL; 2],
            stride: [2; 2],
            padding: [PADDING; 2],
            output_padding: [1 - height % 2, 1 - width % 2],
            bias: i == 0 || !of.batch_norm,
            init: if i == 0 { of.output.init() } else { of.activation.init() },
        }));
        if i > 0 {
            of.finish(&mut layers);
        }
    }
    Ok(layers)
}
