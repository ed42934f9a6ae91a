//! The transposed convolution: each input adds a window, times its value, to the output; what falls
//! into the padding is cut off.

#[cfg(test)]
use super::Reference;
use super::conv2d::Conv2d;
use super::taps::Taps;

#[derive(Clone, Debug)]
pub struct ConvTranspose2d {
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
    pub output_padding: [usize; 2],
    pub dilation: [usize; 2],
    pub groups: usize,
    pub bias: bool,
    pub relu: bool,
}

impl ConvTranspose2d {
    /// A 1x1 kernel, and nothing else.
    pub fn new(batch: usize, input: [usize; 3], out_channels: usize) -> ConvTranspose2d {
        ConvTranspose2d {
            batch,
            input,
            out_channels,
            kernel: [1; 2],
            stride: [1; 2],
            padding: [0; 2],
            after: None,
            output_padding: [0; 2],
            dilation: [1; 2],
            groups: 1,
            bias: true,
            relu: false,
        }
    }

    /// The height and width of the output, if there is any: as far as the last input's window
    /// reaches.
    pub fn output(&self) -> Option<[usize; 2]> {
        let reach = |a: usize| {
            let last =
                (self.input[a] - 1) * self.stride[a] + self.dilation[a] * (self.kernel[a] - 1);
            (last + 1 + self.output_padding[a])
                .checked_sub(self.padding[a] + self.after.unwrap_or(self.padding)[a])
                .filter(|len| *len > 0)
        };
        Some([reach(0)?, reach(1)?])
    }

    /// The number of products, those that are cut off with them.
    pub fn work(&self) -> usize {
        let [height, width, channels] = self.input;
        self.batch * height * width * self.kernel[0] * self.kernel[1] * channels / self.groups
            * self.out_channels
    }
}

impl Taps for ConvTranspose2d {
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

    /// Those of the convolution that it is the adjoint of.
    fn detours(&self, mut tap: impl FnMut(usize, usize, usize)) {
        let [height, width] = self.output().unwrap();
        let conv = Conv2d {
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
            after: self.after,
            dilation: self.dilation,
            groups: self.groups,
            ..Conv2d::new(self.batch, [height, width, self.out_channels], self.input[2])
        };
        // Not with an output padding of more than a stride, where that convolution has more places.
        if conv.output() == Some([self.input[0], self.input[1]]) {
            conv.detours(|y, x, w| tap(x, y, w));
        }
    }

    /// x: (batch, height, width, in), weight: (kernel height, kernel width, out / groups, in)
    fn taps(&self, mut tap: impl FnMut(usize, usize, usize)) {
        let [height, width, channels] = self.input;
        let output = self.output().unwrap();
        let (ins, outs) = (channels / self.groups, self.out_channels / self.groups);
        // Where the window's element `k` of input `i` lies in the output, if it is not cut off.
        let inside = |a: usize, i: usize, k: usize| {
            let o = (i * self.stride[a] + k * self.dilation[a]).checked_sub(self.padding[a])?;
            (o < output[a]).then_some(o)
        };
        for n in 0..self.batch {
            for iy in 0..height {
                for ix in 0..width {
                    for ky in 0..self.kernel[0] {
                        for kx in 0..self.kernel[1] {
                            let (Some(oy), Some(ox)) = (inside(0, iy, ky), inside(1, ix, kx))
                            else {
                                continue;
                            };
                            let y = ((n * output[0] + oy) * output[1] + ox) * self.out_channels;
                            let x = ((n * height + iy) * width + ix) * channels;
                            let w = (ky * self.kernel[1] + kx) * outs * channels;
                            for group in 0..self.groups {
                                for o in 0..outs {
                                    for i in group * ins..(group + 1) * ins {
                                        tap(y + group * outs + o, x + i, w + o * channels + i);
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
fn the_reference_computes_a_transposed_convolution_done_by_hand() {
    let mut layer =
        ConvTranspose2d { kernel: [2, 2], bias: false, ..ConvTranspose2d::new(1, [2, 2, 1], 1) };
    let x = [1.0, 2.0, 3.0, 4.0];
    assert_eq!(layer.forward(&x, &x), [1.0, 4.0, 4.0, 6.0, 20.0, 16.0, 9.0, 24.0, 16.0]);
    layer.padding = [1, 1];
    assert_eq!(layer.forward(&x, &x), [20.0]);
    assert_eq!(
        layer.backward(&x, &x, &[1.0]),
        (vec![4.0, 3.0, 2.0, 1.0], vec![4.0, 3.0, 2.0, 1.0])
    );
    (layer.stride, layer.padding, layer.output_padding, layer.bias) =
        ([2, 3], [0, 1], [0, 2], true);
    // Its rows in full are 1 2 0 2 4 | 0 0, 3 4 0 6 8 | 0 0, and so on; the padding takes a column
    // on each side.
    let y = layer.forward(&x, &[1.0, 2.0, 3.0, 4.0, 10.0]);
    assert_eq!(y[..10], [12.0, 10.0, 12.0, 14.0, 10.0, 14.0, 10.0, 16.0, 18.0, 10.0]);
}
