//! The product of a block of rows and a layer's weights, with its bias and ReLU.
//!
//! ```text
//! for each tile of 1 to 6 rows                  columns = where any of its rows is not 0
//! for each panel of 64 outputs                  comes to the level-2 cache once
//!     for each tile
//!         for each strip of the panel           the sums of tile x strip stay in registers
//!             for k in columns
//!                 sums[row][..] += x[row][k] panel[k][..]
//!             y = relu(sums scale + bias)
//! ```
//!
//! 1. A single row is bound by reading the weights. Its panels are read in one long run, or by runs
//!    of 64 outputs where x is 0 in between. A term that is left out is `0 w` of a finite w:
//!    leaving it out changes no sum.
//! 2. The tile's height takes as many registers as there are: 6 rows of 4 vectors in AVX-512 (24
//!    sums, 4 weights, 1 value of x, of 32), 6 rows of 2 vectors in AVX2 (12 sums, 2 weights, 1
//!    value of x, of 16).
//! 3. k is not cut: a sum is never stored half-way, and does not depend on the rows beside it.

use super::panels::{Panels, Precision, STEP, WIDTH, Weight};
use crate::hardware::simd::{Isa, Kernel, Simd};

/// The rows of a tile, at most.
pub(crate) const TILE_ROWS: usize = 6;

/// The tiles of a block, at most.
const MAX_TILES: usize = super::MAX_ROWS / TILE_ROWS + 3;

/// The rows of the next tile, of so many left: no tile of one row where there are more.
fn tile_rows(left: usize) -> usize {
    match left {
        0..=4 => left,
        5 => 3,
        7 | 8 | 11 => 4,
        _ => TILE_ROWS,
    }
}

/// The number of tiles of a block.
fn tiles(rows: usize) -> usize {
    let (mut row, mut count) = (0, 0);
    while row < rows {
        row += tile_rows(rows - row);
        count += 1;
    }
    count
}

/// The length of [`Product::columns`].
pub(crate) fn columns_len(rows: usize, inputs: usize) -> usize {
    tiles(rows) * inputs
}

/// The length of [`Product::packed`].
pub(crate) fn packed_len(rows: usize, inputs: usize) -> usize {
    rows * inputs
}

/// y = relu(x W^T + b) for a block of rows.
pub(crate) struct Product<'a> {
    pub linear: &'a Panels,
    /// (rows, inputs)
    pub x: &'a [f32],
    /// (rows, outputs), overwritten
    pub y: &'a mut [f32],
    /// 0..inputs
    pub all: &'a [u32],
    /// `columns_len` numbers of any content
    pub columns: &'a mut [u32],
    /// `packed_len` numbers of any content
    pub packed: &'a mut [f32],
}

impl Product<'_> {
    /// Computes y.
    pub fn run(self, isa: Isa) {
        match self.linear.precision {
            Precision::F32 => isa.run(Typed { panels: self.linear.values::<f32>(), product: self }),
            Precision::F16 => isa.run(Typed { panels: self.linear.values::<u16>(), product: self }),
            Precision::Int8 => isa.run(Typed { panels: self.linear.values::<i8>(), product: self }),
        }
    }
}

struct Typed<'a, W> {
    product: Product<'a>,
    panels: &'a [W],
}

impl<W: Weight> Kernel for Typed<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Typed { product: Product { linear, x, y, all, columns, packed }, panels } = self;
        let (inputs, outputs) = (linear.inputs, linear.outputs);
        let (scale, bias) = (&linear.scale[..], &linear.bias[..]);
        let rows = x.len() / inputs;
        // The number of columns that each tile reads; `None` for all.
        let mut counts = [None; MAX_TILES];
        let (mut row, mut tile) = (0, 0);
        while row < rows {
            let height = tile_rows(rows - row);
            let part = row * inputs..(row + height) * inputs;
            let (x, packed) = (&x[part.clone()], &mut packed[part]);
            let columns = &mut columns[tile * inputs..][..inputs];
            counts[tile] = match (height, linear.finite) {
                (1, true) => Some(compress(s, x, columns, packed)),
                (_, true) => not_zero(x, inputs, columns),
                (_, false) => None,
            };
            let columns = match counts[tile] {
                Some(count) => &columns[..count],
                None => all,
            };
            match height {
                // Done already, unless weights are not finite.
                1 if linear.finite => {}
                1 => pack::<1>(x, columns, packed),
                2 => pack::<2>(x, columns, packed),
                3 => pack::<3>(x, columns, packed),
                4 => pack::<4>(x, columns, packed),
                _ => pack::<TILE_ROWS>(x, columns, packed),
            }
            row += height;
            tile += 1;
        }
        for start in (0..outputs).step_by(WIDTH) {
            let width = WIDTH.min((outputs - start).next_multiple_of(STEP));
            let panel = &panels[start * inputs..][..width * inputs];
            let (mut row, mut tile) = (0, 0);
            while row < rows {
                let height = tile_rows(rows - row);
                let columns = match counts[tile] {
                    Some(count) => &columns[tile * inputs..][..count],
                    None => all,
                };
                let y = &mut y[row * outputs..][..height * outputs];
                let x = &packed[row * inputs..][..height * columns.len()];
                let work = Tile { linear, scale, bias, x, columns, panel, width, start };
                match height {
                    1 => work.panel::<S, 1>(s, y),
                    2 => work.panel::<S, 2>(s, y),
                    3 => work.panel::<S, 3>(s, y),
                    4 => work.panel::<S, 4>(s, y),
                    _ => work.panel::<S, TILE_ROWS>(s, y),
                }
                row += height;
                tile += 1;
            }
        }
    }
}

