//! `narrows tune`: a search for the best settings of a method, on validation labels.
//!
//! 1. The options that all trials share are checked, and the space that trials differ in.
//! 2. Workers train trials side by side; what they do stands in the study's journal.
//! 3. The best trial and the defaults of its method are trained on fresh label draws, and meet the
//!    test samples once.

mod best;
mod board;
mod clock;
mod configuration;
mod ranking;
mod report;
mod spaces;
mod test;
mod work;

use super::inputs::{Loaded, full_path, open};
use super::refuse;
use crate::cli::config;
use crate::cli::options::architecture::ArchitectureOptions;
use crate::cli::options::methods::{MethodName, method, trained};
use crate::cli::options::tune::{Base, EarlyEndName, GoalName, StrategyName, Tune};
use crate::cli::options::values::{Auto, List, ids};
use crate::error::{Error, bail, ensure};
use crate::run::session::listen;
use crate::run::study::{JOURNAL, SPACE, StudyFolder};
use crate::shell::quoted;
use board::Board;
use clock::{Amounts, Clock};
use configuration::{Configuration, METHOD, Shared};
use narrows_engine::Isa;
use narrows_models::tuning::halving::HALVING;
use narrows_models::tuning::{
    Direction, Halving, Journal, Schedule, Space, Strategy, Value, Values, Waits,
};
use narrows_models::{Checkpoints, Transfer};
use serde_json::json;
use spaces::{AUTOENCODER, Known};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use work::Search;

const NAME: &str = "tune";
/// The name of the study in its journal, where Optuna gave it no other.
const STUDY: &str = "narrows";
/// The study's attribute with the checksum of the data.
const DATA: &str = "data";
/// The time where neither that nor a number of trials is given.
const BUDGET: Duration = Duration::from_secs(600);
/// The validation labels of a trial, over all of its draws.
const VALIDATED: usize = 500;
/// One in so many trials goes on to the next rung.
const FACTOR: usize = 3;

