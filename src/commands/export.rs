//! `narrows export`: a model for other programs.

use super::data::check_free;
use super::inputs::Loaded;
use super::refuse;
use crate::cli::options::export::{Export, Layers};
use crate::error::{Error, bail, ensure};
use crate::output::numbers::{counted, size, thousands};
use crate::output::tables::lines::lines;
use narrows_datasets::{Preparation, write_atomically};
use narrows_engine::Params;
use narrows_models::SampleShape;
use narrows_models::architecture::ENCODER;
use narrows_models::export::{ImageOrder, Portable};
use narrows_models::model_file::Description;
use serde_json::to_string;

/// The formats, by the ending of the file.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Onnx,
    Safetensors,
}

pub fn run(options: &Export, explicit: &[String]) -> Result<String, Error> {
    let Export { run, out, layers, probabilities, input_order, .. } = options;
    let format = match out.extension().map(|ending| ending.to_ascii_lowercase()) {
        Some(ending) if ending == "onnx" => Format::Onnx,
        Some(ending) if ending == "safetensors" => Format::Safetensors,
        _ => bail!(out, "is of no format to write: give a file that ends in .onnx or .safetensors"),
    };
    if format == Format::Safetensors {
        let reason = "a .safetensors file has weights alone: write .onnx";
        refuse(explicit, &["probabilities", "input_order"], reason)?;
    }
    check_free(out, options.force)?;
    let image_size = options.image_size.as_ref().map(|size| size.value);
    let model = Loaded::open_encoder(run, &options.foreign, image_size)?;
    let Loaded { path, description, params, .. } = &model;
    let architecture = &description.architecture;
    if image_size.is_some() && architecture.backbone.is_none() {
        bail!(path, "the model is for images of {}: leave --image-size out", architecture.input);
    }
    ensure!(
        !probabilities || (description.classes.is_some() && *layers == Layers::All),
        path,
        "there are no classes: leave --probabilities out, or give a classifier and all its layers"
    );
    let is_encoder = *layers == Layers::Encoder
        || (description.classes.is_none() && architecture.backbone.is_some());
    let sample = architecture.input;
    let (output, mut network) = if is_encoder {
        let mut encoder = Params::zeros(&architecture.encoder_alone()?);
        encoder.copy_from(params, ENCODER).map_err(narrows_models::Error::from)?;
        ("features", Portable::new(sample, &architecture.encoder_spec()?, &encoder))
    } else {
        let network = Portable::new(sample, &description.spec()?, params);
        match description.classes {
            Some(_) if *probabilities => ("probabilities", network),
            Some(_) => ("logits", network),
            None => ("reconstruction", network.with_images()),
        }
    };
    let folded = options.fold_batch_norm.then(|| network.fold_batch_norm());
    let metadata = metadata(description, output)?;
    let bytes = match format {
        Format::Onnx => {
            let softmax = probabilities.then(|| description.temperature.unwrap_or(1.0));
            network.to_onnx(*input_order, output, softmax, metadata)?
        }
        Format::Safetensors => network.to_safetensors(metadata)?,
    };
    write_atomically(out, &bytes)
        .map_err(|e| Error::at(out, format_args!("cannot be written: {e}")))?;

    let image = |[height, width, channels]: [usize; 3]| match (format, input_order) {
        (Format::Onnx, ImageOrder::ChannelsLast) => {
            format!("(batch, {height}, {width}, {channels})")
        }
        _ => format!("(batch, {channels}, {height}, {width})"),
    };
    let shape = match sample {
        SampleShape::Flat(values) => format!("(batch, {values})"),
        SampleShape::Image(sizes) => image(sizes),
    };
    let values = match (output, sample, description.classes) {
        ("reconstruction", ..) => shape.clone(),
        ("features", ..) => format!("(batch, {})", architecture.latent),
        (_, _, classes) => format!("(batch, {})", classes.unwrap_or_default()),
    };
    let weights = counted(network.values(), "weight");
    let mut text = vec![
        ("model", format!("{}, {weights}", architecture.name())),
        ("input", format!("{shape}: {}", prepared(description))),
        ("output", format!("{values}: {output}")),
    ];
    if let Some(folded) = folded {
        text.push(("batch norms", format!("{} folded", thousands(folded))));
    }
    text.push(("file", format!("{} ({})", out.display(), size(bytes.len() as u64))));
    Ok(lines(&text))
}

/// The values that the network takes, in words.
fn prepared(description: &Description) -> String {
    let is_image = matches!(description.architecture.input, SampleShape::Image(_));
    match &description.preparation {
        Some(Preparation::Bytes { max }) => {
            let what = if is_image { "pixels" } else { "bytes" };
            format!("{what} divided by {max}")
        }
        Some(Preparation::Floats) => "values as they are in the data".into(),
        Some(Preparation::Scaled { shift, scale }) => {
            format!("(value - {shift}) * {scale}")
        }
        Some(Preparation::Table(table)) => format!(
            "the {} values of {}, in the order and with the means, deviations and categories that \
             the file's metadata name",
            thousands(table.feature_names().len()),
            counted(table.columns().len(), "column"),
        ),
        None => "pixels in [0, 1]".into(),
    }
}

/// What the file says beside the network: texts, and lists and objects as JSON.
fn metadata(description: &Description, output: &str) -> Result<Vec<(String, String)>, Error> {
    let json = |result: Result<String, serde_json::Error>| {
        result.map_err(|e| Error::new(format!("the description cannot be written: {e}")))
    };
    let mut all = vec![
        ("model".to_owned(), description.architecture.name().to_owned()),
        ("output".to_owned(), output.to_owned()),
        ("trained_on".to_owned(), description.dataset.clone()),
        ("input".to_owned(), prepared(description)),
    ];
    let mut add = |key: &str, text: String| all.push((key.to_owned(), text));
    if let Some(preparation) = &description.preparation {
        add("preparation", json(to_string(preparation))?);
    }
    if let Some(Preparation::Table(table)) = &description.preparation {
        add("features", json(to_string(&table.feature_names()))?);
    }
    if !description.class_names.is_empty() {
        add("classes", json(to_string(&description.class_names))?);
    }
    if let Some(label) = &description.label {
        add("label", label.clone());
    }
    if let Some(temperature) = description.temperature {
        add("temperature", temperature.to_string());
    }
    Ok(all)
}
