//! Optimisers against one that works on single parameters, in f64.

use super::{all, gradients, large_params, params, support};
use crate::support::single;
use narrows_engine::layers::Linear;
use narrows_engine::params::Role;
use narrows_engine::simd::Isa;
use narrows_engine::{Network, Optimizer, OptimizerState, Params};

/// The rounding of one f32 operation, relative to its result.
pub const U: f64 = 1.0 / (1 << 24) as f64;

/// The oracle: one parameter, in f64.
#[derive(Clone, Copy)]
pub struct Exact {
    pub p: f64,
    pub m: f64,
    pub v: f64,
    /// How many times larger the relative error of gradient plus decay is than that of the two,
    /// where they cancel: Adam makes full steps of what is left.
    pub cancelled: f64,
}

impl Exact {
    pub fn step(&mut self, optimizer: Optimizer, t: i32, g: f64, lr: f64, decays: bool) {
        let decay = |decay: f64| if decays { decay } else { 0.0 };
        match optimizer {
            Optimizer::Sgd { momentum, nesterov, weight_decay } => {
                let g = g + decay(weight_decay) * self.p;
                self.m = if t == 1 { g } else { momentum * self.m + g };
                self.p -= lr * if nesterov { g + momentum * self.m } else { self.m };
            }
            Optimizer::Adam { beta1, beta2, eps, weight_decay } => {
                let decay = decay(weight_decay) * self.p;
                self.cancelled = self.cancelled.max(decay.abs() / ((g + decay).abs() + eps));
                self.adam(t, g + decay, lr, beta1, beta2, eps);
            }
            Optimizer::AdamW { beta1, beta2, eps, weight_decay } => {
                self.p -= lr * decay(weight_decay) * self.p;
                self.adam(t, g, lr, beta1, beta2, eps);
            }
            other => panic!("no reference of {other:?}"),
        }
    }

    fn adam(&mut self, t: i32, g: f64, lr: f64, beta1: f64, beta2: f64, eps: f64) {
        self.m = beta1 * self.m + (1.0 - beta1) * g;
        self.v = beta2 * self.v + (1.0 - beta2) * g * g;
        let m = self.m / (1.0 - beta1.powi(t));
        let v = self.v / (1.0 - beta2.powi(t));
        self.p -= lr * m / (v.sqrt() + eps);
    }
}

/// Adam's update is at most a few times lr; that of SGD with momentum is lr times the sum of all
/// gradients so far, which are normal with deviation 30, so less than 150 each.
pub fn largest_update(optimizer: Optimizer, t: i32, lr: f32) -> f64 {
    let sgd = matches!(optimizer, Optimizer::Sgd { .. });
    f64::from(lr) * if sgd { 150.0 * f64::from(t) } else { 3.0 }
}

/// In every step, f32 rounds the parameter 3 times at most (decay, product, difference), and the
/// update some 10 times.
fn check_against_f64(isa: Isa, optimizer: Optimizer, mut params: Params) {
    let entries = params.entries().to_vec();
    let mut state = OptimizerState::new(optimizer, &params);
    let mut exact: Vec<Exact> = params
        .values()
        .iter()
        .map(|&p| Exact { p: f64::from(p), m: 0.0, v: 0.0, cancelled: 0.0 })
        .collect();
    let (lr, steps) = (0.01, 5);
    for t in 1..=steps {
        let grads = gradients(params.values().len(), t as u64);
        for entry in &entries {
            for i in entry.range.clone() {
                let lr = f64::from(lr) * f64::from(entry.lr_factor);
                exact[i].step(
                    optimizer,
                    t,
                    f64::from(grads[i]),
                    lr,
                    entry.spec.role == Role::Weight,
                );
            }
        }
        state.step(&single(isa), &mut params, &grads, lr).unwrap();
        let what = format!("{optimizer:?} on {}, step {t}", isa.name());
        for entry in &entries {
            for i in entry.range.clone() {
                let (got, want) = (f64::from(params.values()[i]), exact[i].p);
                let update = largest_update(optimizer, t, lr * entry.lr_factor);
                let bound =
                    f64::from(t) * U * (3.0 * want.abs() + (10.0 + exact[i].cancelled) * update);
                assert!(
                    (got - want).abs() <= bound,
                    "{what}: {}[{i}] is {got}, not {want}",
                    entry.name
                );
            }
        }
    }
}

#[test]
fn every_size_and_isa_is_within_rounding_of_f64() {
    for isa in support::isas() {
        for optimizer in all() {
            for n in (1..=2 * isa.lanes() + 2).chain([100]) {
                check_against_f64(isa, optimizer, params(n));
            }
            let mut params = large_params();
            params.set_lr_factor("a", 0.25).unwrap();
            params.set_lr_factor("b.0.bias", 2.0).unwrap();
            check_against_f64(isa, optimizer, params);
            // A parameter that ends just where a block does.
            let square = Network::builder(128).layer(Linear::new(128)).build().unwrap();
            check_against_f64(isa, optimizer, Params::new(&square, 1));
        }
    }
}
