//! The nearest of many codes, by matrix products.
//!
//! ```text
//! for a block of queries:                 in parallel
//!     for a block of references:
//!         dots = queries references^T     one product
//!         each query keeps the k nearest so far
//! ```
//!
//! 1. A product of blocks costs a small part of what as many distances one by one would, and memory
//!    grows with neither number.
//! 2. Among themselves, codes need half of the products: a block of dots serves its rows, and its
//!    columns as well. Blocks below the diagonal are left out.
//! 3. Nearer is smaller by (distance, index). The k nearest thus do not depend on the order in
//!    which blocks come.
//! 4. Few dots are among the nearest. Sixteen at a time are compared with the farthest that still
//!    counts.

use crate::codes::Codes;
use crate::names::named;
use narrows_engine::Context;
use narrows_engine::gemm::{MatMut, MatRef, gemm};
use std::sync::{Mutex, PoisonError};

/// The codes of a block. A product of two packs each code once for 512 others, and has 1 MB.
const BLOCK: usize = 512;

/// The dots that are compared at a time.
const LANES: usize = 16;

/// The numbers of neighbours to choose from, where validation labels choose one.
pub(crate) const KS: [usize; 6] = [1, 3, 5, 10, 20, 50];

named! {
    /// A distance of codes.
    pub enum Distance {
        /// The square of the Euclidean distance.
        Euclidean = "euclidean",
        /// 1 less the cosine of the angle at the origin. A code of zeros is at right angles to all.
        Cosine = "cosine",
    }
}

/// The nearest references of each query, the nearest first; of equals the first reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    /// The number of neighbours of each query.
    pub k: usize,
    /// (queries, k)
    pub index: Vec<u32>,
    /// The distance of each: (queries, k)
    pub distance: Vec<f32>,
}

impl Neighbours {
    /// The `k` nearest of `references` to each of `queries`, or all if they are fewer. With
    /// `itself`, query i is reference i, and is no neighbour of its own.
    pub fn of(
        cx: &Context,
        queries: &Codes,
        references: &Codes,
        k: usize,
        distance: Distance,
        itself: bool,
    ) -> Neighbours {
        let k = k.min(references.samples() - usize::from(itself));
        let search = Search {
            len: queries.len,
            queries,
            references,
            norms: [queries, references].map(squared_norms),
            distance,
            itself,
            found: Self::blocks(queries.samples(), k),
        };
        let single = cx.single();
        let blocks = [queries, references].map(|codes| codes.samples().div_ceil(BLOCK));
        cx.for_each(blocks[0], |block| {
            let mut dots = vec![0.0; BLOCK * BLOCK];
            let first = if itself { block } else { 0 };
            (first..blocks[1]).for_each(|other| search.visit(&single, block, other, &mut dots));
        });
        let found = search.found.into_iter();
        let found: Vec<Nearest> = found
            .flat_map(|block| block.into_inner().unwrap_or_else(PoisonError::into_inner).nearest)
            .collect();
        let found = || found.iter().flat_map(|nearest| &nearest.found);
        Neighbours {
            k,
            index: found().map(|(_, index)| *index).collect(),
            distance: found().map(|(far, _)| *far).collect(),
        }
    }

    /// For each query the class that most of its `k` nearest have, by the classes of the
    /// references; of several, that of the nearest.
    pub(crate) fn classify(&self, k: usize, labels: &[u16], classes: usize) -> Vec<u16> {
        let queries = self.index.len().checked_div(self.k).unwrap_or(0);
        let mut votes = vec![0; classes];
        let classify = |query| {
            votes.fill(0);
            let classes = || self.row(query).take(k).map(|(index, _)| labels[index]);
            classes().for_each(|class| votes[usize::from(class)] += 1);
            let most = votes.iter().copied().max().unwrap_or(0);
            classes().find(|class| votes[usize::from(*class)] == most).unwrap_or(0)
        };
        (0..queries).map(classify).collect()
    }

    fn blocks(queries: usize, k: usize) -> Vec<Mutex<Found>> {
        let block = |first: usize| {
            let rows = BLOCK.min(queries - first);
            let nearest = Nearest::new(k);
            let farthest = vec![nearest.farthest(); rows];
            Mutex::new(Found { nearest: vec![nearest; rows], farthest })
        };
        (0..queries).step_by(BLOCK).map(block).collect()
    }

    /// The neighbours of query `i` and their distances, the nearest first.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let range = i * self.k..(i + 1) * self.k;
        let distance = &self.distance[range.clone()];
        self.index[range].iter().zip(distance).map(|(index, far)| (*index as usize, *far))
    }
}

/// The nearest so far of each query of a block.
struct Found {
    nearest: Vec<Nearest>,
    /// Only what is no farther counts.
    farthest: Vec<f32>,
}

impl Found {
    fn take(&mut self, query: usize, far: f32, index: u32) {
        self.nearest[query].take(far, index);
        self.farthest[query] = self.nearest[query].farthest();
    }
}

