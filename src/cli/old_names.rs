//! Names of commands and options before this version: they still work, and are told of once. The
//! next version forgets this file.

use std::ffi::OsString;

/// Commands and what they are called now.
const COMMANDS: [(&[&str], &[&str]); 8] = [
    (&["curve"], &["compare"]),
    (&["finetune"], &["train"]),
    (&["semi"], &["train"]),
    (&["probe"], &["evaluate"]),
    (&["summary"], &["info"]),
    (&["data", "pack"], &["data", "convert"]),
    (&["data", "export"], &["data", "convert"]),
    (&["data", "verify"], &["data", "inspect"]),
];

/// Options of pretraining, which are `--pretrain-...` where several trainings are compared.
const PRETRAINING: [&str; 11] = [
    "epochs",
    "held-out",
    "batch",
    "lr",
    "schedule",
    "optimizer",
    "loss",
    "weight-decay",
    "clip-norm",
    "patience",
    "augment",
];

/// Options of fine-tuning, which are `--finetune-...` there.
const FINETUNING: [&str; 6] =
    ["label-smoothing", "lr-decay", "l2-sp", "mixup", "ema", "reestimate-bn"];

/// Options of one method, which have the method's name.
const OF_METHODS: [(&str, &str); 10] = [
    ("beta", "variational-beta"),
    ("kl-warm-up", "variational-warm-up"),
    ("sparsity", "sparse-weight"),
    ("threshold", "pseudo-labels-threshold"),
    ("epsilon", "vat-epsilon"),
    ("entropy", "vat-entropy"),
    ("align", "vat-align"),
    ("noise", "ladder-noise"),
    ("costs", "ladder-costs"),
    ("weight", "unlabelled-weight"),
];

/// Options whose value becomes something else: it may be the next word.
const TRANSFORMED: [&str; 5] = ["recipe", "budget", "semi", "labels", "probes"];

/// A command line in the names of today, and what to say of the old ones in it.
pub fn renamed(args: Vec<OsString>) -> (Vec<OsString>, Vec<String>) {
    let text = |at: usize| args.get(at).and_then(|word| word.to_str()).unwrap_or_default();
    let is = |(old, _): &&(&[&str], &[&str])| {
        old.iter().enumerate().all(|(at, word)| text(at + 1) == *word)
    };
    let command = COMMANDS.iter().find(is);
    let length = command.map_or(1, |(old, _)| old.len());
    let was = text(length).to_owned();
    let mut notes = Vec::new();
    let mut all: Vec<OsString> = args.iter().take(1).cloned().collect();
    match command {
        Some((old, new)) => {
            notes.push(format!("narrows {} is now narrows {}", old.join(" "), new.join(" ")));
            all.extend(new.iter().map(OsString::from));
        }
        None => all.extend(args.get(1).cloned()),
    }
    let rest = joined(args.get(length + 1..).unwrap_or_default());
    let options: Vec<_> = rest.iter().map(|word| word.to_str().and_then(split)).collect();
    let value =
        |name| options.iter().flatten().find(|(of, _)| *of == name).map(|(_, value)| *value);
    let from_file = ["config", "continue", "resume"].into_iter().any(|name| value(name).is_some());
    let missing = |name| value(name).is_none() && !from_file;
    // The defaults of the old commands.
    let default = match was.as_str() {
        "curve" if missing("labels") => Some("--labels=curve"),
        "semi" if missing("method") => Some("--method=vat"),
        "probe" if missing("probes") => Some("--probe"),
        "verify" => Some("--verify"),
        _ => None,
    };
    all.extend(default.map(OsString::from));
    for (word, option) in rest.iter().zip(&options) {
        let new = option.and_then(|(name, of)| {
            Some((
                name,
                self::option(&was, name, of, value("recipe").and(value("budget")).flatten())?,
            ))
        });
        match new {
            Some((name, new)) => {
                notes.push(format!("--{name} is now {}", new.join(" ")));
                all.extend(new.into_iter().map(OsString::from));
            }
            None => all.push(word.clone()),
        }
    }
    (all, notes)
}

/// `words`, with the values of options that are transformed in one word with their names.
fn joined(words: &[OsString]) -> Vec<OsString> {
    let mut all: Vec<OsString> = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let name = word.to_str().and_then(|word| word.strip_prefix("--")).unwrap_or_default();
        let mut word = word.clone();
        if TRANSFORMED.contains(&name)
            && let Some(value) = words.next()
        {
            word.push("=");
            word.push(value);
        }
        all.push(word);
    }
    all
}

/// The name of `command` now.
pub fn command(command: &str) -> &str {
    let mut commands = COMMANDS.iter().filter(|(old, _)| old.len() == 1);
    commands.find(|(old, _)| old[0] == command).map_or(command, |(_, new)| new[0])
}

