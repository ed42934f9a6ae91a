//! The methods that can be compared, by name.

use super::augmentation::Items;
use super::semi::{SemiMethod, SemiOptions};
use super::values::{Auto, List, auto, count, filled, list};
use crate::defaults;
use clap::{Args, Parser};
use narrows_datasets::Dataset;
use narrows_models::approach::SemiApproach;
use narrows_models::{Approach, Architecture, Method, SampleShape};
use serde::{Serialize, Serializer};
use std::sync::LazyLock;

/// The help of an option for [`ApproachName`]s.
pub static HELP: LazyLock<String> =
    LazyLock::new(|| format!("What to compare, separated by commas: {}", names().join(", ")));

/// A method by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApproachName {
    Transfer(Method),
    Semi(SemiMethod),
}

impl ApproachName {
    fn all() -> Vec<ApproachName> {
        let transfers = Method::ALL.iter().map(|(_, method)| ApproachName::Transfer(*method));
        transfers.chain(SemiMethod::ALL.map(ApproachName::Semi)).collect()
    }

    pub fn name(self) -> &'static str {
        match self {
            ApproachName::Transfer(method) => method.name(),
            ApproachName::Semi(method) => method.name(),
        }
    }
}

fn names() -> Vec<&'static str> {
    ApproachName::all().into_iter().map(ApproachName::name).collect()
}

/// Reads a name.
pub fn approach(text: &str) -> Result<ApproachName, String> {
    let found = ApproachName::all().into_iter().find(|approach| approach.name() == text);
    found.ok_or_else(|| format!("it must be one of {}", names().join(", ")))
}

impl Serialize for ApproachName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What of semi-supervised methods is set where they are compared with others; the rest is as `narrows semi` has it.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Semi-supervised training")]
pub struct ComparedSemi {
    /// How often pseudo-labels, mean-teacher, vat and ladder see all samples; auto: as narrows semi
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(1, 1_000_000)))]
    pub semi_epochs: Auto,
    /// The widths of their hidden layers, the last one that of the code; auto: as narrows semi, from scratch
    #[arg(long, value_name = "LIST", default_value = "auto", value_parser = auto(filled(list(count(1, 65_536)))))]
    pub semi_widths: Auto<List<usize>>,
    /// What is done to each sample, in each epoch anew: as --augment of narrows semi
    #[arg(long, value_name = "LIST", default_value = defaults::AUGMENT, value_parser = super::augmentation::augmentation)]
    pub semi_augment: Items,
}

/// The options of `narrows semi` alone, to ask clap for their defaults.
#[derive(Debug, Parser)]
struct Alone {
    #[command(flatten)]
    semi: SemiOptions,
}

impl ComparedSemi {
    /// The method of that name on `data`; its network is of the kind of `architecture`.
    pub fn approach(&self, name: ApproachName, data: &Dataset, architecture: &Architecture) -> Approach {
        let method = match name {
            ApproachName::Transfer(method) => return Approach::Transfer(method),
            ApproachName::Semi(method) => method,
        };
        let mut options = Alone::parse_from(["narrows", "--method", method.name()]).semi;
        options.epochs = self.semi_epochs;
        options.augment = self.semi_augment;
        let (mut widths, mut latent, activation) =
            defaults::semi::architecture(method, architecture.model, SampleShape::of(data));
        if let Auto::Given(List(given)) = &self.semi_widths
            && let Some((last, others)) = given.split_last()
        {
            (widths, latent) = (others.to_vec(), *last);
        }
        // Its own loop has the metric of the labels' choice too, but for the seed nothing of the draw.
        let training = options.resolve(data, architecture.model, 0);
        Approach::Semi(Box::new(SemiApproach {
            name: method.name().to_string(),
            architecture: Architecture {
                widths,
                latent,
                code_activation: activation,
                ..architecture.clone()
            },
            training,
        }))
    }
}
