//! Patches that are read where they are.
//!
//! Of an image of few channels, to gather a patch takes longer than to multiply it: 3x3 pixels of
//! one channel are three runs of three floats. But along a row of the map, patches start equally
//! far apart, and so they are the rows of a matrix with one more stride for the window's rows
//! ([`Windows`]); the gradient of the weight takes the same matrix the other way round, and the
//! pixels of a phase are such patches of the map. For that, each image is copied to the middle of a
//! frame of zeros, where every window finds all of its pixels.
//!
//! With many channels gathering pays: strips of patches need not end with a row of the map, so that
//! B is read less often.

use super::patches::Axis;
use super::{Conv, FRAMES};
use crate::Context;
use crate::gemm::{Epilogue, MatMut, MatRef, Steps, Windows, gemm_windows, has_windows};
use crate::hardware::parallel::Chunks;

/// The floats of B, the weight or the gradient of a map, up to which it stays in a level-2 cache,
/// where each strip reads it.
const NEAR: usize = 1 << 16;
/// The floats of a weight up to which it stays in a level-1 cache: there, low strips do as well.
const SMALL: usize = 144 * 32;

/// Whether to read patches in place, for so many along a row, and a weight of so many floats:
/// strips of patches must not be much lower than the micro-kernel's tile.
pub(super) fn suits(cx: &Context, along: usize, weight: usize) -> bool {
    let least = if weight <= SMALL { 4 } else { 12 };
    along >= least && weight <= NEAR && has_windows(cx.isa())
}

/// Whether the patches of `conv` are read in place.
pub(super) fn pays(cx: &Context, conv: &Conv) -> bool {
    let near = conv.positions() * conv.map_channels <= NEAR;
    let plain = conv.groups == 1 && conv.window.dilation.1 == 1 && conv.taps() > 1;
    near && plain && suits(cx, conv.map.1, conv.weight_len())
}

/// The pixels of the map that a task computes at a time, at least.
const TASK_ROWS: usize = 1024;

/// A frame of zeros around an image, as wide as some windows reach.
pub(super) struct Frame {
    top: usize,
    left: usize,
    height: usize,
    width: usize,
    channels: usize,
    /// The height and width of an image.
    image: [usize; 2],
}

impl Frame {
    /// Around images of so many channels, for windows that lie along the axes like that.
    pub fn of(axes: impl Iterator<Item = (Axis, Axis)>, channels: usize) -> Frame {
        let mut frame = Frame { top: 0, left: 0, height: 0, width: 0, channels, image: [0, 0] };
        for (rows, columns) in axes {
            let before = |axis: &Axis| (-axis.first).max(0) as usize;
            // From the first pixel of the image to the end of the last window, or of the image.
            let reach = |axis: &Axis| {
                let last =
                    (axis.positions - 1) * axis.stride + axis.taps.saturating_sub(1) * axis.step;
                axis.size.max((last as isize + axis.first + 1).max(0) as usize)
            };
            frame.image = [rows.size, columns.size];
            (frame.top, frame.left) =
                (frame.top.max(before(&rows)), frame.left.max(before(&columns)));
            (frame.height, frame.width) =
                (frame.height.max(reach(&rows)), frame.width.max(reach(&columns)));
        }
        Frame { height: frame.top + frame.height, width: frame.left + frame.width, ..frame }
    }

    /// Calls `f` with the number of each image and the image in its frame.
    pub fn each(&self, images: &[f32], mut f: impl FnMut(usize, &[f32])) {
        let Frame { channels, image: [height, width], .. } = *self;
        let len = self.height * self.width * channels;
        let mut memory = FRAMES.take();
        memory.ensure(len);
        let framed = &mut memory[..len];
        framed.fill(0.0);
        for (n, image) in images.chunks_exact(height * width * channels).enumerate() {
            for (i, row) in image.chunks_exact(width * channels).enumerate() {
                let start = ((self.top + i) * self.width + self.left) * channels;
                framed[start..][..row.len()].copy_from_slice(row);
            }
            f(n, framed);
        }
        FRAMES.set(memory);
    }

    /// The patches of the image in a frame: their rows and columns, with lines and runs.
    pub fn patches<'a>(&self, framed: &'a [f32], rows: Axis, columns: Axis) -> Windows<'a> {
        let ([lines, across], [runs, run]) = self.steps(&rows, &columns);
        Windows::new(&framed[self.start(&rows, &columns)..], lines, across, runs, run)
    }

    /// The same, rows and columns exchanged.
    fn patches_transposed<'a>(&self, framed: &'a [f32], rows: Axis, columns: Axis) -> Windows<'a> {
        let ([lines, across], [runs, run]) = self.steps(&rows, &columns);
        Windows::new(&framed[self.start(&rows, &columns)..], runs, run, lines, across)
    }

    fn start(&self, rows: &Axis, columns: &Axis) -> usize {
        let (down, across) = (self.top as isize + rows.first, self.left as isize + columns.first);
        (down as usize * self.width + across as usize) * self.channels
    }

    /// From position to position, and within a window.
    fn steps(&self, rows: &Axis, columns: &Axis) -> ([Steps; 2], [Steps; 2]) {
        let line = self.width * self.channels;
        let positions = [
            Steps { count: rows.positions, stride: rows.stride * line },
            Steps { count: columns.positions, stride: columns.stride * self.channels },
        ];
        let window = [
            Steps { count: rows.taps, stride: rows.step * line },
            Steps { count: columns.taps * self.channels, stride: 1 },
        ];
        (positions, window)
    }
}

/// As [`forward`](super::forward()).
pub(super) fn forward(
    cx: &Context,
    conv: &Conv,
    image: &[f32],
    weight: &[f32],
    map: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    let outputs = conv.map_channels;
    let images = TASK_ROWS.div_ceil(conv.positions());
    let (map_len, image_len) = (conv.positions() * outputs, conv.pixels() * conv.image_channels);
    let weight = MatRef::new(weight, conv.weight_len() / outputs, outputs);
    let (rows, columns) = conv.axes();
    let frame = Frame::of([(rows, columns)].into_iter(), conv.image_channels);
    let batch = map.len() / map_len;
    cx.for_each_part(batch.div_ceil(images), Chunks::new(map, images * map_len), |i, map| {
        let map = map.data;
        let image = &image[i * images * image_len..][..map.len() / map_len * image_len];
        frame.each(image, |i, framed| {
            let map = MatMut::new(&mut map[i * map_len..][..map_len], conv.positions(), outputs);
            let patches = frame.patches(framed, rows, columns);
            gemm_windows(cx, patches, weight, 0.0, map, conv.map.1, epilogue);
        });
    });
}

/// The sums of the weight's gradient over some images, added to `sums` or in their place.
pub(super) fn weight_gradient(
    cx: &Context,
    conv: &Conv,
    image: &[f32],
    dmap: &[f32],
    sums: &mut [f32],
    accumulate: bool,
) {
    let outputs = conv.map_channels;
    let map_len = conv.positions() * outputs;
    let (rows, columns) = conv.axes();
    let frame = Frame::of([(rows, columns)].into_iter(), conv.image_channels);
    frame.each(image, |i, framed| {
        let dmap = MatRef::new(&dmap[i * map_len..][..map_len], conv.positions(), outputs);
        let beta = if accumulate || i > 0 { 1.0 } else { 0.0 };
        let sums = MatMut::new(sums, conv.weight_len() / outputs, outputs);
        let patches = frame.patches_transposed(framed, rows, columns);
        let line = conv.window.kernel.1 * conv.image_channels;
        gemm_windows(cx, patches, dmap, beta, sums, line, Epilogue::default());
    });
}
