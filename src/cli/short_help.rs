//! The help of `-h`: the options that matter on one screen. `--help` has them all.

use clap::Command;

/// The options that a command's short help shows, by their names, and their text there.
type Shown = &'static [(&'static str, &'static str)];

const DATA: (&str, &str) = ("data", "Folder of images, table or array [default: built-in digits]");
const TARGET: (&str, &str) =
    ("target", "Column of a table with the labels [default: label, class, target or y]");
const IGNORE: (&str, &str) = ("ignore", "Columns of a table to leave out");
const MODEL: (&str, &str) = ("model", "Network: dense, or conv and resnet for images");
const LATENT: (&str, &str) = ("latent", "Length of the latent code [default: 20 or less]");
const WIDTHS: (&str, &str) =
    ("widths", "Widths of the layers [default: 512,256; for conv 16,32 or 32,64,128]");
const AUGMENT: (&str, &str) = ("augment", "Random changes of images, such as shift=2,flip");
const SEED: (&str, &str) = ("seed", "Seed of all that is random");
const OUT: (&str, &str) = ("out", "New folder for the results [default: runs/COMMAND-N]");
const QUIET: (&str, &str) = ("quiet", "Show no progress");
const THREADS: (&str, &str) = ("threads", "Threads; 0: one for each core");
const PART: (&str, &str) = ("part", "Rows to take: all, train, test");
const TO_FILE: (&str, &str) = ("out", "New .csv, .npy or .parquet, or folder [default: a folder]");
const FORCE: (&str, &str) = ("force", "Overwrite files that are there");

