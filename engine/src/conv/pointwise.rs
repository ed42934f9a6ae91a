//! Kernels of 1x1: every pixel is a patch, and the images are the matrix of patches as they stand.

use super::geometry::{Conv, Size};
use super::partial_sums::WeightSums;
use crate::Context;
use crate::gemm::{Epilogue, MatMut, MatRef, gemm, gemm_fused};

/// Whether the convolution is a product of the images as they stand.
pub(super) fn suits(conv: &Conv) -> bool {
    let window = conv.window;
    let single = conv.taps() == 1 && window.stride == Size(1, 1) && window.padding == Size(0, 0);
    // An output padding would make the image of a transposed convolution larger than its map.
    single && conv.groups == 1 && conv.image == conv.map
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
    let (inputs, outputs) = (conv.image_channels, conv.map_channels);
    let pixels = image.len() / inputs;
    let (image, weight) =
        (MatRef::new(image, pixels, inputs), MatRef::new(weight, inputs, outputs));
    gemm_fused(cx, 1.0, image, weight, 0.0, MatMut::new(map, pixels, outputs), epilogue);
}

/// As [`input_gradient`](super::input_gradient()).
pub(super) fn input_gradient(
    cx: &Context,
    conv: &Conv,
    map: &[f32],
    weight: &[f32],
    image: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    let (inputs, outputs) = (conv.image_channels, conv.map_channels);
    let pixels = map.len() / outputs;
    let weight = MatRef::new(weight, inputs, outputs).transposed();
    let image = MatMut::new(image, pixels, inputs);
    gemm_fused(cx, 1.0, MatRef::new(map, pixels, outputs), weight, 0.0, image, epilogue);
}

/// As [`weight_gradient`](super::weight_gradient()).
pub(super) fn weight_gradient(
    cx: &Context,
    conv: &Conv,
    image: &[f32],
    dmap: &[f32],
    sums: WeightSums<'_>,
) {
    let (inputs, outputs) = (conv.image_channels, conv.map_channels);
    let pixels = image.len() / inputs;
    let image = MatRef::new(image, pixels, inputs).transposed();
    let beta = if sums.accumulate { 1.0 } else { 0.0 };
    let grad = MatMut::new(sums.grad, inputs, outputs);
    gemm(cx, 1.0, image, MatRef::new(dmap, pixels, outputs), beta, grad);
}
