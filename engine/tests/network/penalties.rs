//! Layers that add to the loss: what is reported, and what a step goes down, is the sum.

use super::normal;
use narrows_engine::Layer;
use narrows_engine::layers::{GaussianSample, Linear, Residual, Sparsity, Tanh};
use narrows_engine::random::Random;
use narrows_engine::{
    Context, Gradients, Loss, Network, Optimizer, Params, Pass, PassMemory, Target, Trainer,
    TrainerSettings,
};

const BATCH: usize = 9;
const INPUT: usize = 5;
const LATENT: usize = 3;
const SEED: u64 = 4;
const KL_WEIGHT: f32 = 0.8;
const SPARSITY: f32 = 0.6;

/// x -> (m, v) -> tanh of a sample -> y, with a sparse first layer.
fn network(warm_up: u64) -> Network {
    let network = Network::builder(INPUT)
        .layer(Linear::new(2 * LATENT))
        .layer(Sparsity { weight: SPARSITY })
        .layer(GaussianSample { kl_weight: KL_WEIGHT, warm_up })
        .layer(Tanh);
    network.layer(Linear::new(INPUT)).build().unwrap()
}

/// The same in f64, by loops: the loss in a step, or in evaluation, and what of it the layers add.
fn losses(
    params: &Params,
    values: &[f64],
    x: &[f32],
    step: Option<u64>,
    warm_up: u64,
) -> (f64, f64) {
    let range =
        |name: &str| params.entries().iter().find(|e| e.name == name).unwrap().range.clone();
    let linear = |x: &[f64], layer: &str| -> Vec<f64> {
        let (weight, bias) =
            (&values[range(&format!("{layer}.weight"))], &values[range(&format!("{layer}.bias"))]);
        let row = |(weights, bias): (&[f64], &f64)| {
            weights.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + bias
        };
        weight.chunks(x.len()).zip(bias).map(row).collect()
    };
    let share = match step {
        Some(step) if step < warm_up => (step + 1) as f64 / warm_up as f64,
        _ => 1.0,
    };
    let (mut loss, mut penalty) = (0.0, 0.0);
    for (row, x) in x.chunks(INPUT).enumerate() {
        let x: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
        let code = linear(&x, "layers.0");
        let l1: f64 = code.iter().map(|c| c.abs()).sum();
        let squares: f64 = code.iter().map(|c| c * c).sum();
        penalty += f64::from(SPARSITY) * l1 / (squares * code.len() as f64).sqrt();
        let mut noise = [0.0; LATENT];
        if let Some(step) = step {
            // The sample is the third layer.
            Random::new(SEED, 2).fill_normal(step, row as u32, &mut noise);
        }
        let z: Vec<f64> = (0..LATENT)
            .map(|i| {
                let (m, v) = (code[i], code[LATENT + i]);
                penalty += f64::from(KL_WEIGHT) * share * (m * m + v.exp() - 1.0 - v) / 2.0;
                (m + (v / 2.0).exp() * f64::from(noise[i])).tanh()
            })
            .collect();
        let y = linear(&z, "layers.4");
        loss += y.iter().zip(&x).map(|(y, x)| (y - x).powi(2)).sum::<f64>() / INPUT as f64;
    }
    ((loss + penalty) / BATCH as f64, penalty / BATCH as f64)
}

#[test]
fn gradients_are_those_of_the_loss_with_its_penalties() {
    let (cx, x) = (Context::new(1).unwrap(), normal(7, BATCH * INPUT));
    for (step, warm_up) in [(0, 0), (0, 4), (2, 4), (3, 4), (9, 4)] {
        let network = network(warm_up);
        let params = super::params(&network);
        let pass = Pass::train(SEED, step);
        let mut memory = PassMemory::new(&network, BATCH).unwrap();
        let mut grads = vec![0.0; params.values().len()];
        network.forward(&cx, &params, &mut memory, &x, pass).unwrap();
        let penalty = memory.penalty();
        let (y, dy) = memory.output_and_gradient();
        let loss = Loss::L2.evaluate(&cx, BATCH, y, Target::Values(&x), Some(dy)).unwrap();
        network.backward(&cx, &params, &mut memory, &x, Gradients::added_to(&mut grads)).unwrap();

        let values: Vec<f64> = params.values().iter().map(|v| f64::from(*v)).collect();
        let of = |values: &[f64]| losses(&params, values, &x, Some(step), warm_up);
        let (want, want_penalty) = of(&values);
        assert!(
            (loss + penalty - want).abs() < 1e-5,
            "{} at step {step}, not {want}",
            loss + penalty
        );
        assert!(
            (penalty - want_penalty).abs() < 1e-5,
            "{penalty} at step {step}, not {want_penalty}"
        );
        for entry in params.entries() {
            for at in entry.range.clone() {
                let nudged = |h: f64| {
                    let mut values = values.clone();
                    values[at] += h;
                    of(&values).0
                };
                let numeric = (nudged(1e-5) - nudged(-1e-5)) / 2e-5;
                let got = f64::from(grads[at]);
                assert!(
                    (got - numeric).abs() < 2e-5,
                    "{}[{at}] at {step}: {got}, not {numeric}",
                    entry.name
                );
            }
        }
    }
}

