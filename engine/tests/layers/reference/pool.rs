//! Pools and up-sampling, pixel by pixel.

use super::{EPS, Reference, Values, abs};

/// A window that moves over images of (height, width, channels).
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    pub batch: usize,
    /// height, width, channels
    pub image: [usize; 3],
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    /// At the top and on the left, and at the bottom and on the right.
    pub padding: [[usize; 2]; 2],
    /// Whether a last window may reach beyond the padding, if it starts before the image ends.
    pub ceil: bool,
}

impl Grid {
    /// The height or width of the padded image.
    fn padded(&self, d: usize) -> usize {
        self.image[d] + self.padding[0][d] + self.padding[1][d]
    }

    /// The positions of the window, counted one by one.
    pub fn positions(&self) -> [usize; 2] {
        [0, 1].map(|d| {
            let (kernel, stride, padded) = (self.kernel[d], self.stride[d], self.padded(d));
            let fits = |i: &usize| i * stride + kernel <= padded;
            // A last one takes in what others have left over, if there is less than a stride.
            let reaches = |i: &usize| {
                i * stride < self.image[d] + self.padding[0][d]
                    && i * stride + kernel < padded + stride
            };
            (0..).take_while(|i| fits(i) || self.ceil && reaches(i)).count()
        })
    }

    /// For each value of the output, the pixels of the window that are in the image, or in the
    /// padding around it.
    fn padded_pixels(&self) -> Vec<f64> {
        let ([rows, columns], channels) = (self.positions(), self.image[2]);
        let within = |d: usize, position: usize| {
            let pixels = (0..self.kernel[d]).map(|u| position * self.stride[d] + u);
            pixels.filter(|at| *at < self.padded(d)).count()
        };
        let mut counts = Vec::new();
        for (i, j) in (0..self.batch * rows).flat_map(|i| (0..columns).map(move |j| (i % rows, j)))
        {
            counts.extend(vec![(within(0, i) * within(1, j)) as f64; channels]);
        }
        counts
    }

    pub fn values(&self) -> usize {
        self.batch * self.image.iter().product::<usize>()
    }

    /// For each value of the output in order, the places of the values in its window, row by row;
    /// what padding adds is not there.
    fn windows(&self) -> Vec<Vec<usize>> {
        let ([height, width, channels], [rows, columns]) = (self.image, self.positions());
        let mut windows = Vec::new();
        for image in 0..self.batch {
            for i in 0..rows {
                for j in 0..columns {
                    for channel in 0..channels {
                        let mut window = Vec::new();
                        for u in 0..self.kernel[0] {
                            for v in 0..self.kernel[1] {
                                let (y, x) = (i * self.stride[0] + u, j * self.stride[1] + v);
                                let inside = |at: usize, padding: usize, size: usize| {
                                    at.checked_sub(padding).filter(|at| *at < size)
                                };
                                let (y, x) = (
                                    inside(y, self.padding[0][0], height),
                                    inside(x, self.padding[0][1], width),
                                );
                                if let (Some(y), Some(x)) = (y, x) {
                                    window.push(
                                        ((image * height + y) * width + x) * channels + channel,
                                    );
                                }
                            }
                        }
                        windows.push(window);
                    }
                }
            }
        }
        windows
    }

    /// Adds each window's number to the places in it.
    fn spread(&self, small: &[f64]) -> Vec<f64> {
        let mut large = vec![0.0; self.values()];
        for (window, value) in self.windows().iter().zip(small) {
            window.iter().for_each(|&place| large[place] += value);
        }
        large
    }

    /// The sum of each window.
    fn sums(&self, large: &[f64]) -> Vec<f64> {
        self.windows().iter().map(|window| window.iter().map(|&place| large[place]).sum()).collect()
    }

    /// The largest number of windows that a place is in.
    fn overlaps(&self) -> f64 {
        let ones = vec![1.0; self.windows().len()];
        self.spread(&ones).into_iter().fold(1.0, f64::max)
    }
}

fn times(v: Vec<f64>, factor: f64) -> Vec<f64> {
    v.into_iter().map(|v| factor * v).collect()
}

pub struct MaxPool(pub Grid);

impl MaxPool {
    /// The first place of the largest value in a window.
    fn largest(window: &[usize], x: &[f64]) -> usize {
        let mut best = window[0];
        for &place in window {
            if x[place] > x[best] {
                best = place;
            }
        }
        best
    }
}

impl Reference for MaxPool {
    fn forward(&self, x: &[f64], _: &[f64]) -> Vec<f64> {
        self.0.windows().iter().map(|window| x[MaxPool::largest(window, x)]).collect()
    }

