//! Backbones: networks that others trained on many photographs, by their names in torchvision and
//! timm, and their weights from files.
//!
//! To add one: write its layers here in a file of its own or in that of its family, add its line to
//! the list [`ARCHITECTURES`], and its case to `tests/backbones/`.

mod convnext;
mod inverted_residuals;
mod naming;
mod onnx;
mod parameters;
mod resnet;

pub use naming::Naming;
pub use parameters::{Imported, tensors};

use crate::error::{Error, error};
use crate::layer_spec::LayerSpec;
use serde::{Deserialize, Serialize};

/// The means and deviations of ImageNet's training images, which torchvision's networks get theirs
/// normalised by.
pub const IMAGENET: Pixels = Pixels { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/// What is done to the pixels of an image, which are in [0, 1], red first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pixels {
    /// Subtracted from each channel.
    pub mean: [f32; 3],
    /// Each channel is divided by it after that.
    pub std: [f32; 3],
}

/// A network that makes features of images, and the classifier that it was trained with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backbone {
    /// Its name: `resnet18`.
    pub name: String,
    /// The height and width of its images: those that it was trained on, or was imported for.
    pub size: [usize; 2],
    /// From pixels in [0, 1] to features, [`LayerSpec::Normalize`] first.
    pub features: Vec<LayerSpec>,
    /// From features to the classes that it was trained for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classifier: Vec<LayerSpec>,
}

/// A known network: its names, the first of which it goes by, and its layers.
pub struct Known {
    /// Its names in torchvision and timm.
    pub names: &'static [&'static str],
    build: fn(Naming) -> Backbone,
}

/// All known networks.
pub const ARCHITECTURES: &[Known] = &[
    Known { names: &["resnet18"], build: |by| resnet::resnet(by, "resnet18", false, [2, 2, 2, 2]) },
    Known { names: &["resnet34"], build: |by| resnet::resnet(by, "resnet34", false, [3, 4, 6, 3]) },
    Known { names: &["resnet50"], build: |by| resnet::resnet(by, "resnet50", true, [3, 4, 6, 3]) },
    Known { names: &["mobilenet_v2", "mobilenetv2_100"], build: inverted_residuals::mobilenet_v2 },
    Known {
        names: &["mobilenet_v3_small", "mobilenetv3_small_100"],
        build: inverted_residuals::mobilenet_v3_small,
    },
    Known {
        names: &["mobilenet_v3_large", "mobilenetv3_large_100"],
        build: inverted_residuals::mobilenet_v3_large,
    },
    Known { names: &["efficientnet_b0"], build: inverted_residuals::efficientnet_b0 },
    Known {
        names: &["efficientnet_lite0", "tf_efficientnet_lite0", "efficientnet-lite0"],
        build: inverted_residuals::efficientnet_lite0,
    },
    Known { names: &["convnext_tiny"], build: convnext::convnext_tiny },
];

impl Backbone {
    /// What it does to pixels first.
    pub fn pixels(&self) -> Option<Pixels> {
        match self.features.first()? {
            LayerSpec::Normalize { mean, std } => {
                let three = |values: &[f32]| <[f32; 3]>::try_from(values).ok();
                Some(Pixels { mean: three(mean)?, std: three(std)? })
            }
            _ => None,
        }
    }

    /// The known network of that name, its modules called as they are by `naming`.
    ///
    /// # Errors
    /// If there is none; the message lists them.
    pub fn of(name: &str, naming: Naming) -> Result<Backbone, Error> {
        Ok((known(name)?.build)(naming))
    }
}

fn known(name: &str) -> Result<&'static Known, Error> {
    ARCHITECTURES.iter().find(|known| known.names.contains(&name)).ok_or_else(|| {
        let names: Vec<&str> = ARCHITECTURES.iter().map(|known| known.names[0]).collect();
        error!("there is no network {name}: choose one of {}", names.join(", "))
    })
}

/// The first layer of a backbone.
fn normalize(Pixels { mean, std }: Pixels) -> LayerSpec {
    LayerSpec::Normalize { mean: mean.to_vec(), std: std.to_vec() }
}
