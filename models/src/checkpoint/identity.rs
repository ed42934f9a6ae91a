//! What a training is: its settings, model, data and initial weights, as lines of text.

use crate::error::Error;
use narrows_datasets::{Dataset, Rows};
use narrows_engine::{Network, Params};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

/// Parts of a training by name, each as lines of text. Two trainings with the same lines have the
/// same bits, on one instruction set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity(Vec<(String, String)>);

impl Identity {
    /// A training of `network` with `settings`, from `params` on, if it is given some.
    pub fn new(settings: &dyn Debug, network: &Network, params: Option<&Params>) -> Identity {
        let summary = network.summary(1);
        let layers = summary.layers.iter().map(|layer| {
            let (name, kind, output) = (&layer.name, &layer.kind, &layer.output);
            format!("{name}: {kind}, {output}, {} parameters\n", layer.parameters)
        });
        // The settings of the layers, such as a dropout.
        let details = crc32fast::hash(format!("{network:?}").as_bytes());
        let model = layers.chain([format!("checksum of the layers: {details:08x}\n")]).collect();
        let weights = params.map(|params| checksum(bytemuck::cast_slice(params.values())));
        let part = |name: &str, text: String| (name.to_string(), text);
        Identity(vec![
            part("settings", format!("{settings:#?}")),
            part("model", model),
            part("initial weights", weights.unwrap_or_default()),
        ])
    }

    /// This training, on `data`, of which each of `rows` is a list by its name.
    ///
    /// # Errors
    /// If the data cannot be read.
    pub fn on(mut self, data: &Dataset, rows: &[(&str, Rows<'_>)]) -> Result<Identity, Error> {
        self.0.push(("data".to_string(), data.fingerprint()?));
        for (name, rows) in rows {
            self.0.push((name.to_string(), of_rows(*rows)));
        }
        Ok(self)
    }

    /// The first difference to the training that is to go on; `None` if it is this one.
    pub fn difference(&self, now: &Identity) -> Option<String> {
        let Identity(theirs) = self;
        let Identity(ours) = now;
        for ((name, theirs), (other, ours)) in theirs.iter().zip(ours) {
            let (mut before, mut after) = (theirs.lines(), ours.lines());
            let lines = std::iter::from_fn(|| match (before.next(), after.next()) {
                (None, None) => None,
                lines => Some(lines),
            });
            let told = |line: Option<&str>| match line.map(str::trim) {
                Some(line) => format!("`{}`", line.trim_end_matches(',')),
                None => "nothing".to_string(),
            };
            if name != other {
                return Some(format!("it has {name} where now there is {other}"));
            }
            if let Some((before, after)) = lines.into_iter().find(|(before, after)| before != after)
            {
                let (before, after) = (told(before), told(after));
                return Some(format!("its {name}: {before}; now: {after}"));
            }
        }
        match theirs.len() == ours.len() {
            true => None,
            false => Some(format!("it has {} parts, not {}", theirs.len(), ours.len())),
        }
    }
}

/// The rows as their kind and a checksum.
fn of_rows(rows: Rows<'_>) -> String {
    match rows {
        Rows::Listed(rows) => format!("{} of {}", rows.len(), checksum(bytemuck::cast_slice(rows))),
        Rows::AllBut { of, held } => {
            format!("{of} but for {} of {}", held.len(), checksum(bytemuck::cast_slice(held)))
        }
    }
}

fn checksum(bytes: &[u8]) -> String {
    format!("checksum {:08x}", crc32fast::hash(bytes))
}
