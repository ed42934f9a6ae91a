use super::identity::Identity;
use super::pool::{PoolGeometry, spread, sums};
use crate::conv::{Size, Window, image, image_shape};
use crate::error::ensure;
use crate::network::layer::{Backward, Forward, Layer, Op, Planned};
use crate::{Context, Error, Shape};

/// Repeats each pixel factor x factor times: (height, width, channels) to (factor height, factor
/// width, channels). It takes the nearest pixel, and smooths nothing.
#[derive(Clone, Copy, Debug)]
pub struct Upsample {
    factor: usize,
}

impl Upsample {
    /// A layer that makes images `factor` times as high and as wide.
    pub fn new(factor: usize) -> Upsample {
        Upsample { factor }
    }
}

impl Layer for Upsample {
    fn name(&self) -> &'static str {
        "upsample"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        let factor = self.factor;
        ensure!(factor > 0, setting, "needs a factor of at least 1, not 0");
        let (Size(height, width), channels) = image(input)?;
        let size = Size(height.saturating_mul(factor), width.saturating_mul(factor));
        let output = image_shape(size, channels)?;
        if factor == 1 {
            return Ok(Planned::new(output, Identity));
        }
        let square = Size(factor, factor);
        let window = Window { stride: square, ..Window::new(square) };
        let squares = PoolGeometry::new(window, &output)?;
        Ok(Planned::new(output, UpsampleOp { squares }))
    }
}

#[derive(Debug)]
struct UpsampleOp {
    /// The squares that the output is cut into.
    squares: PoolGeometry,
}

impl Op for UpsampleOp {
    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        spread(cx, self.squares, io.x, io.y, 1.0);
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        if let Some(dx) = io.dx {
            sums(cx, self.squares, io.dy, dx, 1.0);
        }
    }
}