/// The option `--name=value` of `command`, both as they were called once, as flags of today; the
/// time for a recipe, where there is one, was `budget`. `None` if its name is one of today.
pub fn option(
    command: &str,
    name: &str,
    value: Option<&str>,
    budget: Option<&str>,
) -> Option<Vec<String>> {
    let flag = |name: &str| match value {
        Some(value) => format!("--{name}={value}"),
        None => format!("--{name}"),
    };
    let inverted = |name: &str| {
        let on = value == Some("false");
        vec![format!("--{name}={on}")]
    };
    let compares = matches!(command, "compare" | "curve");
    let renamed = |(old, new): &(&str, &str)| (*old == name).then(|| vec![flag(new)]);
    match (command, name) {
        (_, "label") => Some(vec![flag("target")]),
        (_, "no-mmap") => Some(inverted("mmap")),
        (_, "no-batch-norm") => Some(inverted("batch-norm")),
        ("compare", "budget") if budget.is_some() => Some(Vec::new()),
        ("compare", "recipe") => Some(match value {
            Some("best") => vec![format!("--auto={}", budget.unwrap_or("10m"))],
            _ => Vec::new(),
        }),
        ("compare" | "curve", "semi") => Some(semi_words(value.unwrap_or_default())),
        ("compare" | "curve", "semi-encoder") => Some(vec![flag("semi-pretrained")]),
        ("compare" | "curve", "continue") => Some(vec![flag("resume")]),
        ("curve", "finetune-samples") => Some(Vec::new()),
        ("curve", "labels") if value == Some("auto") => Some(vec!["--labels=curve".to_owned()]),
        ("finetune", "scratch") => Some(vec!["--method=scratch".to_owned()]),
        ("probe", "probes") => Some(vec![flag("probe")]),
        ("probe", "raw") => Some(vec!["--probe-samples".to_owned()]),
        ("probe", "transductive") => Some(vec!["--probe-test-graph".to_owned()]),
        _ if compares && PRETRAINING.contains(&name) => {
            Some(vec![flag(&format!("pretrain-{name}"))])
        }
        _ if compares && FINETUNING.contains(&name) => {
            Some(vec![flag(&format!("finetune-{name}"))])
        }
        ("score", _) => None,
        _ => OF_METHODS.iter().find_map(renamed),
    }
}

/// Options of the former `narrows semi` in one text.
fn semi_words(text: &str) -> Vec<String> {
    let mut flags: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let Some((name, value)) = split(word) else {
            // The value of the option before it.
            match flags.last_mut() {
                Some(flag) => *flag += &format!("={word}"),
                None => flags.push(word.to_owned()),
            }
            continue;
        };
        let of_method = OF_METHODS.iter().find(|(old, _)| *old == name);
        let name = match of_method {
            Some((_, new)) if *new != "unlabelled-weight" => (*new).to_owned(),
            Some((_, new)) => format!("semi-{new}"),
            None => format!("semi-{name}"),
        };
        flags.push(value.map_or(format!("--{name}"), |value| format!("--{name}={value}")));
    }
    flags
}

/// `--name=value` in two parts.
fn split(word: &str) -> Option<(&str, Option<&str>)> {
    let word = word.strip_prefix("--")?;
    Some(word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_become_those_of_today() {
        let of = |text: &str| {
            let args =
                ["narrows"].into_iter().chain(text.split(' ').filter(|word| !word.is_empty()));
            let args = args.map(|word| word.replace('~', " ").into());
            let (words, notes) = renamed(args.collect());
            let words: Vec<_> = words.iter().skip(1).map(|word| word.to_string_lossy()).collect();
            (words.join(" "), notes.len())
        };
        for (old, new, notes) in [
            ("compare --latent 3", "compare --latent 3", 0),
            ("compare --epochs 3 --label y", "compare --pretrain-epochs 3 --target y", 2),
            ("compare --recipe best --budget 3s", "compare --auto=3s", 2),
            ("compare --recipe best", "compare --auto=10m", 1),
            ("compare --budget 3s", "compare --budget=3s", 0),
            ("curve --labels auto --methods full", "compare --labels=curve --methods full", 2),
            ("curve --draws 2", "compare --labels=curve --draws 2", 1),
            ("curve --continue r --mixup 1", "compare --resume r --finetune-mixup 1", 3),
            (
                "curve --labels 9 --semi --epochs~4~--epsilon=2 --semi-encoder",
                "compare --labels=9 --semi-epochs=4 --vat-epsilon=2 --semi-pretrained",
                3,
            ),
            ("finetune --scratch --epochs 3", "train --method=scratch --epochs 3", 2),
            ("semi --threshold 0.5", "train --method=vat --pseudo-labels-threshold 0.5", 2),
            ("semi --method ladder --noise 1", "train --method ladder --ladder-noise 1", 2),
            ("pretrain --no-batch-norm x", "pretrain --batch-norm=false x", 1),
            ("pretrain --no-batch-norm=false", "pretrain --batch-norm=true", 1),
            ("probe r --probes knn --transductive", "evaluate r --probe=knn --probe-test-graph", 3),
            ("probe r", "evaluate --probe r", 1),
            ("score r --threshold 3", "score r --threshold 3", 0),
            ("summary r", "info r", 1),
            ("data pack a b.narrows", "data convert a b.narrows", 1),
            ("data verify a --no-mmap", "data inspect --verify a --mmap=false", 2),
            ("data inspect a", "data inspect a", 0),
            ("data", "data", 0),
            ("", "", 0),
        ] {
            assert_eq!(of(old), (new.to_owned(), notes), "{old}");
        }
    }
}
