//! The activations, each with its reference: a function, its derivative, and how exact
//! `math/functions.rs` says it is.

use super::{Case, shapes};
use crate::layers::reference::{EPS, Reference, Values};
use narrows_engine::layer::Layer;
use narrows_engine::layers::{
    Elu, Gelu, HardSigmoid, HardSwish, LeakyRelu, Relu, Relu6, Sigmoid, Silu, Tanh,
};

type Function = Box<dyn Fn(f64) -> f64>;

struct Pointwise {
    f: Function,
    derivative: Function,
    /// The largest error of y, and of dx for dy = 1, at x.
    y_error: Function,
    dx_error: Function,
    /// Where the derivative jumps, or bends.
    kinks: &'static [f64],
}

pub fn all() -> Vec<Case> {
    let (leaky, with_depth) = (LeakyRelu { slope: 0.2 }, Elu { alpha: 0.7 });
    [
        cases(Relu, relu),
        cases(Relu6, relu6),
        cases(leaky, || leaky_relu(f64::from(leaky.slope))),
        cases(with_depth, || elu(f64::from(with_depth.alpha))),
        cases(Gelu, gelu),
        cases(HardSwish, hard_swish),
        cases(Tanh, tanh),
        cases(Sigmoid, sigmoid),
        cases(HardSigmoid, hard_sigmoid),
        cases(Silu, silu),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// At a usual scale, and at one that reaches where functions saturate.
fn cases(layer: impl Layer + Copy, reference: impl Fn() -> Pointwise) -> Vec<Case> {
    let case = |(batch, features): (usize, usize), scale| Case {
        scale,
        ..Case::new(layer, reference(), batch, features)
    };
    shapes().into_iter().flat_map(|shape| [case(shape, 1.0), case(shape, 30.0)]).collect()
}

fn relu() -> Pointwise {
    Pointwise {
        f: Box::new(|x| x.max(0.0)),
        derivative: Box::new(|x| if x > 0.0 { 1.0 } else { 0.0 }),
        // Nothing is rounded.
        y_error: Box::new(|_| 0.0),
        dx_error: Box::new(|_| 0.0),
        kinks: &[0.0],
    }
}

fn relu6() -> Pointwise {
    Pointwise {
        f: Box::new(|x| x.clamp(0.0, 6.0)),
        derivative: Box::new(|x| if x > 0.0 && x < 6.0 { 1.0 } else { 0.0 }),
        // Nothing is rounded.
        y_error: Box::new(|_| 0.0),
        dx_error: Box::new(|_| 0.0),
        kinks: &[0.0, 6.0],
    }
}

fn hard_swish() -> Pointwise {
    let f = |x: f64| x * (x + 3.0).clamp(0.0, 6.0) / 6.0;
    let derivative = |x: f64| match x {
        x if x <= -3.0 => 0.0,
        x if x >= 3.0 => 1.0,
        x => x / 3.0 + 0.5,
    };
    Pointwise {
        f: Box::new(f),
        derivative: Box::new(derivative),
        // One sum, two products, and the constant; then the third of x, the sum and the product.
        y_error: Box::new(move |x| 4.0 * EPS * f(x).abs()),
        dx_error: Box::new(|x| if x.abs() < 3.0 { EPS * (x.abs() + 1.0) } else { 0.0 }),
        kinks: &[-3.0, 3.0],
    }
}

fn leaky_relu(slope: f64) -> Pointwise {
    Pointwise {
        f: Box::new(move |x| if x > 0.0 { x } else { slope * x }),
        derivative: Box::new(move |x| if x > 0.0 { 1.0 } else { slope }),
        // One product.
        y_error: Box::new(move |x| if x > 0.0 { 0.0 } else { EPS * (slope * x).abs() }),
        dx_error: Box::new(move |x| if x > 0.0 { 0.0 } else { EPS * slope }),
        kinks: &[0.0],
    }
}

fn elu(alpha: f64) -> Pointwise {
    let f = move |x: f64| if x > 0.0 { x } else { alpha * x.exp_m1() };
    let derivative = move |x: f64| if x > 0.0 { 1.0 } else { alpha * x.exp() };
    Pointwise {
        f: Box::new(f),
        derivative: Box::new(derivative),
        // exp(x) - 1 to 2.5 ulp, times alpha; then dy (y + alpha), one sum and one product.
        y_error: Box::new(move |x| if x > 0.0 { 0.0 } else { 3.0 * EPS * f(x).abs() }),
        dx_error: Box::new(
            move |x| if x > 0.0 { 0.0 } else { EPS * (3.0 * f(x).abs() + derivative(x)) },
        ),
        kinks: &[0.0],
    }
}

fn tanh() -> Pointwise {
    let derivative = |x: f64| 1.0 / x.cosh().powi(2);
    Pointwise {
        f: Box::new(f64::tanh),
        derivative: Box::new(derivative),
        // 4 ulp; (1 - y)(1 + y) passes on 2 |y| times that, and rounds four times.
        y_error: Box::new(|x| 4.0 * EPS * x.tanh().abs()),
        dx_error: Box::new(move |x| EPS * (8.0 * x.tanh().powi(2) + 2.0 * derivative(x))),
        kinks: &[],
    }
}

fn sigmoid() -> Pointwise {
    let f = |x: f64| 1.0 / (1.0 + (-x).exp());
    let derivative = move |x: f64| f(x) * f(-x);
    Pointwise {
        f: Box::new(f),
        derivative: Box::new(derivative),
        // 3 ulp, and 0 for what is nearly subnormal; y (1 - y) passes on |1 - 2 y| times that, and
        // rounds three times.
        y_error: Box::new(move |x| if x < -86.9 { f(x) } else { 3.0 * EPS * f(x) }),
        dx_error: Box::new(move |x| {
            let (y, dx) = (f(x), derivative(x));
            if x < -86.9 { dx } else { EPS * (3.0 * y * (1.0 - 2.0 * y).abs() + 1.5 * dx) }
        }),
        kinks: &[],
    }
}

fn hard_sigmoid() -> Pointwise {
    let f = |x: f64| (x + 3.0).clamp(0.0, 6.0) / 6.0;
    Pointwise {
        f: Box::new(f),
        derivative: Box::new(|x| if x.abs() < 3.0 { 1.0 / 6.0 } else { 0.0 }),
        // One sum, the constant and the product; then the constant alone.
        y_error: Box::new(move |x| 2.0 * EPS * f(x)),
        dx_error: Box::new(|x| if x.abs() < 3.0 { EPS / 6.0 } else { 0.0 }),
        kinks: &[-3.0, 3.0],
    }
}

fn silu() -> Pointwise {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let derivative = move |x: f64| sigmoid(x) * (1.0 + x * sigmoid(-x));
    Pointwise {
        f: Box::new(move |x| x * sigmoid(x)),
        derivative: Box::new(derivative),
        // The logistic function to 3 ulp, or 0 for what is nearly subnormal, and a product. The
        // derivative takes it three times, once as its distance from 1.
        y_error: Box::new(move |x| {
            x.abs() * if x < -86.9 { sigmoid(x) } else { 4.0 * EPS * sigmoid(x) }
        }),
        dx_error: Box::new(move |x| {
            let gate = sigmoid(x);
            if x < -86.9 {
                return derivative(x).abs();
            }
            EPS * (4.0 * gate + (x * gate).abs() * (5.0 * sigmoid(-x) + 4.0 * gate))
        }),
        kinks: &[],
    }
}

fn gelu() -> Pointwise {
    let derivative = |x: f64| normal_cdf(x) + x * density(x);
    Pointwise {
        f: Box::new(|x| x * normal_cdf(x)),
        derivative: Box::new(derivative),
        // The distribution function to 1e-7; the density to 1 for its exponential and x^2 for the
        // rounding of what that is of, in ulp, and 2 for the products.
        y_error: Box::new(|x| x.abs() * (1e-7 + EPS * normal_cdf(x))),
        dx_error: Box::new(|x| 1e-7 + EPS * (normal_cdf(x) + x.abs() * density(x) * (3.0 + x * x))),
        kinks: &[],
    }
}

fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
}

/// 1/2 + density(x) (x + x^3/3 + x^5/(3 5) + x^7/(3 5 7) + ...), Marsaglia 2004.
fn normal_cdf(x: f64) -> f64 {
    if x.abs() > 9.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= x * x / (2 * n + 1) as f64;
        sum += term;
    }
    0.5 + density(x) * sum
}

