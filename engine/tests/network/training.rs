//! Steps of a trainer: what they leave alone, and what makes them stop.

use crate::network::{classifier, normal, params};
use crate::support::{self, bits};
use narrows_engine::layers::{BatchNorm, Dropout, Linear, Relu};
use narrows_engine::{
    Context, Gradients, Loss, Network, Optimizer, OptimizerState, Params, Pass, PassMemory, Target,
    Trainer, TrainerSettings,
};

pub const BATCH: usize = 20;

/// Classes of the samples of a batch.
pub const CLASSES: [u32; BATCH] = [0, 1, 2, 2, 1, 0, 0, 1, 2, 0, 1, 2, 0, 1, 2, 2, 2, 1, 0, 0];

pub fn trainer(network: &Network, params: &Params, optimizer: Optimizer) -> Trainer {
    with(network, params, TrainerSettings { optimizer, ..settings() })
}

pub fn settings() -> TrainerSettings {
    TrainerSettings { seed: 4, ..TrainerSettings::new(Loss::cross_entropy(), BATCH) }
}

pub fn with(network: &Network, params: &Params, settings: TrainerSettings) -> Trainer {
    Trainer::new(network, params.clone(), settings).unwrap()
}

/// A step on the batch of that number.
pub fn step(trainer: &mut Trainer, batch: u64, lr: f32) -> f64 {
    let cx = Context::new(1).unwrap();
    trainer.step(&cx, &normal(batch, BATCH * 12), Target::Classes(&CLASSES), lr).unwrap()
}

/// What a step must leave alone if it fails.
pub fn state(trainer: &Trainer) -> (Vec<u32>, Vec<u32>, u64) {
    let moments = trainer.optimizer.moments().concat();
    (bits(trainer.params.values()), bits(&moments), trainer.optimizer.step_count())
}

#[test]
fn training_lowers_the_loss_and_moves_every_parameter() {
    let network = classifier().build().unwrap();
    let params = params(&network);
    let mut trainer = trainer(&network, &params, Optimizer::adam());
    let first = step(&mut trainer, 0, 0.01);
    let last = (0..100).map(|_| step(&mut trainer, 0, 0.01)).last().unwrap();
    assert!(last < 0.5 * first, "from {first} to {last}");
    for entry in params.entries() {
        let (now, before) =
            (trainer.params.get(&entry.name).unwrap(), params.get(&entry.name).unwrap());
        assert_ne!(now, before, "{} did not move", entry.name);
    }
}

#[test]
fn a_frozen_encoder_keeps_every_bit_through_training() {
    let network = classifier().build().unwrap();
    let mut params = params(&network);
    params.set_trainable("encoder", false).unwrap();
    let optimizers = [
        Optimizer::sgd(),
        Optimizer::Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.1 },
        Optimizer::adam(),
        Optimizer::adamw(),
    ];
    for optimizer in optimizers {
        let mut trainer = with(
            &network,
            &params,
            TrainerSettings { optimizer, clip_norm: Some(0.5), ..settings() },
        );
        for batch in 0..5 {
            step(&mut trainer, batch, 0.1);
        }
        let (encoder, head) = (params.range("encoder"), params.range("head"));
        let now = trainer.params.values();
        assert_eq!(bits(&now[encoder.clone()]), bits(&params.values()[encoder]), "{optimizer:?}");
        assert_ne!(bits(&now[head.clone()]), bits(&params.values()[head]), "{optimizer:?}");
        // Freed again, it trains.
        trainer.params.set_trainable("encoder", true).unwrap();
        step(&mut trainer, 0, 0.1);
        for name in ["encoder.0.weight", "encoder.1.running_mean", "encoder.4.bias"] {
            assert_ne!(trainer.params.get(name), params.get(name), "{optimizer:?}");
        }
    }
}

