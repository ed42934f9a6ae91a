//! Exchanges left and right.

use super::Size;
use super::random::Stream;

pub(super) fn apply(probability: f32, random: &mut Stream, image: &mut [f32], size: Size) {
    if random.unit() < probability {
        flip(image, size);
    }
}

fn flip(image: &mut [f32], size: Size) {
    match size.c {
        1 => image.chunks_exact_mut(size.w).for_each(<[f32]>::reverse),
        3 => flip_pixels(image, size.w, 3),
        c => flip_pixels(image, size.w, c),
    }
}

/// Inlined, so that a constant `c` makes loops of constant length.
#[inline(always)]
fn flip_pixels(image: &mut [f32], w: usize, c: usize) {
    for row in image.chunks_exact_mut(w * c) {
        let (left, right) = row.split_at_mut(w / 2 * c);
        for (left, right) in left.chunks_exact_mut(c).zip(right.rchunks_exact_mut(c)) {
            left.swap_with_slice(right);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::reference::{each_size, numbered};
    use super::*;

    #[test]
    fn it_mirrors_each_row_and_twice_is_once_too_often() {
        each_size(|size| {
            let before = numbered(size);
            let mut after = before.clone();
            flip(&mut after, size);
            for (i, &got) in after.iter().enumerate() {
                let (y, x, c) = (i / size.c / size.w, i / size.c % size.w, i % size.c);
                let from = (y * size.w + size.w - 1 - x) * size.c + c;
                assert_eq!(got, before[from], "{size:?} at {y}, {x}, {c}");
            }
            flip(&mut after, size);
            assert_eq!(after, before, "{size:?}");
        });
    }
}
