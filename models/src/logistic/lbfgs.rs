//! The minimum of a smooth convex function by limited-memory BFGS (Liu and Nocedal, Mathematical
//! Programming 45, 1989).

use std::collections::VecDeque;

/// The steps that the curvature is remembered of.
const MEMORY: usize = 10;

/// Moves `x` to where `f`, which returns the value and writes the gradient, is smallest: until no
/// part of the gradient is larger than `tolerance`, or for `steps` steps.
pub(crate) fn minimise(
    x: &mut [f64],
    steps: usize,
    tolerance: f64,
    mut f: impl FnMut(&[f64], &mut [f64]) -> f64,
) {
    let n = x.len();
    let (mut gradient, mut next_gradient, mut next) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    let mut value = f(x, &mut gradient);
    // The last moves, what they did to the gradient, and 1 by the product of both.
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::new();
    for _ in 0..steps {
        if gradient.iter().all(|g| g.abs() <= tolerance) {
            return;
        }
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut weights = Vec::new();
        for (s, y, rho) in memory.iter().rev() {
            let alpha = rho * dot(s, &direction);
            direction.iter_mut().zip(y).for_each(|(d, y)| *d -= alpha * y);
            weights.push(alpha);
        }
        if let Some((_, y, rho)) = memory.back() {
            let scale = 1.0 / (rho * dot(y, y));
            direction.iter_mut().for_each(|d| *d *= scale);
        }
        for ((s, y, rho), alpha) in memory.iter().zip(weights.into_iter().rev()) {
            let beta = rho * dot(y, &direction);
            direction.iter_mut().zip(s).for_each(|(d, s)| *d += (alpha - beta) * s);
        }
        let slope = dot(&gradient, &direction);
        // Armijo's condition, by halving; the first step is of unknown length.
        let mut step =
            if memory.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt().max(1.0) } else { 1.0 };
        let mut halvings = 0;
        let next_value = loop {
            next.iter_mut().zip(x.iter().zip(&direction)).for_each(|(n, (x, d))| *n = x + step * d);
            let next_value = f(&next, &mut next_gradient);
            if next_value <= value + 1e-4 * step * slope {
                break next_value;
            }
            halvings += 1;
            if halvings == 40 {
                // Rounding lets it be no smaller.
                return;
            }
            step *= 0.5;
        };
        let s: Vec<f64> = next.iter().zip(&*x).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let curvature = dot(&s, &y);
        if curvature > 1e-300 {
            memory.push_back((s, y, 1.0 / curvature));
            if memory.len() > MEMORY {
                memory.pop_front();
            }
        }
        x.copy_from_slice(&next);
        std::mem::swap(&mut gradient, &mut next_gradient);
        value = next_value;
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badly_scaled_quadratic_is_solved() {
        // sum of c_i (x_i - i)^2, c from 1e-3 to 1e3.
        let c: Vec<f64> = (0..7).map(|i| 10f64.powi(i - 3)).collect();
        let mut x = vec![0.0; 7];
        minimise(&mut x, 500, 1e-10, |x, gradient| {
            for i in 0..7 {
                gradient[i] = 2.0 * c[i] * (x[i] - i as f64);
            }
            (0..7).map(|i| c[i] * (x[i] - i as f64).powi(2)).sum()
        });
        assert!(x.iter().enumerate().all(|(i, x)| (x - i as f64).abs() < 1e-6), "{x:?}");
    }

    #[test]
    fn the_softplus_is_solved() {
        // ln(1 + e^x) - 0.2 x is smallest where the sigmoid is 0.2.
        let mut x = vec![3.0];
        minimise(&mut x, 100, 1e-12, |x, gradient| {
            gradient[0] = 1.0 / (1.0 + (-x[0]).exp()) - 0.2;
            x[0].exp().ln_1p() - 0.2 * x[0]
        });
        assert!((x[0] - (0.25f64).ln()).abs() < 1e-9, "{x:?}");
    }
}
