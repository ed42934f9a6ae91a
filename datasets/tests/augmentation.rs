//! Augmentation as a whole: its order, its random numbers, what it refuses. Each operation has its
//! tests beside it.

use narrows_datasets::{Augmentation, Augmenter, Dataset, SampleKey};

const OFF: Augmentation = Augmentation {
    rotate: 0.0,
    scale: 0.0,
    shear: 0.0,
    crop: 0,
    shift: 0,
    flip: 0.0,
    brightness: 0.0,
    contrast: 0.0,
    gaussian: 0.0,
    mask: 0.0,
    patch: 0,
    salt: 0.0,
    cutout: 0,
};

/// Each operation alone, in the order in which they are done, and whether it is for images only.
const ALONE: [(Augmentation, bool); 11] = [
    (Augmentation { rotate: 30.0, scale: 0.3, shear: 20.0, ..OFF }, true),
    (Augmentation { crop: 3, ..OFF }, true),
    (Augmentation { shift: 2, ..OFF }, true),
    (Augmentation { flip: 0.5, ..OFF }, true),
    (Augmentation { brightness: 0.4, ..OFF }, false),
    (Augmentation { contrast: 0.5, ..OFF }, false),
    (Augmentation { gaussian: 0.2, ..OFF }, false),
    (Augmentation { mask: 0.3, ..OFF }, false),
    (Augmentation { salt: 0.1, ..OFF }, false),
    (Augmentation { cutout: 4, ..OFF }, true),
    (Augmentation { mask: 0.6, patch: 2, ..OFF }, true),
];

const ALL: Augmentation = Augmentation {
    rotate: 30.0,
    scale: 0.3,
    shear: 20.0,
    crop: 3,
    shift: 2,
    flip: 0.5,
    brightness: 0.4,
    contrast: 0.5,
    gaussian: 0.2,
    mask: 0.3,
    patch: 0,
    salt: 0.1,
    cutout: 4,
};

type Shape = (usize, usize, usize);

fn image((h, w, c): Shape) -> Vec<f32> {
    (0..h * w * c).map(|i| (i * 37 % 101 + 1) as f32 / 101.0).collect()
}

fn augmented(augmentation: Augmentation, key: SampleKey, shape: Shape, x: &mut [f32]) {
    let augmenter = Augmenter::new(augmentation, Some(shape)).unwrap();
    let mut scratch = vec![f32::NAN; augmenter.scratch_len()];
    augmenter.transform(key, x, &mut scratch);
    augmenter.corrupt(key, x);
}

#[test]
fn everything_at_once_is_each_alone_in_the_documented_order() {
    for shape in [(8, 8, 1), (5, 9, 3), (9, 4, 4), (28, 28, 1)] {
        for row in 0..200 {
            let key = SampleKey { seed: 3, epoch: u64::from(row % 7), row };
            let (mut at_once, mut one_by_one) = (image(shape), image(shape));
            augmented(ALL, key, shape, &mut at_once);
            // Patches are another way to mask.
            for (alone, _) in ALONE.into_iter().filter(|(alone, _)| alone.patch == 0) {
                augmented(alone, key, shape, &mut one_by_one);
            }
            assert_eq!(at_once, one_by_one, "{shape:?} {key:?}");
        }
    }
}

#[test]
fn a_key_gives_the_same_bits_and_each_part_of_it_others() {
    let shape = (8, 8, 1);
    for (alone, _) in ALONE {
        let run = |seed, epoch, row| {
            // Several rows, since flipping knows two outcomes alone.
            let samples = (row..row + 20).map(|row| {
                let mut x = image(shape);
                augmented(alone, SampleKey { seed, epoch, row }, shape, &mut x);
                x
            });
            samples.collect::<Vec<_>>().concat()
        };
        let first = run(1, 1, 1);
        assert_eq!(first, run(1, 1, 1), "{alone:?}");
        for other in
            [run(2, 1, 1), run(1, 2, 1), run(1, 1, 100), run(1 << 40, 1, 1), run(1, 1 << 40, 1)]
        {
            assert_ne!(first, other, "{alone:?}");
        }
    }
}

/// The bits of a training have to be those of the last version: a resumed run goes on with them.
#[test]
fn the_bits_of_all_operations_are_pinned() {
    for (augmentation, expected) in [
        (Augmentation { salt: 0.0, ..ALL }, 0x998d_4d44_ae52_77f7),
        (ALL, 0x9fc2_aec2_70c4_c26a),
        (Augmentation { patch: 2, ..ALL }, 0x9f48_27d4_4d53_3dc7),
    ] {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64; // FNV-1a
        for row in 0..20 {
            let shape = [(8, 8, 1), (5, 9, 3)][row as usize % 2];
            let mut x = image(shape);
            augmented(augmentation, SampleKey { seed: 3, epoch: 4, row }, shape, &mut x);
            for byte in x.iter().flat_map(|x| x.to_bits().to_le_bytes()) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            }
        }
        assert_eq!(hash, expected, "{augmentation:?}: {hash:#x}");
    }
}