pub fn run(mut options: Tune, explicit: &[String]) -> Result<String, Error> {
    let begun = Instant::now();
    for (id, reason) in Base::UNUSED {
        refuse(explicit, &[id], reason)?;
    }
    let Tune { search, base: Base(base) } = &mut options;
    let encoder = base
        .encoder
        .as_deref()
        .map(|run| Loaded::open_encoder(run, &base.foreign, base.data.reading.image_size()))
        .transpose()?;
    if encoder.is_some() {
        let reason = "the architecture is that of --encoder";
        refuse(explicit, &ids::<ArchitectureOptions>(), reason)?;
    }
    let machine = base.running.machine.clone();
    let data = open(encoder.as_ref(), &mut base.data, machine.threads, machine.quiet)?;
    base.encoder = base.encoder.as_deref().map(full_path).transpose()?;
    let methods = methods(search.goal, &base.methods)?;
    let model = match &encoder {
        Some(encoder) => encoder.description.architecture.model,
        None => base.architecture.model,
    };
    let methods_given = base.methods != Auto::Auto;
    let encoded = encoder.is_some();
    let mut known = Known { train: &data.train, model, encoder: encoded, methods, methods_given };
    let space = spaces::space(search.space.as_deref(), &mut known)?;
    let Known { methods, .. } = known;
    let shared = Shared {
        data: &data,
        encoder: encoder.map(|encoder| (encoder.description.architecture, encoder.params)),
        base: config::table(&*base)?,
        method: match search.goal {
            // Any method will do: none is trained.
            GoalName::Reconstruction => Transfer::Full.name().to_string(),
            GoalName::Accuracy => methods[0].clone(),
        },
    };
    let first = defaults(&methods, &space);
    for values in &first {
        check(&shared, values, search.goal)?;
    }
    let validation = Configuration::new(&shared, &first[0])?.curve(1).points[0].validation;
    let trial_draws = VALIDATED.div_ceil(validation.max(1)).clamp(2, 5);
    let trial_draws = search.trial_draws.settle(trial_draws);
    let schedule = Schedule {
        strategy: strategy(search.strategy, search.grid_points),
        halving: halving(search.early_end, search.strategy)?,
        seed: base.running.seed,
        most: search.trials,
        first,
        space,
    };
    if let Some(size) = schedule.strategy.trials(&schedule.space)
        && search.trials.is_none()
        && size > 100_000
    {
        bail!("the grid has {size} combinations: set --grid-points lower, or another --strategy");
    }

    let stop = Arc::default();
    let signal = listen(&stop)
        .map_err(|e| Error::new(format!("cannot listen to signals to stop by: {e}")))?;
    let cx = machine.context()?;
    let folder = StudyFolder::open(search.study.as_deref())?;
    let workers = search.parallel.or(cx.threads()).min(cx.threads().max(1) * 4);
    let threads = (cx.threads() / workers).max(1);
    let note = format!("computed with --isa {}", cx.isa().name());
    let draws = base.labels.draws;
    let waits = waits(&stop);
    let path = quoted(folder.path().display()).to_string();
    let stopped = |e: Error| {
        // The numbers of signals are small.
        let code = 128 + signal.load(Ordering::Relaxed) as u8;
        e.stopped_by(&format!("; continue by the same command with --study {path}"), code)
    };
    let begun_study =
        begin(&folder, &options, &note, &schedule, &data.train.fingerprint()?, &waits);
    begun_study.map_err(|e| if e.is_stopped() { stopped(e) } else { e })?;

    let Tune { search, base: Base(base) } = &options;
    let budget = match (&search.budget, search.trials) {
        (Some(time), _) => Some(time.value),
        (None, None) => Some(BUDGET),
        (None, Some(_)) => None,
    };
    let tests = !search.worker && search.goal == GoalName::Accuracy;
    let test_draws = if tests { draws } else { 0 };
    let clock = Clock::new(begun, budget, Amounts { trial_draws, test_draws, workers, threads });
    let board = Board::new((search.goal, &schedule.space), machine.quiet, &clock);
    let checkpoints = Checkpoints {
        every: base.running.checkpoint_every,
        keep: base.running.keep,
        resume: true,
        configuration: config::text(NAME, &options, &note)?,
        ..Checkpoints::new(folder.file("trials"))
    };
    let search_of = Search {
        shared: &shared,
        folder: &folder,
        schedule: &schedule,
        goal: search.goal,
        draws: trial_draws,
        checkpoints: checkpoints.clone(),
        signalled: Arc::clone(&stop),
        waits: Arc::clone(&waits),
        at_work: AtomicUsize::new(0),
        clock: &clock,
        board: &board,
    };
    let isa = Isa::named(cx.isa().name()).unwrap_or_else(Isa::best);
    let journal = folder.file(JOURNAL);
    if let Some(study) = Journal::open_while(&journal, "begin", Arc::clone(&waits))?.study() {
        clock.update(study, &schedule.space, &schedule.halving);
        board.update(study, usize::MAX);
    }
    let searched = search_of.run(workers, isa, threads);
    board.end();
    if stop.load(Ordering::Relaxed) && searched.as_ref().err().is_none_or(Error::is_stopped) {
        return Err(stopped(Error::new("stopped: each trial in progress has a checkpoint")));
    }
    searched?;
    let journal = Journal::open_while(&folder.file(JOURNAL), "report", waits)?;
    let report = report::Report {
        search: &search_of,
        options: &options,
        data_words: options.base.0.data.words()?,
        cx: &cx,
        stop,
        checkpoints,
    };
    report.write(&journal).map_err(|e| if e.is_stopped() { stopped(e) } else { e })
}

