//! Patches that are read where they are.
//!
//! With few channels, gathering a patch takes longer than multiplying it: 3x3 pixels of
//! one channel are three runs of three floats. But along a row of the map, patches start equally
//! far apart, and so they are the rows of a matrix with one more stride for the window's rows
//! ([`Windows`]); the gradient of the weight takes the same matrix the other way round, and the
//! pixels of a phase are such patches of the map. For that, each image is copied to the middle of a
//! frame of zeros, where every window finds all of its pixels.
//!
//! With many channels gathering pays: strips of patches need not end with a row of the map, so that
//! B is read less often.

use super::geometry::{Conv, Direction, Size};
use super::patches::Axis;
use super::phases::{Phase, images_of_task, phases, weight_by_phases};
use super::{FRAMES, Operands, WeightSums};
use crate::Context;
use crate::gemm::{Epilogue, MatMut, MatRef, Steps, Windows, gemm_windows};
use crate::hardware::memory;
use std::ops::Range;

/// The floats of B, the weight or the gradient of a map, up to which it stays in a level-2 cache,
/// where each strip reads it.
const NEAR: usize = 1 << 16;
/// The floats of a weight up to which it stays in a level-1 cache: there, low strips do as well.
const SMALL: usize = 144 * 32;

/// True if patches are to be read where they are, given a kernel for windows.
pub(super) fn suits(conv: &Conv, direction: Direction) -> bool {
    let weight = conv.weight_len();
    // Strips of patches, which end with a row, must not be much lower than the micro-kernel's tile.
    let least = if weight <= SMALL { 4 } else { 12 };
    let rows_suit = match direction {
        Direction::InputGradient => {
            let Size(down, across) = conv.window.stride;
            // In the image, a phase's rows are as far apart as so many of its pixels.
            let aligned = (down * conv.image.1).is_multiple_of(across);
            let suits = |(down, across): (Phase, Phase)| {
                let taps = down.axis.taps * across.axis.taps;
                taps > 0 && across.axis.step == 1 && across.axis.positions >= least
            };
            aligned && phases(conv).all(suits)
        }
        Direction::Forward | Direction::WeightGradient => {
            let near = conv.map_len() <= NEAR;
            near && conv.window.dilation.1 == 1 && conv.taps() > 1 && conv.map.1 >= least
        }
    };
    weight <= NEAR && conv.groups == 1 && rows_suit
}

/// The floats of the images in their frames that are multiplied at a time, 64 KB: strips of rows
/// that go from one image to the next are all as tall as the micro-kernel's tile.
const FLOATS: usize = 16 << 10;

/// The positions that a gradient of the weight sums over in registers before it is added to memory,
/// at most, unless one image has more: 16 KB of a micro-panel of B, half of a level-1 cache.
const DEPTH: usize = 256;

/// The pixels of the map that a task computes at a time, at least.
const TASK_ROWS: usize = 1024;

/// A frame of zeros around an image, as wide as some windows reach.
struct Frame {
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
    fn of(axes: impl Iterator<Item = (Axis, Axis)>, channels: usize) -> Frame {
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

    /// The floats of an image in its frame.
    fn len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// The images to frame at a time.
    fn images_at_once(&self) -> usize {
        (FLOATS / self.len()).max(1)
    }

    /// Calls `f` with the numbers of each `at_once` images and the images in their frames.
    fn each(&self, images: &[f32], at_once: usize, mut f: impl FnMut(Range<usize>, &[f32])) {
        let Frame { channels, image: [height, width], .. } = *self;
        let (line, image_len) = (width * channels, height * width * channels);
        let all = images.len() / image_len;
        let at_once = at_once.min(all);
        let mut framed = memory::borrow(&FRAMES, at_once * self.len());
        framed.fill(0.0);
        for first in (0..all).step_by(at_once.max(1)) {
            let numbers = first..all.min(first + at_once);
            let images = &images[numbers.start * image_len..numbers.end * image_len];
            for (image, framed) in
                images.chunks_exact(image_len).zip(framed.chunks_exact_mut(self.len()))
            {
                for (i, row) in image.chunks_exact(line).enumerate() {
                    let start = ((self.top + i) * self.width + self.left) * channels;
                    framed[start..][..line].copy_from_slice(row);
                }
            }
            f(numbers, &framed);
        }
    }

    /// The patches of so many images in their frames: rows and columns, with lines and runs.
    fn patches<'a>(
        &self,
        framed: &'a [f32],
        images: usize,
        rows: Axis,
        columns: Axis,
    ) -> Windows<'a> {
        let (line, channels) = (self.width * self.channels, self.channels);
        let (down, across) = (self.top as isize + rows.first, self.left as isize + columns.first);
        let start = down as usize * line + across as usize * channels;
        let steps = |count, stride| Steps { count, stride };
        Windows::new(
            &framed[start..],
            steps(rows.positions, rows.stride * line),
            steps(columns.positions, columns.stride * channels),
            steps(rows.taps, rows.step * line),
            steps(columns.taps * channels, 1),
        )
        .with_images(steps(images, self.len()))
    }
}

