//! `narrows summary`: the layers of a model.

use super::inputs::{Loaded, check_samples, open};
use super::refuse;
use crate::cli::options::Summary;
use crate::cli::options::architecture::ArchitectureOptions;
use crate::cli::options::values::ids;
use crate::error::Error;
use narrows_models::SampleShape;
use narrows_models::checkpoint::Description;

pub fn run(mut options: Summary, explicit: &[String]) -> Result<String, Error> {
    let description = described(&mut options, explicit)?;
    let network = description.network()?;
    let Description { architecture, classes, .. } = &description;
    let what = match classes {
        Some(classes) => format!("classifier of {classes} classes"),
        None => "autoencoder".to_string(),
    };
    let (model, input) = (architecture.model.name(), architecture.input);
    Ok(format!("{what}, {model}, samples of {input}\n\n{}\n", network.summary(options.batch)))
}

/// The model asked for: a saved one, or that of the options.
fn described(options: &mut Summary, explicit: &[String]) -> Result<Description, Error> {
    if let Some(run) = &options.run {
        refuse(explicit, &ids::<ArchitectureOptions>(), "the architecture is that of the run")?;
        refuse(explicit, &["input", "classes"], "the model is that of the run")?;
        let Loaded { path, description, .. } = Loaded::open(run)?;
        if options.data.data.is_some() {
            check_samples(&path, &description, &open(None, &mut options.data, 0, false)?.train)?;
        }
        return Ok(description);
    }
    let architecture = match options.input {
        Some(input) => options.architecture.resolve(input, true),
        None => {
            let train = open(None, &mut options.data, 0, false)?.train;
            options.architecture.resolve(SampleShape::of(&train), train.in_unit_range())
        }
    };
    Ok(Description { classes: options.classes, ..Description::of(architecture) })
}
