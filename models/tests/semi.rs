//! Semi-supervised training: what it gains where labels are few, that it is the same bits however
//! it is run, and what it refuses.

use crate::support;
use narrows_datasets::{Augmentation, Dataset, LabelDraw, Rows, TrainTest, builtin, draw_labels};
use narrows_engine::{Context, Loss, Network, Optimizer, Params, Schedule};
use narrows_models::semi::{
    LadderCosts, LadderNetwork, MeanTeacher, PseudoLabels, Semi, SemiRun, SemiTask, SemiTraining,
    Vat,
};
use narrows_models::{Activation, Architecture, Evaluation, Goal, Metric, Model};
use support::image_architecture;

struct Setting {
    data: TrainTest,
    draw: LabelDraw,
    network: Network,
}

fn dense() -> Architecture {
    Architecture {
        widths: vec![64],
        latent: 32,
        code_activation: Activation::Relu,
        ..Architecture::new(Model::Dense, [8, 8, 1])
    }
}

impl Setting {
    fn new(architecture: &Architecture) -> Setting {
        let data = builtin(500, 0);
        let draw = draw_labels(data.train.labels().unwrap().unwrap(), 10, 20, 50, 1, 0).unwrap();
        Setting { data, draw, network: architecture.classifier(10).unwrap() }
    }

    fn task(&self) -> SemiTask<'_> {
        let Setting { data: TrainTest { train, .. }, draw, .. } = self;
        SemiTask {
            data: train,
            labelled: Rows::Listed(&draw.train),
            unlabelled: Rows::all(train.len()),
            validation: Rows::Listed(&draw.validation),
        }
    }

    fn run(&self, training: &SemiTraining) -> SemiRun<'_> {
        SemiRun::new("test", &self.network, Params::new(&self.network, 2), self.task(), training)
            .unwrap()
    }

    fn test_accuracy(&self, params: &Params) -> f64 {
        let (test, loss) = (&self.data.test, Loss::cross_entropy());
        let cx = Context::new(1).unwrap();
        let rows = Rows::all(test.len());
        let evaluation =
            Evaluation::of(&cx, &self.network, params, &loss, test, rows, Goal::Classify);
        evaluation.unwrap().accuracy.unwrap()
    }
}

fn semi(method: Semi) -> SemiTraining {
    let (augmentation, strong) = match method {
        Semi::PseudoLabels { .. } | Semi::MeanTeacher(_) => {
            let weak = Augmentation { shift: 1, rotate: 10.0, ..Augmentation::default() };
            (weak, Augmentation { mask: 0.3, ..weak })
        }
        _ => (Augmentation::default(), Augmentation::default()),
    };
    SemiTraining {
        method,
        epochs: 30,
        batch: 50,
        labelled_batch: 20,
        class_balance: 0.5,
        lr: 3e-3,
        schedule: Schedule::Cosine { min: 0.0 },
        optimizer: Optimizer::adam(),
        weight: 1.0,
        ramp_up: 0.5,
        ema: 0.98,
        metric: Metric::Accuracy,
        seed: 1,
        augmentation,
        strong,
    }
}

fn methods() -> [Semi; 4] {
    [
        Semi::PseudoLabels(PseudoLabels { threshold: 0.8 }),
        Semi::MeanTeacher(MeanTeacher),
        Semi::Vat(Vat { epsilon: 0.8, xi: 0.1, entropy: 0.0, align: 1.0 }),
        Semi::Ladder(LadderNetwork { noise: 0.3, costs: LadderCosts(vec![100.0, 1.0, 0.1]) }),
    ]
}