/// Writes the values of a row that are not 0, and their columns; returns how many there are.
#[inline(always)]
fn compress<S: Simd>(s: S, x: &[f32], columns: &mut [u32], packed: &mut [f32]) -> usize {
    let whole = x.len() - x.len() % S::LANES;
    let mut count = 0;
    for k in (0..whole).step_by(S::LANES) {
        // No more than k values are written yet, so that a whole vector has room.
        let (values, places) = (&mut packed[count..], &mut columns[count..]);
        count += s.compress(s.load(&x[k..]), k as u32, values, places);
    }
    for (k, &value) in x.iter().enumerate().skip(whole) {
        if value != 0.0 {
            (packed[count], columns[count]) = (value, k as u32);
            count += 1;
        }
    }
    count
}

/// Copies the columns of x: (R, inputs) one after another, each (R).
#[inline(always)]
fn pack<const R: usize>(x: &[f32], columns: &[u32], packed: &mut [f32]) {
    let inputs = x.len() / R;
    // Plain loops: the iterators' methods would be called, value by value, where they are not
    // inlined.
    for i in 0..columns.len() {
        let k = columns[i] as usize;
        for r in 0..R {
            packed[i * R + r] = x[r * inputs + k];
        }
    }
}

/// The columns in which any of several rows of x: (rows, inputs) is not 0, as a count of those
/// written to `columns`: (inputs). `None` if they seem too many to leave the others out.
#[inline(always)]
fn not_zero(x: &[f32], inputs: usize, columns: &mut [u32]) -> Option<usize> {
    let columns = &mut columns[..inputs];
    let mut first = 0;
    for x in &x[..inputs] {
        first += u32::from(*x != 0.0);
    }
    if 3 * first as usize > inputs {
        return None;
    }
    // First the bits of all rows together, whose sign does not count.
    columns.fill(0);
    for row in x.chunks_exact(inputs) {
        for (bits, x) in columns.iter_mut().zip(row) {
            *bits |= x.to_bits();
        }
    }
    let mut count = 0;
    for k in 0..inputs {
        let bits = columns[k];
        columns[count] = k as u32;
        count += usize::from(bits << 1 != 0);
    }
    Some(count)
}

/// A few rows, and a panel.
struct Tile<'a, W> {
    linear: &'a Panels,
    scale: &'a [f32],
    bias: &'a [f32],
    /// (columns, height)
    x: &'a [f32],
    columns: &'a [u32],
    /// (inputs, width)
    panel: &'a [W],
    width: usize,
    /// The first output of the panel.
    start: usize,
}

impl<W: Weight> Tile<'_, W> {
    /// y: (R, outputs), in the columns of the panel.
    #[inline(always)]
    fn panel<S: Simd, const R: usize>(&self, s: S, y: &mut [f32]) {
        let mut at = 0;
        while at < self.width {
            let left = (self.width - at) / S::LANES;
            let vectors = match (S::LANES, R) {
                // One row needs many sums to hide the latency, several rows need registers.
                (16, _) if left >= 4 => self.strip::<S, R, 4>(s, at, y),
                (16, _) if left >= 2 => self.strip::<S, R, 2>(s, at, y),
                (16, _) => self.strip::<S, R, 1>(s, at, y),
                (_, 1) if left >= 8 => self.strip::<S, R, 8>(s, at, y),
                (_, 1..=3) if left >= 4 => self.strip::<S, R, 4>(s, at, y),
                _ => self.strip::<S, R, 2>(s, at, y),
            };
            at += vectors * S::LANES;
        }
    }

    /// V vectors of outputs, from column `at` of the panel on; returns V.
    #[inline(always)]
    fn strip<S: Simd, const R: usize, const V: usize>(
        &self,
        s: S,
        at: usize,
        y: &mut [f32],
    ) -> usize {
        let mut sums = [[s.splat(0.0); V]; R];
        for (k, x) in self.columns.iter().zip(self.x.as_chunks::<R>().0) {
            let run = &self.panel[*k as usize * self.width + at..][..V * S::LANES];
            let mut weights = [s.splat(0.0); V];
            for v in 0..V {
                weights[v] = W::load(s, &run[v * S::LANES..]);
            }
            for r in 0..R {
                let x = s.splat(x[r]);
                for v in 0..V {
                    sums[r][v] = s.mul_add(x, weights[v], sums[r][v]);
                }
            }
        }
        // By way of memory: a loop over the sums themselves, too long to be unrolled, would keep
        // them there all along.
        let mut tile = [[0.0; WIDTH]; R];
        for r in 0..R {
            for v in 0..V {
                s.store(sums[r][v], &mut tile[r][v * S::LANES..]);
            }
        }
        let outputs = self.linear.outputs;
        for r in 0..R {
            self.finish(s, at, &tile[r][..V * S::LANES], &mut y[r * outputs..][..outputs]);
        }
        V
    }

    /// The sums of one row, from column `at` of the panel on: to its outputs.
    #[inline(always)]
    fn finish<S: Simd>(&self, s: S, at: usize, sums: &[f32], y: &mut [f32]) {
        let first = self.start + at;
        for v in (0..sums.len()).step_by(S::LANES) {
            let (j, sum) = (first + v, s.load(&sums[v..]));
            let bias = s.load(&self.bias[j..]);
            let z = match W::SCALED {
                true => s.mul_add(sum, s.load(&self.scale[j..]), bias),
                false => s.add(sum, bias),
            };
            if j < y.len() {
                s.store_at(if self.linear.relu { s.max(s.splat(0.0), z) } else { z }, y, j);
            }
        }
    }
}