/// For each command, and for those of `data` and `models`, what its short help shows.
const COMMANDS: [(&str, Shown); 18] = [
    (
        "compare",
        &[
            DATA,
            TARGET,
            ("labels", "Labels to train on: 100, all, or 10,100,all for a curve [default: 100]"),
            ("validation", "Labels for validation [default: 100]"),
            ("draws", "Label draws: random choices of the labels"),
            ("methods", "Methods, such as full,vat,svm [default: 8 of ours, 4 references]"),
            ("budget", "Time of all on one core: 10m [default: 18 s a semi-supervised draw]"),
            ("auto", "The same, and all semi-supervised methods are tried: 10m"),
            ("encoder", "Run folder with a pretrained encoder [default: a new one is trained]"),
            MODEL,
            SEED,
            THREADS,
            OUT,
            QUIET,
        ],
    ),
    (
        "pretrain",
        &[
            DATA,
            IGNORE,
            MODEL,
            LATENT,
            WIDTHS,
            ("objective", "Task: plain, denoising, masked, sparse, variational"),
            ("epochs", "Epochs [default: 5 to 100, by the data's size]"),
            ("batch", "Samples per step [default: 32 to 256, by the data's size]"),
            ("lr", "Learning rate [default: 0.002 for dense, 0.01 for conv and resnet]"),
            AUGMENT,
            SEED,
            THREADS,
            OUT,
            QUIET,
        ],
    ),
    (
        "train",
        &[
            DATA,
            TARGET,
            ("encoder", "Run folder with a pretrained encoder to start from [default: none]"),
            ("method", "lp-ft, full, vat, scratch, ... [default: by --encoder and data]"),
            ("labels", "Labels to train on"),
            ("validation", "Labels for validation [default: a fifth, at most 1,000]"),
            ("epochs", "Epochs [default: 5 to 200, by method and data]"),
            ("lr", "Learning rate [default: 0.01 for fine-tuning, 0.002 for semi-supervised]"),
            AUGMENT,
            MODEL,
            SEED,
            THREADS,
            OUT,
            QUIET,
        ],
    ),
    (
        "tune",
        &[
            DATA,
            TARGET,
            ("budget", "Time for the whole command: 90s, 10m, 2h [default: 10m]"),
            ("trials", "Number of trials [default: as many as the time allows]"),
            ("methods", "Methods to choose from [default: scratch,lp-ft]"),
            ("labels", "Labels to train on [default: 100]"),
            ("validation", "Labels for validation [default: 100]"),
            ("space", "File with the options and values to try [default: by the methods]"),
            ("strategy", "tpe, tpe-univariate, random, grid, coarse-to-fine"),
            ("study", "Folder of the study, continued if it is there [default: runs/tune-N]"),
            MODEL,
            SEED,
            THREADS,
            QUIET,
        ],
    ),
    (
        "predict",
        &[
            ("run", "Run folder or .safetensors file of a classifier"),
            ("data", "New data, no labels needed [default: built-in digits]"),
            ("top", "Classes to write for each row"),
            ("all", "Write the probability of every class"),
            PART,
            THREADS,
            ("out", "New .csv, .npy or .parquet [default: CSV to standard output]"),
            QUIET,
        ],
    ),
    (
        "embed",
        &[
            ("run", "Run folder or .safetensors file with an encoder"),
            DATA,
            PART,
            THREADS,
            TO_FILE,
            QUIET,
        ],
    ),
    (
        "score",
        &[
            ("run", "Run folder or file of an autoencoder or an encoder"),
            DATA,
            PART,
            ("score", "reconstruction or knn, the distance to training rows [default: by RUN]"),
            ("knn-neighbours", "Nearest training rows of --score knn"),
            ("arch", "Network of weights that another program saved: resnet18, ..."),
            ("quantile", "Mark rows above this quantile of the scores: 0.99"),
            ("threshold", "Mark rows above this score"),
            ("normal", "Classes of usual samples, to measure the scores by"),
            THREADS,
            TO_FILE,
            QUIET,
        ],
    ),
    (
        "evaluate",
        &[
            ("run", "Run folder or .safetensors file of a model"),
            DATA,
            TARGET,
            PART,
            ("strict", "Refuse classes that training never saw"),
            ("with", "Another classifier that decides together with RUN"),
            ("probe", "Measure the latent codes by simple classifiers: linear, knn, propagation"),
            THREADS,
            ("out", "New folder for the summary [default: none]"),
            QUIET,
        ],
    ),
    (
        "report",
        &[
            ("runs", "Run folders; several are shown side by side"),
            ("out", "New file [default: report.html in the run folder]"),
            FORCE,
        ],
    ),
    (
        "watch",
        &[
            ("run", "Run folder, of a run that goes on or is done"),
            ("port", "Port of this machine to listen on; 0: a free one [default: 0]"),
        ],
    ),
    (
        "export",
        &[
            ("run", "Run folder or .safetensors file of a model, or an encoder of others"),
            ("out", "New file: .onnx, or .safetensors for weights by PyTorch's names"),
            ("layers", "Layers to write: all, or encoder for the latent code"),
            ("probabilities", "Give probabilities of the classes, not logits"),
            ("fold-batch-norm", "Take batch norm into the layer in front of it"),
            ("input-order", "Order of an image: nchw, nhwc"),
            ("arch", "Network of weights that PyTorch saved: resnet18"),
            FORCE,
        ],
    ),
    (
        "info",
        &[
            ("run", "Run folder or .safetensors file of a model [default: show this machine]"),
            ("input", "Shape of the samples of a new model to show: 28x28x1, 784"),
            ("classes", "Number of classes, to show a classifier"),
            MODEL,
            LATENT,
            WIDTHS,
            THREADS,
            ("isa", "Instruction set: auto, or one that is listed"),
        ],
    ),
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
        "models fetch",
        &[
            ("name", "Network: resnet18, ... [list: narrows models]"),
            ("cache", "Folder to fetch into [default: narrows/models in the user's cache folder]"),
            ("offline", "Check the file that was fetched before; open no connection"),
            QUIET,
        ],
    ),
    (
        "data fetch",
        &[
            ("name", "mnist, fashion-mnist, kmnist or cifar10"),
            ("cache", "Folder to fetch into"),
            ("offline", "Check the files that were fetched before; open no connection"),
            QUIET,
        ],
    ),
    (
        "data inspect",
        &[
            ("path", "Folder of images, table or array"),
            TARGET,
            IGNORE,
            ("sheet", "File for a picture of some images"),
            ("json", "Print JSON"),
            ("verify", "Read every sample; check a store's checksums"),
            THREADS,
            QUIET,
        ],
    ),
    (
        "data convert",
        &[
            ("path", "Folder of images, table or array"),
            ("out", "File to write: .narrows, .npy, .npz, .csv, .idx, .safetensors, .parquet"),
            PART,
            TARGET,
            IGNORE,
            FORCE,
            THREADS,
            QUIET,
        ],
    ),
    (
        "data split",
        &[
            ("path", "Folder of images, table or array"),
            ("out", "New folder to write into"),
            ("train", "Share to train on"),
            ("validation", "Share to validate on"),
            ("test", "Share to test on"),
            TARGET,
            SEED,
            THREADS,
            QUIET,
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
    let path = format!("{path} {name}");
    let is_it = |of: &str| path.strip_prefix("narrows ") == Some(of);
    let Some((_, shown)) = COMMANDS.iter().find(|(of, _)| is_it(of)) else {
        return command;
    };
    command
        .mut_args(|arg| {
            let name = arg.get_long().map_or_else(|| arg.get_id().to_string(), str::to_owned);
            match shown.iter().enumerate().find(|(_, (shown, _))| *shown == name) {
                Some((place, (_, help))) => {
                    let takes_value = arg.get_action().takes_values();
                    let arg = arg.help(*help).help_heading(None::<&str>);
                    let arg =
                        arg.hide_default_value(help.contains("[default")).display_order(place);
                    if takes_value { arg.hide_possible_values(true) } else { arg }
                }
                None => arg.hide_short_help(true),
            }
        })
        .after_help(format!("All options: {path} --help"))
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
        let mut commands: Vec<(String, Command)> = Vec::new();
        for command in root.get_subcommands() {
            commands.push((command.get_name().to_owned(), command.clone()));
            for below in command.get_subcommands() {
                commands
                    .push((format!("{} {}", command.get_name(), below.get_name()), below.clone()));
            }
        }
        commands.retain(|(name, command)| {
            !command.has_subcommands() && !name.split(' ').any(|word| word == "help")
        });
        for (name, command) in commands {
            let (_, shown) = COMMANDS.iter().find(|(of, _)| *of == name).expect(&name);
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
            met.push(name);
        }
        assert_eq!(met.len(), COMMANDS.len());
    }
}
