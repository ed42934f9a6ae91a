//! The phases of a stride: from the map back to the image.
//!
//! Pixel i of an image axis is reached from position o by tap t where `i = o stride - padding + t
//! dilation`. Pixels that leave the same remainder by the stride, a *phase*, are reached by the
//! same taps: so the pixels of a phase are a convolution of the map with those taps alone, with
//! stride 1. Nothing is multiplied by inserted zeros, and each pixel is written once.

use super::geometry::{Conv, Sides};
use super::patches::Axis;

/// The pixels of an image that a task computes at a time, at least, if there are so many.
const TASK_PIXELS: usize = 2048;

/// The images of a task.
pub(super) fn images_of_task(conv: &Conv) -> usize {
    TASK_PIXELS.div_ceil(conv.pixels())
}

/// One phase along one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    /// The first pixel of the phase.
    pub first: usize,
    /// From a pixel of the phase to the next.
    pub stride: usize,
    /// The axis along which the map is read for each pixel of the phase.
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
    fn window_tap(&self, t: usize) -> usize {
        self.tap - t * self.tap_step
    }
}

/// The phases of both axes, row by row.
pub(super) fn phases(conv: &Conv) -> impl Iterator<Item = (Phase, Phase)> {
    let window = conv.window;
    let (image, map, Sides { top, left, .. }) = (conv.image, conv.map, conv.padding());
    let down = [window.kernel.0, window.stride.0, top, window.dilation.0];
    let across = [window.kernel.1, window.stride.1, left, window.dilation.1];
    (0..window.stride.0.min(image.0)).flat_map(move |i| {
        (0..window.stride.1.min(image.1)).map(move |j| {
            (Phase::new(i, image.0, map.0, down), Phase::new(j, image.1, map.1, across))
        })
    })
}

/// The window's taps that a phase's taps meet, row by row.
pub(super) fn window_taps(
    conv: &Conv,
    (down, across): (Phase, Phase),
) -> impl Iterator<Item = usize> {
    (0..down.axis.taps).flat_map(move |t| {
        let row = down.window_tap(t) * conv.window.kernel.1;
        (0..across.axis.taps).map(move |u| row + across.window_tap(u))
    })
}

/// The weight phase by phase and group by group, each (taps map channels, image channels).
pub(super) fn weight_by_phases<'a>(
    conv: &Conv,
    weight: &[f32],
    scratch: &'a mut [f32],
) -> &'a [f32] {
    let out = &mut scratch[..conv.weight_len()];
    let (inputs, outputs) = conv.group_channels();
    let all_outputs = conv.map_channels;
    let mut start = 0;
    for phase in phases(conv) {
        for group in 0..conv.groups {
            for tap in window_taps(conv, phase) {
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
    out
}
