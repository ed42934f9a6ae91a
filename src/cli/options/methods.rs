//! The methods that train a classifier, by name.

use super::architecture::ArchitectureOptions;
use super::classifier::ClassifierTraining;
use super::prefixed::{Prefixed, Semi};
use super::semi::{self, SemiMethodOptions, SemiName, SemiNetworkOptions, SemiOptions};
use super::values::{Auto, auto, positive, variant_name};
use crate::error::Error;
use clap::{Args, ValueEnum};
use narrows_datasets::Dataset;
use narrows_models::methods::SemiMethod;
use narrows_models::{Architecture, Method, Metric, SampleShape, Transfer};
use serde::{Serialize, Serializer};
use std::sync::LazyLock;

/// The learning rate of `auto` in semi-supervised training.
pub const SEMI_LR: f32 = 2e-3;

/// The help of `--method`.
pub static METHOD_HELP: LazyLock<String> = LazyLock::new(|| {
    "Method. With labelled samples alone: scratch (new weights), or, from a pretrained encoder \
     (--encoder) and a new last layer, the head: freeze (only the head learns), linear (the \
     head is a logistic regression, fitted to the end), slow (the encoder learns at a tenth of \
     the head's rate), full (both learn at one rate), gradual (the head learns first, then \
     block by block below it), lp-ft (the head learns first, then both). With labelled and all \
     other samples: pseudo-labels (a class predicted with confidence becomes the label of a \
     strongly augmented copy), mean-teacher (predictions agree with those of the average of \
     past weights), vat (virtual adversarial training: predictions stay the same when the input \
     moves a little in the worst direction), ladder (a decoder removes noise from each layer; \
     dense models only). auto: lp-ft with --encoder; without it vat for images, scratch for \
     other data"
        .to_owned()
});

/// The help of `--methods`.
pub static METHODS_HELP: LazyLock<String> = LazyLock::new(|| {
    format!(
        "Methods to compare, separated by commas: {}. auto: {TRANSFERS} at one number of labels, \
         {CURVE} at several, {FOREIGN} from an encoder that others trained",
        names().join(", ").replacen("scratch", "scratch (always included)", 1)
    )
});

/// The methods of `auto` at one number of labels, at several, and from an encoder that others
/// trained.
const TRANSFERS: &str = "scratch,freeze,linear,slow,full,gradual,lp-ft";
const CURVE: &str = "scratch,full";
const FOREIGN: &str = "scratch,linear,lp-ft";

/// A method by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodName {
    Transfer(Transfer),
    Semi(SemiName),
}

impl MethodName {
    fn all() -> Vec<MethodName> {
        let transfers = Transfer::ALL.iter().map(|(_, method)| MethodName::Transfer(*method));
        transfers.chain(SemiName::value_variants().iter().copied().map(MethodName::Semi)).collect()
    }

    pub fn name(self) -> String {
        match self {
            MethodName::Transfer(method) => method.name().to_string(),
            MethodName::Semi(method) => variant_name(&method),
        }
    }
}

fn names() -> Vec<String> {
    MethodName::all().into_iter().map(MethodName::name).collect()
}

/// The baseline and each of `methods` once; without any, those for so many points, or for an
/// encoder that others trained.
pub fn compared(methods: &[MethodName], points: usize, foreign: bool) -> Vec<MethodName> {
    let of = |names: &str| names.split(',').filter_map(|name| method(name).ok()).collect();
    let chosen = match (methods.is_empty(), foreign, points) {
        (false, ..) => methods.to_vec(),
        (true, true, _) => of(FOREIGN),
        (true, false, 0 | 1) => of(TRANSFERS),
        (true, false, _) => of(CURVE),
    };
    // The baseline, which the gains refer to, comes first.
    let mut each = vec![MethodName::Transfer(Transfer::Scratch)];
    for method in chosen {
        if !each.contains(&method) {
            each.push(method);
        }
    }
    each
}

/// Reads a name.
pub fn method(text: &str) -> Result<MethodName, String> {
    let found = MethodName::all().into_iter().find(|method| method.name() == text);
    found.ok_or_else(|| format!("it must be one of {}", names().join(", ")))
}

impl Serialize for MethodName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

/// The training of semi-supervised methods that are compared with others.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Semi-supervised training")]
pub struct ComparedSemi {
    /// Learning rate. auto: 0.002
    #[arg(long, value_name = "RATE", default_value = "auto", value_parser = auto(positive))]
    pub semi_lr: Auto<f32>,
    #[command(flatten)]
    #[serde(flatten)]
    training: Prefixed<ClassifierTraining, Semi>,
    #[command(flatten)]
    #[serde(flatten)]
    options: Prefixed<SemiOptions, Semi>,
    #[command(flatten)]
    #[serde(flatten)]
    network: Prefixed<SemiNetworkOptions, Semi>,
    #[command(flatten)]
    #[serde(flatten)]
    methods: SemiMethodOptions,
}

impl ComparedSemi {
    /// The method of that name on `data`. It starts from an encoder of `architecture`, or has a
    /// network of its own, of the same kind but for its widths and its code.
    pub fn method(
        &self,
        name: MethodName,
        data: &Dataset,
        architecture: &Architecture,
        metric: Metric,
    ) -> Result<Method, Error> {
        let method = match name {
            MethodName::Transfer(method) => return Ok(Method::Transfer(method)),
            MethodName::Semi(method) => method,
        };
        let SemiNetworkOptions { pretrained, widths, latent } = self.network.options();
        let input = SampleShape::of(data);
        let network = match pretrained {
            true => architecture.clone(),
            false => {
                let mut own = ArchitectureOptions {
                    widths: widths.clone(),
                    latent: *latent,
                    code_activation: Auto::Auto,
                    ..ArchitectureOptions::from(architecture)
                };
                own.be_for(method, input);
                own.resolve(input, data.in_unit_range())
            }
        };
        let (mut training, mut options) =
            (self.training.options().clone(), self.options.options().clone());
        semi::check::<Prefixed<ClassifierTraining, Semi>, Prefixed<SemiOptions, Semi>>(
            method, &training, &options, data,
        )?;
        let of_methods = &mut self.methods.clone();
        let lr = self.semi_lr.or(SEMI_LR);
        // Only the seed comes from the draw.
        let training = training.semi(method, (&mut options, of_methods), lr, metric, data, 0);
        Ok(Method::Semi(Box::new(SemiMethod {
            name: variant_name(&method),
            architecture: network,
            from_encoder: *pretrained,
            training,
        })))
    }
}