/// Against the same training with nothing asked of the samples without a label.
#[test]
fn samples_without_a_label_help() {
    let setting = Setting::new(&dense());
    let cx = Context::new(1).unwrap();
    let mut lost = false;
    for method in methods() {
        let with = semi(method.clone());
        let without = SemiTraining { weight: 0.0, ..with.clone() };
        let [with, without] = [with, without].map(|settings| {
            let mut run = setting.run(&settings);
            run.train(&cx, &()).unwrap();
            // The last epoch, but not one that is worse than the best by more than two standard
            // errors.
            let accuracies: Vec<f64> =
                run.history().iter().filter_map(|epoch| epoch.validation_accuracy).collect();
            let top = accuracies.iter().copied().fold(0.0, f64::max);
            let least =
                top - 2.0 * (top * (1.0 - top) / setting.draw.validation.len() as f64).sqrt();
            let kept = run.best_epoch() - 1;
            match accuracies[accuracies.len() - 1] >= least {
                true => assert_eq!(kept, accuracies.len() - 1, "{accuracies:?}"),
                false => assert_eq!(accuracies[kept], top, "{accuracies:?}"),
            }
            setting.test_accuracy(&run.params)
        });
        eprintln!("{method:?}: {with}, without {without}");
        // With two labels a class, the classes that it is sure of are often wrong: pseudo-labels
        // are to do no harm.
        let least = if matches!(method, Semi::PseudoLabels { .. }) { -0.01 } else { 0.02 };
        lost |= with < without + least;
    }
    assert!(!lost, "a method gains too little: see above");
}

/// Labels of 30 zeros to 2 nines, where there are about as many of each among the samples without.
#[test]
fn classes_of_few_labels_are_kept_by_their_shares() {
    let mut setting = Setting::new(&dense());
    let labels = setting.data.train.labels().unwrap().unwrap();
    let of = |(class, n): (u16, usize)| {
        let rows = labels.iter().enumerate().filter(move |(_, label)| **label == class);
        rows.map(|(row, _)| row as u32).take(n)
    };
    setting.draw.train = (0..10).zip([30, 22, 16, 12, 8, 6, 4, 3, 2, 2]).flat_map(of).collect();
    setting.draw.validation.clear();
    let cx = Context::new(1).unwrap();
    let [with, without] = [1.0, 0.0].map(|align| {
        let training = semi(Semi::Vat(Vat { epsilon: 0.8, xi: 0.1, entropy: 0.5, align }));
        let mut run = setting.run(&SemiTraining { ramp_up: 0.0, ..training });
        run.train(&cx, &()).unwrap();
        setting.test_accuracy(&run.params)
    });
    assert!(with > without + 0.03, "{with} with, {without} without");
}

#[test]
fn threads_and_copies_change_no_bit() {
    for (architecture, methods) in
        [(dense(), &methods()[..]), (image_architecture(Model::Conv), &methods()[..3])]
    {
        let setting = Setting::new(&architecture);
        for method in methods {
            let settings = SemiTraining { epochs: 2, ..semi(method.clone()) };
            let of = |threads| {
                let mut run = setting.run(&settings);
                run.train(&Context::new(threads).unwrap(), &()).unwrap();
                run.params.values().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
            };
            let whole = of(1);
            assert!(whole == of(3), "{method:?}: threads");
            let cx = Context::new(1).unwrap();
            let mut first = setting.run(&settings);
            first.epoch(&cx, &()).unwrap();
            let mut copy = first.clone();
            drop(first);
            copy.train(&cx, &()).unwrap();
            assert!(
                whole.iter().zip(copy.params.values()).all(|(a, b)| *a == b.to_bits()),
                "{method:?}: copy"
            );
        }
    }
}

#[test]
fn labels_of_other_samples_are_not_looked_at() {
    // The same samples, of which all but those drawn have lost their label.
    let setting = Setting::new(&dense());
    let train = &setting.data.train;
    let mut rows: Vec<u32> =
        setting.draw.train.iter().chain(&setting.draw.validation).copied().collect();
    rows.sort_unstable();
    let hidden = Setting {
        data: TrainTest { train: only(train, &rows), test: setting.data.test.clone() },
        ..Setting::new(&dense())
    };
    let cx = Context::new(1).unwrap();
    for method in methods() {
        let settings = SemiTraining { epochs: 1, ..semi(method) };
        let of = |setting: &Setting| {
            let mut run = setting.run(&settings);
            run.train(&cx, &()).unwrap();
            run.params.values().to_vec()
        };
        assert!(of(&setting) == of(&hidden));
    }
}

/// `data` with the labels of `rows` alone.
fn only(data: &Dataset, rows: &[u32]) -> Dataset {
    let all = data.labels().unwrap().unwrap();
    let labels: Vec<u16> = (0..data.len())
        .map(
            |row| {
                if rows.contains(&(row as u32)) { all[row] } else { narrows_datasets::UNLABELLED }
            },
        )
        .collect();
    let mut values = vec![0.0; data.len() * data.sample_len()];
    data.gather(&(0..data.len() as u32).collect::<Vec<_>>(), &mut values).unwrap();
    Dataset::from_floats("hidden", values, &[8, 8, 1], Some(labels)).unwrap()
}

