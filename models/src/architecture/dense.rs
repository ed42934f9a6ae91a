//! Fully connected layers.
//!
//! ```text
//! encoder: each width `depth` times: linear, batch norm, activation, dropout; then the code
//! decoder: the same widths from the last to the first; then linear to the sample
//! ```

use super::{Architecture, ENCODER, Family, SampleShape};
use crate::error::Error;
use narrows_engine::layers::Linear;
use narrows_engine::{Network, NetworkBuilder};

pub(super) struct Dense;

impl Family for Dense {
    fn widths(&self, _: SampleShape) -> Vec<usize> {
        vec![512, 256]
    }

    fn encoder(&self, of: &Architecture) -> Result<NetworkBuilder, Error> {
        let builder = Network::builder(of.input_len()?).section(ENCODER);
        Ok(hidden(of, builder, of.widths.iter()))
    }

    fn decoder(&self, of: &Architecture, builder: NetworkBuilder) -> Result<NetworkBuilder, Error> {
        let builder = hidden(of, builder, of.widths.iter().rev());
        Ok(builder.layer(Linear::new(of.input_len()?).with_init(of.output.init())))
    }
}

fn hidden<'a>(
    of: &Architecture,
    mut builder: NetworkBuilder,
    widths: impl Iterator<Item = &'a usize>,
) -> NetworkBuilder {
    for &width in widths.flat_map(|width| std::iter::repeat_n(width, of.depth)) {
        let linear = Linear::new(width).with_init(of.activation.init());
        let linear = if of.batch_norm { linear.without_bias() } else { linear };
        builder = of.finish(builder.layer(linear));
    }
    builder
}
