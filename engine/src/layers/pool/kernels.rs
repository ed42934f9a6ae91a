//! The kernels of pooling, vectors along the channels.
//!
//! Padding is never read: windows are cut at the image's edge. With fewer channels than
//! lanes the vectors are masked, which costs about what a scalar loop would.

use super::{Divisor, PoolGeometry};
use crate::hardware::simd::{Simd, kernel};

/// Calls `f(pixel)` for each pixel in the window at the position (y, x), in row-major order;
/// `pixel` is where its channels begin in the image.
#[inline(always)]
fn for_each_pixel(images: &PoolGeometry, y: usize, x: usize, mut f: impl FnMut(usize)) {
    let (rows, columns) = (images.rows(y), images.columns(x));
    for row in rows {
        for column in columns.clone() {
            f(row * images.large_row() + column * images.channels);
        }
    }
}

/// The large image and the row of positions that the row of that number, counted over all images,
/// belongs to.
#[inline(always)]
fn place<'a>(images: &PoolGeometry, row: usize, large: &'a [f32]) -> (&'a [f32], usize) {
    let image = row / images.positions.0;
    (&large[image * images.large()..][..images.large()], row % images.positions.0)
}

/// One row of maxima. Returns `false` if there is an infinity or a NaN, which the vectors'
/// comparisons could have lost.
#[inline(always)]
fn max_row<S: Simd>(s: S, images: &PoolGeometry, row: usize, x: &[f32], y: &mut [f32]) -> bool {
    let (c, zero) = (images.channels, s.splat(0.0));
    // 0, and NaN once there is something that is not finite.
    let mut trace = zero;
    for (column, y) in y.chunks_exact_mut(c).enumerate() {
        for j in (0..c).step_by(S::LANES) {
            let mut most = s.splat(f32::NEG_INFINITY);
            for_each_pixel(
                images,
                row,
                column,
                #[inline(always)]
                |pixel| {
                    let x = s.load_at(&x[pixel..][..c], j);
                    most = s.max(x, most);
                    trace = s.mul_add(x, zero, trace);
                },
            );
            s.store_at(most, y, j);
        }
    }
    !s.sum(trace).is_nan()
}

/// Like [`max_row`], for any values: the maximum of a window with a NaN is NaN.
#[cold]
fn max_row_exactly(images: &PoolGeometry, row: usize, x: &[f32], y: &mut [f32]) {
    for (column, y) in y.chunks_exact_mut(images.channels).enumerate() {
        y.fill(f32::NEG_INFINITY);
        for_each_pixel(images, row, column, |pixel| {
            for (y, x) in y.iter_mut().zip(&x[pixel..]) {
                if *x > *y || x.is_nan() {
                    *y = *x;
                }
            }
        });
    }
}

/// Writes to `dx`, or adds to it where other windows have.
#[inline(always)]
fn add<S: Simd>(s: S, share: S::F, disjoint: bool, dx: &mut [f32], j: usize) {
    let dx_j = if disjoint { share } else { s.add(s.load_at(dx, j), share) };
    s.store_at(dx_j, dx, j);
}

// Where some rows of positions are given, `first_row` is the number of the first, counted over all
// images; `first_image` that of the first of some images. All other slices are of all images.
kernel! {
    /// The largest value in each window: some rows of `y`.
    pub(crate) fn max(s, images: PoolGeometry, first_row: usize, x: &[f32], y: &mut [f32]) {
        for (r, y) in y.chunks_exact_mut(images.small_row()).enumerate() {
            let (x, row) = place(&images, first_row + r, x);
            if !max_row(s, &images, row, x, y) {
                max_row_exactly(&images, row, x, y);
            }
        }
    }

    /// Gives each window's gradient to the first pixel that has the maximum: some images of `dx`.
    /// The pixel is found again, which takes less memory traffic than to keep which it was. Where
    /// the maximum is NaN, it is the first of the window.
    pub(crate) fn max_gradient(
        s, images: PoolGeometry, first_image: usize, x: &[f32], y: &[f32], dy: &[f32],
        dx: &mut [f32],
    ) {
        let (c, zero, disjoint) = (images.channels, s.splat(0.0), images.disjoint());
        if !images.tiled() {
            dx.fill(0.0);
        }
        for (image, dx) in dx.chunks_exact_mut(images.large()).enumerate() {
            let x = &x[(first_image + image) * images.large()..][..images.large()];
            for position in 0..images.positions.0 * images.positions.1 {
                let (row, column) = (position / images.positions.1, position % images.positions.1);
                let at = (first_image + image) * images.small() + position * c;
                let (y, dy) = (&y[at..][..c], &dy[at..][..c]);
                for j in (0..c).step_by(S::LANES) {
                    let most = s.load_at(y, j);
                    // The gradient that has not been given to a pixel yet.
                    let mut rest = s.load_at(dy, j);
                    for_each_pixel(&images, row, column, #[inline(always)] |pixel| {
                        let x = s.load_at(&x[pixel..][..c], j);
                        let share = s.select_gt(most, x, zero, rest);
                        rest = s.select_gt(most, x, rest, zero);
                        add(s, share, disjoint, &mut dx[pixel..][..c], j);
                    });
                }
            }
        }
    }

    /// The sum of each window of `large`, divided: some rows of `small`.
    pub(crate) fn sums(
        s, images: PoolGeometry, first_row: usize, large: &[f32], small: &mut [f32],
        divisor: Divisor,
    ) {
        let c = images.channels;
        for (r, small) in small.chunks_exact_mut(images.small_row()).enumerate() {
            let (large, row) = place(&images, first_row + r, large);
            for (column, small) in small.chunks_exact_mut(c).enumerate() {
                let scale = s.splat(images.factor(divisor, row, column));
                for j in (0..c).step_by(S::LANES) {
                    let mut sum = s.splat(0.0);
                    for_each_pixel(&images, row, column, #[inline(always)] |pixel| {
                        sum = s.add(sum, s.load_at(&large[pixel..][..c], j));
                    });
                    s.store_at(s.mul(sum, scale), small, j);
                }
            }
        }
    }

    /// Gives each pixel the sum of what the windows that it is in have, divided: some images of
    /// `large`.
    pub(crate) fn spread(
        s, images: PoolGeometry, first_image: usize, small: &[f32], large: &mut [f32],
        divisor: Divisor,
    ) {
        let (c, disjoint) = (images.channels, images.disjoint());
        if !images.tiled() {
            large.fill(0.0);
        }
        for (image, large) in large.chunks_exact_mut(images.large()).enumerate() {
            let small = &small[(first_image + image) * images.small()..][..images.small()];
            for (position, small) in small.chunks_exact(c).enumerate() {
                let (row, column) = (position / images.positions.1, position % images.positions.1);
                let scale = s.splat(images.factor(divisor, row, column));
                for j in (0..c).step_by(S::LANES) {
                    let share = s.mul(s.load_at(small, j), scale);
                    for_each_pixel(&images, row, column, #[inline(always)] |pixel| {
                        add(s, share, disjoint, &mut large[pixel..][..c], j);
                    });
                }
            }
        }
    }
}
