//! A model: what it is for, and its layers.

use crate::cli::options::info::Info;
use crate::commands::inputs::Loaded;
use crate::error::Error;
use crate::output::numbers::counted;
use crate::output::tables::lines::lines;
use narrows_models::SampleShape;
use narrows_models::model_file::Description;
use std::path::Path;

/// The most names of classes and columns to show.
const NAMES: usize = 12;

/// The model of the run `run`; memory is given for `batch` samples.
pub fn saved(run: &Path, batch: usize) -> Result<String, Error> {
    let Loaded { path, description, .. } = Loaded::open(run)?;
    let mut rows = vec![("model", path.display().to_string())];
    rows.push(("trained on", description.dataset.clone()));
    if !description.class_names.is_empty() {
        rows.push(("classes", names(&description.class_names)));
    }
    if let Some(preparation) = &description.preparation {
        let columns = preparation.columns().into_iter().flatten();
        let columns: Vec<String> = columns.map(|column| column.name.clone()).collect();
        if !columns.is_empty() {
            rows.push(("columns", names(&columns)));
        }
    }
    if let Some(temperature) = description.temperature {
        rows.push(("temperature", format!("{temperature:.3}")));
    }
    if let Some(pixels) = description.architecture.backbone.as_ref().and_then(|b| b.pixels()) {
        let three = |values: [f32; 3]| values.map(|x| format!("{x:.4}")).join(", ");
        rows.push(("pixels", format!("red, green, blue in 0 to 1, minus {}", three(pixels.mean))));
        rows.push(("", format!("divided by {}", three(pixels.std))));
    }
    Ok(format!("{}\n{}", lines(&rows), layers(&description, batch)?))
}

/// The model that the options describe, for samples of that shape.
pub fn described(options: &Info, input: SampleShape) -> Result<String, Error> {
    let architecture = options.architecture.clone().resolve(input, true);
    let description = Description { classes: options.classes, ..Description::of(architecture) };
    layers(&description, options.batch)
}

fn layers(description: &Description, batch: usize) -> Result<String, Error> {
    let Description { architecture, classes, .. } = description;
    let what = match (classes, &architecture.backbone) {
        (Some(classes), _) => format!("classifier of {classes} classes"),
        (None, Some(_)) => "encoder".to_string(),
        (None, None) => "autoencoder".to_string(),
    };
    let (model, input) = (architecture.name(), architecture.input);
    let layers = description.network()?.summary(batch);
    Ok(format!("{what}, {model}, samples of {input}\n\n{layers}\n"))
}

/// The first of the names, and the number of all.
fn names(all: &[String]) -> String {
    let first = all.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len() {
        0..=NAMES => first,
        count => format!("{first}, ... ({} in all)", counted(count, "name")),
    }
}
