//! The detector of unusual samples, against its definition in f64, sample by sample.

use narrows_datasets::{Dataset, Rows};
use narrows_engine::Context;
use narrows_models::novelty::{Detector, Normal};

/// Numbers that look random, from 0 to 1.
fn noise(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f64 / (1_u64 << 24) as f64
    };
    (0..n).map(|_| next()).collect()
}

/// Rows of a skewed feature, one of few values, one that follows from both, and one that never
/// varies; some of them far off.
fn rows(n: usize, seed: u64) -> Vec<Vec<f32>> {
    let noise = noise(3 * n, seed);
    let row = |(at, x): (usize, &[f64])| {
        let far = if at % 50 == 7 { 30.0 } else { 0.0 };
        let (a, b) = (-x[0].ln(), (6.0 * x[1]).floor());
        vec![(a + far) as f32, b as f32, (a - b + 0.1 * x[2]) as f32, 2.5]
    };
    noise.chunks_exact(3).enumerate().map(row).collect()
}

fn dataset(rows: &[Vec<f32>], shape: &[usize]) -> Dataset {
    Dataset::from_floats("rows", rows.concat(), shape, None).unwrap()
}

/// The scores of `test` beside `train`; without `test`, of `train` itself.
fn found(threads: usize, train: &[Vec<f32>], test: Option<&[Vec<f32>]>, shape: &[usize]) -> Found {
    let cx = Context::new(threads).unwrap();
    let (train, test) = (dataset(train, shape), test.map(|test| dataset(test, shape)));
    let same = test.is_none();
    let normal = Normal { data: &train, rows: Rows::all(train.len()), same };
    let detector = Detector::fit(&cx, normal, !same).unwrap();
    let data = test.as_ref().unwrap_or(&train);
    let mut found = Found::default();
    detector
        .score(&cx, (data, Rows::all(data.len())), |rated| {
            found.scores.extend_from_slice(rated.scores);
            found.unlike.extend(rated.unlike.iter().zip(rated.sizes).map(|(at, x)| (*at, *x)));
            Ok(())
        })
        .unwrap();
    found
}

#[derive(Debug, Default, PartialEq)]
struct Found {
    scores: Vec<f32>,
    unlike: Vec<(u32, f32)>,
}

/// -ln of the share of `scores` that are at least `score`, and an exponential tail above 90 %.
fn tail(scores: &[f64], score: f64) -> f64 {
    let log = |x: f64| (x + 1e-3).ln();
    let mut logs: Vec<f64> = scores.iter().map(|x| log(*x)).collect();
    logs.sort_by(|a, b| b.total_cmp(a));
    let n = logs.len();
    let high = (n / 10).max(5).min(n - 1);
    let rarity = |count: usize| -((count as f64 + 0.5) / (n as f64 + 1.0)).ln();
    if log(score) <= logs[high] {
        return rarity(logs.iter().filter(|x| **x >= log(score)).count());
    }
    let excess = logs[..high].iter().map(|x| x - logs[high]).sum::<f64>() / high as f64;
    rarity(high) + (log(score) - logs[high]) / excess.max(0.05)
}

