//! The methods that can be compared, by name.

use super::architecture::ArchitectureOptions;
use super::semi::{SemiName, SemiOptions};
use super::values::{count, variant_name};
use crate::cli::clap_errors;
use crate::error::Error;
use clap::{Args, Parser, ValueEnum};
use narrows_datasets::Dataset;
use narrows_models::methods::SemiMethod;
use narrows_models::{Architecture, Method, SampleShape, Transfer};
use serde::{Serialize, Serializer};
use std::sync::LazyLock;

/// The help of an option for [`MethodName`]s.
pub static HELP: LazyLock<String> =
    LazyLock::new(|| format!("Methods to compare, separated by commas: {}", names().join(", ")));

/// The same where the baseline is always there.
pub static COMPARED_HELP: LazyLock<String> =
    LazyLock::new(|| HELP.replacen("scratch", "scratch (always included)", 1));

/// A method by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodName {
    Transfer(Transfer),
    Semi(SemiName),
}

impl MethodName {
    pub fn is_semi(self) -> bool {
        matches!(self, MethodName::Semi(_))
    }

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

/// Each of `methods` once.
pub fn distinct(methods: &[MethodName]) -> Vec<MethodName> {
    let mut each = Vec::new();
    for &method in methods {
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

/// The number of classifiers that decide together.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Fine-tuning")]
pub struct EnsembleOption {
    /// Classifiers per method and draw, from different seeds; the mean of their probabilities
    /// decides
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count(1, 1000))]
    pub ensemble: usize,
}

/// The training of semi-supervised methods that are compared with others.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Semi-supervised training")]
pub struct SemiMethodOptions {
    /// Options of narrows semi for pseudo-labels, mean-teacher, vat and ladder, in one text:
    /// "--epochs 40 --augment shift=2 --widths 1200". Options of the network may be among them
    #[arg(long, value_name = "OPTIONS", default_value = "", allow_hyphen_values = true,
          value_parser = words)]
    pub semi: Words,
    /// Start semi-supervised methods from the pretrained encoder, too, instead of a network of
    /// their own
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub semi_encoder: bool,
}

/// Options of narrows semi in one text.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Words(String);

/// The options of `narrows semi` that can be given in one text.
#[derive(Debug, Parser)]
#[command(args_override_self = true, allow_negative_numbers = true)]
struct Alone {
    #[command(flatten)]
    semi: SemiOptions,
    #[command(flatten)]
    architecture: ArchitectureOptions,
}

impl Alone {
    /// The options of `words`, and `first` before them.
    fn parse(first: &[&str], Words(words): &Words) -> Result<Alone, String> {
        let all =
            ["narrows"].into_iter().chain(first.iter().copied()).chain(words.split_whitespace());
        Alone::try_parse_from(all).map_err(|e| clap_errors::one_line(&e))
    }
}

fn words(text: &str) -> Result<Words, String> {
    let words = Words(text.to_string());
    if words.0.split_whitespace().any(|word| word.split('=').next() == Some("--method")) {
        return Err("the methods are those of --methods: leave --method out".to_string());
    }
    Alone::parse(&[], &words).map(|_| words)
}

impl SemiMethodOptions {
    /// The method of that name on `data`. Its network is of the kind of `architecture`, which is
    /// that of the encoder.
    pub fn method(
        &self,
        name: MethodName,
        data: &Dataset,
        architecture: &Architecture,
    ) -> Result<Method, Error> {
        let method = match name {
            MethodName::Transfer(method) => return Ok(Method::Transfer(method)),
            MethodName::Semi(method) => method,
        };
        let name = variant_name(&method);
        let first = ["--method", &name, "--model", architecture.model.name()];
        let mut alone =
            Alone::parse(&first, &self.semi).map_err(|e| Error::new(format!("--semi: {e}")))?;
        let input = SampleShape::of(data);
        let own = match self.semi_encoder {
            true => architecture.clone(),
            false => {
                alone.architecture.be_for(method, input);
                alone.architecture.resolve(input, data.in_unit_range())
            }
        };
        alone.semi.check(data)?;
        // Only the seed comes from the draw.
        let training = alone.semi.resolve(data, 0);
        Ok(Method::Semi(Box::new(SemiMethod {
            name,
            architecture: own,
            from_encoder: self.semi_encoder,
            training,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_semi_come_in_one_text() {
        let read = words("--epochs 3 --augment shift=2,rotate=5 --widths=40 --latent 30").unwrap();
        let alone = Alone::parse(&["--method", "vat", "--epochs", "7"], &read).unwrap();
        assert_eq!(alone.semi.epochs, super::super::values::Auto::Given(3));
        assert_eq!(alone.semi.method, SemiName::Vat);
        for (text, expected) in [
            ("--method vat", "leave --method out"),
            ("--epoch 3", "--epoch"),
            ("40", "40"),
            ("--epochs 0", "epochs"),
        ] {
            let e = words(text).unwrap_err();
            assert!(e.contains(expected) && !e.contains('\n'), "{text}: {e}");
        }
    }
}
