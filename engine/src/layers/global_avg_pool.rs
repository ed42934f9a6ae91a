use crate::conv::image;
use crate::hardware::parallel::TASK_LEN;
use crate::hardware::simd::{MAX_LANES, kernel, map};
use crate::math::column_sums::sum_columns;
use crate::network::layer::{Backward, Forward, Layer, Op, Planned};
use crate::{Context, Error, Shape};

/// The mean of each channel over the whole image: (height, width, channels) to (channels).
#[derive(Clone, Copy, Debug, Default)]
pub struct GlobalAvgPool;

impl Layer for GlobalAvgPool {
    fn name(&self) -> &'static str {
        "global avg pool"
    }

    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        let (size, channels) = image(input)?;
        Ok(Planned::new(channels, GlobalAvgPoolOp { pixels: size.0 * size.1, channels }))
    }
}

#[derive(Debug)]
struct GlobalAvgPoolOp {
    pixels: usize,
    channels: usize,
}

impl Op for GlobalAvgPoolOp {
    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        let GlobalAvgPoolOp { pixels, channels: c } = *self;
        let images = (TASK_LEN / (pixels * c)).max(1);
        cx.chunks(io.y, images * c, |range, y| {
            let x = &io.x[range.start * pixels..];
            for (x, y) in x.chunks_exact(pixels * c).zip(y.chunks_exact_mut(c)) {
                mean(cx.isa(), x, y, 1.0 / pixels as f32);
            }
        });
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let Some(dx) = io.dx else { return };
        let GlobalAvgPoolOp { pixels, channels: c } = *self;
        let scale = 1.0 / pixels as f32;
        cx.rows(dx, pixels * c, |image, dx| {
            for (dx, dy) in dx.iter_mut().zip(&io.dy[image * c..][..c]) {
                *dx = dy * scale;
            }
            // The first pixel to all others, twice as many at a time.
            let mut done = c;
            while done < dx.len() {
                let more = done.min(dx.len() - done);
                dx.copy_within(..more, done);
                done += more;
            }
        });
    }
}

kernel! {
    /// `scale` times the sum of the pixels of one image: (pixels, channels).
    fn mean(s, x: &[f32], y: &mut [f32], scale: f32) {
        let c = y.len();
        if c >= S::LANES {
            sum_columns(s, x, y);
        } else {
            // Fewer channels than lanes: as many pixels as lanes are whole vectors, and each place
            // has one channel.
            let mut sums = [0.0; MAX_LANES * MAX_LANES];
            let sums = &mut sums[..c * S::LANES];
            let whole = x.len() - x.len() % sums.len();
            sum_columns(s, &x[..whole], sums);
            y.fill(0.0);
            for pixel in sums.chunks_exact(c).chain(x[whole..].chunks_exact(c)) {
                for (y, x) in y.iter_mut().zip(pixel) {
                    *y += x;
                }
            }
        }
        map!(s, y, [], s.mul(y, s.splat(scale)));
    }
}
