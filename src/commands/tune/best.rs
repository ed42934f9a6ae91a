//! The best configuration as files: what `narrows compare`, `pretrain` and `train` take by
//! `--config`.

use super::configuration::Configuration;
use crate::cli::config::{self, COMMAND};
use crate::cli::options::architecture::ArchitectureOptions;
use crate::error::Error;
use crate::run::study::StudyFolder;
use narrows_models::Method;
use toml::{Table, Value};

/// The files, by their commands.
pub const COMPARE: &str = "best-compare.toml";
pub const PRETRAIN: &str = "best-pretrain.toml";
pub const TRAIN: &str = "best-train.toml";

/// Options that say which labels to take, or what to compare: they are no part of a training.
const OF_COMPARISON: [&str; 8] =
    ["labels", "validation", "draws", "methods", "auto", "references", "ensemble", "encoder"];

/// Writes the files. The learning rate is the one that most draws chose of several, if there are
/// some.
pub fn write(
    folder: &StudyFolder,
    best: &Configuration<'_>,
    trial: usize,
    is_classifier: bool,
    rate: Option<f32>,
) -> Result<(), Error> {
    let all = best.table()?;
    let note = format!("trial {trial} of a study by narrows tune");
    if is_classifier {
        file(folder, COMPARE, "compare", all.clone(), &note)?;
        file(folder, TRAIN, "train", training(&all, best.method(), rate)?, &note)?;
    }
    if !is_classifier || best.pretrains() {
        file(folder, PRETRAIN, "pretrain", pretraining(&all), &note)?;
    }
    Ok(())
}

fn file(
    folder: &StudyFolder,
    name: &str,
    command: &str,
    mut table: Table,
    note: &str,
) -> Result<(), Error> {
    table.remove(COMMAND);
    folder.write(name, config::text(command, &table, note)?.as_bytes())
}

/// The options without those of a comparison, `prefix` taken from the names of those that have it.
/// Those that begin with one of `others` are left out.
fn stripped(all: &Table, prefix: &str, others: &[&str]) -> Table {
    let own = all.iter().filter(|(key, _)| !OF_COMPARISON.contains(&key.as_str()));
    let kept = own.filter(|(key, _)| !others.iter().any(|other| key.starts_with(other)));
    let name = |key: &str| key.strip_prefix(prefix).unwrap_or(key).to_string();
    kept.map(|(key, value)| (name(key), value.clone())).collect()
}

/// The options of `narrows pretrain`.
fn pretraining(all: &Table) -> Table {
    let mut table =
        stripped(all, "pretrain-", &["finetune-", "semi-", "vat-", "pseudo-labels-", "ladder-"]);
    table.remove("metric");
    table.remove("strict");
    table
}

/// The options of `narrows train`, at that learning rate.
fn training(all: &Table, method: &Method, rate: Option<f32>) -> Result<Table, Error> {
    let objectives = ["pretrain-", "objective", "variational-", "sparse-"];
    let mut table = match method {
        Method::Transfer(_) => {
            let others = ["semi-", "vat-", "pseudo-labels-", "ladder-"];
            stripped(all, "finetune-", &[&objectives[..], &others].concat())
        }
        Method::Reference(_) => Table::new(),
        Method::Semi(semi) => {
            let mut table = stripped(all, "semi-", &[&objectives[..], &["finetune-"]].concat());
            table.remove("pretrained");
            // Its length is that of a comparison, which narrows train would not choose.
            if semi.samples.is_none() {
                let epochs = i64::try_from(semi.training.epochs).unwrap_or(i64::MAX);
                table.insert("epochs".to_string(), Value::Integer(epochs));
            }
            // Its network is its own.
            table.extend(config::table(&ArchitectureOptions::from(&semi.architecture))?);
            table
        }
    };
    table.insert("method".to_string(), Value::String(method.name().to_string()));
    if let (Method::Transfer(_), Some(rate)) = (method, rate) {
        // The shortest text of an f32 is its own.
        let rate: f64 = rate.to_string().parse().unwrap_or(f64::from(rate));
        table.insert("lr".to_string(), Value::Float(rate));
    }
    Ok(table)
}
