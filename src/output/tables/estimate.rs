//! The mean of several draws and its interval, as cells of a table.

use crate::output::numbers::percent;
use narrows_models::statistics::Estimate;

/// What to say of gains without an interval although there were several draws.
pub const UNKNOWN: &str =
    "unknown: the same gain on every draw says nothing of how gains spread.\n";

/// Mean and standard deviation, and the 95 % interval of the mean, in percent.
pub fn cells(estimate: &Estimate) -> [String; 2] {
    let mean = percent(estimate.mean);
    match estimate.ci95 {
        None => [mean, "unknown".to_string()],
        Some([low, high]) => [
            format!("{mean} ± {:.2}", 100.0 * estimate.std),
            format!("{} to {}", percent(low), percent(high)),
        ],
    }
}
