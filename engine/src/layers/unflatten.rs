use crate::network::layer::{Backward, Forward, InferenceMap, Layer};
use crate::{Context, Error, Shape};

/// Gives the values another shape, `[height, width, channels]` say, in the same order.
/// It costs nothing: the network leaves it out.
///
/// A [`Linear`](super::Linear) layer takes any shape, and needs none that undoes this.
#[derive(Clone, Debug)]
pub struct Unflatten {
    shape: Shape,
}

impl Unflatten {
    /// A layer whose output has that shape.
    pub fn new(shape: impl Into<Shape>) -> Unflatten {
        Unflatten { shape: shape.into() }
    }
}

impl Layer for Unflatten {
    fn name(&self) -> &'static str {
        "unflatten"
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape, Error> {
        match self.shape.checked_len() {
            Some(len) if len == input.len() => Ok(self.shape.clone()),
            Some(len) => Err(Error::new(format!(
                "needs {len} values to make {} of, got {} ({input})",
                self.shape,
                input.len()
            ))),
            None => Err(Error::new(format!("no sample has as many values as {}", self.shape))),
        }
    }

    fn is_identity(&self) -> bool {
        true
    }

    fn inference_maps<'a>(&self, _: &Shape, _: &'a [f32]) -> Option<Vec<InferenceMap<'a>>> {
        Some(Vec::new())
    }

    fn forward(&self, _: &Context, io: Forward<'_>) {
        io.y.copy_from_slice(io.x);
    }

    fn backward(&self, _: &Context, io: Backward<'_>) {
        if let Some(dx) = io.dx {
            dx.copy_from_slice(io.dy);
        }
    }
}
