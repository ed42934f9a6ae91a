//! A training that is stopped after any of its steps, and goes on in another process and on another
//! number of threads, ends with the bits of one that was not stopped.

use crate::support;
use narrows_datasets::{Augmentation, Dataset, LabelDraw, Rows, TrainTest, builtin, draw_labels};
use narrows_engine::{Context, Loss, Optimizer, Params, Schedule};
use narrows_models::semi::{
    LadderCosts, LadderNetwork, MeanTeacher, PseudoLabels, Semi, SemiRun, SemiTask, SemiTraining,
    Vat,
};
use narrows_models::{
    Activation, Architecture, Checkpoints, Error, ErrorKind, Event, Goal, Model, Objective,
    Observer, Pretraining, Run, RunResult, Task, Training, Transfer,
};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{image_architecture, pretrained, training};

/// Asks for a stop after some steps.
struct Stopper {
    checkpoints: Checkpoints,
    left: AtomicUsize,
    steps: AtomicUsize,
    resumed_at: AtomicUsize,
}

impl Stopper {
    fn new(folder: &Path, steps: usize) -> Stopper {
        let checkpoints = Checkpoints { resume: true, ..Checkpoints::new(folder) };
        let [taken, resumed_at] = [0, 0].map(AtomicUsize::new);
        Stopper { checkpoints, left: AtomicUsize::new(steps), steps: taken, resumed_at }
    }
}

impl Observer for Stopper {
    fn notice(&self, event: &Event<'_>) {
        match event {
            Event::Step { .. } => {
                self.steps.fetch_add(1, Ordering::Relaxed);
                if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
                    self.checkpoints.stop.store(true, Ordering::Relaxed);
                }
            }
            Event::Resumed { step, other_isa, .. } => {
                assert_eq!(*other_isa, None);
                self.resumed_at.store(*step as usize, Ordering::Relaxed);
            }
            Event::NotSaved { error, .. } | Event::Damaged { error, .. } => panic!("{error}"),
            _ => {}
        }
    }

    fn checkpoints(&self) -> Option<&Checkpoints> {
        Some(&self.checkpoints)
    }
}

/// A training from its beginning, or from where its observer's checkpoints lead.
type Train<'a> = dyn Fn(&Context, &dyn Observer) -> Result<RunResult, Error> + 'a;

/// All that is not a time: weights, losses and accuracies as bits.
fn outcome(result: &RunResult) -> (Vec<u32>, Vec<u64>, usize) {
    let RunResult { params, history, best_epoch } = result;
    let numbers = history.iter().flat_map(|record| {
        let validation = [record.validation_loss, record.validation_accuracy];
        [record.epoch as f64, record.lr.into(), record.train_loss, record.samples as f64]
            .into_iter()
            .chain(validation.map(|x| x.unwrap_or(-1.0)))
    });
    (support::bits(params), numbers.map(f64::to_bits).collect(), *best_epoch)
}

/// Stops after each step, and goes on to the end; and stops after each step and every further one.
fn stop_everywhere(name: &str, steps: usize, train: &Train<'_>) {
    let contexts = [1, 3].map(|threads| Context::new(threads).unwrap());
    let whole = outcome(&train(&contexts[0], &()).unwrap());
    for stop in 1..=steps {
        let folder = tempfile::tempdir().unwrap();
        let first = Stopper::new(folder.path(), stop);
        let stopped = train(&contexts[stop % 2], &first).unwrap_err();
        assert_eq!(stopped.kind(), ErrorKind::Stopped, "{name}: {stopped}");
        assert!(stopped.to_string().contains(&format!("after step {stop},")), "{stopped}");
        let second = Stopper::new(folder.path(), usize::MAX);
        let resumed = outcome(&train(&contexts[(stop + 1) % 2], &second).unwrap());
        assert_eq!(second.resumed_at.into_inner(), stop, "{name}");
        assert_eq!(second.steps.into_inner(), steps - stop, "{name}: stopped after step {stop}");
        assert!(resumed == whole, "{name}: other bits, stopped after step {stop}");
    }
    // Each process takes one step.
    let folder = tempfile::tempdir().unwrap();
    for step in 1..=steps {
        let one = Stopper::new(folder.path(), 1);
        assert!(train(&contexts[step % 2], &one).is_err(), "{name}: step {step}");
    }
    let last = Stopper::new(folder.path(), 1);
    assert!(outcome(&train(&contexts[0], &last).unwrap()) == whole, "{name}: step by step");
    // A run that was saved at its end has its result without a step.
    let ended = Stopper {
        checkpoints: Checkpoints { every: Duration::ZERO, ..last.checkpoints.clone() },
        ..Stopper::new(folder.path(), usize::MAX)
    };
    for steps in [0, 0] {
        assert!(outcome(&train(&contexts[1], &ended).unwrap()) == whole, "{name}: at its end");
        assert_eq!(ended.steps.load(Ordering::Relaxed), steps, "{name}");
    }
}

