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

use super::{block, covariance, for_centred_blocks};
use crate::error::Error;
use nalgebra::{DMatrix, SymmetricEigen};
use narrows_datasets::{Dataset, Rows};
use narrows_engine::Context;
use narrows_engine::gemm::{MatMut, MatRef, gemm};
use narrows_engine::random::Random;

/// Directions beyond those asked for: the further apart the variances of the last of either, the
/// fewer passes.
const SPARE: usize = 20;
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
    data: &Dataset,
    rows: Rows<'_>,
    mean: &[f32],
    components: usize,
) -> Result<Vec<f32>, Error> {
    let n = mean.len();
    let b = (components + SPARE).min(n);
    let mut start = vec![0.0; b * n];
    Random::new(0, 0).fill_normal(0, 0, &mut start);
    // (n, b): the columns are the directions.
    let mut q = DMatrix::from_iterator(n, b, start.iter().map(|&x| f64::from(x))).qr().q();
    let mut held = 0.0;
    let covariance: Option<Vec<f32>> = match n <= MAX_COVARIANCE && n <= rows.len() {
        true => Some(covariance(cx, data, rows, mean)?.iter().map(|&x| x as f32).collect()),
        false => None,
    };
    for _ in 0..MAX_PASSES {
        let z = match &covariance {
            Some(covariance) => product_with(cx, covariance, &q),
            None => product(cx, data, rows, mean, &q)?,
        };
        let projected = q.transpose() * &z;
        // By rounding it is not quite symmetric.
        let eigen = SymmetricEigen::new((&projected + projected.transpose()) * 0.5);
        let mut order: Vec<usize> = (0..b).collect();
        order.sort_by(|&i, &j| eigen.eigenvalues[j].total_cmp(&eigen.eigenvalues[i]));
        let before = held;
        held = order[..components].iter().map(|&i| eigen.eigenvalues[i].max(0.0)).sum();
        // The best within Q, sorted: where this was the last pass they are the answer.
        let turned = DMatrix::from_columns(
            &order.iter().map(|&i| eigen.eigenvectors.column(i)).collect::<Vec<_>>(),
        );
        if held - before <= TOLERANCE * held {
            q = &q * turned;
            break;
        }
        q = (z * turned).qr().q();
    }
    Ok(q.as_slice()[..components * n].iter().map(|&x| x as f32).collect())
}

/// `C q`, (n, b), for C: (n, n).
fn product_with(cx: &Context, covariance: &[f32], q: &DMatrix<f64>) -> DMatrix<f64> {
    let (n, b) = q.shape();
    let directions: Vec<f32> = q.as_slice().iter().map(|&x| x as f32).collect();
    let mut product = vec![0.0; b * n];
    let covariance = MatRef::new(covariance, n, n);
    gemm(cx, 1.0, MatRef::new(&directions, b, n), covariance, 0.0, MatMut::new(&mut product, b, n));
    DMatrix::from_iterator(n, b, product.into_iter().map(f64::from))
}

/// `C q`, (n, b), by products in f32 that are added up in f64.
fn product(
    cx: &Context,
    data: &Dataset,
    rows: Rows<'_>,
    mean: &[f32],
    q: &DMatrix<f64>,
) -> Result<DMatrix<f64>, Error> {
    let (n, b) = q.shape();
    // Column by column as the matrix is stored: (b, n) in rows.
    let directions: Vec<f32> = q.as_slice().iter().map(|&x| x as f32).collect();
    let directions = MatRef::new(&directions, b, n);
    let mut sum = DMatrix::<f64>::zeros(n, b);
    let (mut codes, mut part) = (vec![0.0; block(rows, n) * b], vec![0.0; b * n]);
    for_centred_blocks(data, rows, mean, |x, batch| {
        let x = MatRef::new(x, batch, n);
        let codes = &mut codes[..batch * b];
        gemm(cx, 1.0, x, directions.transposed(), 0.0, MatMut::new(codes, batch, b));
        let codes = MatRef::new(codes, batch, b);
        gemm(cx, 1.0, codes.transposed(), x, 0.0, MatMut::new(&mut part, b, n));
        for (sum, &part) in sum.as_mut_slice().iter_mut().zip(&part) {
            *sum += f64::from(part);
        }
    })?;
    Ok(sum)
}
