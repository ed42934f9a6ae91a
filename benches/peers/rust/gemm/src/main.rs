//! `C = op(A) op(B)` in f32, by rows: ours and the libraries written in Rust, turn by turn.
//!
//! One line of JSON for each shape: the GFLOP/s of each library in each round.
//!
//! Given `avx2`, all of them leave AVX-512 alone, if built for that:
//! `MMTEST_FEATURE=fma,avx2 cargo build --release --no-default-features`. So `gemm` has no kernels
//! for it, and `matrixmultiply` does not ask for it. faer does: its kernels are called below that.

use narrows_engine::Context;
use narrows_engine::gemm::{MatMut, MatRef, gemm};
use narrows_engine::peak::fma_peak;
use narrows_engine::simd::Isa;
use protocol::{Line, median};
use std::time::Instant;

/// `NN`: A and B by rows. `NT`: B by columns, as a layer's weights are. `TN`: A by columns, as for
/// their gradient.
struct Product {
    m: usize,
    n: usize,
    k: usize,
    layout: String,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
}

impl Product {
    /// Row and column strides of A and of B.
    fn strides(&self) -> [(isize, isize); 2] {
        let (m, n, k) = (self.m as isize, self.n as isize, self.k as isize);
        [
            if self.layout == "tn" { (1, m) } else { (k, 1) },
            if self.layout == "nt" { (1, k) } else { (n, 1) },
        ]
    }

    fn narrows(&mut self, cx: &Context) {
        let Product { m, n, k, ref a, ref b, ref mut c, .. } = *self;
        let a = if self.layout == "tn" {
            MatRef::new(a, k, m).transposed()
        } else {
            MatRef::new(a, m, k)
        };
        let b = if self.layout == "nt" {
            MatRef::new(b, n, k).transposed()
        } else {
            MatRef::new(b, k, n)
        };
        gemm(cx, 1.0, a, b, 0.0, MatMut::new(c, m, n));
    }

    fn gemm(&mut self, threads: usize) {
        let [(a_row, a_col), (b_row, b_col)] = self.strides();
        let Product { m, n, k, ref a, ref b, ref mut c, .. } = *self;
        let parallel =
            if threads == 1 { gemm::Parallelism::None } else { gemm::Parallelism::Rayon(threads) };
        // SAFETY: the vectors hold the matrices with these strides.
        unsafe {
            let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
            gemm::gemm(
                m, n, k, c, 1, n as isize, false, a, a_col, a_row, b, b_col, b_row, 0.0f32, 1.0,
                false, false, false, parallel,
            );
        }
    }

    fn faer(&mut self, threads: usize, isa: Isa) {
        let [(a_row, a_col), (b_row, b_col)] = self.strides();
        let Product { m, n, k, ref a, ref b, ref mut c, .. } = *self;
        if isa.name() == "avx2" && m * n * k > FAERS_SMALLEST {
            use private_gemm_x86::{Accum, DType, DstKind, IType, InstrSet, gemm};
            use std::ptr::{from_ref, null};
            let (a, b, c) = (a.as_ptr().cast(), b.as_ptr().cast(), c.as_mut_ptr().cast());
            let alpha = from_ref(&1.0f32).cast();
            // SAFETY: the vectors hold the matrices with these strides.
            unsafe {
                gemm(
                    DType::F32,
                    IType::U64,
                    InstrSet::Avx256,
                    m,
                    n,
                    k,
                    c,
                    n as isize,
                    1,
                    null(),
                    null(),
                    DstKind::Full,
                    Accum::Replace,
                    a,
                    a_row,
                    a_col,
                    false,
                    null(),
                    0,
                    b,
                    b_row,
                    b_col,
                    false,
                    alpha,
                    threads,
                );
            }
            return;
        }
        let parallel = if threads == 1 { faer::Par::Seq } else { faer::Par::rayon(threads) };
        // SAFETY: the vectors hold the matrices with these strides.
        let (a, b, c) = unsafe {
            (
                faer::MatRef::from_raw_parts(a.as_ptr(), m, k, a_row, a_col),
                faer::MatRef::from_raw_parts(b.as_ptr(), k, n, b_row, b_col),
                faer::MatMut::from_raw_parts_mut(c.as_mut_ptr(), m, n, n as isize, 1),
            )
        };
        faer::linalg::matmul::matmul(c, faer::Accum::Replace, a, b, 1.0f32, parallel);
    }

