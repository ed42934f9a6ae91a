//! Distances to the nearest features, against all pairs in f64.

use narrows_datasets::{Rows, builtin};
use narrows_engine::{Context, Params};
use narrows_models::novelty::{Normal, References, score};
use narrows_models::probe::Codes;
use narrows_models::{Architecture, Error, Model};

/// Numbers that look random, between -1 and 1.
fn noise(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

/// The mean distance of `x` to the `k` nearest of all references but `own`.
fn expected(x: &[f32], references: &Codes, own: Option<u32>, k: usize) -> f64 {
    let far = |y: &[f32]| {
        let squares = x.iter().zip(y).map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let others = (0..references.samples()).filter(|at| own != Some(*at as u32));
    let mut all: Vec<f64> = others.map(|at| far(references.row(at))).collect();
    all.sort_by(f64::total_cmp);
    all[..k].iter().sum::<f64>() / k as f64
}

/// That the scores are those of all pairs, to the part `tolerance`, and the same for any threads.
fn compare(queries: &Codes, references: &Codes, own: &[Option<u32>], k: usize, tolerance: f64) {
    let scores = |threads| {
        let cx = Context::new(threads).unwrap();
        let references = References::of(references.clone()).unwrap();
        references.distances(&cx, queries.clone(), own, k).unwrap()
    };
    let found = scores(1);
    for (at, found) in found.iter().enumerate() {
        let expected = expected(queries.row(at), references, own[at], k);
        let error = (f64::from(*found) - expected).abs();
        assert!(error <= tolerance * expected, "{at}: {found} {expected}");
    }
    for threads in [2, 3] {
        assert_eq!(scores(threads), found, "threads change nothing");
    }
}

/// By scikit-learn 1.9: `NearestNeighbors(n_neighbors=5).fit(references)`, the mean of
/// `kneighbors(queries)` and the first of `kneighbors()`, whose samples leave themselves out.
#[test]
fn scores_are_those_of_scikit_learn() {
    let table = |n: usize, of: &dyn Fn(usize, usize) -> usize| Codes {
        values: (0..n * 5).map(|at| of(at / 5, at % 5) as f32).collect(),
        len: 5,
    };
    let references = table(30, &|i, j| (7 * i + 3 * j * j) % 11);
    let queries = table(6, &|i, j| (5 * i + 2 * j) % 13);
    let cx = Context::new(2).unwrap();
    let normal = References::of(references.clone()).unwrap();
    let same = |found: Vec<f32>, expected: [f64; 6]| {
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((f64::from(found) - expected).abs() < 1e-6, "{found} {expected}");
        }
    };
    same(
        normal.distances(&cx, queries, &[None; 6], 5).unwrap(),
        [4.312395641, 9.316316695, 9.622352946, 4.289143990, 5.856494354, 7.071610239],
    );
    let first = references.subset(&[0, 1, 2, 3, 4, 5]);
    let own: Vec<_> = (0..6).map(Some).collect();
    same(
        normal.distances(&cx, first, &own, 5).unwrap(),
        [1.788854382, 5.909314681, 1.341640786, 5.909314681, 5.939543121, 1.341640786],
    );
}

#[test]
fn distances_are_those_of_all_pairs() {
    let len = 13;
    let codes = |n: usize, seed| Codes { values: noise(len * n, seed), len };
    let (queries, references) = (codes(530, 1), codes(1205, 2));
    for k in [1, 5, 40] {
        compare(&queries, &references, &[None; 530], k, 1e-6);
    }
    // All references, which are fewer than the candidates.
    let few = codes(6, 3);
    compare(&queries, &few, &[None; 530], 6, 1e-6);
}

/// In f32, the products of such numbers know nothing of their distances.
#[test]
fn close_features_far_from_the_mean_are_told_apart() {
    let (len, n) = (8, 700);
    let values = noise(len * n, 4).into_iter().enumerate().map(|(at, x)| {
        let side = if (at / len).is_multiple_of(2) { 1000.0 } else { -1000.0 };
        side + x / 16.0
    });
    let references = Codes { values: values.collect(), len };
    let queries = references.subset(&(0..100).collect::<Vec<_>>());
    let own: Vec<_> = (0..100).map(Some).collect();
    // Numbers near 1,000 are multiples of 6e-5, and lose half of that with the mean.
    compare(&queries, &references, &own, 5, 2e-3);
}

#[test]
fn a_reference_leaves_itself_out_but_not_its_doubles() {
    let len = 4;
    let mut values = noise(len * 100, 5);
    // More of one than there are candidates.
    (60..90).for_each(|to| values.copy_within(0..len, to * len));
    values.copy_within(len..2 * len, 50 * len);
    let references = Codes { values, len };
    let own: Vec<_> = (0..100).map(Some).collect();
    compare(&references, &references, &own, 5, 1e-6);
    let cx = Context::new(1).unwrap();
    let normal = References::of(references.clone()).unwrap();
    let scores = |own| normal.distances(&cx, references.subset(&[0, 1, 2]), own, 1).unwrap();
    let found = scores(&[Some(0), Some(1), Some(2)]);
    assert!(found[0] == 0.0 && found[1] == 0.0 && found[2] > 0.0, "{found:?}");
    assert_eq!(scores(&[None; 3]), [0.0; 3]);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let says = |result: Result<Vec<f32>, Error>, part: &str| {
        let message = result.unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    };
    let cx = Context::new(1).unwrap();
    let codes = || Codes { values: noise(12, 6), len: 4 };
    let normal = References::of(codes()).unwrap();
    assert!(normal.distances(&cx, codes(), &[None; 3], 3).is_ok());
    says(normal.distances(&cx, codes(), &[None; 3], 4), "4 neighbours of each sample");
    says(normal.distances(&cx, codes(), &[None, Some(1), None], 3), "among 2");
    says(normal.distances(&cx, codes(), &[None; 3], 0), "0 neighbours");
    let large = Codes { values: vec![1e30; 4], len: 4 };
    says(normal.distances(&cx, large, &[None], 1), "too large");
    let none = Codes { values: Vec::new(), len: 4 };
    assert!(References::of(none).unwrap_err().to_string().contains("no features"));
}

/// The features of samples, those of training from a list of rows.
#[test]
fn samples_are_scored_by_their_codes() {
    let data = builtin(500, 0).train;
    let architecture =
        Architecture { widths: vec![32], ..Architecture::new(Model::Dense, [8, 8, 1]) };
    let params = Params::new(&architecture.autoencoder().unwrap(), 1);
    let normal: Vec<u32> = (0..data.len() as u32).filter(|row| row % 3 != 0).collect();
    let scored: Vec<u32> = (0..data.len() as u32).filter(|row| row % 2 == 0).rev().collect();
    let run = |threads, same| {
        let normal = Normal { data: &data, rows: Rows::Listed(&normal), same };
        let (mut rows, mut scores) = (Vec::new(), Vec::new());
        let take = |listed: &[u32], found: &[f32]| {
            rows.extend_from_slice(listed);
            scores.extend_from_slice(found);
            Ok(())
        };
        let samples = (&data, Rows::Listed(&scored[..]));
        score(&Context::new(threads).unwrap(), (&architecture, &params), normal, 5, samples, take)
            .unwrap();
        assert_eq!(rows, scored);
        scores
    };
    let cx = Context::new(1).unwrap();
    let codes = Codes::of(&cx, Some((&architecture, &params)), &data, Rows::all(data.len()));
    let codes = codes.unwrap();
    let references = codes.subset(&normal);
    for same in [true, false] {
        let found = run(1, same);
        assert_eq!(run(2, same), found, "threads change nothing");
        for (row, found) in scored.iter().zip(found) {
            let own = normal.iter().position(|other| other == row).filter(|_| same);
            let expected =
                expected(codes.row(*row as usize), &references, own.map(|at| at as u32), 5);
            assert!((f64::from(found) - expected).abs() < 1e-5 * expected, "{row}: {found}");
        }
    }
}
