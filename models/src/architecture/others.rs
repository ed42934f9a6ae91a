//! Encoders that others trained, and the baseline beside them.

use super::{Architecture, ENCODER, Model, SampleShape};
use crate::backbones::Backbone;
use crate::error::{Error, bail, ensure};
use crate::layer_spec::{LayerSpec, NetworkSpec, Padding, PoolSpec};

/// The least height and width that a baseline sees of an image, if it has so many pixels.
const LEAST_SIDE: usize = 32;

impl Architecture {
    /// An encoder that others trained, for images of that height and width. Its code is what it
    /// makes of them, and it has no decoder.
    ///
    /// # Errors
    /// If the images are too small for it.
    pub fn of_backbone(backbone: Backbone, size: [usize; 2]) -> Result<Architecture, Error> {
        let network = backbone.network(size, false)?;
        let mut backbone = Backbone { classifier: Vec::new(), ..backbone };
        backbone.features.iter_mut().for_each(LayerSpec::freeze_statistics);
        let input = [size[0], size[1], backbone.channels()];
        Ok(Architecture {
            widths: Vec::new(),
            latent: network.output().len(),
            backbone: Some(Box::new(backbone)),
            ..Architecture::new(Model::Conv, input)
        })
    }

    /// The network of a baseline that starts from random weights: this one. Beside an encoder that
    /// others trained on many photographs it is our own for such images, as few labels are far too
    /// few to train the other's. It sees large images at half or a quarter of their size, of at
    /// least 32 pixels: without many labels it learns no more from more of them.
    pub fn baseline(&self) -> Architecture {
        match (&self.backbone, self.input) {
            (None, _) => self.clone(),
            (Some(_), SampleShape::Image([h, w, c])) => {
                let fits = |n: &usize| h.is_multiple_of(*n) && w.is_multiple_of(*n);
                let large = |n: &usize| h.min(w) / n >= LEAST_SIDE;
                let shrink = (1..=h.min(w)).filter(fits).rfind(large).unwrap_or(1);
                let inner = Architecture::new(Model::Conv, [h / shrink, w / shrink, c]);
                Architecture { shrink, input: self.input, ..inner }
            }
            (Some(_), input) => Architecture::new(Model::Conv, input),
        }
    }

    /// The network that others trained, if it is one.
    pub(super) fn encoder_of_others(&self) -> Result<Option<NetworkSpec>, Error> {
        let Some(backbone) = &self.backbone else { return Ok(None) };
        self.input_len()?;
        let SampleShape::Image(image) = self.input else {
            bail!("{} is for images, but the samples are {}", backbone.name, self.input);
        };
        Ok(Some(NetworkSpec::new(image).with_section(ENCODER, backbone.features.clone())))
    }

    /// The encoder of the means of squares of pixels, if it is one.
    pub(super) fn encoder_of_squares(&self) -> Result<Option<NetworkSpec>, Error> {
        let (2.., SampleShape::Image([h, w, c])) = (self.shrink, self.input) else {
            return Ok(None);
        };
        let n = self.shrink;
        ensure!(
            h.is_multiple_of(n) && w.is_multiple_of(n),
            "images of {h}x{w} are not made of squares of {n} pixels"
        );
        let input = SampleShape::Image([h / n, w / n, c]);
        let inner = Architecture { input, shrink: 1, ..self.clone() }.encoder()?;
        let mut layers = vec![LayerSpec::AvgPool2d(PoolSpec {
            kernel: [n; 2],
            stride: [n; 2],
            padding: Padding::Sides([0; 4]),
            ceil_mode: false,
            count_include_pad: true,
        })];
        layers.extend(inner.sections.into_iter().flat_map(|(_, layers)| layers));
        Ok(Some(NetworkSpec::new([h, w, c]).with_section(ENCODER, layers)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbones::Naming;

    #[test]
    fn a_baseline_sees_at_least_32_pixels() {
        let backbone = Backbone::of("mobilenet_v3_small", Naming::Torchvision).unwrap();
        for (size, shrink) in [([128; 2], 4), ([224; 2], 7), ([40; 2], 1), ([96, 64], 2)] {
            let others = Architecture::of_backbone(backbone.clone(), size).unwrap();
            let ours = others.baseline();
            assert_eq!(ours.shrink, shrink, "{size:?}");
            let network = ours.classifier(3).unwrap();
            assert_eq!(network.input().len(), size[0] * size[1] * 3, "{size:?}");
        }
    }
}
