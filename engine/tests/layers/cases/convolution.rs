//! Convolutions, forth and back: a walk through all settings, and the corners that have code of
//! their own.

use super::Case;
use crate::layers::reference::Reference;
use crate::layers::reference::conv_transpose2d::ConvTranspose2d;
use crate::layers::reference::conv2d::Conv2d;
use narrows_engine::layer::Layer;
use narrows_engine::layers::{self, Sides};

/// The case of what a reference describes.
pub fn case(conv: &Conv2d) -> Case {
    build_conv2d(conv, |layer| layer.with_padding(sides(conv.padding, conv.after)))
}

/// The case of what a reference describes, with its padding found by the layer itself.
pub fn case_same(conv: &Conv2d) -> Case {
    build_conv2d(conv, layers::Conv2d::with_same_padding)
}

/// The padding at the top and on the left, and on the other sides.
pub fn sides([top, left]: [usize; 2], after: Option<[usize; 2]>) -> Sides {
    let [bottom, right] = after.unwrap_or([top, left]);
    Sides { top, left, bottom, right }
}

fn build_conv2d(conv: &Conv2d, pad: impl Fn(layers::Conv2d) -> layers::Conv2d) -> Case {
    let layer = layers::Conv2d::new(conv.out_channels, conv.kernel)
        .with_stride(conv.stride)
        .with_dilation(conv.dilation)
        .with_groups(conv.groups);
    let layer = pad(layer);
    let layer = if conv.bias { layer } else { layer.without_bias() };
    build(layer, conv.relu, conv.clone(), conv.input, conv.batch)
}

/// The case of what a reference describes.
pub fn case_transpose(conv: &ConvTranspose2d) -> Case {
    let layer = layers::ConvTranspose2d::new(conv.out_channels, conv.kernel)
        .with_stride(conv.stride)
        .with_padding(sides(conv.padding, conv.after))
        .with_output_padding(conv.output_padding)
        .with_dilation(conv.dilation)
        .with_groups(conv.groups);
    let layer = if conv.bias { layer } else { layer.without_bias() };
    build(layer, conv.relu, conv.clone(), conv.input, conv.batch)
}

fn build(
    layer: impl Layer,
    relu: bool,
    reference: impl Reference + 'static,
    input: [usize; 3],
    batch: usize,
) -> Case {
    // Every third one is mostly zeros, as images are.
    let zeros = if (batch + input[0] + input[2]).is_multiple_of(3) { 80 } else { 0 };
    Case { zeros, ..Case::new(layer, reference, batch, input).with_relu(relu) }
}

/// Walks through the lists of all settings at once, each at its own pace, so that in time every
/// value meets every other. Left out are windows that do not fit, and what would take long.
fn walk(steps: usize) -> Vec<Conv2d> {
    const IMAGES: [[usize; 2]; 9] =
        [[5, 3], [1, 1], [7, 7], [1, 7], [15, 9], [2, 2], [6, 8], [28, 28], [4, 1]];
    const CHANNELS: [usize; 14] = [1, 3, 16, 2, 8, 17, 4, 33, 5, 15, 7, 64, 6, 130];
    const KERNELS: [[usize; 2]; 11] =
        [[3, 3], [1, 1], [5, 5], [2, 2], [1, 3], [3, 1], [4, 4], [7, 7], [3, 5], [6, 2], [2, 7]];
    const STRIDES: [[usize; 2]; 7] = [[1, 1], [2, 2], [3, 3], [1, 2], [2, 1], [1, 1], [2, 3]];
    const PADDINGS: [[usize; 2]; 8] =
        [[1, 1], [0, 0], [2, 2], [3, 3], [1, 0], [0, 2], [3, 1], [1, 1]];
    const DILATIONS: [[usize; 2]; 5] = [[1, 1], [2, 2], [1, 1], [1, 2], [1, 1]];
    const BATCHES: [usize; 5] = [2, 1, 3, 33, 1];
    let mut found = Vec::new();
    for i in 0..steps {
        let ([height, width], channels) = (IMAGES[i % 9], CHANNELS[i % 14]);
        let out_channels = CHANNELS[(3 * i + i / 14) % 14];
        let mut conv = Conv2d {
            kernel: KERNELS[(i + i / 14) % 11],
            stride: STRIDES[(i + i / 9) % 7],
            padding: PADDINGS[(i + i / 11) % 8],
            dilation: DILATIONS[(i + i / 7) % 5],
            bias: i % 4 != 1,
            relu: (i + i / 4) % 2 == 0,
            ..Conv2d::new(BATCHES[(i + i / 5) % 5], [height, width, channels], out_channels)
        };
        // One in three has groups: 2 of them, or one for each channel, with one or two outputs.
        match i % 9 {
            2 if channels.is_multiple_of(2) && out_channels.is_multiple_of(2) => conv.groups = 2,
            5 | 8 => {
                conv.groups = channels;
                conv.out_channels = channels * (1 + i / 9 % 2);
            }
            _ => {}
        }
        if conv.output().is_some() && conv.work() < 400_000 {
            found.push(conv);
        }
    }
    found
}

