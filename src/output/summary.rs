//! `summary.json`: the results of a run, for programs. Accuracies are fractions. Errors are per
//! value as a model sees it: images in [0, 1], columns of tables standardised.

use crate::error::Error;
use crate::machine;
use serde::Serialize;
use toml::Value;

/// The rows of a summary, in the order of the file.
pub struct Summary(Result<Vec<String>, Error>);

impl Summary {
    /// The summary of a run of `command` on the data set called `dataset`.
    pub fn new(command: &str, dataset: &str) -> Summary {
        Summary(Ok(Vec::new())).row("command", command).row("dataset", dataset)
    }

    /// Adds a row.
    pub fn row(self, key: &str, value: impl Serialize) -> Summary {
        Summary(self.0.and_then(|mut rows| {
            // In JSON, a number that is not finite would be null, as is what is not there.
            if Value::try_from(&value).is_ok_and(|value| !is_finite(&value)) {
                return Err(Error::new(format!(
                    "{key} is not finite: the weights or the data hold numbers that are too large"
                )));
            }
            let value = serde_json::to_string_pretty(&value)
                .map_err(|e| Error::new(format!("the summary cannot be written as JSON: {e}")))?;
            rows.push(format!("  \"{key}\": {}", value.replace('\n', "\n  ")));
            Ok(rows)
        }))
    }

    /// Adds a row of one line, however long: for lists of many numbers.
    pub fn line(self, key: &str, value: impl Serialize) -> Summary {
        Summary(self.0.and_then(|mut rows| {
            let value = serde_json::to_string(&value)
                .map_err(|e| Error::new(format!("the summary cannot be written as JSON: {e}")))?;
            rows.push(format!("  \"{key}\": {value}"));
            Ok(rows)
        }))
    }

    /// Adds a row if there is a value.
    pub fn optional(self, key: &str, value: Option<impl Serialize>) -> Summary {
        match value {
            Some(value) => self.row(key, value),
            None => self,
        }
    }

    /// The text of the file of a run that took `seconds`.
    pub fn text(self, seconds: f64) -> Result<String, Error> {
        let memory = machine::peak_memory_mb();
        let rows = self.row("wall_seconds", seconds).row("peak_memory_mb", memory).0?;
        Ok(format!("{{\n{}\n}}\n", rows.join(",\n")))
    }
}

fn is_finite(value: &Value) -> bool {
    match value {
        Value::Float(number) => number.is_finite(),
        Value::Array(values) => values.iter().all(is_finite),
        Value::Table(table) => table.values().all(is_finite),
        _ => true,
    }
}

/// A number of correct samples among all samples.
#[derive(Clone, Debug, Serialize)]
pub struct Rate {
    /// NaN of no samples.
    #[serde(skip_serializing_if = "is_nan")]
    pub mean: f64,
    /// Wilson's interval.
    pub ci95: [f64; 2],
    pub correct: usize,
    pub of: usize,
}

// By reference, as serde calls it.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_nan(number: &f64) -> bool {
    number.is_nan()
}

impl Rate {
    pub fn of(correct: usize, of: usize) -> Rate {
        let ci95 = narrows_models::statistics::wilson(correct, of);
        Rate { mean: correct as f64 / of as f64, ci95, correct, of }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rate, Summary};

    #[test]
    fn rows_are_an_object_as_serde_writes_it() {
        let summary = Summary::new("x", "two\n\"lines\"").row("list", [[1.5f32], [0.1]]);
        let text = summary.optional("none", None::<u8>).optional("some", Some(())).text(2.0);
        let text = text.unwrap();
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["dataset"], "two\n\"lines\"");
        assert_eq!(read["wall_seconds"], 2.0);
        assert!(read.get("none").is_none() && read["some"].is_null());
        let list = "  \"list\": [\n    [\n      1.5\n    ],\n    [\n      0.1\n    ]\n  ],\n";
        assert!(text.contains(list), "{text}");
    }

    #[test]
    fn numbers_that_are_not_finite_are_no_results() {
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let rate = Rate { mean: 0.5, ci95: [0.0, wrong], correct: 1, of: 2 };
            let summary = Summary::new("x", "y").row("good", 1.5).row("classes", [rate]);
            let error = summary.row("more", 2).text(2.0).unwrap_err().to_string();
            assert!(error.contains("classes is not finite"), "{error}");
            let error = Summary::new("x", "y").row("loss", wrong as f32).text(2.0).unwrap_err();
            assert!(error.to_string().contains("loss is not finite"), "{error}");
        }
    }
}
