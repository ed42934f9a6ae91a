//! From the map back to an image of few channels, such as the last layer of a decoder.
//!
//! The products of a phase (`phases.rs`) have as many columns as the image has channels:
//! with 1 or 3, most lanes of a vector would stand empty. So here each position of the map is
//! multiplied by all taps at once, `T = map W'`: (positions, taps channels), and what belongs to
//! the same pixel is added up afterwards (PyTorch's `Fold`), while it is in the cache. That is 9 or
//! 27 columns for a kernel of 3x3, and an addition for each, which costs more than it saves from
//! about 8 channels on.

use super::geometry::Conv;
use super::{BLOCK, Operands, PRODUCTS};
use crate::gemm::{Epilogue, MatMut, MatRef, gemm};
use crate::hardware::memory::{self, FLOATS_PER_LINE};

/// The channels of an image up to which this is the faster way.
const FEW: usize = 8;

/// The columns of T: whole vectors, so that the micro-kernel's tiles have no ragged edge.
fn columns(conv: &Conv) -> usize {
    (conv.taps() * conv.image_channels).next_multiple_of(FLOATS_PER_LINE)
}

/// The scratch values of [`input_gradient`].
pub(super) fn scratch_len(conv: &Conv) -> usize {
    conv.map_channels * columns(conv)
}

/// True if the image has few channels.
pub(super) fn suits(conv: &Conv) -> bool {
    conv.groups == 1 && conv.image_channels <= FEW && conv.taps() > 1
}

/// From maps to images.
pub(super) fn input_gradient(conv: &Conv, mut io: Operands<'_>) {
    let Operands { cx, weight, epilogue, .. } = io;
    let (positions, inner) = (conv.positions(), conv.map_channels);
    let (taps, columns) = (conv.taps() * conv.image_channels, columns(conv));
    // W', its rows filled up with zeros.
    let weights = &mut std::mem::take(&mut io.scratch)[..inner * columns];
    for (o, row) in weights.chunks_exact_mut(columns).enumerate() {
        let (row, rest) = row.split_at_mut(taps);
        row.iter_mut().zip(weight[o..].iter().step_by(inner)).for_each(|(to, from)| *to = *from);
        rest.fill(0.0);
    }
    let weights = MatRef::new(weights, inner, columns);
    let image_len = conv.image_len();
    let images = (BLOCK / (positions * columns)).max(1);
    io.by_samples(images, [conv.map_len(), image_len], |maps, images| {
        let rows = maps.len() / inner;
        let maps = MatRef::new(maps, rows, inner);
        let mut products = memory::borrow(&PRODUCTS, rows * columns);
        let products_mut = MatMut::new(&mut products, rows, columns);
        gemm(&cx.single(), 1.0, maps, weights, 0.0, products_mut);
        let each = products.chunks_exact(positions * columns);
        for (image, products) in images.chunks_exact_mut(image_len).zip(each) {
            match conv.image_channels {
                1 => fold::<1>(conv, products, image, epilogue),
                2 => fold::<2>(conv, products, image, epilogue),
                3 => fold::<3>(conv, products, image, epilogue),
                4 => fold::<4>(conv, products, image, epilogue),
                5 => fold::<5>(conv, products, image, epilogue),
                6 => fold::<6>(conv, products, image, epilogue),
                7 => fold::<7>(conv, products, image, epilogue),
                _ => fold::<FEW>(conv, products, image, epilogue),
            }
        }
    });
}

/// Adds up what belongs to each pixel of one image, number by number: adding the taps of a window's
/// row at once, as vectors whose end is masked, took 1.7 times as long. products: (positions,
/// columns).
fn fold<const C: usize>(conv: &Conv, products: &[f32], image: &mut [f32], epilogue: Epilogue<'_>) {
    let window = conv.window;
    let columns = columns(conv);
    let bias: [f32; C] = std::array::from_fn(|c| epilogue.bias.map_or(0.0, |bias| bias[c]));
    for (i, image) in image.chunks_exact_mut(conv.image.1 * C).enumerate() {
        let (pixels, _) = image.as_chunks_mut::<C>();
        pixels.fill(bias);
        for t in 0..window.kernel.0 {
            // i = o stride - padding + t dilation
            let Some(reached) = (i + window.padding.0).checked_sub(t * window.dilation.0) else {
                break;
            };
            let o = reached / window.stride.0;
            if reached % window.stride.0 != 0 || o >= conv.map.0 {
                continue;
            }
            let row = &products[o * conv.map.1 * columns..][..conv.map.1 * columns];
            for u in 0..window.kernel.1 {
                // The positions whose tap u is a pixel of the image, and the first such pixel.
                let shift = u * window.dilation.1;
                let first = window.padding.1.saturating_sub(shift).div_ceil(window.stride.1);
                let end = (conv.image.1 + window.padding.1)
                    .saturating_sub(shift)
                    .div_ceil(window.stride.1);
                if first >= end.min(conv.map.1) {
                    continue;
                }
                let tap = (t * window.kernel.1 + u) * C;
                let row = &row[first * columns + tap..];
                let pixels = &mut pixels[first * window.stride.1 + shift - window.padding.1..];
                let sums = pixels.iter_mut().step_by(window.stride.1);
                let count = end.min(conv.map.1) - first;
                for (sum, product) in sums.zip(row.chunks(columns)).take(count) {
                    let (product, _) = product.as_chunks::<C>();
                    for (sum, product) in sum.iter_mut().zip(product[0]) {
                        *sum += product;
                    }
                }
            }
        }
        if epilogue.relu {
            // A NaN stays one.
            image.iter_mut().filter(|x| **x <= 0.0).for_each(|x| *x = 0.0);
        }
    }
}
