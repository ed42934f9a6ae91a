//! Rotates, enlarges and slants an image about its middle.
//!
//! ```text
//! forward    p' = middle + scale * rotation * slant * (p - middle)
//! for each pixel p' of the result:
//!     p = middle + inverse * (p' - middle)
//!     interpolate between the four pixels around p; those outside are the image's ground
//! ```
//!
//! 1. The image is first copied into a frame of its ground, and p clamped to it: no pixel asks
//!    whether it is outside. An image of 28x28 is so small that the copy stays in the level-1
//!    cache.
//! 2. p moves by a constant step along a row; it is computed anew for each pixel, because adding
//!    steps up adds their roundings up.

use super::random::{Stream, sin_cos_turns};
use super::{Augmentation, Size, ground};

/// One pixel of ground before, and two behind: at the far edge of the clamped range the right
/// neighbour is still read.
const FRAME: usize = 3;

/// The values of the ground and of the framed image, which are more than it takes to find the
/// ground.
pub(super) fn scratch_len(size: Size) -> usize {
    size.c + framed_len(size)
}

fn framed_len(size: Size) -> usize {
    (size.h + FRAME) * (size.w + FRAME) * size.c
}

pub(super) fn apply(
    augmentation: &Augmentation,
    random: &mut Stream,
    image: &mut [f32],
    size: Size,
    scratch: &mut [f32],
) {
    // Each takes its number whether it is used or not: none changes another.
    let rotate = random.around_zero(augmentation.rotate);
    let scale = 1.0 + random.around_zero(augmentation.scale);
    let shear = random.around_zero(augmentation.shear);
    let (ground, framed) = scratch.split_at_mut(size.c);
    ground::ground(image, size, ground, framed);
    resample(image, size, inverse(rotate, scale, shear), ground, framed);
}

/// The map from a place in the result to its place in the image, `[[xx, xy], [yx, yy]]`, about the
/// middle. Angles in degrees; a positive one turns the right side down, and moves what is below the
/// middle to the right.
fn inverse(rotate: f32, scale: f32, shear: f32) -> [[f32; 2]; 2] {
    let (sin, cos) = sin_cos_turns(rotate / 360.0);
    let (shear_sin, shear_cos) = sin_cos_turns(shear / 360.0);
    let slant = shear_sin / shear_cos;
    // slant^-1 * rotation^-1 / scale
    let (a, b) = (cos / scale, sin / scale);
    [[a + slant * b, b - slant * a], [-b, a]]
}

fn resample(
    image: &mut [f32],
    size: Size,
    inverse: [[f32; 2]; 2],
    ground: &[f32],
    framed: &mut [f32],
) {
    match size.c {
        1 => resample_pixels(image, size, 1, inverse, ground, framed),
        3 => resample_pixels(image, size, 3, inverse, ground, framed),
        c => resample_pixels(image, size, c, inverse, ground, framed),
    }
}

