//! The rows of an image that a row of windows meets, with zeros where windows reach beyond it.
//!
//! As many rows as a window has lie in a ring, for some channels at a time, so that they stay in
//! the level-1 cache. Each row of the image is copied once, in long runs, which the processor
//! fetches ahead. So no tap has to ask whether its pixel is there.

use super::super::patches::Axis;
use crate::hardware::memory::FLOATS_PER_LINE;
use crate::hardware::simd::Simd;
use std::ops::Range;

/// The floats of a ring, about: 24 KB, three quarters of a level-1 cache.
const FLOATS: usize = 6 << 10;

/// Fewest channels at a time: two cache lines, of which the processor fetches both.
const CHANNELS: usize = 2 * FLOATS_PER_LINE;

/// The sizes of a ring.
#[derive(Clone, Copy)]
pub struct Ring {
    rows: Axis,
    columns: Axis,
    /// All channels of a pixel of the image.
    channels: usize,
    /// The channels of a pixel in the ring, in whole cache lines.
    pub pixel: usize,
    /// The floats of a row in the ring.
    pub line: usize,
}

impl Ring {
    /// For windows at such places over images of so many channels.
    pub fn new((rows, columns): (Axis, Axis), channels: usize) -> Ring {
        let width = (columns.positions - 1) * columns.stride + columns.taps;
        let padded = channels.next_multiple_of(FLOATS_PER_LINE);
        let most = (FLOATS / (rows.taps * width)).max(CHANNELS);
        let blocks = padded.div_ceil(most / FLOATS_PER_LINE * FLOATS_PER_LINE);
        let pixel = padded.div_ceil(blocks).next_multiple_of(FLOATS_PER_LINE);
        Ring { rows, columns, channels, pixel, line: width * pixel }
    }

    /// The floats of all its rows.
    pub fn len(&self) -> usize {
        self.rows.taps * self.line
    }

    /// The channels that it takes at a time.
    pub fn blocks(self) -> impl Iterator<Item = Range<usize>> {
        (0..self.channels)
            .step_by(self.pixel)
            .map(move |start| start..self.channels.min(start + self.pixel))
    }

    /// Brings in the rows that position `i` meets, without those up to position `i - 1`, which are
    /// there. `ring` began with zeros.
    #[inline(always)]
    pub fn advance<S: Simd>(
        &self,
        s: S,
        x: &[f32],
        channels: &Range<usize>,
        i: usize,
        ring: &mut [f32],
    ) {
        let Axis { taps, stride, .. } = self.rows;
        let known = if i == 0 { 0 } else { (i - 1) * stride + taps };
        for row in known.max(i * stride)..i * stride + taps {
            let line = &mut ring[row % taps * self.line..][..self.line];
            self.copy(s, x, channels, row, line);
        }
    }

    /// The line in which tap `t` of position `i` lies.
    #[inline(always)]
    pub fn line_of<'a>(&self, ring: &'a [f32], i: usize, t: usize) -> &'a [f32] {
        &ring[(i * self.rows.stride + t) % self.rows.taps * self.line..][..self.line]
    }

    /// Row `row`, counted from that of the first window's first tap.
    #[inline(always)]
    fn copy<S: Simd>(&self, s: S, x: &[f32], block: &Range<usize>, row: usize, line: &mut [f32]) {
        let Ring { rows, columns, channels, pixel, .. } = *self;
        let row = row as isize + rows.first;
        if row < 0 || row >= rows.size as isize {
            line.fill(0.0);
            return;
        }
        let len = columns.size * channels;
        let x = &x[row as usize * len..][..len];
        // The part of the row that windows meet, in pixels of the image and of the ring.
        let start = columns.first.max(0) as usize;
        let end = (columns.first + (line.len() / pixel) as isize).clamp(0, columns.size as isize);
        let Some(count) = (end as usize).checked_sub(start).filter(|count| *count > 0) else {
            return;
        };
        let x = &x[start * channels + block.start..];
        let out = &mut line[(start as isize - columns.first) as usize * pixel..];
        let width = block.len();
        let mut c = 0;
        while c + 2 * S::LANES <= width {
            s.copy_rows::<2>(&x[c..], channels, count, &mut out[c..], pixel);
            c += 2 * S::LANES;
        }
        if c + S::LANES <= width {
            s.copy_rows::<1>(&x[c..], channels, count, &mut out[c..], pixel);
            c += S::LANES;
        }
        if c < width {
            for p in 0..count {
                let x = s.load_head(&x[p * channels..][c..width]);
                s.store(x, &mut out[p * pixel + c..]);
            }
        }
    }
}
