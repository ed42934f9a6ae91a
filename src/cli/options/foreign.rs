//! Encoders that other programs trained.

use super::values::{List, filled, list, not_negative, positive};
use crate::error::Error;
use clap::Args;
use clap::builder::PossibleValuesParser;
use narrows_models::backbones::{ARCHITECTURES, Backbone, IMAGENET, Naming, Pixels};
use serde::Serialize;

/// The network of weights that another program saved.
#[derive(Clone, Debug, Default, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Encoder")]
pub struct ForeignOptions {
    /// Network of an encoder whose weights another program saved, as .pth, .pt or .safetensors, by
    /// its name in torchvision or timm [default: none, the file is of narrows or ONNX, which hold
    /// their network]
    #[arg(long, value_name = "NAME", hide_possible_values = true, value_parser = names())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Means of the pixels of red, green and blue, in [0, 1], that an ONNX network subtracts first
    /// [default: those of --arch, or of ImageNet: 0.485,0.456,0.406; none for files of narrows]
    #[arg(long, value_name = "LIST", value_parser = filled(list(not_negative::<f32>)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixel_mean: Option<List<f32>>,
    /// Standard deviations that it divides by after that [default: those of --arch, or of ImageNet:
    /// 0.229,0.224,0.225; none for files of narrows]
    #[arg(long, value_name = "LIST", value_parser = filled(list(positive)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixel_std: Option<List<f32>>,
}

impl ForeignOptions {
    /// What an ONNX network does to pixels first, if that was said.
    pub fn pixels(&self) -> Result<Option<Pixels>, Error> {
        if self.arch.is_none() && self.pixel_mean.is_none() && self.pixel_std.is_none() {
            return Ok(None);
        }
        let known = self.arch.as_deref().map(|arch| Backbone::of(arch, Naming::Torchvision));
        let pixels = known.transpose()?.and_then(|backbone| backbone.pixels()).unwrap_or(IMAGENET);
        let three = |option: &str, given: &Option<List<f32>>, usual| match given {
            None => Ok(usual),
            Some(List(given)) => <[f32; 3]>::try_from(&given[..]).map_err(|_| {
                Error::new(format!(
                    "{option}: has {} numbers: give one for each of red, green and blue",
                    given.len()
                ))
            }),
        };
        Ok(Some(Pixels {
            mean: three("--pixel-mean", &self.pixel_mean, pixels.mean)?,
            std: three("--pixel-std", &self.pixel_std, pixels.std)?,
        }))
    }
}

fn names() -> PossibleValuesParser {
    ARCHITECTURES.iter().flat_map(|known| known.names).copied().collect::<Vec<_>>().into()
}
