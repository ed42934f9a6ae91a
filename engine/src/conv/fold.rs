//! From the map back to an image of few channels, such as the last layer of a decoder.
//!
//! The products of a phase (`phases.rs`) have as many columns as the image has channels: with 1 or
//! 3, most lanes of a vector would stand empty. So here all taps are multiplied with each position
//! of the map at once, `T = W map'`: (taps channels, positions), and what belongs to the same pixel
//! is added up afterwards (PyTorch's `Fold`), while it is in the cache. That is 9 or 27 rows for a
//! kernel of 3x3, and an addition for each, which costs more than it saves from about 8 channels
//! on.
//!
//! The positions lie side by side, so that a tap adds a row of the map at once to the pixels of its
//! phase. With the taps side by side, an addition took 25 instructions.

use super::geometry::{Conv, Sides};
use super::{BLOCK, Operands, PRODUCTS};
use crate::gemm::{Epilogue, MatMut, MatRef, gemm};
use crate::hardware::memory;
use crate::hardware::simd::{kernel, map};

/// The channels of an image up to which this is the faster way.
const FEW: usize = 8;

/// True if the image has few channels.
pub(super) fn suits(conv: &Conv) -> bool {
    conv.groups == 1 && conv.image_channels <= FEW && conv.taps() > 1
}

/// From maps to images.
pub(super) fn input_gradient(conv: &Conv, io: Operands<'_>) {
    let Operands { cx, weight, epilogue, .. } = io;
    let (positions, inner) = (conv.positions(), conv.map_channels);
    let rows = conv.taps() * conv.image_channels;
    let weight = MatRef::new(weight, rows, inner);
    let image_len = conv.image_len();
    let images = (BLOCK / (positions * rows)).max(1);
    io.by_samples(images, [conv.map_len(), image_len], |maps, images| {
        let columns = maps.len() / inner;
        let maps = MatRef::new(maps, columns, inner).transposed();
        let mut memory = memory::borrow(&PRODUCTS, rows * columns + pixels_by_phase(conv));
        let (products, pixels) = memory.split_at_mut(rows * columns);
        gemm(&cx.single(), 1.0, weight, maps, 0.0, MatMut::new(products, rows, columns));
        for (number, image) in images.chunks_exact_mut(image_len).enumerate() {
            let products = &products[number * positions..];
            fold(cx.isa(), conv, products, columns, pixels, image, epilogue);
        }
    });
}

/// The pixels of a line in a phase.
fn pixels_of_phase(conv: &Conv) -> usize {
    conv.image.1.div_ceil(conv.window.stride.1)
}

/// Room for the pixels of a line, phase by phase, of one channel.
fn pixels_by_phase(conv: &Conv) -> usize {
    pixels_of_phase(conv) * conv.window.stride.1
}

kernel! {
    /// Adds up what belongs to each pixel of one image. products: (taps channels, positions), with
    /// rows `columns` apart. `pixels`: room for [`pixels_by_phase`].
    fn fold(
        s, conv: &Conv, products: &[f32], columns: usize, pixels: &mut [f32], image: &mut [f32],
        epilogue: Epilogue<'_>,
    ) {
        let (window, channels) = (conv.window, conv.image_channels);
        let Sides { top, left, .. } = conv.padding();
        let (stride, of_phase) = (window.stride.1, pixels_of_phase(conv));
        for (i, line) in image.chunks_exact_mut(conv.image.1 * channels).enumerate() {
            for c in 0..channels {
                pixels.fill(epilogue.bias.map_or(0.0, |bias| bias[c]));
                for t in 0..window.kernel.0 {
                    // i = o stride - padding + t dilation
                    let Some(reached) = (i + top).checked_sub(t * window.dilation.0)
                    else {
                        break;
                    };
                    let o = reached / window.stride.0;
                    if reached % window.stride.0 != 0 || o >= conv.map.0 {
                        continue;
                    }
                    for u in 0..window.kernel.1 {
                        // The positions whose tap u is a pixel of the image, and the first such
                        // pixel.
                        let shift = u * window.dilation.1;
                        let before = |end: usize| end.saturating_sub(shift).div_ceil(stride);
                        let first = before(left);
                        let end = before(conv.image.1 + left).min(conv.map.1);
                        if first >= end {
                            continue;
                        }
                        let pixel = first * stride + shift - left;
                        let sums = pixel % stride * of_phase + pixel / stride;
                        let sums = &mut pixels[sums..][..end - first];
                        let tap = (t * window.kernel.1 + u) * channels + c;
                        let row = &products[tap * columns + o * conv.map.1 + first..];
                        map!(s, sums, [row], s.add(sums, row));
                    }
                }
                if epilogue.rectifier.is_there() {
                    map!(s, pixels, [], epilogue.rectifier.apply(s, pixels));
                }
                for (phase, pixels) in pixels.chunks_exact(of_phase).enumerate() {
                    if let Some(line) = line.get_mut(phase * channels + c..) {
                        let line = line.iter_mut().step_by(stride * channels);
                        line.zip(pixels).for_each(|(to, from)| *to = *from);
                    }
                }
            }
        }
    }
}
