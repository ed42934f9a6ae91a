//! A layer forward in training, `relu(batch_norm(x W^T + b))`: ours as one, against a library's
//! product followed by one pass over the result for each of bias, batch norm's sums, normalising
//! and ReLU.
//!
//! One line for each shape: microseconds of each, and how many times faster ours is than the best
//! other.

use narrows_engine::layers::{BatchNorm, Linear, Relu};
use narrows_engine::{PassMemory, Context, Network, Params, Pass};
use protocol::median;
use std::time::Instant;

/// Rows (samples, or places in images), outputs, inputs.
const SHAPES: &[(usize, usize, usize)] = &[
    (256, 512, 784),
    (256, 256, 512),
    (64, 256, 784),
    (64, 64, 256),
    (4096, 64, 64),
    (8192, 512, 64),
    (25088, 16, 9),
    (6272, 32, 144),
    (25088, 32, 288),
];
const LIBRARIES: [&str; 3] = ["narrows", "gemm", "faer"];
const ROUNDS: usize = 9;

/// y = relu((x W^T + b - mean) / std), by a library's product and a pass for each of the rest.
fn passes(
    library: &str,
    (m, n, k): (usize, usize, usize),
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    y: &mut [f32],
) {
    // SAFETY: the slices hold x: (m, k), the weight: (n, k) and y: (m, n), by rows.
    unsafe {
        if library == "gemm" {
            let (x, weight, y) = (x.as_ptr(), weight.as_ptr(), y.as_mut_ptr());
            let alone = gemm::Parallelism::None;
            let (n_, k_) = (n as isize, k as isize);
            gemm::gemm(
                m, n, k, y, 1, n_, false, x, 1, k_, weight, k_, 1, 0.0f32, 1.0, false, false,
                false, alone,
            );
        } else {
            let x = faer::MatRef::from_raw_parts(x.as_ptr(), m, k, k as isize, 1);
            let weight = faer::MatRef::from_raw_parts(weight.as_ptr(), k, n, 1, k as isize);
            let y = faer::MatMut::from_raw_parts_mut(y.as_mut_ptr(), m, n, n as isize, 1);
            faer::linalg::matmul::matmul(
                y,
                faer::Accum::Replace,
                x,
                weight,
                1.0f32,
                faer::Par::Seq,
            );
        }
    }
    for row in y.chunks_exact_mut(n) {
        row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
    }
    let (mut sums, mut squares) = (vec![0.0f32; n], vec![0.0f32; n]);
    for row in y.chunks_exact(n) {
        for ((sum, square), y) in sums.iter_mut().zip(&mut squares).zip(row) {
            *sum += y;
            *square += y * y;
        }
    }
    for (sum, square) in sums.iter_mut().zip(&mut squares) {
        *sum /= m as f32;
        *square = 1.0 / (*square / m as f32 - *sum * *sum + 1e-5).sqrt();
    }
    for row in y.chunks_exact_mut(n) {
        for ((mean, inv_std), y) in sums.iter().zip(&squares).zip(row) {
            *y = (*y - mean) * inv_std;
        }
    }
    y.iter_mut().for_each(|y| *y = y.max(0.0));
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cx = Context::new(1)?;
    for &shape in SHAPES {
        let (m, n, k) = shape;
        let network = Network::builder(k)
            .layer(Linear::new(n))
            .layer(BatchNorm::default())
            .layer(Relu)
            .build()?;
        let params = Params::new(&network, 1);
        let mut memory = PassMemory::new(&network, m).unwrap();
        let x: Vec<f32> =
            (0..m * k).map(|at| ((at * 7919) % 1009) as f32 / 1009.0 + 0.01).collect();
        let (weight, bias) = (&params.values()[..n * k], vec![0.0; n]);
        let mut y = vec![0.0; m * n];
        // The same result, up to rounding.
        passes("gemm", shape, &x, weight, &bias, &mut y);
        let ours = network.forward(&cx, &params, &mut memory, &x, Pass::train(1, 0))?;
        assert!(ours.iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-2), "{shape:?}: not the same");
        let mut run = |library: &str| -> Result<(), narrows_engine::Error> {
            if library == "narrows" {
                network.forward(&cx, &params, &mut memory, &x, Pass::train(1, 0))?;
            } else {
                passes(library, shape, &x, weight, &bias, &mut y);
            }
            Ok(())
        };
        let mut times = LIBRARIES.map(|_| Vec::new());
        let mut calls = [0; 3];
        for (library, calls) in LIBRARIES.iter().zip(&mut calls) {
            run(library)?;
            let start = Instant::now();
            run(library)?;
            *calls = (5e-3 / start.elapsed().as_secs_f64()).clamp(1.0, 1e5) as usize;
        }
        for round in 0..ROUNDS {
            for turn in 0..3 {
                let at = (round + turn) % 3;
                let start = Instant::now();
                for _ in 0..calls[at] {
                    run(LIBRARIES[at])?;
                }
                times[at].push(start.elapsed().as_secs_f64() / calls[at] as f64 * 1e6);
            }
        }
        let [ours, gemm, faer] = times.map(|times| median(&times));
        let ratio = gemm.min(faer) / ours;
        println!("| {m}x{n}x{k} | {ours:.0} | {gemm:.0} | {faer:.0} | {ratio:.2} |");
    }
    Ok(())
}
