//! Pools, up-sampling and unflattening, whose references are windows on an image.

use super::Case;
use super::convolution::sides;
use crate::layers::reference::pool::{self, Grid};
use narrows_engine::layers::{AvgPool2d, GlobalAvgPool, MaxPool2d, Unflatten, Upsample};

/// Around the widths of vectors, and so few that vectors are masked; the last images are enough
/// work for several tasks.
fn images() -> Vec<(usize, [usize; 3])> {
    let sizes = [[1, 1], [2, 2], [3, 5], [4, 4], [5, 7], [8, 6]];
    let channels = [1, 3, 15, 16, 17, 33];
    let mut images: Vec<_> = sizes
        .iter()
        .enumerate()
        .flat_map(|(i, &[h, w])| channels.map(|c| (1 + (i + c) % 3, [h, w, c])))
        .collect();
    images.extend([(2, [31, 33, 17]), (50, [9, 10, 16]), (3, [80, 81, 3]), (70, [28, 28, 1])]);
    images
}

/// Tiles, windows that overlap, windows with gaps between them, rows and columns that differ, and
/// another padding on each side.
pub fn pools() -> Vec<Case> {
    let windows = [
        ([2, 2], [2, 2], [[0, 0]; 2]),
        ([3, 3], [2, 2], [[1, 1]; 2]),
        ([2, 3], [1, 2], [[0, 1]; 2]),
        ([3, 2], [4, 3], [[0, 0]; 2]),
        ([1, 1], [1, 1], [[0, 0]; 2]),
        ([4, 5], [1, 1], [[2, 2]; 2]),
        ([3, 3], [2, 2], [[0, 0], [1, 1]]),
        ([2, 2], [2, 2], [[0, 0], [1, 0]]),
        ([4, 3], [3, 1], [[2, 0], [1, 1]]),
    ];
    let mut cases = Vec::new();
    for (batch, image) in images() {
        for (kernel, stride, padding) in windows {
            if (0..2).any(|d| kernel[d] > image[d] + padding[0][d] + padding[1][d]) {
                continue;
            }
            let grid = Grid { batch, image, kernel, stride, padding, ceil: false };
            let sides = sides(padding[0], Some(padding[1]));
            let max = MaxPool2d::new(kernel).with_stride(stride).with_padding(sides);
            cases.push(Case::new(max, pool::MaxPool(grid), batch, image));
            let avg = AvgPool2d::new(kernel).with_stride(stride).with_padding(sides);
            cases.push(Case::new(avg, pool::AvgPool { grid, include_padding: true }, batch, image));
        }
    }
    cases
}

/// TensorFlow's SAME: kernels of 2 and 3 with a stride of 1 or 2 lack a pixel or two at most.
pub fn same_pools() -> Vec<Case> {
    let mut cases = Vec::new();
    for (batch, image) in images() {
        for (k, stride) in [(2, 1), (2, 2), (3, 1), (3, 2)] {
            let kernel = [k, k];
            let lacking: [usize; 2] = [0, 1].map(|d| match (stride, image[d] % 2) {
                (1, _) | (_, 1) => k - 1,
                _ => k - 2,
            });
            let padding = [lacking.map(|p| p / 2), lacking.map(|p| p.div_ceil(2))];
            let (stride, ceil) = ([stride; 2], false);
            let grid = Grid { batch, image, kernel, stride, padding, ceil };
            let max = MaxPool2d::new(k).with_stride(stride).with_same_padding();
            cases.push(Case::new(max, pool::MaxPool(grid), batch, image));
            let avg = AvgPool2d::new(k).with_stride(stride).with_same_padding();
            cases.push(Case::new(avg, pool::AvgPool { grid, include_padding: true }, batch, image));
        }
    }
    cases
}

/// Last windows that reach beyond the padded image, and means of the pixels of the image alone.
pub fn cut_pools() -> Vec<Case> {
    let windows = [
        ([3, 3], [2, 2], [[0, 0]; 2]),
        ([2, 2], [2, 2], [[1, 1]; 2]),
        ([3, 2], [3, 4], [[1, 1]; 2]),
        ([2, 3], [3, 5], [[0, 1], [1, 0]]),
        ([3, 3], [1, 2], [[1, 0], [0, 1]]),
    ];
    let mut cases = Vec::new();
    for (batch, image) in images() {
        for (kernel, stride, padding) in windows {
            for ceil in [false, true] {
                let grid = Grid { batch, image, kernel, stride, padding, ceil };
                if grid.positions().contains(&0) {
                    continue;
                }
                let sides = sides(padding[0], Some(padding[1]));
                let max = MaxPool2d::new(kernel).with_stride(stride).with_padding(sides);
                let max = max.with_ceil_mode(ceil);
                cases.push(Case::new(max, pool::MaxPool(grid), batch, image));
                for include_padding in [false, true] {
                    let avg = AvgPool2d::new(kernel).with_stride(stride).with_padding(sides);
                    let avg = avg.with_ceil_mode(ceil).with_count_include_pad(include_padding);
                    let reference = pool::AvgPool { grid, include_padding };
                    cases.push(Case::new(avg, reference, batch, image));
                }
            }
        }
    }
    cases
}

pub fn global_avg_pools() -> Vec<Case> {
    let case = |(batch, image): (usize, [usize; 3])| {
        let kernel = [image[0], image[1]];
        let grid = Grid { batch, image, kernel, stride: kernel, padding: [[0, 0]; 2], ceil: false };
        Case::new(GlobalAvgPool, pool::AvgPool { grid, include_padding: true }, batch, image)
    };
    images().into_iter().map(case).collect()
}

pub fn upsamples() -> Vec<Case> {
    let case = |(batch, image): (usize, [usize; 3]), factor: [usize; 2]| {
        let (kernel, [h, w, c]) = (factor, image);
        let large = [factor[0] * h, factor[1] * w, c];
        let grid =
            Grid { batch, image: large, kernel, stride: kernel, padding: [[0, 0]; 2], ceil: false };
        Case::new(Upsample::new(factor), pool::Upsample(grid), batch, image)
    };
    let factors = [[1, 1], [2, 2], [3, 3], [1, 2], [3, 1], [2, 5]];
    images().into_iter().flat_map(|shape| factors.map(|factor| case(shape, factor))).collect()
}

pub fn unflattens() -> Vec<Case> {
    let case = |(batch, image): (usize, [usize; 3])| {
        let kernel = [1, 1];
        let grid = Grid { batch, image, kernel, stride: kernel, padding: [[0, 0]; 2], ceil: false };
        let values: usize = image.iter().product();
        Case::new(Unflatten::new(image), pool::Upsample(grid), batch, values)
    };
    images().into_iter().map(case).collect()
}

pub fn all() -> Vec<Case> {
    [pools(), same_pools(), cut_pools(), global_avg_pools(), upsamples(), unflattens()]
        .into_iter()
        .flatten()
        .collect()
}
