//! The journal of a study: a file to which operations are appended, in the format of Optuna's
//! `JournalStorage` with a `JournalFileBackend`. Optuna reads our studies, and we go on with its.
//!
//! Several processes, threads and machines may share a journal on a file system whose locks work.
//! [`Journal::lock`] takes two locks: the system's, which goes with the process that holds it, and
//! Optuna's own, so that its processes may work on the study at the same time. Whoever holds them
//! reads what others appended, chooses, and appends. [`Locked::commit`] writes it all or nothing:
//! an append that was cut off, by a kill or a power failure, is cut off the file by the next lock.
//!
//! A file may hold several studies. Only one is used, with one objective.
//!
//! ```
//! # use narrows_models::tuning::*;
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("journal.log");
//! let domain = Domain::Float { low: 1e-4, high: 0.1, log: true };
//! let space = Space {
//!     parameters: vec![Parameter { name: "rate".into(), domain, conditions: vec![] }],
//! };
//! let mut journal = Journal::open(&path, "worker-1")?;
//! let mut locked = journal.lock()?;
//! locked.create_study("digits", Direction::Maximize);
//! let values = Values::from([("rate".into(), Value::Float(0.01))]);
//! let trial = locked.create_trial(&values, &space, State::Running);
//! locked.commit()?;
//!
//! let mut locked = journal.lock()?;
//! locked.finish(trial, State::Complete, Some(0.93));
//! locked.commit()?;
//! assert_eq!(journal.study().unwrap().best().unwrap().value, Some(0.93));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod distribution;
mod file;
mod json;
mod line;
mod link;
mod replay;

use super::{Direction, Space, State, Study, Values};
use crate::error::{Error, ErrorKind};
use distribution::Distribution;
pub(super) use distribution::internal;
use file::JournalFile;
use line::Operation;
use replay::{Record, Replay, state_code};
use serde_json::{Map, Value as Json};
use std::fmt;
use std::path::Path;

/// A study's journal on disk.
pub struct Journal {
    file: JournalFile,
    /// The id that each line has.
    worker: String,
    /// The study's name, once it is known.
    name: Option<String>,
    replay: Replay,
    note: Option<String>,
}

impl Journal {
    /// Opens the file, or creates it in a folder that is there, and reads its only study, if it
    /// has one. Each line that is written has the id of the `worker`.
    ///
    /// # Errors
    /// If the file cannot be opened, created, locked or read, is no journal, or holds several
    /// studies.
    pub fn open(path: &Path, worker: &str) -> Result<Journal, Error> {
        Journal::open_study(path, worker, None)
    }

    /// Opens the file like [`open`](Journal::open), for the study of that name.
    ///
    /// # Errors
    /// Those of [`open`](Journal::open), but for several studies.
    pub fn open_named(path: &Path, worker: &str, name: &str) -> Result<Journal, Error> {
        Journal::open_study(path, worker, Some(name.into()))
    }

    fn open_study(path: &Path, worker: &str, name: Option<String>) -> Result<Journal, Error> {
        let mut journal = Journal {
            file: JournalFile::open(path)?,
            worker: worker.into(),
            name,
            replay: Replay::default(),
            note: None,
        };
        drop(journal.lock()?);
        Ok(journal)
    }

    /// Waits for the locks, reads what others appended, and hands the study out. The locks are
    /// released at the end of what is returned: it should not be kept for seconds.
    ///
    /// # Errors
    /// If the file cannot be locked or read, has a line that is not understood, or its study cannot
    /// be used.
    pub fn lock(&mut self) -> Result<Locked<'_>, Error> {
        if self.file.lock()? {
            self.note("the file was replaced or cut off by another program: it is read anew");
            self.forget();
        }
        // Its end releases the locks, of an error too.
        let mut locked = Locked { journal: self, pending: Vec::new(), problem: None, named: true };
        let journal = &mut *locked.journal;
        if let Err(error) = journal.read() {
            journal.forget();
            return Err(error);
        }
        let found = journal.record()?.map(|record| record.study.name.clone());
        journal.name = journal.name.take().or(found);
        locked.named = journal.name.is_some();
        Ok(locked)
    }

    /// The study as it was last read.
    pub fn study(&self) -> Option<&Study> {
        self.record().ok().flatten().map(|record| &record.study)
    }

    /// A sentence about what was odd since the last call: a torn append that was cut off, or a file
    /// that another program replaced.
    pub fn take_note(&mut self) -> Option<String> {
        self.note.take()
    }

    fn note(&mut self, what: &str) {
        self.note = Some(match self.note.take() {
            None => format!("{}: {what}", self.file.path().display()),
            Some(note) => format!("{note}; {what}"),
        });
    }

    /// Everything is to be read again.
    fn forget(&mut self) {
        self.replay = Replay::default();
        self.file.rewind();
    }

    /// Reads what is new.
    fn read(&mut self) -> Result<(), Error> {
        let cut = self.file.read(&mut self.replay)?;
        if cut > 0 {
            self.note(&format!("its last append was cut off half-way: {cut} bytes are left out"));
        }
        Ok(())
    }

    /// The study of the name, or else the only one.
    fn record(&self) -> Result<Option<&Record>, Error> {
        let mut found = self.replay.studies().filter(|record| match &self.name {
            Some(name) => record.study.name == *name,
            None => true,
        });
        let Some(record) = found.next() else { return Ok(None) };
        if let Some(other) = found.next() {
            let names = format!("{:?} and {:?}", record.study.name, other.study.name);
            let problem = format!("it holds several studies, such as {names}: choose one by name");
            return Err(Error::of_file(ErrorKind::Setting, self.file.path(), &problem));
        }
        match record.usable() {
            Ok(_) => Ok(Some(record)),
            Err(problem) => Err(Error::of_file(ErrorKind::Mismatch, self.file.path(), &problem)),
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("path", &self.file.path()).finish_non_exhaustive()
    }
}

