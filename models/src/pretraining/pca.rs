//! Principal components: the best that any linear autoencoder can do (Eckart and Young 1936).

mod eigen;
mod iteration;

use crate::error::{Error, bail};
use crate::event::Observer;
use eigen::symmetric_eigen;
use narrows_datasets::{Dataset, Rows};
use narrows_engine::Context;
use narrows_engine::gemm::{MatMut, MatRef, gemm};

/// The rows that one matrix product takes, unless they are long. Sums within it are in f32, between
/// them in f64.
const BLOCK: usize = 512;

/// The values of a block, at most, if it has more than one row: 16 MB.
const MAX_BLOCK_VALUES: usize = 1 << 22;

/// Iteration pays where a sample has at least this many values for each direction that it holds.
/// Measured with 784 values: 0.12 s against 0.76 for 32 components, 0.67 against 0.70 for 100.
const VALUES_PER_DIRECTION: usize = 8;

/// The most values of a sample for which the covariance is decomposed in full, which takes time
/// with their cube: a few seconds at this number.
const MAX_FULL: usize = 1024;

/// The samples, and who may ask for a stop.
#[derive(Clone, Copy)]
struct Samples<'a> {
    data: &'a Dataset,
    rows: Rows<'a>,
    observer: &'a dyn Observer,
}

/// Centred principal components.
#[derive(Clone, Debug)]
pub struct Pca {
    /// (features)
    mean: Vec<f32>,
    /// (components, features), orthonormal rows, the largest variance first
    components: Vec<f32>,
}

impl Pca {
    /// Fits `components` components to `rows` of `data`.
    ///
    /// # Errors
    /// If there are no rows, or fewer features than components;
    /// [`ErrorKind::Stopped`](crate::ErrorKind::Stopped) if `observer` asks for a stop.
    pub fn fit(
        cx: &Context,
        data: &Dataset,
        rows: Rows<'_>,
        components: usize,
        observer: &dyn Observer,
    ) -> Result<Pca, Error> {
        let n = data.sample_len();
        if rows.is_empty() || components == 0 || components > n {
            bail!(
                "cannot fit {components} principal components to {} samples of {n} values: choose \
                 1 to {n}",
                rows.len()
            );
        }
        let samples = Samples { data, rows, observer };
        let mean = mean(samples)?;
        let directions = components + iteration::SPARE;
        let find = match n <= MAX_FULL && n < VALUES_PER_DIRECTION * directions {
            true => decomposed,
            false => iteration::leading,
        };
        let components = find(cx, samples, &mean, components)?;
        Ok(Pca { mean, components })
    }

    /// The mean squared error per value of reconstructing `rows` of `data` from their components.
    ///
    /// # Errors
    /// If the samples cannot be read; [`ErrorKind::Stopped`](crate::ErrorKind::Stopped) if
    /// `observer` asks for a stop.
    ///
    /// # Panics
    /// If they have another length than those fitted to.
    pub fn mse(
        &self,
        cx: &Context,
        data: &Dataset,
        rows: Rows<'_>,
        observer: &dyn Observer,
    ) -> Result<f64, Error> {
        let n = self.mean.len();
        assert_eq!(data.sample_len(), n, "samples of another length");
        let k = self.components.len() / n;
        let components = MatRef::new(&self.components, k, n);
        let block = block(rows, n);
        let mut codes = vec![0.0; block * k];
        let mut residual = vec![0.0; block * n];
        let mut sum = 0.0;
        for_centred_blocks(Samples { data, rows, observer }, &self.mean, |x, batch| {
            let (codes, residual) = (&mut codes[..batch * k], &mut residual[..batch * n]);
            residual.copy_from_slice(x);
            let x = MatRef::new(x, batch, n);
            gemm(cx, 1.0, x, components.transposed(), 0.0, MatMut::new(codes, batch, k));
            let codes = MatRef::new(codes, batch, k);
            gemm(cx, -1.0, codes, components, 1.0, MatMut::new(residual, batch, n));
            sum += residual.iter().map(|&r| f64::from(r) * f64::from(r)).sum::<f64>();
        })?;
        Ok(sum / (rows.len() * n) as f64)
    }
}

