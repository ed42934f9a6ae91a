//! The epochs so far and the best weights, which a run leaves even when its training fails.

use crate::error::{Error, bail};
use crate::run::folder::{HINT, METRICS, RunFolder};
use crate::run::metrics;
use narrows_models::event::EpochRecord;
use narrows_models::model_file::{self, Description};
use narrows_models::{Checkpoints, ErrorKind, Event, Observer};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Passes the events of one run on to the progress, and saves its weights as soon as it ends, well
/// or not.
pub struct Recorder<'a> {
    progress: &'a dyn Observer,
    /// The run that this is about.
    run: &'a str,
    description: &'a Description,
    model: PathBuf,
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    history: Vec<EpochRecord>,
    /// The epoch whose weights were saved, or why they were not.
    saved: Option<Result<usize, String>>,
}

impl<'a> Recorder<'a> {
    /// Records the run called `run`, whose weights go into the file `model`.
    pub fn new(
        progress: &'a dyn Observer,
        run: &'a str,
        description: &'a Description,
        model: PathBuf,
    ) -> Recorder<'a> {
        Recorder { progress, run, description, model, pages: Mutex::default() }
    }

    /// Takes `result` on; if it failed, writes down what there is, and says so in the error.
    pub fn close<T>(
        self,
        result: Result<T, narrows_models::Error>,
        folder: &RunFolder,
    ) -> Result<T, Error> {
        let Pages { history, saved } = self.pages.into_inner().unwrap_or_else(|e| e.into_inner());
        match (result, saved) {
            (Ok(value), Some(Ok(_))) => Ok(value),
            (Ok(_), saved) => {
                let why =
                    saved.and_then(Result::err).unwrap_or_else(|| "it did not end".to_string());
                bail!("{}: the weights could not be saved: {why}", self.run)
            }
            (Err(e), _) if e.kind() == ErrorKind::Stopped => Err(e.into()),
            (Err(e), Some(Ok(epoch))) => {
                Err(kept(self.run, &history, epoch, &self.model, folder, e))
            }
            (Err(e), _) => Err(e.into()),
        }
    }
}

/// The error of what failed when the weights of `run` had been saved in `model`: writes down its
/// epochs, and says where the weights are.
pub fn kept(
    run: &str,
    history: &[EpochRecord],
    epoch: usize,
    model: &Path,
    folder: &RunFolder,
    e: narrows_models::Error,
) -> Error {
    if e.kind() == ErrorKind::Stopped {
        return e.into();
    }
    folder.keep();
    let model = model.display();
    match folder.write(METRICS, metrics::csv([(run, history)]).as_bytes()) {
        Ok(()) => {
            Error::new(format!("{e}; the weights of epoch {epoch} of the {run} are in {model}"))
        }
        Err(e) => e,
    }
}

impl Observer for Recorder<'_> {
    fn checkpoints(&self) -> Option<&Checkpoints> {
        self.progress.checkpoints()
    }

    fn notice(&self, event: &Event<'_>) {
        self.progress.notice(event);
        match event {
            Event::Resumed { history, .. } => {
                let mut pages = self.pages.lock().unwrap_or_else(|e| e.into_inner());
                pages.history = history.to_vec();
            }
            Event::Epoch { record, .. } => {
                let mut pages = self.pages.lock().unwrap_or_else(|e| e.into_inner());
                pages.history.push((*record).clone());
            }
            Event::Finished { best_epoch, params, .. } => {
                let saved = match (best_epoch, params.values().iter().all(|x| x.is_finite())) {
                    (0, _) => Err("no epoch was completed".to_string()),
                    (_, false) => Err("they are not finite".to_string()),
                    _ => model_file::save(&self.model, params, self.description)
                        .map(|()| *best_epoch)
                        .map_err(|e| format!("{e}: {HINT}")),
                };
                self.pages.lock().unwrap_or_else(|e| e.into_inner()).saved = Some(saved);
            }
            _ => {}
        }
    }
}
