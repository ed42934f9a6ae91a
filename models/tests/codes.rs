//! Training on the kept codes of a frozen encoder, against a loop that runs the whole network in
//! every step.

use crate::support;
use narrows_datasets::{Dataset, Loader, Rows, builtin, draw_labels};
use narrows_engine::{Context, Isa, Loss, Network, Params, Pass, PassMemory, Target};
use narrows_models::curve::{Point, TrialResult};
use narrows_models::{
    Curve, Evaluation, Event, Goal, Method, Observer, Run, Task, Training, Transfer,
};
use std::sync::Mutex;
use support::{architecture, bits, pretrained, trainer, training};

fn prepared(network: &Network, method: Transfer) -> Params {
    let mut params = Params::new(network, 3);
    method.prepare(&mut params, &pretrained(&architecture())).unwrap();
    params
}

/// Each epoch's validation loss, and the parameters after the last, all layers running in every
/// step.
fn by_the_whole_network(
    cx: &Context,
    network: &Network,
    method: Transfer,
    task: &Task<'_>,
    settings: &Training,
) -> (Vec<f64>, Params) {
    let Training { loss, seed, batch, epochs, .. } = settings.clone();
    let mut trainer = trainer(network, prepared(network, method), settings);
    let mut losses = Vec::new();
    let mut loader = Loader::new(task.data, task.train, batch, seed);
    let total = (loader.steps() * epochs) as u64;
    for epoch in 0..epochs {
        method.before_epoch(epoch, epochs, &mut trainer.params);
        let mut batches = loader.epoch(epoch as u64);
        while batches.advance().unwrap() {
            let rows = batches.rows();
            let (mut x, mut labels) = (vec![0.0; rows.len() * 64], vec![0; rows.len()]);
            task.data.gather(rows, &mut x).unwrap();
            task.data.gather_labels(rows, &mut labels).unwrap();
            let lr = settings.lr * settings.schedule.factor(trainer.optimizer.step_count(), total);
            trainer.step(cx, &x, Target::Classes(&labels), lr).unwrap();
        }
        let rows = task.validation;
        let found =
            Evaluation::of(cx, network, &trainer.params, &loss, task.data, rows, Goal::Classify)
                .unwrap();
        losses.push(found.loss);
    }
    (losses, trainer.params)
}

#[test]
fn codes_change_no_bit_of_a_run() {
    let digits = Dataset::digits();
    let draw = draw_labels(digits.labels().unwrap().unwrap(), 10, 100, 300, 1, 0).unwrap();
    let network = architecture().classifier(10).unwrap();
    let (train, validation) = (&draw.train[..], &draw.validation[..]);
    let task = Task {
        data: &digits,
        train: train.into(),
        validation: validation.into(),
        goal: Goal::Classify,
    };
    for isa in Isa::available() {
        for method in [Transfer::Freeze, Transfer::Gradual] {
            for clip_norm in [None, Some(0.5)] {
                let cx = Context::with_isa(isa, 1).unwrap();
                let settings =
                    Training { epochs: 8, batch: 33, clip_norm, ..training(Loss::cross_entropy()) };
                let mut run =
                    Run::new("codes", &network, prepared(&network, method), task, &settings)
                        .unwrap();
                // Epoch by epoch: the end of `train` would bring the best weights back.
                for done in 0..8 {
                    method.before_epoch(done, 8, &mut run.trainer.params);
                    run.epoch(&cx, &()).unwrap();
                }
                let (losses, params) =
                    by_the_whole_network(&cx, &network, method, &task, &settings);
                let name = format!("{} on {}, clipped to {clip_norm:?}", method.name(), isa.name());
                let got: Vec<f64> =
                    run.history().iter().map(|epoch| epoch.validation_loss.unwrap()).collect();
                assert_eq!(got, losses, "{name}");
                assert!(bits(&run.trainer.params) == bits(&params), "{name}");
            }
        }
    }
}

/// Codes of another encoder are not used any more.
#[test]
fn a_changed_encoder_makes_new_codes() {
    let digits = Dataset::digits();
    let draw = draw_labels(digits.labels().unwrap().unwrap(), 10, 60, 20, 1, 0).unwrap();
    let network = architecture().classifier(10).unwrap();
    let task = Task {
        data: &digits,
        train: Rows::Listed(&draw.train),
        validation: Rows::Listed(&draw.validation),
        goal: Goal::Classify,
    };
    let cx = Context::new(1).unwrap();
    let settings = Training { epochs: 2, ..training(Loss::cross_entropy()) };
    let params = prepared(&network, Transfer::Freeze);
    let mut run = Run::new("codes", &network, params, task, &settings).unwrap();
    run.epoch(&cx, &()).unwrap();
    run.trainer.params.get_mut("encoder.0.weight").unwrap().iter_mut().for_each(|x| *x *= 1.5);
    run.epoch(&cx, &()).unwrap();
    let params = &run.trainer.params;
    let rows = &draw.validation;
    let found =
        Evaluation::of(&cx, &network, params, &settings.loss, &digits, rows.into(), Goal::Classify)
            .unwrap();
    assert_eq!(run.history()[1].validation_loss, Some(found.loss));
}

