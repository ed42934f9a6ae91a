//! Optimisers against PyTorch and against an f64 oracle, and what must not change.

mod anchor;
mod clipping;
mod oracle;

use crate::support;
use narrows_engine::layers::Linear;
use narrows_engine::optimizer::clip_grad_norm;
use narrows_engine::random::Random;
use narrows_engine::{Context, Network, Optimizer, OptimizerState, Params};
use support::{Vectors, assert_close, bits, single};

/// `sections.0.weight` of `n` values and `sections.0.bias` of one, all drawn at random.
fn params(n: usize) -> Params {
    let network = Network::builder(n).section("a").layer(Linear::new(1)).build().unwrap();
    let mut params = Params::new(&network, 1);
    let range = params.range("a");
    Random::new(1, 1).fill_normal(0, 0, &mut params.values_mut()[range]);
    params
}

/// Two layers, several blocks long, with padding between them.
fn large_params() -> Params {
    let network = Network::builder(129)
        .section("a")
        .layer(Linear::new(131))
        .section("b")
        .layer(Linear::new(203));
    Params::new(&network.build().unwrap(), 1)
}

/// Gradients of step `step`, over the whole slab: the padding must come to no harm either.
fn gradients(len: usize, step: u64) -> Vec<f32> {
    let mut grads = vec![0.0; len];
    Random::new(2, 2).fill_normal(step, 0, &mut grads);
    // Their scale goes from far below Adam's epsilon to far above it.
    grads.iter_mut().enumerate().for_each(|(i, g)| *g *= [1.0, 1e-4, 1e-8, 1e-11, 30.0][i % 5]);
    grads
}

fn sgd(momentum: f64, nesterov: bool, weight_decay: f64) -> Optimizer {
    Optimizer::Sgd { momentum, nesterov, weight_decay }
}

fn adam(weight_decay: f64) -> Optimizer {
    Optimizer::Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay }
}

fn all() -> [Optimizer; 7] {
    [
        sgd(0.0, false, 0.0),
        sgd(0.0, false, 1e-2),
        sgd(0.9, false, 0.0),
        sgd(0.9, true, 1e-2),
        adam(0.0),
        adam(1e-2),
        Optimizer::adamw(),
    ]
}

#[test]
fn trajectories_are_pytorchs() {
    let vectors = Vectors::open("optimizers");
    let (initial, (shape, grads)) = (vectors.get("initial"), vectors.with_shape("grads"));
    let n = shape[1];
    for isa in support::isas() {
        for (name, optimizer, lr) in [
            ("sgd", Optimizer::sgd(), 0.1),
            ("sgd_momentum", sgd(0.9, false, 0.0), 0.1),
            ("sgd_nesterov", sgd(0.9, true, 1e-2), 0.1),
            ("adam", Optimizer::adam(), 1e-3),
            ("adam_l2", adam(1e-2), 1e-3),
            ("adamw", Optimizer::adamw(), 1e-3),
        ] {
            let mut params = params(n);
            let weight = params.range("a.0.weight");
            params.values_mut()[weight.clone()].copy_from_slice(&initial);
            let mut state = OptimizerState::new(optimizer, &params);
            let want = vectors.get(name);
            for (step, (g, want)) in grads.chunks(n).zip(want.chunks(n)).enumerate() {
                let mut grads = vec![0.0; params.values().len()];
                grads[weight.clone()].copy_from_slice(g);
                state.step(&single(isa), &mut params, &grads, lr);
                let what = format!("{name} on {}, step {step}", isa.name());
                assert_close(&what, &params.values()[weight.clone()], want, 1e-5);
            }
        }
    }
}

