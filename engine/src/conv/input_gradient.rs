//! From the map back to the image: the gradient of the input, and the forward pass of a transposed
//! convolution.
//!
//! Pixel i of an image axis is reached from position o by tap t where `i = o stride - padding + t
//! dilation`. Pixels that leave the same remainder by the stride, a *phase*, are reached by the
//! same taps: so the pixels of a phase are a convolution of the map with those taps alone, with
//! stride 1. Nothing is multiplied by inserted zeros, and each pixel is written once.

use super::forward::{block_rows, with_patches};
use super::geometry::Size;
use super::in_place::{self, Frame};
use super::patches::{Axis, Lines, Patches, copy_lines};
use super::{Conv, PRODUCTS, depthwise, few_channels, one_by_one, winograd};
use crate::Context;
use crate::gemm::{Epilogue, MatMut, MatRef, gemm_fused, gemm_windows};
use crate::hardware::parallel::Chunks;
use crate::hardware::simd::{Kernel, Simd};
use std::ops::Range;

/// The pixels of an image that a task computes at a time, at least, if there are so many.
const TASK_PIXELS: usize = 2048;

/// The scratch values of [`input_gradient`].
pub(crate) fn input_gradient_scratch(conv: &Conv) -> usize {
    if few_channels::pays(conv) {
        few_channels::scratch_len(conv)
    } else if winograd::pays_back(conv) {
        winograd::weights_len(conv)
    } else {
        conv.weight_len()
    }
}

/// One phase along one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    /// The first pixel of the phase.
    pub first: usize,
    /// From a pixel of the phase to the next.
    pub stride: usize,
    /// How the map is read for each pixel of the phase.
    pub axis: Axis,
    /// The tap of the window that the map's tap 0 meets, and how many to go back for each further
    /// one.
    tap: usize,
    tap_step: usize,
}

impl Phase {
    /// The phase of the pixels `first`, `first + stride` and so on, of `pixels`, for a map of
    /// `positions`.
    fn new(
        first: usize,
        pixels: usize,
        positions: usize,
        [kernel, stride, padding, dilation]: [usize; 4],
    ) -> Phase {
        let reaches = |t: usize| {
            let offset = (first + padding) as isize - (t * dilation) as isize;
            (offset.rem_euclid(stride as isize) == 0).then(|| offset.div_euclid(stride as isize))
        };
        // The taps that reach the phase are equally far apart, and so are the positions that they
        // read: the last tap reads the first position.
        let mut taps = (0..kernel).filter_map(|t| reaches(t).map(|offset| (t, offset)));
        let (mut count, mut tap_step, mut step) = (0, 1, 1);
        let mut last: Option<(usize, isize)> = None;
        for (t, offset) in taps.by_ref() {
            if let Some((before, offset_before)) = last {
                (tap_step, step) = (t - before, (offset_before - offset) as usize);
            }
            last = Some((t, offset));
            count += 1;
        }
        let (tap, offset) = last.unwrap_or((0, 0));
        let axis = Axis {
            size: positions,
            positions: (pixels - first).div_ceil(stride),
            stride: 1,
            first: offset,
            step,
            taps: count,
        };
        Phase { first, stride, axis, tap, tap_step }
    }

    /// The window's tap that the map's tap `t` meets.
    pub fn window_tap(&self, t: usize) -> usize {
        self.tap - t * self.tap_step
    }
}

/// The phases of both axes, row by row.
pub(super) fn phases(conv: &Conv) -> impl Iterator<Item = (Phase, Phase)> {
    let window = conv.window;
    let (image, map) = (conv.image, conv.map);
    let down = [window.kernel.0, window.stride.0, window.padding.0, window.dilation.0];
    let across = [window.kernel.1, window.stride.1, window.padding.1, window.dilation.1];
    (0..window.stride.0.min(image.0)).flat_map(move |i| {
        (0..window.stride.1.min(image.1)).map(move |j| {
            (Phase::new(i, image.0, map.0, down), Phase::new(j, image.1, map.1, across))
        })
    })
}

