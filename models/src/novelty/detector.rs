//! A detector of unusual samples, which needs no network.
//!
//! ```text
//! z      = sizes of the features: standardised, then sign(z) ln(1 + |z|)
//! values = sum over features of -ln(share of training samples in the value's bin)
//! near   = mean distance to the k nearest training samples
//! score  = weighted mean of both, each as -log10(share of training samples at least as high)
//! ```
//!
//! 1. A score of 3 says that one training sample in a thousand is as unusual.
//! 2. Samples that are scored among themselves may have unusual company, so that k is 20. Where
//!    training samples are known to be usual, the nearest of them counts, and nearness counts more.
//! 3. Training samples are in one order, that of their values, before anything is summed up: rows
//!    in another order, and more threads, change no bit.
//! 4. Of very many training samples, some are taken, chosen by a hash of their values.
//! 5. Features of images are alike. Histograms of single pixels tell little, and are left out.
//! 6. The last feature of a table is 1 where a category was never seen.

use super::histograms::Histograms;
use super::sizes::Sizes;
use super::tail::Tail;
use super::{MAX_QUERIES, MAX_VALUES, Normal, References};
use crate::codes::Codes;
use crate::error::{Error, ensure};
use narrows_datasets::{Dataset, Rows};
use narrows_engine::Context;
use narrows_engine::parallel::Chunks;
use std::collections::HashMap;
use std::f64::consts::LN_10;

/// Neighbours, and the weight of nearness, for samples that are scored among themselves.
const AMONG: (usize, f64) = (20, 0.5);
/// The same for training samples that are known to be usual.
const APART: (usize, f64) = (1, 2.0 / 3.0);
/// The most training samples, and the most values of them: 1 GB.
const MOST: usize = 1 << 15;
const MOST_VALUES: usize = 1 << 28;
/// The training samples whose own scores tell how rare a score is.
const CALIBRATING: usize = 1 << 13;
/// The samples of a task.
const TASK: usize = 64;

/// What is usual, learnt from training samples.
#[derive(Clone, Debug)]
pub struct Detector {
    sizes: Sizes,
    histograms: Option<(Histograms, Tail)>,
    near: References,
    near_tail: Tail,
    k: usize,
    weight: f64,
    /// True if a sample to score may be one of the references.
    same: bool,
}

/// The scores of some samples.
#[derive(Clone, Copy, Debug)]
pub struct Rated<'a> {
    /// Their rows.
    pub rows: &'a [u32],
    /// -log10 of the share of training samples that are as unusual.
    pub scores: &'a [f32],
    /// For each the feature that is farthest from its mean; where a category was never seen, the
    /// number of features plus the place of its column.
    pub unlike: &'a [u32],
    /// The standard deviations between that feature and its mean, at most a million.
    pub sizes: &'a [f32],
}

impl Detector {
    /// Learns from the samples that count as normal. `usual` says that none of them is unusual.
    ///
    /// # Errors
    /// If there are less than two, if all are equal, or if they cannot be read.
    pub fn fit(cx: &Context, normal: Normal<'_>, usual: bool) -> Result<Detector, Error> {
        let (data, name) = (normal.data, normal.data.name());
        ensure!(
            normal.rows.len() > 1,
            "{name}: unusual rows are told by at least 2 rows to learn from, and there {}: add \
             rows, or put them into a folder as test.csv, beside those to learn from as train.csv",
            if normal.rows.is_empty() { "are none" } else { "is 1" }
        );
        let mut samples = sorted(chosen(data, normal.rows)?);
        let alike = data.image_shape().is_some();
        let sizes = Sizes::of(&samples, alike);
        ensure!(
            !sizes.is_constant(),
            "{name}: all {} rows to learn from are equal, so that nothing tells unusual ones",
            normal.rows.len()
        );
        let len = samples.len;
        cx.rows(&mut samples.values, len, |_, sample| sizes.apply(sample));
        let histograms = (!alike).then(|| {
            let histograms = Histograms::of(&samples);
            let rows = samples.values.chunks_exact(len);
            let tail = Tail::of(rows.map(|sample| histograms.rarity(sample)));
            (histograms, tail)
        });
        let (k, weight) = if usual { APART } else { AMONG };
        let k = k.min(samples.samples() - 1);
        let step = samples.samples().div_ceil(CALIBRATING);
        let own: Vec<u32> = (0..samples.samples() as u32).step_by(step).collect();
        let own = samples.subset(&own);
        let near = References::of(samples).map_err(|e| e.during(name))?;
        let mut distances = Vec::with_capacity(own.samples());
        for block in own.values.chunks(block(len) * len) {
            let block = Codes { values: block.to_vec(), len };
            distances.extend(near.distances_but_own(cx, block, true, k)?);
        }
        let near_tail = Tail::of(distances.into_iter().map(f64::from));
        Ok(Detector { sizes, histograms, near, near_tail, k, weight, same: normal.same })
    }

