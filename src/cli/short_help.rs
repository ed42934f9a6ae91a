//! The help of `-h`: the options that matter on one screen. `--help` has them all.

use clap::Command;

/// The options that a command's short help shows, by their names, and their text there.
type Shown = &'static [(&'static str, &'static str)];

const DATA: (&str, &str) = ("data", "A folder of images, a table or an array [default: digits]");
const LABEL: (&str, &str) = ("label", "Column of a table with the labels");
const IGNORE: (&str, &str) = ("ignore", "Columns of a table to leave out");
const LABELS: (&str, &str) = ("labels", "Labels to train on; all");
const VALIDATION: (&str, &str) = ("validation", "Labels for validation");
const DRAWS: (&str, &str) = ("draws", "Random label subsets");
const MODEL: (&str, &str) = ("model", "Network: dense; for images conv, resnet");
const LATENT: (&str, &str) = ("latent", "Values of the latent code");
const WIDTHS: (&str, &str) = ("widths", "Widths of the dense layers");
const EPOCHS: (&str, &str) = ("epochs", "Epochs of training");
const LR: (&str, &str) = ("lr", "Learning rate");
const SEED: (&str, &str) = ("seed", "Seed of everything random");
const OUT: (&str, &str) = ("out", "Folder for the results [default: runs/COMMAND-N]");
const QUIET: (&str, &str) = ("quiet", "Show no progress");
const THREADS: (&str, &str) = ("threads", "Threads; 0: one for each core");
const PART: (&str, &str) = ("part", "Rows to take: all, train, test");
const FORCE: (&str, &str) = ("force", "Replace a file that is there");

/// For each command, and for those of `data`, what its short help shows.
const COMMANDS: [(&str, Shown); 19] = [
    (
        "compare",
        &[
            DATA,
            LABEL,
            LABELS,
            VALIDATION,
            DRAWS,
            ("methods", "Ways of training to compare"),
            ("recipe", "best: also try all methods within --budget; none"),
            ("budget", "Time for the recipe"),
            MODEL,
            LATENT,
            ("epochs", "Epochs of pretraining"),
            SEED,
            OUT,
            QUIET,
            THREADS,
        ],
    ),
    (
        "curve",
        &[
            ("continue", "Go on with the curve of this folder"),
            DATA,
            LABEL,
            LABELS,
            VALIDATION,
            DRAWS,
            ("methods", "Ways of training to compare"),
            ("encoder", "Pretrained encoder; otherwise one is trained"),
            MODEL,
            LATENT,
            ("epochs", "Epochs of pretraining"),
            SEED,
            OUT,
            QUIET,
            THREADS,
        ],
    ),
    (
        "pretrain",
        &[
            DATA,
            LABEL,
            IGNORE,
            MODEL,
            LATENT,
            WIDTHS,
            ("objective", "What the autoencoder learns: plain, denoising, masked, ..."),
            EPOCHS,
            ("batch", "Samples in a step"),
            LR,
            ("augment", "Random changes of images"),
            SEED,
            OUT,
            QUIET,
            THREADS,
        ],
    ),
    (
        "finetune",
        &[
            ("encoder", "Run with the encoder to start from"),
            ("scratch", "Start from a new encoder instead"),
            DATA,
            LABEL,
            IGNORE,
            LABELS,
            VALIDATION,
            ("method", "Way of transfer: lp-ft, gradual, full, slow, freeze"),
            EPOCHS,
            LR,
            ("augment", "Random changes of images"),
            MODEL,
            SEED,
            OUT,
            QUIET,
            THREADS,
        ],
    ),
    (
        "semi",
        &[
            ("encoder", "Run with the encoder to start from"),
            DATA,
            LABEL,
            IGNORE,
            LABELS,
            VALIDATION,
            ("method", "vat, ladder, mean-teacher, pseudo-labels, ..."),
            EPOCHS,
            LR,
            ("augment", "Random changes of images"),
            MODEL,
            SEED,
            OUT,
            QUIET,
            THREADS,
        ],
    ),
    (
        "predict",
        &[
            ("run", "Run folder or .safetensors file of a classifier"),
            ("input", "New data; labels are not needed"),
            ("top", "Classes to write for each row"),
            ("all", "Write the probability of every class"),
            ("out", "File or folder [default: standard output]"),
            PART,
            THREADS,
        ],
    ),
    (
        "evaluate",
        &[
            ("runs", "Runs of one model, or of several classifiers that decide together"),
            DATA,
            LABEL,
            PART,
            ("strict", "Refuse classes that training never saw"),
            ("out", "Folder for the summary"),
            THREADS,
        ],
    ),
    (
        "probe",
        &[
            ("run", "Run with the encoder to probe"),
            ("raw", "Probe the samples themselves"),
            DATA,
            LABEL,
            LABELS,
            VALIDATION,
            DRAWS,
            ("probes", "linear, neighbours, propagation"),
            OUT,
            THREADS,
        ],
    ),
    (
        "score",
        &[
            ("run", "Run of an autoencoder"),
            DATA,
            PART,
            ("quantile", "Mark rows above this quantile of the scores"),
            ("threshold", "Mark rows above this score"),
            OUT,
            THREADS,
        ],
    ),
    ("embed", &[("run", "Run with an encoder"), DATA, PART, OUT, THREADS]),
    (
        "summary",
        &[
            ("run", "Run of a model [default: the one that the options describe]"),
            DATA,
            ("input", "Shape of a sample: 28x28x1, 784"),
            ("classes", "Classes of a classifier"),
            MODEL,
            LATENT,
            WIDTHS,
        ],
    ),
    ("info", &[THREADS, ("isa", "Instruction set: auto, or one that is listed")]),
    (
        "bench",
        &[
            ("seconds", "Seconds to measure"),
            ("json", "Print one line of JSON"),
            THREADS,
            ("isa", "Instruction set: auto, or one that narrows info lists"),
        ],
    ),
    (
        "fetch",
        &[
            ("name", "mnist, fashion-mnist, kmnist or cifar10"),
            ("cache", "Folder to fetch into"),
            ("offline", "Take what was fetched before"),
            QUIET,
        ],
    ),
    (
        "inspect",
        &[
            ("path", "The data"),
            LABEL,
            IGNORE,
            ("sheet", "Picture of some images to write"),
            ("json", "Print JSON"),
            QUIET,
            THREADS,
        ],
    ),
    (
        "pack",
        &[
            ("path", "The data"),
            ("out", "The store to write, which ends in .narrows"),
            LABEL,
            IGNORE,
            FORCE,
            QUIET,
            THREADS,
        ],
    ),
    (
        "split",
        &[
            ("path", "The data"),
            ("out", "Folder to write into"),
            ("train", "Share to learn from"),
            ("validation", "Share for validation"),
            ("test", "Share for the test"),
            LABEL,
            SEED,
            QUIET,
            THREADS,
        ],
    ),
    ("verify", &[("path", "The data"), QUIET, THREADS]),
    (
        "export",
        &[
            ("path", "The data"),
            ("out", "File to write; its ending is the format"),
            PART,
            LABEL,
            FORCE,
            QUIET,
            THREADS,
        ],
    ),
];

