//! The options of `narrows tune`: those of the search, and those of a comparison, which hold for
//! all of its trials.

use super::compare::Compare;
use super::values::{Auto, Written, auto, count, time};
use clap::{ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(args_override_self = true, allow_negative_numbers = true)]
pub struct Tune {
    #[command(flatten)]
    #[serde(flatten)]
    pub search: SearchOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub base: Base,
}

#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Search")]
pub struct SearchOptions {
    /// Time for the whole command, the final test included: 90s, 10m, 2h [default: 10m; with
    /// --trials, no limit]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub budget: Option<Written<Duration>>,
    /// Number of trials of the whole study [default: as many as the time allows]
    #[arg(long, value_name = "N", value_parser = count(1, 10_000_000))]
    pub trials: Option<usize>,
    /// Goal: accuracy (of a classifier, on validation labels), reconstruction (error of an
    /// autoencoder, on samples held out)
    #[arg(long, value_name = "NAME", default_value = "accuracy", hide_possible_values = true)]
    pub goal: GoalName,
    /// File with the search space: options, and the values to try [default: a space for the
    /// methods and the data; it is written into the study's folder]
    #[arg(long, value_name = "FILE")]
    pub space: Option<PathBuf>,
    /// Strategy: tpe (tree-structured Parzen estimator over all parameters together),
    /// tpe-univariate (parameter by parameter), random, grid, coarse-to-fine (random, then random
    /// in the region of the best)
    #[arg(long, value_name = "NAME", default_value = "tpe", hide_possible_values = true)]
    pub strategy: StrategyName,
    /// Values of each numeric parameter in a grid
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = count(1, 1000))]
    pub grid_points: usize,
    /// Early end of poor trials: asha (a trial pauses after a ninth and a third of its epochs, and
    /// the best third go on), hyperband (the same, but some trials begin with more epochs),
    /// none. auto: asha for tpe, none for other strategies
    #[arg(long, value_name = "NAME", default_value = "auto",
          value_parser = auto(super::values::variant::<EarlyEndName>))]
    pub early_end: Auto<EarlyEndName>,
    /// Number of label draws of each trial. The draws of the final test are others; where labels
    /// are few, they have labels in common. auto: 5, or as many as have 500 validation labels, but
    /// at least 2
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(1, 1000)))]
    pub trial_draws: Auto,
    /// Number of trials at a time, each on an equal share of the threads. auto: one for each thread
    #[arg(long, value_name = "N", default_value = "auto", value_parser = auto(count(1, 1024)))]
    pub parallel: Auto,
    /// Folder of the study. A study that is there is continued; several processes may work on it
    /// at once [default: new folder runs/tune-N]
    #[arg(long, value_name = "DIR")]
    #[serde(skip)]
    pub study: Option<PathBuf>,
    /// Work on trials alone, and leave the final test to a process without --worker
    #[arg(long, requires = "study")]
    #[serde(skip)]
    pub worker: bool,
}

/// The measure of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GoalName {
    Accuracy,
    Reconstruction,
}

/// The choice of the next trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyName {
    Tpe,
    TpeUnivariate,
    Random,
    Grid,
    CoarseToFine,
}

/// The early end of poor trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EarlyEndName {
    Asha,
    Hyperband,
    None,
}

const METHODS: &str = "Methods to choose from, separated by commas, by the names of narrows \
                       compare. auto: scratch,lp-ft; with --encoder scratch,lp-ft from that";
const DRAWS: &str =
    "Number of label draws of the final test, of the best trial and of the defaults";

/// The options of `narrows compare`, less those that a search has no use for.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Base(pub Compare);

impl Base {
    /// The ids of the options without a use, and why they have none.
    pub const UNUSED: [(&str, &str); 6] = [
        ("auto", "narrows tune tries the methods of --methods"),
        ("limit", "narrows tune has a budget of its own"),
        ("references", "narrows tune searches for settings, and references have none"),
        ("ensemble", "trials train one classifier for each draw"),
        ("out", "name the study's folder by --study"),
        ("resume", "name the study's folder by --study: the same command continues it"),
    ];
}

impl Args for Base {
    fn augment_args(command: Command) -> Command {
        let command = Compare::augment_args(command)
            .mut_arg("methods", |arg| arg.help(METHODS))
            .mut_arg("draws", |arg| arg.help(DRAWS))
            .mut_arg("limit", |arg| arg.long("limit"));
        Base::UNUSED
            .into_iter()
            .fold(command, |command, (id, _)| command.mut_arg(id, |arg| arg.hide(true)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Base {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Base, clap::Error> {
        Compare::from_arg_matches(matches).map(Base)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}
