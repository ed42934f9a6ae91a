//! A run that trains: its folder, its progress, its checkpoints, and the signals that stop it.

use super::folder::{CHECKPOINTS, PICTURE, RunFolder, SUMMARY};
use super::metrics::Growing;
use crate::cli::config::{self, CONFIG};
use crate::cli::options::running::RunningOptions;
use crate::error::{Error, bail, ensure};
use crate::output::progress::Progress;
use crate::output::tensorboard::TensorBoard;
use crate::shell::quoted;
use narrows_engine::Context;
use narrows_models::{Checkpoints, Event, Observer};
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A run in progress.
pub struct Session {
    pub folder: RunFolder,
    command: &'static str,
    progress: Progress,
    checkpoints: Checkpoints,
    metrics: Growing,
    tensorboard: Option<TensorBoard>,
    /// The signal that asked for a stop; 0 without one.
    signal: Arc<AtomicUsize>,
}

impl Observer for Session {
    fn notice(&self, event: &Event<'_>) {
        self.progress.notice(event);
        self.metrics.notice(event);
        if let Some(tensorboard) = &self.tensorboard {
            tensorboard.notice(event);
        }
    }

    fn checkpoints(&self) -> Option<&Checkpoints> {
        Some(&self.checkpoints)
    }
}

impl Session {
    /// Begins a run of `command`, or goes on with the one that `--resume` names, unless `options`
    /// are others than it began with; those that are `free` may be.
    ///
    /// In a new folder the configuration is written first: that it can be written to is known
    /// before anything is trained.
    pub fn begin(
        command: &'static str,
        options: &impl Serialize,
        running: &RunningOptions,
        cx: &Context,
        free: impl Fn(&str) -> bool,
    ) -> Result<Session, Error> {
        let note = format!("computed with --isa {} on {} threads", cx.isa().name(), cx.threads());
        let configuration = config::text(command, options, &note)?;
        // Before the folder is there: whoever sees it can stop the run.
        let stop = Arc::default();
        let signal = listen(&stop)
            .map_err(|e| Error::new(format!("cannot listen to signals to stop by: {e}")))?;
        let folder = match &running.resume {
            None => {
                let folder = RunFolder::create(running.out.as_deref(), command)?;
                folder.write(CONFIG, configuration.as_bytes())?;
                folder
            }
            Some(run) => {
                let folder = RunFolder::reopen(run)?;
                if let Some(key) = config::difference(&folder.file(CONFIG), options, free)? {
                    bail!(
                        run,
                        "was begun with another --{key}: leave it out, or begin a new run by --out"
                    );
                }
                folder
            }
        };
        let checkpoints = Checkpoints {
            every: running.checkpoint_every,
            keep: running.keep,
            resume: running.resume.is_some(),
            stop,
            configuration,
            ..Checkpoints::new(folder.file(CHECKPOINTS))
        };
        let progress = Progress::new(running.machine.quiet);
        let tensorboard = running
            .tensorboard
            .as_ref()
            .map(|place| TensorBoard::begin(place, folder.path(), &config::table(options)?));
        let tensorboard = tensorboard.transpose()?;
        let metrics = Growing::new(folder.path());
        Ok(Session { folder, command, progress, checkpoints, metrics, tensorboard, signal })
    }

    /// Refuses to go on with a run that came to its end.
    pub fn unfinished(self) -> Result<Session, Error> {
        ensure!(
            !(self.checkpoints.resume && self.folder.is_finished()),
            self.folder.path(),
            "is finished: nothing is left to continue"
        );
        Ok(self)
    }

    /// Adds results and pictures to the events, and says what could not be written.
    fn end_events(&self, succeeded: bool) {
        let Some(tensorboard) = &self.tensorboard else { return };
        if let Ok(png) = fs::read(self.folder.file(PICTURE)) {
            tensorboard.picture("reconstructions/test", &png);
        }
        let summary = fs::read(self.folder.file(SUMMARY)).ok();
        if let Some(Ok(summary)) = summary.map(|text| serde_json::from_slice(&text)) {
            tensorboard.results(&summary);
        }
        if let Some(problem) = tensorboard.end(succeeded) {
            self.progress.say(&problem);
        }
    }

    /// Does the work. If it was stopped, the error says how to continue it.
    pub fn run<T>(self, work: impl FnOnce(&Session) -> Result<T, Error>) -> Result<T, Error> {
        let result = work(&self);
        self.end_events(result.is_ok());
        result.map_err(|e| {
            if self.checkpoints.folder.exists() {
                self.folder.keep();
            }
            if !e.is_stopped() {
                return e;
            }
            self.folder.keep();
            let again = quoted(self.folder.path().display());
            let more = format!("; continue by narrows {} --resume {again}", self.command);
            // The numbers of signals are small.
            let signal = self.signal.load(Ordering::Relaxed) as u8;
            e.stopped_by(&more, 128 + signal)
        })
    }
}

/// Sets `stop` at the first signal that asks for the end, and ends at once at the second. Returns
/// the signal's place.
pub fn listen(stop: &Arc<AtomicBool>) -> io::Result<Arc<AtomicUsize>> {
    let number = Arc::default();
    for signal in [SIGINT, SIGTERM] {
        // Handlers run in this order: at the first signal, the flag is not set yet.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(stop))?;
        flag::register_usize(signal, Arc::clone(&number), signal as usize)?;
        flag::register(signal, Arc::clone(stop))?;
    }
    Ok(number)
}