/// Few channels in, to few and to more: 1 to 8 of them, each with the usual kernels, with and
/// without a stride.
fn few_channels() -> Vec<Conv2d> {
    let mut found = Vec::new();
    for channels in 1..=8 {
        for (i, kernel) in [1, 3, 5, 4, 3].into_iter().enumerate() {
            for stride in 1..=2 {
                let out_channels = [16, 1, 33, 8, 3, 17][(channels + i + stride) % 6];
                let (batch, height) = ([2, 1, 5][(channels + i) % 3], 7 + (channels + stride) % 3);
                found.push(Conv2d {
                    kernel: [kernel; 2],
                    stride: [stride; 2],
                    padding: [if i == 4 { 0 } else { kernel / 2 }; 2],
                    bias: (channels + i) % 3 != 0,
                    relu: (channels + i + stride) % 2 == 0,
                    ..Conv2d::new(batch, [height, 18, channels], out_channels)
                });
            }
        }
    }
    found
}

/// A kernel of one pixel is a product without gathering; with a stride or padding it no longer is.
fn one_pixel() -> Vec<Conv2d> {
    let mut found = Vec::new();
    let channels = [(1, 1), (3, 17), (16, 16), (17, 3), (64, 130), (130, 33)];
    for (i, (ins, outs)) in channels.into_iter().enumerate() {
        for (stride, padding) in [(1, 0), (2, 0), (3, 1), (1, 1)] {
            found.push(Conv2d {
                stride: [stride; 2],
                padding: [padding; 2],
                bias: (i + stride) % 2 == 0,
                relu: i % 2 == 0,
                ..Conv2d::new(1 + i % 3, [7, 6, ins], outs)
            });
        }
    }
    found
}

/// A 3x3 kernel for each channel, around the widths of vectors, with one and two outputs of each.
fn depthwise() -> Vec<Conv2d> {
    let mut found = Vec::new();
    for (i, channels) in [1, 2, 3, 8, 15, 16, 17, 32, 33, 64, 130].into_iter().enumerate() {
        for stride in 1..=2 {
            for multiplier in 1..=2 {
                let (height, width) =
                    ([6, 7, 1, 15][(i + stride) % 4], [9, 4, 6, 1][(i + multiplier) % 4]);
                let padding = if height.min(width) < 3 { 1 } else { (i + stride) % 3 };
                found.push(Conv2d {
                    kernel: [3; 2],
                    stride: [stride; 2],
                    padding: [padding; 2],
                    groups: channels,
                    bias: (i + multiplier) % 2 == 0,
                    relu: (i / 2 + stride) % 2 == 0,
                    ..Conv2d::new(
                        1 + (i + stride) % 3,
                        [height, width, channels],
                        channels * multiplier,
                    )
                });
            }
        }
    }
    found
}

/// Kernels of all widths for each channel, over rows of each length that is cut in another way,
/// with channels of one block and of several.
fn depthwise_rows() -> Vec<Conv2d> {
    let mut found = Vec::new();
    for (k, kernel) in [[3, 3], [5, 5], [7, 7], [1, 1], [2, 2], [3, 5], [4, 3]].iter().enumerate() {
        for (i, width) in [3, 5, 8, 10, 12, 13, 14, 17].into_iter().enumerate() {
            for stride in 1..=2 {
                let channels = [17, 8, 33, 130][(i + k + stride) % 4];
                found.push(Conv2d {
                    kernel: *kernel,
                    stride: [stride; 2],
                    padding: [kernel[0] / 2, (kernel[1] / 2 + i) % 3 + kernel[1] / 4],
                    groups: channels,
                    bias: (i + k) % 2 == 0,
                    relu: (i + k + stride) % 3 == 0,
                    ..Conv2d::new(1 + i % 2, [5 + k % 3, width, channels], channels)
                });
            }
        }
    }
    found.retain(|conv| conv.output().is_some());
    found
}