#[test]
fn what_is_frozen_keeps_its_bits() {
    for isa in support::isas() {
        for optimizer in all() {
            let mut params = large_params();
            let mut state = OptimizerState::new(optimizer, &params);
            let step = |params: &mut Params, state: &mut OptimizerState, t, poison: &[&str]| {
                let mut grads = gradients(params.values().len(), t);
                for name in poison {
                    grads[params.range(name)].fill(f32::NAN);
                }
                state.step(&single(isa), params, &grads, 0.01);
            };
            step(&mut params, &mut state, 1, &[]);
            let frozen = ["a", "b.0.bias"];
            frozen.iter().for_each(|name| params.set_trainable(name, false));
            let (before, moments) = (params.clone(), state.moments().map(<[f32]>::to_vec));
            for t in 2..5 {
                step(&mut params, &mut state, t, &frozen);
            }
            for name in frozen {
                let range = params.range(name);
                assert!(
                    bits(&params.values()[range.clone()]) == bits(&before.values()[range.clone()]),
                    "{name}"
                );
                for (now, before) in
                    state.moments().iter().zip(&moments).filter(|(now, _)| !now.is_empty())
                {
                    assert!(
                        bits(&now[range.clone()]) == bits(&before[range.clone()]),
                        "{name}: moments"
                    );
                }
            }
            let trained = params.range("b.0.weight");
            assert!(params.values()[trained.clone()].iter().all(|p| p.is_finite()));
            assert!(
                params.values()[trained.clone()] != before.values()[trained],
                "{optimizer:?}: nothing trained"
            );
        }
    }
}

/// A parameter's trajectory does not depend on how long it was frozen before: its moments are
/// corrected for its own updates, not for the steps of others.
#[test]
fn a_freed_parameter_starts_as_at_the_first_step() {
    let cx = Context::new(1).unwrap();
    for optimizer in all() {
        let run = |frozen_steps: u64| {
            let mut params = params(40);
            let mut state = OptimizerState::new(optimizer, &params);
            for t in 0..frozen_steps + 5 {
                params.set_trainable("a.0.weight", t >= frozen_steps);
                let grads = gradients(params.values().len(), t.wrapping_sub(frozen_steps));
                state.step(&cx, &mut params, &grads, 0.01);
            }
            assert_eq!(state.step_count(), frozen_steps + 5);
            assert_eq!(state.updates(), [5, frozen_steps + 5]);
            bits(params.get("a.0.weight").unwrap())
        };
        assert!(run(0) == run(50), "{optimizer:?}");
    }
}

#[test]
fn ten_thousand_steps_without_gradients_leave_no_subnormals() {
    for isa in support::isas() {
        for optimizer in all() {
            let mut params = params(67);
            let mut state = OptimizerState::new(optimizer, &params);
            let mut grads = gradients(params.values().len(), 0);
            // Small ones too, that reach the subnormals soon even by Adam's slow second moment.
            grads.iter_mut().skip(1).step_by(2).for_each(|g| *g *= 1e-6);
            state.step(&single(isa), &mut params, &grads, 0.1);
            grads.fill(0.0);
            for step in 1..10_000 {
                // A rate at which decay takes the weights through the subnormals as well.
                state.step(&single(isa), &mut params, &grads, 1.0);
                let [first, second] = state.moments();
                let mut all = params.values().iter().chain(first).chain(second);
                let found = all.find(|x| x.is_subnormal());
                assert_eq!(found, None, "{optimizer:?} on {}, step {step}", isa.name());
            }
            // What decays has passed the subnormals on its way to 0.
            let [first, second] = state.moments();
            if !decays_with_gradient(optimizer) {
                assert!(first.iter().all(|m| *m == 0.0), "{optimizer:?}: first moments");
                assert!(
                    second.is_empty() || second.contains(&0.0),
                    "{optimizer:?}: second moments"
                );
            }
            if decays_apart(optimizer) {
                assert!(
                    params.get("a.0.weight").unwrap().iter().all(|p| *p == 0.0),
                    "{optimizer:?}: weights"
                );
            }
        }
    }
}

/// Whether the weights shrink by a fixed part in each step.
fn decays_apart(optimizer: Optimizer) -> bool {
    matches!(optimizer, Optimizer::AdamW { .. })
}