/// From 0, where a parameter's update is the whole of it and nothing rounds it away.
#[test]
fn a_learning_rate_factor_scales_updates_by_exactly_that() {
    let network = classifier().build().unwrap();
    let mut params = Params::new(&network, 5);
    let names = ["head.0.bias", "head.2.bias", "encoder.1.bias", "encoder.4.bias"];
    let run = |params: &Params| {
        let mut trainer = trainer(&network, params, Optimizer::sgd());
        step(&mut trainer, 0, 1.0);
        trainer.params
    };
    let usual = run(&params);
    params.set_lr_factor("encoder", 0.1).unwrap();
    let slow = run(&params);
    for name in names {
        let factor = if name.starts_with("encoder") { 0.1 } else { 1.0 };
        for (slow, usual) in slow.get(name).unwrap().iter().zip(usual.get(name).unwrap()) {
            assert_eq!(*slow, factor * usual, "{name}");
        }
        assert!(usual.get(name).unwrap().iter().any(|v| *v != 0.0), "{name} did not move");
    }
    params.set_lr_factor("encoder", 0.0).unwrap();
    let still = run(&params);
    for entry in params.entries().iter().filter(|e| e.trainable && e.name.starts_with("encoder")) {
        assert_eq!(still.get(&entry.name), params.get(&entry.name), "{}", entry.name);
    }
}

#[test]
fn evaluating_between_steps_changes_no_bit_of_the_next() {
    let network = classifier().build().unwrap();
    let params = params(&network);
    let cx = Context::new(1).unwrap();
    let run = |evaluate: bool| {
        let mut trainer = trainer(&network, &params, Optimizer::adam());
        let mut losses = Vec::new();
        for batch in 0..6 {
            losses.push(step(&mut trainer, batch, 0.01).to_bits());
            if evaluate {
                let x = normal(100 + batch, 7 * 12);
                trainer.evaluate(&cx, &x, Target::Classes(&CLASSES[..7])).unwrap();
                trainer.predict(&cx, &x[..12]).unwrap();
            }
        }
        (losses, bits(trainer.params.values()))
    };
    assert_eq!(run(true), run(false));
}

/// Wide enough that layers, products and sums are cut into several tasks.
fn wide() -> Network {
    Network::builder(130)
        .layer(Linear::new(300))
        .layer(BatchNorm::default())
        .layer(Relu)
        .layer(Dropout { p: 0.3 })
        .layer(Linear::new(200))
        .layer(Relu)
        .layer(Dropout { p: 0.1 })
        .layer(Linear::new(10))
        .build()
        .unwrap()
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let network = wide();
    let params = Params::new(&network, 1);
    let classes: Vec<u32> = (0..150).map(|i| i * 7 % 10).collect();
    for isa in support::isas() {
        let run = |threads: usize, install: bool| {
            let cx = Context::with_isa(isa, threads).unwrap();
            let loss = Loss::CrossEntropy { smoothing: 0.1, class_weights: Some(vec![0.5; 10]) };
            let optimizer = Optimizer::adamw();
            let clip_norm = Some(1.0);
            let more = TrainerSettings { loss, optimizer, clip_norm, max_batch: 150, ..settings() };
            let mut trainer = with(&network, &params, more);
            let mut steps = || -> Vec<u64> {
                // The last batch is a ragged one.
                let sizes = (0..20).map(|i| if i == 19 { 67 } else { 150 });
                let step = |(i, n): (usize, usize)| {
                    let target = Target::Classes(&classes[..n]);
                    trainer.step(&cx, &normal(i as u64, n * 130), target, 0.01).unwrap().to_bits()
                };
                sizes.enumerate().map(step).collect()
            };
            let losses = if install { cx.install(steps) } else { steps() };
            (losses, bits(trainer.params.values()), bits(trainer.optimizer.moments()[1]))
        };
        let one = run(1, false);
        for (threads, install) in [(2, false), (2, true), (3, false)] {
            assert!(
                run(threads, install) == one,
                "{threads} threads on {} change bits",
                isa.name()
            );
        }
        assert!(f64::from_bits(one.0[18]) < f64::from_bits(one.0[0]) * 1.5, "training went astray");
    }
}

