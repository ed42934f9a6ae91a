//! Cross-entropy towards probabilities, and the softmax, against obvious f64 loops.

use super::support::{self, bits};
use super::{U, single};
use narrows_engine::loss::entropy;
use narrows_engine::math::softmax;
use narrows_engine::random::Random;
use narrows_engine::{Context, Loss, Target};

fn probabilities(z: &[f32]) -> Vec<f64> {
    let largest = z.iter().fold(f64::NEG_INFINITY, |a, &z| a.max(f64::from(z)));
    let e: Vec<f64> = z.iter().map(|&z| (f64::from(z) - largest).exp()).collect();
    let sum: f64 = e.iter().sum();
    e.iter().map(|e| e / sum).collect()
}

/// Logits, and targets whose rows add up to weights between 0 and 2; the first row counts nothing.
fn case(batch: usize, n: usize) -> (Vec<f32>, Vec<f32>) {
    let random = Random::new(5, (batch * 1000 + n) as u64);
    let (mut y, mut t, mut weights) =
        (vec![0.0; batch * n], vec![0.0; batch * n], vec![0.0; batch]);
    random.fill_normal(0, 0, &mut y);
    y.iter_mut().for_each(|y| *y *= 3.0);
    random.fill_uniform(1, 0, &mut t);
    random.fill_uniform(2, 0, &mut weights);
    weights[0] = 0.0;
    for (t, weight) in t.chunks_exact_mut(n).zip(weights) {
        let sum: f32 = t.iter().sum::<f32>().max(1e-3);
        t.iter_mut().for_each(|t| *t *= 2.0 * weight / sum);
    }
    (y, t)
}

#[test]
fn losses_gradients_and_probabilities_are_those_of_f64() {
    for isa in support::isas() {
        let lanes = isa.lanes();
        for (batch, n) in [
            (1, 1),
            (1, 2),
            (3, lanes - 1),
            (3, lanes),
            (2, lanes + 1),
            (500, 10),
            (33, 65),
            (5000, 3),
        ] {
            for offset in [0, 1, 3] {
                let what = format!("{batch} x {n} at {offset} on {}", isa.name());
                let (y, t) = case(batch, n);
                let shifted = |x: &[f32]| [&vec![f32::NAN; offset], x, &[f32::NAN; 32]].concat();
                let (shifted_y, shifted_t) = (shifted(&y), shifted(&t));
                let part = offset..offset + y.len();
                let mut out = vec![[77.0f32; 2]; offset + y.len() + 32].concat();
                let (dy, p) = out.split_at_mut(offset + y.len() + 32);
                let target = Target::Probabilities(&shifted_t[part.clone()]);
                let z = &shifted_y[part.clone()];
                let value = Loss::cross_entropy()
                    .evaluate(&single(isa), batch, z, target, Some(&mut dy[part.clone()]))
                    .unwrap();
                softmax(&single(isa), n, z, &mut p[part.clone()]);
                for out in [&*dy, &*p] {
                    let guards = out[..offset].iter().chain(&out[part.end..]);
                    assert!(guards.into_iter().all(|g| *g == 77.0), "{what}: guards");
                }
                let (mut exact, mut largest) = (0.0, 0.0f64);
                for (r, (z, t)) in y.chunks(n).zip(t.chunks(n)).enumerate() {
                    let weight: f64 = t.iter().map(|&t| f64::from(t)).sum();
                    for (c, prob) in probabilities(z).into_iter().enumerate() {
                        exact -= f64::from(t[c]) * prob.ln() / batch as f64;
                        let slope = (weight * prob - f64::from(t[c])) / batch as f64;
                        let error = (f64::from(dy[part.clone()][r * n + c]) - slope).abs();
                        // As for classes: |z - m| is below 30 here, and a row weighs at most 2.
                        assert!(
                            error <= 2.0 * (80.0 + n as f64 / 2.0) * U,
                            "{what}: {slope}, off by {error}"
                        );
                        largest = largest.max((f64::from(p[part.clone()][r * n + c]) - prob).abs());
                    }
                }
                assert!(
                    (value - exact).abs() <= 2.0 * (80.0 + n as f64) * U,
                    "{what}: {value}, not {exact}"
                );
                assert!(
                    largest <= (60.0 + n as f64 / 2.0) * U,
                    "{what}: probabilities off by {largest}"
                );
            }
        }
    }
}

#[test]
fn one_hot_targets_give_the_loss_of_classes() {
    for isa in support::isas() {
        let (y, _) = case(40, 7);
        let classes: Vec<u32> = (0..40).map(|i| i % 7).collect();
        let one_hot: Vec<f32> =
            (0..40 * 7).map(|i| f32::from(u8::from(i % 7 == (i / 7) % 7))).collect();
        let of =
            |target| Loss::cross_entropy().evaluate(&single(isa), 40, &y, target, None).unwrap();
        let (a, b) = (of(Target::Classes(&classes)), of(Target::Probabilities(&one_hot)));
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn threads_change_no_bit() {
    for isa in support::isas() {
        let (y, t) = case(9001, 11);
        let all = |threads| {
            let cx = Context::with_isa(isa, threads).unwrap();
            let (mut dy, mut p) = (vec![0.0; y.len()], vec![0.0; y.len()]);
            let value = Loss::cross_entropy()
                .evaluate(&cx, 9001, &y, Target::Probabilities(&t), Some(&mut dy))
                .unwrap();
            softmax(&cx, 11, &y, &mut p);
            (value.to_bits(), bits(&dy), bits(&p))
        };
        assert!(all(1) == all(3));
    }
}

#[test]
fn other_losses_and_other_lengths_are_refused() {
    let cx = Context::new(1).unwrap();
    for (loss, len) in [(Loss::L2, 6), (Loss::cross_entropy(), 5)] {
        assert!(
            loss.evaluate(&cx, 2, &[0.0; 6], Target::Probabilities(&vec![0.5; len]), None).is_err()
        );
    }
}

#[test]
fn the_entropys_gradient_is_its_slope() {
    let entropy_of = |z: &[f64]| {
        let e: Vec<f64> = z.iter().map(|z| z.exp()).collect();
        let sum: f64 = e.iter().sum();
        -e.iter().map(|e| e / sum * (e / sum).ln()).sum::<f64>()
    };
    for isa in support::isas() {
        for (batch, n) in [(1, 2), (3, isa.lanes() + 1), (700, 10)] {
            let (y, _) = case(batch, n);
            let (mut p, mut dz) = (vec![0.0; y.len()], vec![f32::NAN; y.len()]);
            softmax(&single(isa), n, &y, &mut p);
            let value = entropy(&single(isa), n, &p, 3.0, &mut dz);
            let mut exact = 0.0;
            for (z, dz) in y.chunks(n).zip(dz.chunks(n)) {
                let z: Vec<f64> = z.iter().map(|&z| f64::from(z)).collect();
                exact += entropy_of(&z) / batch as f64;
                for c in 0..n {
                    let at = |step: f64| {
                        let mut z = z.clone();
                        z[c] += step;
                        entropy_of(&z)
                    };
                    let slope = 3.0 * (at(1e-5) - at(-1e-5)) / 2e-5 / batch as f64;
                    assert!(
                        (slope - f64::from(dz[c])).abs() < 1e-5 / batch as f64,
                        "{slope} {}",
                        dz[c]
                    );
                }
            }
            assert!((value - exact).abs() < 1e-5, "{value} {exact}");
        }
    }
}