/// Whether the gradient is never 0: the parameter's own decay is in it.
fn decays_with_gradient(optimizer: Optimizer) -> bool {
    matches!(
        optimizer,
        Optimizer::Adam { weight_decay, .. } | Optimizer::Sgd { weight_decay, .. }
            if weight_decay > 0.0
    )
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for isa in support::isas() {
        for optimizer in all() {
            let run = |threads| {
                let cx = Context::with_isa(isa, threads).unwrap();
                let mut params = large_params();
                let mut state = OptimizerState::new(optimizer, &params);
                for t in 0..3 {
                    let mut grads = gradients(params.values().len(), t);
                    let norm = clip_grad_norm(&cx, &mut grads, 10.0);
                    assert!(norm > 10.0);
                    state.step(&cx, &mut params, &grads, 0.01);
                }
                (bits(params.values()), state.moments().map(bits))
            };
            let one = run(1);
            for threads in [2, 3] {
                assert!(
                    run(threads) == one,
                    "{optimizer:?} on {} with {threads} threads",
                    isa.name()
                );
            }
        }
    }
}

#[test]
fn a_restored_state_goes_on_with_the_same_bits() {
    let cx = Context::new(2).unwrap();
    for optimizer in all() {
        let mut params = large_params();
        params.set_trainable("a", false);
        let mut state = OptimizerState::new(optimizer, &params);
        let step = |params: &mut Params, state: &mut OptimizerState, t| {
            params.set_trainable("a", t > 2);
            let grads = gradients(params.values().len(), t);
            state.step(&cx, params, &grads, 0.01);
        };
        (0..5).for_each(|t| step(&mut params, &mut state, t));

        let mut resumed_params = params.clone();
        let mut resumed = OptimizerState::new(optimizer, &params);
        resumed.restore(state.step_count(), state.updates(), state.moments()).unwrap();
        for t in 5..8 {
            step(&mut params, &mut state, t);
            step(&mut resumed_params, &mut resumed, t);
        }
        assert!(bits(params.values()) == bits(resumed_params.values()), "{optimizer:?}");
        assert!(state.moments().map(bits) == resumed.moments().map(bits), "{optimizer:?}");
        assert_eq!(
            (state.step_count(), state.updates()),
            (resumed.step_count(), resumed.updates())
        );
    }
}

#[test]
fn a_state_that_does_not_fit_is_refused() {
    let (small, large) = (params(10), large_params());
    let mut state = OptimizerState::new(Optimizer::adam(), &large);
    for (optimizer, params) in [(Optimizer::adam(), &small), (Optimizer::sgd(), &large)] {
        let other = OptimizerState::new(optimizer, params);
        let error = state
            .restore(7, other.updates(), other.moments())
            .expect_err("another state")
            .to_string();
        assert!(error.contains("does not fit"), "{error}");
        assert_eq!(state.step_count(), 0);
    }
}

#[test]
fn bad_settings_are_named() {
    let adam =
        |beta1, beta2, eps, weight_decay| Optimizer::Adam { beta1, beta2, eps, weight_decay };
    let adamw =
        |beta1, beta2, eps, weight_decay| Optimizer::AdamW { beta1, beta2, eps, weight_decay };
    for (optimizer, message) in [
        (sgd(1.0, false, 0.0), "momentum"),
        (sgd(f64::NAN, false, 0.0), "momentum"),
        (sgd(0.0, true, 0.0), "nesterov"),
        (sgd(0.9, true, -1.0), "weight decay"),
        (adam(1.0, 0.999, 1e-8, 0.0), "beta1"),
        (adam(0.9, -0.1, 1e-8, 0.0), "beta2"),
        (adam(0.9, 0.999, 0.0, 0.0), "epsilon"),
        (adam(0.9, 0.999, 1e-50, 0.0), "epsilon"),
        (adamw(0.9, 0.999, f64::NAN, 0.0), "epsilon"),
        (adamw(0.9, 0.999, 1e-8, f64::INFINITY), "weight decay"),
    ] {
        let error = optimizer.check().expect_err(message).to_string();
        assert!(error.contains(message), "{optimizer:?}: {error}");
    }
    for optimizer in
        all().into_iter().chain([Optimizer::sgd(), Optimizer::adam(), Optimizer::adamw()])
    {
        optimizer.check().unwrap();
    }
}