impl Reference for Pointwise {
    fn forward(&self, x: &[f64], _: &[f64]) -> Vec<f64> {
        x.iter().map(|&x| (self.f)(x)).collect()
    }

    fn backward(&self, x: &[f64], _: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        (x.iter().zip(dy).map(|(&x, dy)| (self.derivative)(x) * dy).collect(), Vec::new())
    }

    fn bounds(&self, x: &[f64], _: &[f64], dy: &[f64]) -> Values {
        let y = x.iter().map(|&x| (self.y_error)(x)).collect();
        // The last product with dy rounds once more.
        let dx = x.iter().zip(dy).map(|(&x, dy)| dy.abs() * (self.dx_error)(x)).collect();
        Values { y, dx, grads: Vec::new() }
    }

    fn kink(&self, x: &[f64], _: &[f64]) -> Vec<f64> {
        let nearest =
            |x: &f64| self.kinks.iter().map(|kink| (x - kink).abs()).fold(f64::INFINITY, f64::min);
        x.iter().map(nearest).collect()
    }
}

#[test]
fn the_normal_distribution_function_has_its_published_values() {
    // Abramowitz and Stegun, table 26.1
    let published =
        [(0.0, 0.5), (1.0, 0.841344746068543), (2.0, 0.977249868051821), (-3.0, 0.001349898031630)];
    for (x, p) in published {
        assert!((normal_cdf(x) - p).abs() < 1e-15, "{x}: {}", normal_cdf(x));
    }
}