struct Setting {
    digits: Dataset,
    draw: LabelDraw,
}

impl Setting {
    fn new() -> Setting {
        let digits = Dataset::digits();
        let draw = draw_labels(digits.labels().unwrap().unwrap(), 10, 50, 20, 1, 0).unwrap();
        Setting { digits, draw }
    }

    fn task(&self) -> Task<'_> {
        Task {
            data: &self.digits,
            train: Rows::Listed(&self.draw.train),
            validation: Rows::Listed(&self.draw.validation),
            goal: Goal::Classify,
        }
    }

    /// Trains a classifier of that architecture by `transfer`.
    fn stop_everywhere(
        &self,
        name: &str,
        (architecture, transfer): (&Architecture, Transfer),
        task: Task<'_>,
        training: &Training,
    ) {
        let network = architecture.classifier(10).unwrap();
        let encoder = pretrained(architecture);
        let steps = training.epochs * self.draw.train.len().div_ceil(training.batch);
        stop_everywhere(name, steps, &|cx, observer| {
            let mut params = Params::new(&network, 3);
            transfer.prepare(&mut params, &encoder)?;
            let mut run = Run::new(name, &network, params, task, training)?;
            transfer.pull_to_pretrained(&mut run, &encoder)?;
            transfer.train(&mut run, cx, observer)?;
            Ok(run.into_result())
        });
    }
}

fn dense() -> Architecture {
    Architecture {
        widths: vec![12, 10],
        latent: 6,
        dropout: 0.2,
        ..Architecture::new(Model::Dense, [8, 8, 1])
    }
}

fn labels(epochs: usize, batch: usize) -> Training {
    Training { epochs, batch, ..training(Loss::cross_entropy()) }
}

#[test]
fn fifty_steps_of_a_dense_classifier() {
    let setting = Setting::new();
    let of = (&dense(), Transfer::Scratch);
    setting.stop_everywhere("dense", of, setting.task(), &labels(10, 10));
}

/// Everything random at once, an average, and no patience to speak of.
#[test]
fn augmentation_dropout_mixup_and_an_average() {
    let setting = Setting::new();
    let augmentation =
        Augmentation { shift: 1, rotate: 10.0, mask: 0.1, ..Augmentation::default() };
    let all = Training {
        augmentation,
        ema: 0.8,
        mixup: 0.4,
        patience: 3,
        reestimate_bn: true,
        schedule: Schedule::Cosine { min: 0.1 },
        ..labels(4, 13)
    };
    let of = (&dense(), Transfer::Scratch);
    setting.stop_everywhere("all at once", of, setting.task(), &all);
    // Nothing is validated: the average of the end is kept.
    let task = Task { validation: Rows::Listed(&[]), ..setting.task() };
    setting.stop_everywhere("not validated", of, task, &all);
}

#[test]
fn optimisers_of_one_moment_and_of_none() {
    let setting = Setting::new();
    for momentum in [0.0, 0.9] {
        let optimizer = Optimizer::Sgd { momentum, nesterov: momentum > 0.0, weight_decay: 0.01 };
        let sgd = Training { optimizer, clip_norm: None, ..labels(2, 10) };
        let of = (&dense(), Transfer::Scratch);
        setting.stop_everywhere("sgd", of, setting.task(), &sgd);
    }
}

#[test]
fn convolutional_and_residual_classifiers() {
    let setting = Setting::new();
    for (model, epochs) in [(Model::Conv, 10), (Model::Resnet, 2)] {
        let of = (&image_architecture(model), Transfer::Scratch);
        setting.stop_everywhere("images", of, setting.task(), &labels(epochs, 10));
    }
}

/// Layers are freed, codes of frozen ones are kept, and a second course of the schedule begins.
#[test]
fn every_way_of_transfer() {
    let setting = Setting::new();
    // A regression has no steps: a run that was stopped in it fits it anew.
    for &(name, transfer) in Transfer::ALL.iter().filter(|(_, method)| *method != Transfer::Linear)
    {
        let epochs = if transfer == Transfer::Gradual { 10 } else { 4 };
        let training = Training { lr_decay: 0.7, l2_sp: 0.05, ema: 0.7, ..labels(epochs, 10) };
        setting.stop_everywhere(name, (&dense(), transfer), setting.task(), &training);
    }
}

