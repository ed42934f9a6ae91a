//! Novelty of samples: how far their features lie from those of normal samples.
//!
//! The score of a sample is the mean distance of its features to the k nearest among the features
//! of reference samples (Angiulli and Pizzuti, Fast Outlier Detection in High Dimensional Spaces,
//! PKDD 2002). It needs an encoder and no decoder.
//!
//! ```text
//! references, less their mean                                once
//! for a block of queries, less the same mean:
//!     candidates = the k + SPARE nearest by matrix products  |a|^2 + |b|^2 - 2ab, in f32
//!     distances  = |a - b| of the candidates                 in f64
//!     score      = the mean of the k smallest
//! ```
//!
//! 1. The difference of large numbers cancels in a product's distance. Without the mean, numbers
//!    are small where features vary little about it.
//! 2. The candidates' distances are computed anew, without cancellation. A neighbour is missed only
//!    if more than `SPARE` others pushed it out by rounding. Where rounding could have, and where
//!    that would tell, all references are compared one by one.
//! 3. Blocks are cut by the number of features alone, so that threads change no bit.

pub mod detector;
mod histograms;
mod sizes;
mod tail;

pub use detector::{Detector, Rated};

use crate::architecture::Architecture;
use crate::codes::Codes;
use crate::error::{Error, ensure, error};
use crate::inference;
use crate::neighbours::{Distance, Neighbours};
use narrows_datasets::{Dataset, Rows};
use narrows_engine::{Context, Params};

/// The candidates beside those that count.
const SPARE: usize = 8;
/// The most values of a block of queries, if it has more than one: 64 MB.
const MAX_VALUES: usize = 1 << 24;
/// The most queries of a block. Sixteen tasks of the search for neighbours.
const MAX_QUERIES: usize = 8192;
/// The share of a squared distance that rounding may change unnoticed.
const TOLERANCE: f64 = 1e-4;

/// The features of reference samples.
#[derive(Clone, Debug)]
pub struct References {
    /// Less `mean`.
    codes: Codes,
    mean: Vec<f64>,
    /// The largest squared norm.
    largest: f64,
}

impl References {
    /// Those that are `codes`.
    ///
    /// # Errors
    /// If there is none, or a value is so large that its square is infinite.
    pub fn of(codes: Codes) -> Result<References, Error> {
        ensure!(!codes.values.is_empty(), "there are no features to find neighbours among");
        let mean: Vec<f64> = codes.mean();
        let mut codes = codes;
        centre(&mut codes, &mean);
        let norms = squared_norms(&codes)?;
        let largest = norms.into_iter().fold(0.0, f64::max);
        Ok(References { codes, mean, largest })
    }

    /// The number of references.
    pub fn len(&self) -> usize {
        self.codes.samples()
    }

    /// True if there are none, which [`References::of`] refuses.
    pub fn is_empty(&self) -> bool {
        self.codes.values.is_empty()
    }

    /// The mean distance of each of `queries` to the `k` nearest references. `own` holds for each
    /// query the reference that it is itself, which is left out.
    ///
    /// # Errors
    /// If fewer than `k` references are left, or a value is so large that its square is infinite.
    pub fn distances(
        &self,
        cx: &Context,
        mut queries: Codes,
        own: &[Option<u32>],
        k: usize,
    ) -> Result<Vec<f32>, Error> {
        let left = self.len() - usize::from(own.iter().any(Option::is_some));
        ensure_enough(k, left)?;
        centre(&mut queries, &self.mean);
        let others = |query: usize, index: usize| own[query] != Some(index as u32);
        self.means(cx, &queries, k, |query, found| found.retain(|(index, _)| others(query, *index)))
    }

    /// The mean distance of each of `queries` to the `k` nearest references. With `leave_out`, one
    /// reference that is equal to the query is left out, if there is one.
    ///
    /// # Errors
    /// The same.
    pub fn distances_but_own(
        &self,
        cx: &Context,
        mut queries: Codes,
        leave_out: bool,
        k: usize,
    ) -> Result<Vec<f32>, Error> {
        ensure_enough(k, self.len() - usize::from(leave_out))?;
        centre(&mut queries, &self.mean);
        self.means(cx, &queries, k, |_, found| {
            if leave_out && found.first().is_some_and(|(_, square)| *square == 0.0) {
                found.remove(0);
            }
        })
    }

    /// The mean distances of `queries` without their mean to the `k` nearest of those that
    /// `restrict` leaves of the references and their squared distances, the nearest first.
    fn means(
        &self,
        cx: &Context,
        queries: &Codes,
        k: usize,
        restrict: impl Fn(usize, &mut Vec<(usize, f64)>) + Sync,
    ) -> Result<Vec<f32>, Error> {
        let norms = squared_norms(queries)?;
        let near = Neighbours::of(cx, queries, &self.codes, k + SPARE, Distance::Euclidean, false);
        let mut scores = vec![0.0; queries.samples()];
        cx.chunks(&mut scores, 64, |range, scores| {
            for (query, score) in range.zip(scores) {
                let row = queries.row(query);
                let far = |index| (index, squared_distance(row, self.codes.row(index)));
                let of = |indices: &mut dyn Iterator<Item = usize>| {
                    let mut found: Vec<(usize, f64)> = indices.map(far).collect();
                    found.sort_by(|(_, a), (_, b)| a.total_cmp(b));
                    restrict(query, &mut found);
                    found
                };
                let mut found = of(&mut near.row(query).map(|(index, _)| index));
                let last = near.row(query).last().map_or(0.0, |(_, far)| f64::from(far));
                let rounding = self.rounding(norms[query]);
                let kth = found.get(k - 1).map(|(_, square)| *square);
                // Nothing is nearer than a distance of zero.
                let is_doubtful =
                    |kth| kth > 0.0 && last - rounding < kth && rounding > TOLERANCE * kth;
                if near.k < self.len() && kth.is_none_or(is_doubtful) {
                    found = of(&mut (0..self.len()));
                }
                let sum: f64 = found[..k].iter().map(|(_, square)| square.sqrt()).sum();
                *score = (sum / k as f64) as f32;
            }
        });
        Ok(scores)
    }