#[test]
fn trainers_report_the_loss_with_its_penalties() {
    let (cx, x) = (Context::new(1).unwrap(), normal(7, BATCH * INPUT));
    let network = network(10);
    let params = super::params(&network);
    let mut trainer = Trainer::new(
        &network,
        params.clone(),
        TrainerSettings {
            optimizer: Optimizer::sgd(),
            seed: SEED,
            ..TrainerSettings::new(Loss::L2, BATCH)
        },
    )
    .unwrap();
    let values: Vec<f64> = params.values().iter().map(|v| f64::from(*v)).collect();
    let evaluated = trainer.evaluate(&cx, &x, Target::Values(&x)).unwrap();
    let (want, _) = losses(&params, &values, &x, None, 10);
    assert!(
        (evaluated - want).abs() < 1e-5,
        "{evaluated}, not {want}: in evaluation all of it counts"
    );
    for step in 0..3 {
        let values: Vec<f64> = trainer.params.values().iter().map(|v| f64::from(*v)).collect();
        let got = trainer.step(&cx, &x, Target::Values(&x), 0.05).unwrap();
        let (want, _) = losses(&params, &values, &x, Some(step), 10);
        assert!((got - want).abs() < 1e-5, "{got} at step {step}, not {want}");
    }
}

/// The penalty of what cannot change is a constant: no part of what is minimised.
#[test]
fn what_lies_below_everything_that_trains_adds_nothing_in_training() {
    let (cx, x) = (Context::new(1).unwrap(), normal(7, BATCH * INPUT));
    let network = network(0);
    let mut params = super::params(&network);
    params.set_trainable("layers.0", false);
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    network.forward(&cx, &params, &mut memory, &x, Pass::train(SEED, 0)).unwrap();
    assert_eq!(memory.penalty(), 0.0);
    network.forward(&cx, &params, &mut memory, &x, Pass::evaluate()).unwrap();
    assert!(memory.penalty() > 0.1);
}

/// The same layers in a block, whose shortcut has a penalty, too: the loss that is reported is the
/// one that the gradients go down.
#[test]
fn penalties_within_a_block_count_in_the_loss_as_in_the_gradients() {
    let (cx, x) = (Context::new(1).unwrap(), normal(7, BATCH * INPUT));
    let inner: Vec<Box<dyn Layer>> =
        vec![Box::new(Linear::new(4)), Box::new(Sparsity { weight: 0.7 })];
    let block = Residual::new(vec![
        Box::new(Linear::new(2 * LATENT)),
        Box::new(Sparsity { weight: SPARSITY }),
        Box::new(GaussianSample { kl_weight: KL_WEIGHT, warm_up: 0 }),
    ])
    .with_shortcut(vec![
        Box::new(Residual::new(inner).with_shortcut(vec![Box::new(Linear::new(4))])),
        Box::new(Linear::new(LATENT)),
    ]);
    let network = Network::builder(INPUT).layer(Linear::new(INPUT)).layer(block).build().unwrap();
    let mut params = super::params(&network);
    let mut memory = PassMemory::new(&network, BATCH).unwrap();
    let mut grads = vec![0.0; params.values().len()];
    let pass = Pass::train(SEED, 1);
    // The penalties alone: the gradient of the output is 0.
    network.forward(&cx, &params, &mut memory, &x, pass).unwrap();
    memory.output_and_gradient().1.fill(0.0);
    network.backward(&cx, &params, &mut memory, &x, Gradients::overwriting(&mut grads)).unwrap();
    let total = memory.penalty();
    assert!(total > 0.1, "{total}");
    let mut seen = 0;
    for entry in params.entries().to_vec() {
        for at in entry.range.clone().step_by(3) {
            let value = params.values()[at];
            let mut penalty = |h: f32| {
                params.values_mut()[at] = value + h;
                network.forward(&cx, &params, &mut memory, &x, pass).unwrap();
                memory.penalty()
            };
            let numeric = (penalty(1e-3) - penalty(-1e-3)) / 2e-3;
            penalty(0.0);
            let got = f64::from(grads[at]);
            let close = (got - numeric).abs() < 3e-3 * numeric.abs().max(1.0);
            assert!(close, "{}[{at}]: {got}, not {numeric}", entry.name);
            seen += usize::from(got.abs() > 1e-2);
        }
    }
    assert!(seen > 10, "only {seen} gradients are not 0");
    // And a trainer reports it.
    let settings = TrainerSettings::new(Loss::L2, BATCH);
    let mut trainer = Trainer::new(&network, params.clone(), settings).unwrap();
    let target = vec![0.5; BATCH * LATENT];
    let loss = trainer.evaluate(&cx, &x, Target::Values(&target)).unwrap();
    network.forward(&cx, &params, &mut memory, &x, Pass::evaluate()).unwrap();
    let alone = Loss::L2.evaluate(&cx, BATCH, memory.output(), Target::Values(&target), None);
    assert_eq!(loss, alone.unwrap() + memory.penalty());
}
