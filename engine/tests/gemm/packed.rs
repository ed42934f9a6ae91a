//! A B that is packed once: against the triple loop, and to the bit against a B that is not.

use super::case::Case;
use super::{KC, MEDIUM, for_each_isa, single, tile};
use narrows_engine::gemm::{Epilogue, MatMut, MatRef, PackedB, Rectifier, gemm_packed};
use narrows_engine::parallel::Context;
use narrows_engine::simd::Isa;

/// The case with B packed beforehand.
fn packed(case: Case) -> Case {
    Case { alpha: 1.0, packed: true, ..case }
}

#[test]
fn all_small_shapes() {
    for_each_isa("packed: all_small_shapes", |isa| {
        let (cx, (mr, nr)) = (single(isa), tile(isa));
        let mut seed = 0;
        for m in 0..=2 * mr + 1 {
            for n in 0..=2 * nr + 1 {
                for k in [0, 1, 2, 3, 5, 9] {
                    seed += 1;
                    packed(Case::new(m, n, k)).check(&cx);
                    packed(Case::new(m, n, k).varied(seed)).check(&cx);
                }
            }
        }
    });
}

#[test]
fn shapes_around_blocks_of_k() {
    for_each_isa("packed: shapes_around_blocks_of_k", |isa| {
        let (cx, (mr, nr)) = (single(isa), tile(isa));
        for k in [KC - 1, KC, KC + 1, 2 * KC + 1] {
            for m in [1, mr, 2 * mr + 1] {
                for n in [1, nr / 2, nr - 1, nr, nr + 1, 2 * nr + 1] {
                    for seed in 0..6 {
                        let case = Case::new(m, n, k).varied(seed * 1000 + (k + m + n) as u64);
                        packed(Case { real: true, ..case }).check(&cx);
                    }
                }
            }
        }
    });
}

#[test]
fn the_bits_are_those_of_a_b_that_is_not_packed() {
    let bits = |c: Vec<f32>| c.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    for_each_isa("the_bits_are_those_of_a_b_that_is_not_packed", |isa| {
        let contexts = [1, 2, 3].map(|threads| Context::with_isa(isa, threads).expect("threads"));
        for &(m, n, k) in MEDIUM {
            for layout in 0..8 {
                let transposed = [layout & 1 == 1, layout & 2 == 2, layout & 4 == 4];
                let bias = layout < 4;
                let rectifier = if bias { Rectifier::Relu6 } else { Rectifier::None };
                let case = Case { transposed, bias, rectifier, real: true, ..Case::new(m, n, k) };
                let case = Case { beta: if bias { 0.0 } else { 1.0 }, ..case };
                packed(case).check(&contexts[1]);
                let want = bits(case.run(&contexts[0]));
                for cx in &contexts {
                    assert!(bits(packed(case).run(cx)) == want, "{case:?} with {isa:?}");
                }
            }
        }
    });
}

#[test]
fn another_isa_or_shape_is_refused() {
    let message = |f: &dyn Fn()| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).expect_err("a panic");
        panic.downcast_ref::<String>().cloned().expect("a message")
    };
    let data = [1.0; 12];
    let multiply = |isa: Isa, of: Isa, k: usize| {
        let packed = PackedB::new(of, MatRef::new(&data, 3, 4));
        let mut c = [0.0; 8];
        let a = MatRef::new(&data[..2 * k], 2, k);
        let c = MatMut::new(&mut c, 2, 4);
        gemm_packed(&single(isa), a, &packed, 0.0, c, Epilogue::default());
    };
    for_each_isa("another_isa_or_shape_is_refused", |isa| {
        multiply(isa, isa, 3);
        let text = message(&|| multiply(isa, isa, 2));
        assert!(text.contains("cannot multiply 2 x 2 by 3 x 4 into 2 x 4"), "{text}");
        let text =
            message(&|| PackedB::new(isa, MatRef::new(&data, 3, 4)).pack(MatRef::new(&data, 4, 3)));
        assert!(text.contains("4 x 3 in the place of 3 x 4"), "{text}");
        for other in Isa::available().into_iter().filter(|other| *other != isa) {
            let text = message(&|| multiply(isa, other, 3));
            assert!(text.contains(&format!("packed for {}", other.name())), "{text}");
        }
    });
}
