//! The nearest of many codes, by matrix products.
//!
//! ```text
//! for a block of queries:                 in parallel
//!     for a block of references:
//!         dots = queries references^T     one product
//!         each query keeps the k nearest so far
//! ```
//!
//! A product of blocks costs a small part of what as many distances one by one would, and memory
//! grows with neither number.

use super::space::Codes;
use crate::names::named;
use narrows_engine::Context;
use narrows_engine::gemm::{MatMut, MatRef, gemm};

/// The queries of a block.
const QUERIES: usize = 128;

/// The references of a block: with its queries 256 KB of products, which stay in the cache.
const REFERENCES: usize = 512;

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
        let norms = [queries, references].map(squared_norms);
        let blocks = queries.samples().div_ceil(QUERIES);
        let single = cx.single();
        let found = cx.map(blocks, |block| {
            let first = block * QUERIES;
            let rows = QUERIES.min(queries.samples() - first);
            let mut nearest = vec![Nearest::new(k); rows];
            let mut dots = vec![0.0; rows * REFERENCES];
            let len = queries.len;
            let x = MatRef::new(&queries.values[first * len..][..rows * len], rows, len);
            for start in (0..references.samples()).step_by(REFERENCES) {
                let cols = REFERENCES.min(references.samples() - start);
                let y = MatRef::new(&references.values[start * len..][..cols * len], cols, len);
                let dots = &mut dots[..rows * cols];
                gemm(&single, 1.0, x, y.transposed(), 0.0, MatMut::new(dots, rows, cols));
                for (i, dots) in dots.chunks_exact(cols).enumerate() {
                    let query = first + i;
                    let a = norms[0][query];
                    for (at, (&dot, &b)) in (start..).zip(dots.iter().zip(&norms[1][start..])) {
                        let far = match distance {
                            Distance::Euclidean => (a + b - 2.0 * dot).max(0.0),
                            Distance::Cosine if a * b > 0.0 => 1.0 - dot / (a * b).sqrt(),
                            Distance::Cosine => 1.0,
                        };
                        if far < nearest[i].farthest && !(itself && at == query) {
                            nearest[i].take(far, at as u32);
                        }
                    }
                }
            }
            nearest
        });
        let found = || found.iter().flatten().flat_map(|nearest| &nearest.found);
        Neighbours {
            k,
            index: found().map(|(_, index)| *index).collect(),
            distance: found().map(|(far, _)| *far).collect(),
        }
    }

    /// The neighbours of query `i` and their distances, the nearest first.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let range = i * self.k..(i + 1) * self.k;
        let distance = &self.distance[range.clone()];
        self.index[range].iter().zip(distance).map(|(index, far)| (*index as usize, *far))
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
    /// Only nearer references count.
    farthest: f32,
}

impl Nearest {
    fn new(k: usize) -> Nearest {
        let farthest = if k == 0 { f32::NEG_INFINITY } else { f32::INFINITY };
        Nearest { k, found: Vec::with_capacity(k + 1), farthest }
    }

    fn take(&mut self, far: f32, index: u32) {
        let place = self.found.partition_point(|(other, _)| *other <= far);
        self.found.insert(place, (far, index));
        self.found.truncate(self.k);
        if self.found.len() == self.k {
            self.farthest = self.found.last().map_or(f32::NEG_INFINITY, |(far, _)| *far);
        }
    }
}
