//! Sets a square to 0.

use super::Size;
use super::random::Stream;

pub(super) fn apply(side: usize, random: &mut Stream, image: &mut [f32], size: Size) {
    let (y, x) = (random.below(size.h), random.below(size.w));
    clear(image, size, side, y, x);
}

/// Clears what of the square of `side` around `(y, x)` lies within; of an even side, the middle is
/// the first pixel behind it.
fn clear(image: &mut [f32], size: Size, side: usize, y: usize, x: usize) {
    let span = |middle: usize, n: usize| {
        (middle.saturating_sub(side / 2), (middle + side - side / 2).min(n))
    };
    let ((top, bottom), (left, right)) = (span(y, size.h), span(x, size.w));
    for row in image.chunks_exact_mut(size.w * size.c).take(bottom).skip(top) {
        row[left * size.c..right * size.c].fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::reference::{each_size, numbered};
    use super::*;

    #[test]
    fn it_clears_a_square_and_nothing_else() {
        each_size(|size| {
            for side in 1..=size.h.max(size.w) {
                for (y, x) in (0..size.h).flat_map(|y| (0..size.w).map(move |x| (y, x))) {
                    let before = numbered(size);
                    let mut after = before.clone();
                    clear(&mut after, size, side, y, x);
                    for (i, &got) in after.iter().enumerate() {
                        let (at_y, at_x) = (i / size.c / size.w, i / size.c % size.w);
                        // From half a side before the middle on, `side` of them.
                        let within = |at: usize, middle: usize| {
                            (0..side).any(|i| at + side / 2 == middle + i)
                        };
                        let hit = within(at_y, y) && within(at_x, x);
                        let expected = if hit { 0.0 } else { before[i] };
                        assert_eq!(got, expected, "{size:?}: {side} at {y}, {x}: {at_y}, {at_x}");
                    }
                }
            }
        });
    }
}