/// A stride of 2 or 3 deals the pixels into as many phases, which see different taps of the kernel;
/// some see none.
fn phases() -> Vec<Conv2d> {
    let mut found = Vec::new();
    for stride in 2..=3 {
        for kernel in 1..=5 {
            for (i, size) in (1..=8).enumerate() {
                let padding = (i + kernel + stride) % 4;
                let (ins, outs) = ([3, 16, 1, 7][i % 4], [5, 1, 8, 16][i / 2]);
                let conv = Conv2d {
                    kernel: [kernel, 1 + (kernel + i) % 5],
                    stride: [stride; 2],
                    padding: [padding, (padding + 2) % 3],
                    bias: i % 2 == 0,
                    relu: (i + kernel) % 3 == 0,
                    ..Conv2d::new(1 + i % 2, [size, 9 - size, ins], outs)
                };
                if conv.output().is_some() {
                    found.push(conv);
                }
            }
        }
    }
    found
}

/// 3x3 with stride 2 between many channels, which takes fewer multiplications where the map can be
/// cut into tiles of 2x2: around that many channels, and with images that do and do not end with a
/// tile.
pub fn tiles() -> Vec<Conv2d> {
    let channels = [(32, 64), (33, 64), (48, 48), (64, 32), (32, 65), (31, 70), (32, 32)];
    let images = [
        [8, 8],
        [7, 8],
        [8, 7],
        [7, 7],
        [4, 16],
        [15, 4],
        [11, 8],
        [16, 12],
        [4, 4],
        [2, 2],
        [6, 8],
        [8, 5],
    ];
    let mut found = Vec::new();
    for (i, (ins, outs)) in channels.into_iter().enumerate() {
        for (j, [height, width]) in images.into_iter().enumerate() {
            found.push(Conv2d {
                kernel: [3; 2],
                stride: [2; 2],
                padding: [1; 2],
                bias: (i + j) % 3 != 0,
                relu: (i + j / 2) % 2 == 0,
                ..Conv2d::new(1 + (i + j) % 3, [height, width, ins], outs)
            });
        }
    }
    found
}

/// All of them but the large ones.
pub fn conv2d() -> Vec<Conv2d> {
    [walk(500), few_channels(), one_pixel(), depthwise(), depthwise_rows(), phases(), tiles()]
        .concat()
}

/// Enough work for several tasks, and sums over more than a block of k: 9 taps of 64 channels and
/// more, and thousands of positions.
pub fn conv2d_large() -> Vec<Conv2d> {
    let same = |batch, input, outs| Conv2d {
        kernel: [3; 2],
        padding: [1; 2],
        ..Conv2d::new(batch, input, outs)
    };
    let pixel = |batch, input, outs| Conv2d { relu: true, ..Conv2d::new(batch, input, outs) };
    vec![
        Conv2d { stride: [2; 2], relu: true, ..same(33, [28, 28, 1], 16) },
        Conv2d { bias: false, ..same(5, [14, 14, 16], 64) },
        Conv2d { relu: true, ..same(2, [9, 11, 64], 65) },
        Conv2d { stride: [2; 2], ..same(3, [15, 9, 130], 33) },
        Conv2d { groups: 2, relu: true, ..same(2, [10, 7, 140], 34) },
        Conv2d { groups: 40, ..same(33, [14, 13, 40], 40) },
        // Few channels, and, transposed, from many to few.
        Conv2d { kernel: [5; 2], padding: [2; 2], ..same(9, [24, 25, 3], 20) },
        Conv2d { stride: [2; 2], relu: true, ..same(17, [14, 15, 24], 3) },
        // Tiles of 2x2: several tasks of them, and several parts.
        Conv2d { stride: [2; 2], relu: true, ..same(33, [16, 16, 32], 64) },
        Conv2d { stride: [2; 2], ..same(130, [7, 8, 64], 33) },
        Conv2d { stride: [2; 2], bias: false, ..same(1, [63, 64, 33], 64) },
        pixel(33, [14, 14, 20], 40),
        pixel(3, [6, 7, 600], 50),
        Conv2d { kernel: [7; 2], padding: [3; 2], dilation: [2; 2], ..same(2, [16, 17, 12], 20) },
        // Fewer images than there are parts of the sum over their positions.
        Conv2d { relu: true, ..same(1, [64, 48, 3], 16) },
        Conv2d { groups: 5, ..same(1, [64, 48, 5], 5) },
        same(3, [40, 64, 2], 16),
    ]
}