    fn backward(&self, x: &[f64], _: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut dx = vec![0.0; x.len()];
        for (window, dy) in self.0.windows().iter().zip(dy) {
            dx[MaxPool::largest(window, x)] += dy;
        }
        (dx, Vec::new())
    }

    /// Nothing is rounded but the sums of gradients where windows overlap.
    fn bounds(&self, x: &[f64], _: &[f64], dy: &[f64]) -> Values {
        let (dx, _) = self.backward(x, &[], &abs(dy));
        let overlaps = self.0.overlaps();
        let dx = times(dx, if overlaps > 1.0 { overlaps * EPS } else { 0.0 });
        Values { y: vec![0.0; self.0.windows().len()], dx, grads: Vec::new() }
    }

    /// Half the distance to the second largest value, as both may move.
    fn kink(&self, x: &[f64], _: &[f64]) -> Vec<f64> {
        let distance = |window: &Vec<usize>| {
            let best = MaxPool::largest(window, x);
            let others = window.iter().filter(|place| **place != best);
            others.map(|&place| (x[best] - x[place]) / 2.0).fold(f64::INFINITY, f64::min)
        };
        self.0.windows().iter().map(distance).collect()
    }
}

/// The sum of the window divided by its pixels, those of the padding included or not.
pub struct AvgPool {
    pub grid: Grid,
    pub include_padding: bool,
}

impl AvgPool {
    /// Each window's value divided.
    fn divided(&self, values: &[f64]) -> Vec<f64> {
        let counts = match self.include_padding {
            true => self.grid.padded_pixels(),
            false => self.grid.windows().iter().map(|window| window.len() as f64).collect(),
        };
        values.iter().zip(counts).map(|(value, count)| value / count).collect()
    }
}

impl Reference for AvgPool {
    fn forward(&self, x: &[f64], _: &[f64]) -> Vec<f64> {
        self.divided(&self.grid.sums(x))
    }

    fn backward(&self, _: &[f64], _: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        (self.grid.spread(&self.divided(dy)), Vec::new())
    }

    /// A sum of as many terms as pixels, or windows that overlap; the factor and the product round
    /// once more each.
    fn bounds(&self, x: &[f64], _: &[f64], dy: &[f64]) -> Values {
        let pixels = (self.grid.kernel[0] * self.grid.kernel[1]) as f64;
        let y = times(self.forward(&abs(x), &[]), (pixels + 2.0) * EPS);
        let dx = times(self.backward(&[], &[], &abs(dy)).0, (self.grid.overlaps() + 2.0) * EPS);
        Values { y, dx, grads: Vec::new() }
    }
}

/// The grid is that of the output, cut into squares.
pub struct Upsample(pub Grid);

impl Reference for Upsample {
    fn forward(&self, x: &[f64], _: &[f64]) -> Vec<f64> {
        self.0.spread(x)
    }

    fn backward(&self, _: &[f64], _: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        (self.0.sums(dy), Vec::new())
    }

    /// Copies are exact.
    fn bounds(&self, x: &[f64], _: &[f64], dy: &[f64]) -> Values {
        let pixels = (self.0.kernel[0] * self.0.kernel[1]) as f64;
        let y = vec![0.0; self.0.spread(x).len()];
        let dx = times(self.0.sums(&abs(dy)), if pixels > 1.0 { pixels * EPS } else { 0.0 });
        Values { y, dx, grads: Vec::new() }
    }
}

#[test]
fn windows_of_a_small_image_are_those_one_counts() {
    let mut grid = Grid {
        batch: 1,
        image: [2, 3, 1],
        kernel: [2, 2],
        stride: [2, 1],
        padding: [[1, 0]; 2],
        ceil: false,
    };
    assert_eq!(grid.positions(), [2, 2]);
    assert_eq!(grid.windows(), [vec![0, 1], vec![1, 2], vec![3, 4], vec![4, 5]]);
    grid.padding = [[0, 0], [0, 1]];
    assert_eq!(grid.windows(), [vec![0, 1, 3, 4], vec![1, 2, 4, 5], vec![2, 5]]);
    assert_eq!(grid.padded_pixels(), [4.0; 3]);
    (grid.padding, grid.stride, grid.ceil) = ([[1, 0], [0, 0]], [2, 2], true);
    assert_eq!(grid.windows(), [vec![0, 1], vec![2], vec![3, 4], vec![5]]);
    assert_eq!(grid.padded_pixels(), [4.0, 2.0, 2.0, 1.0]);
}