    /// Its threads are those of `MATMUL_NUM_THREADS`.
    fn matrixmultiply(&mut self) {
        let [(a_row, a_col), (b_row, b_col)] = self.strides();
        let Product { m, n, k, ref a, ref b, ref mut c, .. } = *self;
        // SAFETY: the vectors hold the matrices with these strides.
        unsafe {
            let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
            matrixmultiply::sgemm(
                m, k, n, 1.0, a, a_row, a_col, b, b_row, b_col, 0.0, c, n as isize, 1,
            );
        }
    }

    fn run(&mut self, library: &str, cx: &Context) {
        match library {
            "narrows" => self.narrows(cx),
            "gemm" => self.gemm(cx.threads()),
            "faer" => self.faer(cx.threads(), cx.isa()),
            _ => self.matrixmultiply(),
        }
    }
}

/// faer multiplies up to as many elements by code that the compiler made, for AVX2.
const FAERS_SMALLEST: usize = 16 * 16 * 16;

const LIBRARIES: [&str; 4] = ["narrows", "gemm", "faer", "matrixmultiply"];

/// A round of a library takes about as long.
const SECONDS: f64 = 4e-3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, shapes, threads, rounds, isa @ ..] = &args[..] else {
        return Err("usage: gemm-peers SHAPES.TXT THREADS ROUNDS [ISA]".into());
    };
    let isa = match isa.first() {
        None => Isa::best(),
        Some(name) => Isa::named(name).ok_or("no such instruction set here")?,
    };
    let without = option_env!("MMTEST_FEATURE") == Some("fma,avx2") && !cfg!(feature = "avx512");
    if (isa.name() == "avx2") != without {
        return Err("built for another instruction set: see the head of main.rs".into());
    }
    let cx = Context::with_isa(isa, threads.parse()?)?;
    let rounds: usize = rounds.parse()?;
    for line in std::fs::read_to_string(shapes)?.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [m, n, k, layouts] = fields[..] else { continue };
        for layout in layouts.split(',') {
            cx.install(|| measure(&cx, m, n, k, layout, rounds))?;
        }
    }
    Ok(())
}

fn measure(
    cx: &Context,
    m: &str,
    n: &str,
    k: &str,
    layout: &str,
    rounds: usize,
) -> Result<(), std::num::ParseIntError> {
    let (m, n, k) = (m.parse()?, n.parse()?, k.parse()?);
    let fill =
        |len: usize, modulus: usize| (0..len).map(|at| (at * 7 % modulus) as f32 - 6.0).collect();
    let mut product = Product {
        m,
        n,
        k,
        layout: layout.to_string(),
        a: fill(m * k, 13),
        b: fill(k * n, 11),
        c: vec![0.0; m * n],
    };
    let flops = 2.0 * (m * n * k) as f64;
    let mut rates = LIBRARIES.map(|_| Vec::new());
    let mut expected: Option<Vec<f32>> = None;
    let calls = LIBRARIES.map(|library| {
        product.run(library, cx);
        // Small integers: all sums are exact.
        assert!(
            expected.get_or_insert_with(|| product.c.clone()) == &product.c,
            "{library} is wrong"
        );
        let start = Instant::now();
        product.run(library, cx);
        (SECONDS / start.elapsed().as_secs_f64()).clamp(1.0, 1e5) as usize
    });
    let before = fma_peak(cx);
    for round in 0..rounds {
        for turn in 0..LIBRARIES.len() {
            let at = (round + turn) % LIBRARIES.len();
            product.run(LIBRARIES[at], cx);
            let start = Instant::now();
            for _ in 0..calls[at] {
                product.run(LIBRARIES[at], cx);
            }
            rates[at].push(flops * calls[at] as f64 / start.elapsed().as_secs_f64() / 1e9);
        }
    }
    let mut line = Line::default();
    line.text("workload", "gemm");
    line.text("isa", cx.isa().name());
    line.text("shape", &format!("{m} {n} {k} {layout}"));
    line.number("threads", cx.threads() as f64);
    line.numbers("fma", &[before, fma_peak(cx)]);
    for (library, rates) in LIBRARIES.iter().zip(&rates) {
        line.numbers(library, rates);
    }
    line.number("median", median(&rates[0]));
    line.print();
    Ok(())
}
