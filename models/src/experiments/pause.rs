//! Training to a part of its epochs: the run is stopped there, with a checkpoint, and goes on from
//! it when it is asked for more.

use crate::checkpoint::Checkpoints;
use crate::error::{Error, ErrorKind};
use crate::event::{EpochRecord, Event, Observer};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// Watches one run, and stops it after so many epochs.
pub(super) struct Pause<'o> {
    observer: &'o dyn Observer,
    checkpoints: Option<Checkpoints>,
    epochs: usize,
    history: Mutex<Vec<EpochRecord>>,
}

impl<'o> Pause<'o> {
    /// A pause after `epochs`; a run that has no more of them comes to its end. The checkpoints are
    /// those of `observer` for the part of the work `name`, and go on from one that is there.
    pub fn new(observer: &'o dyn Observer, name: &str, epochs: usize) -> Pause<'o> {
        let checkpoints = observer.checkpoints().map(|checkpoints| Checkpoints {
            stop: Arc::default(),
            resume: true,
            ..checkpoints.within(name)
        });
        Pause { observer, checkpoints, epochs, history: Mutex::default() }
    }

    /// The error of a run that was to stop here is none.
    pub fn taken<T>(&self, result: Result<T, Error>) -> Result<Option<T>, Error> {
        let stopped = |e: &Error| e.kind() == ErrorKind::Stopped;
        match result {
            Ok(value) => Ok(Some(value)),
            Err(e) if stopped(&e) && self.is_reached() && !self.is_stopped_from_outside() => {
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    /// The epochs of the run, also of its former part.
    pub fn into_history(self) -> Vec<EpochRecord> {
        self.history.into_inner().unwrap_or_else(|e| e.into_inner())
    }

    fn is_reached(&self) -> bool {
        self.history.lock().unwrap_or_else(|e| e.into_inner()).len() >= self.epochs
    }

    fn is_stopped_from_outside(&self) -> bool {
        self.observer.checkpoints().is_some_and(Checkpoints::stops)
    }
}

impl Observer for Pause<'_> {
    fn notice(&self, event: &Event<'_>) {
        {
            let mut pages = self.history.lock().unwrap_or_else(|e| e.into_inner());
            match event {
                Event::Resumed { history, .. } => *pages = history.to_vec(),
                Event::Epoch { record, .. } => pages.push((*record).clone()),
                _ => {}
            }
        }
        if let Some(checkpoints) = &self.checkpoints
            && (self.is_reached() || self.is_stopped_from_outside())
        {
            checkpoints.stop.store(true, Ordering::Relaxed);
        }
        self.observer.notice(event);
    }

    fn checkpoints(&self) -> Option<&Checkpoints> {
        self.checkpoints.as_ref()
    }
}
