//! Comparisons and curves that are stopped anywhere, several trials side by side, and go on.

use crate::support::{semi_training, vat};
use narrows_datasets::{TrainTest, builtin};
use narrows_engine::{Context, Params};
use narrows_models::compare::ComparisonResult;
use narrows_models::curve::{Point, TrialResult};
use narrows_models::methods::{Method, Selection, SemiMethod};
use narrows_models::semi::{PseudoLabels, Semi, SemiTraining};
use narrows_models::{
    Architecture, Checkpoints, Comparison, Curve, Error, ErrorKind, Event, Model, Observer,
    Pretraining, Training, Transfer,
};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Asks for a stop after some steps of any run.
struct Stopper {
    checkpoints: Checkpoints,
    left: AtomicUsize,
    taken: AtomicUsize,
    /// The runs that began, and their epochs.
    started: Mutex<Vec<(String, usize)>>,
}

impl Stopper {
    fn new(folder: &Path, steps: usize, every: Duration) -> Stopper {
        let checkpoints = Checkpoints { resume: true, every, ..Checkpoints::new(folder) };
        let [left, taken] = [steps, 0].map(AtomicUsize::new);
        Stopper { checkpoints, left, taken, started: Mutex::default() }
    }
}

impl Observer for Stopper {
    fn notice(&self, event: &Event<'_>) {
        match event {
            Event::Step { .. } => {
                self.taken.fetch_add(1, Ordering::Relaxed);
                if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
                    self.checkpoints.stop.store(true, Ordering::Relaxed);
                }
            }
            Event::Started { run, epochs, .. } => {
                self.started.lock().unwrap().push(((*run).to_string(), *epochs));
            }
            Event::NotSaved { error, .. } | Event::Damaged { error, .. } => panic!("{error}"),
            _ => {}
        }
    }

    fn checkpoints(&self) -> Option<&Checkpoints> {
        Some(&self.checkpoints)
    }
}

fn semi(name: &str, method: Semi, from_encoder: bool) -> SemiMethod {
    let training =
        SemiTraining { epochs: 2, batch: 20, labelled_batch: 10, ..semi_training(method) };
    SemiMethod {
        name: name.to_string(),
        architecture: architecture(),
        from_encoder,
        training,
        samples: None,
    }
}

fn architecture() -> Architecture {
    Architecture {
        widths: vec![10],
        latent: 6,
        dropout: 0.1,
        ..Architecture::new(Model::Dense, [8, 8, 1])
    }
}

struct Setting {
    data: TrainTest,
    architecture: Architecture,
    pretraining: Training,
}

impl Setting {
    fn new() -> Setting {
        let data = builtin(1500, 0);
        let pretraining = Training { epochs: 2, batch: 50, ..Training::autoencoder() };
        Setting { data, architecture: architecture(), pretraining }
    }

    fn curve(&self, points: &[usize]) -> Curve<'_> {
        let finetuning = Training { epochs: 4, batch: 10, ..Training::classifier() };
        let point = |labels: &usize| Point {
            labels: *labels,
            validation: 20,
            finetuning: finetuning.clone(),
        };
        let mut methods = [Transfer::Scratch, Transfer::Gradual].map(Method::Transfer).to_vec();
        methods.push(Method::Semi(Box::new(semi("vat", vat(), true))));
        Curve {
            data: &self.data,
            architecture: self.architecture.clone(),
            learning_rates: vec![3e-3, 1e-2],
            methods,
            points: points.iter().map(point).collect(),
            draws: 2,
            ensemble: 2,
            seed: 1,
        }
    }

    /// The choice has the time that its candidates take.
    fn comparison(&self) -> Comparison<'_> {
        let pseudo = Semi::PseudoLabels(PseudoLabels { threshold: 0.5 });
        let candidates =
            [semi("other vat", vat(), false), semi("pseudo", pseudo, false)].map(Box::new);
        Comparison {
            pretraining: Pretraining {
                held_out: 20,
                ..Pretraining::new(&self.data, &self.architecture, &self.pretraining)
            },
            curve: self.curve(&[20]),
            selection: Some(Selection {
                candidates: candidates.map(Method::Semi).to_vec(),
                budget: Duration::from_secs(1_000_000),
            }),
        }
    }
}

