//! Bad input: each is an error that names it, and nothing panics.

use super::{classifier, normal, params};
use crate::support::bits;
use narrows_engine::layers::{Dropout, GlobalAvgPool, Linear, Narrow};
use narrows_engine::predictor::Precision;
use narrows_engine::{
    Context, Error, ErrorKind, Gradients, Ladder, Layer, Loss, Network, NetworkBuilder, Optimizer,
    OptimizerState, Params, Pass, PassMemory, Predictor, Shape, Target, Trainer, TrainerSettings,
};

fn small() -> Params {
    Params::new(&Network::builder(2).layer(Linear::new(1)).build().unwrap(), 1)
}

#[test]
fn a_prefix_that_matches_nothing_is_refused_and_the_layers_are_listed() {
    let mut params = params(&classifier().build().unwrap());
    let errors = [
        params.set_trainable("encode", false).unwrap_err(),
        params.set_lr_factor("encoder.17", 0.5).unwrap_err(),
        params.clone().copy_from(&params, "").unwrap_err(),
        OptimizerState::new(Optimizer::sgd(), &params)
            .pull_to_pretrained(&params, "tail", 1.0)
            .unwrap_err(),
    ];
    for (error, prefix) in errors.iter().zip(["'encode'", "'encoder.17'", "''", "'tail'"]) {
        let message = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Unknown, "{message}");
        assert!(message.contains(prefix) && message.contains("encoder.0, encoder.1"), "{message}");
    }
}

#[test]
fn a_factor_that_is_no_rate_is_refused() {
    let mut params = params(&classifier().build().unwrap());
    for factor in [-0.5, f32::NAN, f32::INFINITY] {
        let error = params.set_lr_factor("encoder", factor).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setting);
        assert!(error.to_string().contains(&format!("0 or more and finite, but is {factor}")));
    }
    assert!(params.entries().iter().all(|entry| entry.lr_factor == 1.0));
}

#[test]
fn an_optimiser_refuses_gradients_and_parameters_of_another_length() {
    let cx = Context::new(1).unwrap();
    let mut params = params(&classifier().build().unwrap());
    let (len, before) = (params.values().len(), bits(params.values()));
    let mut state = OptimizerState::new(Optimizer::sgd(), &params);
    let error = state.step(&cx, &mut params, &vec![0.0; len - 1], 0.1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    let message = error.to_string();
    assert!(message.contains(&format!("{} gradients for a slab of {len}", len - 1)), "{message}");
    let mut other = small();
    let error = state.step(&cx, &mut other, &vec![0.0; len], 0.1).unwrap_err().to_string();
    let both = [format!("slab of {len}"), format!("in {}", other.values().len())];
    assert!(both.iter().all(|side| error.contains(side)), "{error}");
    assert_eq!(state.pull_to_pretrained(&other, "layers", 1.0).unwrap_err().to_string(), error);
    assert!(state.pull_to_pretrained(&params, "head", f64::NAN).is_err());
    assert_eq!((state.step_count(), bits(params.values())), (0, before));
}

#[test]
fn a_trainer_whose_state_was_exchanged_for_a_wrong_one_is_refused() {
    let network = classifier().build().unwrap();
    let cx = Context::new(1).unwrap();
    let x = normal(1, 4 * 12);
    for clip_norm in [None, Some(1.0)] {
        let settings =
            TrainerSettings { clip_norm, ..TrainerSettings::new(Loss::cross_entropy(), 4) };
        let mut trainer = Trainer::new(&network, params(&network), settings).unwrap();
        trainer.optimizer = OptimizerState::new(Optimizer::adam(), &small());
        let before = bits(trainer.params.values());
        let error = trainer.step(&cx, &x, Target::Classes(&[0, 1, 2, 0]), 0.1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch, "{error}");
        assert_eq!(bits(trainer.params.values()), before);
    }
    assert_eq!(Predictor::new(&network, &small()).unwrap_err().kind(), ErrorKind::Mismatch);
}

#[test]
fn too_many_threads_are_refused() {
    let error = Context::new(100_000).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setting);
    assert!(error.to_string().contains("100000 threads are too many: give 1 to 1024"), "{error}");
}

#[test]
fn kinds_tell_errors_apart() {
    let (cx, network) = (Context::new(1).unwrap(), classifier().build().unwrap());
    let params = params(&network);
    let mut memory = PassMemory::new(&network, 4).unwrap();
    let plan = |layer: &dyn Layer, input: Shape| layer.plan(&input).map(|_| ()).unwrap_err();
    let build = |builder: NetworkBuilder| builder.build().map(|_| ()).unwrap_err();
    let narrow = Network::builder(2).layer(Linear::new(3)).layer(Narrow { len: 4 });
    let x = normal(1, 4 * 12);
    let short = network.forward(&cx, &params, &mut memory, &x[1..], Pass::evaluate()).unwrap_err();
    let early = network
        .backward(&cx, &params, &mut memory, &x, Gradients::of_input(&mut vec![0.0; x.len()]))
        .unwrap_err();
    let thawed = network.forward_frozen(&cx, &params, &mut memory, &x).unwrap_err();
    let evaluate = |loss: Loss, target| loss.evaluate(&cx, 2, &x[..6], target, None).unwrap_err();
    let infinite = Params::new(&Network::builder(2).layer(Linear::new(1)).build().unwrap(), 1);
    let (shape, setting) = (ErrorKind::Shape, ErrorKind::Setting);
    for (kind, error) in [
        (shape, plan(&GlobalAvgPool, 4.into())),
        (setting, plan(&Linear::new(0), 4.into())),
        (setting, plan(&Dropout { p: 1.0 }, 4.into())),
        (setting, build(narrow)),
        (setting, build(Network::builder(0).layer(Linear::new(1)))),
        (shape, short),
        (ErrorKind::State, early),
        (ErrorKind::State, thawed),
        (shape, evaluate(Loss::L2, Target::Values(&x[..5]))),
        (ErrorKind::Mismatch, evaluate(Loss::L2, Target::Classes(&[0, 1]))),
        (ErrorKind::Mismatch, evaluate(Loss::cross_entropy(), Target::Classes(&[0, 3]))),
        (setting, Loss::Huber { delta: 0.0 }.check().unwrap_err()),
        (setting, Ladder::new(&[4], 0.3, &[1.0]).unwrap_err()),
        (ErrorKind::NotFinite, not_a_number(infinite)),
    ] {
        assert_eq!(error.kind(), kind, "{error}");
    }
}

/// Int8 has no number for an infinite weight.
fn not_a_number(mut params: Params) -> Error {
    let network = Network::builder(2).layer(Linear::new(1)).build().unwrap();
    params.values_mut()[0] = f32::INFINITY;
    Predictor::with_precision(&network, &params, Precision::Int8).unwrap_err()
}
