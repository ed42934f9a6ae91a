//! The accuracy of each class.

use crate::output::numbers::{percent, thousands};
use crate::output::summary::Rate;

/// One line a class; `names` are those of the classes.
pub fn table(rates: &[Rate], names: &[String]) -> String {
    // A folder may have any name.
    let names: Vec<String> = names.iter().map(|name| name.escape_debug().to_string()).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("class".len());
    let mut text = format!(
        "{:>width$} {:>11} {:>16} {:>16}\n",
        "class", "accuracy, %", "95 % interval", "correct"
    );
    for (class, Rate { mean, ci95: [low, high], correct, of }) in names.iter().zip(rates) {
        let (accuracy, interval) = match of {
            0 => ("none".to_string(), String::new()),
            _ => (percent(*mean), format!("{} to {}", percent(*low), percent(*high))),
        };
        let correct = format!("{} of {}", thousands(*correct), thousands(*of));
        text += &format!("{class:>width$} {accuracy:>11} {interval:>16} {correct:>16}\n");
    }
    text
}