/// Inlined, so that a constant `c` makes loops of constant length.
#[inline(always)]
fn resample_pixels(
    image: &mut [f32],
    size: Size,
    c: usize,
    [[xx, xy], [yx, yy]]: [[f32; 2]; 2],
    ground: &[f32],
    framed: &mut [f32],
) {
    let Size { h, w, .. } = size;
    let framed_row = (w + FRAME) * c;
    let framed = &mut framed[..framed_len(size)];
    framed.chunks_exact_mut(c).for_each(|pixel| pixel.copy_from_slice(&ground[..c]));
    for (from, to) in image.chunks_exact(w * c).zip(framed.chunks_exact_mut(framed_row).skip(1)) {
        to[c..][..w * c].copy_from_slice(from);
    }
    let framed = &*framed;
    let (middle_x, middle_y) = ((w - 1) as f32 / 2.0, (h - 1) as f32 / 2.0);
    // In the frame, whose first pixel is at -1.
    let (most_x, most_y) = ((w + 1) as f32, (h + 1) as f32);
    for (y, row) in image.chunks_exact_mut(w * c).enumerate() {
        let dy = y as f32 - middle_y;
        let (row_x, row_y) = (xy * dy + middle_x + 1.0, yy * dy + middle_y + 1.0);
        for (x, pixel) in row.chunks_exact_mut(c).enumerate() {
            let dx = x as f32 - middle_x;
            let from_x = (xx * dx + row_x).clamp(0.0, most_x);
            let from_y = (yx * dx + row_y).clamp(0.0, most_y);
            let (left, top) = (from_x as i32, from_y as i32);
            let (right_part, lower_part) = (from_x - left as f32, from_y - top as f32);
            let at = top as usize * framed_row + left as usize * c;
            let (upper, lower) = (&framed[at..][..2 * c], &framed[at + framed_row..][..2 * c]);
            for (channel, value) in pixel.iter_mut().enumerate() {
                let between = |a: f32, b: f32, part: f32| a + part * (b - a);
                let above = between(upper[channel], upper[c + channel], right_part);
                let below = between(lower[channel], lower[c + channel], right_part);
                // Rounding can carry it beyond the larger of the two.
                *value = between(above, below, lower_part).min(1.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::reference::{each_size, numbered};
    use super::*;

    /// Another in each channel.
    const GROUND: [f32; 5] = [0.0, 0.3, 1.0, 0.5, 0.7];

    fn resampled(size: Size, rotate: f32, scale: f32, shear: f32) -> Vec<f32> {
        let (mut image, mut framed) = (numbered(size), vec![f32::NAN; framed_len(size)]);
        resample(&mut image, size, inverse(rotate, scale, shear), &GROUND, &mut framed);
        image
    }

    #[test]
    fn no_amount_is_no_change() {
        each_size(|size| assert_eq!(resampled(size, 0.0, 1.0, 0.0), numbered(size), "{size:?}"));
    }

    #[test]
    fn a_quarter_turn_is_a_transpose_and_a_flip() {
        for (n, c) in [(1, 1), (2, 3), (5, 1), (6, 4), (9, 3)] {
            let size = Size { h: n, w: n, c };
            let (before, after) = (numbered(size), resampled(size, 90.0, 1.0, 0.0));
            for (i, &got) in after.iter().enumerate() {
                // The right side goes down: what was at row n - 1 - x, column y is now at row y,
                // column x.
                let (y, x, channel) = (i / c / n, i / c % n, i % c);
                assert_eq!(
                    got,
                    before[((n - 1 - x) * n + y) * c + channel],
                    "{n}x{n}x{c} at {y}, {x}"
                );
            }
        }
    }

    #[test]
    fn a_shear_of_45_degrees_moves_each_row_by_its_distance_from_the_middle() {
        let size = Size { h: 5, w: 7, c: 3 };
        let (before, after) = (numbered(size), resampled(size, 0.0, 1.0, 45.0));
        for (i, &got) in after.iter().enumerate() {
            let (y, x, channel) = (i / 3 / 7, i / 3 % 7, i % 3);
            let from = x as isize - (y as isize - 2);
            let inside = (0..7).contains(&from);
            let expected = if inside {
                before[(y * 7 + from as usize) * 3 + channel]
            } else {
                GROUND[channel]
            };
            assert!((got - expected).abs() < 1e-6, "{y}, {x}: {got} for {expected}");
        }
    }

    /// In f64, by matrices that are put together forwards and inverted, with a test of each
    /// neighbour.
    fn oracle(size: Size, rotate: f32, scale: f32, shear: f32) -> Vec<f64> {
        let Size { h, w, c } = size;
        let image = numbered(size);
        let (sin, cos) = f64::from(rotate).to_radians().sin_cos();
        let (scale, slant) = (f64::from(scale), f64::from(shear).to_radians().tan());
        // rotation * slant, scaled, on (x, y)
        let forward =
            [[cos, cos * slant - sin], [sin, sin * slant + cos]].map(|row| row.map(|v| v * scale));
        let determinant = forward[0][0] * forward[1][1] - forward[0][1] * forward[1][0];
        let (middle_x, middle_y) = ((w as f64 - 1.0) / 2.0, (h as f64 - 1.0) / 2.0);
        let value = |y: f64, x: f64, channel: usize| {
            let inside = (0.0..h as f64).contains(&y) && (0.0..w as f64).contains(&x);
            let at = || (y as usize * w + x as usize) * c + channel;
            f64::from(if inside { image[at()] } else { GROUND[channel] })
        };
        (0..size.len())
            .map(|i| {
                let (dx, dy) = ((i / c % w) as f64 - middle_x, (i / c / w) as f64 - middle_y);
                let x = (forward[1][1] * dx - forward[0][1] * dy) / determinant + middle_x;
                let y = (forward[0][0] * dy - forward[1][0] * dx) / determinant + middle_y;
                let mut sum = 0.0;
                for (near_y, part_y) in
                    [(y.floor(), 1.0 - (y - y.floor())), (y.floor() + 1.0, y - y.floor())]
                {
                    for (near_x, part_x) in
                        [(x.floor(), 1.0 - (x - x.floor())), (x.floor() + 1.0, x - x.floor())]
                    {
                        sum += part_y * part_x * value(near_y, near_x, i % c);
                    }
                }
                sum
            })
            .collect()
    }

    #[test]
    fn any_map_is_that_of_a_plain_loop() {
        each_size(|size| {
            for (rotate, scale, shear) in [
                (10.0, 1.0, 0.0),
                (-170.0, 1.3, 0.0),
                (0.0, 0.4, 0.0),
                (0.0, 1.9, 30.0),
                (33.0, 0.9, -25.0),
                (180.0, 0.01, 89.9),
            ] {
                let got = resampled(size, rotate, scale, shear);
                for (i, (&got, expected)) in
                    got.iter().zip(oracle(size, rotate, scale, shear)).enumerate()
                {
                    // At the last, places lie thousands of pixels away: off by as many roundings.
                    let allowed = if scale < 0.1 { 0.02 } else { 1e-5 };
                    assert!(
                        (f64::from(got) - expected).abs() < allowed,
                        "{size:?} {rotate} {scale} {shear} at {i}: {got} for {expected}"
                    );
                }
            }
        });
    }
}
