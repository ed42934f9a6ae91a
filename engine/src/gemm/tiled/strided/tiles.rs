//! Strips whose rows may lie in several lines and images, for an ISA with a micro-kernel for them:
//! lines of 7 rows, cut by themselves, would be strips of 4 and 3 rows in place of 6.

use crate::gemm::epilogue::Finish;
use crate::gemm::matrix::{MatMut, Windows};
use crate::gemm::tiled::finish;
use crate::gemm::tiled::sums::windows::WindowOperands;
use crate::gemm::tiled::tile::{Heights, NRV, Tile};

/// Strips of one height times all of B, for a B of whole vectors.
pub struct Tiles<'a> {
    /// The rows of A are cut into so many parts of `rows` each, in each of which the strips begin
    /// at row `first`.
    pub parts: usize,
    pub rows: usize,
    pub first: usize,
    pub strips: usize,
    pub a: Windows<'a>,
    /// Micro-panels (k, NR), the last of which may be narrower by whole vectors.
    pub packed: &'a [f32],
    /// (rows, n), with contiguous rows, in which images of A and their lines begin each `steps`.
    pub c: MatMut<'a>,
    pub steps: [usize; 2],
    pub finish: Finish<'a>,
}

impl Heights for Tiles<'_> {
    #[inline(always)]
    fn run<T: Tile, const MR: usize>(&mut self, simd: T) {
        let Tiles { parts, rows, first, strips, a, packed, ref mut c, steps, finish } = *self;
        let (_, _, [runs, columns]) = a.parts();
        let (k, n, nr) = (runs.count * columns.count, c.cols(), T::NR);
        for part in 0..parts {
            for strip in 0..strips {
                let places = Places::<MR>::of(a, steps, part * rows + first + strip * MR);
                for j in (0..n).step_by(nr) {
                    let w = nr.min(n - j);
                    let b = &packed[j * k..][..k * w];
                    if w > T::LANES {
                        tile::<T, MR, NRV>(simd, a, &places, b, c, j, finish);
                    } else {
                        tile::<T, MR, 1>(simd, a, &places, b, c, j, finish);
                    }
                }
            }
        }
    }
}

/// The rows of a strip: where they start in A, and their numbers in C.
struct Places<const MR: usize> {
    starts: [usize; MR],
    rows: [usize; MR],
}

impl<const MR: usize> Places<MR> {
    /// Those from row `i` of A on, of all lines and images.
    #[inline(always)]
    fn of(a: Windows, steps: [usize; 2], i: usize) -> Self {
        let (_, [images, lines, rows], _) = a.parts();
        let (mut line, mut row) = (i / rows.count, i % rows.count);
        let mut image = line / lines.count;
        line %= lines.count;
        assert!(i + MR <= images.count * lines.count * rows.count, "strips outside their images");
        let mut places = Places { starts: [0; MR], rows: [0; MR] };
        for r in 0..MR {
            places.starts[r] = image * images.stride + line * lines.stride + row * rows.stride;
            places.rows[r] = image * steps[0] + line * steps[1] + row;
            row += 1;
            if row == rows.count {
                (line, row) = (line + 1, 0);
                if line == lines.count {
                    (image, line) = (image + 1, 0);
                }
            }
        }
        places
    }

    /// True if the rows follow each other in C.
    #[inline(always)]
    fn together(&self) -> bool {
        self.rows[MR - 1] == self.rows[0] + MR - 1
    }
}

/// The micro-kernel: the columns from `j` on of a strip of C; `b`: (k, NV vectors).
#[inline(always)]
fn tile<T: Tile, const MR: usize, const NV: usize>(
    simd: T,
    a: Windows,
    places: &Places<MR>,
    b: &[f32],
    c: &mut MatMut,
    j: usize,
    finish: Finish,
) {
    let (data, [_, _, rows], [runs, columns]) = a.parts();
    let width = NV * T::LANES;
    assert!(b.len() >= runs.count * columns.count * width);
    assert!(columns.stride == 1 || rows.stride == 1 && places.together());
    let mut starts = [data.as_ptr(); MR];
    for (start, &at) in starts.iter_mut().zip(&places.starts) {
        *start = data[at..].as_ptr();
    }
    let operands = WindowOperands { rows: starts, runs, columns, b: b.as_ptr() };
    let zero = [[simd.splat(0.0); NV]; MR];
    // SAFETY: the rows are rows of A, as `Places` has seen, whose elements lie in its memory, as
    // `Windows` has seen. Either their columns are neighbours, or the rows are, since they are
    // those of one line. B has as many rows as all runs have columns. Neither is empty.
    let sums = unsafe { simd.add_up_windows(zero, operands) };
    let first = places.rows[0];
    if places.together() {
        let mut c = c.block(first, MR, j, width);
        finish::write(simd, sums, &mut c, finish.from(first, j));
    } else {
        scatter(simd, sums, c, &places.rows, j, finish.from(first, j));
    }
}

/// Writes rows that do not follow each other.
#[inline(always)]
fn scatter<T: Tile, const MR: usize, const NV: usize>(
    simd: T,
    mut sums: [[T::F; NV]; MR],
    c: &mut MatMut,
    rows: &[usize; MR],
    j: usize,
    finish: Finish,
) {
    assert!(finish.alpha == 1.0 && finish.beta == 0.0 && !finish.transposed);
    if let Some(bias) = finish.epilogue.bias {
        for v in 0..NV {
            let bias_v = simd.load(&bias[v * T::LANES..]);
            for row in &mut sums {
                row[v] = simd.add(row[v], bias_v);
            }
        }
    }
    if finish.epilogue.relu {
        finish::relu(simd, &mut sums);
    }
    for (&i, row) in rows.iter().zip(sums) {
        let out = c.row(i, j, NV * T::LANES);
        for (v, sum) in row.into_iter().enumerate() {
            simd.store(sum, &mut out[v * T::LANES..]);
        }
    }
}
