//! Images of few channels, whose patches are read where they are.
//!
//! A patch of 3x3 pixels of one channel is three runs of three floats: to gather it takes longer than to multiply it. But along a
//! row of the map, patches start equally far apart, and so they are the rows of a matrix with one more stride for the
//! window's rows ([`Windows`]); the gradient of the weight takes the same matrix the other way round. For that, each image
//! is copied to the middle of a frame of zeros, where every window finds all of its pixels.

use super::{Conv, GATHERED};
use crate::Context;
use crate::gemm::{Epilogue, MatMut, MatRef, Steps, Windows, gemm_windows, takes_windows};
use crate::layers::window::Size;
use crate::parallel::Chunks;

/// The channels of an image up to which this is the faster way.
const FEW: usize = 8;
/// The pixels of the map that a task computes at a time, at least.
const TASK_ROWS: usize = 1024;

/// Whether this is the way to go.
pub(super) fn pays(cx: &Context, conv: &Conv) -> bool {
    let dense = conv.groups == 1 && conv.window.dilation.1 == 1 && conv.taps() > 1;
    // Strips of patches should not be much lower than the micro-kernel's tile.
    dense && conv.image_channels <= FEW && conv.map.1 >= 4 && takes_windows(cx.isa())
}

/// The images of a task.
pub(super) fn images(conv: &Conv) -> usize {
    TASK_ROWS.div_ceil(conv.positions())
}

/// An image within a frame of zeros.
struct Frame {
    height: usize,
    width: usize,
}

impl Frame {
    /// As large as the windows reach, and no smaller than image and padding.
    fn of(conv: &Conv) -> Frame {
        let Size(down, across) = conv.window.padding;
        Frame { height: conv.image.0 + 2 * down, width: conv.image.1 + 2 * across }
    }

    fn len(&self, conv: &Conv) -> usize {
        self.height * self.width * conv.image_channels
    }

    /// Copies the image to the middle. The frame around it stays as it is.
    fn put(&self, conv: &Conv, image: &[f32], frame: &mut [f32]) {
        let (channels, Size(down, across)) = (conv.image_channels, conv.window.padding);
        let line = conv.image.1 * channels;
        for (i, row) in image.chunks_exact(line).enumerate() {
            frame[((down + i) * self.width + across) * channels..][..line].copy_from_slice(row);
        }
    }

    /// From one position of the map to the next: down and to the right.
    fn strides(&self, conv: &Conv) -> [usize; 2] {
        let Size(down, across) = conv.window.stride;
        [down * self.width * conv.image_channels, across * conv.image_channels]
    }

    /// The rows of a window, and the floats of such a row.
    fn window(&self, conv: &Conv) -> [Steps; 2] {
        let rows = Steps {
            count: conv.window.kernel.0,
            stride: conv.window.dilation.0 * self.width * conv.image_channels,
        };
        [rows, Steps { count: conv.window.kernel.1 * conv.image_channels, stride: 1 }]
    }
}

/// Calls `f` with the number of each image and the image in its frame.
fn framed(conv: &Conv, images: &[f32], mut f: impl FnMut(usize, &Frame, &[f32])) {
    let frame = Frame::of(conv);
    let len = frame.len(conv);
    let mut memory = GATHERED.take();
    memory.ensure(len);
    let framed = &mut memory[..len];
    framed.fill(0.0);
    for (i, image) in images.chunks_exact(conv.pixels() * conv.image_channels).enumerate() {
        frame.put(conv, image, framed);
        f(i, &frame, framed);
    }
    GATHERED.set(memory);
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
    let (outputs, images) = (conv.map_channels, images(conv));
    let (map_len, image_len) = (conv.positions() * outputs, conv.pixels() * conv.image_channels);
    let weight = MatRef::new(weight, conv.weight_len() / outputs, outputs);
    let batch = map.len() / map_len;
    cx.for_each_part(batch.div_ceil(images), Chunks::new(map, images * map_len), |i, map| {
        let map = map.data;
        let image = &image[i * images * image_len..][..map.len() / map_len * image_len];
        framed(conv, image, |i, frame, framed| {
            let [down, across] = frame.strides(conv);
            let lines = Steps { count: conv.map.0, stride: down };
            let rows = Steps { count: conv.map.1, stride: across };
            let [runs, columns] = frame.window(conv);
            let patches = Windows::new(framed, lines, rows, runs, columns);
            let map = MatMut::new(&mut map[i * map_len..][..map_len], conv.positions(), outputs);
            gemm_windows(cx, patches, weight, 0.0, map, epilogue);
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
    framed(conv, image, |i, frame, framed| {
        let [down, across] = frame.strides(conv);
        let runs = Steps { count: conv.map.0, stride: down };
        let columns = Steps { count: conv.map.1, stride: across };
        let [lines, rows] = frame.window(conv);
        let patches = Windows::new(framed, lines, rows, runs, columns);
        let dmap = MatRef::new(&dmap[i * map_len..][..map_len], conv.positions(), outputs);
        let beta = if accumulate || i > 0 { 1.0 } else { 0.0 };
        let sums = MatMut::new(sums, conv.weight_len() / outputs, outputs);
        gemm_windows(cx, patches, dmap, beta, sums, Epilogue::default());
    });
}
