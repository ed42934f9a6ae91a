//! The search space of a study: the file of `--space`, or the one built in, for the methods and the
//! data at hand.

use super::configuration::METHOD;
use crate::cli::options::augmentation::Items;
use crate::cli::options::semi::{SemiName, weak};
use crate::cli::{config, parse};
use crate::error::{Error, bail, ensure};
use narrows_datasets::{Augmentation, Dataset};
use narrows_models::tuning::{Domain, Space, Value};
use narrows_models::{Model, SampleShape};
use std::collections::BTreeMap;
use std::path::Path;

/// The space where no other is given.
const DEFAULT: &str = include_str!("spaces/default.toml");

/// All that a condition may say of the method.
const METHODS: &str = r#"["scratch", "freeze", "slow", "full", "gradual", "lp-ft", "pseudo-labels",
"mean-teacher", "vat", "ladder", "autoencoder"]"#;

/// The method of a search for an autoencoder alone.
pub const AUTOENCODER: &str = "autoencoder";

/// What is known before the search begins.
pub struct Known<'a> {
    pub train: &'a Dataset,
    pub model: Model,
    /// An encoder is there already.
    pub encoder: bool,
    /// The methods to choose from, at least one.
    pub methods: Vec<String>,
    /// True if the command line named them.
    pub methods_given: bool,
}

/// The space of the file `path`, or the one built in.
pub fn space(path: Option<&Path>, known: &mut Known<'_>) -> Result<Space, Error> {
    let text = match path {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|e| Error::at(path, format_args!("cannot read the search space: {e}")))?,
        None => DEFAULT.to_string(),
    };
    let read = |text: &str| {
        Space::read(text, &|name, value| known.check(name, value)).map_err(|e| match path {
            Some(path) => Error::at(path, e),
            None => Error::new(format!("the space built in: {e}")),
        })
    };
    // Behind the text, so that its lines keep their numbers.
    let tables = text.parse::<toml::Table>().unwrap_or_default();
    let has_method = tables.contains_key(METHOD);
    if let Some(name) =
        ["data", "network", "encoder"].iter().find(|name| tables.contains_key(**name))
    {
        let problem = format!("[{name}]: this name is for conditions alone: leave it out");
        return Err(path.map_or(Error::new(&problem), |path| Error::at(path, &problem)));
    }
    let method = if has_method { String::new() } else { format!("[{METHOD}]\nchoice = {METHODS}") };
    let all = format!(
        "{text}\n{method}\n[data]\nchoice = [\"images\", \"other\"]\n[network]\nchoice = \
         [\"dense\", \"conv\", \"resnet\"]\n[encoder]\nchoice = [\"new\", \"given\", \"none\"]\n"
    );
    let mut space = read(&all)?;
    if has_method {
        known.take_methods(&space)?;
    }
    let mut facts = known.facts();
    match &known.methods[..] {
        [only] => drop(facts.insert(METHOD.to_string(), only.clone())),
        several => space = with_methods(space, several),
    }
    space = space.without(&facts);
    for parameter in &mut space.parameters {
        match &mut parameter.domain {
            Domain::Choice(values)
                if path.is_none() && parameter.name == "widths" && known.model != Model::Dense =>
            {
                *values = known.widths();
            }
            Domain::Choice(values) => {
                values.iter_mut().for_each(|value| *value = known.in_size(value));
            }
            Domain::Integer { low, high, .. } if path.is_none() && parameter.name == "latent" => {
                // Principal components, which are measured beside an autoencoder, are no more.
                *high = (*high).min(known.train.sample_len() as i64);
                *low = (*low).min((*high / 2).max(1));
            }
            _ => {}
        }
    }
    // A table of one column leaves nothing to choose.
    space.parameters.retain(
        |parameter| !matches!(parameter.domain, Domain::Integer { low, high, .. } if low == high),
    );
    if space.parameters.is_empty() {
        let methods = known.methods.join(",");
        bail!("the search space has no parameter for {methods}: give another by --space")
    }
    Ok(space)
}

/// The space for `methods` alone, of which there are several.
fn with_methods(mut space: Space, methods: &[String]) -> Space {
    let is_one = |value: &Value| matches!(value, Value::Text(name) if methods.contains(name));
    space.parameters.retain_mut(|parameter| {
        if let Domain::Choice(names) = &mut parameter.domain
            && parameter.name == METHOD
        {
            names.retain(is_one);
        }
        let of_method = parameter.conditions.iter_mut().filter(|c| c.parameter == METHOD);
        of_method.fold(true, |possible, condition| {
            condition.is.retain(is_one);
            possible && !condition.is.is_empty()
        })
    });
    // A condition that always holds says nothing.
    for parameter in &mut space.parameters {
        parameter.conditions.retain(|c| c.parameter != METHOD || c.is.len() < methods.len());
    }
    space
}