struct Search<'a> {
    len: usize,
    queries: &'a Codes,
    references: &'a Codes,
    /// Of the queries and of the references.
    norms: [Vec<f32>; 2],
    distance: Distance,
    itself: bool,
    found: Vec<Mutex<Found>>,
}

impl Search<'_> {
    /// Compares a block of queries with a block of references, and those with these, if they are
    /// queries themselves. `dots`: (`BLOCK`, `BLOCK`), of any content.
    fn visit(&self, cx: &Context, block: usize, other: usize, dots: &mut [f32]) {
        let block_of = |codes: &Codes, block: usize| {
            let first = block * BLOCK;
            (first, BLOCK.min(codes.samples() - first))
        };
        let (first, rows) = block_of(self.queries, block);
        let (start, cols) = block_of(self.references, other);
        let x = &self.queries.values[first * self.len..][..rows * self.len];
        let y = &self.references.values[start * self.len..][..cols * self.len];
        let (x, y) = (MatRef::new(x, rows, self.len), MatRef::new(y, cols, self.len));
        let dots = &mut dots[..rows * cols];
        gemm(cx, 1.0, x, y.transposed(), 0.0, MatMut::new(dots, rows, cols));
        let norms = &self.norms[1][start..][..cols];
        for (i, dots) in dots.chunks_exact_mut(cols).enumerate() {
            self.distance.of_dots(self.norms[0][first + i], norms, dots);
        }
        // Of two blocks, the first is locked first, so that no two tasks wait for each other.
        let lock = |block: usize| self.found[block].lock().unwrap_or_else(PoisonError::into_inner);
        let mut own = lock(block);
        let mut others = (self.itself && block != other).then(|| lock(other));
        let nowhere = vec![f32::NEG_INFINITY; cols];
        for (i, far) in dots.chunks_exact(cols).enumerate() {
            for at in (0..cols).step_by(LANES) {
                let lanes = at..(at + LANES).min(cols);
                let far = &far[lanes.clone()];
                let theirs = others.as_ref().map_or(&nowhere, |others| &others.farthest);
                if !any_counts(far, own.farthest[i], &theirs[lanes]) {
                    continue;
                }
                for (j, &far) in (at..).zip(far) {
                    if far <= own.farthest[i] && !(self.itself && first + i == start + j) {
                        own.take(i, far, (start + j) as u32);
                    }
                    if let Some(others) = &mut others
                        && far <= others.farthest[j]
                    {
                        others.take(j, far, (first + i) as u32);
                    }
                }
            }
        }
    }
}

/// Tells whether one of some distances is at most `own`, or at most its own of `theirs`.
#[inline]
fn any_counts(far: &[f32], own: f32, theirs: &[f32]) -> bool {
    let counts = |far: &[f32], theirs: &[f32]| {
        let pairs = far.iter().zip(theirs);
        pairs.fold(false, |any, (far, theirs)| any | (*far <= own) | (far <= theirs))
    };
    // Of a number that is known, they are compared at once.
    match (far.as_array::<LANES>(), theirs.as_array::<LANES>()) {
        (Some(far), Some(theirs)) => counts(far, theirs),
        _ => counts(far, theirs),
    }
}

impl Distance {
    /// Distances from the products of a code, whose squared norm is `own`, with others.
    fn of_dots(self, own: f32, norms: &[f32], dots: &mut [f32]) {
        let dots = dots.iter_mut().zip(norms);
        match self {
            Distance::Euclidean => {
                dots.for_each(|(dot, other)| *dot = (own + other - 2.0 * *dot).max(0.0));
            }
            Distance::Cosine => dots.for_each(|(dot, other)| {
                let norms = own * other;
                *dot = if norms > 0.0 { 1.0 - *dot / norms.sqrt() } else { 1.0 };
            }),
        }
    }
}

fn squared_norms(codes: &Codes) -> Vec<f32> {
    codes.values.chunks_exact(codes.len).map(|row| row.iter().map(|x| x * x).sum()).collect()
}

/// The nearest so far, in order.
#[derive(Clone, Debug)]
struct Nearest {
    k: usize,
    found: Vec<(f32, u32)>,
}

impl Nearest {
    fn new(k: usize) -> Nearest {
        Nearest { k, found: Vec::with_capacity(k + 1) }
    }

    /// What is farther does not count.
    fn farthest(&self) -> f32 {
        match self.found.last() {
            _ if self.k == 0 => f32::NEG_INFINITY,
            Some((far, _)) if self.found.len() == self.k => *far,
            _ => f32::INFINITY,
        }
    }

    fn take(&mut self, far: f32, index: u32) {
        let place = self.found.partition_point(|(other, at)| (*other, *at) < (far, index));
        self.found.insert(place, (far, index));
        self.found.truncate(self.k);
    }
}
