//! The four passes of batch norm over a batch.
//!
//! Each takes a block of rows at a time, and in it strips of two vectors of columns: what belongs
//! to a column (statistics, parameters, sums) stays in registers down the strip. A block of many
//! columns has [`ROWS`] rows, so that memory is read in as many long runs. Walking down all rows of
//! such a matrix instead jumps a row with each load: it took 1.7 times as long. Few columns, as
//! those of images have, leave room for more rows in a block: with four, 16 columns took 46 to 70
//! instructions a vector where 512 took 9 to 16.
//!
//! A matrix beyond the level-2 cache (`is_far`) is prefetched one group of rows ahead, if it has
//! many columns: the processor's own prefetching begins anew with each row, and 8192 x 512 took
//! 1.25 times as long without. In the cache, asking costs 15 %. Slower variants: strips of 32 to
//! 256 columns, of which the second pass would find in a cache what the first has read, took 1.2 to
//! 2.2 times as long, for the short runs; asking for what is written changed nothing.

use crate::hardware::caches;
use crate::hardware::memory::FLOATS_PER_LINE;
use crate::hardware::simd::{Simd, kernel};

/// True if a matrix of so many values lies beyond the level-2 cache. No bit depends on it.
pub(crate) fn is_far(values: usize) -> bool {
    values * size_of::<f32>() > caches::level2()
}

/// The rows of a block, at least: as many streams as the prefetchers follow with ease.
const ROWS: usize = 4;

/// The values of a block that has more rows than that: 8 KB, a quarter of a level-1 cache, of each
/// of up to three matrices.
const BLOCK: usize = 2048;

/// The vectors of a strip: 9 or 10 registers of AVX2's 16 hold what belongs to them.
const STRIP: usize = 2;

/// The values of the columns, each (columns).
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub gamma: &'a [f32],
    pub beta: &'a [f32],
    pub mean: &'a [f32],
    /// `1 / sqrt(var + eps)`
    pub inv_std: &'a [f32],
}

/// Some vectors of columns, in some rows.
#[derive(Clone, Copy)]
pub struct Strip {
    /// The first value of the first row, and the end of the last.
    start: usize,
    end: usize,
    /// The first column.
    j: usize,
}

/// A pass over a matrix.
pub(crate) trait Pass {
    /// The values of the matrix, and its columns.
    fn size(&self) -> [usize; 2];

    /// Prepares the pass.
    fn begin(&mut self) {}

    /// Works on a strip of `V` vectors, which are whole, or of one that need not be.
    fn strip<S: Simd, const V: usize, const WHOLE: bool, const FAR: bool, const RELU: bool>(
        &mut self,
        s: S,
        strip: Strip,
    );
}

kernel! {
    /// Takes each vector of each row once: blocks of rows, and strips within them.
    pub(crate) fn sweep<P: Pass>(s, pass: P, far: bool, relu: bool) {
        let [_, columns] = pass.size();
        match (far && block_rows(columns) == ROWS, relu) {
            (true, true) => sweep_from::<S, P, true, true>(s, pass),
            (true, false) => sweep_from::<S, P, true, false>(s, pass),
            (false, true) => sweep_from::<S, P, false, true>(s, pass),
            (false, false) => sweep_from::<S, P, false, false>(s, pass),
        }
    }
}

/// The rows of a block.
fn block_rows(columns: usize) -> usize {
    (BLOCK / columns).max(ROWS)
}

#[inline(always)]
fn sweep_from<S: Simd, P: Pass, const FAR: bool, const RELU: bool>(s: S, mut pass: P) {
    pass.begin();
    let [len, columns] = pass.size();
    let block = block_rows(columns) * columns;
    let strips = columns - columns % (STRIP * S::LANES);
    let vectors = columns - columns % S::LANES;
    for start in (0..len).step_by(block) {
        let end = len.min(start + block);
        for j in (0..strips).step_by(STRIP * S::LANES) {
            pass.strip::<S, STRIP, true, FAR, RELU>(s, Strip { start, end, j });
        }
        for j in (strips..vectors).step_by(S::LANES) {
            pass.strip::<S, 1, true, FAR, RELU>(s, Strip { start, end, j });
        }
        if vectors < columns {
            pass.strip::<S, 1, false, FAR, RELU>(s, Strip { start, end, j: vectors });
        }
    }
}

/// The vectors of columns from `j` on, of values that each column has one of.
#[inline(always)]
fn load<S: Simd, const V: usize, const WHOLE: bool>(s: S, x: &[f32], j: usize) -> [S::F; V] {
    // Plain loops here and below: what a library function calls would be compiled without the ISA.
    let mut vectors = [s.splat(0.0); V];
    if WHOLE {
        let x = &x[j..][..V * S::LANES];
        for (v, vector) in vectors.iter_mut().enumerate() {
            *vector = s.load(&x[v * S::LANES..]);
        }
    } else {
        vectors[0] = s.load_head(&x[j..]);
    }
    vectors
}

