//! A convolution as seven loops: sample, row, column, two of the kernel, two of channels.

/// A convolution 3x3 of stride 2 and padding 1, from square images to maps of half their side.
/// Channels last, no bias.
pub struct Convolution {
    pub batch: usize,
    /// Of a map.
    pub side: usize,
    pub image_channels: usize,
    pub map_channels: usize,
}

impl Convolution {
    pub fn weight_len(&self) -> usize {
        9 * self.image_channels * self.map_channels
    }

    pub fn image_len(&self) -> usize {
        self.batch * 4 * self.side * self.side * self.image_channels
    }

    pub fn map_len(&self) -> usize {
        self.batch * self.side * self.side * self.map_channels
    }

    /// Calls `f` with the starts of an image's pixel, a map's pixel, and the weights between the
    /// two.
    #[inline(always)]
    fn each_tap(&self, mut f: impl FnMut(usize, usize, usize)) {
        let (side, image_side) = (self.side, 2 * self.side);
        for sample in 0..self.batch {
            for i in 0..side {
                for j in 0..side {
                    for t in 0..3 {
                        for u in 0..3 {
                            // Counted from the padding on.
                            let (row, column) = (2 * i + t, 2 * j + u);
                            if row == 0 || row > image_side || column == 0 || column > image_side {
                                continue;
                            }
                            let image = (sample * image_side + row - 1) * image_side + column - 1;
                            let map = (sample * side + i) * side + j;
                            let weight = (3 * t + u) * self.image_channels * self.map_channels;
                            f(image * self.image_channels, map * self.map_channels, weight);
                        }
                    }
                }
            }
        }
    }

    pub fn forward(&self, image: &[f32], weight: &[f32], map: &mut [f32]) {
        let (inputs, outputs) = (self.image_channels, self.map_channels);
        map.fill(0.0);
        self.each_tap(|from, to, tap| {
            for c in 0..inputs {
                for o in 0..outputs {
                    map[to + o] += image[from + c] * weight[tap + c * outputs + o];
                }
            }
        });
    }

    /// Of the image, from that of the map: the transposed convolution.
    pub fn image_gradient(&self, map: &[f32], weight: &[f32], image: &mut [f32]) {
        let (inputs, outputs) = (self.image_channels, self.map_channels);
        image.fill(0.0);
        self.each_tap(|to, from, tap| {
            for c in 0..inputs {
                for o in 0..outputs {
                    image[to + c] += map[from + o] * weight[tap + c * outputs + o];
                }
            }
        });
    }

    pub fn weight_gradient(&self, image: &[f32], map: &[f32], weight: &mut [f32]) {
        let (inputs, outputs) = (self.image_channels, self.map_channels);
        weight.fill(0.0);
        self.each_tap(|image_at, map_at, tap| {
            for c in 0..inputs {
                for o in 0..outputs {
                    weight[tap + c * outputs + o] += image[image_at + c] * map[map_at + o];
                }
            }
        });
    }
}
