//! Probes, against brute force.

use narrows_datasets::{Rows, TrainTest, builtin, draw_labels};
use narrows_engine::{Context, Params};
use narrows_models::probe::neighbours::{Distance, Neighbours};
use narrows_models::probe::{Codes, Probe, Probing};
use narrows_models::{Architecture, Metric, Model};

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

fn far(a: &[f32], b: &[f32], distance: Distance) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    match distance {
        Distance::Euclidean => a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum(),
        Distance::Cosine => 1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt(),
    }
}

#[test]
fn neighbours_are_those_of_all_pairs() {
    let len = 7;
    // More than a block of either, and no multiple of it.
    let (queries, references) =
        (Codes { values: noise(len * 301, 1), len }, Codes { values: noise(len * 1205, 2), len });
    for distance in [Distance::Euclidean, Distance::Cosine] {
        let cx = Context::new(2).unwrap();
        let found = Neighbours::of(&cx, &queries, &references, 9, distance, false);
        assert_eq!(found.k, 9);
        for i in 0..queries.samples() {
            let mut all: Vec<(f64, usize)> = (0..references.samples())
                .map(|j| (far(queries.row(i), references.row(j), distance), j))
                .collect();
            all.sort_by(|a, b| a.partial_cmp(b).unwrap());
            for ((j, d), (expected, _)) in found.row(i).zip(&all) {
                assert!((f64::from(d) - expected).abs() < 1e-5, "query {i}: {d} {expected}");
                assert!((far(queries.row(i), references.row(j), distance) - expected).abs() < 1e-5);
            }
        }
        let single =
            Neighbours::of(&Context::new(1).unwrap(), &queries, &references, 9, distance, false);
        assert_eq!(found, single, "threads change nothing");
    }
}

#[test]
fn neighbours_among_themselves_are_those_of_all_pairs() {
    // Three blocks, the last of them of one code; and doubles, of which the first comes first.
    let (len, n) = (5, 1025);
    let mut values = noise(len * n, 4);
    values.copy_within(0..len * 3, len * 1020);
    let codes = Codes { values, len };
    for distance in [Distance::Euclidean, Distance::Cosine] {
        let found = |threads| {
            let cx = Context::new(threads).unwrap();
            Neighbours::of(&cx, &codes, &codes, 6, distance, true)
        };
        let single = found(1);
        for i in 0..n {
            let mut all: Vec<f64> = (0..n)
                .filter(|&j| j != i)
                .map(|j| far(codes.row(i), codes.row(j), distance))
                .collect();
            all.sort_by(f64::total_cmp);
            let mut before = (-1.0, 0);
            for ((j, d), expected) in single.row(i).zip(&all) {
                assert!(j != i && (f64::from(d) - expected).abs() < 1e-5, "{i}: {d} {expected}");
                assert!((far(codes.row(i), codes.row(j), distance) - expected).abs() < 1e-5);
                assert!(before < (d, j), "{i}: {before:?} {:?}", (d, j));
                before = (d, j);
            }
        }
        for threads in [2, 3] {
            assert_eq!(found(threads), single, "threads change nothing");
        }
    }
}

#[test]
fn a_sample_is_no_neighbour_of_its_own_but_its_double_is() {
    let cx = Context::new(1).unwrap();
    let mut values = noise(4 * 700, 3);
    values.copy_within(0..4, 4 * 650);
    let codes = Codes { values, len: 4 };
    let found = Neighbours::of(&cx, &codes, &codes, 3, Distance::Euclidean, true);
    for i in 0..codes.samples() {
        assert!(found.row(i).all(|(j, _)| j != i));
    }
    assert_eq!(found.row(0).next().unwrap().0, 650);
    // All others, where more are asked for.
    let few = codes.subset(&[1, 2, 3]);
    assert_eq!(Neighbours::of(&cx, &few, &few, 10, Distance::Cosine, true).k, 2);
}

