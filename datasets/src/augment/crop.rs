//! Pads by mirroring, and crops.

use super::Size;
use super::random::Stream;

pub(super) fn apply(
    most: usize,
    random: &mut Stream,
    image: &mut [f32],
    size: Size,
    scratch: &mut [f32],
) {
    let down = random.whole_around_zero(most.min(size.h - 1));
    let right = random.whole_around_zero(most.min(size.w - 1));
    crop(image, size, down, right, scratch);
}

/// `image[y][x] = image[mirrored(y + down)][mirrored(x + right)]`, by less than the size.
fn crop(image: &mut [f32], size: Size, down: isize, right: isize, scratch: &mut [f32]) {
    let Size { h, w, c } = size;
    let before = &mut scratch[..image.len()];
    before.copy_from_slice(image);
    // Columns inside come from inside, side by side.
    let inside = (-right).max(0) as usize..(w as isize - right.max(0)) as usize;
    for (y, row) in image.chunks_exact_mut(w * c).enumerate() {
        let from = &before[mirrored(y as isize + down, h) * w * c..][..w * c];
        let start = (inside.start as isize + right) as usize * c;
        row[inside.start * c..inside.end * c].copy_from_slice(&from[start..][..inside.len() * c]);
        for x in (0..inside.start).chain(inside.end..w) {
            let pixel = &from[mirrored(x as isize + right, w) * c..][..c];
            row[x * c..][..c].copy_from_slice(pixel);
        }
    }
}

/// The pixel of `n` that is seen at `i`, by less than `n` beyond either end: the outermost pixels
/// are the mirrors, and seen once.
fn mirrored(i: isize, n: usize) -> usize {
    let last = n as isize - 1;
    (last - (last - i.abs()).abs()) as usize
}

#[cfg(test)]
mod tests {
    use super::super::tests::reference::{each_size, numbered};
    use super::*;

    #[test]
    fn it_cuts_out_of_the_image_with_its_mirror_images_around_it() {
        each_size(|size| {
            let Size { h, w, c } = size;
            // The reach of a crop, built by walking to and fro: 0 1 2 1 0 1 2 ...
            let walk = |n: usize| -> Vec<usize> {
                let there_and_back: Vec<usize> = (0..n).chain((1..n.max(2) - 1).rev()).collect();
                let period = there_and_back.len() as isize;
                (1 - n as isize..2 * n as isize - 1)
                    .map(|i| there_and_back[i.rem_euclid(period) as usize])
                    .collect()
            };
            let (rows, columns) = (walk(h), walk(w));
            let before = numbered(size);
            for down in 1 - h as isize..h as isize {
                for right in 1 - w as isize..w as isize {
                    let (mut after, mut scratch) = (before.clone(), vec![-1.0; size.len()]);
                    crop(&mut after, size, down, right, &mut scratch);
                    for (i, &got) in after.iter().enumerate() {
                        let (y, x, channel) = (i / c / w, i / c % w, i % c);
                        let row = rows[(y as isize + down + h as isize - 1) as usize];
                        let column = columns[(x as isize + right + w as isize - 1) as usize];
                        let expected = before[(row * w + column) * c + channel];
                        assert_eq!(got, expected, "{size:?} by {down}, {right} at {y}, {x}");
                    }
                }
            }
        });
    }
}
