//! Hides patches: the image is cut into squares from the upper left corner on, and so many of them,
//! chosen at random, are set to 0.
//!
//! Which ones is decided square by square, with the probability of what is left to hide among what
//! is left: each choice of as many squares is as likely as any other (Knuth, The Art of Computer
//! Programming, volume 2, 3.4.2, algorithm S).

use super::Size;
use super::random::Stream;

/// Hides `fraction` of the squares of `side`, rounded to the nearest number, but leaves one at
/// least.
pub(super) fn apply(
    fraction: f32,
    side: usize,
    random: &mut Stream,
    image: &mut [f32],
    size: Size,
) {
    let (down, across) = (size.h.div_ceil(side), size.w.div_ceil(side));
    let squares = down * across;
    let mut to_hide = ((f64::from(fraction) * squares as f64).round() as usize).min(squares - 1);
    for square in 0..squares {
        if random.below(squares - square) < to_hide {
            to_hide -= 1;
            clear(image, size, side, square / across, square % across);
        }
    }
}

/// Clears the square in that row and column of squares; what would be outside the image is missing.
fn clear(image: &mut [f32], size: Size, side: usize, row: usize, column: usize) {
    let (top, left) = (row * side, column * side);
    let width = side.min(size.w - left);
    for row in image.chunks_exact_mut(size.w * size.c).skip(top).take(side) {
        row[left * size.c..][..width * size.c].fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::SampleKey;
    use super::super::random::Purpose;
    use super::super::tests::reference::{each_size, numbered};
    use super::*;

    /// By index arithmetic: each square is hidden as a whole or not at all, as many as asked for,
    /// and each as often.
    #[test]
    fn as_many_whole_squares_are_hidden_as_asked_for() {
        each_size(|size| {
            for side in 1..=size.h.max(size.w) {
                for fraction in [0.1, 0.5, 0.75, 0.99] {
                    let squares = size.h.div_ceil(side) * size.w.div_ceil(side);
                    let wanted = ((fraction * squares as f32).round() as usize).min(squares - 1);
                    let mut often = vec![0; squares];
                    for row in 0..100 {
                        let (before, mut after) = (numbered(size), numbered(size));
                        let key = SampleKey { seed: 1, epoch: 2, row };
                        apply(
                            fraction,
                            side,
                            &mut Stream::new(key, Purpose::Patch),
                            &mut after,
                            size,
                        );
                        let mut hidden = vec![None; squares];
                        for (i, (&after, &before)) in after.iter().zip(&before).enumerate() {
                            let (y, x) = (i / size.c / size.w, i / size.c % size.w);
                            let square = y / side * size.w.div_ceil(side) + x / side;
                            assert!(after == 0.0 || after == before);
                            assert_ne!(
                                hidden[square].replace(after == 0.0),
                                Some(after != 0.0),
                                "{i} of {size:?}"
                            );
                        }
                        let hidden: Vec<bool> = hidden.into_iter().map(Option::unwrap).collect();
                        assert_eq!(
                            hidden.iter().filter(|h| **h).count(),
                            wanted,
                            "{size:?} by {side}"
                        );
                        often.iter_mut().zip(hidden).for_each(|(n, h)| *n += usize::from(h));
                    }
                    let p = wanted as f64 / squares as f64;
                    for n in often {
                        let off = (n as f64 - 100.0 * p).abs();
                        assert!(
                            off <= 6.0 * (100.0 * p * (1.0 - p)).sqrt() + 1e-9,
                            "{n} of 100, not {p}"
                        );
                    }
                }
            }
        });
    }
}
