//! Work between the steps of a training, such as principal components and validation, ends soon
//! after a stop is asked for, with the state of the training kept.

use crate::support::{semi_training, vat};
use narrows_datasets::{Rows, TrainTest, builtin};
use narrows_engine::{Context, Params};
use narrows_models::semi::{SemiRun, SemiTask, SemiTraining};
use narrows_models::{
    Architecture, Checkpoints, Error, ErrorKind, Event, Model, Observer, Pretraining, Training,
};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Asks for a stop when it is asked about one for the `left`th time.
struct Asked {
    checkpoints: Checkpoints,
    left: AtomicUsize,
    asked: AtomicUsize,
    steps: AtomicUsize,
}

impl Asked {
    fn new(folder: &Path, left: usize) -> Asked {
        let checkpoints =
            Checkpoints { resume: true, every: Duration::MAX, ..Checkpoints::new(folder) };
        let [left, asked, steps] = [left, 0, 0].map(AtomicUsize::new);
        Asked { checkpoints, left, asked, steps }
    }
}

impl Observer for Asked {
    fn notice(&self, event: &Event<'_>) {
        match event {
            Event::Step { .. } => drop(self.steps.fetch_add(1, Ordering::Relaxed)),
            Event::NotSaved { error, .. } | Event::Damaged { error, .. } => panic!("{error}"),
            _ => {}
        }
    }

    fn checkpoints(&self) -> Option<&Checkpoints> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.checkpoints.stop.store(true, Ordering::Relaxed);
        }
        Some(&self.checkpoints)
    }
}

/// The result of a training, without times.
type Outcome = (Vec<u32>, Vec<String>);

/// Stops the work wherever it asks, and goes on to the end: the same bits, and no step behind the
/// stop. Returns the errors of the stops.
fn stop_everywhere(work: &dyn Fn(&dyn Observer) -> Result<Outcome, Error>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let counter = Asked::new(folder.path(), usize::MAX);
    let (whole, steps) = (work(&counter).unwrap(), counter.steps.into_inner());
    (1..=counter.asked.into_inner())
        .map(|stop| {
            let folder = tempfile::tempdir().unwrap();
            let first = Asked::new(folder.path(), stop);
            let stopped = work(&first).unwrap_err();
            assert_eq!(stopped.kind(), ErrorKind::Stopped, "{stopped}");
            assert_eq!(first.asked.into_inner(), stop, "it went on: {stopped}");
            let second = Asked::new(folder.path(), usize::MAX);
            assert!(work(&second).unwrap() == whole, "other bits after: {stopped}");
            let stopped = stopped.to_string();
            if stopped.contains("the checkpoint is") {
                let taken = first.steps.into_inner() + second.steps.into_inner();
                assert_eq!(taken, steps, "{stopped}");
            }
            stopped
        })
        .collect()
}

fn architecture() -> Architecture {
    Architecture { widths: vec![10], latent: 6, ..Architecture::new(Model::Dense, [8, 8, 1]) }
}

fn bits(params: &Params) -> Vec<u32> {
    params.values().iter().map(|value| value.to_bits()).collect()
}

#[test]
fn principal_components_and_validation_are_stopped() {
    let (cx, data, architecture) = (Context::new(1).unwrap(), builtin(297, 0), architecture());
    let training = Training { epochs: 3, batch: 100, ..Training::autoencoder() };
    // Validation has three batches.
    let pretraining =
        Pretraining { held_out: 700, ..Pretraining::new(&data, &architecture, &training) };
    let stops = stop_everywhere(&|observer| {
        let result = pretraining.check()?.run(&cx, observer)?;
        let errors = format!("{:?} {}", result.pca, result.autoencoder.test_mse);
        let of_epoch = result.history.iter().map(|epoch| {
            assert!(epoch.seconds < 60.0);
            format!("{} {:?}", epoch.train_loss, epoch.validation_loss)
        });
        Ok((bits(&result.params), of_epoch.chain([errors]).collect()))
    });
    let count = |text: &str| stops.iter().filter(|stop| stop.contains(text)).count();
    // The mean, the covariance and the error of three blocks each, and the error of the test half.
    assert_eq!(count("principal components: stopped"), 10, "{stops:?}");
    for epoch in 1..=3 {
        let step = epoch * 8;
        let validated = format!("stopped after step {step}, in epoch {epoch}: the checkpoint is");
        assert_eq!(count(&validated), 3, "{stops:?}");
    }
    // The reconstruction errors of 1,500 and 297 samples.
    assert_eq!(count("the reconstruction errors: stopped"), 6 + 2, "{stops:?}");
}

#[test]
fn validation_of_a_semi_supervised_training_is_stopped() {
    let (cx, TrainTest { train: data, .. }) = (Context::new(1).unwrap(), builtin(297, 0));
    let network = architecture().classifier(10).unwrap();
    let (labelled, others): (Vec<u32>, Vec<u32>) = (0..500).partition(|row| *row < 40);
    let validation: Vec<u32> = (600..1200).collect();
    let task = SemiTask {
        data: &data,
        labelled: Rows::Listed(&labelled),
        unlabelled: Rows::Listed(&others),
        validation: Rows::Listed(&validation),
    };
    let training =
        SemiTraining { epochs: 3, batch: 100, labelled_batch: 20, ..semi_training(vat()) };
    let stops = stop_everywhere(&|observer| {
        let params = Params::new(&network, 1);
        let mut run = SemiRun::new("vat", &network, params, task, &training)?;
        run.train(&cx, observer)?;
        let losses = run.history().iter().map(|epoch| format!("{:?}", epoch.validation_loss));
        Ok((bits(&run.params), losses.collect()))
    });
    for epoch in 1..=3 {
        let step = epoch * 5;
        let validated = format!("stopped after step {step}, in epoch {epoch}: the checkpoint is");
        let count = stops.iter().filter(|stop| stop.contains(&validated)).count();
        assert_eq!(count, 3, "{stops:?}");
    }
}
