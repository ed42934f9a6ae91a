//! The checkpoints of one run in progress: when the next one is due, and the stop.

use super::progress::Progress;
use super::state::State;
use crate::checkpoint::{Checkpoint, Checkpoints, Identity, Manifest};
use crate::error::{Error, ErrorKind, error};
use crate::event::{Event, Observer};
use narrows_engine::Context;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A checkpoint may take this part of the time.
const COST: u32 = 100;

/// The time that a first checkpoint is thought to take: mostly the disk's.
const FIRST_COST: Duration = Duration::from_millis(20);

/// Counts a step of a run, which took `samples` and had that loss at that rate, and saves its state
/// if that is due.
///
/// # Errors
/// The errors of [`Saver::after_step`].
pub(crate) fn end_step(
    observer: &dyn Observer,
    saver: Option<&mut Saver<'_>>,
    (samples, loss, lr): (usize, f64, f32),
    state: State<'_>,
) -> Result<(), Error> {
    let Progress { steps, run, .. } = state.progress;
    steps.count(run, observer, samples, loss, lr);
    match saver.filter(|saver| saver.is_due()) {
        Some(saver) => saver.after_step(state),
        None => Ok(()),
    }
}

/// Saves the state of one run.
pub(crate) struct Saver<'c> {
    checkpoints: &'c Checkpoints,
    observer: &'c dyn Observer,
    run: String,
    isa: &'static str,
    identity: Identity,
    /// The complete ones that this run has, the last one at the end.
    files: Vec<PathBuf>,
    /// The time of the last one, or of the last try.
    last: Instant,
    cost: Duration,
}

impl<'c> Saver<'c> {
    /// A saver for `run`, and the checkpoint that it goes on from, if it does; `None` if `observer`
    /// wants no checkpoints.
    ///
    /// # Errors
    /// If a stop is asked for already, a checkpoint cannot be read, or it is of another training.
    pub fn begin(
        cx: &Context,
        run: &str,
        observer: &'c dyn Observer,
        identity: impl FnOnce() -> Result<Identity, Error>,
    ) -> Result<Option<(Saver<'c>, Option<Checkpoint>)>, Error> {
        let Some(checkpoints) = observer.checkpoints() else { return Ok(None) };
        if checkpoints.stops() {
            return Err(error!(Stopped, "stopped before its first step"));
        }
        let (isa, identity) = (cx.isa().name(), identity()?);
        let (mut files, mut resumed) = (Vec::new(), None);
        if checkpoints.resume {
            let (last, damaged) = checkpoints.last(run)?;
            files = checkpoints.files(run)?;
            for error in &damaged {
                observer.notice(&Event::Damaged { run, error });
                // They have more steps than those that are still to be saved.
                if let Some(file) = files.pop() {
                    let name = file.with_extension("damaged");
                    fs::rename(&file, name)
                        .map_err(|e| error!(Io, "{}: cannot be renamed: {e}", file.display()))?;
                }
            }
            if let Some(checkpoint) = &last
                && let Some(difference) = checkpoint.manifest().identity.difference(&identity)
            {
                return Err(checkpoint.unfit(&difference));
            }
            resumed = last;
        }
        let run = run.to_string();
        let (last, cost) = (Instant::now(), FIRST_COST);
        let saver = Saver { checkpoints, observer, run, isa, identity, files, last, cost };
        Ok(Some((saver, resumed)))
    }

    /// Tells that the run goes on from `checkpoint`, which is in `state` now.
    pub fn resumed(&self, checkpoint: &Checkpoint, state: &State<'_>) {
        let isa = &checkpoint.manifest().isa[..];
        self.observer.notice(&Event::Resumed {
            run: &self.run,
            step: state.step(),
            history: &state.progress.history,
            other_isa: (isa != self.isa).then_some(isa),
        });
    }

    /// True if a checkpoint is due or a stop is asked for. It is asked after each step.
    pub fn is_due(&self) -> bool {
        self.checkpoints.stops() || self.last.elapsed() >= self.pause()
    }

