//! Augmenting a sample: each operation, and the usual mix, on images of MNIST's and of CIFAR's
//! size, against what one writes first: a test of the border for each pixel, and the library's
//! logarithm and sine for each number.
//!
//! What a training step may spend on it follows from what the network takes: about 70 us a sample
//! of 28x28x1 and 450 us a sample of 32x32x3, on one thread.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use narrows_datasets::{Augmentation, Augmenter, SampleKey};

fn operations() -> [(&'static str, Augmentation); 11] {
    let off = Augmentation::default();
    [
        ("rotate, scale, shear", Augmentation { rotate: 10.0, scale: 0.1, shear: 5.0, ..off }),
        ("crop", Augmentation { crop: 3, ..off }),
        ("shift", Augmentation { shift: 3, ..off }),
        ("flip", Augmentation { flip: 0.5, ..off }),
        ("brightness", Augmentation { brightness: 0.3, ..off }),
        ("contrast", Augmentation { contrast: 0.3, ..off }),
        ("gaussian", Augmentation { gaussian: 0.1, ..off }),
        ("mask", Augmentation { mask: 0.2, ..off }),
        ("cutout", Augmentation { cutout: 8, ..off }),
        (
            "shift, flip, gaussian, cutout",
            Augmentation { shift: 3, flip: 0.5, gaussian: 0.1, cutout: 8, ..off },
        ),
        (
            "shift, flip, mask, cutout",
            Augmentation { shift: 3, flip: 0.5, mask: 0.2, cutout: 8, ..off },
        ),
    ]
}

type Shape = (usize, usize, usize);

/// Rotates by 10 degrees.
fn naive_rotation(from: &[f32], to: &mut [f32], (h, w, c): Shape) {
    let (sin, cos) = 10.0_f32.to_radians().sin_cos();
    let (middle_x, middle_y) = ((w - 1) as f32 / 2.0, (h - 1) as f32 / 2.0);
    for y in 0..h {
        for x in 0..w {
            let (dx, dy) = (x as f32 - middle_x, y as f32 - middle_y);
            let (from_x, from_y) = (cos * dx + sin * dy + middle_x, cos * dy - sin * dx + middle_y);
            for channel in 0..c {
                let mut sum = 0.0;
                for (near_y, part_y) in around(from_y) {
                    for (near_x, part_x) in around(from_x) {
                        if (0..h as isize).contains(&near_y) && (0..w as isize).contains(&near_x) {
                            sum += part_y
                                * part_x
                                * from[(near_y as usize * w + near_x as usize) * c + channel];
                        }
                    }
                }
                to[(y * w + x) * c + channel] = sum;
            }
        }
    }
}

/// The two whole numbers next to `x`, and the part of each.
fn around(x: f32) -> [(isize, f32); 2] {
    let (floor, part) = (x.floor(), x - x.floor());
    [(floor as isize, 1.0 - part), (floor as isize + 1, part)]
}

/// Adds normal numbers of deviation 0.1 (Box and Muller), from random bits that cost nothing to
/// speak of (xorshift).
fn naive_noise(sample: &mut [f32], state: &mut u64) {
    let mut unit = || {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        ((*state >> 40) + 1) as f32 / (1 << 24) as f32
    };
    for value in sample {
        *value += 0.1 * (-2.0 * unit().ln()).sqrt() * (std::f32::consts::TAU * unit()).cos();
    }
}

fn of_shape(group: &mut BenchmarkGroup<'_, WallTime>, shape: Shape) {
    let len = shape.0 * shape.1 * shape.2;
    let before: Vec<f32> = (0..len).map(|i| (i * 37 % 101) as f32 / 101.0).collect();
    let mut x = before.clone();
    let mut row = 0;
    for (name, augmentation) in operations() {
        let augmenter = Augmenter::new(augmentation, Some(shape)).expect("the settings are good");
        let mut scratch = vec![0.0; augmenter.scratch_len()];
        group.bench_function(name, |b| {
            b.iter(|| {
                row += 1;
                let key = SampleKey { seed: 1, epoch: 0, row };
                x.copy_from_slice(&before);
                augmenter.transform(key, black_box(&mut x), &mut scratch);
                augmenter.corrupt(key, black_box(&mut x));
            });
        });
    }
    group.bench_function("rotation, as one writes it first", |b| {
        b.iter(|| naive_rotation(black_box(&before), black_box(&mut x), shape));
    });
    let mut state = 1;
    group.bench_function("gaussian, as one writes it first", |b| {
        b.iter(|| {
            x.copy_from_slice(&before);
            naive_noise(black_box(&mut x), &mut state);
        });
    });
}

fn augmentation(criterion: &mut Criterion) {
    for shape in [(28, 28, 1), (32, 32, 3)] {
        let (h, w, c) = shape;
        let mut group = criterion.benchmark_group(format!("augmenting a sample of {h}x{w}x{c}"));
        group.throughput(Throughput::Elements(1));
        of_shape(&mut group, shape);
        group.finish();
    }
}

criterion_group!(benches, augmentation);
criterion_main!(benches);