/// All that is not a time.
fn outcome(result: &ComparisonResult) -> String {
    let params = result.pretrained.params.values();
    let mut text = format!("{:?}", params.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
    for method in &result.methods {
        let (name, accuracy) = (&method.name, &method.test_accuracy);
        text += &format!("{name} {accuracy:?} {:?}\n", method.chosen);
    }
    for tried in &result.tried {
        text += &format!("{} {} {}\n", tried.name, tried.epochs, tried.validation_loss);
    }
    for (run, history) in &result.histories {
        for record in history {
            let (train, validation) = (record.train_loss, record.validation_loss);
            text += &format!("{run} {} {train} {validation:?}\n", record.epoch);
        }
    }
    text
}

#[test]
fn a_comparison_stopped_anywhere_has_the_same_results() {
    let setting = Setting::new();
    let comparison = setting.comparison();
    let run = |threads: usize, observer: &dyn Observer| -> Result<ComparisonResult, Error> {
        comparison.check()?.run(&Context::new(threads)?, observer)
    };
    let place = tempfile::tempdir().unwrap();
    let counter = Stopper::new(place.path(), usize::MAX, Duration::MAX);
    let whole = outcome(&run(2, &counter).unwrap());
    let steps = counter.taken.into_inner();
    let (mut most, mut processes) = (0, 0);
    for (part, every) in [(steps / 3, Duration::MAX), (steps / 7, Duration::ZERO)] {
        let folder = tempfile::tempdir().unwrap();
        let mut taken = 0;
        for process in 0.. {
            let stopper = Stopper::new(folder.path(), part + process % 3, every);
            let result = run(1 + process % 3, &stopper);
            taken += stopper.taken.into_inner();
            match result {
                Ok(result) => {
                    assert!(outcome(&result) == whole, "{part} steps at a time: other results");
                    break;
                }
                Err(e) => assert_eq!(e.kind(), ErrorKind::Stopped, "{e}"),
            }
            processes += 1;
        }
        most = most.max(taken);
        // Of a run that is saved after each step, its last one among them, nothing is done twice.
        assert!(every > Duration::ZERO || taken == steps, "{taken} steps in place of {steps}");
        // The results of the trials and the choice are kept, and no run's checkpoints but those of
        // the pretraining.
        let folders = fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
        assert_eq!(folders.filter(|entry| entry.path().is_dir()).count(), 0);
        // They are not measured again, and are not those of other settings.
        let again = Stopper::new(folder.path(), usize::MAX, every);
        assert!(outcome(&run(2, &again).unwrap()) == whole);
        let autoencoder = 2 * 1480_usize.div_ceil(50);
        assert!(again.taken.into_inner() <= autoencoder, "a trial was run again");
        let mut other = setting.comparison();
        other.curve.points[0].finetuning.epochs = 5;
        let again = Stopper::new(folder.path(), usize::MAX, every);
        let cx = Context::new(1).unwrap();
        let error = other.check().unwrap().run(&cx, &again).unwrap_err();
        assert!(error.to_string().contains("`epochs: 4`; now: `epochs: 5`"), "{error}");
    }
    assert!(processes > 5, "{processes} stops");
    // Little is done twice: the pretraining, whose end is not saved.
    assert!(most < 2 * steps, "{most} steps in all, in place of {steps}");
}

/// The epochs that fit into a time are those that were counted first, in each process.
#[test]
fn a_choice_that_was_stopped_goes_on_with_its_times() {
    let setting = Setting::new();
    let mut comparison = setting.comparison();
    let selection = comparison.selection.as_mut().unwrap();
    for candidate in &mut selection.candidates {
        let Method::Semi(semi) = candidate else { panic!("{candidate:?}") };
        semi.training.epochs = 1_000_000;
    }
    selection.budget = Duration::from_secs(4);
    let cx = Context::new(1).unwrap();
    let pretrained = comparison.check().unwrap().pretraining().run(&cx, &()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut of_candidates: Vec<(String, usize)> = Vec::new();
    let mut finished = None;
    for steps in [3, 50, 100, usize::MAX] {
        let stopper = Stopper::new(folder.path(), steps, Duration::MAX);
        let checked = comparison.check().unwrap();
        let result = checked.measure(&cx, pretrained.clone(), &stopper);
        let started = stopper.started.into_inner().unwrap();
        of_candidates.extend(started.into_iter().filter(|(run, _)| run.ends_with(" tried")));
        finished = result.ok();
    }
    let tried = finished.unwrap().tried;
    for tried in &tried {
        let of_it = of_candidates.iter().filter(|(run, _)| *run == format!("{} tried", tried.name));
        let epochs: Vec<usize> = of_it.map(|(_, epochs)| *epochs).collect();
        assert!(epochs.iter().all(|epochs| *epochs == tried.epochs), "{tried:?}: {epochs:?}");
        assert!((2..1_000_000).contains(&tried.epochs), "the time decides: {tried:?}");
    }
    let first = format!("{} tried", tried[0].name);
    assert!(of_candidates.iter().filter(|(run, _)| *run == first).count() > 1, "{of_candidates:?}");
}

#[test]
fn a_curve_stopped_anywhere_has_the_same_results() {
    let setting = Setting::new();
    let curve = setting.curve(&[20, 40]);
    let encoder = Params::new(&setting.architecture.autoencoder().unwrap(), 3);
    let results = |trials: &[TrialResult]| -> Vec<String> {
        let untimed = trials.iter().map(|t| TrialResult { seconds: 0.0, ..t.clone() });
        untimed.map(|trial| format!("{trial:?}")).collect()
    };
    let run = |done: &[TrialResult], threads: usize, observer: &dyn Observer| {
        let new = Mutex::new(done.to_vec());
        let keep = |trial: &TrialResult| {
            new.lock().unwrap().push(trial.clone());
            Ok(())
        };
        let cx = Context::new(threads).unwrap();
        let result = curve.check().unwrap().run(&cx, Some(&encoder), done, observer, &keep);
        (result, new.into_inner().unwrap())
    };
    let whole = results(&run(&[], 1, &()).0.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut done = Vec::new();
    for process in 0.. {
        let stopper = Stopper::new(folder.path(), 60 + process, Duration::MAX);
        let (result, kept) = run(&done, 1 + process % 3, &stopper);
        done = kept;
        match result {
            Ok(trials) => {
                assert!(process > 3, "{process} stops");
                assert_eq!(results(&trials), whole);
                return;
            }
            Err(e) => assert_eq!(e.kind(), ErrorKind::Stopped, "{e}"),
        }
    }
}