/// `image = relu(conv'(map) + bias)` for a batch: map: (batch, map), weight as [`Conv::params`] has
/// it, image: (batch, image), to be overwritten. `scratch`: [`input_gradient_scratch`] values of
/// any content.
pub(crate) fn input_gradient(
    cx: &Context,
    conv: &Conv,
    map: &[f32],
    weight: &[f32],
    image: &mut [f32],
    epilogue: Epilogue<'_>,
    scratch: &mut [f32],
) {
    if one_by_one::pays(conv) {
        return one_by_one::input_gradient(cx, conv, map, weight, image, epilogue);
    }
    if depthwise::pays(conv) {
        return depthwise::input_gradient(cx, conv, map, weight, image, epilogue, scratch);
    }
    if few_channels::pays(conv) {
        return few_channels::input_gradient(cx, conv, map, weight, image, epilogue, scratch);
    }
    if winograd::pays_back(conv) {
        return winograd::input_gradient(cx, conv, map, weight, image, epilogue, scratch);
    }
    let weights = &mut scratch[..conv.weight_len()];
    by_phases(conv, weight, weights);
    let weights = &*weights;
    let image_len = conv.pixels() * conv.image_channels;
    let batch = image.len() / image_len;
    let in_place = phases_in_place(cx, conv);
    let frame =
        Frame::of(phases(conv).map(|(down, across)| (down.axis, across.axis)), conv.map_channels);
    let images = TASK_PIXELS.div_ceil(conv.pixels());
    cx.for_each_part(batch.div_ceil(images), Chunks::new(image, images * image_len), |i, image| {
        let image = image.data;
        let first = i * images;
        let map_len = conv.positions() * conv.map_channels;
        let map = &map[first * map_len..][..image.len() / image_len * map_len];
        if in_place {
            return frame.each(map, |n, framed| {
                image_in_place(
                    cx,
                    conv,
                    &frame,
                    framed,
                    weights,
                    &mut image[n * image_len..][..image_len],
                    epilogue,
                );
            });
        }
        let mut start = 0;
        for phase in phases(conv) {
            let taps = phase.0.axis.taps * phase.1.axis.taps;
            let len = taps * conv.weight_len() / conv.taps();
            phase_of_images(cx, conv, phase, map, &weights[start..start + len], image, epilogue);
            start += len;
        }
    });
}

/// Whether the pixels of a phase are patches that are read where they are.
fn phases_in_place(cx: &Context, conv: &Conv) -> bool {
    let Size(down, across) = conv.window.stride;
    // In the image, a phase's rows are as far apart as so many of its pixels.
    let aligned = (down * conv.image.1).is_multiple_of(across);
    let fits = |(down, across): (Phase, Phase)| {
        let taps = down.axis.taps * across.axis.taps;
        taps > 0
            && across.axis.step == 1
            && in_place::suits(cx, across.axis.positions, conv.weight_len())
    };
    aligned && conv.groups == 1 && phases(conv).all(fits)
}

/// All pixels of one image, of a map in its frame.
fn image_in_place(
    cx: &Context,
    conv: &Conv,
    frame: &Frame,
    framed: &[f32],
    weights: &[f32],
    image: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    let inputs = conv.image_channels;
    let mut start = 0;
    for (down, across) in phases(conv) {
        let len = down.axis.taps * across.axis.taps * conv.map_channels;
        let weights = MatRef::new(&weights[start..][..len * inputs], len, inputs);
        start += len * inputs;
        let line = down.stride * conv.image.1 / across.stride;
        let pixels = (down.axis.positions - 1) * line + across.axis.positions;
        let image = &mut image[(down.first * conv.image.1 + across.first) * inputs..];
        let image = MatMut::with_strides(image, pixels, inputs, across.stride * inputs, 1);
        gemm_windows(
            cx,
            frame.patches(framed, down.axis, across.axis),
            weights,
            0.0,
            image,
            line,
            epilogue,
        );
    }
}