/// In any batch a sample's code has the same bits, and what follows from it as well.
#[test]
fn codes_depend_on_their_sample_alone() {
    let digits = Dataset::digits();
    let network = architecture().classifier(10).unwrap();
    let params = prepared(&network, Transfer::Freeze);
    let rows: Vec<u32> = (0..200).collect();
    let mut x = vec![0.0; 200 * 64];
    digits.gather(&rows, &mut x).unwrap();
    for isa in Isa::available() {
        let cx = Context::with_isa(isa, 1).unwrap();
        let mut all = PassMemory::new(&network, 200).unwrap();
        let codes = network.forward_frozen(&cx, &params, &mut all, &x).unwrap().to_vec();
        let outputs =
            network.forward(&cx, &params, &mut all, &x, Pass::evaluate()).unwrap().to_vec();
        let from_codes =
            network.forward_from_frozen(&cx, &params, &mut all, &codes, Pass::evaluate()).unwrap();
        assert_eq!(from_codes, outputs, "{}", isa.name());
        for batch in [1, 2, 31, 32, 33, 64] {
            let mut some = PassMemory::new(&network, batch).unwrap();
            for (x, want) in x.chunks(batch * 64).zip(codes.chunks(batch * 6)) {
                let got = network.forward_frozen(&cx, &params, &mut some, x).unwrap();
                assert_eq!(got, want, "{} in batches of {batch}", isa.name());
            }
        }
    }
}

#[test]
fn where_nothing_is_frozen_there_are_no_codes() {
    let network = architecture().classifier(10).unwrap();
    let mut params = Params::new(&network, 3);
    let cx = Context::new(1).unwrap();
    let mut memory = PassMemory::new(&network, 4).unwrap();
    let x = vec![0.0; 4 * 64];
    assert!(network.frozen_output(&params).is_none() && network.frozen_params(&params).is_empty());
    assert!(network.forward_frozen(&cx, &params, &mut memory, &x).is_err());
    // Nor where nothing trains: there is nothing that codes could be for.
    params.set_trainable("encoder", false).unwrap();
    assert_eq!(network.frozen_output(&params).unwrap().len(), 6);
    assert!(network.forward_from_frozen(&cx, &params, &mut memory, &x, Pass::evaluate()).is_err());
    params.set_trainable("head", false).unwrap();
    assert!(network.frozen_output(&params).is_none());
}

/// A comparison runs the test samples through the frozen encoder once, for all draws; of one draw
/// alone, the whole network classifies them.
#[test]
fn codes_of_test_samples_change_no_result() {
    let data = builtin(1500, 0);
    let finetuning = Training { epochs: 3, batch: 10, ..Training::classifier() };
    let pretrained = pretrained(&architecture());
    let curve = |draws| Curve {
        data: &data,
        architecture: architecture(),
        learning_rates: vec![3e-3, 1e-2],
        methods: [Transfer::Scratch, Transfer::Freeze, Transfer::Full].map(Method::Transfer).into(),
        points: vec![Point { labels: 20, validation: 30, finetuning: finetuning.clone() }],
        draws,
        ensemble: 1,
        seed: 1,
    };
    let cx = Context::new(2).unwrap();
    let results = |draws| {
        let curve = curve(draws);
        let stages = Stages::default();
        let results = curve.check().unwrap().run(&cx, Some(&pretrained), &[], &stages, &|_| Ok(()));
        (results.unwrap(), stages.0.into_inner().unwrap())
    };
    let ((one, none), (two, once)) = (results(1), results(2));
    assert_eq!((none, once), (0, 1));
    for one in one {
        let same = two.iter().find(|two| (&two.method, two.draw) == (&one.method, 0)).unwrap();
        assert_eq!(TrialResult { seconds: one.seconds, ..same.clone() }, one);
    }
}

/// Counts the times that codes of test samples are made.
#[derive(Default)]
struct Stages(Mutex<usize>);

impl Observer for Stages {
    fn notice(&self, event: &Event<'_>) {
        if let Event::Stage("codes of the test samples") = event {
            *self.0.lock().unwrap() += 1;
        }
    }
}