/// A journal that no other process or thread writes to. Its changes are seen in
/// [`study`](Locked::study) at once, and are written by [`commit`](Locked::commit). Without it, and
/// where it fails, nothing is written, and the study is again the one on disk.
///
/// The first change that cannot be (a value outside of its domain, a trial that has ended already)
/// is told by [`commit`](Locked::commit), which then writes nothing.
#[must_use = "nothing is written without a commit"]
pub struct Locked<'a> {
    journal: &'a mut Journal,
    pending: Vec<Operation>,
    problem: Option<String>,
    /// True if the study's name was known before.
    named: bool,
}

impl Locked<'_> {
    /// The study, with the changes so far.
    pub fn study(&self) -> Option<&Study> {
        self.journal.study()
    }

    /// Begins the study: the file has none of the name, and no other unless the journal was opened
    /// by name.
    pub fn create_study(&mut self, name: &str, direction: Direction) {
        if self.journal.name.get_or_insert_with(|| name.into()) != name {
            return self.refuse("the journal is that of another study".into());
        }
        let direction = match direction {
            Direction::Minimize => 1,
            Direction::Maximize => 2,
        };
        let operation = self.operation(line::CREATE_STUDY);
        self.apply(operation.field("study_name", name).field("directions", [direction]));
    }

    /// Sets an attribute of the study.
    pub fn set_study_attribute(&mut self, name: &str, value: Json) {
        if let Some(study) = self.study_id() {
            let operation = self.operation(line::SET_STUDY_USER_ATTR).field("study_id", study);
            self.apply(operation.field("user_attr", Map::from_iter([(name.into(), value)])));
        }
    }

    /// Begins a trial, or sets one up that waits, and returns its number. Each value is of a
    /// parameter of the space, and in its domain.
    pub fn create_trial(&mut self, values: &Values, space: &Space, state: State) -> usize {
        let Some(study) = self.study_id() else { return 0 };
        let number = self.study().map_or(0, |study| study.trials.len());
        let operation = self.operation(line::CREATE_TRIAL).field("study_id", study);
        self.apply(match state {
            State::Running => operation.now("datetime_start"),
            State::Waiting => {
                operation.field("datetime_start", Json::Null).field("state", state_code(state))
            }
            _ => return self.refuse_trial(number, "begins with the state of one that has ended"),
        });
        self.set_values(number, values, space);
        number
    }

    /// Sets values of a trial, but for those that it has already. Each is of a parameter of the
    /// space, and in its domain.
    pub fn set_values(&mut self, number: usize, values: &Values, space: &Space) {
        let there = self.study().and_then(|study| study.trials.get(number));
        let there = there.map(|trial| trial.values.clone()).unwrap_or_default();
        for (name, value) in values.iter().filter(|(name, _)| !there.contains_key(*name)) {
            let parameter = space.parameters.iter().find(|parameter| parameter.name == *name);
            let Some(parameter) = parameter else {
                self.refuse_trial(number, &format!("{name} is not in the space"));
                return;
            };
            let described = Distribution::text(&parameter.domain);
            match (described, distribution::internal(&parameter.domain, value)) {
                (Err(problem), _) => {
                    self.refuse_trial(number, &format!("{name} {problem}"));
                    return;
                }
                (_, None) => {
                    let problem = format!("{name} = {value} is outside of its domain");
                    self.refuse_trial(number, &problem);
                    return;
                }
                (Ok(described), Some(internal)) => {
                    self.set(number, line::SET_TRIAL_PARAM, |operation| {
                        let operation = operation.field("param_name", name);
                        let operation = operation.field("param_value_internal", internal);
                        operation.field("distribution", described)
                    });
                }
            }
        }
    }

    /// Sets an attribute of a trial.
    pub fn set_trial_attribute(&mut self, trial: usize, name: &str, value: Json) {
        self.set(trial, line::SET_TRIAL_USER_ATTR, |operation| {
            operation.field("user_attr", Map::from_iter([(name.into(), value)]))
        });
    }

    /// Takes up a trial that waits. One that runs may be taken over from a dead worker, but its
    /// state stays.
    pub fn start(&mut self, trial: usize) {
        self.set(trial, line::SET_TRIAL_STATE_VALUES, |operation| {
            let operation = operation.field("state", state_code(State::Running)).values(None);
            operation.now("datetime_start")
        });
    }

    /// Adds a result on the way, which may be NaN or infinite.
    pub fn report(&mut self, trial: usize, step: u64, value: f64) {
        self.set(trial, line::SET_TRIAL_INTERMEDIATE_VALUE, |operation| {
            operation.field("step", step).number("intermediate_value", value)
        });
    }

    /// Ends a trial: with a value where it is complete, which is a number but may be infinite.
    pub fn finish(&mut self, trial: usize, state: State, value: Option<f64>) {
        let refused = match state {
            State::Running | State::Waiting => "a trial does not end by running or waiting",
            State::Complete if value.is_none() => "a complete trial has a value",
            _ if value.is_some_and(f64::is_nan) => "a trial's value is a number",
            _ => "",
        };
        if !refused.is_empty() {
            return self.refuse(format!("trial {trial}: {refused}"));
        }
        self.set(trial, line::SET_TRIAL_STATE_VALUES, |operation| {
            operation.field("state", state_code(state)).values(value).now("datetime_complete")
        });
    }

    /// Appends all changes at once, flushed to the disk, and releases the locks.
    ///
    /// # Errors
    /// If a change cannot be, or the file cannot be written: nothing is then.
    pub fn commit(mut self) -> Result<(), Error> {
        if let Some(problem) = self.problem.take() {
            return Err(Error::of_file(ErrorKind::Mismatch, self.journal.file.path(), &problem));
        }
        let last = self.pending.len().saturating_sub(1);
        let lines = self.pending.iter().enumerate();
        let text: String = lines.map(|(at, operation)| operation.line(at < last)).collect();
        if !text.is_empty() {
            self.journal.file.append(&text)?;
            self.pending.clear();
        }
        Ok(())
    }

    fn operation(&self, code: u32) -> Operation {
        Operation::new(code, &self.journal.worker)
    }

    /// The study's number in the file.
    fn study_id(&mut self) -> Option<usize> {
        let id = self.journal.record().ok().flatten().map(|record| record.id);
        if id.is_none() {
            self.refuse("there is no study yet".into());
        }
        id
    }

    /// An operation on a trial.
    fn set(&mut self, trial: usize, code: u32, with: impl FnOnce(Operation) -> Operation) {
        let record = self.journal.record().ok().flatten();
        match record.and_then(|record| record.trials.get(trial)) {
            Some(&id) => {
                let operation = self.operation(code).field("trial_id", id);
                self.apply(with(operation));
            }
            None => self.refuse(format!("there is no trial {trial}")),
        }
    }

    /// Applies an operation to the study in memory, by way of its own text.
    fn apply(&mut self, operation: Operation) {
        let applied = json::read(operation.line(false).as_bytes())
            .map_err(|error| error.to_string())
            .and_then(|line| self.journal.replay.apply(line));
        self.pending.push(operation);
        if let Err(problem) | Ok(Some(problem)) = applied {
            self.refuse(problem);
        }
    }

    fn refuse(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }

    fn refuse_trial(&mut self, number: usize, problem: &str) -> usize {
        self.refuse(format!("trial {number}: {problem}"));
        number
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if !self.pending.is_empty() {
            self.journal.forget();
            if !self.named {
                self.journal.name = None;
            }
            if self.journal.read().is_err() {
                // The next lock reads it all, and tells why it cannot.
                self.journal.forget();
            }
        }
        self.journal.file.unlock();
    }
}

impl fmt::Debug for Locked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locked").field("journal", &self.journal).finish_non_exhaustive()
    }
}
