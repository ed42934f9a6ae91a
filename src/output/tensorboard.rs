//! A run as event files that TensorBoard reads.
//!
//! | file | content |
//! |---|---|
//! | `FOLDER/RUN/TRAINING/events.out.tfevents.*` | losses, accuracies and rates by epoch; weights |
//! | `FOLDER/RUN/events.out.tfevents.*` | settings, results, the picture of reconstructions |

mod event_file;
mod message;
mod summary;

use crate::error::Error;
use event_file::{EventFile, now};
use narrows_engine::Params;
use narrows_models::event::EpochRecord;
use narrows_models::{Event, Observer};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use toml::Table;

/// The remedy where something cannot be written.
const HINT: &str = "give another folder by --tensorboard";

/// The event files of a run.
#[derive(Debug)]
pub struct TensorBoard {
    folder: PathBuf,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    /// That of the run as a whole.
    run: EventFile,
    /// Those of its trainings, by their names.
    trainings: BTreeMap<String, EventFile>,
    /// The first failure of a write, after which nothing is written.
    failed: Option<String>,
}

impl TensorBoard {
    /// The files of a run called `run` with those options, in a folder of that name in `folder`.
    ///
    /// # Errors
    /// If they cannot be made.
    pub fn begin(folder: &Path, run: &Path, options: &Table) -> Result<TensorBoard, Error> {
        let folder = folder.join(run.file_name().unwrap_or("run".as_ref()));
        let error = |e| Error::at(&folder, format_args!("cannot be written to: {e}: {HINT}"));
        let mut file = EventFile::create(&folder).map_err(error)?;
        file.add(0, &summary::settings(options, now().as_secs_f64())).map_err(error)?;
        let open = Mutex::new(Open { run: file, trainings: BTreeMap::new(), failed: None });
        Ok(TensorBoard { folder, open })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // A thread that panicked while it held the lock left at worst a value unwritten.
        self.open.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Writes, unless a write has failed before: the run is worth more than its pictures.
    fn write(&self, write: impl FnOnce(&mut Open) -> io::Result<()>) {
        let mut open = self.open();
        if open.failed.is_none() {
            open.failed = write(&mut open).err().map(|e| e.to_string());
        }
    }

    /// Adds a PNG.
    pub fn picture(&self, tag: &str, png: &[u8]) {
        self.write(|open| open.run.add(0, &summary::image(tag, png)));
    }

    /// Adds the numbers of a summary, but for those in lists.
    pub fn results(&self, summary: &serde_json::Value) {
        self.write(|open| open.numbers("result", summary));
    }

    /// Ends the run. The text says what could not be written.
    pub fn end(&self, succeeded: bool) -> Option<String> {
        let end = summary::end_of_settings(succeeded, now().as_secs_f64());
        self.write(|open| open.run.add(0, &end));
        let failed = self.open().failed.take();
        failed.map(|e| format!("{}: the events end early: {e}", self.folder.display()))
    }
}

impl Open {
    /// The file of a training.
    fn training(&mut self, folder: &Path, run: &str) -> io::Result<&mut EventFile> {
        if !self.trainings.contains_key(run) {
            let file = EventFile::create(&folder.join(file_name(run)))?;
            self.trainings.insert(run.to_string(), file);
        }
        Ok(self.trainings.get_mut(run).expect("it is there"))
    }

    /// Closes the file of a training.
    fn close(&mut self, run: &str) -> io::Result<()> {
        self.trainings.remove(run);
        Ok(())
    }

    fn epoch(&mut self, folder: &Path, run: &str, record: &EpochRecord) -> io::Result<()> {
        let EpochRecord { epoch, lr, train_loss, seconds, samples, .. } = *record;
        let file = self.training(folder, run)?;
        let values = [
            ("loss/train", Some(train_loss)),
            ("loss/validation", record.validation_loss),
            ("accuracy/validation", record.validation_accuracy),
            ("learning_rate", Some(f64::from(lr))),
            ("samples_per_second", Some(samples as f64 / seconds.max(1e-9))),
        ];
        for (tag, value) in values {
            if let Some(value) = value {
                file.add(epoch as u64, &summary::scalar(tag, value))?;
            }
        }
        Ok(())
    }

    fn numbers(&mut self, tag: &str, value: &serde_json::Value) -> io::Result<()> {
        if let Some(number) = value.as_f64() {
            self.run.add(0, &summary::scalar(tag, number))?;
        }
        let members = value.as_object().into_iter().flatten();
        members
            .into_iter()
            .try_for_each(|(name, value)| self.numbers(&format!("{tag}/{name}"), value))
    }

    fn weights(&mut self, folder: &Path, run: &str, at: usize, params: &Params) -> io::Result<()> {
        let file = self.training(folder, run)?;
        for entry in params.entries() {
            let values = &params.values()[entry.range.clone()];
            file.add(at as u64, &summary::histogram(&entry.name, values))?;
        }
        Ok(())
    }
}

/// The name of a training as that of a folder.
fn file_name(run: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-_. ,".contains(c) { c } else { '_' };
    let name: String = run.chars().map(plain).take(100).collect();
    if name.trim_matches('.').is_empty() { "training".to_string() } else { name }
}

impl Observer for TensorBoard {
    fn notice(&self, event: &Event<'_>) {
        let folder = &self.folder;
        match event {
            Event::Epoch { run, record } => self.write(|open| open.epoch(folder, run, record)),
            Event::Finished { run, best_epoch, params } => self.write(|open| {
                open.weights(folder, run, *best_epoch, params)?;
                open.close(run)
            }),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_trainings_stay_within_the_folder() {
        assert_eq!(file_name("vat/draw 1"), "vat_draw 1");
        assert_eq!(file_name(".."), "training");
        assert_eq!(file_name("../../etc"), ".._.._etc");
        assert_eq!(file_name(&"x".repeat(300)).len(), 100);
    }
}
