//! The pull towards pretrained weights against an obvious f64 loop, and what it leaves alone.

use super::oracle::{Exact, U, largest_update};
use super::{all, gradients, large_params, single, support};
use narrows_engine::params::Role;
use narrows_engine::{Context, Optimizer, OptimizerState, Params};
use support::bits;

/// Parameters that lie away from `params`, all over the slab.
fn elsewhere(params: &Params) -> Params {
    let mut anchor = params.clone();
    anchor.values_mut().iter_mut().enumerate().for_each(|(i, x)| *x += 0.5 - (i % 11) as f32 * 0.1);
    anchor
}

/// The bound is that of the test without a pull, and two roundings of the pull.
#[test]
fn weights_below_the_prefix_are_pulled_and_the_others_decay() {
    for isa in support::isas() {
        for optimizer in all() {
            let mut params = large_params();
            params.set_lr_factor("a", 0.25).unwrap();
            let entries = params.entries().to_vec();
            let anchor = elsewhere(&params);
            let mut state = OptimizerState::new(optimizer, &params);
            assert!(!state.pulls_to_pretrained());
            let strength = 7.0;
            state.pull_to_pretrained(&anchor, "a", strength).unwrap();
            assert!(state.pulls_to_pretrained());
            let mut exact: Vec<Exact> = (params.values().iter())
                .map(|&p| Exact { p: f64::from(p), m: 0.0, v: 0.0, cancelled: 0.0 })
                .collect();
            let lr = 0.01;
            for t in 1..=5 {
                let grads = gradients(params.values().len(), t as u64);
                for entry in &entries {
                    let weight = entry.spec.role == Role::Weight;
                    let pulled = weight && entry.name.starts_with("a.");
                    let lr = f64::from(lr) * f64::from(entry.lr_factor);
                    for i in entry.range.clone() {
                        if pulled {
                            exact[i].p +=
                                lr * strength * (f64::from(anchor.values()[i]) - exact[i].p);
                        }
                        exact[i].step(optimizer, t, f64::from(grads[i]), lr, weight && !pulled);
                    }
                }
                state.step(&single(isa), &mut params, &grads, lr).unwrap();
                for entry in &entries {
                    for i in entry.range.clone() {
                        let (got, want) = (f64::from(params.values()[i]), exact[i].p);
                        let update = largest_update(optimizer, t, lr * entry.lr_factor);
                        let rounding =
                            (5.0 + 2.0) * want.abs() + (10.0 + exact[i].cancelled) * update;
                        let bound = f64::from(t) * U * (rounding + 2.0);
                        assert!(
                            (got - want).abs() <= bound,
                            "{optimizer:?} on {}, step {t}: {}[{i}] is {got}, not {want}",
                            isa.name(),
                            entry.name
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_pull_of_any_strength_ends_at_the_pretrained_weights() {
    let cx = Context::new(1).unwrap();
    let mut params = large_params();
    let anchor = elsewhere(&params);
    let mut state = OptimizerState::new(Optimizer::sgd(), &params);
    state.pull_to_pretrained(&anchor, "a.0.weight", 1e9).unwrap();
    let none = vec![0.0; params.values().len()];
    let before = params.clone();
    state.step(&cx, &mut params, &none, 0.01).unwrap();
    for (got, want) in
        params.get("a.0.weight").unwrap().iter().zip(anchor.get("a.0.weight").unwrap())
    {
        assert!((got - want).abs() <= 1e-6, "{got}, not {want}");
    }
    for name in ["a.0.bias", "b.0.weight", "b.0.bias"] {
        assert_eq!(bits(params.get(name).unwrap()), bits(before.get(name).unwrap()), "{name}");
    }
}

#[test]
fn what_is_frozen_is_not_pulled_and_threads_change_no_bit() {
    let run = |threads| {
        let cx = Context::new(threads).unwrap();
        let mut params = large_params();
        let anchor = elsewhere(&params);
        params.set_trainable("b.0.weight", false).unwrap();
        let frozen = bits(params.get("b.0.weight").unwrap());
        let mut state = OptimizerState::new(Optimizer::adamw(), &params);
        state.pull_to_pretrained(&anchor, "b", 1.0).unwrap();
        for t in 0..3 {
            let grads = gradients(params.values().len(), t);
            state.step(&cx, &mut params, &grads, 0.01).unwrap();
        }
        assert_eq!(bits(params.get("b.0.weight").unwrap()), frozen);
        bits(params.values())
    };
    let one = run(1);
    assert!(run(2) == one && run(3) == one);
}
