//! The methods that train a classifier, by name.

use super::architecture::ArchitectureOptions;
use super::classifier::ClassifierTraining;
use super::prefixed::{Prefixed, Semi};
use super::semi::{self, Length, SemiMethodOptions, SemiName, SemiNetworkOptions, SemiOptions};
use super::values::{Auto, auto, positive, variant_name};
use crate::error::Error;
use clap::{Args, ValueEnum};
use narrows_datasets::Dataset;
use narrows_models::methods::SemiMethod;
use narrows_models::{Architecture, Method, Metric, Model, Reference, SampleShape, Transfer};
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
         {CURVE} at several, {FOREIGN} from an encoder that others trained. Where there are \
         samples without a label, vat as well, or mean-teacher for colour images and conv or \
         resnet; and those of --references",
        names().join(", ").replacen("scratch", "scratch (always included)", 1)
    )
});

/// The methods of `auto` at one number of labels, at several, and from an encoder that others
/// trained.
const TRANSFERS: &str = "scratch,freeze,linear,slow,full,gradual,lp-ft";
const CURVE: &str = "scratch,full";
const FOREIGN: &str = "scratch,linear,lp-ft";

/// References take more time and memory with more labels, and more values of all.
const MOST_LABELS: usize = 5_000;
const MOST_VALUES: usize = 50_000_000;

/// A method by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodName {
    Transfer(Transfer),
    Semi(SemiName),
    Reference(Reference),
}

impl MethodName {
    fn all() -> Vec<MethodName> {
        let transfers = Transfer::ALL.iter().map(|(_, method)| MethodName::Transfer(*method));
        let semi = SemiName::value_variants().iter().copied().map(MethodName::Semi);
        let references = Reference::ALL.iter().map(|(_, method)| MethodName::Reference(*method));
        transfers.chain(semi).chain(references).collect()
    }

    pub fn name(self) -> String {
        match self {
            MethodName::Transfer(method) => method.name().to_string(),
            MethodName::Semi(method) => variant_name(&method),
            MethodName::Reference(method) => method.name().to_string(),
        }
    }
}

fn names() -> Vec<String> {
    MethodName::all().into_iter().map(MethodName::name).collect()
}

/// What the methods of `auto` depend on.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    pub train: &'a Dataset,
    pub architecture: &'a Architecture,
    /// The numbers of labels to train on, and of those to validate on, ascending.
    pub points: &'a [(usize, usize)],
    /// True if a semi-supervised method joins, where there are samples for it.
    pub semi: bool,
    /// True if references join; `None` where nothing is said of them.
    pub references: Option<bool>,
}

impl Setting<'_> {
    /// The best semi-supervised method for such data and networks, if there are samples without a
    /// label; docs/results/few-labels.md has the measurements.
    fn semi(&self) -> Option<SemiName> {
        let foreign = self.architecture.backbone.is_some();
        let learnt = self.train.learnt();
        let is_left = |(labels, validation): &(usize, usize)| {
            let held = if self.train.validation().is_empty() { *validation } else { 0 };
            *labels >= 2 && labels.saturating_add(held) < learnt
        };
        let photographs = self.train.image_shape().is_some_and(|(.., channels)| channels >= 3)
            && self.architecture.model != Model::Dense;
        match self.semi && self.points.iter().any(is_left) && !foreign {
            true if photographs => Some(SemiName::MeanTeacher),
            true => Some(SemiName::Vat),
            false => None,
        }
    }

    /// True if references cost little beside the methods.
    fn are_references_cheap(&self) -> bool {
        let most = self.points.iter().map(|(labels, _)| *labels).max().unwrap_or(0);
        most <= MOST_LABELS && most.saturating_mul(self.train.sample_len()) <= MOST_VALUES
    }

    /// The methods of `auto`.
    fn methods(&self) -> Vec<MethodName> {
        let of = |names: &'static str| names.split(',').filter_map(|name| method(name).ok());
        let foreign = self.architecture.backbone.is_some();
        let transfers = match (foreign, self.points.len()) {
            (true, _) => of(FOREIGN),
            (false, 0 | 1) => of(TRANSFERS),
            (false, _) => of(CURVE),
        };
        transfers.chain(self.semi().map(MethodName::Semi)).collect()
    }
}

/// The baseline and each of `methods` once; without any, those for the setting.
pub fn compared(methods: &[MethodName], setting: Setting<'_>) -> Vec<MethodName> {
    let (mut chosen, auto) = match methods {
        [] => (setting.methods(), setting.are_references_cheap()),
        given => (given.to_vec(), false),
    };
    if setting.references.unwrap_or(auto) {
        chosen.extend(Reference::ALL.iter().map(|(_, method)| MethodName::Reference(*method)));
    }
    // The baseline, which the gains refer to, comes first.
    let mut each = vec![MethodName::Transfer(Transfer::Scratch)];
    for method in chosen {
        if !each.contains(&method) {
            each.push(method);
        }
    }
    each
}

/// The time of one semi-supervised training on one core of a usual machine.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    pub seconds: f64,
    /// True if it was asked for.
    pub given: bool,
}

/// Reads the name of a method that leaves a classifier.
pub fn trained(text: &str) -> Result<MethodName, String> {
    match method(text) {
        Ok(MethodName::Reference(_)) => {
            Err(format!("{text} is a reference for narrows compare, and leaves no classifier"))
        }
        found => found,
    }
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
        time: Time,
    ) -> Result<Method, Error> {
        let method = match name {
            MethodName::Transfer(method) => return Ok(Method::Transfer(method)),
            MethodName::Reference(reference) => return Ok(Method::Reference(reference)),
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
        // An architecture that makes no sense is told later, by its check.
        let classifier = network.classifier(data.classes())?;
        let Time { seconds, given } = time;
        let length = Length { network: &classifier, seconds, given };
        // Only the seed comes from the draw.
        let of_training = (lr, metric, 0);
        let (training, samples) =
            training.semi(method, (&mut options, of_methods), of_training, data, &length);
        Ok(Method::Semi(Box::new(SemiMethod {
            name: variant_name(&method),
            architecture: network,
            from_encoder: *pretrained,
            training,
            samples,
        })))
    }
}
