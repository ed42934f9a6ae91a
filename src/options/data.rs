//! Which samples, and how many of their labels.

use super::values::{count, name};
use crate::defaults;
use clap::Args;
use narrows_datasets::{Channels, ImageOptions};
use serde::{Serialize, Serializer};
use std::path::PathBuf;

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Data")]
pub struct DataOptions {
    /// A folder of MNIST-style IDX files, plain or .gz; of CIFAR-10's .bin batches; or of PNG and JPEG images, by
    /// class: train/CLASS and test/CLASS, or CLASS alone, where one image in six is for the test
    /// [default: the built-in digits, 1,797 images of 8x8, 500 of them for the test]
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// The size that images are scaled to, and their centre cut out: 32, or 32x48 for height and width
    /// [default: that of the images, if all have the same]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "size_text")]
    pub image_size: Option<(usize, usize)>,
    /// The channels of images: grey, rgb, or auto, grey if all images are
    #[arg(long, value_name = "NAME", default_value = defaults::CHANNELS, value_parser = name(&CHANNELS))]
    #[serde(serialize_with = "channels_name")]
    pub channels: Channels,
    /// List images that cannot be read, and go on without them
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", action = clap::ArgAction::Set)]
    pub skip_bad: bool,
    /// Tell this class apart from all others, which become one, rest [default: all classes from each other]
    #[arg(long, value_name = "CLASS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against_rest: Option<String>,
}

const CHANNELS: [(&str, Channels); 3] =
    [("auto", Channels::Auto), ("grey", Channels::Grey), ("rgb", Channels::Rgb)];

impl DataOptions {
    /// How to read images, by so many threads.
    pub fn image_options(&self, threads: usize) -> ImageOptions {
        let (size, channels, skip_bad) = (self.image_size, self.channels, self.skip_bad);
        ImageOptions { size, channels, skip_bad, threads, cache: None }
    }
}

/// Reads a height and a width.
fn size(text: &str) -> Result<(usize, usize), String> {
    let side = count(1, ImageOptions::LARGEST_SIZE);
    let (height, width) = text.split_once('x').unwrap_or((text, text));
    let size = side(height).and_then(|height| Ok((height, side(width)?)));
    size.map_err(|e| format!("{e}, or two of them for height and width, as in 32x48"))
}

fn size_text<S: Serializer>(size: &Option<(usize, usize)>, serializer: S) -> Result<S::Ok, S::Error> {
    let (height, width) = size.unwrap_or_default();
    serializer.serialize_str(&format!("{height}x{width}"))
}

fn channels_name<S: Serializer>(channels: &Channels, serializer: S) -> Result<S::Ok, S::Error> {
    let found = CHANNELS.iter().find(|(_, other)| other == channels);
    serializer.serialize_str(found.map_or(defaults::CHANNELS, |(name, _)| name))
}

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Labels")]
pub struct LabelOptions {
    /// The labels to train a classifier on
    #[arg(long, value_name = "N", default_value_t = defaults::LABELS, value_parser = count(1, u32::MAX as usize))]
    pub labels: usize,
    /// The labels to validate it on, which choose the epoch and the learning rate
    #[arg(long, value_name = "N", default_value_t = defaults::VALIDATION, value_parser = count(1, u32::MAX as usize))]
    pub validation: usize,
}

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Labels")]
pub struct DrawOptions {
    /// How often to choose anew which samples keep their label
    #[arg(long, value_name = "N", default_value_t = defaults::DRAWS, value_parser = count(1, 10_000))]
    pub draws: usize,
}
