//! Moves an image by whole pixels; what comes in is its ground.

use super::random::Stream;
use super::{Size, ground};

/// The values of the ground, and to find it.
pub(super) fn scratch_len(size: Size) -> usize {
    size.c + ground::scratch_len(size)
}

pub(super) fn apply(
    most: usize,
    random: &mut Stream,
    image: &mut [f32],
    size: Size,
    scratch: &mut [f32],
) {
    let down = random.whole_around_zero(most.min(size.h - 1));
    let right = random.whole_around_zero(most.min(size.w - 1));
    let (ground, border) = scratch.split_at_mut(size.c);
    ground::ground(image, size, ground, border);
    shift(image, size, down, right, ground);
}

/// `image[y][x] = image[y - down][x - right]`, by less than the size.
fn shift(image: &mut [f32], size: Size, down: isize, right: isize, ground: &[f32]) {
    let fill =
        |x: &mut [f32]| x.chunks_exact_mut(size.c).for_each(|pixel| pixel.copy_from_slice(ground));
    let row = size.w * size.c;
    let (dy, dx) = (down.unsigned_abs() * row, right.unsigned_abs() * size.c);
    let len = image.len();
    // A step in either direction is one step in memory; what wraps around from row to row is then
    // overwritten.
    if down >= 0 {
        image.copy_within(..len - dy, dy);
        fill(&mut image[..dy]);
    } else {
        image.copy_within(dy.., 0);
        fill(&mut image[len - dy..]);
    }
    if right >= 0 {
        image.copy_within(..len - dx, dx);
    } else {
        image.copy_within(dx.., 0);
    }
    for row in image.chunks_exact_mut(row) {
        let beyond = if right >= 0 { 0..dx } else { row.len() - dx..row.len() };
        fill(&mut row[beyond]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::reference::{each_size, numbered};
    use super::*;

    #[test]
    fn it_is_index_arithmetic() {
        each_size(|size| {
            for down in 1 - size.h as isize..size.h as isize {
                for right in 1 - size.w as isize..size.w as isize {
                    let before = numbered(size);
                    let mut after = before.clone();
                    let ground = &[0.0, 0.3, 1.0, 0.5, 0.7][..size.c];
                    shift(&mut after, size, down, right, ground);
                    for (i, &got) in after.iter().enumerate() {
                        let (y, x, c) = (i / size.c / size.w, i / size.c % size.w, i % size.c);
                        let (from_y, from_x) = (y as isize - down, x as isize - right);
                        let inside = (0..size.h as isize).contains(&from_y)
                            && (0..size.w as isize).contains(&from_x);
                        let at = (from_y * size.w as isize + from_x) * size.c as isize + c as isize;
                        let expected = if inside { before[at as usize] } else { ground[c] };
                        assert_eq!(got, expected, "{size:?} by {down}, {right} at {y}, {x}, {c}");
                    }
                }
            }
        });
    }
}