/// `root`, each command of which shows the options that matter, in one list.
pub fn short(root: Command) -> Command {
    short_below(root, "narrows")
}

fn short_below(mut root: Command, path: &str) -> Command {
    let names: Vec<String> = root.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        root = root.mut_subcommand(&name, |command| match command.has_subcommands() {
            true => short_below(command, &format!("{path} {name}")),
            false => shortened(command, path, &name),
        });
    }
    root
}

fn shortened(command: Command, path: &str, name: &str) -> Command {
    let Some((_, shown)) = COMMANDS.iter().find(|(command, _)| *command == name) else {
        return command;
    };
    command
        .mut_args(|arg| {
            let name = arg.get_long().map_or_else(|| arg.get_id().to_string(), str::to_owned);
            match shown.iter().find(|(shown, _)| *shown == name) {
                Some((_, help)) => {
                    let takes_value = arg.get_action().takes_values();
                    let arg = arg.help(*help).help_heading(None::<&str>);
                    if takes_value { arg.hide_possible_values(true) } else { arg }
                }
                None => arg.hide_short_help(true),
            }
        })
        .after_help(format!("All options: {path} {name} --help"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::options::CommandLine;
    use clap::CommandFactory;

    #[test]
    fn the_short_help_of_each_command_fits_a_screen() {
        let mut root = short(CommandLine::command());
        root.build();
        let mut met = Vec::new();
        let mut commands: Vec<Command> = root.get_subcommands().cloned().collect();
        commands.extend(root.find_subcommand("data").unwrap().get_subcommands().cloned());
        for command in commands.iter().filter(|command| !command.has_subcommands()) {
            let name = command.get_name();
            if name == "help" {
                continue;
            }
            let (_, shown) = COMMANDS.iter().find(|(of, _)| *of == name).expect(name);
            for (option, _) in *shown {
                let is = |arg: &clap::Arg| {
                    arg.get_long() == Some(option) || arg.get_id().as_str() == *option
                };
                assert!(command.get_arguments().any(is), "{name} has no {option}");
            }
            let text = command.clone().render_help().to_string();
            let lines = text.lines().count();
            assert!(lines < 25, "{name}: {lines}\n{text}");
            assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
            met.push(name.to_owned());
        }
        assert_eq!(met.len(), COMMANDS.len());
    }
}
