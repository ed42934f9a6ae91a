//! Fully connected layers.
//!
//! ```text
//! encoder: each width `depth` times: linear, batch norm, activation, dropout; then the code
//! decoder: the same widths from the last to the first; then linear to the sample
//! ```

use super::{Architecture, Family, SampleShape};
use crate::error::Error;
use crate::layer_spec::{LayerSpec, LinearSpec};
use narrows_engine::Shape;

pub(super) struct Dense;

impl Family for Dense {
    fn widths(&self, _: SampleShape) -> Vec<usize> {
        vec![512, 256]
    }

    fn input(&self, of: &Architecture) -> Result<Shape, Error> {
        Ok(of.input_len()?.into())
    }

    fn encoder(&self, of: &Architecture) -> Result<Vec<LayerSpec>, Error> {
        Ok(hidden(of, of.widths.iter()))
    }

    fn last_map(&self, _: &Architecture) -> Result<Option<[usize; 3]>, Error> {
        Ok(None)
    }

    fn decoder(&self, of: &Architecture) -> Result<Vec<LayerSpec>, Error> {
        let mut layers = hidden(of, of.widths.iter().rev());
        let linear = LinearSpec { init: of.output.init(), ..LinearSpec::new(of.input_len()?) };
        layers.push(LayerSpec::Linear(linear));
        Ok(layers)
    }
}

fn hidden<'a>(of: &Architecture, widths: impl Iterator<Item = &'a usize>) -> Vec<LayerSpec> {
    let mut layers = Vec::new();
    for &width in widths.flat_map(|width| std::iter::repeat_n(width, of.depth)) {
        layers.push(LayerSpec::Linear(LinearSpec {
            bias: !of.batch_norm,
            init: of.activation.init(),
            ..LinearSpec::new(width)
        }));
        of.finish(&mut layers);
    }
    layers
}
