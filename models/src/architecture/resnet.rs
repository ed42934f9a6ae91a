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
use super::{Architecture, ENCODER, Family, SampleShape};
use crate::error::Error;
use narrows_engine::layers::{BatchNorm, Conv2d, Residual};
use narrows_engine::{Layer, Network, NetworkBuilder};

pub(super) struct Resnet;

impl Family for Resnet {
    fn widths(&self, input: SampleShape) -> Vec<usize> {
        widths(input)
    }

    fn encoder(&self, of: &Architecture) -> Result<NetworkBuilder, Error> {
        let maps = feature_maps(of)?;
        let builder = Network::builder(maps[0]).section(ENCODER);
        let mut builder = of.finish(builder.layer(conv(of, of.widths[0])));
        for &width in &of.widths {
            for i in 0..of.depth {
                builder = of.activate(builder.layer(block(of, width, i == 0)));
            }
        }
        Ok(builder)
    }

    fn decoder(&self, of: &Architecture, builder: NetworkBuilder) -> Result<NetworkBuilder, Error> {
        decoder(of, builder)
    }
}

/// A block up to its last activation; one that halves the image has a projection beside it.
fn block(of: &Architecture, width: usize, halves: bool) -> Residual {
    let stride = if halves { 2 } else { 1 };
    let mut layers = normalised(of, conv(of, width).with_stride(stride));
    layers.extend(of.activation.layer());
    layers.extend(normalised(of, conv(of, width)));
    let residual = Residual::new(layers);
    if !halves {
        return residual;
    }
    let projection = Conv2d::new(width, 1).with_stride(2).with_init(of.activation.init());
    let projection = if of.batch_norm { projection.without_bias() } else { projection };
    residual.with_shortcut(normalised(of, projection))
}

fn normalised(of: &Architecture, conv: Conv2d) -> Vec<Box<dyn Layer>> {
    let mut layers: Vec<Box<dyn Layer>> = vec![Box::new(conv)];
    if of.batch_norm {
        layers.push(Box::new(BatchNorm::default()));
    }
    layers
}
