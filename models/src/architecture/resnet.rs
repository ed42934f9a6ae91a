//! Residual blocks (He et al., CVPR 2016, figure 2), small.
//!
//! ```text
//! encoder: 3x3 convolution to the first width, batch norm, activation, dropout
//!          each width: a residual block of stride 2, and `depth` - 1 of stride 1; then the code
//! block:   x -> 3x3 convolution, batch norm, activation, 3x3 convolution, batch norm
//!          plus x, or its 1x1 convolution and batch norm where size or width change;
//!          activation, dropout
//! decoder: that of the model conv
//! ```
//!
//! The code is read off the whole last feature map, not off its average: an autoencoder has to know
//! where things are.

use super::conv::{conv, decoder, feature_maps, widths};
use super::{Architecture, Family, SampleShape};
use crate::error::Error;
use crate::layer_spec::{ConvSpec, LayerSpec};
use narrows_engine::Shape;

pub(super) struct Resnet;

impl Family for Resnet {
    fn widths(&self, input: SampleShape) -> Vec<usize> {
        widths(input)
    }

    fn input(&self, of: &Architecture) -> Result<Shape, Error> {
        Ok(feature_maps(of)?[0].into())
    }

    fn encoder(&self, of: &Architecture) -> Result<Vec<LayerSpec>, Error> {
        feature_maps(of)?;
        let mut layers = vec![LayerSpec::Conv2d(conv(of, of.widths[0]))];
        of.finish(&mut layers);
        for &width in &of.widths {
            for i in 0..of.depth {
                layers.push(block(of, width, i == 0));
                of.activate(&mut layers);
            }
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

/// A block up to its last activation; one that halves the image has a projection beside it.
fn block(of: &Architecture, width: usize, halves: bool) -> LayerSpec {
    let stride = if halves { [2; 2] } else { [1; 2] };
    let mut body = normalised(of, ConvSpec { stride, ..conv(of, width) });
    body.extend(of.activation.function().map(LayerSpec::from));
    body.extend(normalised(of, conv(of, width)));
    let shortcut = match halves {
        true => {
            let (bias, init) = (!of.batch_norm, of.activation.init());
            normalised(of, ConvSpec { stride, bias, init, ..ConvSpec::new(width, 1) })
        }
        false => Vec::new(),
    };
    LayerSpec::Residual { body, shortcut }
}

fn normalised(of: &Architecture, conv: ConvSpec) -> Vec<LayerSpec> {
    let mut layers = vec![LayerSpec::Conv2d(conv)];
    layers.extend(of.batch_norm.then(|| LayerSpec::batch_norm("")));
    layers
}