/// The patience with another process that holds the journal's lock: until a signal, and a moment
/// longer, since trials in progress are to be written down. It says once that it waits.
fn waits(stop: &Arc<AtomicBool>) -> Waits {
    let (stop, said) = (Arc::clone(stop), AtomicBool::new(false));
    Arc::new(move |waited| {
        if waited >= Duration::from_secs(3) && !said.swap(true, Ordering::Relaxed) {
            let line = "another process holds the lock of the study's journal: waiting for it";
            // Where nobody listens, the work goes on.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
        !stop.load(Ordering::Relaxed) || waited < Duration::from_millis(500)
    })
}

/// The methods to choose from.
fn methods(goal: GoalName, given: &Auto<List<MethodName>>) -> Result<Vec<String>, Error> {
    if goal == GoalName::Reconstruction {
        ensure!(
            *given == Auto::Auto,
            "--methods has no effect: --goal reconstruction trains an autoencoder alone"
        );
        return Ok(vec![AUTOENCODER.to_string()]);
    }
    let auto = || ["scratch", "lp-ft"].into_iter().filter_map(|name| method(name).ok()).collect();
    let List(methods) = match given {
        Auto::Given(methods) => methods.clone(),
        Auto::Auto => List(auto()),
    };
    ensure!(
        !methods.contains(&MethodName::Transfer(Transfer::Linear)),
        "--methods: linear has no settings to search for: it chooses its own by validation labels"
    );
    for name in &methods {
        trained(&name.name()).map_err(|e| Error::new(format!("--methods: {e}")))?;
    }
    let mut names: Vec<String> = Vec::new();
    for name in methods.into_iter().map(MethodName::name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// The trials that a study begins with: the defaults of each method.
fn defaults(methods: &[String], space: &Space) -> Vec<Values> {
    let chosen = space.parameters.iter().any(|parameter| parameter.name == METHOD);
    let with = |method: &String| match chosen {
        true => Values::from([(METHOD.to_string(), Value::Text(method.clone()))]),
        false => Values::new(),
    };
    match chosen {
        true => methods.iter().map(with).collect(),
        false => vec![Values::new()],
    }
}

/// Refuses defaults that cannot work, before the folder is there.
fn check(shared: &Shared<'_>, values: &Values, goal: GoalName) -> Result<(), Error> {
    let configuration = Configuration::new(shared, values)?;
    match goal {
        GoalName::Reconstruction => Ok(configuration.pretraining()?.check().map(drop)?),
        GoalName::Accuracy => configuration.candidate(0..1).map(drop),
    }
}

fn strategy(name: StrategyName, points: usize) -> Strategy {
    match name {
        StrategyName::Tpe => Strategy::Tpe { multivariate: true },
        StrategyName::TpeUnivariate => Strategy::Tpe { multivariate: false },
        StrategyName::Random => Strategy::Random,
        StrategyName::Grid => Strategy::Grid { points },
        StrategyName::CoarseToFine => Strategy::CoarseToFine,
    }
}

fn halving(name: Auto<EarlyEndName>, strategy: StrategyName) -> Result<Halving, Error> {
    let auto = match strategy {
        StrategyName::Tpe | StrategyName::TpeUnivariate => EarlyEndName::Asha,
        _ => EarlyEndName::None,
    };
    Ok(match name.or(auto) {
        EarlyEndName::Asha => Halving::asha(FACTOR)?,
        EarlyEndName::Hyperband => Halving::hyperband(FACTOR)?,
        EarlyEndName::None => Halving::none(),
    })
}

/// Writes what the study is into its folder, or checks that it is the one that is there.
fn begin(
    folder: &StudyFolder,
    options: &Tune,
    note: &str,
    schedule: &Schedule,
    fingerprint: &str,
    waits: &Waits,
) -> Result<(), Error> {
    let mut journal = Journal::open_while(&folder.file(JOURNAL), "begin", Arc::clone(waits))?;
    // Under the lock, so that of several processes one writes.
    let mut locked = journal.lock()?;
    folder.configure(options, note)?;
    let space = schedule.space.to_toml()?;
    let path = folder.file(SPACE);
    match std::fs::read_to_string(&path) {
        Ok(there) if there == space => {}
        Ok(_) => bail!(
            &path,
            "the study's search space is another: give it by --space, or begin a new study in \
             another folder"
        ),
        Err(_) => folder.write(SPACE, space.as_bytes())?,
    }
    let direction = match options.search.goal {
        GoalName::Accuracy => Direction::Maximize,
        GoalName::Reconstruction => Direction::Minimize,
    };
    let Some(study) = locked.study() else {
        locked.create_study(STUDY, direction);
        locked.set_study_attribute(DATA, json!(fingerprint));
        locked.set_study_attribute(HALVING, json!(schedule.halving));
        return Ok(locked.commit()?);
    };
    ensure!(
        study.direction == direction,
        &folder.file(JOURNAL),
        "the study's direction is another: --goal accuracy is maximised, reconstruction minimised"
    );
    if !study.attributes.contains_key(HALVING) {
        locked.set_study_attribute(HALVING, json!(schedule.halving));
    }
    let data = locked.study().and_then(|study| study.attributes.get(DATA)?.as_str());
    match data {
        None => locked.set_study_attribute(DATA, json!(fingerprint)),
        Some(data) if data == fingerprint => {}
        Some(_) => bail!(
            folder.path(),
            "the study was begun on other data: begin a new one in another folder"
        ),
    }
    Ok(locked.commit()?)
}
