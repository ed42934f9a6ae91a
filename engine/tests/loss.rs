//! Losses and their gradients: against PyTorch, against central differences, and in f32 against
//! f64.

mod reference;
mod refusals;
mod soft;

use crate::support;
use narrows_engine::random::Random;
use narrows_engine::{Context, Loss, Target};
use support::{Vectors, assert_close, bits, single};

/// The rounding of one f32 operation, relative to its result.
const U: f64 = 1.0 / (1 << 24) as f64;

/// A loss, an output and its target.
struct Case {
    loss: Loss,
    batch: usize,
    n: usize,
    y: Vec<f32>,
    values: Vec<f32>,
    classes: Vec<u32>,
}

impl Case {
    /// Outputs normal with deviation `size`; targets too, or in [0, 1] where they are
    /// probabilities.
    fn new(loss: Loss, batch: usize, n: usize, size: f32) -> Case {
        let random = Random::new(3, (batch * 1000 + n) as u64);
        let (mut y, mut values, mut classes) =
            (vec![0.0; batch * n], vec![0.0; batch * n], vec![0.0; batch]);
        random.fill_normal(0, 0, &mut y);
        y.iter_mut().for_each(|y| *y *= size);
        match loss {
            Loss::BceWithLogits => {
                random.fill_uniform(1, 0, &mut values);
                // The ends, as of a black and white image.
                values.iter_mut().step_by(3).for_each(|t| *t = t.round());
            }
            _ => {
                random.fill_normal(1, 0, &mut values);
                values.iter_mut().for_each(|t| *t *= size);
            }
        }
        random.fill_uniform(2, 0, &mut classes);
        let classes = classes.iter().map(|u| (u * n as f32) as u32).collect();
        Case { loss, batch, n, y, values, classes }
    }

    fn target(&self) -> Target<'_> {
        match self.loss {
            Loss::CrossEntropy { .. } => Target::Classes(&self.classes),
            _ => Target::Values(&self.values),
        }
    }

    /// The loss, and the gradient.
    fn evaluate(&self, cx: &Context) -> (f64, Vec<f32>) {
        let mut dy = vec![f32::NAN; self.y.len()];
        let value =
            self.loss.evaluate(cx, self.batch, &self.y, self.target(), Some(&mut dy)).unwrap();
        (value, dy)
    }

    fn y_and_target_in_f64(&self) -> (Vec<f64>, reference::Target) {
        let target = match self.loss {
            Loss::CrossEntropy { .. } => {
                reference::Target::Classes(self.classes.iter().map(|&c| c as usize).collect())
            }
            _ => reference::Target::Values(widen(&self.values)),
        };
        (widen(&self.y), target)
    }
}

