//! The propagation probe: labels spread along a graph of near neighbours (Zhou et al., Learning
//! with Local and Global Consistency, NIPS 2003).
//!
//! ```text
//! w_ij = exp(-d_ij^2 / (s_i s_j))     of neighbours; s_i: the distance of the 7th neighbour of i
//! S    = D^-1/2 W D^-1/2              D: the sums of W's rows
//! F    = (I - alpha S)^-1 Y           Y: 1 where a label is known; class: the largest of a row
//! ```
//!
//! The scales are those of Zelnik-Manor and Perona (Self-Tuning Spectral Clustering, NIPS 2004):
//! nothing is left to choose but alpha. What the iteration `F <- alpha S F + (1 - alpha) Y` comes
//! to is solved for by conjugate gradients, in a tenth of the steps.

use super::{Few, Probed, Space};
use crate::codes::Codes;
use crate::evaluation::argmax;
use crate::neighbours::{Distance, Neighbours};
use narrows_engine::Context;

/// The neighbours that a sample is tied to.
const NEIGHBOURS: usize = 10;
/// The one whose distance is the scale (Zelnik-Manor and Perona).
const SCALE: usize = 7;
/// The parts that a sample takes from its neighbours, to choose from. The paper has 0.99.
const ALPHAS: [f64; 3] = [0.9, 0.99, 0.999];
const STEPS: usize = 300;
const TOLERANCE: f64 = 1e-6;

/// The graph of some codes, symmetric and normalised, by rows.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    /// Where each row's entries begin; one more at the end.
    starts: Vec<usize>,
    columns: Vec<u32>,
    weights: Vec<f64>,
    /// The scale of each sample.
    scales: Vec<f64>,
    /// 1 by the root of the sums of the rows before they were normalised.
    roots: Vec<f64>,
}

impl Graph {
    /// That of `codes`.
    pub fn of(cx: &Context, codes: &Codes) -> Graph {
        let n = codes.samples();
        let near = Neighbours::of(cx, codes, codes, NEIGHBOURS, Distance::Euclidean, true);
        let scales: Vec<f64> = (0..n).map(|i| scale(&near, i)).collect();
        let mut ties: Vec<(u32, u32, f64)> = Vec::with_capacity(2 * near.index.len());
        for i in 0..n {
            for (j, far) in near.row(i) {
                let weight = tie(far, scales[i], scales[j]);
                ties.extend([(i as u32, j as u32, weight), (j as u32, i as u32, weight)]);
            }
        }
        ties.sort_unstable_by_key(|&(i, j, _)| (i, j));
        // The two directions of a tie can differ in the last bits of the distance: the first one
        // counts.
        ties.dedup_by_key(|&mut (i, j, _)| (i, j));
        let mut sums = vec![0.0; n];
        ties.iter().for_each(|&(i, _, weight)| sums[i as usize] += weight);
        let roots: Vec<f64> = sums
            .iter()
            .map(|sum: &f64| if *sum > 0.0 { sum.sqrt().recip() } else { 0.0 })
            .collect();
        let mut starts = vec![0; n + 1];
        ties.iter().for_each(|&(i, ..)| starts[i as usize + 1] += 1);
        (0..n).for_each(|i| starts[i + 1] += starts[i]);
        let normalised =
            |&(i, j, weight): &(u32, u32, f64)| weight * roots[i as usize] * roots[j as usize];
        let weights = ties.iter().map(normalised).collect();
        Graph { starts, columns: ties.iter().map(|&(_, j, _)| j).collect(), weights, scales, roots }
    }

    /// `F`, (samples, classes), from the samples `labelled` and their labels.
    pub fn spread(&self, labelled: &[u32], labels: &[u16], classes: usize, alpha: f64) -> Vec<f64> {
        let mut all = vec![0.0; self.scales.len() * classes];
        for first in (0..classes).step_by(LANES) {
            let mut known = vec![[0.0; LANES]; self.scales.len()];
            for (&row, &label) in labelled.iter().zip(labels) {
                if let Some(y) = usize::from(label).checked_sub(first).filter(|y| *y < LANES) {
                    known[row as usize][y] = 1.0;
                }
            }
            let count = LANES.min(classes - first);
            for (f, all) in self.solve(known, alpha).iter().zip(all.chunks_exact_mut(classes)) {
                all[first..first + count].copy_from_slice(&f[..count]);
            }
        }
        all
    }

