use crate::conv::image;
use crate::hardware::parallel::TASK_LEN;
use crate::hardware::simd::{Kernel, MAX_LANES, Simd};
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

impl GlobalAvgPoolOp {
    /// The pixels of an image, its channels, and the images of a task.
    fn sizes(&self) -> (usize, usize, usize) {
        let GlobalAvgPoolOp { pixels, channels } = *self;
        (pixels, channels, (TASK_LEN / (pixels * channels)).max(1))
    }
}

impl Op for GlobalAvgPoolOp {
    fn forward(&self, cx: &Context, io: Forward<'_>) -> f64 {
        let (pixels, c, images) = self.sizes();
        let scale = 1.0 / pixels as f32;
        cx.chunks(io.y, images * c, |range, y| {
            let x = &io.x[range.start * pixels..];
            for (x, y) in x.chunks_exact(pixels * c).zip(y.chunks_exact_mut(c)) {
                cx.isa().run(Mean { x, y, scale });
            }
        });
        0.0
    }

    fn backward(&self, cx: &Context, io: Backward<'_>) {
        let Some(dx) = io.dx else { return };
        let (pixels, c, images) = self.sizes();
        let scale = 1.0 / pixels as f32;
        cx.chunks(dx, images * pixels * c, |range, dx| {
            let dy = &io.dy[range.start / pixels..];
            for (dx, dy) in dx.chunks_exact_mut(pixels * c).zip(dy.chunks_exact(c)) {
                for (dx, dy) in dx.iter_mut().zip(dy) {
                    *dx = dy * scale;
                }
                // The first pixel to all others, twice as many at a time.
                let mut done = c;
                while done < dx.len() {
                    let more = done.min(dx.len() - done);
                    dx.copy_within(..more, done);
                    done += more;
                }
            }
        });
    }
}

/// `scale` times the sum of the pixels of one image: (pixels, channels).
struct Mean<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    scale: f32,
}

impl Kernel for Mean<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Mean { x, y, scale } = self;
        let c = y.len();
        if c >= S::LANES {
            sum_pixels(s, x, y);
        } else {
            // Fewer channels than lanes: as many pixels as lanes are whole vectors, and each place
            // has one channel.
            let mut sums = [0.0; MAX_LANES * MAX_LANES];
            let sums = &mut sums[..c * S::LANES];
            let whole = x.len() - x.len() % sums.len();
            sum_pixels(s, &x[..whole], sums);
            y.fill(0.0);
            for pixel in sums.chunks_exact(c).chain(x[whole..].chunks_exact(c)) {
                for (y, x) in y.iter_mut().zip(pixel) {
                    *y += x;
                }
            }
        }
        for y in y {
            *y *= scale;
        }
    }
}

/// The sums down the columns of x: (rows, sums.len()).
#[inline(always)]
fn sum_pixels<S: Simd>(s: S, x: &[f32], sums: &mut [f32]) {
    let c = sums.len();
    for j in (0..c).step_by(S::LANES) {
        let mut sum = s.splat(0.0);
        for pixel in x.chunks_exact(c) {
            sum = s.add(sum, s.load_at(pixel, j));
        }
        s.store_at(sum, sums, j);
    }
}