#[test]
fn pretraining_by_each_objective() {
    let data = builtin(60, 0);
    let data =
        TrainTest { train: data.train.subset(&(0..60).collect::<Vec<_>>()).unwrap(), ..data };
    for objective in [
        Objective::Denoising,
        Objective::Masked,
        Objective::Sparse { weight: 0.1 },
        Objective::Variational { beta: 1.0, warm_up: 2 },
    ] {
        let architecture = Architecture {
            variational: matches!(objective, Objective::Variational { .. }),
            ..dense()
        };
        let training = Training { objective, epochs: 3, batch: 11, ema: 0.9, ..training(Loss::L2) };
        let held_out = 12;
        let pretraining =
            Pretraining { held_out, ..Pretraining::new(&data, &architecture, &training) };
        stop_everywhere("autoencoder", 3 * 5, &|cx, observer| {
            let pretrained = pretraining.check()?.run(cx, observer)?;
            let (params, history) = (pretrained.params, pretrained.history);
            Ok(RunResult { params, history, best_epoch: pretrained.best_epoch })
        });
    }
}

fn semi_stop_everywhere(name: &str, architecture: &Architecture, training: &SemiTraining) {
    let setting = Setting::new();
    let unlabelled: Vec<u32> = (0..100).collect();
    let network = architecture.classifier(10).unwrap();
    let task = SemiTask {
        data: &setting.digits,
        labelled: Rows::Listed(&setting.draw.train[..30]),
        unlabelled: Rows::Listed(&unlabelled),
        validation: Rows::Listed(&setting.draw.validation),
    };
    let few = SemiTraining { epochs: 2, ..training.clone() };
    let not_validated = SemiTask { validation: Rows::Listed(&[]), ..task };
    for (task, training) in [(task, training), (not_validated, &few)] {
        let steps = training.epochs * unlabelled.len().div_ceil(training.batch);
        stop_everywhere(name, steps, &|cx, observer| {
            let params = Params::new(&network, 2);
            let mut run = SemiRun::new(name, &network, params, task, training)?;
            run.train(cx, observer)?;
            Ok(run.into_result())
        });
    }
}

fn semi(method: Semi, epochs: usize) -> SemiTraining {
    let augmentation = Augmentation { shift: 1, rotate: 10.0, ..Augmentation::default() };
    SemiTraining {
        method,
        epochs,
        batch: 20,
        labelled_batch: 7,
        class_balance: 0.5,
        lr: 3e-3,
        schedule: Schedule::Cosine { min: 0.0 },
        optimizer: Optimizer::adam(),
        weight: 1.0,
        ramp_up: 0.5,
        ema: 0.9,
        metric: narrows_models::Metric::Balanced,
        seed: 1,
        augmentation,
        strong: Augmentation { mask: 0.3, ..augmentation },
    }
}

const VAT: Vat = Vat { epsilon: 0.8, xi: 0.1, entropy: 0.3, align: 1.0 };

#[test]
fn fifty_steps_of_virtual_adversarial_training() {
    semi_stop_everywhere("vat", &dense(), &semi(Semi::Vat(VAT), 10));
}

#[test]
fn virtual_adversarial_training_of_a_convolutional_classifier() {
    let training = SemiTraining { ema: 0.0, ..semi(Semi::Vat(VAT), 2) };
    semi_stop_everywhere("conv vat", &image_architecture(Model::Conv), &training);
}

#[test]
fn a_mean_teacher_and_pseudo_labels() {
    semi_stop_everywhere("teacher", &dense(), &semi(Semi::MeanTeacher(MeanTeacher), 3));
    let pseudo = PseudoLabels { threshold: 0.3 };
    semi_stop_everywhere("pseudo-labels", &dense(), &semi(Semi::PseudoLabels(pseudo), 3));
}

#[test]
fn fifty_steps_of_the_ladder() {
    let architecture = Architecture { dropout: 0.0, code_activation: Activation::Relu, ..dense() };
    let ladder = LadderNetwork { noise: 0.3, costs: LadderCosts(vec![100.0, 1.0, 0.1]) };
    semi_stop_everywhere("ladder", &architecture, &semi(Semi::Ladder(ladder), 10));
}
