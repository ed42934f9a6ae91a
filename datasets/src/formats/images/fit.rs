//! Bringing an image to a size. It is scaled, its shape kept, until it just covers that size; then
//! its centre is taken.
//!
//! ```text
//! s = min(image height / height, image width / width)      source pixels for one of the result
//! y[i] = sum over j of w(j) x[j] / sum over j of w(j)       along the width, then along the height
//! w(j) = max(0, 1 - |j + 1/2 - c| / max(s, 1))              c = start + (i + 1/2) s
//! ```
//!
//! 1. The triangle is as wide as a pixel of the result when it scales down, so that every source
//!    pixel counts; it is linear interpolation when it scales up. Pillow calls this BILINEAR,
//!    PyTorch `antialias=True`.
//! 2. Scaling and cropping are one: `start` is where the centre begins, to a fraction of a pixel.
//! 3. Where nothing is scaled, whole pixels are taken, the start rounded down.

use super::picture::Picture;

/// `picture` at `height` x `width`.
pub(super) fn fit(picture: Picture, height: usize, width: usize) -> Picture {
    if (picture.height, picture.width) == (height, width) {
        return picture;
    }
    let s = (picture.height as f64 / height as f64).min(picture.width as f64 / width as f64);
    if s == 1.0 {
        return crop(&picture, height, width);
    }
    let rows = Taps::new(picture.height, height, s);
    let columns = Taps::new(picture.width, width, s);
    match picture.channels {
        1 => scale::<1>(&picture, &rows, &columns),
        _ => scale::<3>(&picture, &rows, &columns),
    }
}

fn crop(picture: &Picture, height: usize, width: usize) -> Picture {
    let channels = picture.channels;
    let (top, left) = ((picture.height - height) / 2, (picture.width - width) / 2);
    let rows = picture.values.chunks_exact(picture.width * channels).skip(top).take(height);
    let values =
        rows.flat_map(|row| &row[left * channels..(left + width) * channels]).copied().collect();
    Picture { height, width, channels, values }
}

/// The source pixels, and their weights, of each pixel of the result along one axis.
struct Taps {
    /// The first source pixel and its place in `weights`, for each; and the ends.
    starts: Vec<(usize, usize)>,
    /// Sum up to 1 for each.
    weights: Vec<f32>,
}

impl Taps {
    fn new(source: usize, target: usize, s: f64) -> Self {
        let (start, support) = ((source as f64 - target as f64 * s) / 2.0, s.max(1.0));
        let (mut starts, mut weights) = (Vec::with_capacity(target), Vec::new());
        for i in 0..target {
            let centre = start + (i as f64 + 0.5) * s;
            let first = (centre - support).floor().max(0.0) as usize;
            let end = ((centre + support).ceil() as usize).min(source);
            let weight = |j: usize| (1.0 - (j as f64 + 0.5 - centre).abs() / support).max(0.0);
            let sum: f64 = (first..end).map(weight).sum();
            starts.push((first, weights.len()));
            weights.extend((first..end).map(|j| (weight(j) / sum) as f32));
        }
        Taps { starts, weights }
    }

    /// `(first source pixel, weights)` of each pixel of the result.
    fn iter(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.starts.iter().enumerate().map(|(i, &(first, from))| {
            let end = self.starts.get(i + 1).map_or(self.weights.len(), |&(_, next)| next);
            (first, &self.weights[from..end])
        })
    }
}

fn scale<const C: usize>(picture: &Picture, rows: &Taps, columns: &Taps) -> Picture {
    let (height, width) = (rows.starts.len(), columns.starts.len());
    // Rows outside the centre are not looked at.
    let top = rows.iter().map(|(first, _)| first).min().unwrap_or(0);
    let bottom = rows.iter().map(|(first, weights)| first + weights.len()).max().unwrap_or(0);
    let mut narrow = Vec::with_capacity((bottom - top) * width);
    for row in picture.values.chunks_exact(picture.width * C).take(bottom).skip(top) {
        let row = row.as_chunks::<C>().0;
        narrow.extend(columns.iter().map(|(first, weights)| {
            let mut sum = [0.0_f32; C];
            for (pixel, weight) in row[first..].iter().zip(weights) {
                (0..C).for_each(|channel| sum[channel] += weight * f32::from(pixel[channel]));
            }
            sum
        }));
    }
    let mut values = Vec::with_capacity(height * width * C);
    let mut sums = vec![[0.0_f32; C]; width];
    for (first, weights) in rows.iter() {
        sums.fill([0.0; C]);
        for (row, weight) in narrow.chunks_exact(width).skip(first - top).zip(weights) {
            for (sum, pixel) in sums.iter_mut().zip(row) {
                (0..C).for_each(|channel| sum[channel] += weight * pixel[channel]);
            }
        }
        // Rounded: no sum is negative. `round` would be a function call for each.
        values.extend(sums.as_flattened().iter().map(|sum| (sum + 0.5) as u8));
    }
    Picture { height, width, channels: C, values }
}
