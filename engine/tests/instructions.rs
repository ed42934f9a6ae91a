//! Instructions of a product, counted by `valgrind --tool=callgrind`. Unlike times, they are the
//! same each time, and they limit AVX2 on a core whose sibling is at work.
//!
//! Valgrind knows no AVX-512. A program of its own, because valgrind reads all of its symbols.

use narrows_engine::gemm::{MatMut, MatRef, gemm};
use narrows_engine::parallel::Context;
use narrows_engine::simd::Isa;
use std::process::Command;

/// Tells the test, when it runs below valgrind, which case to multiply.
const COUNTED: &str = "NARROWS_COUNTED";

/// Rows, columns and depth; whether A and B lie by columns; and the most instructions for 12
/// multiply-adds of a vector, which is a tile's step of k. Packing and the way to memory count.
/// Tests inline less than a release, which takes 23.2, 25.6, 28.5 and 60.5 for the squares by rows
/// and A by columns, the small one and 10 columns.
const CASES: [(&str, [usize; 3], [bool; 2], f64); 9] = [
    ("square, by rows", [512, 512, 512], [false, false], 25.5),
    ("square, A by columns", [512, 512, 512], [true, false], 37.0),
    ("square, B by columns", [512, 512, 512], [false, true], 25.5),
    ("32 rows, B where it is", [32, 784, 512], [false, false], 26.0),
    ("64 columns", [512, 64, 784], [false, false], 26.5),
    ("small", [32, 32, 64], [false, false], 39.5),
    ("small, B by columns", [32, 64, 256], [false, true], 45.0),
    // The second vector has two columns of its own: 20 multiply-adds would be 12 otherwise.
    ("10 columns", [32, 10, 32], [false, false], 95.0),
    ("10 columns, B by columns", [32, 10, 32], [false, true], 128.0),
];

#[test]
fn a_step_of_the_avx2_tile_takes_few_instructions() {
    let Some(isa) = Isa::named("avx2") else {
        println!("instructions: AVX2 is not there: NOT RUN");
        return;
    };
    if let Ok(counted) = std::env::var(COUNTED) {
        return multiply(isa, counted.parse().expect("the number of a case"));
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("instructions: valgrind is not there: NOT RUN");
        return;
    }
    for (case, &(name, [m, n, k], _, most)) in CASES.iter().enumerate() {
        let steps = (m * n * k) as f64 / (12 * isa.lanes()) as f64;
        let per_step = count(case) / steps;
        println!("{name}: {per_step:.2} instructions for 12 multiply-adds, {most} allowed");
        assert!(per_step <= most, "{name}: {per_step:.2} instructions, more than {most}");
        assert!(per_step > 12.0, "{name}: {per_step:.2} instructions hold no 12 multiply-adds");
    }
}

/// The instructions of the product of a case.
fn count(case: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=counted"])
        .arg("--toggle-collect=*counted_product*")
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "a_step_of_the_avx2_tile_takes_few_instructions"])
        .args(["--test-threads", "1"])
        .env(COUNTED, case.to_string())
        .current_dir(&folder)
        .output()
        .expect("valgrind runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    let (_, number) = collected.unwrap_or_else(|| panic!("no count: {text}"));
    number.trim().parse().unwrap_or_else(|_| panic!("no number: {text}"))
}

fn multiply(isa: Isa, case: usize) {
    let (_, [m, n, k], [a_by_columns, b_by_columns], _) = CASES[case];
    let cx = Context::with_isa(isa, 1).expect("a context");
    let (a, b, mut c) = (vec![1.0; m * k], vec![1.0; k * n], vec![0.0; m * n]);
    let matrix = |x, rows, cols, by_columns| match by_columns {
        true => MatRef::new(x, cols, rows).transposed(),
        false => MatRef::new(x, rows, cols),
    };
    let (a, b) = (|| matrix(&a, m, k, a_by_columns), || matrix(&b, k, n, b_by_columns));
    // The first one allocates.
    gemm(&cx, 1.0, a(), b(), 0.0, MatMut::new(&mut c, m, n));
    counted_product(&cx, a(), b(), MatMut::new(&mut c, m, n));
    assert!(c.iter().all(|&x| x == k as f32));
}

#[inline(never)]
fn counted_product(cx: &Context, a: MatRef, b: MatRef, c: MatMut) {
    gemm(cx, 1.0, a, b, 0.0, c);
}
