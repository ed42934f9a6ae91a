//! The ladder network against an obvious f64 implementation of the paper's algorithm 1, whose
//! slopes are central differences.

use crate::support;
use narrows_engine::random::Random;
use narrows_engine::{Context, Ladder, LadderBatch, LadderMemory, Params};

/// The epsilon of every normalisation.
const EPS: f64 = 1e-6;

const WIDTHS: [usize; 4] = [7, 6, 5, 3];
const LABELLED: usize = 4;
const UNLABELLED: usize = 9;
const SEED: u64 = 3;
const STEP: u64 = 11;
const NOISE: f32 = 0.3;

type Rows = Vec<Vec<f64>>;

fn times(x: &Rows, w: &[f64]) -> Rows {
    let inputs = x[0].len();
    let of_row = |x: &Vec<f64>| {
        w.chunks(inputs).map(|w| w.iter().zip(x).map(|(w, x)| w * x).sum()).collect()
    };
    x.iter().map(of_row).collect()
}

fn statistics(x: &Rows) -> (Vec<f64>, Vec<f64>) {
    let n = x.len() as f64;
    let columns = 0..x[0].len();
    let mean: Vec<f64> = columns.clone().map(|j| x.iter().map(|x| x[j]).sum::<f64>() / n).collect();
    let variance = |j: usize| x.iter().map(|x| (x[j] - mean[j]).powi(2)).sum::<f64>() / n;
    let std = columns.map(|j| (variance(j) + EPS).sqrt()).collect();
    (mean, std)
}

fn normalise(x: &Rows) -> Rows {
    let (mean, std) = statistics(x);
    x.iter()
        .map(|x| x.iter().zip(&mean).zip(&std).map(|((x, m), s)| (x - m) / s).collect())
        .collect()
}

/// Samples with a label and those without, each by their own statistics.
fn normalise_apart(x: &Rows) -> Rows {
    let (labelled, others) = x.split_at(LABELLED);
    [normalise(&labelled.to_vec()), normalise(&others.to_vec())].concat()
}

