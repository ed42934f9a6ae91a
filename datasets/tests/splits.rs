//! Shuffles, hold-outs, label draws and batches over many seeds, and the values that they are
//! pinned to.

use std::collections::BTreeSet;

use narrows_datasets::{Dataset, Loader, Rows, draw_labels, holdout, shuffle_into, shuffled};

fn assert_permutation(rows: &[u32]) {
    let mut sorted = rows.to_vec();
    sorted.sort_unstable();
    assert!(sorted.iter().copied().eq(0..rows.len() as u32), "{rows:?}");
}

/// `counts[class]` labels of each class in a mixed order.
fn labels_of(counts: &[usize]) -> Vec<u16> {
    let labels: Vec<u16> =
        counts.iter().enumerate().flat_map(|(class, &count)| vec![class as u16; count]).collect();
    let order = shuffled(labels.len(), 99, 0);
    order.iter().map(|&row| labels[row as usize]).collect()
}

fn per_class(labels: &[u16], rows: &[u32], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    rows.iter().for_each(|&row| counts[usize::from(labels[row as usize])] += 1);
    counts
}

fn assert_ascending_and_apart(train: &[u32], validation: &[u32]) {
    for rows in [train, validation] {
        assert!(rows.windows(2).all(|pair| pair[0] < pair[1]));
    }
    let train: BTreeSet<_> = train.iter().collect();
    assert!(validation.iter().all(|row| !train.contains(row)));
}

/// The values that `oracle/splits.py` computes. They never change: a resumed run and a repeated
/// experiment rely on them.
#[test]
fn splits_are_pinned() {
    assert_eq!(shuffled(10, 0, 0), [8, 7, 6, 2, 1, 3, 9, 4, 5, 0]);
    assert_eq!(shuffled(10, 7, 3), [4, 7, 8, 0, 5, 9, 3, 6, 1, 2]);
    let whole = shuffled(60_000, u64::MAX, 1 << 63);
    assert_eq!(whole[..4], [53563, 803, 28332, 12451]);
    assert_eq!(whole[59_996..], [56075, 38825, 26278, 779]);
    assert_eq!(holdout(12, 4, 5), [0, 2, 5, 11]);
    let labels: Vec<u16> = (0..40).map(|row| row % 7 % 3).collect();
    let draw = draw_labels(&labels, 3, 7, 5, 11, 2).unwrap();
    assert_eq!(draw.train, [4, 5, 7, 8, 23, 35, 37]);
    assert_eq!(draw.validation, [18, 19, 27, 28, 39]);
}

#[test]
fn every_epoch_is_another_permutation() {
    let mut seen = BTreeSet::new();
    for seed in 0..30 {
        for epoch in 0..30 {
            let order = shuffled(50, seed, epoch);
            assert_permutation(&order);
            assert_eq!(order, shuffled(50, seed, epoch));
            let mut again = vec![u32::MAX; 50];
            shuffle_into(&mut again, seed, epoch);
            assert_eq!(order, again);
            assert!(seen.insert(order), "seed {seed} epoch {epoch} repeats another");
        }
    }
    assert!(shuffled(0, 1, 1).is_empty());
    assert_eq!(shuffled(1, 1, 1), [0]);
}

/// Each of the 24 orders of four rows is expected 1,000 times in 24,000 epochs, with a standard
/// deviation of 31.
#[test]
fn every_order_is_equally_likely() {
    let mut counts = std::collections::BTreeMap::new();
    for epoch in 0..24_000 {
        *counts.entry(shuffled(4, 0, epoch)).or_insert(0_i32) += 1;
    }
    assert_eq!(counts.len(), 24);
    assert!(counts.values().all(|count| (count - 1000).abs() < 5 * 31), "{counts:?}");
}

#[test]
fn a_holdout_is_a_partition() {
    for seed in 0..50 {
        for (n, held) in
            [(0, 0), (1, 0), (1, 1), (10, 3), (100, 99), (7, 7), (7, 8), (7, usize::MAX)]
        {
            let out = holdout(n, held, seed);
            let rows = Rows::AllBut { of: n, held: &out };
            let kept: Vec<u32> = (0..rows.len()).map(|position| rows.get(position)).collect();
            assert_eq!(out.len(), held.min(n));
            assert_ascending_and_apart(&kept, &out);
            assert_permutation(&[kept, out].concat());
        }
    }
    assert_ne!(holdout(100, 50, 1), holdout(100, 50, 2));
}

#[test]
fn a_draw_is_balanced_where_every_class_has_its_share() {
    let labels = labels_of(&[60, 41, 55, 70, 48]);
    for seed in 0..40 {
        for draw in 0..5 {
            for (train, validation) in [(5, 0), (7, 3), (100, 100), (101, 99), (53, 22), (14, 189)]
            {
                let drawn = draw_labels(&labels, 5, train, validation, seed, draw).unwrap();
                assert_eq!((drawn.train.len(), drawn.validation.len()), (train, validation));
                assert_ascending_and_apart(&drawn.train, &drawn.validation);
                for (rows, count) in [(&drawn.train, train), (&drawn.validation, validation)] {
                    let counts = per_class(&labels, rows, 5);
                    assert!(
                        counts.iter().all(|&of| of == count / 5 || of == count.div_ceil(5)),
                        "{counts:?}"
                    );
                }
                assert_eq!(drawn, draw_labels(&labels, 5, train, validation, seed, draw).unwrap());
            }
        }
    }
    let draw = |seed, draw| draw_labels(&labels, 5, 20, 20, seed, draw).unwrap();
    assert_ne!(draw(1, 0), draw(1, 1));
    assert_ne!(draw(1, 0), draw(2, 0));
}

