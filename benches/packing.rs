//! The number of rows of A from which on it pays to pack B, for each instruction set: `LayoutB` in
//! `engine/src/gemm/tiled/blocks.rs` has the rule.
//!
//! Each line has the time of a product as the rule has it, over that of packing all of B at once
//! and multiplying then, for each number of rows. Above 1, packing all of B would have been faster:
//! the rule is wrong there by more than the noise, or the cache is another one.

use narrows_engine::gemm::{Epilogue, MatMut, MatRef, PackedB, gemm, gemm_packed};
use narrows_engine::parallel::Context;
use narrows_engine::simd::Isa;
use std::time::{Duration, Instant};

const ROWS: [usize; 9] = [6, 16, 24, 32, 48, 64, 96, 128, 256];

/// Depth and columns: short and long rows of B, those that are a power of two apart, and those that
/// collide in a cache.
const SHAPES: [[usize; 2]; 8] =
    [[64, 64], [64, 256], [32, 512], [784, 256], [784, 512], [512, 784], [1200, 1200], [784, 1024]];

fn main() {
    // The plain instruction set has another crate's products.
    for isa in Isa::available().into_iter().filter(|isa| isa.name() != "plain") {
        let cx = Context::with_isa(isa, 1).expect("a thread");
        println!("{}, rows {ROWS:?}", isa.name());
        for [k, n] in SHAPES {
            for by_columns in [false, true] {
                let ratios = ROWS.map(|m| ratio(&cx, [m, n, k], by_columns));
                let order = if by_columns { "columns" } else { "rows" };
                println!("  B {k}x{n} by {order}: {ratios:.2?}");
            }
        }
    }
}

fn ratio(cx: &Context, [m, n, k]: [usize; 3], by_columns: bool) -> f64 {
    let (a, b, mut c) = (vec![1.0; m * k], vec![1.0; k * n], vec![0.0; m * n]);
    let a = MatRef::new(&a, m, k);
    let b = match by_columns {
        true => MatRef::new(&b, n, k).transposed(),
        false => MatRef::new(&b, k, n),
    };
    let mut packed = PackedB::new(cx.isa(), b);
    let mut turn = |pack: bool| {
        let c = MatMut::new(&mut c, m, n);
        let start = Instant::now();
        if pack {
            packed.pack(b);
            gemm_packed(cx, a, &packed, 0.0, c, Epilogue::default());
        } else {
            gemm(cx, 1.0, a, b, 0.0, c);
        }
        start.elapsed().as_secs_f64()
    };
    let (start, mut seconds) = (Instant::now(), [Vec::new(), Vec::new()]);
    while seconds[0].len() < 8 || start.elapsed() < Duration::from_millis(100) {
        for (pack, seconds) in seconds.iter_mut().enumerate() {
            seconds.push(turn(pack == 1));
        }
    }
    let [rule, packing] = seconds.map(|mut seconds| {
        seconds.sort_by(f64::total_cmp);
        seconds[seconds.len() / 4]
    });
    rule / packing
}
