//! A line of the journal: one operation.

use super::{clock, json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

pub(super) const CREATE_STUDY: u32 = 0;
pub(super) const DELETE_STUDY: u32 = 1;
pub(super) const SET_STUDY_USER_ATTR: u32 = 2;
pub(super) const SET_STUDY_SYSTEM_ATTR: u32 = 3;
pub(super) const CREATE_TRIAL: u32 = 4;
pub(super) const SET_TRIAL_PARAM: u32 = 5;
pub(super) const SET_TRIAL_STATE_VALUES: u32 = 6;
pub(super) const SET_TRIAL_INTERMEDIATE_VALUE: u32 = 7;
pub(super) const SET_TRIAL_USER_ATTR: u32 = 8;
pub(super) const SET_TRIAL_SYSTEM_ATTR: u32 = 9;
pub(super) const DISCARD_TRIALS: u32 = 10;

/// The head of each line, by which a torn one is told from another file's end.
pub(super) const HEAD: &[u8] = b"{\"op_code\":";

/// The fields of all operations; each has some of them. Others change nothing.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    pub op_code: u32,
    pub study_id: Option<usize>,
    pub trial_id: Option<usize>,
    pub study_name: Option<String>,
    pub directions: Option<Vec<u32>>,
    pub user_attr: Option<Map<String, Json>>,
    pub system_attr: Option<Map<String, Json>>,
    pub datetime_start: Option<String>,
    pub datetime_complete: Option<String>,
    pub state: Option<u32>,
    pub value: Option<Json>,
    pub values: Option<Vec<Json>>,
    pub distributions: Option<BTreeMap<String, String>>,
    pub params: Option<BTreeMap<String, Json>>,
    pub user_attrs: Option<Map<String, Json>>,
    pub system_attrs: Option<Map<String, Json>>,
    pub intermediate_values: Option<BTreeMap<u64, Json>>,
    pub param_name: Option<String>,
    pub param_value_internal: Option<Json>,
    pub distribution: Option<String>,
    pub step: Option<u64>,
    pub intermediate_value: Option<Json>,
    /// Our own addition, which Optuna passes over: the next line is of the same append. So an
    /// append that was cut off between two lines is told from a whole one.
    #[serde(default)]
    pub narrows_more: bool,
}

/// A field that the operation has to have.
pub(super) fn need<T>(field: Option<T>, name: &str) -> Result<T, String> {
    field.ok_or_else(|| format!("{name} is missing"))
}

/// An operation to be written, without the end of its line.
pub(super) struct Operation(String);

impl Operation {
    pub(super) fn new(code: u32, worker: &str) -> Operation {
        Operation(format!("{{\"op_code\":{code}")).field("worker_id", worker)
    }

    /// With a field more.
    pub(super) fn field(mut self, name: &str, value: impl Serialize) -> Operation {
        // Texts, numbers and JSON: nothing of it can fail.
        let value = serde_json::to_string(&value).unwrap_or_default();
        self.0.extend([",\"", name, "\":", &value]);
        self
    }

    /// With a number more, which may be NaN or infinite.
    pub(super) fn number(mut self, name: &str, value: f64) -> Operation {
        self.0.extend([",\"", name, "\":"]);
        json::write_number(value, &mut self.0);
        self
    }

    /// With the value of a trial, if there is one.
    pub(super) fn values(mut self, value: Option<f64>) -> Operation {
        self.0.push_str(",\"values\":");
        match value {
            Some(x) => {
                self.0.push('[');
                json::write_number(x, &mut self.0);
                self.0.push(']');
            }
            None => self.0.push_str("null"),
        }
        self
    }

    /// With the time.
    pub(super) fn now(self, name: &str) -> Operation {
        self.field(name, clock::now())
    }

    /// The line with its end: one of several in an append, or its last.
    pub(super) fn line(&self, more: bool) -> String {
        let end = if more { ",\"narrows_more\":true}\n" } else { "}\n" };
        [&self.0, end].concat()
    }
}