/// Writes the vectors of columns from `j` on.
#[inline(always)]
fn store<S: Simd, const V: usize, const WHOLE: bool>(
    s: S,
    vectors: [S::F; V],
    out: &mut [f32],
    j: usize,
) {
    if WHOLE {
        let out = &mut out[j..][..V * S::LANES];
        for (v, vector) in vectors.into_iter().enumerate() {
            s.store(vector, &mut out[v * S::LANES..]);
        }
    } else {
        s.store_head(vectors[0], &mut out[j..]);
    }
}

/// [`load`] of a row of a matrix. Asks for the row that is [`ROWS`] further if it is `FAR`.
#[inline(always)]
fn load_row<S: Simd, const V: usize, const WHOLE: bool, const FAR: bool>(
    s: S,
    row: &[f32],
    j: usize,
) -> [S::F; V] {
    if FAR {
        for at in (0..V * S::LANES).step_by(FLOATS_PER_LINE) {
            s.prefetch(row.as_ptr().wrapping_add(ROWS * row.len() + j + at));
        }
    }
    load::<S, V, WHOLE>(s, row, j)
}

/// Sums of `x - shift` and of its square down the columns of x: (rows, c), overwritten.
pub(crate) struct Moments<'a> {
    pub x: &'a [f32],
    pub shift: &'a [f32],
    pub sum: &'a mut [f32],
    pub squares: &'a mut [f32],
}

impl Pass for Moments<'_> {
    fn size(&self) -> [usize; 2] {
        [self.x.len(), self.shift.len()]
    }

    fn begin(&mut self) {
        self.sum.fill(0.0);
        self.squares.fill(0.0);
    }

    #[inline(always)]
    fn strip<S: Simd, const V: usize, const WHOLE: bool, const FAR: bool, const RELU: bool>(
        &mut self,
        s: S,
        Strip { start, end, j }: Strip,
    ) {
        let shift = load::<S, V, WHOLE>(s, self.shift, j);
        let mut sum = load::<S, V, WHOLE>(s, self.sum, j);
        let mut squares = load::<S, V, WHOLE>(s, self.squares, j);
        let c = self.shift.len();
        for row in self.x[start..end].chunks_exact(c) {
            let row = load_row::<S, V, WHOLE, FAR>(s, row, j);
            for v in 0..V {
                let d = s.sub(row[v], shift[v]);
                sum[v] = s.add(sum[v], d);
                squares[v] = s.mul_add(d, d, squares[v]);
            }
        }
        store::<S, V, WHOLE>(s, sum, self.sum, j);
        store::<S, V, WHOLE>(s, squares, self.squares, j);
    }
}

/// y = gamma (x - mean) inv_std + beta, and the ReLU of it.
pub(crate) struct Normalise<'a> {
    pub x: &'a [f32],
    pub y: &'a mut [f32],
    pub columns: Columns<'a>,
}

impl Pass for Normalise<'_> {
    fn size(&self) -> [usize; 2] {
        [self.x.len(), self.columns.mean.len()]
    }

    #[inline(always)]
    fn strip<S: Simd, const V: usize, const WHOLE: bool, const FAR: bool, const RELU: bool>(
        &mut self,
        s: S,
        Strip { start, end, j }: Strip,
    ) {
        let affine = Affine::<S, V>::at::<WHOLE>(s, self.columns, j);
        let c = self.columns.mean.len();
        let (x, y) = (&self.x[start..end], &mut self.y[start..end]);
        for (x, y) in x.chunks_exact(c).zip(y.chunks_exact_mut(c)) {
            let mut z = load_row::<S, V, WHOLE, FAR>(s, x, j);
            for (v, z) in z.iter_mut().enumerate() {
                *z = affine.of(s, v, s.sub(*z, affine.mean[v]));
                if RELU {
                    *z = s.max(s.splat(0.0), *z);
                }
            }
            store::<S, V, WHOLE>(s, z, y, j);
        }
    }
}

/// The map from x to z in some vectors of columns.
struct Affine<S: Simd, const V: usize> {
    mean: [S::F; V],
    scale: [S::F; V],
    beta: [S::F; V],
    inv_std: [S::F; V],
}

impl<S: Simd, const V: usize> Affine<S, V> {
    #[inline(always)]
    fn at<const WHOLE: bool>(s: S, columns: Columns, j: usize) -> Self {
        let inv_std = load::<S, V, WHOLE>(s, columns.inv_std, j);
        let mut scale = load::<S, V, WHOLE>(s, columns.gamma, j);
        for v in 0..V {
            scale[v] = s.mul(scale[v], inv_std[v]);
        }
        let mean = load::<S, V, WHOLE>(s, columns.mean, j);
        Affine { mean, scale, beta: load::<S, V, WHOLE>(s, columns.beta, j), inv_std }
    }

