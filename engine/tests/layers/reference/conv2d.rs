//! The convolution: each output looks at a window of the image, and padding is 0.

use super::taps::Taps;
#[cfg(test)]
use super::{Reference, away_from_kinks};

#[derive(Clone, Debug)]
pub struct Conv2d {
    pub batch: usize,
    /// height, width, channels
    pub input: [usize; 3],
    pub out_channels: usize,
    /// Each (height, width)
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    /// At the top and on the left, and the other sides as well unless `after` says otherwise.
    pub padding: [usize; 2],
    /// At the bottom and on the right.
    pub after: Option<[usize; 2]>,
    pub dilation: [usize; 2],
    pub groups: usize,
    pub bias: bool,
    pub relu: bool,
}

impl Conv2d {
    /// A 1x1 kernel, and nothing else.
    pub fn new(batch: usize, input: [usize; 3], out_channels: usize) -> Conv2d {
        Conv2d {
            batch,
            input,
            out_channels,
            kernel: [1; 2],
            stride: [1; 2],
            padding: [0; 2],
            after: None,
            dilation: [1; 2],
            groups: 1,
            bias: true,
            relu: false,
        }
    }

    /// The height and width of the output, if there is any: the number of places where the window
    /// fits.
    pub fn output(&self) -> Option<[usize; 2]> {
        let places = |a: usize| {
            let window = self.dilation[a] * (self.kernel[a] - 1) + 1;
            let room = (self.input[a] + self.padded(a)).checked_sub(window)?;
            Some(room / self.stride[a] + 1)
        };
        Some([places(0)?, places(1)?])
    }

    /// The pixels that an axis is padded by in all.
    pub fn padded(&self, axis: usize) -> usize {
        self.padding[axis] + self.after.unwrap_or(self.padding)[axis]
    }

    /// The number of products.
    pub fn work(&self) -> usize {
        let positions = self.output().map_or(0, |[height, width]| self.batch * height * width);
        positions * self.kernel[0] * self.kernel[1] * self.input[2] / self.groups
            * self.out_channels
    }

    /// Whether tiles of 2x2 outputs are computed in fewer multiplications
    /// (`engine/src/conv/winograd.rs`): what the window has to be for that, and enough channels.
    pub fn tiled(&self) -> bool {
        let window = [self.kernel, self.stride, self.padding, self.dilation]
            == [[3; 2], [2; 2], [1; 2], [1; 2]];
        let (ins, outs) = (self.input[2], self.out_channels);
        let tiles = self.output().is_some_and(|[h, w]| {
            let enough = h * w <= 64 || ins * outs >= 2048;
            let covered = [h, w] == [0, 1].map(|a| self.input[a].div_ceil(2));
            covered && h % 2 == 0 && w % 2 == 0 && h * w >= 16 && enough
        });
        window && tiles && self.groups == 1 && ins.min(outs) >= 32
    }
}

impl Taps for Conv2d {
    fn output_len(&self) -> usize {
        let [height, width] = self.output().unwrap();
        self.batch * height * width * self.out_channels
    }

    fn out_channels(&self) -> usize {
        self.out_channels
    }

    fn bias(&self) -> bool {
        self.bias
    }

    fn relu(&self) -> bool {
        self.relu
    }

