//! `metrics.csv`: one row an epoch.
//!
//! While a run goes on, each epoch of each of its trainings is added as it ends. When the run is
//! done, the file is written anew, with the trainings that were chosen.

use crate::run::folder::METRICS;
use narrows_models::Event;
use narrows_models::event::EpochRecord;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const HEADER: &str =
    "run,epoch,lr,train_loss,validation_loss,validation_accuracy,seconds,samples_per_second\n";

/// The file's text, run after run. What was not measured is left empty.
pub fn csv<'a>(runs: impl IntoIterator<Item = (&'a str, &'a [EpochRecord])>) -> String {
    let mut text = HEADER.to_string();
    for (run, history) in runs {
        history.iter().for_each(|record| text += &row(run, record));
    }
    text
}

fn row(run: &str, record: &EpochRecord) -> String {
    let optional = |x: Option<f64>| x.map_or(String::new(), |x| x.to_string());
    let EpochRecord { epoch, lr, train_loss, seconds, samples, .. } = record;
    format!(
        "{run},{epoch},{lr},{train_loss},{},{},{seconds:.6},{:.0}\n",
        optional(record.validation_loss),
        optional(record.validation_accuracy),
        *samples as f64 / seconds.max(1e-9)
    )
}

/// The file of a run that goes on.
#[derive(Debug)]
pub struct Growing {
    path: PathBuf,
    /// `None` before the first epoch, and once it could not be written to.
    file: Mutex<Option<io::Result<File>>>,
}

impl Growing {
    /// That of the run in `folder`. It is made with the first epoch; that of a run that was stopped
    /// goes on.
    pub fn new(folder: &Path) -> Growing {
        Growing { path: folder.join(METRICS), file: Mutex::new(None) }
    }

    /// Adds an epoch that ended. A row that cannot be written is left out: the whole file is
    /// written when the run is done, and then problems are told.
    pub fn notice(&self, event: &Event<'_>) {
        let Event::Epoch { run, record } = event else { return };
        let mut file = self.file.lock().unwrap_or_else(|e| e.into_inner());
        let file = file.get_or_insert_with(|| begin(&self.path));
        if let Ok(file) = file {
            let _ = file.write_all(row(run, record).as_bytes());
        }
    }
}

/// Opens the file, with its header. A row that a killed run left half is cut off.
fn begin(path: &Path) -> io::Result<File> {
    let mut file = File::options().read(true).append(true).create(true).open(path)?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    file.set_len(whole as u64)?;
    if whole == 0 {
        file.write_all(HEADER.as_bytes())?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_grows_by_whole_rows() {
        let folder = tempfile::tempdir().unwrap();
        let record = |epoch| EpochRecord {
            epoch,
            lr: 0.5,
            train_loss: 0.25,
            validation_loss: Some(2.0),
            validation_accuracy: None,
            seconds: 0.5,
            samples: 10,
        };
        let add = |file: &Growing, epoch| {
            file.notice(&Event::Epoch { run: "full draw 0", record: &record(epoch) });
        };
        let path = folder.path().join(METRICS);
        let first = Growing::new(folder.path());
        assert!(!path.exists());
        add(&first, 1);
        add(&first, 2);
        // As a run leaves it that is killed while it writes.
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}full draw 0,3,0.")).unwrap();
        add(&Growing::new(folder.path()), 3);
        let all = [record(1), record(2), record(3)];
        assert_eq!(std::fs::read_to_string(&path).unwrap(), csv([("full draw 0", &all[..])]));
        assert_eq!(csv([("full draw 0", &all[..])]).lines().count(), 4);
    }
}