/// The definition, for features alike or not.
fn expected(train: &[Vec<f32>], test: Option<&[Vec<f32>]>, alike: bool) -> Vec<f64> {
    let n = train.len();
    let columns = 0..train[0].len();
    let column = |at: usize| train.iter().map(move |row| f64::from(row[at]));
    let mut moments: Vec<(f64, f64)> = columns
        .clone()
        .map(|at| {
            let mean = column(at).sum::<f64>() / n as f64;
            (mean, column(at).map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64)
        })
        .collect();
    if alike {
        let mean = moments.iter().map(|(_, of)| of).sum::<f64>() / moments.len() as f64;
        moments.iter_mut().for_each(|(_, of)| *of = mean);
    }
    let sizes = |row: &Vec<f32>| -> Vec<f64> {
        let size = |(x, (mean, variance)): (&f32, &(f64, f64))| {
            let far = f64::from(*x) - mean;
            let size = match far.abs() < 1e-9 {
                true => 0.0,
                false => (far / variance.sqrt()).clamp(-1e6, 1e6),
            };
            if alike { size } else { size.signum() * (1.0 + size.abs()).ln() }
        };
        row.iter().zip(&moments).map(size).collect()
    };
    let known: Vec<Vec<f64>> = train.iter().map(sizes).collect();
    let values = |row: &[f64]| -> f64 {
        let bins = ((n as f64).sqrt() as usize).clamp(5, 100);
        let rarity = |at: usize| {
            let all: Vec<f64> = known.iter().map(|row| row[at]).collect();
            let low = all.iter().copied().fold(f64::INFINITY, f64::min);
            let high = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if low == high {
                let count = if row[at] == low { n as f64 } else { 0.0 };
                return -((count + 1.0) / (n as f64 + 1.0)).ln();
            }
            let place = |x: f64| (((x - low) / (high - low) * bins as f64) as usize).min(bins - 1);
            let count = |bin: usize| all.iter().filter(|x| place(**x) == bin).count() as f64;
            let inside = (low - 1e-9..=high + 1e-9).contains(&row[at]);
            let bin = place(row[at]);
            let smooth = match inside {
                true => {
                    count(bin.saturating_sub(1)) / 4.0
                        + count(bin) / 2.0
                        + count((bin + 1).min(bins - 1)) / 4.0
                }
                false => 0.0,
            };
            -((smooth + 1.0) / (n + bins) as f64).ln()
        };
        (0..row.len()).map(rarity).sum()
    };
    let (k, weight) = if test.is_none() { (20, 0.5) } else { (1, 2.0 / 3.0) };
    let weight = if alike { 1.0 } else { weight };
    let near = |row: &[f64], own: Option<usize>| -> f64 {
        let others = known.iter().enumerate().filter(|(at, _)| own != Some(*at));
        let far = |(_, other): (usize, &Vec<f64>)| {
            other.iter().zip(row).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
        };
        let mut all: Vec<f64> = others.map(far).collect();
        all.sort_by(f64::total_cmp);
        all[..k].iter().sum::<f64>() / k as f64
    };
    let distances: Vec<f64> =
        known.iter().enumerate().map(|(at, row)| near(row, Some(at))).collect();
    let rarities: Vec<f64> = known.iter().map(|row| values(row)).collect();
    let score = |(at, row): (usize, &Vec<f32>)| {
        let row = sizes(row);
        let near = tail(&distances, near(&row, test.is_none().then_some(at)));
        (weight * near + (1.0 - weight) * tail(&rarities, values(&row))) / 10.0_f64.ln()
    };
    test.unwrap_or(train).iter().enumerate().map(score).collect()
}

fn compare(found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(*found) - expected).abs() < 1e-3, "{at}: {found} {expected}");
    }
}

#[test]
fn scores_are_those_of_the_definition() {
    let (train, mut test) = (rows(300, 1), rows(60, 2));
    test[3][0] = -9999.0;
    test[4][3] = 2.6;
    let apart = found(2, &train, Some(&test), &[4]);
    compare(&apart.scores, &expected(&train, Some(&test), false));
    compare(&found(2, &train, None, &[4]).scores, &expected(&train, None, false));
    // What is farthest from its mean: a number far off, and another where there was only one.
    assert!(apart.unlike[3].0 == 0 && apart.unlike[3].1 > 1000.0, "{:?}", apart.unlike[3]);
    assert_eq!(apart.unlike[4], (3, 1e6));
    let highest = apart.scores.iter().copied().fold(0.0, f32::max);
    assert!(apart.scores[3] == highest || apart.scores[4] == highest);

    // Pixels of images are alike.
    let (train, test) = (rows(200, 3), rows(40, 4));
    let images = found(2, &train, Some(&test), &[2, 2]);
    compare(&images.scores, &expected(&train, Some(&test), true));
}

#[test]
fn the_order_of_rows_and_threads_change_no_bit() {
    // More than one block of neighbours, with equal rows.
    let mut train = rows(1500, 5);
    (0..40).for_each(|at| train[at] = train[at % 3].clone());
    let (test, once) = (rows(100, 6), found(1, &train, None, &[4]));
    let beside = found(1, &train, Some(&test), &[4]);
    let order: Vec<usize> = (0..train.len()).map(|at| at * 7 % train.len()).collect();
    let turned: Vec<Vec<f32>> = order.iter().map(|at| train[*at].clone()).collect();
    for threads in [2, 3] {
        assert_eq!(found(threads, &turned, Some(&test), &[4]), beside);
        let found = found(threads, &turned, None, &[4]);
        for (at, from) in order.iter().enumerate() {
            assert_eq!(found.scores[at], once.scores[*from], "{at}");
        }
    }
}

#[test]
fn what_nothing_can_be_learnt_from_is_refused() {
    let cx = Context::new(1).unwrap();
    let refused = |train: &[Vec<f32>], learnt: &[u32]| {
        let data = dataset(train, &[4]);
        let normal = Normal { data: &data, rows: Rows::Listed(learnt), same: true };
        Detector::fit(&cx, normal, false).unwrap_err().to_string()
    };
    let few = rows(3, 8);
    for (learnt, says) in [(&[][..], "there are none"), (&[1], "there is 1")] {
        let said = refused(&few, learnt);
        assert!(said.contains(says) && !said.contains('\n'), "{said}");
    }
    let said = refused(&[few[0].clone(), few[0].clone()], &[0, 1]);
    assert!(said.contains("all 2 rows to learn from are equal"), "{said}");
    // Two rows are enough.
    assert_eq!(found(1, &few[..2], None, &[4]).scores.len(), 2);
}