/// The same with other paddings at the bottom and on the right. With tiles of 2x2 among them whose
/// image ends before the tile does, or behind it.
pub fn conv2d_uneven() -> Vec<Conv2d> {
    const AFTER: [[usize; 2]; 7] = [[0, 2], [1, 0], [3, 1], [0, 0], [2, 3], [1, 2], [0, 1]];
    let tile = |image: [usize; 2]| Conv2d {
        kernel: [3; 2],
        stride: [2; 2],
        padding: [1; 2],
        ..Conv2d::new(2, [image[0], image[1], 33], 64)
    };
    let tiles = [[9, 9], [9, 8], [8, 13], [6, 6], [6, 14], [13, 6], [8, 8]].map(tile);
    let tiles = tiles.iter().flat_map(|conv| AFTER.map(|after| (conv.clone(), after)));
    let others = conv2d().into_iter().enumerate().map(|(i, conv)| (conv, AFTER[(i + i / 7) % 7]));
    let uneven = others.chain(tiles).map(|(conv, after)| Conv2d { after: Some(after), ..conv });
    uneven.filter(|c| c.output().is_some() && c.after != Some(c.padding)).collect()
}

/// TensorFlow's SAME, as its documentation has it (`tf.nn.convolution`), for a dilated kernel as
/// for one of its whole extent.
pub fn conv2d_same() -> Vec<Conv2d> {
    let same = |conv: Conv2d| {
        let all = [0, 1].map(|a| {
            let (size, stride) = (conv.input[a], conv.stride[a]);
            let extent = (conv.kernel[a] - 1) * conv.dilation[a] + 1;
            let step = if size % stride == 0 { stride } else { size % stride };
            extent.saturating_sub(step)
        });
        let (padding, after) = (all.map(|p| p / 2), Some(all.map(|p| p - p / 2)));
        let same = Conv2d { padding, after, ..conv };
        let positions = [0, 1].map(|a| same.input[a].div_ceil(same.stride[a]));
        assert_eq!(same.output(), Some(positions), "{same:?}");
        same
    };
    let some = conv2d().into_iter().enumerate().filter(|(i, _)| i % 3 == 0);
    some.map(|(_, conv)| same(conv)).filter(|conv| conv.work() < 1_000_000).collect()
}

/// The transposed convolutions with the same settings, from an image of the size that the
/// convolution takes. Half of them have an output padding, of any size below the stride.
fn transposed(convs: Vec<Conv2d>, work: usize) -> Vec<ConvTranspose2d> {
    let transposed = |(i, conv): (usize, &Conv2d)| ConvTranspose2d {
        kernel: conv.kernel,
        stride: conv.stride,
        padding: conv.padding,
        after: conv.after,
        output_padding: [0, 1].map(|a| if i % 2 == 0 { 0 } else { (i / 2 + a) % conv.stride[a] }),
        dilation: conv.dilation,
        groups: conv.groups,
        bias: conv.bias,
        relu: conv.relu,
        ..ConvTranspose2d::new(conv.batch, conv.input, conv.out_channels)
    };
    let all = convs.iter().enumerate().map(transposed);
    all.filter(|conv| conv.output().is_some() && conv.work() < work).collect()
}

/// The convolution from an image of the size that this one gives: transposed, it has as many tiles
/// as this one has.
fn from_output(conv: Conv2d) -> Conv2d {
    let [height, width] = conv.output().expect("an image that the kernel fits");
    Conv2d { input: [height, width, conv.input[2]], ..conv }
}

pub fn conv_transpose2d() -> Vec<ConvTranspose2d> {
    let tiles = tiles().into_iter().map(from_output).collect();
    [transposed(conv2d(), 1_000_000), transposed(tiles, usize::MAX)].concat()
}

pub fn conv_transpose2d_uneven() -> Vec<ConvTranspose2d> {
    transposed(conv2d_uneven(), 400_000)
}

pub fn conv_transpose2d_large() -> Vec<ConvTranspose2d> {
    let (tiles, others): (Vec<_>, Vec<_>) = conv2d_large().into_iter().partition(Conv2d::tiled);
    let tiles = tiles.into_iter().map(from_output).collect();
    [transposed(others, usize::MAX), transposed(tiles, usize::MAX)].concat()
}
