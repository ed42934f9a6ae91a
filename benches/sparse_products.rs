//! The density from which on it no longer pays to skip the zeros of A, for each instruction set and
//! for training's shapes: `SPARSE` of a tile in `engine/src/gemm/tiled/tile.rs`.
//!
//! Products below today's limit skip zeros, and their time grows with the density by a line. The
//! line meets the time of the dense product at the density that is looked for.

use narrows_engine::gemm::{Epilogue, MatMut, MatRef, gemm, gemm_sparse, gemm_sparse_scratch};
use narrows_engine::parallel::Context;
use narrows_engine::random::Random;
use narrows_engine::simd::Isa;
use std::time::{Duration, Instant};

/// `(m, n, k)`: layers forward, and gradients of their weights, whose A lies by columns.
const FORWARD: [[usize; 3]; 4] =
    [[256, 512, 784], [128, 1200, 1200], [64, 256, 784], [32, 512, 784]];
const GRADIENTS: [[usize; 3]; 3] = [[784, 512, 256], [1200, 1200, 128], [784, 256, 64]];

/// Densities below the limits of all instruction sets.
const DENSITIES: [f64; 4] = [0.1, 0.2, 0.3, 0.4];

fn main() {
    for isa in Isa::available() {
        let cx = Context::with_isa(isa, 1).expect("a thread");
        for (name, shapes) in [("forward", &FORWARD[..]), ("gradient", &GRADIENTS[..])] {
            for &[m, n, k] in shapes {
                let [dense, sparse @ ..] = times(&cx, [m, n, k], name == "gradient");
                let parts = sparse.map(|time| time / dense);
                let [at_zero, slope] = line(DENSITIES, parts);
                let even = (1.0 - at_zero) / slope;
                println!(
                    "{} {name} {m}x{n}x{k}: {parts:.2?} of the dense time at {DENSITIES:?}, as \
                     long at {even:.2}",
                    isa.name()
                );
            }
        }
    }
}

/// The seconds of the dense product, and of those at each density.
fn times(cx: &Context, [m, n, k]: [usize; 3], a_by_columns: bool) -> [f64; 5] {
    let mut b = vec![0.0; k * n];
    Random::new(1, 1).fill_normal(0, 0, &mut b);
    let (mut c, mut scratch) = (vec![0.0; m * n], vec![0.0; gemm_sparse_scratch(m, k)]);
    let matrices = [1.0].into_iter().chain(DENSITIES).map(|density| elements(m * k, density));
    let mut seconds = matrices.map(|a| {
        let dense = a.iter().all(|&a| a != 0.0);
        let product = || {
            let none = Epilogue::default();
            if a_by_columns {
                let (a, b) = (MatRef::new(&a, k, m).transposed(), MatRef::new(&b, k, n));
                let c = MatMut::new(&mut c, n, m);
                match dense {
                    true => gemm(cx, 1.0, b.transposed(), a.transposed(), 1.0, c),
                    false => gemm_sparse(cx, a, b, 1.0, c.transposed(), none, &mut scratch),
                }
            } else {
                let (a, b) = (MatRef::new(&a, m, k), MatRef::new(&b, n, k).transposed());
                let c = MatMut::new(&mut c, m, n);
                match dense {
                    true => gemm(cx, 1.0, a, b, 0.0, c),
                    false => gemm_sparse(cx, a, b, 0.0, c, none, &mut scratch),
                }
            }
        };
        fastest(product)
    });
    [(); 5].map(|()| seconds.next().expect("a time for each density"))
}

/// Normal numbers, of which so many are not replaced by 0.
fn elements(len: usize, density: f64) -> Vec<f32> {
    let (mut values, mut dice) = (vec![0.0; len], vec![0.0; len]);
    Random::new(2, 1).fill_normal(0, 0, &mut values);
    Random::new(2, 2).fill_uniform(0, 0, &mut dice);
    let kept = |(value, dice)| if f64::from(dice) < density { value } else { 0.0 };
    values.into_iter().zip(dice).map(kept).collect()
}

/// The first quartile of the seconds of a call, in a quarter of a second.
fn fastest(mut product: impl FnMut()) -> f64 {
    product();
    let (start, mut seconds) = (Instant::now(), Vec::new());
    while seconds.len() < 8 || start.elapsed() < Duration::from_millis(250) {
        let start = Instant::now();
        product();
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 4]
}

/// Value at 0 and slope of the line of least squares.
fn line(x: [f64; 4], y: [f64; 4]) -> [f64; 2] {
    let mean = |values: [f64; 4]| values.iter().sum::<f64>() / 4.0;
    let (x_mean, y_mean) = (mean(x), mean(y));
    let covariance: f64 = x.iter().zip(y).map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    let slope = covariance / x.iter().map(|x| (x - x_mean).powi(2)).sum::<f64>();
    [y_mean - slope * x_mean, slope]
}