    /// The time between two checkpoints.
    fn pause(&self) -> Duration {
        match self.checkpoints.every {
            Duration::ZERO => Duration::ZERO,
            every => every.max(COST * self.cost),
        }
    }

    /// Saves `state`, if a checkpoint is due or a stop is asked for.
    ///
    /// # Errors
    /// [`ErrorKind::Stopped`] if a stop is asked for, and the state is saved; if it cannot be, the
    /// error of that. A run that goes on has no error.
    pub fn after_step(&mut self, state: State<'_>) -> Result<(), Error> {
        let stops = self.checkpoints.stops();
        let (step, epoch) = (state.step(), state.progress.history.len() + 1);
        match (self.save(&state), stops) {
            (Ok(path), true) => Err(error!(
                Stopped,
                "stopped after step {step}, in epoch {epoch}: the checkpoint is {}",
                path.display()
            )),
            (Err(e), true) => Err(e.during(&format!("stopped after step {step}, not saved"))),
            (Err(_) | Ok(_), false) => Ok(()),
        }
    }

    /// Saves the state of a run that has ended, if it was long enough.
    pub fn end(&mut self, state: State<'_>) {
        if self.last.elapsed() >= self.pause().min(COST * self.cost) {
            // The observer has been told.
            let _ = self.save(&state);
        }
    }

    /// Saves `state` where work behind the steps was stopped, whose `result` this is.
    ///
    /// # Errors
    /// Those of `result`; of a stop with the checkpoint.
    pub fn behind_steps(
        saver: Option<&mut Saver<'_>>,
        result: Result<(), Error>,
        state: State<'_>,
    ) -> Result<(), Error> {
        match (&result, saver) {
            (Err(e), Some(saver)) if e.kind() == ErrorKind::Stopped => saver.after_step(state),
            _ => result,
        }
    }

    /// The error of a run that came to a bad end, with its last checkpoint.
    pub fn failed(&self, e: Error) -> Error {
        match self.files.last().filter(|_| e.kind() == ErrorKind::Diverged) {
            Some(file) => e.followed_by(&format!("; its last checkpoint is {}", file.display())),
            None => e,
        }
    }

    /// Saves `state`, and removes the checkpoints that are one too many.
    fn save(&mut self, state: &State<'_>) -> Result<PathBuf, Error> {
        let begun = Instant::now();
        let result = self.write(state);
        self.last = Instant::now();
        self.cost = begun.elapsed();
        let run = &self.run[..];
        match &result {
            Ok(path) => self.observer.notice(&Event::Saved { run, step: state.step(), path }),
            Err(error) => self.observer.notice(&Event::NotSaved { run, error }),
        }
        result
    }

    fn write(&mut self, state: &State<'_>) -> Result<PathBuf, Error> {
        let Saver { checkpoints, run, .. } = self;
        let (numbers, tensors) = state.saved()?;
        let manifest = Manifest {
            run: run.clone(),
            step: state.step(),
            isa: self.isa.to_string(),
            configuration: checkpoints.configuration.clone(),
            identity: self.identity.clone(),
            state: numbers,
        };
        let path = checkpoints.file(run, state.step());
        let cannot =
            |e| Error::of_file(ErrorKind::Io, &path, &format!("cannot save the checkpoint: {e}"));
        fs::create_dir_all(&checkpoints.folder).map_err(cannot)?;
        // A full disk may be full of these.
        for file in checkpoints.cut_short(run).unwrap_or_default() {
            let _ = fs::remove_file(file);
        }
        manifest.write(&path, &tensors).map_err(cannot)?;
        self.files.retain(|file| *file != path);
        self.files.push(path.clone());
        let extra = self.files.len().saturating_sub(checkpoints.keep.max(1));
        self.files.drain(..extra);
        // Also those of a training before, in whose place this one is. One that cannot be removed
        // does no harm: it has fewer steps, or is in the way of a later start, which says so.
        for file in checkpoints.files(run).unwrap_or_default() {
            if !self.files.contains(&file) {
                let _ = fs::remove_file(file);
            }
        }
        Ok(path)
    }
}
