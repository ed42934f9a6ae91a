//! Options under longer names: `--finetune-epochs` for `--epochs`, where a command has several
//! trainings.

use crate::cli::config;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use serde::ser::Error;
use serde::{Serialize, Serializer};
use std::marker::PhantomData;

/// The word before the names of options.
pub trait Prefix: Clone {
    const WORD: &'static str;
    /// The heading of these options in the help.
    const HEADING: &'static str;
}

#[derive(Clone, Copy, Debug)]
pub struct Pretrain;

#[derive(Clone, Copy, Debug)]
pub struct Finetune;

#[derive(Clone, Copy, Debug)]
pub struct Semi;

impl Prefix for Pretrain {
    const WORD: &'static str = "pretrain";
    const HEADING: &'static str = "Pretraining";
}

impl Prefix for Finetune {
    const WORD: &'static str = "finetune";
    const HEADING: &'static str = "Fine-tuning";
}

impl Prefix for Semi {
    const WORD: &'static str = "semi";
    const HEADING: &'static str = "Semi-supervised training";
}

/// The options `T`, each name with the prefix before it.
#[derive(Clone, Debug)]
pub struct Prefixed<T, P> {
    options: T,
    prefix: PhantomData<P>,
}

impl<T, P> Prefixed<T, P> {
    pub fn options(&self) -> &T {
        &self.options
    }
}

/// Options `T` under their own names or longer ones.
pub trait Named<T>: Args {
    fn options(&self) -> &T;
    fn options_mut(&mut self) -> &mut T;
    /// The name of the option that `T` calls `--name`.
    fn name(name: &str) -> String;
}

impl<T: Args> Named<T> for T {
    fn options(&self) -> &T {
        self
    }

    fn options_mut(&mut self) -> &mut T {
        self
    }

    fn name(name: &str) -> String {
        format!("--{name}")
    }
}

impl<T: Args, P: Prefix> Named<T> for Prefixed<T, P> {
    fn options(&self) -> &T {
        &self.options
    }

    fn options_mut(&mut self) -> &mut T {
        &mut self.options
    }

    fn name(name: &str) -> String {
        format!("--{}-{name}", P::WORD)
    }
}

/// The options of `T` alone.
fn command<T: Args>() -> Command {
    T::augment_args(Command::new("options").no_binary_name(true).args_override_self(true))
}

/// The id of a prefixed option.
fn id<P: Prefix>(arg: &Arg) -> String {
    format!("{}_{}", P::WORD, arg.get_id())
}

impl<T: Args, P: Prefix> Args for Prefixed<T, P> {
    fn augment_args(parent: Command) -> Command {
        let add = |parent: Command, arg: &Arg| {
            let long = format!("{}-{}", P::WORD, arg.get_long().expect("each has a name"));
            let arg = arg.clone().id(id::<P>(arg)).long(long).help_heading(P::HEADING);
            parent.arg(arg)
        };
        command::<T>().get_arguments().fold(parent, add)
    }

    fn augment_args_for_update(parent: Command) -> Command {
        Self::augment_args(parent)
    }
}

impl<T: Args, P: Prefix> FromArgMatches for Prefixed<T, P> {
    /// The values given, read once more under the names that `T` knows.
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let command = command::<T>();
        let mut words = Vec::new();
        for arg in command.get_arguments() {
            let id = id::<P>(arg);
            if matches.value_source(&id) != Some(ValueSource::CommandLine) {
                continue;
            }
            let long = arg.get_long().expect("each has a name");
            let values = matches.get_raw(&id).into_iter().flatten();
            words.extend(values.map(|value| format!("--{long}={}", value.to_string_lossy())));
        }
        let options = T::from_arg_matches(&command.try_get_matches_from(words)?)?;
        Ok(Prefixed { options, prefix: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<T: Serialize, P: Prefix> Serialize for Prefixed<T, P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let table = config::table(&self.options).map_err(S::Error::custom)?;
        serializer
            .collect_map(table.iter().map(|(key, value)| (format!("{}-{key}", P::WORD), value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Clone, Debug, Args, Serialize)]
    #[serde(rename_all = "kebab-case")]
    struct Steps {
        #[arg(long, default_value_t = 3)]
        epochs: usize,
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
              default_value = "false", default_missing_value = "true",
              action = clap::ArgAction::Set)]
        first_only: bool,
        #[arg(long, default_value_t = 0.1)]
        rate: f32,
    }

    #[derive(Debug, Parser, Serialize)]
    struct Line {
        #[command(flatten)]
        #[serde(flatten)]
        plain: Steps,
        #[command(flatten)]
        #[serde(flatten)]
        semi: Prefixed<Steps, Semi>,
    }

    #[test]
    fn names_get_longer_and_values_stay() {
        let line = ["narrows", "--epochs", "7", "--semi-first-only", "--semi-rate", "0.3"];
        let line = Line::try_parse_from(line).unwrap();
        let Steps { epochs, first_only, rate } = line.semi.options();
        assert_eq!((*epochs, *first_only, *rate), (3, true, 0.3));
        assert_eq!((line.plain.epochs, line.plain.first_only), (7, false));
        let written = toml::to_string(&line).unwrap();
        let lines: Vec<&str> = written.lines().collect();
        assert_eq!(
            lines,
            [
                "epochs = 7",
                "first-only = false",
                "rate = 0.1",
                "semi-epochs = 3",
                "semi-first-only = true",
                "semi-rate = 0.3"
            ]
        );
        assert_eq!(<Prefixed<Steps, Semi> as Named<Steps>>::name("rate"), "--semi-rate");
        let wrong = Line::try_parse_from(["narrows", "--semi-epochs", "x"]).unwrap_err();
        assert!(wrong.to_string().contains("--semi-epochs"), "{wrong}");
    }
}
