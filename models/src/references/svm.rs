//! A support vector machine with a Gaussian kernel for each pair of classes; they vote, as in
//! LIBSVM (Chang and Lin, ACM TIST 2, 2011). Of equally many votes, the sum of the decisions tells.

mod smo;

use super::{Best, Few, Fitted, Predictor};
use crate::codes::Codes;
use crate::error::Error;
use crate::evaluation::argmax;
use crate::event::Observer;
use narrows_engine::Context;
use narrows_engine::gemm::{MatMut, MatRef, gemm};
use smo::{Machine, Problem};
use std::ops::Range;
use std::sync::Arc;

/// The bounds of a sample's weight to choose from.
const BOUNDS: [f64; 3] = [1.0, 10.0, 100.0];
/// The kernels' coefficients to choose from, as multiples of one over the samples' values times
/// their variance.
const WIDTHS: [f32; 3] = [0.3, 1.0, 3.0];

/// The labelled samples by class.
#[derive(Debug)]
struct Sorted {
    x: Codes,
    /// The rows of each class.
    classes: Vec<Range<usize>>,
}

impl Sorted {
    fn of(few: &Few) -> Sorted {
        let mut order: Vec<u32> = (0..few.labels.len() as u32).collect();
        order.sort_by_key(|&row| few.labels[row as usize]);
        let mut classes = Vec::with_capacity(few.classes);
        let mut start = 0;
        for class in 0..few.classes {
            let of = |row: &&u32| usize::from(few.labels[**row as usize]) == class;
            let end = start + order[start..].iter().take_while(of).count();
            classes.push(start..end);
            start = end;
        }
        Sorted { x: few.train.subset(&order), classes }
    }
}

/// The machine of a pair of classes.
#[derive(Clone, Debug)]
struct Pair {
    /// The first votes for positive decisions.
    classes: [usize; 2],
    machine: Machine,
}

#[derive(Debug)]
struct Svm {
    sorted: Arc<Sorted>,
    /// The kernel's coefficient.
    gamma: f32,
    pairs: Vec<Pair>,
}

impl Svm {
    /// The class of each sample, of which `kernel` has its kernel with each labelled one:
    /// (samples, labelled).
    fn vote(&self, kernel: &[f32]) -> Vec<u16> {
        let Sorted { x, classes } = &*self.sorted;
        let (mut votes, mut sums) = (vec![0.0; classes.len()], vec![0.0; classes.len()]);
        let class = |kernel: &[f32]| {
            votes.fill(0.0);
            sums.fill(0.0);
            // No pair: all labels are of one class.
            let known = classes.iter().position(|rows| !rows.is_empty()).unwrap_or(0);
            votes[known] = 0.5;
            for Pair { classes: [a, b], machine } in &self.pairs {
                let kernel = [&kernel[classes[*a].clone()], &kernel[classes[*b].clone()]];
                let decision = machine.decide(kernel);
                votes[if decision > 0.0 { *a } else { *b }] += 1.0;
                sums[*a] += decision;
                sums[*b] -= decision;
            }
            // Less than half a vote, whatever the sum.
            let score = |(votes, sum): (&f64, &f64)| votes + sum / (3.0 * (sum.abs() + 1.0));
            argmax(&votes.iter().zip(&sums).map(score).collect::<Vec<_>>()) as u16
        };
        kernel.chunks_exact(x.samples()).map(class).collect()
    }
}

impl Predictor for Svm {
    fn classify(&self, cx: &Context, x: &Codes) -> Vec<u16> {
        let mut kernel = distances(cx, x, &self.sorted.x);
        to_kernel(&mut kernel, self.gamma);
        self.vote(&kernel)
    }
}

/// The squared Euclidean distances: (samples of `x`, samples of `y`).
fn distances(cx: &Context, x: &Codes, y: &Codes) -> Vec<f32> {
    let norms = |codes: &Codes| -> Vec<f32> {
        codes.values.chunks_exact(codes.len).map(|row| row.iter().map(|x| x * x).sum()).collect()
    };
    let (of_x, of_y) = (norms(x), norms(y));
    let (rows, columns) = (x.samples(), y.samples());
    let mut out = vec![0.0; rows * columns];
    let of = |codes: &Codes| codes.samples();
    let a = MatRef::new(&x.values, of(x), x.len);
    let b = MatRef::new(&y.values, of(y), y.len).transposed();
    gemm(cx, -2.0, a, b, 0.0, MatMut::new(&mut out, rows, columns));
    for (row, own) in out.chunks_exact_mut(columns).zip(of_x) {
        row.iter_mut().zip(&of_y).for_each(|(d, other)| *d = (*d + own + other).max(0.0));
    }
    out
}

fn to_kernel(distances: &mut [f32], gamma: f32) {
    distances.iter_mut().for_each(|d| *d = (-gamma * *d).exp());
}

/// The variance of all values together.
fn variance(values: &[f32]) -> f64 {
    let n = values.len().max(1) as f64;
    let mean = values.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
    values.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n
}

pub(super) fn fit(
    cx: &Context,
    few: &Few,
    observer: &dyn Observer,
) -> Result<Option<Fitted>, Error> {
    let sorted = Arc::new(Sorted::of(few));
    let n = sorted.x.samples();
    let scale = few.train.len as f64 * variance(&few.train.values);
    let scale = if scale > 0.0 { (1.0 / scale) as f32 } else { 1.0 };
    let among = distances(cx, &sorted.x, &sorted.x);
    let of_validation = distances(cx, &few.validation, &sorted.x);
    let mut best = Best::new(few);
    for width in WIDTHS {
        let gamma = scale * width;
        let (mut kernel, mut held) = (among.clone(), of_validation.clone());
        to_kernel(&mut kernel, gamma);
        to_kernel(&mut held, gamma);
        for bound in BOUNDS {
            observer.go_on()?;
            let mut pairs = Vec::new();
            for a in 0..few.classes {
                for b in a + 1..few.classes {
                    let rows = [sorted.classes[a].clone(), sorted.classes[b].clone()];
                    if rows.iter().all(|rows| !rows.is_empty()) {
                        let problem = Problem { kernel: &kernel, n, rows, bound };
                        pairs.push(Pair { classes: [a, b], machine: problem.solve() });
                    }
                }
            }
            let candidate = Svm { sorted: sorted.clone(), gamma, pairs };
            let predictions = candidate.vote(&held);
            best.offer(candidate, &predictions, format!("C {bound} width {width}"));
        }
    }
    Ok(best.into_fitted())
}