/// The trainer updates each layer as soon as its gradient is there. The separate passes are the
/// reference: all gradients first, then the optimiser.
#[test]
fn updating_layer_by_layer_gives_the_bits_of_separate_passes() {
    let network = wide();
    let mut params = Params::new(&network, 1);
    params.set_lr_factor("layers.0", 0.25).unwrap();
    let classes: Vec<u32> = (0..150).map(|i| i * 7 % 10).collect();
    let target = Target::Classes(&classes);
    let momentum = Optimizer::Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.1 };
    let cx = Context::new(2).unwrap();
    for optimizer in [Optimizer::sgd(), momentum, Optimizer::adam(), Optimizer::adamw()] {
        let more = TrainerSettings { optimizer, max_batch: 150, ..settings() };
        let mut trainer = with(&network, &params, more);
        let (mut params, mut state) = (params.clone(), OptimizerState::new(optimizer, &params));
        let mut memory = PassMemory::new(&network, 150).unwrap();
        let mut grads = vec![f32::NAN; params.values().len()];
        for (step, frozen) in
            ["", "", "layers.1", "layers.4.weight", "layers.0", ""].iter().enumerate()
        {
            for params in [&mut params, &mut trainer.params] {
                params.set_trainable("layers", true).unwrap();
                if !frozen.is_empty() {
                    params.set_trainable(frozen, false).unwrap();
                }
            }
            let x = normal(step as u64, 150 * 130);
            trainer.step(&cx, &x, target, 0.01).unwrap();

            let pass = Pass::train(4, step as u64);
            network.forward(&cx, &params, &mut memory, &x, pass).unwrap();
            let (y, dy) = memory.output_and_gradient();
            Loss::cross_entropy().evaluate(&cx, 150, y, target, Some(dy)).unwrap();
            network
                .backward(&cx, &params, &mut memory, &x, Gradients::overwriting(&mut grads))
                .unwrap();
            network.update_statistics(&mut params, &memory);
            state.step(&cx, &mut params, &grads, 0.01).unwrap();

            let what = format!("{optimizer:?}, step {step}");
            assert!(bits(trainer.params.values()) == bits(params.values()), "{what}: parameters");
            assert!(
                trainer.optimizer.moments().map(bits) == state.moments().map(bits),
                "{what}: moments"
            );
            assert_eq!(trainer.optimizer.updates(), state.updates(), "{what}");
            assert_eq!(trainer.optimizer.step_count(), state.step_count(), "{what}");
        }
    }
}

/// The gradients' memory still holds the last step's, of layers that have been frozen since and do
/// not count.
#[test]
fn clipping_forgets_the_gradients_of_what_froze_since() {
    let network = classifier().build().unwrap();
    let mut used = with(
        &network,
        &params(&network),
        TrainerSettings { optimizer: Optimizer::adam(), clip_norm: Some(0.01), ..settings() },
    );
    step(&mut used, 0, 0.01);
    for frozen in ["head.0", "encoder"] {
        used.params.set_trainable(frozen, false).unwrap();
        let mut fresh = with(
            &network,
            &used.params,
            TrainerSettings { optimizer: Optimizer::adam(), clip_norm: Some(0.01), ..settings() },
        );
        fresh.optimizer = used.optimizer.clone();
        step(&mut used, 1, 0.01);
        step(&mut fresh, 1, 0.01);
        assert_eq!(state(&used), state(&fresh), "{frozen}");
        used.params.set_trainable(frozen, true).unwrap();
        step(&mut used, 2, 0.01);
    }
}

/// The weight's gradient, which is much the larger, must not shorten the bias's step.
#[test]
fn clipping_does_not_count_a_frozen_weight() {
    let network = Network::builder(12).layer(Linear::new(3)).build().unwrap();
    let cx = Context::new(1).unwrap();
    let x: Vec<f32> = normal(1, BATCH * 12).iter().map(|x| 100.0 * x).collect();
    let target = normal(2, BATCH * 3);
    let run = |clip_norm: Option<f32>| {
        let mut params = params(&network);
        params.set_trainable("layers.0.weight", false).unwrap();
        let before = params.get("layers.0.weight").unwrap().to_vec();
        let (loss, optimizer) = (Loss::L2, Optimizer::sgd());
        let clipped = TrainerSettings { loss, optimizer, clip_norm, ..settings() };
        let mut trainer = with(&network, &params, clipped);
        trainer.step(&cx, &x, Target::Values(&target), 1e-3).unwrap();
        assert_eq!(trainer.params.get("layers.0.weight").unwrap(), before);
        bits(trainer.params.get("layers.0.bias").unwrap())
    };
    // The weight's gradient has a norm above 1000, the bias's one below.
    assert_eq!(run(Some(1000.0)), run(None));
    assert_ne!(run(Some(1e-3)), run(None));
}
