//! The micro-kernel alone, at every height and width.

use super::*;
use crate::gemm::epilogue::{Epilogue, Rectifier};
use crate::gemm::tiled::tile::Tile;

/// The sums of `a (rows, k)` by `b (k, w)`, with each finish and layout.
fn check<T: Tile>(simd: T) {
    for rows in 1..=T::MR {
        for w in 1..=T::NR {
            for k in [1, 3, 4, 7, 16, 21, 37, 70] {
                let product = Product::new([rows, w, k], w.next_multiple_of(T::LANES));
                for (finish, layout) in FINISHES.iter().flat_map(|f| LAYOUTS.map(|l| (*f, l))) {
                    product.check(simd, finish, layout);
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Bias {
    Absent,
    PerRow,
    PerColumn,
}

/// alpha, beta and the bias.
const FINISHES: [(f32, f32, Bias); 4] = [
    (1.0, 0.0, Bias::Absent),
    (1.0, 1.0, Bias::PerRow),
    (2.0, 0.0, Bias::PerColumn),
    (-0.5, 2.0, Bias::Absent),
];

/// `a` by rows or by columns, `c` the same, and the rectifier behind the product.
const LAYOUTS: [(Order, Order, Rectifier); 3] = [
    (Order::Rows, Order::Rows, Rectifier::None),
    (Order::Columns, Order::Rows, Rectifier::Relu),
    (Order::Rows, Order::Columns, Rectifier::Relu6),
];

#[derive(Clone, Copy)]
enum Order {
    Rows,
    Columns,
}

impl Order {
    /// The strides of a row and of a column.
    fn strides(self, rows: usize, columns: usize) -> (usize, usize) {
        match self {
            Order::Rows => (columns, 1),
            Order::Columns => (1, rows),
        }
    }
}

/// The values of a product, all so small that sums are exact.
struct Product {
    size: [usize; 3],
    /// Columns of `b`, of which those beyond `w` must not be seen.
    width: usize,
    a: Vec<f32>,
    b: Vec<f32>,
    old: Vec<f32>,
    bias: Vec<f32>,
}

impl Product {
    fn new([rows, w, k]: [usize; 3], width: usize) -> Self {
        let b = |at: usize| if at % width < w { (at % 7) as f32 - 3.0 } else { f32::NAN };
        Product {
            size: [rows, w, k],
            width,
            a: (0..rows * k).map(|at| (at % 11) as f32 - 5.0).collect(),
            b: (0..k * width).map(b).collect(),
            old: (0..rows * w).map(|at| (at % 5) as f32).collect(),
            bias: (0..w.max(rows)).map(|at| at as f32).collect(),
        }
    }

    fn check<T: Tile>(
        &self,
        simd: T,
        (alpha, beta, bias): (f32, f32, Bias),
        (order_of_a, order_of_c, rectifier): (Order, Order, Rectifier),
    ) {
        let [rows, w, k] = self.size;
        let (row_stride, col_stride) = order_of_a.strides(rows, k);
        let a = MatRef::with_strides(&self.a, rows, k, row_stride, col_stride);
        let transposed = matches!(bias, Bias::PerRow);
        let bias = match bias {
            Bias::Absent => None,
            Bias::PerRow => Some(&self.bias[..rows]),
            Bias::PerColumn => Some(&self.bias[..w]),
        };
        // With beta 0, what was there must not be seen.
        let mut c = if beta == 0.0 { vec![f32::NAN; rows * w] } else { self.old.clone() };
        let (row_stride, col_stride) = order_of_c.strides(rows, w);
        let strips = Strips {
            a: a.data(),
            row_stride: a.row_stride(),
            col_stride: a.col_stride(),
            strip_stride: 0,
            k,
            b: PanelsB::Packed(&self.b, None),
            c: MatMut::with_strides(&mut c, rows, w, row_stride, col_stride),
            finish: Finish { alpha, beta, epilogue: Epilogue { bias, rectifier }, transposed },
            prefetch: Prefetch::nothing(a.data().as_ptr()),
        };
        simd.at_height(rows, strips);
        for (i, j) in (0..rows).flat_map(|i| (0..w).map(move |j| (i, j))) {
            let at = i * row_stride + j * col_stride;
            let sum: f32 = (0..k).map(|p| a.at(i, p) * self.b[p * self.width + j]).sum();
            let old = if beta == 0.0 { 0.0 } else { beta * self.old[at] };
            let bias = bias.map_or(0.0, |bias| bias[if transposed { i } else { j }]);
            let x = alpha * sum + old + bias;
            let x = match rectifier {
                Rectifier::None => x,
                Rectifier::Relu => x.max(0.0),
                Rectifier::Relu6 => x.clamp(0.0, 6.0),
            };
            assert_eq!(c[at], x, "{} {rows} x {w} x {k} at ({i}, {j})", T::NAME);
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