    /// The number of training samples that were taken.
    pub fn samples(&self) -> usize {
        self.near.len()
    }

    /// The number of neighbours.
    pub fn neighbours(&self) -> usize {
        self.k
    }

    /// Hands `take` the scores of `rows` of `data`, block by block.
    ///
    /// # Errors
    /// If samples cannot be read, or if `take` fails.
    pub fn score(
        &self,
        cx: &Context,
        (data, rows): (&Dataset, Rows<'_>),
        mut take: impl FnMut(Rated<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let len = length(data);
        let block = block(len);
        for start in (0..rows.len()).step_by(block) {
            let mut listed = vec![0; block.min(rows.len() - start)];
            rows.copy_to(start, &mut listed);
            let (mut samples, categories) = features(data, &listed)?;
            let mut found = vec![(0, 0.0, 0.0); listed.len()];
            let tasks = listed.len().div_ceil(TASK);
            let parts =
                (Chunks::new(&mut samples.values, TASK * len), Chunks::new(&mut found, TASK));
            cx.for_each_part(tasks, parts, |_, (samples, found)| {
                for (sample, found) in samples.chunks_exact_mut(len).zip(found) {
                    let (unlike, size) = self.sizes.largest(sample);
                    self.sizes.apply(sample);
                    let rarity = self
                        .histograms
                        .as_ref()
                        .map_or(0.0, |(histograms, tail)| tail.rarity(histograms.rarity(sample)));
                    *found = (unlike as u32, size, rarity);
                }
            });
            let near = self.near.distances_but_own(cx, samples, self.same, self.k);
            let near = near.map_err(|e| e.during(data.name()))?;
            let weight = if self.histograms.is_some() { self.weight } else { 1.0 };
            let scores: Vec<f32> = near
                .iter()
                .zip(&found)
                .map(|(near, (_, _, values))| {
                    let near = self.near_tail.rarity(f64::from(*near));
                    ((weight * near + (1.0 - weight) * values) / LN_10) as f32
                })
                .collect();
            let unlike = found.iter().zip(&categories).map(|((unlike, _, _), category)| {
                // The last feature of a table is no feature of its own.
                category.filter(|_| *unlike as usize == len - 1).unwrap_or(*unlike)
            });
            let (unlike, sizes): (Vec<u32>, Vec<f32>) =
                unlike.zip(found.iter().map(|(_, size, _)| *size)).unzip();
            take(Rated { rows: &listed, scores: &scores, unlike: &unlike, sizes: &sizes })?;
        }
        Ok(())
    }
}

/// The features of a sample: its values, and for a table one more.
fn length(data: &Dataset) -> usize {
    data.sample_len() + usize::from(data.columns().is_some())
}

/// The samples of a block.
fn block(len: usize) -> usize {
    (MAX_VALUES / len).clamp(1, MAX_QUERIES)
}

/// The features of `rows`, and for each row the place of a category that was never seen, as
/// [`Rated::unlike`] has it.
fn features(data: &Dataset, rows: &[u32]) -> Result<(Codes, Vec<Option<u32>>), Error> {
    let (width, len) = (data.sample_len(), length(data));
    let mut values = vec![0.0; rows.len() * width];
    data.gather(rows, &mut values)?;
    if width == len {
        return Ok((Codes { values, len }, vec![None; rows.len()]));
    }
    let places = data.out_of_range(rows)?;
    let category = |place: Option<usize>| place.filter(|at| *at >= width).map(|at| at as u32);
    let places: Vec<Option<u32>> = places.into_iter().map(category).collect();
    let mut wide = Vec::with_capacity(rows.len() * len);
    for (at, place) in places.iter().enumerate() {
        wide.extend_from_slice(&values[at * width..][..width]);
        wide.push(f32::from(u8::from(place.is_some())));
    }
    Ok((Codes { values: wide, len }, places))
}

/// The features of those of `rows` that are learnt from.
fn chosen(data: &Dataset, rows: Rows<'_>) -> Result<Codes, Error> {
    let len = length(data);
    let most = (MOST_VALUES / len).clamp(2, MOST);
    let mut kept: Vec<u32> = vec![0; rows.len().min(most)];
    match rows.len() > most {
        true => kept = smallest_hashes(data, rows, most)?,
        false => rows.copy_to(0, &mut kept),
    }
    let mut values = Vec::with_capacity(kept.len() * len);
    for rows in kept.chunks(block(len)) {
        values.extend(features(data, rows)?.0.values);
    }
    Ok(Codes { values, len })
}

/// The `count` rows whose values have the smallest hashes. Equal rows have different ones, so that
/// as many of them are chosen as of others.
fn smallest_hashes(data: &Dataset, rows: Rows<'_>, count: usize) -> Result<Vec<u32>, Error> {
    let len = length(data);
    let mut seen: HashMap<u64, u32> = HashMap::new();
    let mut keys = Vec::with_capacity(rows.len());
    for start in (0..rows.len()).step_by(block(len)) {
        let mut listed = vec![0; block(len).min(rows.len() - start)];
        rows.copy_to(start, &mut listed);
        let samples = features(data, &listed)?.0;
        for (row, sample) in listed.iter().zip(samples.values.chunks_exact(len)) {
            let hash = sample.iter().fold(0, |hash, x| mixed(hash ^ u64::from(x.to_bits())));
            let before = seen.entry(hash).or_insert(0);
            keys.push((mixed(hash ^ u64::from(*before)), *row));
            *before += 1;
        }
    }
    keys.select_nth_unstable(count);
    keys.truncate(count);
    Ok(keys.into_iter().map(|(_, row)| row).collect())
}

/// The output of SplitMix64 for that state.
fn mixed(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// The samples in the order of their values.
fn sorted(samples: Codes) -> Codes {
    let mut order: Vec<u32> = (0..samples.samples() as u32).collect();
    order.sort_by(|a, b| {
        let pairs = samples.row(*a as usize).iter().zip(samples.row(*b as usize));
        pairs.map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne()).unwrap_or(a.cmp(b))
    });
    samples.subset(&order)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of very many rows, those that are taken do not depend on their order, and equal rows are
    /// taken as often as others.
    #[test]
    fn the_same_of_many_rows_are_taken_in_any_order() {
        let row = |at: usize| if at.is_multiple_of(2) { -1.0 } else { at as f32 };
        let taken = |order: &dyn Fn(usize) -> usize| {
            let values: Vec<f32> = (0..4000).map(|at| row(order(at))).collect();
            let data = Dataset::from_floats("rows", values.clone(), &[1], None).unwrap();
            let rows = smallest_hashes(&data, Rows::all(4000), 500).unwrap();
            let mut taken: Vec<f32> = rows.into_iter().map(|row| values[row as usize]).collect();
            taken.sort_by(f32::total_cmp);
            taken
        };
        let once = taken(&|at| at);
        assert_eq!(once.len(), 500);
        assert_eq!(taken(&|at| at * 7 % 4000), once);
        let equal = once.iter().filter(|x| **x == -1.0).count();
        assert!((200..300).contains(&equal), "{equal}");
    }
}