    /// `(I - alpha S)^-1 y`, by conjugate gradients. Each column is a system of its own.
    fn solve(&self, y: Vec<Lanes>, alpha: f64) -> Vec<Lanes> {
        let ratio = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
        // F begins at 0, so that Y is the residual.
        let (mut f, mut product) = (vec![[0.0; LANES]; y.len()], vec![[0.0; LANES]; y.len()]);
        let (mut direction, mut residual) = (y.clone(), y);
        let mut squares = [0.0; LANES];
        residual.iter().for_each(|r| add_products(&mut squares, r, r));
        let enough = squares.map(|square| square * TOLERANCE * TOLERANCE);
        for _ in 0..STEPS {
            if squares.iter().zip(&enough).all(|(square, enough)| square <= enough) {
                break;
            }
            let curvature = self.apply(alpha, &direction, &mut product);
            let steps: Lanes = std::array::from_fn(|c| ratio(squares[c], curvature[c]));
            let mut next = [0.0; LANES];
            let values = f.iter_mut().zip(&mut residual).zip(direction.iter().zip(&product));
            for ((f, residual), (direction, product)) in values {
                for c in 0..LANES {
                    f[c] += steps[c] * direction[c];
                    residual[c] -= steps[c] * product[c];
                }
                add_products(&mut next, residual, residual);
            }
            let turns: Lanes = std::array::from_fn(|c| ratio(next[c], squares[c]));
            for (direction, residual) in direction.iter_mut().zip(&residual) {
                (0..LANES).for_each(|c| direction[c] = residual[c] + turns[c] * direction[c]);
            }
            squares = next;
        }
        f
    }

    /// `y = x - alpha S x`. Returns the sums of `x y`.
    fn apply(&self, alpha: f64, x: &[Lanes], y: &mut [Lanes]) -> Lanes {
        let mut sums = [0.0; LANES];
        for (i, y) in y.iter_mut().enumerate() {
            let range = self.starts[i]..self.starts[i + 1];
            let mut row = x[i];
            for (weight, column) in self.weights[range.clone()].iter().zip(&self.columns[range]) {
                let (weight, near) = (alpha * weight, &x[*column as usize]);
                (0..LANES).for_each(|c| row[c] -= weight * near[c]);
            }
            *y = row;
            add_products(&mut sums, &x[i], &row);
        }
        sums
    }
}

/// The classes that are solved for at a time: their sums stay in registers.
const LANES: usize = 4;
type Lanes = [f64; LANES];

fn add_products(sums: &mut Lanes, a: &Lanes, b: &Lanes) {
    (0..LANES).for_each(|c| sums[c] += a[c] * b[c]);
}

/// The distance of the neighbour of `i` that sets the scale.
fn scale(near: &Neighbours, i: usize) -> f64 {
    let far = near.row(i).take(SCALE).last().map_or(0.0, |(_, far)| f64::from(far));
    far.sqrt()
}

/// The weight of a tie between samples whose squared distance is `far`. Equal ones are tied as
/// firmly as can be.
fn tie(far: f32, a: f64, b: f64) -> f64 {
    match f64::from(far) {
        0.0 => 1.0,
        // Not nothing at all, so that no sample is without ties.
        far => (-far / (a * b)).exp().max(1e-12),
    }
}

/// By the alpha that the validation labels choose. Test samples take the mean of their neighbours
/// among the training samples (Delalleau, Bengio and Le Roux, AISTATS 2005), or are in the graph
/// themselves.
pub(super) fn probe(cx: &Context, space: &Space, few: &Few<'_>) -> Probed {
    let (graph, near) = space.graph(cx);
    let classes = few.classes;
    let mut best: Option<(f64, f64, Vec<f64>)> = None;
    for alpha in ALPHAS {
        let f = graph.spread(few.train, &few.train_labels, classes, alpha);
        let validation: Vec<u16> = few
            .validation
            .iter()
            .map(|&row| argmax(&f[row as usize * classes..][..classes]) as u16)
            .collect();
        let score = few.validated(&validation);
        if best.as_ref().is_none_or(|(other, ..)| score > *other) {
            best = Some((score, alpha, f));
        }
    }
    let (validation, alpha, f) = best.unwrap_or((f64::NAN, 0.0, Vec::new()));
    let of_row = |row: usize| &f[row * classes..][..classes];
    let predictions = match near {
        None => (space.train.samples()..f.len() / classes)
            .map(|row| argmax(of_row(row)) as u16)
            .collect(),
        Some(near) => {
            let mut mean = vec![0.0; classes];
            let predict = |i| {
                mean.fill(0.0);
                let own = scale(near, i);
                for (j, far) in near.row(i) {
                    // A sample with many ties gives less to each, as in S.
                    let weight = tie(far, own, graph.scales[j]) * graph.roots[j];
                    mean.iter_mut().zip(of_row(j)).for_each(|(mean, f)| *mean += weight * f);
                }
                argmax(&mean) as u16
            };
            (0..space.test.samples()).map(predict).collect()
        }
    };
    Probed { predictions, validation, chosen: format!("alpha {alpha}") }
}