#[test]
fn a_remainder_favours_no_class_over_the_draws() {
    let labels = labels_of(&[30; 4]);
    let mut counts = [0; 4];
    for draw in 0..4000 {
        let drawn = draw_labels(&labels, 4, 5, 0, 0, draw).unwrap();
        per_class(&labels, &drawn.train, 4)
            .iter()
            .zip(&mut counts)
            .for_each(|(of, count)| *count += of);
    }
    // 1,000 draws of the fifth label each, with a standard deviation of 27.
    assert!(counts.iter().all(|&count: &usize| count.abs_diff(5000) < 5 * 27), "{counts:?}");
}

#[test]
fn more_labels_contain_the_fewer_and_leave_validation_alone() {
    let labels = labels_of(&[60, 41, 55, 70, 48]);
    for seed in 0..20 {
        let draws: Vec<_> =
            (5..100).map(|train| draw_labels(&labels, 5, train, 50, seed, 0).unwrap()).collect();
        for pair in draws.windows(2) {
            assert!(pair[0].train.iter().all(|row| pair[1].train.contains(row)));
            assert_eq!(pair[0].validation, pair[1].validation);
        }
    }
}

#[test]
fn a_small_class_makes_the_draw_follow_the_frequencies() {
    for counts in [&[100, 300, 600, 2][..], &[1, 1, 1, 1], &[1, 50, 1, 7], &[900, 2, 2, 2], &[17]] {
        let labels = labels_of(counts);
        let (n, classes) = (labels.len(), counts.len());
        for seed in 0..20 {
            for train in [classes, classes + 1, n / 3, n / 2, n - 1, n] {
                for validation in [0, 1, n / 3, n / 2, n - 1] {
                    if train < classes || train + validation > n {
                        continue;
                    }
                    let drawn = draw_labels(&labels, classes, train, validation, seed, 0).unwrap();
                    assert_eq!((drawn.train.len(), drawn.validation.len()), (train, validation));
                    assert_ascending_and_apart(&drawn.train, &drawn.validation);
                    assert!(per_class(&labels, &drawn.train, classes).iter().all(|&of| of > 0));
                }
            }
        }
    }
    // 1,002 samples, 200 of each: 1 for certain, and one in five of the rest, to within one.
    let labels = labels_of(&[100, 300, 600, 2]);
    let drawn = draw_labels(&labels, 4, 200, 200, 0, 0).unwrap();
    for rows in [&drawn.train, &drawn.validation] {
        let counts = per_class(&labels, rows, 4);
        for (of, expected) in counts.iter().zip([20_usize, 60, 120, 0]) {
            assert!(of.abs_diff(expected) <= 2, "{counts:?}");
        }
    }
}

#[test]
fn a_draw_that_cannot_be_had_says_why() {
    let labels = [0, 1, 1, 3, 3, 3];
    for (classes, train, validation, part) in [
        (4, 4, 0, "class 2 has none of the 6 samples"),
        (5, 5, 0, "class 2 has none of the 6 samples"),
        (3, 3, 0, "row 3 has the label 3, where 3 classes end at 2"),
        (0, 1, 0, "0 classes"),
        (65_536, 65_536, 0, "65536 classes were named"),
        (usize::MAX, 1, 0, "classes"),
    ] {
        let message =
            draw_labels(&labels, classes, train, validation, 0, 0).unwrap_err().to_string();
        assert!(message.contains(part) && !message.contains('\n'), "{message:?}");
    }
    let labels = [0, 1, 1, 2, 2, 2];
    for (train, validation, part) in [
        (2, 0, "2 training labels cannot cover 3 classes: ask for 3 or more"),
        (0, 3, "0 training labels cannot cover 3 classes"),
        (4, 3, "4 training and 3 validation labels are more than the 6 samples there are"),
        (usize::MAX, 1, "more than the 6 samples"),
        (3, usize::MAX, "more than the 6 samples"),
    ] {
        let message = draw_labels(&labels, 3, train, validation, 0, 0).unwrap_err().to_string();
        assert!(message.contains(part) && !message.contains('\n'), "{message:?}");
    }
    assert!(draw_labels(&[], 1, 1, 0, 0, 0).is_err());
}

#[test]
fn batches_cover_the_order_in_lengths_that_differ_by_one_at_most() {
    let digits = Dataset::digits();
    for n in 0..60 {
        let order = shuffled(n, 1, 2);
        for batch in 1..=20 {
            let mut loader = Loader::new(&digits, Rows::all(n), batch, 1);
            let (steps, mut epoch, mut batches) = (loader.steps(), loader.epoch(2), Vec::new());
            while epoch.advance().unwrap() {
                batches.push(epoch.rows().to_vec());
            }
            let dropped = usize::from(batch == 2 && n % 2 == 1 && n > 1);
            assert_eq!(batches.concat(), order[..n - dropped]);
            assert_eq!(batches.len(), (n - dropped).div_ceil(batch));
            assert_eq!(batches.len(), steps);
            let lengths = || batches.iter().map(Vec::len);
            let (longest, shortest) = (lengths().max().unwrap_or(0), lengths().min().unwrap_or(0));
            assert!(longest <= batch && longest - shortest <= 1, "{n} {batch}");
            assert!(
                shortest >= batch.min(2) || n <= 1,
                "{n} {batch}: a single row has no variance"
            );
        }
    }
}