    /// How far the squared distance by a product may be from the right one, for a query of that
    /// squared norm: the rounding of sums in random directions, four times over.
    fn rounding(&self, norm: f64) -> f64 {
        let sums = (self.codes.len as f64).sqrt() + 2.0;
        4.0 * sums * f64::from(f32::EPSILON) * (norm + self.largest)
    }
}

/// Refuses more neighbours than the `left` references.
fn ensure_enough(k: usize, left: usize) -> Result<(), Error> {
    ensure!(
        (1..=left).contains(&k),
        "{k} neighbours of each sample are asked for among {left}: ask for fewer"
    );
    Ok(())
}

/// Takes `mean` from each code.
fn centre(codes: &mut Codes, mean: &[f64]) {
    for row in codes.values.chunks_exact_mut(codes.len) {
        row.iter_mut().zip(mean).for_each(|(x, mean)| *x = (f64::from(*x) - mean) as f32);
    }
}

/// Those of codes without a mean.
fn squared_norms(codes: &Codes) -> Result<Vec<f64>, Error> {
    // Sums of products, of which a distance has three, stay finite.
    let most = f64::from(f32::MAX / 8.0);
    let rows = codes.values.chunks_exact(codes.len);
    let norms: Vec<f64> =
        rows.map(|row| row.iter().map(|x| f64::from(*x) * f64::from(*x)).sum()).collect();
    match norms.iter().all(|norm| *norm < most) {
        true => Ok(norms),
        false => Err(error!("features are too large to measure distances of: above 1e18")),
    }
}

fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    // Eight sums, as wide as the widest vectors.
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (a, b) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let square = |(x, y): (&f32, &f32)| (f64::from(*x) - f64::from(*y)).powi(2);
    for (x, y) in a.0.iter().zip(b.0) {
        for (sum, pair) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += square(pair);
        }
    }
    sums.iter().sum::<f64>() + a.1.iter().zip(b.1).map(square).sum::<f64>()
}

/// The samples to find neighbours among.
#[derive(Clone, Copy, Debug)]
pub struct Normal<'a> {
    /// Where they are.
    pub data: &'a Dataset,
    /// Their rows, ascending.
    pub rows: Rows<'a>,
    /// True if the samples to score are rows of the same data. One that is a reference is then no
    /// neighbour of its own.
    pub same: bool,
}

/// Hands `take` the mean distances of the features of `rows` of `data` to those of the `k` nearest
/// `normal` samples, batch by batch. Features of the normal samples stay in memory, four bytes a
/// value; those of the others do not.
///
/// # Errors
/// If the samples do not fit the encoder or cannot be read, if there are no more than `k` normal
/// ones, or if `take` fails.
pub fn score(
    cx: &Context,
    (architecture, params): (&Architecture, &Params),
    normal: Normal<'_>,
    k: usize,
    (data, rows): (&Dataset, Rows<'_>),
    mut take: impl FnMut(&[u32], &[f32]) -> Result<(), Error>,
) -> Result<(), Error> {
    let (count, name) = (normal.rows.len(), normal.data.name());
    ensure!(
        count > k,
        "{name}: {k} neighbours of each sample need more than {k} samples to find them among, and \
         there are {count}"
    );
    let encoder = Some((architecture, params));
    let references = References::of(Codes::of(cx, encoder, normal.data, normal.rows)?)
        .map_err(|e| e.during(name))?;
    let len = references.codes.len;
    let mut known = vec![0; count];
    normal.rows.copy_to(0, &mut known);
    let own = |row: &u32| known.binary_search(row).ok().filter(|_| normal.same);
    let most = (MAX_VALUES / len).clamp(1, MAX_QUERIES);
    let (mut listed, mut values): (Vec<u32>, Vec<f32>) = (Vec::new(), Vec::new());
    let mut measure = |rows: &mut Vec<u32>, values: &mut Vec<f32>| {
        let own: Vec<_> = rows.iter().map(|row| own(row).map(|at| at as u32)).collect();
        let queries = Codes { values: std::mem::take(values), len };
        let scores = references.distances(cx, queries, &own, k);
        take(rows, &scores.map_err(|e| e.during(data.name()))?)?;
        rows.clear();
        Ok::<_, Error>(())
    };
    inference::embed(cx, architecture, params, data, rows, |rows, codes| {
        for (row, code) in rows.iter().zip(codes.chunks_exact(len)) {
            listed.push(*row);
            values.extend_from_slice(code);
            if listed.len() == most {
                measure(&mut listed, &mut values)?;
            }
        }
        Ok(())
    })?;
    match listed.is_empty() {
        true => Ok(()),
        false => measure(&mut listed, &mut values),
    }
}
