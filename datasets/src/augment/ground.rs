//! The ground of an image: the median of its border, channel by channel. It fills the gap where an
//! image is moved: 0 for white strokes on black, 1 for black on white, the backdrop of a
//! photograph.

use super::Size;

/// The values that [`ground`] needs for itself, at most.
pub(super) fn scratch_len(size: Size) -> usize {
    2 * (size.h + size.w)
}

/// The ground of `image`, (c); of an even number of values the lower one in the middle.
pub(super) fn ground(image: &[f32], size: Size, ground: &mut [f32], scratch: &mut [f32]) {
    let Size { h, w, c } = size;
    for (channel, ground) in ground.iter_mut().enumerate() {
        let mut n = 0;
        for (y, row) in image.chunks_exact(w * c).enumerate() {
            // The two ends of the rows between the first and the last.
            let step = if y == 0 || y == h - 1 { 1 } else { (w - 1).max(1) };
            for pixel in row.chunks_exact(c).step_by(step) {
                scratch[n] = pixel[channel];
                n += 1;
            }
        }
        let (_, median, _) = scratch[..n].select_nth_unstable_by((n - 1) / 2, f32::total_cmp);
        *ground = *median;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::reference::{each_size, numbered};
    use super::*;

    #[test]
    fn it_is_the_median_of_the_border() {
        each_size(|size| {
            let Size { h, w, c } = size;
            // In no order.
            let image: Vec<f32> = numbered(size).iter().map(|x| (x * 7.3).fract()).collect();
            let (mut found, mut scratch) = (vec![f32::NAN; c], vec![f32::NAN; scratch_len(size)]);
            ground(&image, size, &mut found, &mut scratch);
            for (channel, found) in found.iter().enumerate() {
                let on_border = |y, x| y == 0 || x == 0 || y == h - 1 || x == w - 1;
                let places = (0..h).flat_map(|y| (0..w).map(move |x| (y, x)));
                let mut border: Vec<f32> = (places.filter(|&(y, x)| on_border(y, x)))
                    .map(|(y, x)| image[(y * w + x) * c + channel])
                    .collect();
                border.sort_by(f32::total_cmp);
                assert_eq!(*found, border[(border.len() - 1) / 2], "{size:?}, channel {channel}");
            }
        });
    }

    #[test]
    fn strokes_that_reach_the_border_are_not_it() {
        let mut image = vec![1.0; 28 * 28];
        (0..28).for_each(|y| image[y * 28 + 14] = 0.0);
        let size = Size { h: 28, w: 28, c: 1 };
        let (mut found, mut scratch) = ([0.5], vec![0.0; scratch_len(size)]);
        ground(&image, size, &mut found, &mut scratch);
        assert_eq!(found, [1.0]);
    }
}