fn softmax(z: &[f64]) -> Vec<f64> {
    let e: Vec<f64> = z.iter().map(|z| z.exp()).collect();
    let sum: f64 = e.iter().sum();
    e.iter().map(|e| e / sum).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Both losses, by the paper.
fn reference(
    params: &Params,
    values: &[f64],
    costs: &[f32],
    x: &[f32],
    classes: &[u32],
) -> (f64, f64) {
    let top = WIDTHS.len() - 1;
    let of = |name: String| &values[params.range(&name)];
    let bias = |l: usize| of(format!("encoder.{l}.bias"));
    let x: Rows = x.chunks(WIDTHS[0]).map(|x| x.iter().map(|&x| f64::from(x)).collect()).collect();
    let noisy = |l: usize, x: &Rows| -> Rows {
        let random = Random::new(SEED, l as u64);
        let mut out = x.clone();
        for (r, row) in out.iter_mut().enumerate() {
            let mut noise = vec![0.0; row.len()];
            random.fill_normal(STEP, r as u32, &mut noise);
            row.iter_mut()
                .zip(noise)
                .for_each(|(x, noise)| *x += f64::from(NOISE) * f64::from(noise));
        }
        out
    };
    let activate = |l: usize, z: &Rows| -> Rows {
        let of_row = |z: &Vec<f64>| {
            let sums = z.iter().zip(bias(l)).map(|(z, b)| z + b);
            match l == top {
                true => sums
                    .zip(of(format!("encoder.{l}.scale")))
                    .map(|(sum, scale)| sum * scale)
                    .collect(),
                false => sums.map(|sum| sum.max(0.0)).collect(),
            }
        };
        z.iter().map(of_row).collect()
    };
    // The noisy encoder, over all samples.
    let mut z = vec![noisy(0, &x)];
    let mut h = z[0].clone();
    for l in 1..=top {
        let layer = noisy(l, &normalise_apart(&times(&h, of(format!("encoder.{l}.weight")))));
        h = activate(l, &layer);
        z.push(layer);
    }
    let log_likelihood =
        |(h, class): (&Vec<f64>, &u32)| softmax(h)[*class as usize].ln() / classes.len() as f64;
    let supervised = -h.iter().zip(classes).map(log_likelihood).sum::<f64>();
    // The clean one, over the unlabelled.
    let clean_x = x[LABELLED..].to_vec();
    let (mut pre, mut clean_h) = (vec![clean_x.clone()], clean_x);
    for l in 1..=top {
        let layer = times(&clean_h, of(format!("encoder.{l}.weight")));
        clean_h = activate(l, &normalise(&layer));
        pre.push(layer);
    }
    // The decoder.
    let mut denoising = 0.0;
    let mut v: Rows = h[LABELLED..].iter().map(|h| softmax(h)).collect();
    let lowest = costs.iter().position(|c| *c > 0.0).unwrap_or(top + 1);
    for l in (lowest..=top).rev() {
        let (n, a) = (WIDTHS[l], of(format!("decoder.{l}.combinator")));
        let u = normalise(&v);
        let mut s: Rows = Vec::new();
        for (z, u) in z[l][LABELLED..].iter().zip(&u) {
            let combine = |j: usize| {
                let a: Vec<f64> = a.chunks(n).map(|a| a[j]).collect();
                let mu = a[0] * sigmoid(a[1] * u[j] + a[2]) + a[3] * u[j] + a[4];
                let v = a[5] * sigmoid(a[6] * u[j] + a[7]) + a[8] * u[j] + a[9];
                (z[j] - mu) * v + mu
            };
            s.push((0..n).map(combine).collect());
        }
        let (mean, std) = match l {
            0 => (vec![0.0; n], vec![1.0; n]),
            _ => statistics(&pre[l]),
        };
        let target = if l == 0 { pre[0].clone() } else { normalise(&pre[l]) };
        for (s, target) in s.iter().zip(&target) {
            for j in 0..n {
                let error = (s[j] - mean[j]) / std[j] - target[j];
                denoising += f64::from(costs[l]) * error * error / (n * UNLABELLED) as f64;
            }
        }
        if l > lowest {
            v = times(&s, of(format!("decoder.{l}.weight")));
        }
    }
    (supervised, denoising)
}

/// A ladder with parameters that are nowhere at their starts, samples and classes.
fn case(costs: &[f32]) -> (Ladder, Params, Vec<f32>, Vec<u32>) {
    let ladder = Ladder::new(&WIDTHS, NOISE, costs).unwrap();
    let mut params = ladder.params(1).unwrap();
    let mut shift = vec![0.0; params.values().len()];
    Random::new(8, 8).fill_normal(0, 0, &mut shift);
    for entry in params.entries().to_vec() {
        for (value, shift) in
            params.values_mut()[entry.range.clone()].iter_mut().zip(&shift[entry.range])
        {
            *value += 0.3 * shift;
        }
    }
    let mut x = vec![0.0; (LABELLED + UNLABELLED) * WIDTHS[0]];
    Random::new(9, 9).fill_normal(0, 0, &mut x);
    (ladder, params, x, vec![0, 2, 1, 2])
}

/// The variants of the paper: full, bottom, Gamma, and costs in the middle alone.
const COSTS: [[f32; 4]; 5] = [
    [10.0, 3.0, 0.5, 0.2],
    [10.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 2.0],
    [0.0, 0.0, 1.0, 0.0],
    [0.0; 4],
];

#[test]
fn losses_and_gradients_are_those_of_the_paper() {
    for isa in support::isas() {
        let cx = Context::with_isa(isa, 1).unwrap();
        for costs in COSTS {
            let (ladder, params, x, classes) = case(&costs);
            let mut memory = LadderMemory::new(&ladder, &params, LABELLED + 2, UNLABELLED + 1);
            let mut grads = vec![f32::NAN; params.values().len()];
            let batch = LadderBatch { x: &x, classes: &classes, seed: SEED, step: STEP };
            let loss = ladder.gradients(&cx, &params, &mut memory, batch, &mut grads).unwrap();
            let values: Vec<f64> = params.values().iter().map(|&v| f64::from(v)).collect();
            let (supervised, denoising) = reference(&params, &values, &costs, &x, &classes);
            assert!(
                (loss.supervised - supervised).abs() < 1e-5 * supervised,
                "{loss:?} {supervised}"
            );
            assert!((loss.denoising - denoising).abs() <= 1e-5 * denoising, "{loss:?} {denoising}");
            for entry in params.entries() {
                let largest = grads[entry.range.clone()].iter().fold(0.0f32, |a, g| a.max(g.abs()));
                for i in entry.range.clone() {
                    let at = |step: f64| {
                        let mut values = values.clone();
                        values[i] += step;
                        let (a, b) = reference(&params, &values, &costs, &x, &classes);
                        a + b
                    };
                    let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                    let error = (slope - f64::from(grads[i])).abs();
                    let bound = 2e-4 * f64::from(largest).max(0.05);
                    assert!(
                        error < bound,
                        "{costs:?} on {}: {} {i}: {} is {slope}",
                        isa.name(),
                        entry.name,
                        grads[i]
                    );
                }
            }
        }
    }
}

#[test]
fn a_cost_of_any_layer_moves_what_is_below_it() {
    // That the test above compares no zeros with zeros.
    let cx = Context::new(1).unwrap();
    let (ladder, params, x, classes) = case(&COSTS[0]);
    let mut memory = LadderMemory::new(&ladder, &params, LABELLED, UNLABELLED);
    let mut grads = vec![0.0; params.values().len()];
    let batch = LadderBatch { x: &x, classes: &classes, seed: SEED, step: STEP };
    ladder.gradients(&cx, &params, &mut memory, batch, &mut grads).unwrap();
    for entry in params.entries() {
        assert!(grads[entry.range.clone()].iter().any(|g| g.abs() > 1e-3), "{}", entry.name);
    }
}

#[test]
fn threads_and_leftovers_change_no_bit() {
    let (widths, costs) = ([300, 130, 70, 10], [100.0, 1.0, 0.1, 0.1]);
    let ladder = Ladder::new(&widths, NOISE, &costs).unwrap();
    let params = ladder.params(1).unwrap();
    let mut x = vec![0.0; 150 * 300];
    Random::new(1, 1).fill_normal(0, 0, &mut x);
    let classes: Vec<u32> = (0..50).map(|i| i % 10).collect();
    let run = |threads: usize, memory: &mut LadderMemory| {
        let cx = Context::new(threads).unwrap();
        let mut grads = vec![0.0; params.values().len()];
        let batch = LadderBatch { x: &x, classes: &classes, seed: SEED, step: STEP };
        let loss = ladder.gradients(&cx, &params, memory, batch, &mut grads).unwrap();
        (loss.supervised.to_bits(), loss.denoising.to_bits(), support::bits(&grads))
    };
    let mut memory = LadderMemory::new(&ladder, &params, 60, 120);
    let once = run(1, &mut memory);
    assert!(
        once == run(1, &mut memory)
            && once == run(3, &mut LadderMemory::new(&ladder, &params, 50, 100))
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (widths, noise, costs) in [
        (&[7][..], 0.3, &[1.0][..]),
        (&[7, 0, 3], 0.3, &[1.0; 3]),
        (&[7, 5, 3], 0.3, &[1.0; 2]),
        (&[7, 5, 3], -0.1, &[1.0; 3]),
        (&[7, 5, 3], 0.3, &[1.0, f32::NAN, 1.0]),
    ] {
        assert!(Ladder::new(widths, noise, costs).is_err());
    }
    let cx = Context::new(1).unwrap();
    let (ladder, params, x, classes) = case(&COSTS[0]);
    let mut memory = LadderMemory::new(&ladder, &params, LABELLED, UNLABELLED);
    let mut grads = vec![0.0; params.values().len()];
    for (x, classes) in [
        (&x[1..], &classes[..]),
        (&x, &[]),
        (&x, &classes[..1]),
        (&x[..5 * 7], &classes),
        (&x, &[0, 1, 2, 3]),
        (&x, &classes[..3]),
    ] {
        let batch = LadderBatch { x, classes, seed: 1, step: 1 };
        assert!(ladder.gradients(&cx, &params, &mut memory, batch, &mut grads).is_err());
    }
    assert!(ladder.clean(&cx, &params, &mut memory, &x[..7]).is_err());
}