    /// Along an axis, the first and the last tap see a pixel less the one that the two windows of a
    /// tile share, and the shared one is added again.
    fn detours(&self, mut tap: impl FnMut(usize, usize, usize)) {
        if !self.tiled() {
            return;
        }
        let [height, width, ins] = self.input;
        let [out_height, out_width] = self.output().unwrap();
        // The pixels that a tap sees on its way, the first of them its own.
        let seen = |a: usize, o: usize, k: usize| {
            let (own, shared) = ((2 * o + k).checked_sub(1), Some(o / 2 * 4 + 1));
            let all = if k == 1 { [own, None, None] } else { [own, shared, shared] };
            all.map(|i| i.filter(|i| *i < self.input[a]))
        };
        for at in 0..self.batch * out_height * out_width * 9 {
            let (n, oy, ox) = (
                at / 9 / out_width / out_height,
                at / 9 / out_width % out_height,
                at / 9 % out_width,
            );
            let (ky, kx) = (at % 9 / 3, at % 3);
            for (down, iy) in seen(0, oy, ky).into_iter().enumerate() {
                for (across, ix) in seen(1, ox, kx).into_iter().enumerate() {
                    let (Some(iy), Some(ix), true) = (iy, ix, down + across > 0) else { continue };
                    for (i, o) in (0..ins).flat_map(|i| (0..self.out_channels).map(move |o| (i, o)))
                    {
                        let y = ((n * out_height + oy) * out_width + ox) * self.out_channels + o;
                        let w = ((ky * 3 + kx) * ins + i) * self.out_channels + o;
                        tap(y, ((n * height + iy) * width + ix) * ins + i, w);
                    }
                }
            }
        }
    }

    /// x: (batch, height, width, in), weight: (kernel height, kernel width, in / groups, out)
    fn taps(&self, mut tap: impl FnMut(usize, usize, usize)) {
        let [height, width, channels] = self.input;
        let [out_height, out_width] = self.output().unwrap();
        let (ins, outs) = (channels / self.groups, self.out_channels / self.groups);
        // Where the window's element `k` at place `o` lies in the image, if not in the padding.
        let inside = |a: usize, o: usize, k: usize| {
            let i = (o * self.stride[a] + k * self.dilation[a]).checked_sub(self.padding[a])?;
            (i < self.input[a]).then_some(i)
        };
        for n in 0..self.batch {
            for oy in 0..out_height {
                for ox in 0..out_width {
                    for ky in 0..self.kernel[0] {
                        for kx in 0..self.kernel[1] {
                            let (Some(iy), Some(ix)) = (inside(0, oy, ky), inside(1, ox, kx))
                            else {
                                continue;
                            };
                            let y = ((n * out_height + oy) * out_width + ox) * self.out_channels;
                            let x = ((n * height + iy) * width + ix) * channels;
                            let w = (ky * self.kernel[1] + kx) * ins * self.out_channels;
                            for group in 0..self.groups {
                                for i in 0..ins {
                                    for o in group * outs..(group + 1) * outs {
                                        tap(
                                            y + o,
                                            x + group * ins + i,
                                            w + i * self.out_channels + o,
                                        );
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_reference_computes_a_convolution_done_by_hand() {
    let mut layer = Conv2d { kernel: [2, 2], relu: true, ..Conv2d::new(1, [3, 3, 1], 1) };
    let x: Vec<f64> = (1..10).map(f64::from).collect();
    assert_eq!(layer.forward(&x, &[1.0, 2.0, 3.0, 4.0, -60.0]), [0.0, 0.0, 7.0, 17.0]);
    let (dx, grads) = layer.backward(&x, &[1.0, 2.0, 3.0, 4.0, -60.0], &[1.0, 1.0, 1.0, 10.0]);
    assert_eq!(dx, [0.0, 0.0, 0.0, 1.0, 12.0, 20.0, 3.0, 34.0, 40.0]);
    assert_eq!(grads, [54.0, 65.0, 87.0, 98.0, 11.0]);
    let dy = away_from_kinks(&layer.kink(&x, &[1.0, 2.0, 3.0, 4.0, -60.0]), |_| 10.0, &[1.0; 4]);
    assert_eq!(dy, [1.0, 1.0, 0.0, 1.0]);
    (layer.stride, layer.padding, layer.bias) = ([2, 2], [1, 1], false);
    assert_eq!(layer.forward(&x, &[1.0, 2.0, 3.0, 4.0]), [4.0, 18.0, 36.0, 77.0]);
}
