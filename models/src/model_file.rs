//! Models on disk: safetensors, with what is needed to rebuild the network in its metadata.
//!
//! The state of a training that goes on later is a [checkpoint](crate::checkpoint).

use crate::architecture::Architecture;
use crate::error::{Error, ErrorKind, error};
use crate::layer_spec::NetworkSpec;
use narrows_datasets::{Dataset, Preparation};
use narrows_engine::{LoadReport, Network, ParamFile, Params};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The metadata key that the description is stored under.
const KEY: &str = "narrows";

/// The model that the weights of a file belong to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The encoder, and with it the rest.
    pub architecture: Architecture,
    /// The classes of a classifier; `None` for an autoencoder.
    pub classes: Option<usize>,
    /// The names of the classes, if they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
    /// The column of a table that the labels came from, if a classifier learnt from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Texts of missing values in the table that it learnt from, beside those that always are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The data set that it was trained on.
    pub dataset: String,
    /// The values that the model sees of the stored ones. Files from before there was a choice do
    /// not say: bytes, divided by their maximum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preparation: Option<Preparation>,
    /// The temperature, by which a classifier's logits are divided before they become
    /// probabilities, if it was fitted
    /// ([`fit_temperature`](crate::evaluation::calibration::fit_temperature)). No prediction
    /// changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
}

impl Description {
    /// The description of an autoencoder whose data are unknown.
    pub fn of(architecture: Architecture) -> Description {
        let dataset = String::new();
        Description {
            architecture,
            classes: None,
            class_names: Vec::new(),
            label: None,
            missing: Vec::new(),
            dataset,
            preparation: None,
            temperature: None,
        }
    }

    /// The description of an autoencoder that learns from `data`.
    pub fn autoencoder(architecture: Architecture, data: &Dataset) -> Description {
        let preparation = Some(data.preparation().clone());
        Description {
            missing: data.provenance().missing.clone(),
            dataset: data.name().to_string(),
            preparation,
            ..Description::of(architecture)
        }
    }

    /// The description of a classifier that learns from `data`.
    pub fn classifier(architecture: Architecture, data: &Dataset) -> Description {
        let (classes, class_names) = (Some(data.classes()), data.class_names().to_vec());
        let label = data.label_name().map(str::to_owned);
        Description { classes, class_names, label, ..Description::autoencoder(architecture, data) }
    }

    /// The layers of the network described.
    ///
    /// # Errors
    /// If it cannot be built.
    pub fn spec(&self) -> Result<NetworkSpec, Error> {
        match self.classes {
            Some(classes) => self.architecture.classifier_spec(classes),
            None if self.architecture.backbone.is_some() => self.architecture.encoder_spec(),
            None => self.architecture.autoencoder_spec(),
        }
    }

    /// The network described.
    ///
    /// # Errors
    /// If it cannot be built.
    pub fn network(&self) -> Result<Network, Error> {
        match self.classes {
            Some(classes) => self.architecture.classifier(classes),
            None if self.architecture.backbone.is_some() => self.architecture.encoder_alone(),
            None => self.architecture.autoencoder(),
        }
    }
}

/// Writes `params` to `path`, all or nothing.
///
/// # Errors
/// If the file cannot be written.
pub fn save(path: &Path, params: &Params, description: &Description) -> Result<(), Error> {
    let failed = |e: &dyn std::fmt::Display| error!(Io, "{}: cannot save: {e}", path.display());
    let json = serde_json::to_string(description).map_err(|e| failed(&e))?;
    let bytes = params.to_safetensors(&[(KEY, &json)]).map_err(|e| failed(&e))?;
    narrows_datasets::write_atomically(path, &bytes).map_err(|e| failed(&e))
}

/// Reads a model back: its description and its parameters.
///
/// # Errors
/// If the file cannot be read, is no model of ours, or its tensors are not those that its
/// description calls for; the message names the file and the tensor.
pub fn load(path: &Path) -> Result<(Description, Network, Params), Error> {
    let failed = |kind, e: String| Error::of_file(kind, path, &e);
    let bytes = std::fs::read(path)
        .map_err(|e| failed(ErrorKind::Io, format!("cannot read the model: {e}")))?;
    read(&bytes).map_err(|e| failed(ErrorKind::Format, e))
}

fn read(bytes: &[u8]) -> Result<(Description, Network, Params), String> {
    let again = |e: narrows_engine::Error| format!("{e}: train the model again");
    let file = ParamFile::read(bytes).map_err(again)?;
    let json = file.metadata(KEY).ok_or_else(|| {
        format!("a safetensors file without the '{KEY}' metadata: give a model that narrows saved")
    })?;
    let description: Description = serde_json::from_str(json)
        .map_err(|e| format!("the '{KEY}' metadata cannot be read: {e}"))?;
    if let Some(temperature) = description.temperature.filter(|t| !(*t > 0.0 && t.is_finite())) {
        return Err(format!(
            "the temperature is {temperature}, not a positive number: calibrate it again"
        ));
    }
    let network = description.network().map_err(|e| e.to_string())?;
    // All tensors are checked before anything is allocated: a description can claim any size.
    LoadReport::new(network.param_entries(), &file).check(false).map_err(again)?;
    let mut params = Params::zeros(&network);
    let _complete = params.copy_from_file(&file);
    Ok((description, network, params))
}
