//! The four passes of batch norm over a batch.
//!
//! Each takes [`ROWS`] rows at a time and walks along them: what belongs to a column (statistics,
//! parameters, sums) is read once for all of them, and memory is read in as many long runs. Walking
//! down each column instead keeps the sums in registers, but jumps a row with each load: it took
//! 1.7 times as long.
//!
//! A matrix beyond the level-2 cache (`is_far`) is prefetched one group of rows ahead: the
//! processor's own prefetching begins anew with each row, and 8192 x 512 took 1.25 times as long
//! without. In the cache, asking costs 15 %. Slower variants: strips of 32 to 256 columns, of which
//! the second pass would find in a cache what the first has read, took 1.2 to 2.2 times as long,
//! for the short runs; asking for what is written changed nothing.

use crate::hardware::caches;
use crate::hardware::simd::{Simd, kernel};

/// True if a matrix of so many values lies beyond the level-2 cache. No bit depends on it.
pub(crate) fn is_far(values: usize) -> bool {
    values * size_of::<f32>() > caches::level2()
}

/// The rows taken at a time: as many streams as the prefetchers follow with ease.
const ROWS: usize = 4;

/// The values of the columns, each (columns).
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub gamma: &'a [f32],
    pub beta: &'a [f32],
    pub mean: &'a [f32],
    /// `1 / sqrt(var + eps)`
    pub inv_std: &'a [f32],
}

/// The first row and column of the vectors that a step takes.
#[derive(Clone, Copy)]
pub struct At {
    row: usize,
    j: usize,
}

/// A pass over a matrix.
pub(crate) trait Step {
    /// The values of the matrix, and its columns.
    fn size(&self) -> [usize; 2];

    /// Prepares the pass.
    fn begin(&mut self) {}

    /// Works on the vectors of `R` rows, from a column on.
    fn step<S: Simd, const R: usize, const FAR: bool, const RELU: bool>(&mut self, s: S, at: At);
}

kernel! {
    /// Takes each vector of each row once: rows in groups, columns within them.
    pub(crate) fn sweep<P: Step>(s, pass: P, far: bool, relu: bool) {
        match (far, relu) {
            (true, true) => sweep_from::<S, P, true, true>(s, pass),
            (true, false) => sweep_from::<S, P, true, false>(s, pass),
            (false, true) => sweep_from::<S, P, false, true>(s, pass),
            (false, false) => sweep_from::<S, P, false, false>(s, pass),
        }
    }
}

#[inline(always)]
fn sweep_from<S: Simd, P: Step, const FAR: bool, const RELU: bool>(s: S, mut pass: P) {
    pass.begin();
    let [len, columns] = pass.size();
    let rows = len / columns;
    let grouped = rows - rows % ROWS;
    for row in (0..grouped).step_by(ROWS) {
        for j in (0..columns).step_by(S::LANES) {
            pass.step::<S, ROWS, FAR, RELU>(s, At { row, j });
        }
    }
    for row in grouped..rows {
        for j in (0..columns).step_by(S::LANES) {
            pass.step::<S, 1, FAR, RELU>(s, At { row, j });
        }
    }
}

/// The vectors from column `j` on of `R` rows of `x`: (rows, c).
#[inline(always)]
fn load<S: Simd, const R: usize, const FAR: bool>(
    s: S,
    x: &[f32],
    c: usize,
    At { row, j }: At,
) -> [S::F; R] {
    // A plain loop: what a library function calls would be compiled without the ISA.
    let mut vectors = [s.splat(0.0); R];
    for (r, vector) in vectors.iter_mut().enumerate() {
        if FAR {
            s.prefetch(x.as_ptr().wrapping_add((row + r + ROWS) * c + j));
        }
        *vector = s.load_at(&x[(row + r) * c..][..c], j);
    }
    vectors
}

/// Sums of `x - shift` and of its square down the columns of x: (rows, c), overwritten.
pub(crate) struct Moments<'a> {
    pub x: &'a [f32],
    pub shift: &'a [f32],
    pub sum: &'a mut [f32],
    pub squares: &'a mut [f32],
}

impl Step for Moments<'_> {
    fn size(&self) -> [usize; 2] {
        [self.x.len(), self.shift.len()]
    }

    fn begin(&mut self) {
        self.sum.fill(0.0);
        self.squares.fill(0.0);
    }

    #[inline(always)]
    fn step<S: Simd, const R: usize, const FAR: bool, const RELU: bool>(&mut self, s: S, at: At) {
        let j = at.j;
        let shift = s.load_at(self.shift, j);
        let (mut sum, mut squares) = (s.load_at(self.sum, j), s.load_at(self.squares, j));
        let x = load::<S, R, FAR>(s, self.x, self.shift.len(), at);
        for x in &x {
            let d = s.sub(*x, shift);
            sum = s.add(sum, d);
            squares = s.mul_add(d, d, squares);
        }
        s.store_at(sum, self.sum, j);
        s.store_at(squares, self.squares, j);
    }
}

