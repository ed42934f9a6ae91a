//! The built-in data set.

use narrows_datasets::{Dataset, Preparation, builtin};

/// How often each class occurs, as scikit-learn counts it.
const PER_CLASS: [usize; 10] = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180];

fn per_class(dataset: &Dataset) -> [usize; 10] {
    let mut counts = [0; 10];
    dataset.labels().unwrap().unwrap().iter().for_each(|&label| counts[usize::from(label)] += 1);
    counts
}

#[test]
fn the_digits_are_those_of_scikit_learn() {
    let digits = Dataset::digits();
    assert_eq!(
        (digits.name(), digits.len(), digits.sample_len(), digits.classes()),
        ("digits", 1797, 64, 10)
    );
    assert_eq!(
        (digits.image_shape(), digits.preparation()),
        (Some((8, 8, 1)), &Preparation::Bytes { max: 16 })
    );
    assert_eq!(per_class(&digits), PER_CLASS);
    assert_eq!(digits.labels().unwrap().unwrap()[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    #[rustfmt::skip]
    assert_eq!(digits.stored_bytes(0).unwrap(), [
        0, 0,  5, 13,  9,  1,  0, 0,
        0, 0, 13, 15, 10, 15,  5, 0,
        0, 3, 15,  2,  0, 11,  8, 0,
        0, 4, 12,  0,  0,  8,  8, 0,
        0, 5,  8,  0,  0,  9,  8, 0,
        0, 4, 11,  0,  1, 12,  7, 0,
        0, 2, 14,  5, 10, 12,  0, 0,
        0, 0,  6, 13, 10,  0,  0, 0,
    ]);
    assert_eq!(
        digits.stored_bytes(1796).unwrap()[..16],
        [0, 0, 10, 14, 8, 1, 0, 0, 0, 2, 16, 14, 6, 1, 0, 0]
    );
    let values = || (0..1797).flat_map(|row| digits.stored_bytes(row).unwrap());
    assert_eq!(values().map(u64::from).sum::<u64>(), 561_718);
    assert_eq!(values().max(), Some(16));
}

#[test]
fn its_halves_are_balanced_and_together_the_whole() {
    for seed in 0..20 {
        for test_samples in [10, 100, 397, 400, 1000, 1730] {
            let both = builtin(test_samples, seed);
            assert_eq!((both.test.len(), both.train.len()), (test_samples, 1797 - test_samples));
            let (train, test) = (per_class(&both.train), per_class(&both.test));
            for class in 0..10 {
                assert_eq!(train[class] + test[class], PER_CLASS[class]);
                assert!(test[class].abs_diff(test_samples / 10) <= 1);
            }
            let mut samples: Vec<Vec<u8>> = [&both.train, &both.test]
                .iter()
                .flat_map(|half| (0..half.len()).map(|row| half.stored_bytes(row).unwrap()))
                .collect();
            let digits = Dataset::digits();
            let mut expected: Vec<Vec<u8>> =
                (0..1797).map(|row| digits.stored_bytes(row).unwrap()).collect();
            samples.sort();
            expected.sort();
            assert!(samples == expected);
        }
    }
}

#[test]
fn neither_half_is_ever_without_a_class() {
    for (asked, got) in
        [(0, 10), (9, 10), (1731, 1731), (1786, 1786), (1787, 1787), (usize::MAX, 1787)]
    {
        let both = builtin(asked, 3);
        assert_eq!(both.test.len(), got);
        for half in [&both.train, &both.test] {
            assert!(
                per_class(half).iter().all(|&count| count > 0),
                "{asked}: {:?}",
                per_class(half)
            );
        }
    }
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let test_of = |seed| {
        let test = builtin(400, seed).test;
        (0..400).flat_map(|row| test.stored_bytes(row).unwrap().to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(test_of(1), test_of(1));
    assert_ne!(test_of(1), test_of(2));
}
