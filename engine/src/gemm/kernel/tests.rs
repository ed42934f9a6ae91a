//! The micro-kernel alone, at every height and width.

use super::*;
use crate::gemm::MatMut;

/// `a (MR, k)` by `b (k, w)`, for every height and `w`, with the finish asked for.
fn check<S: Tile>(simd: S) {
    for rows in 1..=S::MR {
        for w in 1..=S::NR {
            for k in [0, 1, 7] {
                let width = w.next_multiple_of(S::LANES);
                let a: Vec<f32> = (0..rows * k).map(|at| (at % 11) as f32 - 5.0).collect();
                // What lies beyond `w` must not be seen.
                let b: Vec<f32> = (0..k * width)
                    .map(|at| if at % width < w { (at % 7) as f32 - 3.0 } else { f32::NAN })
                    .collect();
                let old: Vec<f32> = (0..rows * w).map(|at| (at % 5) as f32).collect();
                let bias: Vec<f32> = (0..w.max(rows)).map(|at| at as f32).collect();
                let by_rows = MatRef::with_strides(&a, rows, k, k, 1);
                let by_columns = MatRef::with_strides(&a, rows, k, 1, rows);
                let finishes = [(1.0, 0.0, None), (1.0, 1.0, Some(Bias::Rows(&bias[..rows])))];
                let more = [(2.0, 0.0, Some(Bias::Columns(&bias[..w]))), (-0.5, 2.0, None)];
                for (alpha, beta, bias) in finishes.into_iter().chain(more) {
                    for (a, scattered, relu) in
                        [(by_rows, false, false), (by_columns, false, true), (by_rows, true, true)]
                    {
                        let mut c =
                            if beta == 0.0 { vec![f32::NAN; rows * w] } else { old.clone() };
                        let (row_stride, col_stride) = if scattered { (1, rows) } else { (w, 1) };
                        simd.strips(Strips {
                            a: a.data(),
                            row_stride: a.row_stride(),
                            col_stride: a.col_stride(),
                            strip_stride: 0,
                            height: rows,
                            b: PanelsB { in_place: MatRef::new(&[], k, 0), packed: &b },
                            c: MatMut::with_strides(&mut c, rows, w, row_stride, col_stride),
                            finish: Finish { alpha, beta, bias, relu },
                            ahead: Ahead { start: a.data().as_ptr(), step: 0, line: 0, strip: 0 },
                        });
                        for i in 0..rows {
                            for j in 0..w {
                                let at = i * row_stride + j * col_stride;
                                let sum: f32 = (0..k).map(|p| a.at(i, p) * b[p * width + j]).sum();
                                let old = if beta == 0.0 { 0.0 } else { beta * old[at] };
                                let bias = match bias {
                                    None => 0.0,
                                    Some(Bias::Rows(bias)) => bias[i],
                                    Some(Bias::Columns(bias)) => bias[j],
                                };
                                let x = alpha * sum + old + bias;
                                let x = if relu { x.max(0.0) } else { x };
                                assert_eq!(
                                    c[at],
                                    x,
                                    "{} {rows} x {w} x {k} at ({i}, {j})",
                                    S::NAME
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

/// As `tests/support` does: an ISA that is not there is named, and a failure where it is required.
fn check_if_there<S: Tile>(simd: Option<S>) {
    let Some(simd) = simd else {
        let required = std::env::var("NARROWS_REQUIRE_ISA").unwrap_or_default();
        assert!(
            !required.split(',').any(|name| name == S::NAME),
            "{} is required, and not there",
            S::NAME
        );
        return eprintln!("NOT RUN on this machine: {}", S::NAME);
    };
    check(simd);
}

#[test]
fn tiles_equal_the_sums() {
    check_if_there(crate::hardware::simd::Avx512::detect());
    check_if_there(crate::hardware::simd::Avx2::detect());
}