#[test]
fn off_changes_nothing() {
    assert!(OFF.is_off() && OFF == Augmentation::default() && !OFF.corrupts());
    let mut x = image((5, 6, 3));
    augmented(OFF, SampleKey { seed: 1, epoch: 1, row: 1 }, (5, 6, 3), &mut x);
    assert_eq!(x, image((5, 6, 3)));
    for (i, (alone, _)) in ALONE.into_iter().enumerate() {
        assert!(!alone.is_off());
        assert_eq!(alone.corrupts(), i >= 6, "{alone:?}");
    }
}

#[test]
fn what_is_transformed_stays_between_0_and_1() {
    let transform = Augmentation {
        gaussian: 0.0,
        mask: 0.0,
        salt: 0.0,
        cutout: 0,
        brightness: 1.0,
        contrast: 1.0,
        ..ALL
    };
    for row in 0..500 {
        // Much of it at the ends of the range.
        let mut x: Vec<f32> =
            (0..64).map(|i| [0.0, 1.0, 0.9999999, 0.5][(i * 7 + i / 8) % 4]).collect();
        augmented(transform, SampleKey { seed: 1, epoch: 0, row }, (8, 8, 1), &mut x);
        assert!(x.iter().all(|x| (0.0..=1.0).contains(x)), "{x:?}");
    }
}

#[test]
fn each_shift_comes_as_often_as_any_other() {
    let (h, w) = (9, 6);
    let mut counts = [[0; 5]; 5];
    for row in 0..25 * 400 {
        let mut x = vec![0.0; h * w];
        x[4 * w + 3] = 1.0;
        augmented(
            Augmentation { shift: 2, ..OFF },
            SampleKey { seed: 1, epoch: 0, row },
            (h, w, 1),
            &mut x,
        );
        let at = x.iter().position(|x| *x == 1.0).expect("it is far from the border");
        counts[at / w - 2][at % w - 1] += 1;
    }
    // 400 each, with a standard deviation of 20.
    assert!(counts.iter().flatten().all(|&n: &i32| (n - 400).abs() < 5 * 20), "{counts:?}");
}

#[test]
fn images_are_flipped_as_often_as_asked_for() {
    for (flip, n) in [(0.0, 4000), (0.25, 4000), (0.5, 4000), (1.0, 4000)] {
        let flipped = (0..n).filter(|&row| {
            let mut x = vec![1.0, 0.0];
            augmented(
                Augmentation { flip, ..OFF },
                SampleKey { seed: 1, epoch: 0, row },
                (1, 2, 1),
                &mut x,
            );
            x == [0.0, 1.0]
        });
        let (found, p) = (flipped.count() as f64, f64::from(flip));
        let n = f64::from(n);
        assert!((found - p * n).abs() <= 5.0 * (n * p * (1.0 - p)).sqrt(), "{flip}: {found}");
    }
}

#[test]
fn a_cutout_is_one_rectangle_in_all_channels() {
    let (h, w, c) = (9, 7, 3);
    for row in 0..500 {
        let mut x = vec![1.0; h * w * c];
        let key = SampleKey { seed: 1, epoch: 0, row };
        augmented(Augmentation { cutout: 4, ..OFF }, key, (h, w, c), &mut x);
        let hit: Vec<(usize, usize)> =
            (0..h * w).filter(|i| x[i * c] == 0.0).map(|i| (i / w, i % w)).collect();
        assert!((0..h * w).all(|i| x[i * c..][..c].iter().all(|v| *v == x[i * c])));
        let rows = (hit.iter().map(|p| p.0).min().unwrap(), hit.iter().map(|p| p.0).max().unwrap());
        let columns =
            (hit.iter().map(|p| p.1).min().unwrap(), hit.iter().map(|p| p.1).max().unwrap());
        let (high, wide) = (rows.1 - rows.0 + 1, columns.1 - columns.0 + 1);
        assert_eq!(hit.len(), high * wide, "a filled rectangle");
        assert!(high <= 4 && (high == 4 || rows.0 == 0 || rows.1 == h - 1));
        assert!(wide <= 4 && (wide == 4 || columns.0 == 0 || columns.1 == w - 1));
    }
}

