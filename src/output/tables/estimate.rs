//! The mean of several draws and its interval, as cells of a table.

use crate::output::numbers::{percent, points};
use narrows_models::statistics::{Estimate, Gain};

/// The note on gains without an interval over several draws.
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

/// True if a gain over several draws has no interval.
pub fn is_unknown(gain: Option<&Gain>, draws: usize) -> bool {
    draws > 1 && gain.is_some_and(|gain| gain.ci95.is_none())
}

/// A gain over `draws` draws and its 95 % interval, in points.
pub fn gained(gain: &Gain, draws: usize) -> String {
    let mean = points(gain.mean);
    match gain.ci95 {
        None if is_unknown(Some(gain), draws) => format!("{mean} (unknown)"),
        None => mean,
        Some([low, high]) => format!("{mean} ({} to {})", points(low), points(high)),
    }
}
