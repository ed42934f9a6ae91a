use super::identity::Identity;
use super::pool::{Divisor, PoolGeometry, spread, sums};
use crate::conv::{Size, Window, image, image_shape};
use crate::error::ensure;
use crate::network::layer::{Backward, Forward, Layer, Op, Planned};
use crate::{Context, Error, Shape};

/// Repeats each pixel so many times down and across: (height, width, channels) to (factor height,
/// factor width, channels). It takes the nearest pixel, and smooths nothing.
#[derive(Clone, Copy, Debug)]
pub struct Upsample {
    factor: Size,
}

impl Upsample {
    /// A layer that makes images `factor` times as high and as wide: a number, or one for the
    /// height and one for the width.
    pub fn new(factor: impl Into<Size>) -> Upsample {
        Upsample { factor: factor.into() }
    }
}

impl Layer for Upsample {
    fn name(&self) -> &'static str {
        "upsample"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        let factor = self.factor;
        let least = factor.0.min(factor.1);
        ensure!(least > 0, setting, "needs a factor of at least 1x1, not {factor}");
        let (Size(height, width), channels) = image(input)?;
        let size = Size(height.saturating_mul(factor.0), width.saturating_mul(factor.1));
        let output = image_shape(size, channels)?;
        if factor == Size(1, 1) {
            return Ok(Planned::new(output, Identity));
        }
        let window = Window { stride: factor, ..Window::new(factor) };
        let blocks = PoolGeometry::new(window, false, &output)?;
        Ok(Planned::new(output, UpsampleOp { blocks }))
    }
}

#[derive(Debug)]
struct UpsampleOp {
    /// The blocks that the output is cut into.
    blocks: PoolGeometry,
}

impl Op for UpsampleOp {
    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        spread(cx, self.blocks, io.x, io.y, Divisor::One);
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        if let Some(dx) = io.dx {
            sums(cx, self.blocks, io.dy, dx, Divisor::One);
        }
    }
}