#[test]
fn what_makes_no_sense_is_refused() {
    let setting = Setting::new(&dense());
    let refused = |training: SemiTraining, text: &str| {
        let run = SemiRun::new(
            "test",
            &setting.network,
            Params::new(&setting.network, 2),
            setting.task(),
            &training,
        );
        let e = run.expect_err(text).to_string();
        assert!(e.contains(text) && !e.contains('\n'), "{text}: {e}");
    };
    let plain = || semi(Semi::MeanTeacher(MeanTeacher));
    refused(SemiTraining { epochs: 0, ..plain() }, "at least 1 epoch");
    refused(SemiTraining { batch: 1, ..plain() }, "at least 2 samples");
    refused(SemiTraining { labelled_batch: 1, ..plain() }, "at least 2 samples");
    refused(SemiTraining { lr: f32::NAN, ..plain() }, "learning rate");
    refused(SemiTraining { weight: -1.0, ..plain() }, "weight");
    refused(SemiTraining { ramp_up: 2.0, ..plain() }, "ramp-up");
    refused(SemiTraining { class_balance: -0.5, ..plain() }, "class balance");
    refused(SemiTraining { ema: 0.0, ..plain() }, "mean teacher needs a moving average");
    refused(semi(Semi::PseudoLabels(PseudoLabels { threshold: 1.5 })), "threshold");
    refused(
        semi(Semi::Vat(Vat { epsilon: 0.8, xi: 0.1, entropy: 0.0, align: f32::NAN })),
        "classes' shares",
    );
    refused(semi(Semi::Vat(Vat { epsilon: 0.0, xi: 0.1, entropy: 0.0, align: 0.0 })), "epsilon");
    refused(semi(Semi::Ladder(LadderNetwork { noise: -0.1, costs: LadderCosts::full() })), "noise");
    refused(
        semi(Semi::Ladder(LadderNetwork { noise: 0.1, costs: LadderCosts(vec![]) })),
        "at least one denoising cost",
    );
    let ladder = semi(Semi::Ladder(LadderNetwork { noise: 0.3, costs: LadderCosts::bottom() }));
    for other in [
        image_architecture(Model::Conv),
        Architecture { batch_norm: false, ..dense() },
        Architecture { dropout: 0.1, ..dense() },
        Architecture { code_activation: Activation::None, ..dense() },
    ] {
        let e = ladder.check_for(&other).expect_err("no ladder").to_string();
        assert!(e.contains("dense models with batch norm"), "{e}");
    }
}

/// Each method stops where its numbers end, and names the place.
#[test]
fn a_training_that_diverges_stops_with_layer_and_step() {
    let cx = Context::new(1).unwrap();
    let setting = Setting::new(&dense());
    for method in methods() {
        // A step and no more, with samples for validation and without; and several.
        for (batch, validates) in [(500, true), (500, false), (50, true)] {
            let decaying = Optimizer::Sgd { momentum: 0.0, nesterov: false, weight_decay: 1e30 };
            let training = SemiTraining {
                epochs: 3,
                batch,
                lr: 1e30,
                schedule: Schedule::Constant,
                optimizer: decaying,
                ..semi(method.clone())
            };
            let no_rows: &[u32] = &[];
            let validation = if validates { &setting.draw.validation } else { no_rows };
            let task = SemiTask { validation: Rows::Listed(validation), ..setting.task() };
            let params = Params::new(&setting.network, 2);
            let mut run = SemiRun::new("test", &setting.network, params, task, &training).unwrap();
            let error = run.train(&cx, &()).unwrap_err();
            let message = error.to_string();
            assert_eq!(error.kind(), narrows_models::ErrorKind::Diverged, "{message}");
            let layer = ["encoder.", "head.", "decoder."];
            assert!(layer.iter().any(|layer| message.contains(layer)), "{method:?}: {message}");
            assert!(message.contains("step ") && message.contains("lower the"), "{message}");
        }
    }
}
