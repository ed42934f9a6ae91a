//! Kernels of 1x1: every pixel is a patch, and the images are the matrix of patches as they stand.

use super::geometry::{Conv, Sides, Size};
use super::{Operands, WeightSums};
use crate::gemm::{MatMut, MatRef, gemm, gemm_fused};

/// True if the convolution is a product of the images as they stand.
pub(super) fn suits(conv: &Conv) -> bool {
    let unpadded = conv.padding() == Sides::default();
    let single = conv.taps() == 1 && conv.window.stride == Size(1, 1) && unpadded;
    // An output padding would make the image of a transposed convolution larger than its map.
    single && conv.groups == 1 && conv.image == conv.map
}

/// From images to maps.
pub(super) fn forward(conv: &Conv, io: Operands<'_>) {
    let weight = MatRef::new(io.weight, conv.image_channels, conv.map_channels);
    product(weight, io);
}

/// From maps to images.
pub(super) fn input_gradient(conv: &Conv, io: Operands<'_>) {
    let weight = MatRef::new(io.weight, conv.image_channels, conv.map_channels);
    product(weight.transposed(), io);
}

fn product(weight: MatRef<'_>, Operands { cx, from, to, epilogue, .. }: Operands<'_>) {
    let pixels = from.len() / weight.rows();
    let from = MatRef::new(from, pixels, weight.rows());
    let to = MatMut::new(to, pixels, weight.cols());
    gemm_fused(cx, 1.0, from, weight, 0.0, to, epilogue);
}

/// The gradient of the weight.
pub(super) fn weight_gradient(conv: &Conv, sums: WeightSums<'_>) {
    let WeightSums { cx, image, dmap, grad, accumulate, .. } = sums;
    let (inputs, outputs) = (conv.image_channels, conv.map_channels);
    let pixels = image.len() / inputs;
    let image = MatRef::new(image, pixels, inputs).transposed();
    let beta = if accumulate { 1.0 } else { 0.0 };
    let grad = MatMut::new(grad, inputs, outputs);
    gemm(cx, 1.0, image, MatRef::new(dmap, pixels, outputs), beta, grad);
}
