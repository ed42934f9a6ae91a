//! Workers: threads that take trials from the study, one after the other.

use super::board::Board;
use super::configuration::{Configuration, Shared};
use crate::cli::options::tune::GoalName;
use crate::error::Error;
use crate::run::study::{JOURNAL, StudyFolder};
use narrows_engine::{Context, Isa};
use narrows_models::experiments::candidate::Measured;
use narrows_models::tuning::{Job, Journal, Next, Schedule, Worker};
use narrows_models::{Checkpoints, ErrorKind, Event, Observer};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Label draws of trials have numbers from here on; those of comparisons have smaller ones.
const FIRST_DRAW: usize = 10_000;
/// The part of the time in which trials begin.
const BEGINNING: f64 = 0.8;
/// A pause where there is nothing to do until another worker is through.
const PAUSE: Duration = Duration::from_millis(100);

/// The search that all workers of this process take part in.
pub struct Search<'a> {
    pub shared: &'a Shared<'a>,
    pub folder: &'a StudyFolder,
    pub schedule: &'a Schedule,
    pub goal: GoalName,
    /// The label draws of a trial.
    pub draws: usize,
    /// The checkpoints of trials, but for their folder.
    pub checkpoints: Checkpoints,
    /// Set by a signal.
    pub signalled: Arc<AtomicBool>,
    pub begun: Instant,
    pub budget: Option<Duration>,
    pub board: &'a Board<'a>,
}

/// Watches a trial, and stops it when its time is up.
struct Watch<'w> {
    search: &'w Search<'w>,
    checkpoints: Checkpoints,
}

impl Observer for Watch<'_> {
    fn notice(&self, event: &Event<'_>) {
        if self.search.is_over() {
            self.checkpoints.stop.store(true, Ordering::Relaxed);
        }
        if let Event::NotSaved { run, error } = event {
            self.search.board.say(&format!(
                "{run}: no checkpoint could be saved: {error}: the training goes on"
            ));
        }
    }

    fn checkpoints(&self) -> Option<&Checkpoints> {
        Some(&self.checkpoints)
    }
}

