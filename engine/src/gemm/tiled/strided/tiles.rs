//! Strips whose rows may lie in several lines and images, for an ISA with a micro-kernel for them:
//! lines of 7 rows, cut by themselves, would be strips of 4 and 3 rows in place of 6.
//!
//! Tiles of few steps are many, so that little is done for each: places go on from strip to strip,
//! without a division, and are checked once.

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
        let (k, n, nr) = (a.cols(), c.cols(), T::NR);
        for part in 0..parts {
            let mut place = Place::of(a, steps, c, part * rows + first, strips * MR);
            for _ in 0..strips {
                let places = place.strip::<MR>();
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

/// A row of A, which goes on to the next one.
#[derive(Clone, Copy)]
struct Place {
    /// Where the row starts in A, and where in C.
    at: [usize; 2],
    /// The rows until the end of its line, with itself, and the lines until that of its image.
    rows: usize,
    lines: usize,
    /// The rows of a line, and the lines of an image.
    counts: [usize; 2],
    /// From a row to the next one, in A and C; and that much further where a line ends, and where
    /// an image does.
    row: [usize; 2],
    line: [usize; 2],
    image: [usize; 2],
}

/// The rows of a strip: where they start in A and in C. All of them are rows of both.
struct Places<const MR: usize>([[usize; 2]; MR]);

impl Place {
    /// Row `i` of A, of all lines and images, of `count` that are to be taken.
    #[inline(always)]
    fn of(a: Windows, steps: [usize; 2], c: &MatMut, i: usize, count: usize) -> Place {
        let (_, [images, lines, rows], _) = a.parts();
        assert!(i + count <= images.count * lines.count * rows.count, "strips outside A");
        let last = (images.count - 1) * steps[0] + (lines.count - 1) * steps[1] + rows.count;
        assert!(last <= c.rows(), "strips outside C");
        let in_c = |rows: usize| rows.wrapping_mul(c.row_stride());
        let (line, row) = (i / rows.count, i % rows.count);
        let (image, line) = (line / lines.count, line % lines.count);
        Place {
            at: [
                image * images.stride + line * lines.stride + row * rows.stride,
                in_c(image * steps[0] + line * steps[1] + row),
            ],
            rows: rows.count - row,
            lines: lines.count - line,
            counts: [rows.count, lines.count],
            row: [rows.stride, in_c(1)],
            line: [
                lines.stride.wrapping_sub(rows.count * rows.stride),
                in_c(steps[1].wrapping_sub(rows.count)),
            ],
            image: [
                images.stride.wrapping_sub(lines.count * lines.stride),
                in_c(steps[0].wrapping_sub(lines.count * steps[1])),
            ],
        }
    }

    #[inline(always)]
    fn add(&mut self, [a, c]: [usize; 2]) {
        self.at = [self.at[0].wrapping_add(a), self.at[1].wrapping_add(c)];
    }

    /// The next rows.
    #[inline(always)]
    fn strip<const MR: usize>(&mut self) -> Places<MR> {
        let mut places = [[0; 2]; MR];
        for place in &mut places {
            *place = self.at;
            self.add(self.row);
            self.rows -= 1;
            if self.rows == 0 {
                self.rows = self.counts[0];
                self.add(self.line);
                self.lines -= 1;
                if self.lines == 0 {
                    self.lines = self.counts[1];
                    self.add(self.image);
                }
            }
        }
        Places(places)
    }
}

/// The micro-kernel: the columns from `j` on of a strip of C; `b`: (k, NV vectors).
#[inline(always)]
fn tile<T: Tile, const MR: usize, const NV: usize>(
    simd: T,
    a: Windows,
    Places(places): &Places<MR>,
    b: &[f32],
    c: &mut MatMut,
    j: usize,
    finish: Finish,
) {
    let (data, [_, _, rows], [column_images, runs, columns]) = a.parts();
    let width = NV * T::LANES;
    assert!(b.len() >= a.cols() * width);
    assert!(columns.stride == 1 || rows.stride == 1 && places[MR - 1][0] == places[0][0] + MR - 1);
    let mut operands = WindowOperands { rows: [data.as_ptr(); MR], runs, columns, b: b.as_ptr() };
    for (start, &[at, _]) in operands.rows.iter_mut().zip(places) {
        *start = start.wrapping_add(at);
    }
    let mut sums = [[simd.splat(0.0); NV]; MR];
    for _ in 0..column_images.count {
        // SAFETY: the rows are rows of A, as `Place` has seen, whose elements lie in its memory, as
        // `Windows` has seen. Either their columns are neighbours, or the rows are, since they are
        // those of one line. B has as many rows as all images have columns. Neither is empty.
        sums = unsafe { simd.add_up_windows(sums, operands) };
        for start in &mut operands.rows {
            *start = start.wrapping_add(column_images.stride);
        }
        operands.b = operands.b.wrapping_add(runs.count * columns.count * width);
    }
    write::<T, MR, NV>(simd, sums, c, places, j, finish);
}

/// Writes the columns from `j` on of the rows of a strip, which need not follow each other.
#[inline(always)]
fn write<T: Tile, const MR: usize, const NV: usize>(
    simd: T,
    mut sums: [[T::F; NV]; MR],
    c: &mut MatMut,
    places: &[[usize; 2]; MR],
    j: usize,
    finish: Finish,
) {
    let width = NV * T::LANES;
    assert!(c.col_stride() == 1 && c.cols() >= j + width);
    assert!(finish.alpha == 1.0 && !finish.transposed);
    let mut rows = [c.as_mut_ptr(); MR];
    for (row, &[_, at]) in rows.iter_mut().zip(places) {
        *row = row.wrapping_add(at + j);
    }
    if finish.beta != 0.0 {
        let beta = simd.splat(finish.beta);
        for (sums, &row) in sums.iter_mut().zip(&rows) {
            // SAFETY: this is a row of C, as `Place` has seen, which has the columns and is
            // contiguous, as asserted; a `MatMut` owns its elements.
            let old = unsafe { std::slice::from_raw_parts(row, width) };
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = simd.mul_add(beta, simd.load(&old[v * T::LANES..]), *sum);
            }
        }
    }
    if let Some(bias) = finish.epilogue.bias {
        let bias = &bias[j..][..width];
        for v in 0..NV {
            let bias_v = simd.load(&bias[v * T::LANES..]);
            for row in &mut sums {
                row[v] = simd.add(row[v], bias_v);
            }
        }
    }
    finish::rectify(simd, finish.epilogue.rectifier, &mut sums);
    for (sums, row) in sums.into_iter().zip(rows) {
        // SAFETY: as above.
        let out = unsafe { std::slice::from_raw_parts_mut(row, width) };
        for (v, sum) in sums.into_iter().enumerate() {
            simd.store(sum, &mut out[v * T::LANES..]);
        }
    }
}
