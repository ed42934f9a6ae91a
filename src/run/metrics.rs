//! `metrics.csv`: one row an epoch.

use narrows_models::event::EpochRecord;

const HEADER: &str =
    "run,epoch,lr,train_loss,validation_loss,validation_accuracy,seconds,samples_per_second\n";

/// The file's text, run after run. What was not measured is left empty.
pub fn csv<'a>(runs: impl IntoIterator<Item = (&'a str, &'a [EpochRecord])>) -> String {
    let optional = |x: Option<f64>| x.map_or(String::new(), |x| x.to_string());
    let mut text = HEADER.to_string();
    for (run, history) in runs {
        for record in history {
            let EpochRecord { epoch, lr, train_loss, seconds, samples, .. } = record;
            text += &format!(
                "{run},{epoch},{lr},{train_loss},{},{},{seconds:.6},{:.0}\n",
                optional(record.validation_loss),
                optional(record.validation_accuracy),
                *samples as f64 / seconds.max(1e-9)
            );
        }
    }
    text
}
