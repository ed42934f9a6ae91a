//! `narrows models`: the known networks, and their public weights.

use super::weights;
use crate::cli::options::models::{Models, ModelsCommand};
use crate::error::Error;
use crate::output::numbers::thousands;
use narrows_models::backbones::{ARCHITECTURES, Backbone, Naming};

pub fn run(options: &Models) -> Result<String, Error> {
    match &options.command {
        None => list(),
        #[cfg(feature = "fetch")]
        Some(ModelsCommand::Fetch(options)) => fetch(options),
        #[cfg(not(feature = "fetch"))]
        Some(ModelsCommand::Fetch(_)) => crate::error::bail!(
            "this narrows was built without the feature fetch: build it with, or fetch the weights \
             by other means"
        ),
    }
}

/// One line a network.
fn list() -> Result<String, Error> {
    let mut text = format!(
        "{:<18}  {:>7}  {:>10}  {:>8}  public weights\n",
        "network", "input", "parameters", "features"
    );
    for known in ARCHITECTURES {
        let backbone = Backbone::of(known.names[0], Naming::Torchvision)?;
        let [height, width] = backbone.size;
        let network = backbone.network(backbone.size, false)?;
        text += &format!(
            "{:<18}  {:>7}  {:>10}  {:>8}  {}\n",
            backbone.name,
            format!("{height}x{width}"),
            thousands(network.summary(1).parameters),
            thousands(network.output().len()),
            availability(&backbone.name)
        );
    }
    text += "\nThe parameters are those up to the features, without the classifier.\n\
             Next: narrows models fetch resnet18\n";
    Ok(text)
}

/// The state of the public weights of the network that goes by `name`.
#[cfg(feature = "fetch")]
fn availability(name: &str) -> String {
    match (weights::fetched(name), weights::public(name)) {
        (Some(path), _) => path.display().to_string(),
        (None, Some(set)) => {
            let bytes: u64 = set.files.iter().map(|file| *file.bytes.end()).sum();
            format!("to fetch, {:.0} MB", bytes as f64 / 1e6)
        }
        (None, None) => "none".to_owned(),
    }
}

/// Without the feature, none can be fetched.
#[cfg(not(feature = "fetch"))]
fn availability(_: &str) -> &'static str {
    "this narrows was built without the feature fetch"
}

#[cfg(feature = "fetch")]
fn fetch(options: &crate::cli::options::models::FetchWeights) -> Result<String, Error> {
    use super::fetching;
    use crate::error::bail;
    use crate::shell::quoted;

    let name = Backbone::of(&options.name, Naming::Torchvision)?.name;
    let Some(set) = weights::public(&name) else {
        bail!("no public weights of {name} are known: name a file of them by --encoder");
    };
    let folder = fetching::fetch(&set, &options.fetching)?;
    let file = set.files.iter().map(|file| folder.join(&file.name)).next().unwrap_or(folder);
    Ok(format!(
        "{name} is in {}\nNext: narrows train photos --encoder {} --arch {name}\n",
        file.display(),
        quoted(file.display())
    ))
}