/// The neighbours that a sample is tied to.
pub(super) fn neighbours(cx: &Context, queries: &Codes, references: &Codes) -> Neighbours {
    Neighbours::of(cx, queries, references, NEIGHBOURS, Distance::Euclidean, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rings of points, one within the other, and one label each: what no linear map tells
    /// apart.
    fn rings(n: usize) -> Codes {
        let point = |i: usize| {
            let angle = (i / 2) as f32 / (n / 2) as f32 * std::f32::consts::TAU;
            let radius = if i.is_multiple_of(2) { 1.0 } else { 3.0 };
            [radius * angle.cos(), radius * angle.sin()]
        };
        Codes { values: (0..n).flat_map(point).collect(), len: 2 }
    }

    #[test]
    fn one_label_is_enough_for_a_ring() {
        let codes = rings(400);
        let graph = Graph::of(&Context::new(1).unwrap(), &codes);
        let f = graph.spread(&[0, 1], &[0, 1], 2, 0.99);
        for (i, f) in f.chunks_exact(2).enumerate() {
            assert_eq!(argmax(f), i % 2, "point {i}: {f:?}");
        }
    }

    /// The x of A x = y, for A: (n, n), by elimination: A is positive definite.
    fn solve(mut a: Vec<Vec<f64>>, mut y: Vec<[f64; 3]>) -> Vec<[f64; 3]> {
        for k in 0..a.len() {
            let (row, of) = (a[k].clone(), y[k]);
            for i in (0..a.len()).filter(|&i| i != k) {
                let factor = a[i][k] / row[k];
                a[i].iter_mut().zip(&row).for_each(|(a, x)| *a -= factor * x);
                y[i].iter_mut().zip(of).for_each(|(y, x)| *y -= factor * x);
            }
        }
        (0..a.len()).map(|i| y[i].map(|y| y / a[i][i])).collect()
    }

    /// The weights by all pairs, and the solution of the dense system.
    #[test]
    fn what_comes_out_solves_the_dense_system() {
        // Without equal distances, of which either could be the tenth.
        let values: Vec<f32> =
            (0..60 * 3).map(|i| 2.0 * (i as f32 * i as f32 * 0.754_877_7).fract()).collect();
        let codes = Codes { values, len: 3 };
        let n = codes.samples();
        let far = |i: usize, j: usize| -> f64 {
            codes.row(i).iter().zip(codes.row(j)).map(|(a, b)| f64::from(a - b).powi(2)).sum()
        };
        let order = |i: usize| -> Vec<usize> {
            let mut others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
            others.sort_by(|&a, &b| far(i, a).total_cmp(&far(i, b)));
            others
        };
        let orders: Vec<Vec<usize>> = (0..n).map(order).collect();
        let scale = |i: usize| far(i, orders[i][SCALE - 1]).sqrt();
        let mut w = vec![vec![0.0; n]; n];
        for i in 0..n {
            for &j in &orders[i][..NEIGHBOURS] {
                let weight = (-far(i, j) / (scale(i) * scale(j))).exp();
                (w[i][j], w[j][i]) = (weight, weight);
            }
        }
        let roots: Vec<f64> = (0..n).map(|i| w[i].iter().sum::<f64>().sqrt()).collect();
        let (labelled, labels) = ([3, 20, 41, 58], [0, 1, 2, 1]);
        let mut y = vec![[0.0; 3]; n];
        labelled
            .iter()
            .zip(labels)
            .for_each(|(&row, label)| y[row as usize][usize::from(label)] = 1.0);
        let graph = Graph::of(&Context::new(1).unwrap(), &codes);
        for alpha in ALPHAS {
            let entry = |i: usize, j: usize| {
                f64::from(u8::from(i == j)) - alpha * w[i][j] / roots[i] / roots[j]
            };
            let system = (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect();
            let expected = solve(system, y.clone());
            let found = graph.spread(&labelled, &labels, 3, alpha);
            for (i, found) in found.iter().enumerate() {
                let expected = expected[i / 3][i % 3];
                assert!(
                    (found - expected).abs() < 1e-3 * expected.abs().max(1e-2),
                    "{alpha}, {i}: {found} {expected}"
                );
            }
        }
    }
}