/// y = gamma (x - mean) inv_std + beta, and the ReLU of it.
pub(crate) struct Normalise<'a> {
    pub x: &'a [f32],
    pub y: &'a mut [f32],
    pub columns: Columns<'a>,
}

impl Step for Normalise<'_> {
    fn size(&self) -> [usize; 2] {
        [self.x.len(), self.columns.mean.len()]
    }

    #[inline(always)]
    fn step<S: Simd, const R: usize, const FAR: bool, const RELU: bool>(&mut self, s: S, at: At) {
        let At { row, j } = at;
        let c = self.columns.mean.len();
        let affine = Affine::at(s, self.columns, j);
        let x = load::<S, R, FAR>(s, self.x, c, at);
        for (r, x) in x.iter().enumerate() {
            let z = affine.of(s, s.sub(*x, affine.mean));
            let y = if RELU { s.max(s.splat(0.0), z) } else { z };
            s.store_at(y, &mut self.y[(row + r) * c..][..c], j);
        }
    }
}

/// The map from x to z in one vector of columns.
struct Affine<S: Simd> {
    mean: S::F,
    scale: S::F,
    beta: S::F,
    inv_std: S::F,
}

impl<S: Simd> Affine<S> {
    #[inline(always)]
    fn at(s: S, columns: Columns, j: usize) -> Self {
        let inv_std = s.load_at(columns.inv_std, j);
        Affine {
            mean: s.load_at(columns.mean, j),
            scale: s.mul(s.load_at(columns.gamma, j), inv_std),
            beta: s.load_at(columns.beta, j),
            inv_std,
        }
    }

    /// z, for the distance of x from the mean.
    #[inline(always)]
    fn of(&self, s: S, distance: S::F) -> S::F {
        s.mul_add(distance, self.scale, self.beta)
    }

    /// dz: dy, but 0 where the ReLU was closed. It is computed from x again, by the very operations
    /// of the forward pass: that costs less than reading y.
    #[inline(always)]
    fn dz<const RELU: bool>(&self, s: S, distance: S::F, dy: S::F) -> S::F {
        let zero = s.splat(0.0);
        if RELU { s.select_gt(self.of(s, distance), zero, dy, zero) } else { dy }
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

impl Step for BackwardSums<'_> {
    fn size(&self) -> [usize; 2] {
        [self.x.len(), self.columns.mean.len()]
    }

    fn begin(&mut self) {
        self.dbeta.fill(0.0);
        self.dgamma.fill(0.0);
    }

    #[inline(always)]
    fn step<S: Simd, const R: usize, const FAR: bool, const RELU: bool>(&mut self, s: S, at: At) {
        let j = at.j;
        let c = self.columns.mean.len();
        let affine = Affine::at(s, self.columns, j);
        let (mut dbeta, mut dgamma) = (s.load_at(self.dbeta, j), s.load_at(self.dgamma, j));
        let (x, dy) = (load::<S, R, FAR>(s, self.x, c, at), load::<S, R, FAR>(s, self.dy, c, at));
        for (x, dy) in x.iter().zip(&dy) {
            let distance = s.sub(*x, affine.mean);
            let dz = affine.dz::<RELU>(s, distance, *dy);
            dbeta = s.add(dbeta, dz);
            dgamma = s.mul_add(dz, s.mul(distance, affine.inv_std), dgamma);
        }
        s.store_at(dbeta, self.dbeta, j);
        s.store_at(dgamma, self.dgamma, j);
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

impl Step for BackwardInput<'_> {
    fn size(&self) -> [usize; 2] {
        [self.x.len(), self.columns.mean.len()]
    }

    #[inline(always)]
    fn step<S: Simd, const R: usize, const FAR: bool, const RELU: bool>(&mut self, s: S, at: At) {
        let At { row, j } = at;
        let c = self.columns.mean.len();
        let affine = Affine::at(s, self.columns, j);
        let zero = s.splat(0.0);
        // dz - dbeta / n - distance inv_std dgamma / n
        let (constant, slope) = match self.means {
            Some((dbeta, dgamma)) => {
                let slope = s.mul(s.load_at(dgamma, j), affine.inv_std);
                (s.sub(zero, s.load_at(dbeta, j)), s.sub(zero, slope))
            }
            None => (zero, zero),
        };
        let (x, dy) = (load::<S, R, FAR>(s, self.x, c, at), load::<S, R, FAR>(s, self.dy, c, at));
        for (r, (x, dy)) in x.iter().zip(&dy).enumerate() {
            let distance = s.sub(*x, affine.mean);
            let dz = affine.dz::<RELU>(s, distance, *dy);
            let inner = s.add(dz, s.mul_add(distance, slope, constant));
            s.store_at(s.mul(affine.scale, inner), &mut self.dx[(row + r) * c..][..c], j);
        }
    }
}