impl Search<'_> {
    /// True if no more trials are to be trained: by a signal, or by the time.
    pub fn is_over(&self) -> bool {
        self.signalled.load(Ordering::Relaxed)
            || self
                .budget
                .is_some_and(|budget| self.begun.elapsed() + self.board.time_of_test() >= budget)
    }

    /// True if there is time to begin a trial: the last part is for those that are paused.
    fn begins(&self) -> bool {
        self.budget.is_none_or(|budget| {
            let time = budget.saturating_sub(self.board.time_of_test());
            self.begun.elapsed().as_secs_f64() < BEGINNING * time.as_secs_f64()
        })
    }

    /// The label draws of trials.
    fn draws(&self) -> Range<usize> {
        FIRST_DRAW..FIRST_DRAW + self.draws
    }

    /// Runs so many workers, each on so many threads, until nothing is left to do or the time is
    /// up.
    pub fn run(&self, workers: usize, isa: Isa, threads: usize) -> Result<(), Error> {
        let failed = AtomicBool::new(false);
        thread::scope(|scope| {
            let work = |number: usize| {
                let worked = self.work(number, isa, threads, &failed);
                if worked.is_err() {
                    failed.store(true, Ordering::Relaxed);
                }
                worked
            };
            let workers: Vec<_> =
                (0..workers).map(|number| scope.spawn(move || work(number))).collect();
            let ends = workers.into_iter().map(|worker| match worker.join() {
                Ok(end) => end,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            ends.collect::<Vec<_>>().into_iter().collect()
        })
    }

    fn work(
        &self,
        number: usize,
        isa: Isa,
        threads: usize,
        failed: &AtomicBool,
    ) -> Result<(), Error> {
        let cx = Context::with_isa(isa, threads)?;
        let worker = Worker::begin(self.folder.path(), &id(number))?;
        let mut journal = Journal::open(&self.folder.file(JOURNAL), worker.id())?;
        loop {
            let goes_on = !self.is_over() && !failed.load(Ordering::Relaxed);
            let mut locked = journal.lock()?;
            let (id, folder) = (worker.id(), self.folder.path());
            let next = match goes_on {
                true => self.schedule.next(&mut locked, id, folder, self.begins()),
                false => Next::Done,
            };
            locked.commit()?;
            if let Some(note) = journal.take_note() {
                self.board.say(&note);
            }
            let job = match next {
                Next::Job(job) => job,
                Next::Wait => {
                    thread::sleep(PAUSE);
                    continue;
                }
                Next::Done => return Ok(()),
            };
            let measured = self.measure(&cx, &job);
            let mut locked = journal.lock()?;
            match measured {
                Ok(measured) => self.schedule.record(&mut locked, &job, &measured),
                Err(Failure::Stopped) => self.schedule.release(&mut locked, &job),
                Err(Failure::Trial(problem)) => {
                    self.schedule.fail(&mut locked, job.trial, &problem);
                }
                Err(Failure::Process(e)) => {
                    self.schedule.release(&mut locked, &job);
                    locked.commit()?;
                    return Err(e);
                }
            }
            locked.commit()?;
            let study = journal.study().ok_or_else(|| self.gone())?;
            if study.trials.get(job.trial).is_some_and(|trial| trial.state.is_finished()) {
                self.folder.forget(job.trial);
            }
            // Their checkpoints would fill the disk. Without them they would begin anew.
            for trial in self.schedule.halving.unlikely(study) {
                self.folder.forget(trial);
            }
            self.board.update(study, job.trial);
            if let Some(problem) = self.board.hopeless(study) {
                return Err(Error::new(problem));
            }
        }
    }

    /// The error of a journal without its study.
    pub fn gone(&self) -> Error {
        Error::at(&self.folder.file(JOURNAL), "the study is no longer in it")
    }

    /// Does the work of `job`.
    fn measure(&self, cx: &Context, job: &Job) -> Result<Measured, Failure> {
        let watch = Watch {
            search: self,
            checkpoints: Checkpoints {
                folder: self.folder.trial(job.trial),
                stop: Arc::default(),
                ..self.checkpoints.clone()
            },
        };
        let configuration = Configuration::new(self.shared, &job.values).map_err(Failure::of)?;
        let measured = match self.goal {
            GoalName::Reconstruction => {
                let pretraining = configuration.pretraining().map_err(Failure::of)?;
                pretraining.check().map(drop).map_err(|e| Failure::Trial(e.to_string()))?;
                pretraining.measure(cx, job.part, &watch)
            }
            GoalName::Accuracy => {
                let candidate = configuration.candidate(self.draws()).map_err(Failure::of)?;
                let measured = candidate.measure(cx, job.part, &watch);
                match measured {
                    // A damaged checkpoint costs the trial's time, not the study.
                    Err(e) if e.kind() == ErrorKind::Format => {
                        self.board.say(&format!("trial {} begins anew: {e}", job.trial));
                        self.folder.forget(job.trial);
                        candidate.measure(cx, job.part, &watch)
                    }
                    measured => measured,
                }
            }
        };
        measured.map_err(|e| match e.kind() {
            ErrorKind::Stopped => Failure::Stopped,
            // Another trial would fail like this one.
            ErrorKind::Io | ErrorKind::Format => Failure::Process(e.into()),
            _ => Failure::Trial(e.to_string()),
        })
    }
}

/// Why a trial came to no result.
enum Failure {
    Stopped,
    /// The trial's own fault.
    Trial(String),
    /// That of the disk or the like.
    Process(Error),
}

impl Failure {
    fn of(e: Error) -> Failure {
        Failure::Trial(e.to_string())
    }
}

/// A name that no other worker has.
fn id(number: usize) -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanoseconds = since.map_or(0, |since| since.as_nanos());
    format!("{}-{number}-{nanoseconds:x}", std::process::id())
}
