//! Samplers: the values of the next trial.
//!
//! | module | strategy |
//! |---|---|
//! | `random` | each parameter on its own |
//! | `grid` | all combinations |
//! | `tpe` | where good trials are denser than others |
//! | `coarse_to_fine` | the whole space, then the region of the best, again and again |

mod coarse_to_fine;
mod draws;
mod grid;
mod random;
mod ranking;
mod scale;
mod tpe;

use super::space::Space;
use super::study::Study;
use super::value::Values;

/// A way to choose the values of the next trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// At random.
    Random,
    /// All combinations, once each, in an order of the seed.
    Grid {
        /// The values of a range; a range of fewer whole numbers has them all.
        points: usize,
    },
    /// The tree-structured Parzen estimator.
    Tpe {
        /// True if the parameters are chosen together, false if each is alone.
        multivariate: bool,
    },
    /// At random, first in the whole space, then in ever smaller regions of the best trials.
    CoarseToFine,
}

impl Strategy {
    /// The values of the new trial `number`; none if the grid is exhausted. The study holds the
    /// trials before it: those of the strategy, which count from 0 on, and any others.
    ///
    /// A function of its arguments alone. With [`Strategy::Random`] and [`Strategy::Grid`], the
    /// trials so far do not matter: any number of workers try the same values.
    pub fn sample(&self, space: &Space, study: &Study, number: usize, seed: u64) -> Option<Values> {
        match *self {
            Strategy::Random => Some(random::sample(space, number, seed)),
            Strategy::Grid { points } => grid::sample(space, points, number, seed),
            Strategy::Tpe { multivariate } => {
                Some(tpe::sample(space, study, number, seed, multivariate))
            }
            Strategy::CoarseToFine => Some(coarse_to_fine::sample(space, study, number, seed)),
        }
    }

    /// The number of trials after which the strategy ends, if it does.
    pub fn trials(&self, space: &Space) -> Option<u64> {
        match *self {
            Strategy::Grid { points } => Some(grid::size(space, points)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
