//! The micro-kernel alone, at every height and width.

use super::*;
use crate::gemm::epilogue::Epilogue;
use crate::gemm::tiled::tile::Tile;

/// `a (MR, k)` by `b (k, w)`, for every height and `w`, with the finish asked for.
fn check<T: Tile>(simd: T) {
    for rows in 1..=T::MR {
        for w in 1..=T::NR {
            for k in [0, 1, 3, 4, 7, 16, 21, 37, 70] {
                let width = w.next_multiple_of(T::LANES);
                let a: Vec<f32> = (0..rows * k).map(|at| (at % 11) as f32 - 5.0).collect();
                // What lies beyond `w` must not be seen.
                let b: Vec<f32> = (0..k * width)
                    .map(|at| if at % width < w { (at % 7) as f32 - 3.0 } else { f32::NAN })
                    .collect();
                let old: Vec<f32> = (0..rows * w).map(|at| (at % 5) as f32).collect();
                let bias: Vec<f32> = (0..w.max(rows)).map(|at| at as f32).collect();
                let by_rows = MatRef::with_strides(&a, rows, k, k, 1);
                let by_columns = MatRef::with_strides(&a, rows, k, 1, rows);
                let per_row = (true, Some(&bias[..rows]));
                let per_column = (false, Some(&bias[..w]));
                let none = (false, None);
                for (alpha, beta, (transposed, bias)) in [
                    (1.0, 0.0, none),
                    (1.0, 1.0, per_row),
                    (2.0, 0.0, per_column),
                    (-0.5, 2.0, none),
                ] {
                    for (a, scattered, relu) in
                        [(by_rows, false, false), (by_columns, false, true), (by_rows, true, true)]
                    {
                        let mut c =
                            if beta == 0.0 { vec![f32::NAN; rows * w] } else { old.clone() };
                        let (row_stride, col_stride) = if scattered { (1, rows) } else { (w, 1) };
                        let strips = Strips {
                            a: a.data(),
                            row_stride: a.row_stride(),
                            col_stride: a.col_stride(),
                            strip_stride: 0,
                            b: PanelsB { in_place: MatRef::new(&[], k, 0), packed: &b },
                            c: MatMut::with_strides(&mut c, rows, w, row_stride, col_stride),
                            finish: Finish {
                                alpha,
                                beta,
                                epilogue: Epilogue { bias, relu },
                                transposed,
                            },
                            prefetch: Prefetch::nothing(a.data().as_ptr()),
                        };
                        simd.at_height(rows, strips);
                        for i in 0..rows {
                            for j in 0..w {
                                let at = i * row_stride + j * col_stride;
                                let sum: f32 = (0..k).map(|p| a.at(i, p) * b[p * width + j]).sum();
                                let old = if beta == 0.0 { 0.0 } else { beta * old[at] };
                                let place = if transposed { i } else { j };
                                let bias = bias.map_or(0.0, |bias| bias[place]);
                                let x = alpha * sum + old + bias;
                                let x = if relu { x.max(0.0) } else { x };
                                assert_eq!(
                                    c[at],
                                    x,
                                    "{} {rows} x {w} x {k} at ({i}, {j})",
                                    T::NAME
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
fn check_if_there<T: Tile>(simd: Option<T>) {
    let Some(simd) = simd else {
        let required = std::env::var("NARROWS_REQUIRE_ISA").unwrap_or_default();
        assert!(
            !required.split(',').any(|name| name == T::NAME),
            "{} is required, and not there",
            T::NAME
        );
        return eprintln!("NOT RUN on this machine: {}", T::NAME);
    };
    check(simd);
}

#[test]
fn tiles_equal_the_sums() {
    check_if_there(crate::hardware::simd::Avx512::detect());
    check_if_there(crate::hardware::simd::Avx2::detect());
}