/// From images to maps.
pub(super) fn forward(conv: &Conv, io: Operands<'_>) {
    let Operands { cx, epilogue, .. } = io;
    let outputs = conv.map_channels;
    let images = TASK_ROWS.div_ceil(conv.positions());
    let map_len = conv.map_len();
    let weight = MatRef::new(io.weight, conv.weight_len() / outputs, outputs);
    let (rows, columns) = conv.axes();
    let frame = Frame::of([(rows, columns)].into_iter(), conv.image_channels);
    io.by_samples(images, [conv.image_len(), map_len], |images, maps| {
        frame.each(images, frame.images_at_once(), |numbers, framed| {
            let map = &mut maps[numbers.start * map_len..numbers.end * map_len];
            let map = MatMut::new(map, numbers.len() * conv.positions(), outputs);
            let patches = frame.patches(framed, numbers.len(), rows, columns);
            let steps = [conv.positions(), conv.map.1];
            gemm_windows(cx, patches, weight, 0.0, map, steps, epilogue);
        });
    });
}

/// From maps to images.
pub(super) fn input_gradient(conv: &Conv, mut io: Operands<'_>) {
    let Operands { cx, epilogue, .. } = io;
    let weights = weight_by_phases(conv, io.weight, std::mem::take(&mut io.scratch));
    let image_len = conv.image_len();
    let axes = phases(conv).map(|(down, across)| (down.axis, across.axis));
    let frame = Frame::of(axes, conv.map_channels);
    // Images have to be a multiple of a phase's pixels apart.
    let aligned = conv.pixels().is_multiple_of(conv.window.stride.1);
    let at_once = if aligned { frame.images_at_once() } else { 1 };
    io.by_samples(images_of_task(conv), [conv.map_len(), image_len], |maps, images| {
        frame.each(maps, at_once, |numbers, framed| {
            let images = &mut images[numbers.start * image_len..numbers.end * image_len];
            pixels_of_images(cx, conv, &frame, framed, weights, images, epilogue);
        });
    });
}

/// All pixels of some images, of maps in their frames.
fn pixels_of_images(
    cx: &Context,
    conv: &Conv,
    frame: &Frame,
    framed: &[f32],
    weights: &[f32],
    images: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    let (inputs, count) = (conv.image_channels, images.len() / conv.image_len());
    let mut start = 0;
    for (down, across) in phases(conv) {
        let len = down.axis.taps * across.axis.taps * conv.map_channels;
        let weights = MatRef::new(&weights[start..][..len * inputs], len, inputs);
        start += len * inputs;
        let line = down.stride * conv.image.1 / across.stride;
        let image = conv.pixels() / across.stride;
        let pixels = (count - 1) * image + (down.axis.positions - 1) * line + across.axis.positions;
        let images = &mut images[(down.first * conv.image.1 + across.first) * inputs..];
        let images = MatMut::with_strides(images, pixels, inputs, across.stride * inputs, 1);
        let patches = frame.patches(framed, count, down.axis, across.axis);
        gemm_windows(cx, patches, weights, 0.0, images, [image, line], epilogue);
    }
}

/// The gradient of the weight.
pub(super) fn weight_gradient(conv: &Conv, sums: WeightSums<'_>) {
    let cx = sums.cx;
    let outputs = conv.map_channels;
    let (rows, columns) = conv.axes();
    let frame = Frame::of([(rows, columns)].into_iter(), conv.image_channels);
    let line = conv.window.kernel.1 * conv.image_channels;
    let at_once = (DEPTH / conv.positions()).clamp(1, frame.images_at_once());
    sums.sum_images(conv, |image, dmap, sums, accumulate| {
        frame.each(image, at_once, |numbers, framed| {
            let (images, map_len) = (numbers.len(), conv.map_len());
            let dmap = &dmap[numbers.start * map_len..numbers.end * map_len];
            let dmap = MatRef::new(dmap, images * conv.positions(), outputs);
            let beta = if accumulate || numbers.start > 0 { 1.0 } else { 0.0 };
            let sums = MatMut::new(sums, conv.weight_len() / outputs, outputs);
            let patches = frame.patches(framed, images, rows, columns).transposed();
            let steps = [conv.taps() * conv.image_channels, line];
            gemm_windows(cx, patches, dmap, beta, sums, steps, Epilogue::default());
        });
    });
}