/// Sizes at the edge of what there is, where most amounts are cut down to none.
#[test]
fn the_smallest_images_can_be_augmented() {
    for c in [1, 3, 4] {
        for (h, w) in [(1, 1), (1, 9), (9, 1), (2, 2)] {
            let longest = h.max(w);
            let augmentation = Augmentation {
                crop: ALL.crop.min(longest - 1),
                shift: ALL.shift.min(longest - 1),
                cutout: ALL.cutout.min(longest),
                ..ALL
            };
            for row in 0..100 {
                let mut x = image((h, w, c));
                augmented(augmentation, SampleKey { seed: 1, epoch: 0, row }, (h, w, c), &mut x);
                assert!(x.iter().all(|x| x.is_finite()));
            }
        }
    }
    // A single row moves sideways alone.
    for row in 0..100 {
        let mut x = vec![0.0, 0.0, 1.0, 0.0, 0.0];
        augmented(
            Augmentation { shift: 2, ..OFF },
            SampleKey { seed: 1, epoch: 0, row },
            (1, 5, 1),
            &mut x,
        );
        assert_eq!(x.iter().sum::<f32>(), 1.0);
    }
}

#[test]
fn samples_that_are_no_images_take_what_makes_sense_for_them() {
    let flat = Dataset::from_values("flat", vec![9; 70], &[7], 9, None).unwrap();
    for (alone, for_images) in ALONE {
        match Augmenter::new(alone, flat.image_shape()) {
            Ok(augmenter) => {
                assert!(!for_images, "{alone:?}");
                assert_eq!(augmenter.scratch_len(), 0);
                let changed = (0..20).filter(|&row| {
                    let mut x: Vec<f32> = (1..8).map(|i| i as f32 / 8.0).collect();
                    let before = x.clone();
                    let key = SampleKey { seed: 1, epoch: 0, row };
                    augmenter.transform(key, &mut x, &mut []);
                    augmenter.corrupt(key, &mut x);
                    x != before
                });
                assert!(changed.count() > 10, "{alone:?}");
            }
            Err(e) => {
                assert!(for_images, "{alone:?}: {e}");
                assert!(e.to_string().contains("it is for images"), "{e}");
            }
        }
    }
    for (augmentation, name) in [
        (Augmentation { rotate: 1.0, ..OFF }, "rotate:"),
        (Augmentation { scale: 0.1, ..OFF }, "scale:"),
        (Augmentation { shear: 1.0, ..OFF }, "shear:"),
        (Augmentation { crop: 1, ..OFF }, "crop:"),
        (Augmentation { shift: 1, ..OFF }, "shift:"),
        (Augmentation { flip: 0.1, ..OFF }, "flip:"),
        (Augmentation { cutout: 1, ..OFF }, "cutout:"),
        (Augmentation { mask: 0.5, patch: 1, ..OFF }, "patch:"),
        (Augmentation { patch: 1, ..OFF }, "patch: it is the side"),
    ] {
        let e = Augmenter::new(augmentation, None).unwrap_err().to_string();
        assert!(e.starts_with(name) && !e.contains('\n'), "{e}");
    }
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let nan = f32::NAN;
    for (augmentation, expected) in [
        (
            Augmentation { rotate: 180.5, ..OFF },
            "rotate: it must be a number from 0 to 180, not 180.5",
        ),
        (Augmentation { rotate: -1.0, ..OFF }, "rotate"),
        (
            Augmentation { scale: 1.0, ..OFF },
            "scale: it must be a number from 0 up and below 1, not 1",
        ),
        (Augmentation { shear: 90.0, ..OFF }, "shear"),
        (Augmentation { flip: 1.1, ..OFF }, "flip"),
        (Augmentation { brightness: nan, ..OFF }, "brightness"),
        (Augmentation { contrast: 2.0, ..OFF }, "contrast"),
        (Augmentation { gaussian: f32::INFINITY, ..OFF }, "gaussian"),
        (Augmentation { mask: 1.0, ..OFF }, "mask"),
        (Augmentation { salt: 1.0, ..OFF }, "salt"),
        (Augmentation { patch: 2, ..OFF }, "patch: it is the side of the squares that mask hides"),
        (
            Augmentation { mask: 0.5, patch: 7, ..OFF },
            "patch: it must be a whole number from 0 to 6",
        ),
        (
            Augmentation { crop: 6, ..OFF },
            "crop: it must be a whole number from 0 to 5 for images of 4x6, not 6",
        ),
        (Augmentation { shift: usize::MAX, ..OFF }, "shift: it must be a whole number from 0 to 5"),
        (Augmentation { cutout: 7, ..OFF }, "cutout: it must be a whole number from 0 to 6"),
    ] {
        let e = Augmenter::new(augmentation, Some((4, 6, 3))).unwrap_err().to_string();
        assert!(e.contains(expected) && !e.contains('\n'), "{e}");
    }
    assert!(Augmenter::new(ALL, Some((0, 4, 1))).is_err());
}
