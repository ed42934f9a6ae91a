//! Candidates of a search: trained to a part of their epochs and then on, they are those that were
//! never paused, and no step is taken twice.

use crate::support::{semi_training, vat};
use narrows_datasets::{TrainTest, builtin};
use narrows_engine::Context;
use narrows_models::curve::Point;
use narrows_models::experiments::candidate::{Candidate, Encoder, Measured};
use narrows_models::methods::{Method, SemiMethod};
use narrows_models::semi::SemiTraining;
use narrows_models::{
    Architecture, Checkpoints, Curve, ErrorKind, Event, Model, Observer, Pretraining, Training,
    Transfer,
};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the steps, and asks for a stop after some.
struct Steps {
    checkpoints: Checkpoints,
    taken: AtomicUsize,
    most: usize,
}

impl Steps {
    fn new(folder: &Path) -> Steps {
        let checkpoints = Checkpoints::new(folder);
        Steps { checkpoints, taken: AtomicUsize::new(0), most: usize::MAX }
    }
}

impl Observer for Steps {
    fn notice(&self, event: &Event<'_>) {
        if matches!(event, Event::Step { .. })
            && self.taken.fetch_add(1, Ordering::Relaxed) + 1 >= self.most
        {
            self.checkpoints.stop.store(true, Ordering::Relaxed);
        }
    }

    fn checkpoints(&self) -> Option<&Checkpoints> {
        Some(&self.checkpoints)
    }
}

struct Setting {
    data: TrainTest,
    architecture: Architecture,
    pretraining: Training,
}

impl Setting {
    fn new() -> Setting {
        let architecture = Architecture {
            widths: vec![10],
            latent: 6,
            dropout: 0.1,
            ..Architecture::new(Model::Dense, [8, 8, 1])
        };
        let pretraining = Training { epochs: 4, batch: 50, ..Training::autoencoder() };
        Setting { data: builtin(1500, 0), architecture, pretraining }
    }

    fn pretraining(&self) -> Pretraining<'_> {
        let new = Pretraining::new(&self.data, &self.architecture, &self.pretraining);
        Pretraining { held_out: 20, ..new }
    }

    fn vat(&self) -> Method {
        let training =
            SemiTraining { epochs: 3, batch: 50, labelled_batch: 10, ..semi_training(vat()) };
        let (name, architecture) = ("vat".to_string(), self.architecture.clone());
        Method::Semi(Box::new(SemiMethod {
            name,
            architecture,
            from_encoder: false,
            training,
            samples: None,
        }))
    }

    fn candidate<'s>(&'s self, method: Method, encoder: Encoder<'s>) -> Candidate<'s> {
        let finetuning = Training { epochs: 6, batch: 10, ..Training::classifier() };
        let curve = Curve {
            data: &self.data,
            architecture: self.architecture.clone(),
            learning_rates: vec![3e-3, 1e-2],
            methods: vec![method],
            points: vec![Point { labels: 20, validation: 30, finetuning }],
            draws: 1,
            ensemble: 1,
            seed: 1,
        };
        Candidate { curve, encoder, draws: 5..7 }
    }
}

fn same(a: &Measured, b: &Measured) -> bool {
    (&a.scores, &a.course) == (&b.scores, &b.course)
}

#[test]
fn a_paused_candidate_is_one_that_never_paused() {
    let (cx, setting) = (Context::new(1).unwrap(), Setting::new());
    let fresh = || Encoder::Pretrained(setting.pretraining());
    for candidate in [
        setting.candidate(Method::Transfer(Transfer::Scratch), Encoder::None),
        setting.candidate(Method::Transfer(Transfer::LpFt), fresh()),
        setting.candidate(setting.vat(), Encoder::None),
    ] {
        let name = candidate.curve.methods[0].name();
        let temporary = tempfile::tempdir().unwrap();
        let whole = Steps::new(&temporary.path().join("whole"));
        let expected = candidate.measure(&cx, 1.0, &whole).unwrap();
        assert!(expected.mean() > 0.1, "{name}: {expected:?}");
        // Without checkpoints, too.
        assert!(same(&expected, &candidate.measure(&cx, 1.0, &()).unwrap()), "{name}");

        let folder = temporary.path().join("parts");
        let mut steps = 0;
        for part in [0.3, 0.6, 1.0] {
            let parts = Steps::new(&folder);
            let found = candidate.measure(&cx, part, &parts).unwrap();
            steps += parts.taken.into_inner();
            assert_eq!(same(&expected, &found), part == 1.0, "{name} at {part}: {found:?}");
            if let Encoder::None = candidate.encoder {
                let epochs = found.course.len();
                assert_eq!(found.course, expected.course[..epochs], "{name} at {part}");
                assert!(epochs < expected.course.len() || part == 1.0, "{name} at {part}");
            }
        }
        let whole = whole.taken.into_inner();
        match candidate.encoder {
            // The classifiers of each part start from an encoder of their own.
            Encoder::Pretrained(_) => assert!(steps > whole && steps < 3 * whole, "{name}"),
            _ => assert_eq!(steps, whole, "{name}"),
        }
    }
}

#[test]
fn an_autoencoder_alone_is_measured_on_what_is_held_out() {
    let (cx, setting) = (Context::new(1).unwrap(), Setting::new());
    let pretraining = setting.pretraining();
    let temporary = tempfile::tempdir().unwrap();
    let steps = Steps::new(temporary.path());
    let half = pretraining.measure(&cx, 0.5, &steps).unwrap();
    let all = pretraining.measure(&cx, 1.0, &steps).unwrap();
    assert!(same(&all, &pretraining.measure(&cx, 1.0, &()).unwrap()));
    assert!(all.mean() < half.mean() && half.mean() < 0.2, "{half:?} {all:?}");
    assert_eq!((half.course.len(), all.course.len()), (2, 4));
    let none = Pretraining { held_out: 0, ..pretraining };
    let e = none.measure(&cx, 1.0, &()).unwrap_err();
    assert!(e.to_string().contains("held out"), "{e}");
}

#[test]
fn a_stop_from_outside_is_no_pause() {
    let (cx, setting) = (Context::new(1).unwrap(), Setting::new());
    let candidate = setting.candidate(setting.vat(), Encoder::None);
    let temporary = tempfile::tempdir().unwrap();
    let steps = Steps { most: 10, ..Steps::new(temporary.path()) };
    let e = candidate.measure(&cx, 0.6, &steps).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Stopped, "{e}");
    let expected = candidate.measure(&cx, 1.0, &()).unwrap();
    let on = Steps::new(temporary.path());
    assert!(same(&expected, &candidate.measure(&cx, 1.0, &on).unwrap()));
    let whole = Steps::new(&temporary.path().join("whole"));
    candidate.measure(&cx, 1.0, &whole).unwrap();
    let taken = |steps: Steps| steps.taken.into_inner();
    assert_eq!(taken(on) + taken(steps), taken(whole));
}
