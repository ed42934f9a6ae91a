//! The leading components of long samples, without decomposing their covariance.
//!
//! ```text
//! Q: (b, n), b a little more than the components asked for, random, orthonormal rows
//! repeat: Z = Q C, where C = X^T X is made once if it is small enough,
//!         or else Z = (X Q^T)^T X, block by block
//!         the eigenvalues of Z Q^T are the variances along the best directions within Q
//!         Q = orthonormal rows that span those of Z
//! until the variance that the components hold has stopped growing
//! ```
//!
//! Subspace iteration with Rayleigh and Ritz's projection: Halko, Martinsson and Tropp, SIAM Review
//! 2011, algorithms 4.3 and 5.3. A full decomposition takes time with the cube of n, minutes at
//! 3,072; this one takes products with C, some tens of them.

use super::eigen::{add, dot, symmetric_eigen};
use super::{Samples, block, covariance, for_centred_blocks};
use crate::error::Error;
use narrows_engine::Context;
use narrows_engine::gemm::{MatMut, MatRef, gemm};
use narrows_engine::random::Random;

/// Directions beyond those asked for: the further apart the variances of the last of either, the
/// fewer passes.
pub(super) const SPARE: usize = 20;
/// The variance has stopped growing where a pass adds no more than this fraction. What is left
/// decays as fast.
const TOLERANCE: f64 = 1e-6;
/// The most values of a sample for which C is made: 64 MB in f32, and twice as much while it is
/// summed up.
const MAX_COVARIANCE: usize = 4096;
/// Passes after which it is good enough.
const MAX_PASSES: usize = 100;

/// `components` orthonormal rows, (components, features), the largest variance first.
pub(super) fn leading(
    cx: &Context,
    samples: Samples<'_>,
    mean: &[f32],
    components: usize,
) -> Result<Vec<f32>, Error> {
    let n = mean.len();
    let b = (components + SPARE).min(n);
    let mut start = vec![0.0; b * n];
    Random::new(0, 0).fill_normal(0, 0, &mut start);
    let mut q: Vec<f64> = start.into_iter().map(f64::from).collect();
    orthonormalise(&mut q, n);
    let mut held = 0.0;
    let covariance: Option<Vec<f32>> = match n <= MAX_COVARIANCE && n <= samples.rows.len() {
        true => Some(covariance(cx, samples, mean)?.iter().map(|&x| x as f32).collect()),
        false => None,
    };
    for _ in 0..MAX_PASSES {
        samples.observer.go_on()?;
        let directions: Vec<f32> = q.iter().map(|&x| x as f32).collect();
        let directions = MatRef::new(&directions, b, n);
        let z = match &covariance {
            Some(covariance) => product_with(cx, covariance, directions),
            None => product(cx, samples, mean, directions)?,
        };
        // By rounding Z Q^T is not quite symmetric.
        let projected = products(&z, &q, n);
        let both = |i: usize| 0.5 * (projected[i] + projected[i % b * b + i / b]);
        let (values, turns) = symmetric_eigen((0..b * b).map(both).collect(), b);
        let before = held;
        held = values[..components].iter().map(|value| value.max(0.0)).sum();
        // The best within Q, sorted: where this was the last pass they are the answer.
        if held - before <= TOLERANCE * held {
            q = turned(&q, &turns, n);
            break;
        }
        q = turned(&z, &turns, n);
        orthonormalise(&mut q, n);
    }
    Ok(q[..components * n].iter().map(|&x| x as f32).collect())
}

/// Makes the rows of length `n` orthonormal, one after the other (Gram and Schmidt, twice for each:
/// Giraud, Langou and Rozloznik, Computers & Mathematics with Applications 50, 2005). A row that
/// adds nothing to those before it becomes 0.
fn orthonormalise(q: &mut [f64], n: usize) {
    for i in 0..q.len() / n {
        let (before, rest) = q.split_at_mut(i * n);
        let row = &mut rest[..n];
        let whole = dot(row, row).sqrt();
        for _ in 0..2 {
            before.chunks_exact(n).for_each(|other| add(-dot(other, row), other, row));
        }
        let left = dot(row, row).sqrt();
        let scale = if left > 1e-12 * whole { 1.0 / left } else { 0.0 };
        row.iter_mut().for_each(|x| *x *= scale);
    }
}

/// The scalar products of the rows of `a` with those of `b`, of length `n`.
fn products(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    a.chunks_exact(n).flat_map(|a| b.chunks_exact(n).map(move |b| dot(a, b))).collect()
}

/// `turns x`, for turns: (b, b) and x: (b, n).
fn turned(x: &[f64], turns: &[f64], n: usize) -> Vec<f64> {
    let mut turned = vec![0.0; x.len()];
    for (row, turn) in turned.chunks_exact_mut(n).zip(turns.chunks_exact(x.len() / n)) {
        turn.iter().zip(x.chunks_exact(n)).for_each(|(factor, x)| add(*factor, x, row));
    }
    turned
}

/// `Q C`, (b, n), for C: (n, n).
fn product_with(cx: &Context, covariance: &[f32], q: MatRef<'_>) -> Vec<f64> {
    let (b, n) = (q.rows(), q.cols());
    let mut product = vec![0.0; b * n];
    let covariance = MatRef::new(covariance, n, n);
    gemm(cx, 1.0, q, covariance, 0.0, MatMut::new(&mut product, b, n));
    product.into_iter().map(f64::from).collect()
}

/// `Q C`, (b, n), by products in f32 that are added up in f64.
fn product(
    cx: &Context,
    samples: Samples<'_>,
    mean: &[f32],
    q: MatRef<'_>,
) -> Result<Vec<f64>, Error> {
    let (b, n) = (q.rows(), q.cols());
    let mut sum = vec![0.0; b * n];
    let (mut codes, mut part) = (vec![0.0; block(samples.rows, n) * b], vec![0.0; b * n]);
    for_centred_blocks(samples, mean, |x, batch| {
        let x = MatRef::new(x, batch, n);
        let codes = &mut codes[..batch * b];
        gemm(cx, 1.0, x, q.transposed(), 0.0, MatMut::new(codes, batch, b));
        let codes = MatRef::new(codes, batch, b);
        gemm(cx, 1.0, codes.transposed(), x, 0.0, MatMut::new(&mut part, b, n));
        sum.iter_mut().zip(&part).for_each(|(sum, &part)| *sum += f64::from(part));
    })?;
    Ok(sum)
}