impl Known<'_> {
    /// Takes the methods from the space that a file has for them: those of `--methods` among them,
    /// if that was given.
    fn take_methods(&mut self, space: &Space) -> Result<(), Error> {
        let Some(of) = space.parameters.iter().find(|of| of.name == METHOD) else { return Ok(()) };
        let Domain::Choice(values) = &of.domain else {
            bail!("the search space: {METHOD} needs a choice of methods")
        };
        let mut names: Vec<String> = values.iter().map(ToString::to_string).collect();
        if self.methods_given {
            names.retain(|name| self.methods.contains(name));
        }
        let given = self.methods.join(",");
        ensure!(!names.is_empty(), "--methods {given}: none of them is in the search space");
        self.methods = names;
        Ok(())
    }

    /// The values of what conditions may name beside parameters.
    fn facts(&self) -> BTreeMap<String, String> {
        let data = if self.train.image_shape().is_some() { "images" } else { "other" };
        let network = Model::ALL.iter().find(|(_, model)| *model == self.model);
        let needs = |method: &String| !["scratch", "ladder"].contains(&method.as_str());
        let encoder = match (self.encoder, self.methods.iter().any(needs)) {
            (true, _) => "given",
            (false, true) => "new",
            (false, false) => "none",
        };
        let network = network.map_or("dense", |(name, _)| name);
        let facts = [("data", data), ("network", network), ("encoder", encoder)];
        facts.map(|(name, value)| (name.to_string(), value.to_string())).into()
    }

    /// The widths of a network for images: half of the usual ones, these, and twice as many.
    fn widths(&self) -> Vec<Value> {
        let usual = self.model.widths(SampleShape::of(self.train));
        let times = |halves: usize| {
            let widths = usual.iter().map(|width| (width * halves / 2).max(1).to_string());
            Value::Text(widths.collect::<Vec<_>>().join(","))
        };
        [1, 2, 4].map(times).into()
    }

    /// A placeholder of an augmentation as that of images of this size.
    fn in_size(&self, value: &Value) -> Value {
        let Value::Text(text) = value else { return value.clone() };
        let shape = self.train.image_shape();
        let items = |augmentation: Augmentation| {
            let list = config::table(&Augment { augment: Items(augmentation) });
            let list = list.ok().and_then(|table| config::flag_value(table.get("augment")?));
            list.filter(|list| !list.is_empty()).unwrap_or_else(|| "none".to_string())
        };
        let strong = SemiName::PseudoLabels.strong(shape);
        Value::Text(text.replace("$weak", &items(weak(shape))).replace("$strong", &items(strong)))
    }

    /// Refuses what is no option of a trial, and values that the option does not take.
    fn check(&self, name: &str, value: &Value) -> Result<(), String> {
        if matches!(name, METHOD | "data" | "network" | "encoder") {
            return match (name, value) {
                (METHOD, Value::Text(text)) if text == AUTOENCODER => Ok(()),
                (METHOD, value) => parse::check_option("methods", &value.to_string()),
                _ => Ok(()),
            };
        }
        if name == "methods" {
            return Err(format!("the parameter that chooses among methods is called {METHOD}"));
        }
        parse::check_option(name, &self.in_size(value).to_string())
    }
}

#[derive(serde::Serialize)]
struct Augment {
    augment: Items,
}

#[cfg(test)]
mod tests {
    use super::*;
    use narrows_datasets::builtin;

    fn names(methods: &[&str], model: Model, encoder: bool) -> Vec<String> {
        let train = builtin(300, 0).train;
        let methods = methods.iter().map(|name| (*name).to_string()).collect();
        let mut known = Known { train: &train, model, encoder, methods, methods_given: true };
        let space = space(None, &mut known).unwrap();
        space.parameters.into_iter().map(|parameter| parameter.name).collect()
    }

    #[test]
    fn the_space_built_in_is_that_of_the_methods() {
        let dense = Model::Dense;
        let scratch = names(&["scratch"], dense, false);
        assert_eq!(
            scratch,
            [
                "finetune-lr",
                "finetune-epochs",
                "finetune-batch",
                "finetune-weight-decay",
                "finetune-label-smoothing",
                "finetune-augment",
                "latent",
                "widths",
                "dropout"
            ]
        );
        let both = names(&["scratch", "lp-ft"], dense, false);
        assert!(both.contains(&METHOD.to_string()) && both.contains(&"objective".to_string()));
        assert!(!names(&["lp-ft"], dense, true).iter().any(|name| name.starts_with("pretrain")));
        let conv = names(&["scratch"], Model::Conv, false);
        assert!(conv.contains(&"widths".to_string()) && !conv.contains(&"latent".to_string()));
        assert!(!names(&["full"], Model::Resnet, true).contains(&"widths".to_string()));
        for method in ["freeze", "slow", "full", "gradual", "pseudo-labels", "vat", "ladder"] {
            assert!(names(&[method], dense, false).len() > 1, "{method}");
        }
        let own = names(&[AUTOENCODER], dense, false);
        assert_eq!(own, ["objective", "pretrain-lr", "pretrain-batch"]);
    }

    #[test]
    fn what_depends_on_the_data_is_in_their_size() {
        let train = builtin(300, 0).train;
        let methods = vec!["scratch".to_string()];
        let (model, encoder, methods_given) = (Model::Dense, false, true);
        let mut known = Known { train: &train, model, encoder, methods, methods_given };
        let space = space(None, &mut known).unwrap();
        let domain = |name: &str| {
            let found = space.parameters.iter().find(|parameter| parameter.name == name);
            found.unwrap().domain.clone()
        };
        assert_eq!(domain("latent"), Domain::Integer { low: 16, high: 64, log: true });
        let Domain::Choice(augmentations) = domain("finetune-augment") else { panic!() };
        let expected = "rotate=10,scale=0.1,shear=5";
        assert_eq!(augmentations[1], Value::Text(expected.to_string()));
        for model in [Model::Conv, Model::Resnet] {
            let methods = vec!["scratch".to_string()];
            let mut known = Known { train: &train, model, encoder, methods, methods_given };
            let space = super::space(None, &mut known).unwrap();
            let widths = space.parameters.iter().find(|of| of.name == "widths").unwrap();
            let usual = model.widths(SampleShape::of(&train));
            let Domain::Choice(values) = &widths.domain else { panic!() };
            let least: Vec<String> = usual.iter().map(|width| (width / 2).to_string()).collect();
            assert_eq!((values.len(), &values[0]), (3, &Value::Text(least.join(","))));
        }
    }
}
