//! Workers: threads that take trials from the study, one after the other.

use super::board::Board;
use super::clock::Clock;
use super::configuration::{Configuration, Shared};
use crate::cli::options::tune::GoalName;
use crate::error::Error;
use crate::run::study::{JOURNAL, StudyFolder};
use narrows_engine::{Context, Isa};
use narrows_models::experiments::candidate::Measured;
use narrows_models::tuning::{Job, Journal, Next, Schedule, Study, Trial, Worker};
use narrows_models::{Checkpoints, ErrorKind, Event, Observer, Pretraining};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Label draws of trials have numbers from here on; those of comparisons have smaller ones.
const FIRST_DRAW: usize = 10_000;
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
    pub clock: &'a Clock,
    pub board: &'a Board<'a>,
}

/// Watches a trial, stops it when its time is up, and tells from its epochs how long it will take.
struct Watch<'w> {
    search: &'w Search<'w>,
    trial: usize,
    checkpoints: Checkpoints,
    /// The epochs of its encoder, and of all its classifiers.
    epochs: (usize, usize),
    begun: Instant,
    seen: Mutex<Seen>,
}

/// The epochs of a trial so far.
#[derive(Default)]
struct Seen {
    encoder: usize,
    classifiers: usize,
    encoder_seconds: f64,
    /// True if it had others before: then these tell nothing of the time.
    resumed: bool,
}

impl Watch<'_> {
    fn count(&self, event: &Event<'_>) {
        let mut seen = self.seen.lock().unwrap_or_else(|e| e.into_inner());
        let seconds = self.begun.elapsed().as_secs_f64();
        let of = |(seen, all): (usize, usize)| (all as f64 / seen as f64).max(1.0);
        match event {
            Event::Resumed { .. } => seen.resumed = true,
            Event::Epoch { run: Pretraining::RUN, .. } => {
                seen.encoder += 1;
                seen.encoder_seconds = seconds;
                if !seen.resumed {
                    let encoder = seconds * of((seen.encoder, self.epochs.0));
                    self.search.clock.expect(self.trial, encoder, 0.0);
                }
            }
            Event::Epoch { .. } => {
                seen.classifiers += 1;
                if !seen.resumed {
                    let classifiers = seconds - seen.encoder_seconds;
                    let all = classifiers * of((seen.classifiers, self.epochs.1));
                    self.search.clock.expect(self.trial, seen.encoder_seconds, all);
                }
            }
            _ => {}
        }
    }
}

impl Observer for Watch<'_> {
    fn notice(&self, event: &Event<'_>) {
        self.count(event);
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
        self.signalled.load(Ordering::Relaxed) || self.clock.is_over()
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
                true => {
                    let halving = &self.schedule.halving;
                    let fits = |study: &Study, trial: Option<&Trial>| {
                        self.clock.fits(study, halving, trial)
                    };
                    self.schedule.next(&mut locked, id, folder, &fits)
                }
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
            self.clock.begin(job.trial);
            let measured = self.measure(&cx, &job);
            if !matches!(measured, Err(Failure::Stopped)) {
                self.clock.end(job.trial);
            }
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
            self.clock.update(study, &self.schedule.space, &self.schedule.halving);
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
        let configuration = Configuration::new(self.shared, &job.values).map_err(Failure::of)?;
        let watch = Watch {
            search: self,
            trial: job.trial,
            checkpoints: Checkpoints {
                folder: self.folder.trial(job.trial),
                stop: Arc::default(),
                ..self.checkpoints.clone()
            },
            epochs: configuration.epochs(self.draws),
            begun: Instant::now(),
            seen: Mutex::default(),
        };
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
