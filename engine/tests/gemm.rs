//! Matrix multiplication against a triple loop in double precision, on every ISA of this machine.

mod case;
mod contract;
mod packed;
mod tiny;

use crate::support::{self, single};
use case::Case;
use narrows_engine::gemm::{Rectifier, kernel_name};
use narrows_engine::parallel::Context;
use narrows_engine::simd::Isa;

/// Rows of B in a block, see `engine/src/gemm/tiled/blocks.rs`.
const KC: usize = 512;

/// Calls `f` for every ISA of this machine, and says which were run.
fn for_each_isa(test: &str, mut f: impl FnMut(Isa)) {
    for isa in support::isas() {
        println!("{test}: running {} ({})", isa.name(), kernel_name(isa));
        f(isa);
    }
}

/// Rows and columns of the micro-kernel's tile.
fn tile(isa: Isa) -> (usize, usize) {
    let name = kernel_name(isa);
    let sizes = name.rsplit('_').next().and_then(|tile| tile.split_once('x'));
    sizes.and_then(|(mr, nr)| Some((mr.parse().ok()?, nr.parse().ok()?))).unwrap_or((8, 8))
}

#[test]
fn all_small_shapes() {
    for_each_isa("all_small_shapes", |isa| {
        let (cx, (mr, nr)) = (single(isa), tile(isa));
        let mut seed = 0;
        for m in 0..=2 * mr + 1 {
            for n in 0..=2 * nr + 1 {
                for k in 0..=9 {
                    seed += 1;
                    Case::new(m, n, k).check(&cx);
                    Case::new(m, n, k).varied(seed).check(&cx);
                }
            }
        }
    });
}

#[test]
fn shapes_around_blocks_of_k() {
    for_each_isa("shapes_around_blocks_of_k", |isa| {
        let (cx, (mr, nr)) = (single(isa), tile(isa));
        for k in [KC - 1, KC, KC + 1, 2 * KC + 1] {
            for m in [1, mr - 1, mr, mr + 1, 2 * mr + 1] {
                for n in [1, nr / 2, nr - 1, nr, nr + 1, 2 * nr + 1] {
                    for seed in 0..6 {
                        let case =
                            Case::new(m, n, k).varied((seed * 1000 + k * 100 + m * 10 + n) as u64);
                        case.check(&cx);
                        Case { real: true, ..case }.check(&cx);
                    }
                }
            }
        }
    });
}

/// Every layout of each matrix with every way to finish, rather than a random choice.
#[test]
fn all_variants_of_some_shapes() {
    for_each_isa("all_variants_of_some_shapes", |isa| {
        let (cx, (mr, nr)) = (single(isa), tile(isa));
        for (m, n, k) in [(mr + 3, nr + 5, 70), (3, 2 * nr, 65), (5 * mr, 7, 80)] {
            for bits in 0..384 {
                let bit = |at: usize| bits >> at & 1 == 1;
                for (alpha, beta) in [(1.0, 0.0), (0.5, 1.0), (-2.0, 0.5), (0.0, -1.0)] {
                    let case = Case {
                        transposed: [bit(0), bit(1), bit(2)],
                        gap: if bit(3) { 3 } else { 0 },
                        spread: usize::from(bit(4)),
                        offset: usize::from(bit(5)),
                        alpha,
                        beta,
                        bias: bit(6),
                        rectifier: [Rectifier::None, Rectifier::Relu, Rectifier::Relu6][bits >> 7],
                        ..Case::new(m, n, k)
                    };
                    case.check(&cx);
                }
            }
        }
    });
}

/// Shapes that cross blocks of rows and of columns, several tasks, and rows that collide in the
/// cache.
const MEDIUM: &[(usize, usize, usize)] = &[
    (150, 600, 300),
    (300, 1100, 70),
    (900, 40, 300),
    (33, 1030, 520),
    (250, 250, 1024),
    (64, 512, 784),
];

#[test]
fn medium_shapes() {
    for_each_isa("medium_shapes", |isa| {
        let cx = Context::with_isa(isa, 2).expect("two threads");
        for (seed, &(m, n, k)) in MEDIUM.iter().enumerate() {
            Case { real: true, ..Case::new(m, n, k) }.check(&cx);
            Case::new(m, n, k).varied(seed as u64).check(&cx);
        }
    });
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for_each_isa("any_number_of_threads_gives_the_same_bits", |isa| {
        let contexts = [1, 2, 3].map(|threads| Context::with_isa(isa, threads).expect("threads"));
        for &(m, n, k) in MEDIUM {
            for layout in 0..8 {
                let transposed = [layout & 1 == 1, layout & 2 == 2, layout & 4 == 4];
                let case =
                    Case { transposed, beta: 0.7, bias: true, real: true, ..Case::new(m, n, k) };
                let [one, two, three] = contexts.each_ref().map(|cx| case.run(cx));
                let bits = |c: &[f32]| c.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert!(
                    bits(&one) == bits(&two) && bits(&one) == bits(&three),
                    "{case:?} with {isa:?}"
                );
            }
        }
    });
}
