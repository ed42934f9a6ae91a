//! What each layer computes, in f64, by loops that one can check by eye; and how far f32 may be
//! from it.
//!
//! The bounds rest on one fact: an inner product of k terms, summed in any order, with or without
//! fused multiply-adds, is off by at most `k u sum |a| |b|`, to first order (Higham, Accuracy and
//! Stability of Numerical Algorithms, 2002, section 3.1), where u is half of [`EPS`]. The bounds
//! say `EPS` instead of u: that factor of 2 is room for the products of errors, which they leave
//! out.

pub mod batch_norm;
pub mod channelwise;
pub mod conv2d;
pub mod conv_transpose2d;
pub mod dropout;
pub mod gaussian_sample;
pub mod layer_norm;
pub mod linear;
pub mod narrow;
pub mod pool;
pub mod residual;
pub mod sparsity;
pub mod squeeze_excitation;
pub mod taps;

/// The distance of 1 and the next float.
pub const EPS: f64 = f32::EPSILON as f64;

/// A layer's results, or the bounds on their errors.
pub struct Values {
    pub y: Vec<f64>,
    pub dx: Vec<f64>,
    pub grads: Vec<f64>,
}

/// A layer in f64, for one batch size and input shape. Arguments are as in `Forward` and
/// `Backward`.
pub trait Reference {
    fn forward(&self, x: &[f64], params: &[f64]) -> Vec<f64>;

    /// What is added to the loss.
    fn penalty(&self, _x: &[f64]) -> f64 {
        0.0
    }

    /// The largest error of that.
    fn penalty_bound(&self, _x: &[f64]) -> f64 {
        0.0
    }

    /// dx and grads; 0 for parameters that are not trained.
    fn backward(&self, x: &[f64], params: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>);

    /// The largest errors of a correct f32 layer.
    fn bounds(&self, x: &[f64], params: &[f64], dy: &[f64]) -> Values;

    /// How far each output is from where its derivative jumps.
    fn kink(&self, x: &[f64], params: &[f64]) -> Vec<f64> {
        self.forward(x, params).iter().map(|_| f64::INFINITY).collect()
    }
}

/// The sizes.
pub fn abs(v: &[f64]) -> Vec<f64> {
    v.iter().map(|v| v.abs()).collect()
}

/// `dy`, but 0 where the layer is within `reach` of a kink: there nobody can tell the gradient.
pub fn away_from_kinks(kink: &[f64], reach: impl Fn(usize) -> f64, dy: &[f64]) -> Vec<f64> {
    dy.iter().enumerate().map(|(i, &dy)| if kink[i] < reach(i) { 0.0 } else { dy }).collect()
}

/// Compares a reference's gradients of `sum y dy`, and of the penalty, to central differences.
///
/// With a step of h these are off by h^2/6 times the third derivative, and by 1e-16/h for the
/// rounding: both about 1e-10 for h = 1e-5 and values near 1. The gradient is relative to the
/// largest of its kind.
pub fn check_gradients(name: &str, layer: &dyn Reference, x: &[f64], params: &[f64], dy: &[f64]) {
    const H: f64 = 1e-5;
    let dy = away_from_kinks(&layer.kink(x, params), |_| 1e-2, dy);
    let value = |x: &[f64], params: &[f64]| -> f64 {
        let sum: f64 = layer.forward(x, params).iter().zip(&dy).map(|(y, dy)| y * dy).sum();
        sum + layer.penalty(x)
    };
    let nudged = |v: &[f64], i: usize, h: f64| {
        let mut v = v.to_vec();
        v[i] += h;
        v
    };
    let (dx, grads) = layer.backward(x, params, &dy);
    let compare = |what: &str, analytic: &[f64], numeric: &dyn Fn(usize) -> f64| {
        let largest = analytic.iter().fold(0.1, |m: f64, g| m.max(g.abs()));
        for (i, &g) in analytic.iter().enumerate() {
            let error = (g - numeric(i)).abs() / largest;
            assert!(
                error < 1e-6,
                "{name}: {what}[{i}] is {g}, by differences {}: {error:e}",
                numeric(i)
            );
        }
    };
    compare("dx", &dx, &|i| {
        (value(&nudged(x, i, H), params) - value(&nudged(x, i, -H), params)) / (2.0 * H)
    });
    compare("grads", &grads, &|i| {
        (value(x, &nudged(params, i, H)) - value(x, &nudged(params, i, -H))) / (2.0 * H)
    });
}
