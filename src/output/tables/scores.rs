//! The report of `narrows score`.

use crate::output::numbers::{percent, thousands};
use narrows_models::Ranking;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The bits of a score, its row, and the words beside it.
type Ordered = (u32, Reverse<u32>, [u32; 2]);

/// The rows with the highest scores of any number of rows.
pub struct Highest {
    count: usize,
    /// The lowest of them on top. A score is not negative, so that its bits compare as it does; of
    /// equal ones the first row counts.
    rows: BinaryHeap<Reverse<Ordered>>,
}

/// A row, its score, and the words beside it.
pub struct HighRow {
    pub row: u32,
    pub score: f32,
    pub words: [u32; 2],
}

impl Highest {
    /// Keeps so many rows.
    pub fn new(count: usize) -> Highest {
        Highest { count, rows: BinaryHeap::new() }
    }

    /// Takes in the score of a row.
    pub fn push(&mut self, score: f32, row: u32, words: [u32; 2]) {
        self.rows.push(Reverse((score.to_bits(), Reverse(row), words)));
        if self.rows.len() > self.count {
            self.rows.pop();
        }
    }

    /// The rows kept, the highest first.
    pub fn descending(self) -> Vec<HighRow> {
        let sorted = self.rows.into_sorted_vec();
        let row = |Reverse((score, Reverse(row), words))| HighRow {
            row,
            score: f32::from_bits(score),
            words,
        };
        sorted.into_iter().map(row).collect()
    }
}

/// The smallest score that at least a fraction of the scores do not exceed.
#[derive(Debug, Serialize)]
pub struct Quantile {
    pub quantile: f64,
    pub score: f32,
}

/// The scores of all rows in a few numbers.
pub struct Report<'a> {
    pub rows: usize,
    /// What the score is.
    pub score: &'a str,
    pub mean: f64,
    pub quantiles: &'a [Quantile],
    /// The threshold, if there is one, and the number of rows above.
    pub above: Option<(f32, usize)>,
}

/// `trained_on` is empty if that is `dataset` itself; `shown` names the columns beside the score;
/// `beside` makes a row's text of them; `file` knows the names of images in files.
pub fn table<'a>(
    dataset: &str,
    trained_on: &str,
    report: &Report<'_>,
    highest: &[HighRow],
    (shown, beside): (&str, &dyn Fn([u32; 2]) -> String),
    file: &dyn Fn(u32) -> Option<&'a str>,
) -> String {
    let mut text = format!("{dataset}: {} rows scored", thousands(report.rows));
    if !trained_on.is_empty() {
        text += &format!("; the model was trained on {trained_on}");
    }
    text += &format!("\nscore: {}\n\n", report.score);
    let mut line = |name: &str, value: String| text += &format!("{name:<14} {value:>14}\n");
    line("mean", format!("{:.6}", report.mean));
    for quantile in report.quantiles {
        let name = match quantile.quantile {
            0.5 => "median".to_owned(),
            q => format!("quantile {q}"),
        };
        line(&name, format!("{:.6}", quantile.score));
    }
    if let Some((threshold, above)) = report.above {
        line("threshold", format!("{threshold:.6}"));
        line("rows above", thousands(above));
        text += &format!("which is {} % of the rows\n", percent(above as f64 / report.rows as f64));
    }
    text += &format!("\n{:>14} {:>14}", "highest: row", "score");
    text += &format!("{shown}\n");
    for HighRow { row, score, words } in highest {
        text += &format!("{row:>14} {score:>14.6}{}", beside(*words));
        if let Some(file) = file(*row) {
            text += &format!("    {file}");
        }
        text.push('\n');
    }
    text
}

/// How far the scores of unusual rows lie above those of normal ones.
pub fn ranking(ranking: &Ranking) -> String {
    let Ranking { unusual, normal, auroc, average_precision } = ranking;
    format!(
        "\n{} unusual rows against {} normal ones: AUROC {auroc:.4}, average precision \
         {average_precision:.4}\n",
        thousands(*unusual),
        thousands(*normal)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_are_those_of_a_sorted_list() {
        let scores: Vec<f32> = (0..100_u32).map(|i| (i * 37 % 50) as f32).collect();
        let mut highest = Highest::new(7);
        (0..).zip(&scores).for_each(|(row, &score)| highest.push(score, row, [row, 1]));
        let mut sorted: Vec<(u32, f32)> = (0..).zip(scores).collect();
        sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let found: Vec<(u32, f32)> =
            highest.descending().iter().map(|high| (high.row, high.score)).collect();
        assert_eq!(found, sorted[..7]);
        assert_eq!(Highest::new(7).descending().len(), 0);
    }
}
