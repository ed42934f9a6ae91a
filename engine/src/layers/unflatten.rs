use super::identity::Identity;
use crate::network::layer::{Layer, Planned};
use crate::{Error, Shape};

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

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        match self.shape.checked_len() {
            Some(len) if len == input.len() => Ok(Planned::new(self.shape.clone(), Identity)),
            Some(len) => Err(Error::shape(format!(
                "needs {len} values to make {} of, got {} ({input})",
                self.shape,
                input.len()
            ))),
            None => Err(Error::setting(format!("no sample has as many values as {}", self.shape))),
        }
    }
}