    /// z in vector `v`, for the distance of x from the mean.
    #[inline(always)]
    fn of(&self, s: S, v: usize, distance: S::F) -> S::F {
        s.mul_add(distance, self.scale[v], self.beta[v])
    }

    /// dz: dy, but 0 where the ReLU was closed. It is computed from x again, by the very operations
    /// of the forward pass: that costs less than reading y.
    #[inline(always)]
    fn dz<const RELU: bool>(&self, s: S, v: usize, distance: S::F, dy: S::F) -> S::F {
        let zero = s.splat(0.0);
        if RELU { s.select_gt(self.of(s, v, distance), zero, dy, zero) } else { dy }
    }
}

/// dbeta = sum dz and dgamma = sum dz x_hat, overwritten.
pub(crate) struct BackwardSums<'a> {
    pub x: &'a [f32],
    pub dy: &'a [f32],
    pub columns: Columns<'a>,
    pub dbeta: &'a mut [f32],
    pub dgamma: &'a mut [f32],
}

impl Pass for BackwardSums<'_> {
    fn size(&self) -> [usize; 2] {
        [self.x.len(), self.columns.mean.len()]
    }

    fn begin(&mut self) {
        self.dbeta.fill(0.0);
        self.dgamma.fill(0.0);
    }

    #[inline(always)]
    fn strip<S: Simd, const V: usize, const WHOLE: bool, const FAR: bool, const RELU: bool>(
        &mut self,
        s: S,
        Strip { start, end, j }: Strip,
    ) {
        let affine = Affine::<S, V>::at::<WHOLE>(s, self.columns, j);
        let mut dbeta = load::<S, V, WHOLE>(s, self.dbeta, j);
        let mut dgamma = load::<S, V, WHOLE>(s, self.dgamma, j);
        let c = self.columns.mean.len();
        let (x, dy) = (&self.x[start..end], &self.dy[start..end]);
        for (x, dy) in x.chunks_exact(c).zip(dy.chunks_exact(c)) {
            let x = load_row::<S, V, WHOLE, FAR>(s, x, j);
            let dy = load_row::<S, V, WHOLE, FAR>(s, dy, j);
            for v in 0..V {
                let distance = s.sub(x[v], affine.mean[v]);
                let dz = affine.dz::<RELU>(s, v, distance, dy[v]);
                dbeta[v] = s.add(dbeta[v], dz);
                dgamma[v] = s.mul_add(dz, s.mul(distance, affine.inv_std[v]), dgamma[v]);
            }
        }
        store::<S, V, WHOLE>(s, dbeta, self.dbeta, j);
        store::<S, V, WHOLE>(s, dgamma, self.dgamma, j);
    }
}

/// dx; `means` are dbeta / n and dgamma / n, or `None` for constant statistics.
pub(crate) struct BackwardInput<'a> {
    pub x: &'a [f32],
    pub dy: &'a [f32],
    pub dx: &'a mut [f32],
    pub columns: Columns<'a>,
    pub means: Option<(&'a [f32], &'a [f32])>,
}

impl Pass for BackwardInput<'_> {
    fn size(&self) -> [usize; 2] {
        [self.x.len(), self.columns.mean.len()]
    }

    #[inline(always)]
    fn strip<S: Simd, const V: usize, const WHOLE: bool, const FAR: bool, const RELU: bool>(
        &mut self,
        s: S,
        Strip { start, end, j }: Strip,
    ) {
        let affine = Affine::<S, V>::at::<WHOLE>(s, self.columns, j);
        let zero = s.splat(0.0);
        // dz - dbeta / n - distance inv_std dgamma / n
        let (mut constant, mut slope) = ([zero; V], [zero; V]);
        if let Some((dbeta, dgamma)) = self.means {
            constant = load::<S, V, WHOLE>(s, dbeta, j);
            slope = load::<S, V, WHOLE>(s, dgamma, j);
            for v in 0..V {
                constant[v] = s.sub(zero, constant[v]);
                slope[v] = s.sub(zero, s.mul(slope[v], affine.inv_std[v]));
            }
        }
        let c = self.columns.mean.len();
        let (x, dy) = (&self.x[start..end], &self.dy[start..end]);
        let dx = self.dx[start..end].chunks_exact_mut(c);
        for ((x, dy), dx) in x.chunks_exact(c).zip(dy.chunks_exact(c)).zip(dx) {
            let x = load_row::<S, V, WHOLE, FAR>(s, x, j);
            let mut d = load_row::<S, V, WHOLE, FAR>(s, dy, j);
            for (v, d) in d.iter_mut().enumerate() {
                let distance = s.sub(x[v], affine.mean[v]);
                let dz = affine.dz::<RELU>(s, v, distance, *d);
                let inner = s.add(dz, s.mul_add(distance, slope[v], constant[v]));
                *d = s.mul(affine.scale[v], inner);
            }
            store::<S, V, WHOLE>(s, d, dx, j);
        }
    }
}