fn probing(data: &TrainTest, probes: Vec<Probe>) -> Probing<'_> {
    Probing {
        data,
        encoder: None,
        probes,
        transductive: false,
        metric: Metric::Accuracy,
        labels: 60,
        validation: 40,
        draws: 2,
        seed: 3,
    }
}

/// What the nearest-neighbour probe does, the long way.
#[test]
fn the_knn_probe_is_brute_force() {
    let cx = Context::new(2).unwrap();
    let data = builtin(500, 0);
    let result = &probing(&data, vec![Probe::Knn]).run(&cx, &()).unwrap()[0];
    let rows = |data, n| Codes::of(&cx, None, data, Rows::all(n)).unwrap();
    let (train, test) = (rows(&data.train, data.train.len()), rows(&data.test, data.test.len()));
    let labels = data.train.labels().unwrap().unwrap();
    let test_labels = data.test.labels().unwrap().unwrap();
    for draw in 0..2 {
        let few = draw_labels(labels, 10, 60, 40, 3, draw as u64).unwrap();
        let classify = |code: &[f32], k: usize, distance| -> u16 {
            let mut all: Vec<(f64, u16)> = (few.train.iter())
                .map(|&row| (far(code, train.row(row as usize), distance), labels[row as usize]))
                .collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0));
            let votes = |class| all[..k].iter().filter(|(_, other)| *other == class).count();
            let most = (0..10).map(votes).max().unwrap();
            all[..k].iter().find(|(_, class)| votes(*class) == most).unwrap().1
        };
        let mut best = (-1.0, Distance::Euclidean, 0);
        for distance in [Distance::Euclidean, Distance::Cosine] {
            for k in [1, 3, 5, 10, 20, 50] {
                let right = |row: &&u32| {
                    classify(train.row(**row as usize), k, distance) == labels[**row as usize]
                };
                let score = few.validation.iter().filter(right).count() as f64 / 40.0;
                if score > best.0 {
                    best = (score, distance, k);
                }
            }
        }
        let (score, distance, k) = best;
        assert!((result.validation_accuracy.per_draw[draw] - score).abs() < 1e-12);
        assert_eq!(result.chosen[draw], format!("{} k {k}", distance.name()));
        let right =
            (0..500).filter(|&i| classify(test.row(i), k, distance) == test_labels[i]).count();
        assert!((result.test_accuracy.per_draw[draw] - right as f64 / 500.0).abs() < 1e-12);
    }
}

#[test]
fn probes_learn_and_threads_change_nothing() {
    let data = builtin(500, 0);
    let architecture =
        Architecture { widths: vec![32], ..Architecture::new(Model::Dense, [8, 8, 1]) };
    // A random encoder keeps a good part of what is in the samples.
    let params = Params::new(&architecture.autoencoder().unwrap(), 1);
    let all: Vec<Probe> = Probe::ALL.iter().map(|(_, probe)| *probe).collect();
    for encoder in [None, Some((&architecture, &params))] {
        let run = |threads, transductive| {
            let probing = Probing { encoder, transductive, ..probing(&data, all.clone()) };
            probing.run(&Context::new(threads).unwrap(), &()).unwrap()
        };
        let (one, two) = (run(1, false), run(2, false));
        for (one, two) in one.iter().zip(&two) {
            assert_eq!(one.test_accuracy.per_draw, two.test_accuracy.per_draw);
            assert_eq!(one.chosen, two.chosen);
            assert!(
                one.test_accuracy.estimate.mean > 0.5,
                "{:?}: {:?}",
                one.name,
                one.test_accuracy
            );
        }
        let transductive = run(2, true);
        assert_eq!(one[0].test_accuracy.per_draw, transductive[0].test_accuracy.per_draw);
        assert!(transductive[2].test_accuracy.estimate.mean > 0.5);
        if encoder.is_none() {
            // The graph of all samples knows more than the labels alone.
            assert!(
                one[2].test_accuracy.estimate.mean > one[1].test_accuracy.estimate.mean,
                "{one:?}"
            );
        }
    }
}
