//! The choice of a convolution's algorithm, and the scratch that follows from it.

use super::geometry::{Conv, Direction};
use super::{depthwise, fold, partial_sums, pointwise, strided, winograd};
use crate::gemm::has_windows;
use crate::hardware::simd::Isa;

/// The ways to compute a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// A product of the images as they stand.
    Pointwise,
    /// Each channel by itself.
    Depthwise,
    /// Products with all taps, of which each pixel adds up its own: the input gradient only.
    Fold,
    /// Minimal filtering.
    Winograd,
    /// Patches read where they are: it needs a kernel for windows.
    Strided,
    /// Patches gathered by blocks: any convolution.
    Gathered,
}

impl Algorithm {
    /// It depends neither on the batch nor on the threads, so that a sample has the same bits in
    /// any batch. `windows`: whether the ISA has a kernel for them.
    fn of(conv: &Conv, direction: Direction, windows: bool) -> Algorithm {
        if pointwise::suits(conv) {
            Algorithm::Pointwise
        } else if depthwise::suits(conv) {
            Algorithm::Depthwise
        } else if direction == Direction::InputGradient && fold::suits(conv) {
            Algorithm::Fold
        } else if winograd::suits(conv, direction) {
            Algorithm::Winograd
        } else if windows && strided::suits(conv, direction) {
            Algorithm::Strided
        } else {
            Algorithm::Gathered
        }
    }

    /// The scratch values of one pass over at most that many images.
    pub fn scratch_len(self, conv: &Conv, direction: Direction, batch: usize) -> usize {
        match (direction, self) {
            (_, Algorithm::Pointwise) => 0,
            (Direction::WeightGradient, _) => partial_sums::scratch_len(conv, batch),
            (_, Algorithm::Winograd) => winograd::weights_len(conv),
            (Direction::Forward, _) | (_, Algorithm::Fold) => 0,
            (Direction::InputGradient, _) => conv.weight_len(),
        }
    }
}

/// The algorithms of the three passes, on an ISA without a kernel for windows and on one with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice([[Algorithm; 3]; 2]);

impl Choice {
    pub fn of(conv: &Conv) -> Choice {
        Choice(
            [false, true].map(|windows| {
                Direction::ALL.map(|direction| Algorithm::of(conv, direction, windows))
            }),
        )
    }

    pub fn get(&self, direction: Direction, isa: Isa) -> Algorithm {
        self.0[usize::from(has_windows(isa))][direction as usize]
    }

    /// The scratch values that any pass needs, on any ISA of this processor.
    pub fn scratch_len(&self, conv: &Conv, batch: usize) -> usize {
        let passes = Isa::detected().flat_map(|isa| {
            Direction::ALL.map(|pass| self.get(pass, isa).scratch_len(conv, pass, batch))
        });
        passes.max().unwrap_or(0)
    }
}