fn widen(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

/// All losses over `n` classes or values.
fn losses(n: usize) -> Vec<Loss> {
    let weights: Vec<f32> = (0..n).map(|c| 0.25 + (c % 5) as f32 * 0.75).collect();
    let cross_entropy = |smoothing, weighted: bool| Loss::CrossEntropy {
        smoothing,
        class_weights: weighted.then(|| weights.clone()),
    };
    vec![
        Loss::L2,
        Loss::L1,
        Loss::Huber { delta: 0.7 },
        Loss::BceWithLogits,
        cross_entropy(0.0, false),
        cross_entropy(0.1, false),
        cross_entropy(0.0, true),
        cross_entropy(0.1, true),
    ]
}

#[test]
fn losses_and_gradients_are_pytorchs() {
    let vectors = Vectors::open("losses");
    let weights = Some(vectors.get("ce_weights"));
    let classes: Vec<u32> = vectors.get("ce_classes").iter().map(|&c| c as u32).collect();
    let cross_entropy = |smoothing, class_weights| Loss::CrossEntropy { smoothing, class_weights };
    for isa in support::isas() {
        for (name, inputs, loss) in [
            ("mse", ["y", "t"], Loss::L2),
            ("l1", ["y", "t"], Loss::L1),
            ("huber", ["y", "t"], Loss::Huber { delta: 0.7 }),
            ("bce", ["bce_y", "bce_t"], Loss::BceWithLogits),
            ("ce", ["ce_logits"; 2], cross_entropy(0.0, None)),
            ("ce_smoothed", ["ce_logits"; 2], cross_entropy(0.1, None)),
            ("ce_weighted", ["ce_logits"; 2], cross_entropy(0.0, weights.clone())),
            ("ce_both", ["ce_logits"; 2], cross_entropy(0.1, weights.clone())),
        ] {
            let [y, values] = inputs.map(|input| vectors.get(input));
            let case = Case { loss, batch: 9, n: 5, y, values, classes: classes.clone() };
            let (value, dy) = case.evaluate(&single(isa));
            let what = format!("{name} on {}", isa.name());
            assert_close(&what, &[value as f32], &[vectors.number(&format!("{name}_value"))], 1e-6);
            // Gradients are a mean over 45 values, or 9 samples: below 1, so this is an absolute
            // bound.
            assert_close(&what, &dy, &vectors.get(&format!("{name}_dy")), 5e-8);
        }
    }
}

/// The oracle's gradients are right: (f(y + h) - f(y - h)) / 2h, whose error is h^2 f''' / 6 of
/// about 1e-10, and 1e-16 f / h of about 1e-11.
#[test]
fn the_references_gradients_are_its_slopes() {
    let h = 1e-5;
    for loss in losses(7) {
        let mut case = Case::new(loss, 5, 7, 1.5);
        // The kinks of L1 and Huber have no slope to compare: keep away from them.
        for (y, t) in case.y.iter_mut().zip(&case.values) {
            let d = (*y - t).abs();
            if d < 0.01 || (d - 0.7).abs() < 0.01 {
                *y += 0.05;
            }
        }
        let (y, target) = case.y_and_target_in_f64();
        let gradient = reference::gradient(&case.loss, case.n, &y, &target);
        let scale = gradient.iter().fold(0.0f64, |scale, g| scale.max(g.abs()));
        for i in 0..y.len() {
            let at = |step: f64| {
                let mut y = y.clone();
                y[i] += step;
                reference::value(&case.loss, case.n, &y, &target)
            };
            let slope = (at(h) - at(-h)) / (2.0 * h);
            let error = (slope - gradient[i]).abs() / scale;
            assert!(
                error < 1e-6,
                "{:?} at {i}: {} but the slope is {slope}",
                case.loss,
                gradient[i]
            );
        }
    }
}

/// How far f32 may be from f64, in units of U: for the value, and for each gradient.
///
/// A gradient of a single value is at most three operations away from exact inputs (difference, the
/// rounded 1 / len, product); the sigmoid of binary cross-entropy adds 2.4 ulp, which are 4.8 U, of
/// at most 1.
///
/// A value is summed over runs of 1024 in f32: 4 sums of at least 8 lanes take 32 additions each, 2
/// more join them and up to 4 add the lanes. With 3 operations for each loss that is 41 U of the
/// loss, all terms being positive. The terms of binary cross-entropy, max(y, 0) - y t and a
/// logarithm of 2.6 ulp, that is 5.2 U, cancel: 2 U of |y| and 6 U more.
///
/// A softmax: z - m is rounded and then exponentiated, which makes D U of it, D the largest |z -
/// m|; the exponential has 1.3 ulp, which are 2.6 U; the sum has these, and an addition per 8
/// classes and 4 for the lanes. The quotient has them twice, and 3 for its own product. What is
/// subtracted, the target, is one product and one difference away. The value has the logarithm of
/// the sum, and with smoothing a sum of z - m.
fn bounds(case: &Case, y: &[f64], value: f64, gradient: &[f64]) -> (f64, Vec<f64>) {
    let (batch, n, len) = (case.batch as f64, case.n as f64, y.len() as f64);
    match &case.loss {
        Loss::CrossEntropy { smoothing, class_weights } => {
            let additions = n / 8.0 + 5.0;
            let heaviest = class_weights.iter().flatten().fold(f32::MIN_POSITIVE, |a, &b| a.max(b));
            let heaviest = if class_weights.is_some() { f64::from(heaviest) } else { 1.0 };
            let total: f64 = match class_weights {
                Some(w) => case.classes.iter().map(|&c| f64::from(w[c as usize])).sum(),
                None => batch,
            };
            let spread: f64 = y
                .chunks(case.n)
                .map(|z| {
                    let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    z.iter().map(|z| largest - z).fold(0.0, f64::max)
                })
                .fold(0.0, f64::max);
            let sum_error = spread + 2.6 + additions;
            // p is at most 1, and so is the part of the target that a class has.
            let each = heaviest / total * (2.0 * sum_error + 3.0 + 3.0);
            let smoothed = f64::from(*smoothing) * spread * (additions + 2.0);
            let value_bound = batch * heaviest / total * (sum_error + smoothed + 1.0);
            (value_bound, vec![each; gradient.len()])
        }
        loss => {
            let is_bce = *loss == Loss::BceWithLogits;
            let extra =
                if is_bce { y.iter().map(|y| 2.0 * y.abs() + 6.0).sum::<f64>() / len } else { 0.0 };
            let slope_extra = if is_bce { 4.8 / len } else { 0.0 };
            (41.0 * value + extra, gradient.iter().map(|g| 3.0 * g.abs() + slope_extra).collect())
        }
    }
}

fn check_against_f64(case: &Case, what: &str, value: f64, dy: &[f32]) {
    let (y, target) = case.y_and_target_in_f64();
    let exact = reference::value(&case.loss, case.n, &y, &target);
    let gradient = reference::gradient(&case.loss, case.n, &y, &target);
    let (value_bound, gradient_bounds) = bounds(case, &y, exact, &gradient);
    // Beside the rounding, what underflows: results below the smallest normal, exponentials below
    // 2^-125.
    let tiny = 1e-37;
    let error = (value - exact).abs();
    assert!(
        error <= value_bound * U + tiny,
        "{what}: {value}, not {exact}; bound {}",
        value_bound * U
    );
    for (i, ((dy, g), bound)) in dy.iter().zip(&gradient).zip(&gradient_bounds).enumerate() {
        let error = (f64::from(*dy) - g).abs();
        assert!(
            error <= bound * U + tiny,
            "{what}: gradient {i} is {dy}, not {g}; bound {}",
            bound * U
        );
    }
}

#[test]
fn every_size_and_alignment_is_within_rounding_of_f64() {
    for isa in support::isas() {
        let (cx, lanes) = (single(isa), isa.lanes());
        let mut shapes: Vec<(usize, usize)> = (1..=4 * lanes + 2).map(|n| (1, n)).collect();
        shapes.extend([lanes - 1, lanes, lanes + 1].map(|n| (3, n)));
        // Around the runs that are summed in f32, and around the blocks.
        shapes.extend([
            (1, 1023),
            (1, 1024),
            (1, 1025),
            (5, 1),
            (2, 8191),
            (4096, 4),
            (1639, 10),
            (33, 784),
        ]);
        for (batch, n) in shapes {
            for loss in losses(n) {
                let case = Case::new(loss, batch, n, 2.0);
                let len = case.y.len();
                for offset in [0, 1, 3] {
                    // Inputs and output start off the vectors' alignment, and the output has guards
                    // around it.
                    let shifted =
                        |x: &[f32]| [&vec![f32::NAN; offset], x, &[f32::NAN; 32]].concat();
                    let (y, values) = (shifted(&case.y), shifted(&case.values));
                    let target = match case.target() {
                        Target::Values(_) => Target::Values(&values[offset..][..len]),
                        classes => classes,
                    };
                    let mut dy = vec![77.0; offset + len + 32];
                    dy[offset..][..len].fill(f32::NAN);
                    let out = Some(&mut dy[offset..][..len]);
                    let value =
                        case.loss.evaluate(&cx, batch, &y[offset..][..len], target, out).unwrap();
                    let what = format!("{:?} of {batch} x {n} on {}", case.loss, isa.name());
                    check_against_f64(&case, &what, value, &dy[offset..][..len]);
                    assert!(
                        dy[..offset].iter().chain(&dy[offset + len..]).all(|g| *g == 77.0),
                        "{what}: guards"
                    );
                }
            }
        }
    }
}

#[test]
fn the_gradient_does_not_change_the_loss() {
    for isa in support::isas() {
        for loss in losses(11) {
            let case = Case::new(loss, 1501, 11, 2.0);
            let (with, _) = case.evaluate(&single(isa));
            let without =
                case.loss.evaluate(&single(isa), 1501, &case.y, case.target(), None).unwrap();
            assert_eq!(with.to_bits(), without.to_bits(), "{:?} on {}", case.loss, isa.name());
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for isa in support::isas() {
        // Blocks of the usual length, and more values than 64 of these hold.
        for (batch, n) in [(9001, 11), (1_100_001, 1)] {
            for loss in losses(n) {
                let case = Case::new(loss, batch, n, 2.0);
                let (value, dy) = case.evaluate(&single(isa));
                for threads in [2, 3] {
                    let (other, other_dy) =
                        case.evaluate(&Context::with_isa(isa, threads).unwrap());
                    let what = format!("{:?} on {} with {threads} threads", case.loss, isa.name());
                    assert_eq!(value.to_bits(), other.to_bits(), "{what}");
                    assert!(bits(&dy) == bits(&other_dy), "{what}");
                }
            }
        }
    }
}

#[test]
fn large_logits_overflow_nowhere() {
    for isa in support::isas() {
        for loss in losses(10).split_off(3) {
            let case = Case::new(loss, 20, 10, 1e4);
            let (value, dy) = case.evaluate(&single(isa));
            assert!(value.is_finite() && value > 100.0, "{:?}: {value}", case.loss);
            check_against_f64(&case, &format!("{:?} on {}", case.loss, isa.name()), value, &dy);
        }
        // Far from 0 on either side, where the rows' ends must not count as logits of 0.
        for (shift, n) in [-1e4, 1e4].iter().flat_map(|shift| [1, 3, 10, 19].map(|n| (shift, n))) {
            for loss in losses(n).split_off(4) {
                let mut case = Case::new(loss, 20, n, 2.0);
                case.y.iter_mut().for_each(|y| *y += shift);
                let (value, dy) = case.evaluate(&single(isa));
                check_against_f64(&case, &format!("{:?} on {}", case.loss, isa.name()), value, &dy);
            }
        }
        // A class that is ruled out has probability 0, and does no harm to the others.
        let y = [f32::NEG_INFINITY, 0.0, 0.0];
        let mut dy = [f32::NAN; 3];
        let value = Loss::cross_entropy()
            .evaluate(&single(isa), 1, &y, Target::Classes(&[2]), Some(&mut dy))
            .unwrap();
        assert!((value - std::f64::consts::LN_2).abs() < 1e-7, "{value}");
        assert_close("ruled out", &dy, &[0.0, 0.5, -0.5], 1e-7);
    }
}

#[test]
fn what_is_not_finite_shows_in_the_loss() {
    for isa in support::isas() {
        let n = isa.lanes() + 3;
        for loss in losses(n) {
            for bad in [f32::NAN, f32::INFINITY] {
                for at in [0, 1, n - 1, n, 2 * n - 1] {
                    let mut case = Case::new(loss.clone(), 2, n, 1.0);
                    case.y[at] = bad;
                    let (value, _) = case.evaluate(&single(isa));
                    assert!(
                        !value.is_finite(),
                        "{loss:?} on {}: {bad} at {at} gives {value}",
                        isa.name()
                    );
                }
            }
        }
    }
}

#[test]
fn a_batch_of_classes_that_do_not_count_has_no_loss() {
    for isa in support::isas() {
        let loss = Loss::CrossEntropy { smoothing: 0.1, class_weights: Some(vec![0.0, 1.0, 2.0]) };
        let mut dy = [f32::NAN; 6];
        let y = [1.0, 2.0, 3.0, 3.0, 2.0, 1.0];
        let value =
            loss.evaluate(&single(isa), 2, &y, Target::Classes(&[0, 0]), Some(&mut dy)).unwrap();
        assert_eq!((value, dy), (0.0, [0.0; 6]));
    }
}