/// The pixels of one phase in some images. `weights`: by groups, (taps map channels, image
/// channels).
fn phase_of_images(
    cx: &Context,
    conv: &Conv,
    phase: (Phase, Phase),
    map: &[f32],
    weights: &[f32],
    image: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    let single = cx.single();
    let (inputs, outputs) = conv.group_channels();
    let batch = map.len() / (conv.positions() * conv.map_channels);
    let (rows, columns) = (phase.0.axis, phase.1.axis);
    let pixels = batch * rows.positions * columns.positions;
    for group in 0..conv.groups {
        let patches = Patches {
            data: map,
            rows,
            columns,
            pixel: conv.map_channels,
            first: group * outputs,
            channels: outputs,
        };
        let len = patches.len();
        let weights = MatRef::new(&weights[group * len * inputs..][..len * inputs], len, inputs);
        let epilogue = epilogue.columns(group * inputs, inputs);
        let block = block_rows(len.max(inputs));
        for start in (0..pixels).step_by(block) {
            let count = block.min(pixels - start);
            let mut values = PRODUCTS.take();
            values.ensure(count * inputs);
            with_patches(cx, patches, start..start + count, |patches| {
                let values = MatMut::new(&mut values[..count * inputs], count, inputs);
                gemm_fused(&single, 1.0, patches, weights, 0.0, values, epilogue);
            });
            let values_read = &values[..count * inputs];
            let channels = group * inputs..(group + 1) * inputs;
            cx.isa().run(Spread { conv, phase, start, values: values_read, channels, image });
            PRODUCTS.set(values);
        }
    }
}

/// Puts the pixels of a phase, from number `start` on, where they belong in the images. `values`:
/// (pixels, some channels).
struct Spread<'a> {
    conv: &'a Conv,
    phase: (Phase, Phase),
    start: usize,
    values: &'a [f32],
    channels: Range<usize>,
    image: &'a mut [f32],
}

impl Kernel for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Spread { conv, phase: (down, across), start, values, channels, image } = self;
        let (len, pixel) = (channels.len(), conv.image_channels);
        let (rows, columns) = (down.axis.positions, across.axis.positions);
        let end = start + values.len() / len;
        let mut at = start;
        // The pixels of one row of an image.
        while at < end {
            let (n, i, j) = (at / (rows * columns), at / columns % rows, at % columns);
            let count = (columns - j).min(end - at);
            let (i, j) = (down.first + i * down.stride, across.first + j * across.stride);
            let out =
                &mut image[((n * conv.image.0 + i) * conv.image.1 + j) * pixel + channels.start..];
            let lines = Lines { step: len, len, count };
            copy_lines(s, lines, &values[(at - start) * len..], across.stride * pixel, out);
            at += count;
        }
    }
}

/// The weight phase by phase and group by group, each (taps map channels, image channels).
fn by_phases(conv: &Conv, weight: &[f32], out: &mut [f32]) {
    let (inputs, outputs) = conv.group_channels();
    let all_outputs = conv.map_channels;
    let mut start = 0;
    for (down, across) in phases(conv) {
        for group in 0..conv.groups {
            for (t, u) in
                (0..down.axis.taps).flat_map(|t| (0..across.axis.taps).map(move |u| (t, u)))
            {
                let tap = down.window_tap(t) * conv.window.kernel.1 + across.window_tap(u);
                let weight = &weight[tap * inputs * all_outputs..][..inputs * all_outputs];
                for o in 0..outputs {
                    for c in 0..inputs {
                        out[start + o * inputs + c] = weight[c * all_outputs + group * outputs + o];
                    }
                }
                start += outputs * inputs;
            }
        }
    }
    // A stride beyond the kernel leaves no tap out, but one beyond the image may.
    out[start..].fill(0.0);
}