/// The eigenvectors of the covariance with the largest values, (components, features).
fn decomposed(
    cx: &Context,
    samples: Samples<'_>,
    mean: &[f32],
    components: usize,
) -> Result<Vec<f32>, Error> {
    let n = mean.len();
    let (_, vectors) = symmetric_eigen(covariance(cx, samples, mean)?, n);
    Ok(vectors[..components * n].iter().map(|&x| x as f32).collect())
}

/// The covariance of the samples times their number, (n, n).
fn covariance(cx: &Context, samples: Samples<'_>, mean: &[f32]) -> Result<Vec<f64>, Error> {
    let n = mean.len();
    let mut covariance = vec![0.0; n * n];
    let mut product = vec![0.0; n * n];
    for_centred_blocks(samples, mean, |x, batch| {
        let x = MatRef::new(x, batch, n);
        gemm(cx, 1.0, x.transposed(), x, 0.0, MatMut::new(&mut product, n, n));
        for (sum, &product) in covariance.iter_mut().zip(&product) {
            *sum += f64::from(product);
        }
    })?;
    Ok(covariance)
}

/// The mean sample.
fn mean(samples: Samples<'_>) -> Result<Vec<f32>, Error> {
    let n = samples.data.sample_len();
    let mut sums = vec![0.0_f64; n];
    for_blocks(samples, |x, _| {
        for x in x.chunks_exact(n) {
            sums.iter_mut().zip(x).for_each(|(sum, &x)| *sum += f64::from(x));
        }
    })?;
    Ok(sums.iter().map(|&sum| (sum / samples.rows.len() as f64) as f32).collect())
}

/// The rows of a block of those samples, of `n` values each.
fn block(rows: Rows<'_>, n: usize) -> usize {
    (MAX_BLOCK_VALUES / n).clamp(1, BLOCK).min(rows.len().max(1))
}

/// Calls `f(x, batch)` with blocks of the samples, x: (batch, features).
fn for_blocks(
    Samples { data, rows, observer }: Samples<'_>,
    mut f: impl FnMut(&mut [f32], usize),
) -> Result<(), Error> {
    let (block, n) = (block(rows, data.sample_len()), data.sample_len());
    let (mut x, mut batch) = (vec![0.0; block * n], vec![0; block]);
    for start in (0..rows.len()).step_by(block) {
        observer.go_on()?;
        let batch = &mut batch[..block.min(rows.len() - start)];
        rows.copy_to(start, batch);
        let x = &mut x[..batch.len() * n];
        data.gather(batch, x)?;
        f(x, batch.len());
    }
    Ok(())
}

/// The same with the mean taken off.
fn for_centred_blocks(
    samples: Samples<'_>,
    mean: &[f32],
    mut f: impl FnMut(&[f32], usize),
) -> Result<(), Error> {
    for_blocks(samples, |x, batch| {
        for x in x.chunks_exact_mut(mean.len()) {
            x.iter_mut().zip(mean).for_each(|(x, mean)| *x -= mean);
        }
        f(x, batch);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_long_samples_has_few_rows() {
        let rows = Rows::all(1000);
        assert_eq!([784, 3072, 8192].map(|n| block(rows, n)), [BLOCK; 3]);
        assert_eq!([1 << 16, 3 << 20, 1 << 24].map(|n| block(rows, n)), [64, 1, 1]);
        assert_eq!(block(Rows::all(3), 64), 3);
    }

    /// Both ways of finding components leave the same error.
    #[test]
    fn iteration_finds_the_components_of_the_decomposition() {
        let (digits, cx) = (Dataset::digits(), Context::new(1).unwrap());
        let rows: Vec<u32> = (0..digits.len() as u32).collect();
        let samples = Samples { data: &digits, rows: Rows::all(digits.len()), observer: &() };
        let mean = mean(samples).unwrap();
        // No covariance is made of fewer samples than they have values.
        for (rows, count) in
            [1, 5, 20, 50, 64].map(|count| (&rows[..], count)).into_iter().chain([(&rows[..60], 9)])
        {
            let [full, found] = [decomposed, iteration::leading].map(|find| {
                let samples = Samples { rows: Rows::Listed(rows), ..samples };
                let components = find(&cx, samples, &mean, count).unwrap();
                assert_eq!(components.len(), count * 64);
                let pca = Pca { mean: mean.clone(), components };
                pca.mse(&cx, &digits, samples.rows, &()).unwrap()
            });
            assert!((full - found).abs() < 1e-7 + 1e-5 * full, "{count}: {full} {found}");
        }
    }
}
